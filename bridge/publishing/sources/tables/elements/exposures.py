"""Exposure times as cells have them: numbers, with units, and several of a stack (``3x60 s``)."""

import re
from decimal import Decimal

from bridge.publishing.sources.tables.elements import units
from bridge.publishing.sources.tables.elements.cells import number_of, scaled

_SEVERAL = re.compile(r"(?:(?P<count>\d+)\s*[x\u00d7*]\s*)?(?P<each>\d+(?:\.\d*)?)\s*(?P<unit>[A-Za-z]+)?\.?")


def seconds_of(cell: str, factor: float) -> float:
    """Return the exposure time in ``cell`` in seconds, of all exposures together; ``factor`` is the column's own unit.

    ValueError says what is wrong with it.
    """
    if (number := number_of(cell)) is not None and number >= 0:
        return scaled(number, factor)
    found = _SEVERAL.fullmatch(cell.strip())
    if found is None:
        raise ValueError(f"{cell[:40]!r} is no exposure time; write seconds, as 180, or 3x60")
    own = units.seconds(found["unit"]) if found["unit"] else factor
    if found["unit"] and factor not in (1.0, own):
        raise ValueError(f"{cell[:40]!r} is in another unit than its column's name says; write one")
    return scaled(float(Decimal(found["count"] or 1) * Decimal(found["each"])), own)
