"""The table of the ATLAS forced-photometry service.

Its magnitude column ``m`` is negative where the flux is negative, and says little where the flux is in the noise. As
the service advises (https://fallingstar-data.com/forcedphot/resultdesc/) and TOM Toolkit's own processor does, a
point of no more than three sigma becomes a limit of three sigma.
"""

import math

from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.surveys.survey import (
    Cells,
    Fields,
    Left,
    Survey,
    Wrong,
    number,
    optional,
    positive,
)

_SIGMAS = 3.0
_AGREE, _ROUNDED = 0.1, 0.7
"""Magnitudes by which magnitude and flux may differ, and in a microjansky as far as fluxes are rounded."""
_ZERO_POINT_UJY = 23.9
"""AB magnitude of one microjansky."""


def _row(cells: Cells) -> Fields:
    """Return the fields of one row: a detection above three sigma, else a limit."""
    if optional(cells, "err", "number"):
        raise Left("err is not 0: the service marks the measurement")
    flux, error = number(cells, "uJy", "flux"), positive(cells, "duJy", "error of a flux")
    common = {"bandpass": cells["F"]}
    if flux <= _SIGMAS * error:
        limit = _ZERO_POINT_UJY - 2.5 * math.log10(_SIGMAS * error)
        return {**common, "limit": limit}, frozenset({"MJD", "F"})
    magnitude, its_error = number(cells, "m", "magnitude"), positive(cells, "dm", "error of a magnitude")
    if abs(magnitude - _ZERO_POINT_UJY + 2.5 * math.log10(flux)) > _AGREE + _ROUNDED / flux:
        raise Wrong("m", f"{magnitude:g} is not the magnitude of {flux:g} microjanskys; mend one")
    fields = {**common, "brightness": magnitude, "brightness_error": its_error}
    return fields, frozenset({"MJD", "F", "m", "dm"})


SURVEYS = (
    Survey(
        name="atlas",
        title="ATLAS forced photometry",
        needs=words("MJD m dm uJy duJy F"),
        may=words("err chi/N RA Dec x y maj min phi apfit mag5sig Sky Obs"),
        time="MJD",
        is_ruled=True,
        read_row=_row,
        given={"telescope": "ATLAS", "source_name": "ATLAS"},
        roles={
            "m": "brightness above 3 sigma, magnitudes",
            "dm": "its error",
            "F": "bandpass",
            "uJy": "limit of 3 sigma, with duJy",
            "duJy": "limit of 3 sigma, with uJy",
        },
    ),
)
