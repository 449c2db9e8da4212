"""What the table of a survey is recognised by, and how its rows become points.

A survey is recognised by an exact signature only: it has all the columns that the survey always writes, and none that
the survey doesn't know, so that a column that somebody added is never taken for harmless.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from bridge.publishing.sources.tables.elements.cells import BRIGHTEST, FAINTEST, is_empty, number_of
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.when import times
from bridge.publishing.sources.tables.when.forms import MJD_ZERO, Count, Form

Cells = Mapping[str, str]
"""The cells of one row by the names of their columns."""
Fields = tuple[dict[str, Any], frozenset[str]]
"""Fields of a point, and the columns that are in them as they are; all others are kept as further values."""

_JULIAN = re.compile(r"[HB]?JD\b", re.IGNORECASE)
_LEAST_JD = 2_000_000.0
UTC_MJD, UTC_JD, UTC_TEXT = Form(count=Count.MJD), Form(count=Count.JD), Form(count=Count.ANY)
TAI_MJD = Form(count=Count.MJD, scale="tai")


class Left(Exception):  # noqa: N818 (nothing is wrong with such a row)
    """A row that holds no measurement, by the survey's own words; the text says why."""


class Wrong(ValueError):  # noqa: N818 (read as a sentence where it is raised)
    """A cell that can't be understood."""

    def __init__(self, column: str, what: str) -> None:
        super().__init__(what)
        self.column = column
        self.what = what


@dataclass(frozen=True, kw_only=True)
class Survey:
    """A survey's table."""

    name: str
    """As ``--format`` names it; several layouts of one survey share it."""
    title: str
    needs: frozenset[str]
    """Columns that it always has."""
    may: frozenset[str] = frozenset()
    """Further columns that it may have."""
    may_match: str = r"(?!)"
    """Further columns, as a regular expression."""
    format: str = ""
    """How the file has to be written, where that is a layout of its own."""
    has_head: bool = False
    """Whether the survey writes comments of its own; in others' tables somebody else has."""
    time: str
    """The column of the time."""
    form: Form = UTC_MJD
    read_row: Callable[[Cells], Fields] | None = None
    read_rows: Callable[[Cells], Sequence[Fields]] | None = None
    """In place of ``read_row``, where a row holds several points."""
    given: Mapping[str, str] = field(default_factory=dict)
    """Fields of all points."""
    roles: Mapping[str, str] = field(default_factory=dict)
    """What the main columns are taken for, for people."""
    is_ruled: bool = False
    """Whether the general rules would take its limits for measurements, as where a column was added."""
    one_of: frozenset[str] = frozenset()
    """Columns that name the object: a table of several is refused."""
    check: Callable[[Table], None] = lambda _table: None
    """Raises ValueError where the table as a whole can't be used."""

    def points(self, cells: Cells) -> Sequence[Fields]:
        """Return the fields of each point in a row. Raises Left and Wrong."""
        if self.read_rows is not None:
            return self.read_rows(cells)
        return [self.read_row(cells)] if self.read_row is not None else []

    def recognises(self, table: Table, kept: frozenset[str] = frozenset()) -> bool:
        """Return whether ``table`` has this signature, but for the columns ``kept`` that are said to be extra."""
        names = {name for name in table.names if name}
        if (self.format and table.format != self.format) or not self.needs <= names:
            return False
        further = names - self.needs - self.may - kept
        return all(re.fullmatch(self.may_match, name) for name in further)

    def further(self, table: Table) -> list[str]:
        """Return the columns of ``table`` that the survey doesn't know."""
        return [
            name
            for name in table.names
            if name and name not in self.needs | self.may and not re.fullmatch(self.may_match, name)
        ]

    def times(self, table: Table) -> list[datetime | str | None]:
        """Return the time of each row. ValueError where the table can't be used."""
        self.check(table)
        for name in self.one_of & set(table.names):
            objects = {cell for cell in table.cells(table.names.index(name)) if cell}
            if len(objects) > 1:
                told = ", ".join(sorted(objects)[:3])
                raise ValueError(f"column {name!r} names {len(objects)} objects ({told}); publish one target at a time")
        moments = times.read_times(table.cells(table.names.index(self.time)), self.form)
        self._check_other_dates(table, moments)
        return moments

    def _check_other_dates(self, table: Table, moments: Sequence[datetime | str | None]) -> None:
        """Refuse a Julian date, by whatever clock, that is days away from the time. Raises ValueError."""
        for index, name in enumerate(table.names):
            if name == self.time or not _JULIAN.match(name):
                continue
            for row, moment in zip(table.rows, moments, strict=True):
                told = number_of(row.cells[index])
                if told is None or told < _LEAST_JD or not isinstance(moment, datetime):
                    continue
                if abs(times.since_mjd_zero(Decimal(told) - MJD_ZERO) - moment) > timedelta(days=1):
                    raise ValueError(f"columns {self.time!r} and {name!r} tell different times ({row.place}); mend one")

    def check_fields(self, fields: Mapping[str, Any]) -> None:
        """Raise Wrong where a point has a magnitude, or a filter, that can't be one."""
        for name in ("brightness", "limit") if fields.get("unit", "") in ("", "AB", "Vega") else ():
            value = fields.get(name)
            if value is not None and not BRIGHTEST <= value <= FAINTEST:
                raise Wrong(self.time, f"{value:g} is no apparent magnitude; leave the row out, or mend its zero point")
        if str(fields.get("bandpass", "")).isdigit():
            raise Wrong(self.time, f"the filter is a number ({fields['bandpass']}); write its name")

    def taken(self, name: str) -> str:
        """Return what a column is taken for, for people."""
        return f"time: {self.form.text}" if name == self.time else self.roles.get(name, "further value")


def number(cells: Cells, column: str, what: str) -> float:
    """Return the number in a column; raise Wrong where there is none. ``what`` says what is needed."""
    found = number_of(cells[column])
    if found is None:
        raise Wrong(column, f"{cells[column][:40]!r} is no {what}; write a number")
    return found


def positive(cells: Cells, column: str, what: str) -> float:
    """Return the number above 0 in a column; raise Wrong where there is none."""
    found = number(cells, column, what)
    if found <= 0:
        raise Wrong(column, f"{cells[column][:40]!r} is no {what}; write a number above 0")
    return found


def optional(cells: Cells, column: str, what: str) -> float | None:
    """Return the number in a column that may be missing or empty."""
    return None if is_empty(cells.get(column, "")) else number(cells, column, what)
