"""Whether all columns that tell a time agree with the one that is used."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.publishing.sources.tables.elements import bands
from bridge.publishing.sources.tables.elements.cells import is_empty, number_of
from bridge.publishing.sources.tables.elements.clocks import NO_TIME, OF_RECORD, TIME_WORDS
from bridge.publishing.sources.tables.elements.names import Name, parsed
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.when import dates, forms, times
from bridge.publishing.sources.tables.when.forms import Count, Form
from bridge.publishing.sources.tables.when.moments import Candidate, Timing, texts_of

_OTHER_CLOCK_AT_MOST = timedelta(minutes=15)
_IN_UTC = words("ut utc tu gmt")
_CLOCKS_AT_MOST = timedelta(hours=1)
"""Between the times of one exposure's start and middle that are written in two columns."""
_EXPOSURE_AT_MOST = timedelta(days=1)
_SPAN_AT_MOST = 10_000
"""Days: an MJD before 1887, of which there are none."""


def check_others(
    table: Table, names: Sequence[Name], timing: Timing, others: Sequence[Candidate], refused: dict[int, str]
) -> None:
    """Refuse columns that tell another time than the one that is used."""
    for other in others:
        if are_spans(table, other):
            continue
        parted = other.form.moment != timing.form.moment
        _check(table, timing, other, at_most=_EXPOSURE_AT_MOST if parted else timedelta(0))
    for index, why in refused.items():
        bare = replace(names[index], said=(), tokens=frozenset())
        form = forms.form_of(replace(bare, flat=bare.flat.lstrip("hb") or bare.flat), "", "")
        if isinstance(form, Form) and form.count is not Count.ANY and "span of time" not in why:
            cells = table.cells(index)
            if all(isinstance(moment, datetime | None) for moment in times.read_times(cells, form)):
                candidate = Candidate(columns=(index,), form=form)
                _check(table, timing, candidate, at_most=_OTHER_CLOCK_AT_MOST)


def are_spans(table: Table, other: Candidate) -> bool:
    """Return whether a column that may be a time holds numbers too small for one: days since something."""
    numbers = [number_of(cell) for cell in table.cells(other.columns[0]) if not is_empty(cell)]
    is_any = other.form.count is Count.ANY and other.form.offset is None and len(other.columns) == 1
    return is_any and bool(numbers) and all(number is not None and abs(number) < _SPAN_AT_MOST for number in numbers)


def check_unknown(
    table: Table, names: Sequence[Name], timing: Timing, free: set[int], candidates: Sequence[Candidate]
) -> None:
    """Refuse columns of unknown names whose cells are times, unless they agree."""
    known = {index for candidate in candidates for index in candidate.columns}
    for index in sorted(free - known):
        whole = names[index].whole
        if OF_RECORD.search(whole) or (NO_TIME.search(whole) and not TIME_WORDS.search(whole)):
            continue
        cells = [cell for cell in table.cells(index) if cell]
        of_band = forms.form_of(parsed(found[0]), "", "") if (found := bands.of_band(names[index].whole)) else None
        are_dates = all("-" in cell or "/" in cell or cell.startswith("24") for cell in cells)
        if not cells or not (are_dates or isinstance(of_band, Form)):
            continue
        form = of_band if isinstance(of_band, Form) else Form(count=Count.ANY)
        read = times.read_times(cells, form)
        whole_days = times.is_day(cells)
        if whole_days or all(isinstance(moment, datetime) for moment in read):
            at_most = timedelta(0) if of_band is not None else _EXPOSURE_AT_MOST
            _check(table, timing, Candidate(columns=(index,), form=form), at_most=at_most)


def _check(table: Table, timing: Timing, other: Candidate, *, at_most: timedelta) -> None:
    """Refuse another column that tells other times; days may be in the one order or the other."""
    texts = texts_of(table, other)
    day_only = len(other.columns) == 1 and times.is_day(texts)
    orders = ([order] if (order := dates.order_of(texts)) else ["dmy", "mdy"]) if day_only else [""]
    found = [
        _difference(
            table, timing, other, times.noons(texts, order) if order else times.read_times(texts, other.form), at_most
        )
        for order in orders
    ]
    if all(found):
        raise ValueError(found[0])


def _difference(
    table: Table, timing: Timing, other: Candidate, read: Sequence[datetime | str | None], at_most: timedelta
) -> str:
    """Return where another column tells other times than the one that is used; else nothing."""
    texts = texts_of(table, other)
    used = [table.cells(index) for index in timing.columns]
    for number, (own, theirs) in enumerate(zip(timing.moments, read, strict=True)):
        if not isinstance(own, datetime) or theirs is None:
            continue
        names = f"columns {table.names[timing.columns[0]]!r} and {table.names[other.columns[0]]!r}"
        place = table.rows[number].place
        if isinstance(theirs, str):
            return f"{names} may both be the time, and {place} of the second {theirs}; say --columns time=..."
        written = times.resolution(used[-1][number]) if len(used) == 1 else timedelta(seconds=1)
        span = max(at_most, written + times.resolution(texts[number]))
        if abs(own - theirs) > span:
            return (
                f"{names} tell different times ({place}: {own:%Y-%m-%dT%H:%M:%S} and {theirs:%Y-%m-%dT%H:%M:%S}); "
                "keep the one that is UTC at the observatory, or say --columns time=..."
            )
    return ""


def check_clocks(table: Table, names: Sequence[Name], timing: Timing, free: Sequence[int]) -> None:
    """Refuse a time of day in UTC, in a column of its own, that is not the one of the times that are used."""
    for index in free:
        if names[index].tokens.isdisjoint(_IN_UTC) or not times.is_clock(table.cells(index)):
            continue
        for row, moment in zip(table.rows, timing.moments, strict=True):
            cell = row.cells[index]
            if not isinstance(moment, datetime) or not cell:
                continue
            told = times.read_times([times.joined(f"{moment:%Y-%m-%d}", cell)], Form(count=Count.ANY))[0]
            apart = abs(moment - told) if isinstance(told, datetime) else timedelta(0)
            if min(apart, timedelta(days=1) - apart) > _CLOCKS_AT_MOST:
                used, other = table.names[timing.columns[0]], table.names[index]
                raise ValueError(
                    f"columns {used!r} and {other!r} tell different times of day ({row.place}: {moment:%H:%M:%S} and "
                    f"{cell}); keep the one that is UTC at the observatory, or say --columns time=..."
                )
