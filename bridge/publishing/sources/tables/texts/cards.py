"""What keywords of a header say of a spectrum or a table, by the names that instruments and pipelines write."""

import re
from collections.abc import Collection, Mapping

from bridge.publishing.sources.tables.elements import bands, units
from bridge.publishing.sources.tables.elements.cells import NO, YES, number_of
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.texts import wordings
from bridge.publishing.sources.tables.texts.remarks import FACTOR

_FACTOR = re.compile(r"F(?:LU?X)?[_-]?(?:SC|FAC|NORM)\w*|MULT\w*|FACTOR|SCALFAC\w*|BSCALED")
"""A factor in a keyword of somebody's own, of which nothing says whether the fluxes have it."""
_SCALE = re.compile(r"SCAL|FAC|MULT|UNIT|POWER")
_POWER_OF_TEN = re.compile(r"1(?:\.0*)?e[-+]?\d+|10{3,}(?:\.0*)?|0?\.0{2,}1")
_CHANGED = re.compile(
    r"REST(?:FR(?:AM\w*|M))?|AT_?REST|Z_?APPL\w*|CONT_?NORM\w*|Z_?COR\w*|DERED\w*|SIMULAT\w*|NORM\w*|CONT_?SUB\w*|"
    r"LOGFLUX"
)
"""Keywords whose *true* says that a spectrum is at rest, corrected or normalised."""
_KINDS = words(
    "OBSTYPE IMAGETYP IMTYPE OBS_TYPE EXPTYPE DATATYPE DPRTYPE DPR_TYPE FRAMETYP EXTNAME SPECTYPE HDUCLAS2 DPR_CATG "
    "PRO_CATG"
)
_OTHERS = words(
    "arc arcs lamp comp comparison flat sky bias dark zero model synthetic simulated simulation template error err "
    "sigma stddev ivar variance var mask dq quality telluric standard standards std calib cont continuum compstar "
    "refstar checkstar"
)
_NO_TARGETS = words("arc arcs lamp comp flat flats sky bias dark zero background standard telluric")
"""What ``OBJECT`` says of what is no target."""
_NAMES = words("CNAME1 WCSNAME TITLE EXTNAME BTYPE")
_NOT_TARGETS = words("host sky blank nucleus")
_LAMP = re.compile(r"(?:hg|ar|ne|xe|kr|cu|th|he|fe|hene){2,}")
_NO_OBJECTS = words("telluric std standard arc flat sky bias dark lamp")
"""Words with which ``OBJECT`` begins where it is none."""
_AT_REST = words("rest restframe rest-frame")
_NOT_MEASURED = words("model simulated simulation synthetic fake template interpolated")
_UNCALIBRATED = words("uncalibrated none no false f raw instrumental relative arbitrary 0")
_CORRECTED = re.compile(r"(?:DERED|EXT_?COR|BARY_?COR|HEL(?:IO)?_?COR|REST|NORMALI|K_?COR)\w*")
"""Keywords of tables whose *true* says that values or times are corrected."""
_CALIBRATED_BY = words("FLUXCAL FLUX_CAL FLXCAL CALIB CALIBRAT PHOTCAL")
_SKY = re.compile(r"SKY_?SUB\w*")
_UNITS = words("UNITS FUNITS FLUXUNIT FLUX_UNI YUNITS YUNIT")
_MAGNITUDE_UNITS = words("UNIT MAGUNIT MAG_UNIT")
_CLOCKS = words("JST CST EST EDT PST PDT MST MDT CET CEST MSK IST BST AEST NZST CLT ART HJD BJD HMJD BMJD TDB TCB LST")
_OFFSET = re.compile(
    r"CLOCK_?(?:OFF|ERR|COR)\w*|(?:ERR(?:OR)?_?)?SIGMAS?|(?:MAG|FLUX|TIME|MJD|JD|T|M)_?(?:OFF\w*|SHIFT|SCALE|"
    r"FACT\w*)|SCALE|OFFSET|SHIFT"
)
_SAYING = re.compile(
    r"UPPER_?LI\w*|LIMITS?|PRIVATE|PROPRIET\w*|EMBARGO\w*|CORRECTE\w*|DEREDD\w*|SIMULAT\w*|INSTRUMENTAL|DIFFEREN\w*|"
    r"DIFF_?(?:MAG|PHOT)\w*"
)
_OF_ANOTHER = re.compile(r"(?:obj\w*|target|source|star|extname|title): (?:the )?(?:host|comp|check|sky|ref|standard)")


def check(keywords: Mapping[str, str], *, flux_unit: str) -> None:
    """Refuse a spectrum whose keywords say that it is at rest, scaled, uncalibrated or of another thing.

    ``flux_unit`` is that of the fluxes; empty where they are in none. Raises ValueError.
    """
    for name, value in keywords.items():
        text = value.strip("' ").lower()
        if number_of(value) != 1 and (
            _FACTOR.fullmatch(name) or (_SCALE.search(name) and _POWER_OF_TEN.fullmatch(text))
        ):
            raise ValueError(
                f"the header says {name} = {value}, and nothing says whether the fluxes have that factor; write it in "
                "BUNIT, and remove the keyword"
            )
        is_changed = _CHANGED.fullmatch(name) and text not in NO and text not in ("0", "f", "none", "", "omit")
        if is_changed or (name.startswith("SPECSYS") and text == "source"):
            raise ValueError(f"the header says {name} = {value}: publish what was observed, or remove the keyword")
        if is_other_thing(name, text):
            raise ValueError(f"the header says {name} = {value}: is it the target's spectrum? Mend the keyword")
        if (name == "STOKES" and text not in ("i", "1")) or (_SKY.fullmatch(name) and text in NO):
            raise ValueError(f"the header says {name} = {value}: is it the target's flux? Mend the keyword")
        if name == "QUALITY" and text in ("bad", "poor", "unusable", "rejected"):
            raise ValueError(f"the header says {name} = {value}; remove the keyword if the spectrum is to be used")
        if name in _CALIBRATED_BY and text in _UNCALIBRATED and _is_physical(flux_unit):
            raise ValueError(
                f"the header says {name} = {value}, and the fluxes are in {flux_unit}; say --flux-unit relative, and "
                "remove BUNIT, or mend the keyword"
            )
        if name in _UNITS and FACTOR.search(text) and not FACTOR.search(flux_unit.lower()):
            raise ValueError(f"the header says {name} = {value}; write the factor in the unit of the fluxes")


def is_other_thing(name: str, text: str) -> bool:
    """Return whether a keyword says that values, in lower case, are of something else than the target, or made up."""
    plain = name.removeprefix("HIERARCH ").removeprefix("ESO ").replace(" ", "_").replace("-", "_")
    if text in _AT_REST or (name == "OBJECT" and not _NO_OBJECTS.isdisjoint(re.split(r"[\W_]+", text)[:1])):
        return True
    if plain in _NAMES and wordings.is_at_rest(text):
        return True
    tokens = {*re.split(r"[\W_]+", text)}
    if name == "OBJECT" and (tokens & _NOT_TARGETS or _LAMP.fullmatch(text)):
        return True
    is_kind = plain in _KINDS and bool(_OTHERS & tokens)
    return is_kind or text in _NOT_MEASURED or (name == "OBJECT" and text in _NO_TARGETS)


def check_table(keywords: Mapping[str, str], filters: Collection[str]) -> None:
    """Refuse a table whose head says by keywords that values are not what its columns say; ``filters`` are theirs.

    Raises ValueError.
    """
    for name, value in keywords.items():
        text = value.strip("' ").lower()
        label = name.lower().replace("_", " ")
        doubt = wordings.first_doubt(f"{label}: {text}")
        is_clock = value.strip("' ").upper() in _CLOCKS
        is_offset = bool(_OFFSET.fullmatch(name)) and number_of(text) not in (
            None,
            0.0,
            1.0 if "SIGMA" in name else 0.0,
        )
        is_said = bool(_SAYING.fullmatch(name)) and text in YES | {"all"}
        is_said = is_said or (name in _CALIBRATED_BY and text in NO | {"uncalibrated"})
        is_said = is_said or (bool(_CORRECTED.fullmatch(name)) and text in YES | {"done", "applied", "perform"})
        is_said = is_said or is_other_thing(name, text)
        is_unit = name in _UNITS | _MAGNITUDE_UNITS and text not in ("mag", "mags") and units.unit_of(text) is not None
        if doubt or is_clock or is_offset or is_said or is_unit or _OF_ANOTHER.match(f"{label}: {text}"):
            raise ValueError(
                f"the head says {name} = {value[:60]}, which may say that values are not what their columns say; "
                "write it in a column's name, or remove it"
            )
    told = keywords.get("FILTER", "")
    if told in bands.BANDS and filters and told not in filters:
        raise ValueError(f"the head says FILTER = {told}, and the column of filters {min(filters)}; keep one")


def _is_physical(unit: str) -> bool:
    from astropy import units as u

    found = units.unit_of(unit) if unit else None
    densities = (u.Jy, u.erg / u.s / u.cm**2 / u.AA)
    return found is not None and any(found.is_equivalent(density) for density in densities)
