"""Bands in the names of columns: ``Vmag``, ``e_Vmag``, ``g_lim``, and bare ``V``."""

import re

from bridge.publishing.sources.tables.elements.names import split_brackets
from bridge.publishing.sources.tables.elements.words import words

BANDS = words(
    "UVW1 UVW2 UVM2 uvw1 uvw2 uvm2 W1 W2 W3 W4 w1 w2 w3 w4 BP RP Bp Rp Ks gp rp ip up zs Rc Ic CV CR R_C I_C R_c I_c "
    "TG TB TR U B V R I J H K Y G u g r i z y w c o L u' g' r' i' z'"
)
_BAND = "|".join(sorted(BANDS))
_PSF = r"(?:psf|PSF)_?[Mm]ag"
"""Of the SDSS (``psfMag_g``) and of Pan-STARRS (``gPSFMag``)."""
_VALUE = re.compile(
    rf"(?:({_BAND})[ _.-]?(?:mags?|Mags?|magnitude|MAG|Magnitude)?|(?:mags?|Mag|m_|m|magnitude|MAG)[ _.-]?({_BAND})|"
    rf"{_PSF}_?({_BAND})|({_BAND}){_PSF})"
)
_PREFIXED = rf"(?:e|err|error|sig|sigma|unc|d|s|ERR|E|Err)[ _.-]?(?:mag[ _.-]?)?({_BAND})[ _.-]?(?:mag|Mag|MAG)?"
_SUFFIXED = (
    rf"(?:mag[ _.-]?|m_)?({_BAND})[ _.-]?(?:mag|Mag|MAG)?[ _.-]?(?:err|error|e|sig|sigma|unc|uncertainty|ERR|Err|Error)"
)
_JOINED = rf"(?:magerr|emag|e_mag|mag_err|MagErr)[ _.-]?({_BAND})|({_BAND})[ _.-]?(?:emag|e_mag)"
_PSF_ERROR = rf"{_PSF}_?[Ee]rr_?({_BAND})|({_BAND}){_PSF}Err"
_BAND_ERROR = re.compile(rf"{_PREFIXED}|{_SUFFIXED}|{_JOINED}|{_PSF_ERROR}")
_ERROR_OF = re.compile(rf"(?:e|err|error|sig|sigma|\u03c3|unc|uncertainty)\s*\(\s*({_BAND})\s*\)", re.IGNORECASE)
_SYSTEM = re.compile(r"[ _](?:AB|Vega)(?=[ _]|$)")
_BAND_MARK = re.compile(rf"l_(?:({_BAND})(?:mag)?|mag_?({_BAND}))")


def band_of_value(whole: str) -> tuple[str, bool] | None:
    """Return the band in a name (``Vmag``, ``mag_g``, bare ``V``), and whether it names a magnitude."""
    bare = _bare(whole)
    if found := _VALUE.fullmatch(bare):
        band = next(band for band in found.groups() if band)
        return band, bare != band
    if (found := re.fullmatch(r"(?:mag|magnitude)\s*[\[(]\s*(\w+)\s*[\])]", whole, re.IGNORECASE)) and found[
        1
    ] in BANDS:
        return found[1], True
    return None


def band_of_error(whole: str) -> str | None:
    """Return the band in the name of an error (``e_Vmag``, ``g_err``, ``sigma_r``, ``sigma(r)``)."""
    if (found := _ERROR_OF.fullmatch(whole.strip())) and found[1] in BANDS:
        return found[1]
    found = _BAND_ERROR.fullmatch(_bare(whole).replace("\u03c3", "sigma"))
    return next((band for band in found.groups() if band), None) if found else None


def _bare(whole: str) -> str:
    """Return a name without its brackets and its magnitude system: ``r_AB`` is in r."""
    return _SYSTEM.sub("", split_brackets(whole)[0])


def band_of_mark(whole: str) -> str | None:
    """Return the band in the name of a limit's mark, as VizieR names it (``l_Vmag``)."""
    found = _BAND_MARK.fullmatch(whole.strip())
    return next((band for band in found.groups() if band), None) if found else None


_LIMIT_OF = r"(?:lim|limit|limmag|maglim|uplim|upperlimit|ul|lim_mag|mag_lim)"
_BAND_LIMIT = re.compile(rf"({_BAND})[ _.-]?(?:mag[ _.-]?)?{_LIMIT_OF}|{_LIMIT_OF}[ _.-]?({_BAND})")


def band_of_limit(whole: str) -> str | None:
    """Return the band in the name of a limit (``g_lim``, ``limit_r``)."""
    found = _BAND_LIMIT.fullmatch(split_brackets(whole)[0])
    return next((band for band in found.groups() if band), None) if found else None


_SHIFTED = re.compile(rf"(?:{_BAND})\s*[-+\u2212]\s*\d+(?:\.\d+)?")


def is_shifted(cell: str) -> bool:
    """Return whether a filter is written with what was added to its magnitudes in a plot: ``r+0.5``."""
    return bool(_SHIFTED.fullmatch(cell.strip()))


_OTHERS = words(
    "lim limit ul model abs absolute rest restframe host diff synth synthetic inst template comp sky ref "
    "err error log mean median average avg sum dered dereddened ext corr corrected"
)
_NO_BAND = re.compile(
    rf"(?:{_BAND})\s*[-\u2212]\s*(?:{_BAND})|.*[?*<>~\"\u2020\u2021\u0394\u2206].*|"
    rf"(?:{_BAND})_?(?:0|lim|err|ext)"
)


def is_other(cell: str) -> bool:
    """Return whether a filter says that its values are no magnitudes in it: ``g-r``, ``r*``, ``r lim``, ``r_model``."""
    if cell.strip().lower() in ("true", "false", "yes", "no", "none"):
        return True
    return bool(_NO_BAND.fullmatch(cell.strip())) or not _OTHERS.isdisjoint(re.split(r"[\W_]+", cell.lower()))


_OF_BAND = re.compile(r"(.+?)[ _.-]([^ _.-]+)")


def of_band(whole: str) -> tuple[str, str] | None:
    """Return what a column is and the band that ends its name (``mjd_g``), None where none does."""
    found = _OF_BAND.fullmatch(whole)
    return (found[1], found[2]) if found and found[2] in BANDS else None
