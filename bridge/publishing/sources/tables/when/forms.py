"""How a column writes its times, by its name, its unit and its description: what it counts, and by which clock.

What is no time of the observatory's clock is refused: barycentric and heliocentric times are up to eight minutes off,
seconds since a burst are no time at all.
"""

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from bridge.publishing.sources.tables.elements import languages
from bridge.publishing.sources.tables.elements.clocks import OTHER_CLOCKS, SCALES
from bridge.publishing.sources.tables.elements.names import Name
from bridge.publishing.sources.tables.elements.words import words

MJD_ZERO = Decimal("2400000.5")
"""The Julian date of MJD 0."""
_OFFSET = re.compile(
    r"(?P<clock>[a-z]*jd|date|days?|time)?[ _]*(?P<sign>[-+\u2212\u2013])?[ "
    r"_]*(?P<number>\d[\d,_]*\.?\d*)\s*(?P<plus>\+)?"
)


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
_ANY = (
    words(
        "timestamp datetime dateobs obsdate observationdate obstime observationtime time date dateutc utcdate "
        "utdate utc ut isot iso isotime dateiso timeutc utctime uttime epoch obsdatetime datetimeutc "
        "dateobsutc obsdateutc obsepoch timeobs tobs t times dates observed dateofobservation "
        "timeofobservation timemjd mjdtime datetimes utcdatetime obsutc utobs dateut "
        "unix unixtime unixtimestamp unixepoch posix posixtime "
    )
    | languages.TIMES
)
_MJD = words("mjd epochmjd obsmjd mjdobs tmjd mjds modifiedjuliandate modifiedjulianday mjdday mjddate datemjd timemjd")
_JD = words("epochjd jd obsjd jdobs tjd jds juliandate julianday jddate datejd timejd") - {"tjd"}


def form_of(name: Name, unit: str, note: str) -> Form | str | None:
    """Return how a column of this name writes times, None where it holds none; a text says why it can't be used."""
    if name.flat in languages.CLOCKS and any(said.lower() in SCALES for said in name.said):
        name = replace(name, flat="ut")
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
    bare = bare.removeprefix("exp") if bare.endswith("jd") else bare
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
        return number + MJD_ZERO if 10_000 <= number <= 100_000 else f"says {number}, which is not understood"
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
