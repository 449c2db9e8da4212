"""Light curves of the Swift Optical/Ultraviolet Supernova Archive (Brown et al. 2014, Ap&SS 354, 89).

Magnitudes are in UVOT's Vega system. ``NULL`` as magnitude means that the point is a limit of three sigma.
"""

from bridge.publishing.sources.tables.elements.cells import is_empty
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.surveys.survey import Cells, Fields, Left, Survey, number, optional, positive

_NAMES = ("Filter", "MJD[days]", "Mag", "MagErr", "3SigMagLim", "Exp[s]")


def _row(cells: Cells) -> Fields:
    fields: dict[str, object] = {"bandpass": cells["Filter"], "unit": "Vega"}
    used = {"Filter", "MJD[days]", "3SigMagLim"}
    if (exposure := optional(cells, "Exp[s]", "exposure time")) is not None:
        fields["exposure_time"] = exposure
        used.add("Exp[s]")
    limit = optional(cells, "3SigMagLim", "magnitude")
    if limit is not None:
        fields["limit"] = limit
    if is_empty(cells["Mag"]):
        if limit is None:
            raise Left("neither a magnitude nor a limit")
        return fields, frozenset(used)
    fields["brightness"] = number(cells, "Mag", "magnitude")
    fields["brightness_error"] = positive(cells, "MagErr", "error of a magnitude")
    return fields, frozenset(used | {"Mag", "MagErr"})


SURVEYS = (
    Survey(
        name="swift",
        title="SOUSA (Swift UVOT)",
        needs=frozenset(_NAMES),
        may=words("0.98SatLim[mag] Rate[c/s] RateErr[c/s] Ap[arcsec] Frametime[s] Telapse[s]"),
        time="MJD[days]",
        read_row=_row,
        given={"telescope": "Swift", "instrument": "UVOT", "source_name": "SOUSA"},
        roles={
            "Filter": "bandpass",
            "Mag": "brightness, Vega",
            "MagErr": "its error",
            "3SigMagLim": "limit, Vega",
            "Exp[s]": "exposure time, s",
        },
    ),
)
