"""Light curves of SNANA (https://github.com/RickKessler/SNANA, manual section on TEXT format).

``FLUXCAL`` is a flux with a zero point of 27.5 in the survey's magnitude system. Above three sigma it becomes the
magnitude ``27.5 - 2.5 log10(FLUXCAL)``, else a limit of three sigma; flux and error are kept as further values.
"""

import math

from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.files.special import SNANA
from bridge.publishing.sources.tables.surveys.survey import Cells, Fields, Left, Survey, number

_ZERO_POINT, _SIGMAS = 27.5, 3.0


def _row(cells: Cells, band: str) -> Fields:
    if cells.get("DQ", "").strip().lower() == "bad":
        raise Left("of bad quality, by DQ")
    flux, error = number(cells, "FLUXCAL", "flux"), number(cells, "FLUXCALERR", "error of a flux")
    if error <= 0 or flux <= -999:
        raise Left("no flux was measured")
    fields: dict[str, object] = {"bandpass": cells[band]}
    if flux > _SIGMAS * error:
        fields["brightness"] = _ZERO_POINT - 2.5 * math.log10(flux)
        fields["brightness_error"] = 2.5 / math.log(10) * error / flux
    else:
        fields["limit"] = _ZERO_POINT - 2.5 * math.log10(_SIGMAS * error)
    return fields, frozenset({"MJD", band})


def _check(table: Table) -> None:
    if simulated := next((name for name in table.keywords if name.startswith("SIM_")), None):
        raise ValueError(f"{simulated} says that the light curve is simulated")
    if (fake := table.keywords.get("FAKE", "0").split()[:1]) and fake[0] not in ("0",):
        raise ValueError("FAKE says that the light curve is simulated")


def _survey(band: str) -> Survey:
    return Survey(
        name="snana",
        title="SNANA light curve",
        format=SNANA,
        needs=frozenset({"MJD", band, "FLUXCAL", "FLUXCALERR"}),
        may_match=r"[A-Z_0-9]+" if band == "BAND" else r"(?!BAND$)[A-Z_0-9]+",
        time="MJD",
        read_row=lambda cells: _row(cells, band),
        check=_check,
        roles={
            band: "bandpass",
            "FLUXCAL": "brightness above 3 sigma, as magnitude",
            "FLUXCALERR": "error, else limit of 3 sigma",
        },
    )


SURVEYS = (_survey("BAND"), _survey("FLT"))
