"""When rows were observed, and the columns that may tell it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.when import times
from bridge.publishing.sources.tables.when.forms import Count, Form


@dataclass(frozen=True, kw_only=True)
class Timing:
    """When rows were observed."""

    columns: tuple[int, ...]
    """The column, or several: a day and a time of day, or their parts."""
    form: Form
    moments: Sequence[datetime | str | None]
    """A time a row, None where it is empty, or a text that says what is wrong with it."""
    is_said: bool
    """Whether the person named the column."""

    @property
    def is_whole_days(self) -> bool:
        """Whether all times are 0h, or 12h for JD, as where an MJD is that of a night and holds no time of day."""
        found = {moment.time() for moment in self.moments if isinstance(moment, datetime)}
        return found == {time(12 if self.form.count is Count.JD else 0)}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A column that may tell the time, or several of parts of it."""

    columns: tuple[int, ...]
    form: Form


def texts_of(table: Table, candidate: Candidate) -> list[str]:
    """Return what a row tells of the time in all columns of a candidate, as one text."""
    if len(candidate.columns) == 2:
        first, second = candidate.columns
        return [times.joined(row.cells[first], row.cells[second]) for row in table.rows]
    if len(candidate.columns) > 2:
        found = []
        for row in table.rows:
            year, month, day, *clock = [row.cells[index] for index in candidate.columns]
            whole, point, part = day.partition(".")
            text = f"{year}-{month:0>2}-{whole:0>2}{point}{part}" if year and month and day else ""
            clock_text = clock[0] if clock and ":" in clock[0] else times.clock_of(clock)
            found.append(times.joined(text, clock_text) if clock else text)
        return found
    return table.cells(candidate.columns[0])
