"""Which columns tell when something was observed; all others that tell a time must agree with them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time
from itertools import takewhile

from bridge.publishing.sources.tables.elements.names import Name, Role
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.roles import agreement, lacking
from bridge.publishing.sources.tables.when import dates, forms, times
from bridge.publishing.sources.tables.when.forms import Count, Form
from bridge.publishing.sources.tables.when.moments import Candidate, Timing, texts_of

_OF_PAN_STARRS = words("objID detectID filterID psfMag psfFlux psfMagErr psfFluxErr psfQfPerfect infoFlag")
_ORDER = {Count.MJD: 0, Count.JD: 1, Count.ANY: 2}
_MOMENTS = {"middle": 0, "": 1, "start": 2, "end": 3}


def find(table: Table, names: Sequence[Name], options: Options, taken: frozenset[int]) -> Timing:
    """Return when each row was observed. ValueError where no column says so, or columns disagree.

    ``taken`` are the columns that hold something else.
    """
    said = [table.names.index(name) for name in options.named(Role.TIME)]
    free = [index for index in range(len(names)) if index not in taken]
    candidates, refused = _candidates(table, names, said or free)
    if said and not candidates:
        form = Form(count=Count.ANY)
        candidates = [Candidate(columns=(said[0],), form=form)] if said[0] not in refused else []
    if not candidates:
        if refused:
            raise ValueError(f"{next(iter(refused.values()))}; add a column 'mjd' or 'jd' in UTC")
        raise lacking.time(table.names)
    chosen = _chosen(table, candidates)
    timing = Timing(columns=chosen.columns, form=chosen.form, moments=_moments(table, chosen), is_said=bool(said))
    _check_whole_days(table, names, timing, free)
    if not said:
        agreement.check_others(table, names, timing, [other for other in candidates if other is not chosen], refused)
        agreement.check_unknown(table, names, timing, {*free} - {*chosen.columns} - {*refused}, candidates)
        agreement.check_clocks(table, names, timing, [index for index in free if index not in chosen.columns])
    return timing


def _candidates(table: Table, names: Sequence[Name], indexes: Sequence[int]) -> tuple[list[Candidate], dict[int, str]]:
    """Return the columns that may tell the time, with days and times of day joined, and those that can't be used."""
    found: list[Candidate] = []
    refused: dict[int, str] = {}
    days: list[tuple[int, Form]] = []
    clocks: list[int] = []
    unnamed: list[int] = []
    for index in indexes:
        form = _form(table, names, index)
        cells = table.cells(index)
        if not any(cells):
            continue
        if isinstance(form, str):
            refused[index] = form
        elif times.is_clock(cells):
            (clocks if form is not None else unnamed).append(index)
        elif form is not None and times.is_day(cells):
            days.append((index, form))
        elif form is not None:
            found.append(Candidate(columns=(index,), form=form))
    parts = [_part(names, word, indexes) for word in ("year", "month", "day")]
    _check_clocks(table, () if found or clocks else unnamed)
    if not found and not days and all(part is not None for part in parts):
        whole = [part for part in parts if part is not None]
        found.append(
            Candidate(columns=(*whole, *(clocks[:1] or _clock_parts(names, indexes))), form=Form(count=Count.ANY))
        )
    elif days and clocks:
        clocks = _first_moment(names, clocks)
        if len(days) > 1 or len(clocks) > 1:
            told = ", ".join(repr(table.names[index]) for index in (*(day for day, _ in days), *clocks))
            raise ValueError(f"columns {told} may be day and time of day; keep one of each")
        scale = forms.form_of(names[clocks[0]], "", "")
        day, form = days[0]
        if isinstance(scale, Form) and scale.scale != "utc":
            form = replace(form, scale=scale.scale)
        found.append(Candidate(columns=(day, clocks[0]), form=form))
    else:
        found += [Candidate(columns=(day,), form=form) for day, form in days]
        if clocks and not found:
            raise ValueError(f"column {table.names[clocks[0]]!r} holds times of day, and no column the day")
    return found, refused


def _first_moment(names: Sequence[Name], clocks: Sequence[int]) -> list[int]:
    """Return the times of day to use: of those that are start, middle and end by their names one, else all."""
    read = {index: forms.form_of(names[index], "", "") for index in clocks}
    moments = {index: form.moment for index, form in read.items() if isinstance(form, Form)}
    if len(moments) < len(clocks) or len({*moments.values()}) < len(clocks) or {*moments.values()} <= {"end"}:
        return [*clocks]
    return [min(clocks, key=lambda index: _MOMENTS[moments[index]])]


def _form(table: Table, names: Sequence[Name], index: int) -> Form | str | None:
    """Return how a column writes times, None where it holds none; a text says why it can't be used."""
    column = table.columns[index]
    form = forms.form_of(names[index], column.unit, column.note)
    if column.name == "obsTime" and len(_OF_PAN_STARRS.intersection(table.names)) > 1:
        form = Form(count=Count.MJD, scale="tai", moment="middle")  # of Pan-STARRS 1
    if isinstance(form, Form) and column.is_single:
        return (
            f"{column.name!r} holds numbers of 32 bits, which tell times to minutes or hours only; save it in 64 bits"
        )
    return form


def _check_clocks(table: Table, indexes: Sequence[int]) -> None:
    """Refuse times of day in columns that nothing says to be in UTC, where no other column has the time."""
    for index in indexes:
        raise ValueError(
            f"column {table.names[index]!r} holds times of day, and nothing says by which clock; name it 'UT' if it "
            "is in UTC"
        )


_OF_DAY = words(
    "ut utc uth uthours time hour hours hr h frac fraction dayfraction fracday fractionofday timeofday sod ut1 sec "
    "second seconds "
    "secondofday secondsofday secofday uthms uttime timeut utctime timeutc"
)
_PARTS = {
    "year": ("year", "yr", "yyyy"),
    "month": ("month", "mon", "mm"),
    "day": ("day", "dd", "dom"),
    "hour": ("hour", "hours", "hr", "hh"),
    "minute": ("minute", "minutes", "min"),
    "second": ("second", "seconds", "sec"),
}


def _part(names: Sequence[Name], word: str, indexes: Sequence[int]) -> int | None:
    return next((index for index in indexes if names[index].flat in _PARTS[word] and not names[index].said), None)


def _clock_parts(names: Sequence[Name], indexes: Sequence[int]) -> list[int]:
    """Return the columns of hours, minutes and seconds, as far as there are such. ValueError where one is in doubt."""
    hour, minute, second = (_part(names, word, indexes) for word in ("hour", "minute", "second"))
    has_maximum = any(name.flat == "max" for name in names)
    if hour is not None and minute is not None and names[minute].flat == "min" and has_maximum:
        raise ValueError("column 'min' may be minutes or the least value; rename it, or say --columns extra=min")
    return [part for part in takewhile(lambda part: part is not None, (hour, minute, second)) if part is not None]


def _chosen(table: Table, candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate to use: the middle of the exposure before its start, an MJD before a JD before a text."""
    moments = {candidate.form.moment for candidate in candidates}
    if "end" in moments and not moments & {"", "middle"}:
        told = " and ".join(repr(table.names[candidate.columns[0]]) for candidate in candidates)
        raise ValueError(f"columns {told} are start and end; add the middle, or choose with --columns time=...")

    def order(candidate: Candidate) -> tuple[int, int, int, int]:
        whole = len(candidate.columns) == 1 and times.is_day(table.cells(candidate.columns[0]))
        is_span = agreement.are_spans(table, candidate)
        return int(is_span), int(whole), _MOMENTS[candidate.form.moment], _ORDER[candidate.form.count]

    return min(candidates, key=order)


def _moments(table: Table, candidate: Candidate) -> list[datetime | str | None]:
    cells = texts_of(table, candidate)
    return times.read_times(cells, candidate.form)


def _check_whole_days(table: Table, names: Sequence[Name], timing: Timing, free: Sequence[int]) -> None:
    """Refuse whole days where another column may hold the time of day."""
    found = {moment.time() for moment in timing.moments if isinstance(moment, datetime)}
    are_whole = all(cell.isdigit() for cell in table.cells(timing.columns[0]) if cell) or found == {time(0)}
    if len(timing.columns) > 1 or not are_whole:
        return
    for index in free:
        cells = table.cells(index)
        of_day = times.is_clock(cells) or (names[index].flat in _OF_DAY and not any(map(dates.written, cells)))
        if index not in timing.columns and of_day and any(table.cells(index)):
            day, clock = table.names[timing.columns[0]], table.names[index]
            raise ValueError(
                f"column {day!r} holds whole days, and {clock!r} may be the time of day; write one with both"
            )
