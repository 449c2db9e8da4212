"""Dates as people write them: years first, months by name, days first or last; no order is guessed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_ELSEWHERE = {
    "sept": 9, "mars": 3, "marzo": 3, "mai": 5, "mayo": 5, "juin": 6, "juni": 6, "junio": 6, "juillet": 7, "juli": 7,
    "julio": 7, "aout": 8, "agosto": 8, "okt": 10, "oktober": 10, "dez": 12, "dezember": 12,
}  # fmt: skip
"""Months in other languages, or cut at another letter."""
_CLOCK = r"(?P<clock>\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d*)?)?)(?:\s*(?P<half>[AaPp][Mm]))?"
_TAIL = rf"(?:(?:T|[\s_]+){_CLOCK})?\s*(?P<zone>Z|UTC|UT|GMT|[+-]\d{{2}}:?\d{{2}}|[+-]\d{{2}})?"
_DAY = r"(?P<day>\d{1,2})(?P<fraction>\.\d+)?"
_MONTH = r"(?P<month>[A-Za-z]{3,})\.?"
_WEEKDAY = r"(?:[A-Z][a-z]{2,8},?\s+)?"
_FORMS = (
    rf"(?P<year>\d{{4}})(?P<mark>[-/. ])(?P<month>\d{{1,2}})(?P=mark){_DAY}{_TAIL}",
    rf"(?P<year>\d{{4}})[ -]*{_MONTH}[ -]*{_DAY}{_TAIL}",
    rf"{_WEEKDAY}{_DAY}[ -]*{_MONTH},?[ -]*(?P<year>\d{{4}}){_TAIL}",
    rf"{_WEEKDAY}{_MONTH}[ -]*{_DAY},?[ -]+(?P<year>\d{{4}}){_TAIL}",
    rf"{_WEEKDAY}{_MONTH}\s+{_DAY}\s+{_CLOCK}\s+(?P<year>\d{{4}})(?P<zone>)",
    r"(?P<year>(?:19|20)\d\d)(?P<month>[01]\d)(?P<day>[0-3]\d)(?P<fraction>\.\d+)(?P<clock>)(?P<half>)(?P<zone>)",
    r"(?P<year>(?:19|20)\d\d)(?P<month>[01]\d)(?P<day>[0-3]\d)(?P<fraction>)(?P<clock>)(?P<half>)(?P<zone>)",
    r"(?P<year>(?:19|20)\d\d)(?P<month>[01]\d)(?P<day>[0-3]\d)(?P<fraction>)T(?P<clock>\d{6}(?:\.\d*)?)(?P<half>)"
    r"(?P<zone>Z?)",
    rf"(?P<first>\d{{1,2}})(?P<mark>[-/.])(?P<second>\d{{1,2}})(?P=mark)(?P<year>\d{{4}})(?P<fraction>){_TAIL}",
)
_PATTERNS = tuple(re.compile(form) for form in _FORMS)
_COMPACT = _PATTERNS[5]
_LAST = _PATTERNS[-1]


@dataclass(frozen=True, kw_only=True)
class Written:
    """A date taken apart."""

    year: int
    month: int
    """0 where day and month may be in either order."""
    day: int
    fraction: str
    """Of the day, as ``.25``; or nothing."""
    clock: str
    """As ``06:15:00.5``; or nothing."""
    zone: str

    @property
    def is_whole(self) -> bool:
        """Whether it tells a day only."""
        return not self.fraction and not self.clock


def is_compact(cell: str) -> bool:
    """Return whether a number is a date with a part of a day: 20230521.25."""
    return bool(_COMPACT.fullmatch(cell))


@lru_cache(maxsize=10_000)  # a cell is asked for as a day, as a time and for how finely it is written
def written(text: str, order: str = "") -> Written | None:
    """Return ``text`` taken apart, None where it is no date; ``order`` is ``dmy`` or ``mdy`` where the column tells."""
    found = next((found for pattern in _PATTERNS if (found := pattern.fullmatch(text.strip()))), None)
    if found is None:
        return None
    parts = found.groupdict()
    if "first" in parts:
        day, month = _ordered(parts["first"], parts["mark"], parts["second"], order)
    else:
        day = int(parts["day"])
        month = _month(parts["month"])
    clock = _clock(parts["clock"] or "", (parts.get("half") or "").lower())
    return Written(
        year=int(parts["year"]),
        month=month,
        day=day,
        fraction=parts["fraction"] or "",
        clock=clock,
        zone=(parts["zone"] or "").replace("GMT", "UTC"),
    )


def order_of(cells: Sequence[str]) -> str:
    """Return the order of days and months in a column: ``dmy``, ``mdy``, or nothing where no cell tells it."""
    orders = set()
    for cell in cells:
        found = _LAST.fullmatch(cell.strip())
        if found and int(found["first"]) > 12:
            orders.add("dmy")
        elif found and int(found["second"]) > 12:
            orders.add("mdy")
    return orders.pop() if len(orders) == 1 else ""


def _month(text: str) -> int:
    """Return the number of a month; 99, which is none, where it is no month's name or the beginning of one."""
    if text.isdigit():
        return int(text)
    name = text.lower()
    number = next((number for number, month in enumerate(_MONTHS, 1) if month.startswith(name)), 0)
    return number or _ELSEWHERE.get(name, 99)


def _ordered(first: str, mark: str, second: str, order: str) -> tuple[int, int]:
    """Return day and month of a date whose year is last; month 0 where nothing tells which is which."""
    one, other = int(first), int(second)
    if one == other or one > 12 or order == "dmy":
        return one, other
    if mark != "." and (other > 12 or order == "mdy"):
        return other, one
    return one, 0


def _clock(text: str, half: str) -> str:
    """Return a time of day with colons and by 24 hours; as it is where it can't be."""
    text = text.replace(",", ".")
    if ":" not in text and text:
        text = f"{text[:2]}:{text[2:4]}:{text[4:]}"
    hours, colon, rest = text.partition(":")
    if not half or not 1 <= int(hours) <= 12:
        return text if not half else f"99{colon}{rest}"
    return f"{int(hours) % 12 + (12 if half == 'pm' else 0):02}{colon}{rest}"
