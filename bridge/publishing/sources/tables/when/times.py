"""Times of observations as tables write them, as UTC: MJD, JD or ISO; TT, TAI and TDB converted by astropy."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

from bridge.clock import CLOCK
from bridge.publishing.sources.tables.elements.cells import is_empty
from bridge.publishing.sources.tables.when import dates
from bridge.publishing.sources.tables.when.forms import MJD_ZERO, Count, Form

_JD_RANGE = (Decimal(2_086_303), Decimal(2_816_788))
"""The years 1000 to 3000."""
_MJD_RANGE = (Decimal(15_000), Decimal(416_788))
"""From 1899: an MJD before it is far more often one from which something was subtracted, which nothing says."""
_ANY_MJD_RANGE = (Decimal(50_000), Decimal(70_000))
_ANY_JD_RANGE = (Decimal(2_415_020), Decimal(2_488_070))
"""1995 to 2050 and 1900 to 2100, where only the value tells what it is: no year or Unix time falls into either, and no
date as spreadsheets count them, from 1900 (45323.25 is 2024-02-01T06:00:00), until 2036."""
_SPREADSHEET_RANGE = (Decimal(25_000), Decimal(50_000))
_AHEAD = timedelta(days=1)
"""For clocks that differ and days that have begun elsewhere."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_COMPACT_DAY = re.compile(r"((?:19|20)\d\d)([01]\d)([0-3]\d)")
_OF_DAY = re.compile(r"\d{1,2}(?:\.\d*)?")
_CLOCK = re.compile(
    r"(\d{1,2})[:h ](\d{1,2})(?:[:m ](\d{1,2}(?:\.\d*)?)s?)?m?\s*(?:Z|UTC?|(?P<half>[AaPp])\.?[Mm]\.?)?"
)
RIGHT = "write an MJD (60341.25), a JD (2460341.75) or 2024-02-01T06:00:00"


def read_times(cells: Sequence[str], form: Form) -> list[datetime | str | None]:
    """Return each cell as a time in UTC, None where it is empty, or a text that says what is wrong with it.

    Times from an MJD or a JD are rounded to the millisecond: a double holds a JD to 40 microseconds only.
    """
    found: list[datetime | str | None] = [None] * len(cells)
    numbers: list[tuple[int, Decimal]] = []
    of_clock: list[tuple[int, datetime]] = []
    if form.count is Count.ANY and form.offset is None:
        written = [cell for cell in cells if _NUMBER.fullmatch(cell)]
        if written and all("." not in cell for cell in written):
            return [
                f"{cell[:40]} may be anything; name the column mjd or jd if it is one" if cell else None
                for cell in cells
            ]
    order = dates.order_of(cells)
    for index, cell in enumerate(cells):
        if is_empty(cell):
            continue
        if not _NUMBER.fullmatch(cell) or (form.count is Count.ANY and form.offset is None and dates.is_compact(cell)):
            moment = _from_text(cell, form.scale, order)
            if isinstance(moment, datetime) and moment.tzinfo is None:
                of_clock.append((index, moment))
            else:
                found[index] = moment
            continue
        jd = _lost_digits(cell) or _jd(cell, form)
        if isinstance(jd, str):
            found[index] = jd
        else:
            numbers.append((index, jd))
    moments = _moments([jd for _, jd in numbers], form.scale)
    moments += _converted([moment for _, moment in of_clock], form.scale)
    for (index, _), moment in zip((*numbers, *of_clock), moments, strict=True):
        found[index] = moment
    latest = CLOCK.now() + _AHEAD
    return [not_ahead(moment, latest) if isinstance(moment, datetime) else moment for moment in found]


def not_ahead(moment: datetime, latest: datetime) -> datetime | str:
    """Return ``moment``; a text that says what to do where it is later than ``latest``, and can't be observed yet."""
    if moment <= latest:
        return moment
    return (
        f"would be {moment:%Y-%m-%dT%H:%M:%S}, which is still to come; leave out what was not observed, or mend how "
        "the time is written (what was subtracted, the order of day and month, the clock of this machine)"
    )


def _lost_digits(cell: str) -> str:
    """Return what is wrong with a number that is rounded to whole days or more, as spreadsheets do: 2.46034E+06."""
    is_rounded = "e" in cell.lower() and int(Decimal(cell).as_tuple().exponent) >= 0
    return f"{cell} has lost its part of a day; write the number with all its digits" if is_rounded else ""


def _jd(cell: str, form: Form) -> Decimal | str:
    number = Decimal(cell)
    if form.offset is not None:
        jd = number + form.offset
        in_range = _JD_RANGE[0] <= jd <= _JD_RANGE[1] and abs(number) < 100_000
        return jd if in_range else f"{cell} is no {form.text}; write the full JD or MJD"
    as_mjd = _within(number, _ANY_MJD_RANGE if form.count is Count.ANY else _MJD_RANGE)
    as_jd = _within(number, _ANY_JD_RANGE if form.count is Count.ANY else _JD_RANGE)
    if as_mjd and form.count is not Count.JD:
        return number + MJD_ZERO
    if as_jd and form.count is not Count.MJD:
        return number
    if as_jd:
        return f"{cell} is no MJD but looks like a JD; name the column jd if it is one, in UTC at the observatory"
    if form.count is Count.ANY:
        is_doubtful = _within(number, _SPREADSHEET_RANGE)
        what = (
            "may be a date of a spreadsheet; name the column mjd if it is one, else" if is_doubtful else "is no time;"
        )
        return f"{cell} {what} {RIGHT}"
    subtracted = "2400000" if form.count is Count.JD else "50000"
    return (
        f"{cell} is no {form.count}; write the full {form.count}, or say in the header what was subtracted, as in "
        f"({form.count}-{subtracted})"
    )


def _within(number: Decimal, span: tuple[Decimal, Decimal]) -> bool:
    return span[0] <= number <= span[1]


def _moments(jds: Sequence[Decimal], scale: str) -> list[datetime | str]:
    """Return Julian dates in ``scale`` as times in UTC.

    A day of UTC has 86,400 s here, as in the dates of those who write tables; astropy's has 86,401 where it ends with a
    leap second, for which there is no datetime.
    """
    if scale == "utc":
        return [since_mjd_zero(jd - MJD_ZERO) for jd in jds]
    return _converted(jds, scale)


def _converted(moments: Sequence[Decimal | datetime], scale: str) -> list[datetime | str]:
    """Return Julian dates or times without a zone, all in ``scale``, as times in UTC: at once, as astropy is quick."""
    from astropy.time import Time

    if not moments:
        return []
    try:
        if isinstance(moments[0], datetime):
            read = Time(list(moments), scale=scale)
        else:
            jds = [jd for jd in moments if isinstance(jd, Decimal)]
            read = Time([int(jd) for jd in jds], [float(jd - int(jd)) for jd in jds], format="jd", scale=scale)
        return [to_millisecond(moment) for moment in read.utc.to_value("datetime")]
    except ValueError:
        if len(moments) == 1:
            return [f"{moments[0]} is no time in {scale.upper()} that has one in UTC (a leap second?)"]
        return [moment for one in moments for moment in _converted([one], scale)]


def since_mjd_zero(days: Decimal) -> datetime:
    """Return an MJD as a time, to the nearest millisecond."""
    return datetime(1858, 11, 17, tzinfo=UTC) + timedelta(milliseconds=round(days * 86_400_000))


def to_millisecond(moment: datetime) -> datetime:
    """Return ``moment`` in UTC, to the nearest millisecond."""
    rest = moment.microsecond % 1000
    rounded = moment - timedelta(microseconds=rest) + timedelta(milliseconds=1 if rest >= 500 else 0)
    return rounded.replace(tzinfo=UTC)


def _from_text(text: str, scale: str, order: str) -> datetime | str:
    """Return a text as a time in UTC, or in ``scale`` without a zone; a text that says what is wrong with it."""
    found = dates.written(text, order)
    if found is None:
        return f"{text[:40]!r} is no time; {RIGHT}"
    if not found.month:
        return f"{text[:40]!r} may have its day or its month first; write 2024-02-01T06:00:00"
    if found.is_whole:
        return f"{text[:40]!r} has no time of day; write 2024-02-01T06:00:00 or 2024-02-01.25"
    if found.fraction and found.clock:
        return f"{text[:40]!r} has a part of a day and a time of day; write one"
    try:
        day = datetime(found.year, found.month, found.day, tzinfo=UTC)
        moment = day + (_clock(found.clock) if found.clock else _part(found.fraction))
        return _in_utc(moment, found.zone, scale)
    except (ValueError, OverflowError):  # no such day or time; or beyond the years of a datetime once it is in UTC
        return f"{text[:40]!r} is no time; {RIGHT}"


def _part(fraction: str) -> timedelta:
    """Return a part of a day, to the millisecond where that is finer than its digits."""
    milliseconds = round(Decimal(fraction) * 86_400_000)
    return timedelta(milliseconds=milliseconds)


def _clock(text: str) -> timedelta:
    found = _CLOCK.fullmatch(text.strip())
    if found is None or found["half"]:
        raise ValueError(text)
    hours, minutes, seconds = int(found[1]), int(found[2]), Decimal(found[3] or 0)
    if hours > 23 or minutes > 59 or seconds >= 60:
        raise ValueError(text)
    return timedelta(hours=hours, minutes=minutes, microseconds=round(seconds * 1_000_000))


def _in_utc(moment: datetime, zone: str, scale: str) -> datetime | str:
    if zone and zone not in ("Z", "UTC", "UT"):
        digits = zone.replace(":", "")[1:].ljust(4, "0")
        shift = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        own = timezone(-shift if zone[0] == "-" else shift)
        return moment.replace(tzinfo=own).astimezone(UTC)
    if scale == "utc":
        return moment
    return f"says {zone}, and its column {scale.upper()}" if zone else moment.replace(tzinfo=None)


def is_clock(cells: Sequence[str]) -> bool:
    """Return whether all cells hold times of day, as ``06:15:00``."""
    held = [cell for cell in cells if not is_empty(cell)]
    return bool(held) and all(":" in cell and _CLOCK.fullmatch(cell) for cell in held)


def is_day(cells: Sequence[str]) -> bool:
    """Return whether all cells hold days without a time of day."""
    held = [cell for cell in cells if not is_empty(cell)]
    return bool(held) and all((found := dates.written(cell)) is not None and found.is_whole for cell in held)


def noons(cells: Sequence[str], order: str) -> list[datetime | str | None]:
    """Return the noon of each day, None where a cell is empty, or a text; ``order`` is that of day and month."""
    found: list[datetime | str | None] = []
    for cell in cells:
        day = None if is_empty(cell) else dates.written(cell, order)
        try:
            found.append(None if day is None else datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        except ValueError:
            found.append(f"{cell[:40]!r} is no day")
    return found


def clock_of(parts: Sequence[str]) -> str:
    """Return hours, minutes and seconds, of which the last may have decimals, as ``06:15:00``; else nothing."""
    if not parts or not all(map(_OF_DAY.fullmatch, parts)) or any("." in part for part in parts[:-1]):
        return ""
    hours, minutes, seconds = (Decimal(part) for part in (*parts, "0", "0")[:3])
    if hours >= 24 or minutes >= 60 or seconds >= 60:
        return ""
    whole, part = divmod(round((hours * 3600 + minutes * 60 + seconds) * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{part:03}"


def joined(day: str, clock: str) -> str:
    """Return a day and a time of day as one text."""
    found = _CLOCK.fullmatch(clock.strip())
    if is_empty(day) or found is None:
        return ""
    seconds, point, part = (found[3] or "00").partition(".")
    half = f" {found['half']}m" if found["half"] else ""
    day = _COMPACT_DAY.sub(r"\1-\2-\3", day.strip())
    return f"{day}T{found[1]:0>2}:{found[2]:0>2}:{seconds:0>2}{point}{part}{half}"


def resolution(cell: str) -> timedelta:
    """Return to what span a time is written, at least a second: half a unit of its last digit, or its whole day."""
    if _NUMBER.fullmatch(cell):
        digits = len(cell.partition(".")[2])
        return max(timedelta(seconds=1), timedelta(days=10.0**-digits))
    found = dates.written(cell)
    if found is None or found.is_whole:
        return timedelta(days=1)
    if found.fraction:
        return max(timedelta(seconds=1), timedelta(days=10.0 ** -(len(found.fraction) - 1)))
    return timedelta(seconds=60 if found.clock.count(":") == 1 else 1)
