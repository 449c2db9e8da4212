"""Which columns tell when something was observed; all others that tell a time must agree with them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from itertools import takewhile

from bridge.publishing.sources.tables import bands, dates, forms, times
from bridge.publishing.sources.tables.clocks import NO_TIME, TIME_WORDS
from bridge.publishing.sources.tables.forms import Count, Form
from bridge.publishing.sources.tables.names import Name, Role, parsed
from bridge.publishing.sources.tables.options import Options
from bridge.publishing.sources.tables.table import Table
from bridge.publishing.sources.tables.words import words

_ORDER = {Count.MJD: 0, Count.JD: 1, Count.ANY: 2}
_MOMENTS = {"middle": 0, "": 1, "start": 2, "end": 3}
_OTHER_CLOCK_AT_MOST = timedelta(minutes=15)
_IN_UTC = words("ut utc tu gmt")
_CLOCKS_AT_MOST = timedelta(hours=1)
"""Between the times of one exposure's start and middle that are written in two columns."""
_EXPOSURE_AT_MOST = timedelta(days=1)


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
class _Candidate:
    columns: tuple[int, ...]
    form: Form


def find(table: Table, names: Sequence[Name], options: Options, taken: frozenset[int]) -> Timing:
    """Return when each row was observed. ValueError where no column says so, or columns disagree.

    ``taken`` are the columns that hold something else.
    """
    said = [table.names.index(name) for name in options.named(Role.TIME)]
    free = [index for index in range(len(names)) if index not in taken]
    candidates, refused = _candidates(table, names, said or free)
    if said and not candidates:
        form = Form(count=Count.ANY)
        candidates = [_Candidate(columns=(said[0],), form=form)] if said[0] not in refused else []
    if not candidates:
        if refused:
            raise ValueError(f"{next(iter(refused.values()))}; add a column 'mjd' or 'jd' in UTC")
        found = ", ".join(table.names)
        raise ValueError(f"no column holds the time (found: {found}); name one 'mjd', 'jd' or 'timestamp'")
    chosen = _chosen(table, candidates)
    timing = Timing(columns=chosen.columns, form=chosen.form, moments=_moments(table, chosen), is_said=bool(said))
    _check_whole_days(table, names, timing, free)
    if not said:
        _check_others(table, names, timing, [other for other in candidates if other is not chosen], refused)
        _check_unknown(table, names, timing, {*free} - {*chosen.columns} - {*refused}, candidates)
        _check_clock_in_utc(table, names, timing, [index for index in free if index not in chosen.columns])
    return timing


def _candidates(table: Table, names: Sequence[Name], indexes: Sequence[int]) -> tuple[list[_Candidate], dict[int, str]]:
    """Return the columns that may tell the time, with days and times of day joined, and those that can't be used."""
    found: list[_Candidate] = []
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
            found.append(_Candidate(columns=(index,), form=form))
    parts = [_part(names, word, indexes) for word in ("year", "month", "day")]
    _check_clocks(table, () if found or clocks else unnamed)
    if not found and not days and all(part is not None for part in parts):
        whole = [part for part in parts if part is not None]
        found.append(
            _Candidate(columns=(*whole, *(clocks[:1] or _clock_parts(names, indexes))), form=Form(count=Count.ANY))
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
        found.append(_Candidate(columns=(day, clocks[0]), form=form))
    else:
        found += [_Candidate(columns=(day,), form=form) for day, form in days]
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
    if column.name == "obsTime" and not {"objID", "detectID", "filterID"}.isdisjoint(table.names):
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


def _chosen(table: Table, candidates: Sequence[_Candidate]) -> _Candidate:
    """Return the candidate to use: the middle of the exposure before its start, an MJD before a JD before a text."""
    moments = {candidate.form.moment for candidate in candidates}
    if "end" in moments and not moments & {"", "middle"}:
        told = " and ".join(repr(table.names[candidate.columns[0]]) for candidate in candidates)
        raise ValueError(f"columns {told} are start and end; add the middle, or choose with --columns time=...")

    def order(candidate: _Candidate) -> tuple[int, int, int]:
        whole = len(candidate.columns) == 1 and times.is_day(table.cells(candidate.columns[0]))
        return int(whole), _MOMENTS[candidate.form.moment], _ORDER[candidate.form.count]

    return min(candidates, key=order)


def _moments(table: Table, candidate: _Candidate) -> list[datetime | str | None]:
    cells = _texts(table, candidate)
    return times.read_times(cells, candidate.form)


def _texts(table: Table, candidate: _Candidate) -> list[str]:
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


def _check_whole_days(table: Table, names: Sequence[Name], timing: Timing, free: Sequence[int]) -> None:
    """Refuse whole days where another column may hold the time of day."""
    found = {moment.time() for moment in timing.moments if isinstance(moment, datetime)}
    are_whole = all(cell.isdigit() for cell in table.cells(timing.columns[0]) if cell) or found == {time(0)}
    if len(timing.columns) > 1 or not are_whole:
        return
    for index in free:
        of_day = names[index].flat in _OF_DAY or times.is_clock(table.cells(index))
        if index not in timing.columns and of_day and any(table.cells(index)):
            day, clock = table.names[timing.columns[0]], table.names[index]
            raise ValueError(
                f"column {day!r} holds whole days, and {clock!r} may be the time of day; write one with both"
            )


def _check_clock_in_utc(table: Table, names: Sequence[Name], timing: Timing, free: Sequence[int]) -> None:
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


def _check_others(
    table: Table, names: Sequence[Name], timing: Timing, others: Sequence[_Candidate], refused: dict[int, str]
) -> None:
    """Refuse columns that tell another time than the one that is used."""
    for other in others:
        parted = other.form.moment != timing.form.moment
        _check(table, timing, other, at_most=_EXPOSURE_AT_MOST if parted else timedelta(0))
    for index, why in refused.items():
        bare = replace(names[index], said=(), tokens=frozenset())
        form = forms.form_of(replace(bare, flat=bare.flat.lstrip("hb") or bare.flat), "", "")
        if isinstance(form, Form) and form.count is not Count.ANY and "span of time" not in why:
            cells = table.cells(index)
            if all(isinstance(moment, datetime | None) for moment in times.read_times(cells, form)):
                candidate = _Candidate(columns=(index,), form=form)
                _check(table, timing, candidate, at_most=_OTHER_CLOCK_AT_MOST)


def _check_unknown(
    table: Table, names: Sequence[Name], timing: Timing, free: set[int], candidates: Sequence[_Candidate]
) -> None:
    """Refuse columns of unknown names whose cells are times, unless they agree."""
    known = {index for candidate in candidates for index in candidate.columns}
    for index in sorted(free - known):
        if NO_TIME.search(names[index].whole) and not TIME_WORDS.search(names[index].whole):
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
            _check(table, timing, _Candidate(columns=(index,), form=form), at_most=at_most)


def _check(table: Table, timing: Timing, other: _Candidate, *, at_most: timedelta) -> None:
    """Refuse another column that tells other times; days may be in the one order or the other."""
    texts = _texts(table, other)
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
    table: Table, timing: Timing, other: _Candidate, read: Sequence[datetime | str | None], at_most: timedelta
) -> str:
    """Return where another column tells other times than the one that is used; else nothing."""
    texts = _texts(table, other)
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
