"""By which names columns are known, and what a name says beside: a unit, a time scale, a band, an offset.

``err (mmag)`` is an error in millimagnitudes, ``mjd_tt`` an MJD in TT, ``e_Vmag`` the error of a V magnitude.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from bridge.publishing.sources.tables.elements import languages
from bridge.publishing.sources.tables.elements.clocks import OTHER_CLOCKS, SCALES
from bridge.publishing.sources.tables.elements.words import words


class Role(StrEnum):
    """What a column holds; the words of ``--columns``."""

    TIME = "time"
    BRIGHTNESS = "brightness"
    ERROR = "error"
    LIMIT = "limit"
    IS_LIMIT = "is_limit"
    IS_DETECTION = "is_detection"
    IS_BAD = "is_bad"
    IS_GOOD = "is_good"
    BANDPASS = "bandpass"
    UNIT = "unit"
    EXPOSURE = "exposure_time"
    TELESCOPE = "telescope"
    INSTRUMENT = "instrument"
    REDUCTION = "reduction_version"
    SOURCE = "source_name"
    LOCATION = "source_location"
    ZERO_POINT = "zero_point"
    SYSTEM = "system"
    TIME_UNIT = "time_unit"
    WAVELENGTH = "wavelength"
    RA = "ra"
    DEC = "dec"
    RA_ERROR = "ra_error"
    DEC_ERROR = "dec_error"
    EXTRA = "extra"


TEXTS = (Role.BANDPASS, Role.TELESCOPE, Role.INSTRUMENT, Role.REDUCTION, Role.SOURCE, Role.LOCATION)
"""Roles whose cells are taken as they are."""

MAGNITUDES = (
    words(
        "brightness magnitude magnitudes mag mags magpsf psfmag calmag apmag magap apparentmagnitude appmag "
        "averagemag meanmag magmean avgmag magauto magaper magcal calibmag calibratedmag magcalib magflux magopt "
        "sourceamagt1 "
    )
    | languages.MAGNITUDES
)
FLUXES = words(
    "flux fluxdensity psfflux forcedflux fluxpsf fnu flambda diffflux fluxdiff psfdiffflux countrate "
    "fluxcal apflux fluxap aperflux rate netrate"
)
_FLUX_UNITS = {"jy": "Jy", "mjy": "mJy", "ujy": "uJy", "njy": "nJy"}

GENERAL_ERRORS = words("error err unc uncertainty sigma sig uncert e errors stddev std sd") | languages.ERRORS
_PLUS_MINUS = words("\u00b1 +/- +- -/+")
MAGNITUDE_ERRORS = words(
    "brightnesserror brightnesserr magnitudeerror magnitudeerr magerr magerror errmag errormag emag "
    "emagnitude dmag sigmag sigmamag sigmapsf magsigma magsig magunc merr psfmagerr magnitudeuncertainty "
    "maguncertainty uncmag mage magnitudeerrors magstd ebrightness apmagerr errmagnitude emags magerrs "
    "magpsferr rmsmag magsd magrms magstdev sourceamagerrt1"
)
FLUX_ERRORS = words(
    "fluxerr fluxerror eflux dflux fluxunc sigmaflux fluxsigma psffluxerr fluxuncertainty errflux "
    "forcedfluxerr fluxdensityerr fluxdensityerror psfdifffluxerr fluxcalerr difffluxerr rateerr raterror "
    "countrateerr fluxpsferr fluxerrs fluxe brightnesserr brightnesserror rms"
)
_NAMES: Mapping[Role, frozenset[str]] = {
    Role.LIMIT: words(
        "limit upperlimit limitingmagnitude limitingmag limmag maglim maglimit magnitudelimit diffmaglim "
        "detectionlimit ul lim uplim upperlim ulim limitmag limmagnitude limitmagnitude maglimiting limits "
        "upperlimits 3sigmalimit 5sigmalimit limit3sigma limit5sigma maglim3sig maglim5sig limmag5sigma "
        "limmag3sigma magul ulmag fluxlimit fluxlim limflux nondetectionlimit mlim nondetlimit detlim detlimit "
        "upperlimitmag magupperlimit maglimit5sigma limmagflux limmagopt"
    )
    | languages.LIMITS,
    Role.IS_LIMIT: words(
        "islimit isupper upper limit limitflag upperlimitflag nondetection isnondetection nondet ulflag flagul isul "
        "limflag isulimit limitmark limmark isuplim uplimflag isnondet flaglimit magflaglimit isupper "
        "isupperlim nondetectionflag censored iscensored censor"
    ),
    Role.IS_DETECTION: words("detected detection isdetection isdetected isdet det detectionflag detflag detect"),
    Role.BANDPASS: words(
        "bandpass filter band passband filtername filt flt filtercode filterid bandname passbandname "
        "photfilter ifilter filters bands photband obsfilter fil filterused magfiltername"
    )
    | languages.BANDPASSES,
    Role.UNIT: words(
        "unit units brightnessunit magunit fluxunit fluxunitname fluxunits magunits brightnessunits unitflux"
    ),
    Role.EXPOSURE: words(
        "exposuretime exptime exposure texp expt exp exposuretimes itime integrationtime tint totalexptime "
        "totexp exposuresec"
    ),
    Role.TELESCOPE: words("telescope tel telinst telescopename facility observatory telescop facilityname"),
    Role.INSTRUMENT: words("instrument inst instrumentname instr camera instrume detector"),
    Role.REDUCTION: frozenset(["reductionversion", "redversion", "pipelineversion"]),
    Role.SOURCE: frozenset(["sourcename", "source", "survey", "origin"]),
    Role.LOCATION: frozenset(["sourcelocation", "sourceurl"]),
    Role.ZERO_POINT: words("zp zeropoint zeropt magzp zpt zpmag photzp magzpt zpdiff zeropointmag zpvalue zmag"),
    Role.SYSTEM: words(
        "magsys zpsys magsystem magnitudesystem photsys photometricsystem system sys photsystem zpsystem magtype"
    ),
    Role.TIME_UNIT: words(
        "timeunit tunit timeunits utime timeformat timesys timesystem timescale timetype jdtype datetype dateformat"
    ),
}

_SIGMAS = re.compile(r"[35](?:sig(?:mas?)?|s$)")
OBJECTS = words(
    "object objects objectname objectid objid target targetname star starname oid sn snname snid event "
    "iauname ztfid atlasid name identifier sourceid obj objname tnsname designation supernova nova src tic "
    "ticid kic kicid epic epicid masterid inputid gaiaid diaobjectid locusid auid component permid provid desig"
)
"""Names of columns that name the object: a table of several is of several targets."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?<![mun\u00b5\u03bc](?=Jy))(?=[A-Z])|[\W_]+")
_FLAT = re.compile(r"[\W_]")
_GREEK = str.maketrans(
    {
        "\u00b5": "u",
        "\u03bc": "u",
        "\u03c3": "sigma",
        "\u0394": "delta",
        "\u03b4": "delta",
        "\u03b1": "alpha",
        "\u03bb": "lambda",
    }
)
"""Letters that change what a name means: \u00b5Jy is no Jy, and \u0394mag no mag."""
_UNIT_TOKENS = words(
    "s sec secs second seconds min mins minute minutes h hr hrs hour hours d day days ms mag mags mmag "
    "millimag Jy mJy uJy muJy nJy microJy jy mjy ujy njy deg arcsec mas "
    "nm um micron microns Angstrom angstrom AA"
)
_MARKS = re.compile(r"[*?~<>!^\u2020\u2021\u00a7](?!\s*\d)|^\s*[-\u2212](?=[A-Za-z])")
"""What a name says that is no letter: ``mag*``, ``mag?``, ``-mag`` may be no magnitudes."""
_COLOR_EXCESS = re.compile(r"E[ _]?\(?[A-Z][ _-]*[-\u2013][ _]*[A-Z]\)?(?:_?MW)?", re.IGNORECASE)
_AB_MAGNITUDE = re.compile(r"(?<![A-Za-z])(?:AB|ab)(?=[Mm]ag)")
_SYSTEM_TOKENS = frozenset({"ab", "vega"})


@dataclass(frozen=True, kw_only=True)
class Name:
    """A column's name, taken apart."""

    whole: str
    flat: str
    """Lower case, without brackets, unit and time scale; what is looked up."""
    said: tuple[str, ...]
    """What stands in brackets, and units and scales at the end, as written."""
    tokens: frozenset[str]
    """The words that it is made of, in lower case."""


@lru_cache(maxsize=10_000)
def parsed(whole: str) -> Name:
    """Return ``whole`` taken apart."""
    if _COLOR_EXCESS.fullmatch(whole.strip()):  # no error in the unit B-V
        return Name(whole=whole, flat="ebv", said=(), tokens=frozenset({"ebv"}))
    bare, brackets = split_brackets(whole.replace("\u2206", "\u0394"))  # a sign of mathematics is no letter
    said = [part.strip() for text in brackets for part in text.split(",") if part.strip()]
    said += [mark[0].strip() for mark in _MARKS.finditer(bare)]
    bare = _MARKS.sub(" ", bare).strip()
    offset = re.search(r"[+-]\s*\d[\d.,]*\s*$|(?<!\d)24\d{5}\s*\+\s*$|[+-]\s*\d[\d.]*[eE]\d\s*$", bare)
    if offset and re.search(r"jd|day|date|time", bare, re.IGNORECASE):
        said.append(bare)
        bare = bare[: offset.start()]
    if _AB_MAGNITUDE.search(bare):
        said.append("AB")
        bare = _AB_MAGNITUDE.sub("", bare)
    tokens = [token for token in _CAMEL.split(bare) if token]
    words = frozenset(token.lower() for token in _CAMEL.split(whole) if token)
    if len(tokens) > 1 and tokens[0].lower() in _SYSTEM_TOKENS and _known("".join(tokens[1:]).lower()):
        said.append(tokens.pop(0))
    for system in [token for token in tokens[1:-1] if token.lower() in _SYSTEM_TOKENS]:  # mag_ab_err
        if _known("".join(token for token in tokens if token is not system).lower()):
            tokens.remove(system)
    while len(tokens) > 1 and _is_said(tokens[-1]) and not _known("".join(tokens).lower()):
        if any("".join(tokens[:-1]).lower() in _NAMES[role] for role in TEXTS):
            break  # a text has no unit: inst_mag is no instrument
        said.append(tokens.pop())
    return Name(
        whole=whole, flat=_FLAT.sub("", "".join(tokens).translate(_GREEK).lower()), said=tuple(said), tokens=words
    )


def split_brackets(whole: str) -> tuple[str, list[str]]:
    """Return a name without its brackets, and what stands in each of them: ``flux``, ``erg / (s cm2)``."""
    bare, found, depth = "", [""], 0
    for mark in whole:
        if mark in "([{":
            depth += 1
            if depth == 1:
                bare += " "
                continue
        elif mark in ")]}" and depth:
            depth -= 1
            if depth == 0:
                found.append("")
                continue
        if depth:
            found[-1] += mark
        else:
            bare += mark
    return " ".join(bare.split()), [text.strip() for text in found if text.strip()]


def _is_said(token: str) -> bool:
    return (
        token.translate(_GREEK) in _UNIT_TOKENS
        or token.lower() in SCALES
        or token.lower() in _SYSTEM_TOKENS | OTHER_CLOCKS
    )


def _known(flat: str) -> bool:
    return (
        flat in GENERAL_ERRORS
        or flat in MAGNITUDES | FLUXES | MAGNITUDE_ERRORS | FLUX_ERRORS
        or any(flat in names for names in _NAMES.values())
    )


def role_of(name: Name) -> Role | None:
    """Return what a column of this name holds, by the name alone; None for times, brightnesses and what is unknown."""
    flat = _SIGMAS.sub("", name.flat)
    return next(
        (role for role, names in _NAMES.items() if name.flat in names or (flat in names and role is Role.LIMIT)), None
    )


def is_magnitude(name: Name) -> bool:
    """Return whether a column of this name is the brightness."""
    return name.flat in MAGNITUDES


def flux_unit(name: Name) -> str | None:
    """Return the unit in the name of a column of fluxes, empty where there is none; None for any other column."""
    if name.flat in _FLUX_UNITS:
        return name.whole if name.whole in ("Jy", "mJy", "uJy", "nJy") else _FLUX_UNITS[name.flat]
    if name.flat.startswith("flux") and name.flat[4:] in _FLUX_UNITS:
        return _FLUX_UNITS[name.flat[4:]]
    return "" if name.flat in FLUXES else None


def is_error(name: Name, *, of_flux: bool) -> bool:
    """Return whether a column of this name is the error of the brightness."""
    if name.flat in GENERAL_ERRORS or name.whole in _PLUS_MINUS:
        return True
    if of_flux and re.fullmatch(r"(?:d|e|err|sigma)(?:[munj]?jy)|(?:[mun]?jy)(?:err|error|unc)", name.flat):
        return True
    return name.flat in (FLUX_ERRORS if of_flux else MAGNITUDE_ERRORS)


def errors_of(flat: str) -> frozenset[str]:
    """Return the flat names of errors that are named after a column: ``e_X``, ``X_err``."""
    return frozenset({f"{before}{flat}" for before in ("e", "err", "sigma", "d")}) | {
        f"{flat}{after}" for after in ("err", "error", "unc", "sigma")
    }


def is_flux_error(name: Name) -> bool:
    """Return whether a column is the error of a flux by its name."""
    return name.flat not in GENERAL_ERRORS and is_error(name, of_flux=True)


def is_one_sided(name: Name) -> bool:
    """Return whether a column is the error to one side only."""
    sides = {"plus", "minus", "upper", "lower", "hi", "lo", "high", "low", "pos", "neg", "up", "down"}
    is_signed = len(name.whole.strip()) > 2 and name.whole.strip()[-1] in "+-\u2212" and name.flat in GENERAL_ERRORS
    of_error = name.tokens & (GENERAL_ERRORS | {"magerr", "emag", "unc", "fluxerr"})
    return is_signed or bool(name.tokens & sides and of_error)


LIMIT_WORDS = re.compile(
    r"\blim(?:it|its|iting|mag)?\b|upper|uplim|\bul\b|^ul|[_ ]ul|non[ _-]?det|undetect|not "
    r"detected|fainter|depth|\bl_|limit|"
    r"\b[35] ?-?sig(?:ma)?\b|\bm5\b",
    re.IGNORECASE,
)
"""Words that may say that values are limits, in a column's name."""
