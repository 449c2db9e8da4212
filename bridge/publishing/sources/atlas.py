"""The table of the ATLAS forced-photometry service.

Its magnitude column ``m`` is negative where the flux is negative, and says little where the flux is in the noise. As
the service advises (https://fallingstar-data.com/forcedphot/resultdesc/) and TOM Toolkit's own processor does, a
point of no more than three sigma becomes a limit of three sigma.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.publishing.sources.cells import Wrong, extra_of, number_of
from bridge.publishing.sources.columns import Columns
from bridge.publishing.sources.times import TimeScale, parse_time

GIVEN: Mapping[str, str] = {"telescope": "ATLAS", "source_name": "ATLAS"}
"""What every point of the table has."""

_SIGMAS = 3.0
_ZERO_POINT_UJY = 23.9
"""AB magnitude of one microjansky."""
_KNOWN = ("MJD", "m", "dm", "uJy", "duJy", "F")


def is_atlas(names: Sequence[str]) -> bool:
    """Return whether a table with these columns comes from the ATLAS forced-photometry service."""
    return set(_KNOWN) <= set(names)


def columns(names: Sequence[str]) -> Columns:
    """Return which column is what; the fluxes and all that describes the image are kept as extra values."""
    used = {"MJD": "timestamp", "m": "brightness", "dm": "brightness_error", "F": "bandpass"}
    return Columns(
        names=tuple(names),
        time=names.index("MJD"),
        scale=TimeScale.MJD,
        fields={field: names.index(name) for name, field in used.items() if name != "MJD"},
        extra=tuple(index for index, name in enumerate(names) if name not in used),
    )


def read_row(known: Columns, cells: Sequence[str], wrong: Wrong) -> dict[str, Any]:
    """Return the fields of one row: a detection above three sigma, else a limit."""
    row = dict(zip(known.names, cells, strict=True))
    found: dict[str, Any] = {"bandpass": row["F"], "extra": extra_of(known, cells)}
    try:
        found["timestamp"] = parse_time(row["MJD"], known.scale)
    except ValueError as error:
        wrong.append(("MJD", str(error)))
    flux, flux_error = number_of(row["uJy"]), number_of(row["duJy"])
    if flux is None:
        wrong.append(("uJy", f"{row['uJy'][:40]!r} is no flux; write a number"))
    if flux_error is None or flux_error <= 0:
        wrong.append(("duJy", f"{row['duJy'][:40]!r} is no error of a flux; write a number above 0"))
    if flux is None or flux_error is None or wrong:
        return found
    if flux <= _SIGMAS * flux_error:
        return {**found, "limit": _ZERO_POINT_UJY - 2.5 * math.log10(_SIGMAS * flux_error)}
    for name, field in (("m", "brightness"), ("dm", "brightness_error")):
        if (number := number_of(row[name])) is None:
            wrong.append((name, f"{row[name][:40]!r} is no number; write a magnitude"))
        found[field] = number
    return found
