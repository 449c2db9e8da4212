"""What keywords of a spectrum's header say of it, by the names that instruments and pipelines write."""

import re
from collections.abc import Mapping

from bridge.publishing.sources.tables import units
from bridge.publishing.sources.tables.cells import NO, number_of
from bridge.publishing.sources.tables.remarks import FACTOR
from bridge.publishing.sources.tables.words import words

_FACTOR = re.compile(r"F(?:LU?X)?[_-]?(?:SCAL|FAC|NORM)\w*|MULT\w*|FACTOR|SCALFAC\w*")
"""A factor in a keyword of somebody's own, of which nothing says whether the fluxes have it."""
_CHANGED = re.compile(r"REST(?:FRAM\w*)?|AT_?REST|Z_?COR\w*|DEREDS\w*|DEREDD\w*|NORM\w*|CONT_?SUB\w*|LOGFLUX")
"""Keywords whose *true* says that a spectrum is at rest, corrected or normalised."""
_KINDS = words("OBSTYPE IMAGETYP IMTYPE OBS_TYPE EXPTYPE DATATYPE DPRTYPE DPR_TYPE FRAMETYP EXTNAME SPECTYPE")
_OTHERS = words(
    "arc arcs lamp comp comparison flat sky bias dark zero model synthetic simulated simulation template error err "
    "sigma stddev ivar variance var mask dq quality telluric"
)
_UNCALIBRATED = words("uncalibrated none no false f raw instrumental relative arbitrary 0")
_CALIBRATED_BY = words("FLUXCAL FLUX_CAL FLXCAL CALIB CALIBRAT PHOTCAL")
_UNITS = words("UNITS FUNITS FLUXUNIT FLUX_UNI YUNITS YUNIT")


def check(keywords: Mapping[str, str], *, flux_unit: str) -> None:
    """Refuse a spectrum whose keywords say that it is at rest, scaled, uncalibrated or of another thing.

    ``flux_unit`` is that of the fluxes; empty where they are in none. Raises ValueError.
    """
    for name, value in keywords.items():
        text = value.strip("' ").lower()
        if _FACTOR.fullmatch(name) and number_of(value) != 1:
            raise ValueError(
                f"the header says {name} = {value}, and nothing says whether the fluxes have that factor; write it in "
                "BUNIT, and remove the keyword"
            )
        is_changed = _CHANGED.fullmatch(name) and text not in NO and text not in ("0", "f", "none", "", "omit")
        if is_changed or (name.startswith("SPECSYS") and text == "source"):
            raise ValueError(f"the header says {name} = {value}: publish what was observed, or remove the keyword")
        if name in _KINDS and _OTHERS & {*re.split(r"[\W_]+", text)}:
            raise ValueError(
                f"the header says {name} = {value}: is it the target's spectrum? Mend or remove the keyword"
            )
        if name == "QUALITY" and text in ("bad", "poor", "unusable", "rejected"):
            raise ValueError(f"the header says {name} = {value}; remove the keyword if the spectrum is to be used")
        if name in _CALIBRATED_BY and text in _UNCALIBRATED and _is_physical(flux_unit):
            raise ValueError(
                f"the header says {name} = {value}, and the fluxes are in {flux_unit}; say --flux-unit relative, and "
                "remove BUNIT, or mend the keyword"
            )
        if name in _UNITS and FACTOR.search(text) and not FACTOR.search(flux_unit.lower()):
            raise ValueError(f"the header says {name} = {value}; write the factor in the unit of the fluxes")


def _is_physical(unit: str) -> bool:
    from astropy import units as u

    found = units.unit_of(unit) if unit else None
    densities = (u.Jy, u.erg / u.s / u.cm**2 / u.AA)
    return found is not None and any(found.is_equivalent(density) for density in densities)
