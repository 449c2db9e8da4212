"""Positions in the cells of tables, and whether all rows of a table are of one place."""

import math
import re
from dataclasses import replace
from functools import lru_cache

from bridge.publishing.sources.tables.elements import units
from bridge.publishing.sources.tables.elements.cells import is_empty, number_of
from bridge.publishing.sources.tables.elements.names import parsed
from bridge.publishing.sources.tables.elements.table import Column, Table
from bridge.publishing.sources.tables.elements.words import words

RIGHT_ASCENSIONS = words("ra raj2000 radeg rightascension alpha alphaj2000 radegj2000 raicrs raicrsdeg rahms")
DECLINATIONS = words(
    "dec decl dej2000 decj2000 decdeg dedeg declination delta deltaj2000 deicrs decicrs de decdms dedms"
)
"""Names of columns."""
SEXAGESIMAL = re.compile(
    r"[+\-\u2212\u2013]?\d{1,3}[:h\u00b0d\s]\s*\d{1,2}[:m'\u2032\s]\s*\d{1,2}(?:\.\d*)?\s*[s\"\u2033]?"
)
_PARTS = ("RAh", "RAm", "RAs", "DEd", "DEm", "DEs")
"""As the CDS and the AAS journals name the parts of a position; the sign of the declination is in a column ``DE-``."""
_ASCII = str.maketrans("\u2032\u2033\u2212\u2013", "ms--")
_LARGEST_ERROR_DEG = 5.0
_OF_ORBIT = words("rh rhelio heliocentricdistance")
"""Columns of tables of comets and asteroids, in which alpha is the phase angle, and delta the distance from Earth."""
_ONE_TARGET_ARCSEC = 5.0
"""Centroids of one source scatter less; its neighbours in a cone search are farther off."""


def check_one_place(table: Table, said: frozenset[str] = frozenset()) -> None:
    """Raise ValueError where rows of measurements are of places too far apart to be one target's.

    ``said`` are columns that the person named, and that are not doubted.
    """
    named = [(index, parsed(name).flat) for index, name in enumerate(table.names) if name not in said]
    ra = next((index for index, flat in named if flat in RIGHT_ASCENSIONS), None)
    dec = next((index for index, flat in named if flat in DECLINATIONS), None)
    of_orbit = any(flat in _OF_ORBIT for _, flat in named) and not {flat for _, flat in named} & {"ra", "raj2000"}
    if ra is None or dec is None or of_orbit:
        return
    first: tuple[float, float] | None = None
    for row in table.rows:
        one, other = (_any_degrees(row.cells[index], is_hours=index == ra) for index in (ra, dec))
        if one is None or other is None:
            continue
        first = first or (one, other)
        east = ((one - first[0] + 180) % 360 - 180) * math.cos(math.radians(other))
        apart = 3600 * math.hypot(east, other - first[1])
        if apart > _ONE_TARGET_ARCSEC:
            raise ValueError(
                f"columns {table.names[ra]!r} and {table.names[dec]!r} are of several places, {row.place} {apart:.0f} "
                "arcsec away from the first row; publish one target at a time, or say --columns "
                f"extra={table.names[ra]} if all rows are of one"
            )


def with_positions(table: Table) -> Table:
    """Return ``table`` with columns ``RA`` and ``DEC`` in place of the CDS's parts of both, where it has all of them.

    ValueError where the sign of a declination between -1 and 1 degrees isn't told.
    """
    if not set(_PARTS) <= set(table.names):
        return table
    found = [table.names.index(name) for name in _PARTS]
    sign = table.names.index("DE-") if "DE-" in table.names else None
    kept = [index for index in range(len(table.names)) if index not in {*found, sign}]
    rows = []
    for row in table.rows:
        hours, minutes, seconds, *degrees = (row.cells[index] for index in found)
        before = row.cells[sign] if sign is not None else ""
        if sign is None and degrees[0] and not degrees[0].strip("0"):
            raise ValueError(f"{row.place}, column DEd: {degrees[0]!r} has no sign; write +0 or -0, or a column 'DE-'")
        ra = ":".join((hours, minutes, seconds)) if hours else ""
        dec = before.strip() + ":".join(degrees) if degrees[0] else ""
        rows.append(replace(row, cells=(*(row.cells[index] for index in kept), ra, dec)))
    columns = (*(table.columns[index] for index in kept), Column(name="RA"), Column(name="DEC"))
    return replace(table, columns=columns, rows=rows)


def _is_overfull(cell: str) -> bool:
    """Return whether there are 60 minutes or more, or more than 60 seconds, to which 59.96 may be rounded."""
    _, minutes, seconds, *_ = re.split(r"[^\d.]+", cell.strip("+-\u2212\u2013 "))
    return float(minutes) >= 60 or float(seconds) > 60


@lru_cache(maxsize=1_000)  # most tables repeat one position
def _any_degrees(cell: str, *, is_hours: bool) -> float | None:
    return degrees(cell, "sexagesimal" if SEXAGESIMAL.fullmatch(cell) else "deg", is_hours=is_hours)


def degrees(cell: str, form: str, *, is_hours: bool) -> float | None:
    """Return a coordinate in degrees; ``form`` is ``deg``, ``rad``, ``hourangle`` or ``sexagesimal``."""
    from astropy.coordinates import Angle

    if is_empty(cell):
        return None
    if form == "sexagesimal":
        if not SEXAGESIMAL.fullmatch(cell) or _is_overfull(cell):
            return None
        hours = is_hours and "d" not in cell and "\u00b0" not in cell
        try:
            return float(Angle(cell.translate(_ASCII), unit="hourangle" if hours else "deg").deg)
        except ValueError:
            return None
    number = number_of(cell)
    if number is None or form == "deg":
        return number
    return float(Angle(number, unit=form).deg)


def angle_of(text: str, name: str) -> str:
    """Return the form that ``text``, the unit of column ``name``, tells of its cells. Raises ValueError."""
    lowered = text.lower().strip('"')
    if lowered in ("h:m:s", "d:m:s", "hms", "dms", "hh:mm:ss", "dd:mm:ss"):
        return "sexagesimal"
    if lowered in ("h", "hr", "hours", "hour", "hourangle"):
        return "hourangle"
    unit = units.unit_of(text)
    if unit is None or str(unit) not in ("deg", "rad"):
        raise ValueError(f"column {name!r} is in {text!r}; write deg")
    return str(unit)


def is_too_large(error: float, unit: str) -> bool:
    """Return whether an error, in ``unit``, is none of a position: of more than 5 degrees."""
    from astropy import units as u

    return unit != "s" and float((error * u.Unit(unit)).to_value(u.deg)) > _LARGEST_ERROR_DEG
