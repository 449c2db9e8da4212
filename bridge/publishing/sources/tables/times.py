"""Times of observations as tables write them, as UTC: MJD, JD or ISO; TT, TAI and TDB converted by astropy.

What is no time of the observatory's clock is refused: barycentric and heliocentric times are up to eight minutes off,
seconds since a burst are no time at all.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum

from bridge.publishing.sources.tables.cells import is_empty
from bridge.publishing.sources.tables.names import OTHER_CLOCKS, SCALES, Name
from bridge.publishing.sources.tables.words import words

_MJD_ZERO = Decimal("2400000.5")
_JD_RANGE = (Decimal(2_086_303), Decimal(2_816_788))
"""The years 1000 to 3000."""
_MJD_RANGE = (Decimal(15_000), Decimal(416_788))
"""From 1899: an MJD before it is far more often one from which something was subtracted, which nothing says."""
_ANY_MJD_RANGE = (Decimal(40_000), Decimal(70_000))
_ANY_JD_RANGE = (Decimal(2_415_020), Decimal(2_488_070))
"""1968 to 2050 and 1900 to 2100, where only the value tells what it is: no year or Unix time falls into either."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MONTHS = {
    "jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6,
    "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12,
}  # fmt: skip
_ISO = re.compile(
    r"(?P<year>\d{4})(?P<mark>[-/])(?P<month>\d{1,2})(?P=mark)(?P<day>\d{1,2})(?P<fraction>\.\d+)?"
    r"(?:(?:T|\s+)(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:\.\d*)?)?))?"
    r"\s*(?P<zone>Z|UTC|UT|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
)
_NAMED_MONTH = re.compile(
    r"(?P<year>\d{4})[ -]*(?P<month>[A-Za-z]{3})[a-z]*\.?[ -]*(?P<day>\d{1,2})(?P<fraction>\.\d+)?"
    r"(?:(?:T|\s+)(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:\.\d*)?)?))?\s*(?P<zone>Z|UTC|UT)?"
)
_CLOCK = re.compile(r"(\d{1,2})[:h ](\d{1,2})(?:[:m ](\d{1,2}(?:\.\d*)?)s?)?m?\s*(?:Z|UTC?)?")
_OFFSET = re.compile(
    r"(?P<clock>[a-z]*jd|date|days?|time)?[ _]*(?P<sign>[-+\u2212\u2013])?[ "
    r"_]*(?P<number>\d[\d,_]*\.?\d*)\s*(?P<plus>\+)?"
)
RIGHT = "write an MJD (60341.25), a JD (2460341.75) or 2024-02-01T06:00:00"


class Count(StrEnum):
    """What a number counts."""

    MJD = "MJD"
    JD = "JD"
    ANY = "time"
    """MJD or JD: the value tells."""


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a column writes its times."""

    count: Count
    scale: str = "utc"
    offset: Decimal | None = None
    """What is to be added to a number to make a JD of it, where the header says so."""
    moment: str = ""
    """``start``, ``middle`` or ``end`` of the exposure, where the name says so."""

    @property
    def text(self) -> str:
        """How people call it."""
        subtracted = "" if self.offset is None else f" - {self.offset.normalize():f}"
        count = "JD" if self.offset is not None else ("MJD, JD or ISO" if self.count is Count.ANY else str(self.count))
        return f"{count}{subtracted}, {self.scale.upper()}"


_MOMENTS = {
    "start": "start",
    "begin": "start",
    "beg": "start",
    "mid": "middle",
    "middle": "middle",
    "midpoint": "middle",
    "midpt": "middle",
    "mean": "middle",
    "avg": "middle",
    "end": "end",
    "stop": "end",
}
_ANY = words(
    "timestamp datetime dateobs obsdate observationdate obstime observationtime time date dateutc utcdate "
    "utdate utc ut isot iso isotime dateiso timeutc utctime uttime epoch obsdatetime datetimeutc "
    "dateobsutc obsdateutc obsepoch timeobs tobs t times dates observed dateofobservation "
    "timeofobservation timemjd mjdtime datetimes utcdatetime obsutc utobs dateut"
)
_MJD = words(
    "mjd obsmjd mjdobs tmjd mjds modifiedjuliandate modifiedjulianday mjdday exp expmjd mjddate datemjd timemjd"
)
_JD = words("jd obsjd jdobs tjd jds juliandate julianday jddate datejd timejd") - {"tjd"}


def form_of(name: Name, unit: str, note: str) -> Form | str | None:
    """Return how a column of this name writes times, None where it holds none; a text says why it can't be used."""
    flat, moment = _without_moment(name.flat, name.tokens)
    count = Count.MJD if flat in _MJD else Count.JD if flat in _JD else Count.ANY if flat in _ANY else None
    clock = next((token for token in (name.flat, flat, *name.tokens) if token in OTHER_CLOCKS), None)
    if count is None and clock is None:
        return None
    if clock is not None:
        return f"{name.whole!r} is no UTC at the observatory ({clock.upper()})"
    if flat == "mjd" and "midpt" in name.tokens:  # Rubin's expMidptMJD counts in TAI, and says so in its documents only
        return Form(count=Count.MJD, scale="tai", moment=moment)
    form = Form(count=count or Count.ANY, moment=moment)
    for said in (*name.said, *([unit] if unit else ())):
        found = _with(form, said, name.whole)
        if isinstance(found, str):
            return found
        form = found
    return form if not note else _noted(form, note, name.whole)


def _without_moment(flat: str, tokens: frozenset[str]) -> tuple[str, str]:
    word = next((word for word in _MOMENTS if word in tokens or flat.endswith(word) or flat.startswith(word)), None)
    if word is None:
        return flat, ""
    if flat == word and word not in ("mean", "avg"):
        return "time", _MOMENTS[word]
    bare = flat.replace("midpoint", "").replace("midpt", "").replace(word, "", 1)
    bare = {"exp": "mjd" if "mjd" in flat else bare, "tai": "mjd"}.get(bare, bare).removeprefix("exp")
    return (bare, _MOMENTS[word]) if bare else (flat, "")


def _with(form: Form, said: str, whole: str) -> Form | str:
    """Return ``form`` with what a name says in brackets or at its end; a text where it is not understood."""
    text = said.strip().lower().replace("\u2212", "-").replace("\u2013", "-")
    is_offset = _OFFSET.fullmatch(text) is not None
    for word in [text] if is_offset else re.split(r"[\s,;/_]+", text):
        found = _with_word(form, word.strip("()[]"))
        if isinstance(found, str):
            return f"{whole!r} {found}"
        form = found
    return form


_HARMLESS = words(
    "d day days iso isot yyyy-mm-dd yyyy-mm-ddthh:mm:ss date datetime utc: of exposure exp mid-exposure"
) | {""}
_SPANS = words("s sec seconds second min minutes h hr hours hour ms ks yr year years")


def _with_word(form: Form, word: str) -> Form | str:
    """Return ``form`` with what one word says; a text that says why it can't be used."""
    found: Form | str = form
    if word == "tdb":
        found = "says TDB, which in tables nearly always is the time at the barycentre; convert it to UTC"
    elif word in SCALES:
        found = replace(form, scale=SCALES[word])
    elif word in ("mjd", "jd", "mjd-obs"):
        count = Count.MJD if word.startswith("mjd") else Count.JD
        found = replace(form, count=count) if form.count in (Count.ANY, count) else f"says {form.count} and {count}"
    elif word in _MOMENTS:
        found = replace(form, moment=_MOMENTS[word])
    elif word in _SPANS:
        found = f"is in {word!r}: a span of time, not a time"
    elif any(part in OTHER_CLOCKS for part in re.split(r"[^a-z0-9]+", word)):
        found = f"is no UTC at the observatory ({word.upper()})"
    elif (offset := _OFFSET.fullmatch(word)) is not None:
        jd = _offset(offset, form.count)
        found = jd if isinstance(jd, str) else replace(form, count=Count.JD, offset=jd)
    elif word not in _HARMLESS:
        found = f"says {word!r}, which is not understood"
    return found


def _offset(found: re.Match[str], count: Count) -> Decimal | str:
    """Return what makes a JD of numbers from which something was subtracted (``JD-2400000``, ``MJD-50000``)."""
    clock = (found["clock"] or "").lower()
    if clock not in ("", "jd", "mjd", "date", "time", "day", "days"):
        return f"is no UTC at the observatory ({clock.upper()})"
    number = Decimal(found["number"].replace(",", "").replace("_", ""))
    if clock == "mjd" or (count is Count.MJD and clock != "jd"):
        return number + _MJD_ZERO if 10_000 <= number <= 100_000 else f"says {number}, which is not understood"
    return number if 2_400_000 <= number <= 2_500_000 else f"says {number}, which is not understood"


def _noted(form: Form, note: str, whole: str) -> Form | str:
    """Return ``form`` with what a description says of the time."""
    text = note.lower()
    # "Modified Julian Date (JD-2400000.5)" is the definition of an MJD, not something else that was subtracted.
    text = text.replace("jd-2400000.5", "").replace("jd - 2400000.5", "").replace("jd-2,400,000.5", "")
    if re.search(r"bary|helio|\btcb\b|\btdb\b|\bbjd|\bhjd", text):
        return f"{whole!r} is described as {note[:60]!r}, no UTC at the observatory"
    if re.search(r"since|after|relative|elapsed|origin (?!none|mjd|jd)|phase|\bs\b", text) and "since 1858" not in text:
        return f"{whole!r} is described as {note[:60]!r}, a span of time"
    if (found := re.search(r"\b(mjd|jd)\s*[-\u2212\u2013+]\s*(\d[\d,.]*)", text)) is not None:
        return _with(form, f"{found[1]}-{found[2]}", whole)
    for word, scale in SCALES.items():
        if word != "et" and re.search(rf"[(\s,]{word}[)\s,.;]|scale {word}\b|[(\s]{word}$", text):
            form = replace(form, scale=scale)
            break
    if form.count is Count.ANY and "julian" in text:
        count = Count.MJD if "modified" in text else Count.JD
        form = replace(form, count=count)
    return form


def read_times(cells: Sequence[str], form: Form) -> list[datetime | str | None]:
    """Return each cell as a time in UTC, None where it is empty, or a text that says what is wrong with it.

    Times from an MJD or a JD are rounded to the millisecond: a double holds a JD to 40 microseconds only.
    """
    found: list[datetime | str | None] = [None] * len(cells)
    numbers: list[tuple[int, Decimal]] = []
    if form.count is Count.ANY and form.offset is None:
        written = [cell for cell in cells if _NUMBER.fullmatch(cell)]
        if written and all("." not in cell for cell in written):
            return [
                f"{cell[:40]} may be anything; name the column mjd or jd if it is one" if cell else None
                for cell in cells
            ]
    for index, cell in enumerate(cells):
        if is_empty(cell):
            continue
        if not _NUMBER.fullmatch(cell):
            found[index] = _from_text(cell, form.scale)
            continue
        jd = _jd(cell, form)
        if isinstance(jd, str):
            found[index] = jd
        else:
            numbers.append((index, jd))
    moments = _moments([jd for _, jd in numbers], form.scale)
    for (index, _), moment in zip(numbers, moments, strict=True):
        found[index] = moment
    return found


def _jd(cell: str, form: Form) -> Decimal | str:
    number = Decimal(cell)
    if form.offset is not None:
        jd = number + form.offset
        in_range = _JD_RANGE[0] <= jd <= _JD_RANGE[1] and abs(number) < 100_000
        return jd if in_range else f"{cell} is no {form.text}; write the full JD or MJD"
    as_mjd = _within(number, _ANY_MJD_RANGE if form.count is Count.ANY else _MJD_RANGE)
    as_jd = _within(number, _ANY_JD_RANGE if form.count is Count.ANY else _JD_RANGE)
    if as_mjd and form.count is not Count.JD:
        return number + _MJD_ZERO
    if as_jd and form.count is not Count.MJD:
        return number
    if as_jd:
        return f"{cell} is no MJD but looks like a JD; name the column jd if it is one, in UTC at the observatory"
    if form.count is Count.ANY:
        return f"{cell} is no time; {RIGHT}"
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
        return [_since_mjd_zero(jd - _MJD_ZERO) for jd in jds]
    from astropy.time import Time

    found: list[datetime | str] = []
    for jd in jds:
        try:
            utc = Time(int(jd), float(jd - int(jd)), format="jd", scale=scale).utc
            found.append(to_millisecond(utc.to_value("datetime")))
        except ValueError:
            found.append(f"{jd} is no time in {scale.upper()} that has one in UTC (a leap second?)")
    return found


def _since_mjd_zero(days: Decimal) -> datetime:
    return datetime(1858, 11, 17, tzinfo=UTC) + timedelta(milliseconds=round(days * 86_400_000))


def to_millisecond(moment: datetime) -> datetime:
    """Return ``moment`` in UTC, to the nearest millisecond."""
    rest = moment.microsecond % 1000
    rounded = moment - timedelta(microseconds=rest) + timedelta(milliseconds=1 if rest >= 500 else 0)
    return rounded.replace(tzinfo=UTC)


def _from_text(text: str, scale: str) -> datetime | str:
    plain = text.strip()
    if (found := _ISO.fullmatch(plain)) or (found := _NAMED_MONTH.fullmatch(plain)):
        parts = found.groupdict()
        month = _MONTHS.get(parts["month"].lower(), 0) if parts["month"].isalpha() else int(parts["month"])
        if not parts["fraction"] and not parts["clock"]:
            return f"{text[:40]!r} has no time of day; write 2024-02-01T06:00:00 or 2024-02-01.25"
        if parts["fraction"] and parts["clock"]:
            return f"{text[:40]!r} has a part of a day and a time of day; write one"
        try:
            day = datetime(int(parts["year"]), month, int(parts["day"]), tzinfo=UTC)
            moment = day + (_clock(parts["clock"]) if parts["clock"] else _part(parts["fraction"]))
            return _in_utc(moment, parts.get("zone") or "", scale)
        except ValueError:
            pass
    return f"{text[:40]!r} is no time; {RIGHT}"


def _part(fraction: str) -> timedelta:
    """Return a part of a day, to the millisecond where that is finer than its digits."""
    milliseconds = round(Decimal(fraction) * 86_400_000)
    return timedelta(milliseconds=milliseconds)


def _clock(text: str) -> timedelta:
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
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
    if zone:
        return f"says {zone}, and its column {scale.upper()}"
    from astropy.time import Time

    return to_millisecond(Time(moment.replace(tzinfo=None), scale=scale).utc.to_value("datetime"))


def is_clock(cells: Sequence[str]) -> bool:
    """Return whether all cells hold times of day, as ``06:15:00``."""
    held = [cell for cell in cells if not is_empty(cell)]
    return bool(held) and all(":" in cell and _CLOCK.fullmatch(cell) for cell in held)


def is_day(cells: Sequence[str]) -> bool:
    """Return whether all cells hold days without a time of day."""
    held = [cell for cell in cells if not is_empty(cell)]
    matches = [_ISO.fullmatch(cell) or _NAMED_MONTH.fullmatch(cell) for cell in held]
    return bool(held) and all(found and not found["clock"] and not found["fraction"] for found in matches)


def joined(day: str, clock: str) -> str:
    """Return a day and a time of day as one text."""
    found = _CLOCK.fullmatch(clock.strip())
    if is_empty(day) or found is None:
        return ""
    seconds = found[3] or "00"
    return f"{day.strip()}T{found[1]:0>2}:{found[2]:0>2}:{seconds:0>2}"


def resolution(cell: str) -> timedelta:
    """Return to what span a time is written, at least a second: half a unit of its last digit, or its whole day."""
    if _NUMBER.fullmatch(cell):
        digits = len(cell.partition(".")[2])
        return max(timedelta(seconds=1), timedelta(days=10.0**-digits))
    found = _ISO.fullmatch(cell.strip()) or _NAMED_MONTH.fullmatch(cell.strip())
    if found is None or (not found["clock"] and not found["fraction"]):
        return timedelta(days=1)
    if found["fraction"]:
        return max(timedelta(seconds=1), timedelta(days=10.0 ** -(len(found["fraction"]) - 1)))
    return timedelta(seconds=60 if found["clock"].count(":") == 1 else 1)
