"""Times that count from a moment, made into MJD: Unix's, and missions' ``TIME`` since ``MJDREFI + MJDREFF`` (FITS).

Unix's have 86,400 s a day, as UTC's dates have, and no leap seconds.

FITS 4.0, section 9.2: a time is ``MJDREF + (TIME + TIMEZERO)``, in ``TIMEUNIT`` or the column's own unit, by the clock
``TIMESYS``, at the place ``TREFPOS`` (``TIMEREF`` in older files); only times at the observatory are used.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation

from bridge.publishing.sources.tables.elements import units
from bridge.publishing.sources.tables.elements.cells import is_empty
from bridge.publishing.sources.tables.elements.table import Column, Row, Table
from bridge.publishing.sources.tables.elements.words import words

UNIX = words("unix unixtime unixtimestamp unixepoch posix posixtime")
"""Names of columns of Unix's time."""
_UNIX = Decimal(40_587)
"""MJD of 1970-01-01."""
_DAY_S = Decimal(86_400)
_HERE = frozenset({"TOPOCENTER", "TOPOCENT", "LOCAL"})
_CLOCKS = frozenset({"UTC", "TT", "TAI", "TDT"})
_USED = frozenset({"MJDREF", "MJDREFI", "MJDREFF", "TIMEZERO", "TIMEUNIT"})


def with_mjd(table: Table) -> Table:
    """Return ``table`` with Unix's times, or a FITS table's ``TIME``, in MJD where that is certain; else as it is."""
    index = next((index for index, column in enumerate(table.columns) if _is_unix(column)), None)
    if index is None:
        return _since_header(table)
    try:
        return _counted(table, index, _UNIX, Decimal(0), 1 / _DAY_S)
    except InvalidOperation:
        return table


def _is_unix(column: Column) -> bool:
    return re.sub(r"\W|_", "", column.name).lower() in UNIX and not column.is_single and column.unit in ("", "s")


def _since_header(table: Table) -> Table:
    index = next((index for index, name in enumerate(table.names) if name.upper() == "TIME"), None)
    start = _start(table.keywords)
    place = table.keywords.get("TREFPOS", table.keywords.get("TIMEREF", "")).upper()
    clock = table.keywords.get("TIMESYS", "").upper()
    if index is None or start is None or place not in _HERE or clock not in _CLOCKS:
        return table
    column = table.columns[index]
    if column.is_single:
        return table
    unit = units.unit_of(column.unit or table.keywords.get("TIMEUNIT", ""))
    try:
        in_days = Decimal(units.seconds(str(unit))) / _DAY_S
        zero = Decimal(table.keywords.get("TIMEZERO") or 0)
        counted = _counted(table, index, start, zero, in_days)
    except (ValueError, InvalidOperation):
        return table
    return replace(counted, keywords={name: told for name, told in table.keywords.items() if name not in _USED})


def _start(keywords: Mapping[str, str]) -> Decimal | None:
    """Return the MJD that times count from, None where the header tells none."""
    try:
        if keywords.get("MJDREFI"):
            return Decimal(keywords["MJDREFI"]) + Decimal(keywords.get("MJDREFF") or 0)
        return Decimal(keywords["MJDREF"]) if keywords.get("MJDREF") else None
    except InvalidOperation:
        return None


def _counted(table: Table, index: int, start: Decimal, zero: Decimal, in_days: Decimal) -> Table:
    """Return ``table`` with a column of spans as MJD, which has no unit. Raises InvalidOperation for what is none."""
    columns = [replace(one, unit="") if number == index else one for number, one in enumerate(table.columns)]
    rows = [_with_cell(row, index, start, zero, in_days) for row in table.rows]
    return replace(table, columns=tuple(columns), rows=rows)


def _with_cell(row: Row, index: int, start: Decimal, zero: Decimal, in_days: Decimal) -> Row:
    cell = row.cells[index]
    if is_empty(cell):
        return row
    moment = start + (Decimal(cell) + zero) * in_days
    return replace(row, cells=(*row.cells[:index], f"{moment:.12f}", *row.cells[index + 1 :]))
