"""Single values as Hermes' messages write them: numbers, angles, times, units, texts. What can't be one is refused.

Each function raises ValueError, whose text says what is wrong and what would be right.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import JsonValue

from bridge.events.fields import FIRST_YEAR, LAST_YEAR, plain

Read = TypeVar("Read")

# No two neighbours in a pattern may take the same letters: a million digits that are no number in the end would be
# divided between them in a million ways.
_NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_SEXAGESIMAL = re.compile(r"[+-]?\d{1,3}(?:\s*[:hdms°]\s*|\s+)\d", re.IGNORECASE)
_DAY = r"\d{4}-\d{2}-\d{2}"
# No offset behind a day alone: Python takes it for a time of the day.
_ISO = re.compile(
    rf"{_DAY}(?:\s?UTC?)?|{_DAY}[T ]\d{{2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d+)?)?(?:Z|[+-]\d{{2}}:?\d{{2}}|\s?UTC?)?"
)
_MJD_ZERO = datetime(1858, 11, 17, tzinfo=UTC)
_JD_OF_MJD_ZERO = Decimal("2400000.5")
FIRST_MJD, LAST_MJD = 15_000, 150_000
"""Hermes takes a number from 1,000 on for an MJD, and with it the year 2026; here the first is of 1899."""
_FIRST_JD, _LAST_JD = 2_400_000, 2_600_000
_RIGHT_TIME = "write 2026-11-02T03:04:05Z, an MJD (60981.128) or a JD (2460981.628)"
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

ANGSTROM, ANGSTROM_SIGN = "\u00c5", "\u212b"
"""The letter, which events have, and the sign of units, which alone Hermes takes (one character to every reader)."""
PARSECS = {
    "cm": 3.240779289443654e-19, "m": 3.240779289443654e-17, "km": 3.240779289443654e-14, "au": 4.84813681109536e-06,
    "ly": 0.3066013937879528, "pc": 1.0, "kpc": 1e3, "Mpc": 1e6, "Gpc": 1e9,
}  # fmt: skip
"""Parsecs in each of Hermes' units of distance. Source: IAU 2012 B2 and 2015 B2 (1 au = 149,597,870,700 m)."""


def number(value: object) -> float:
    """Return a number, or a text that is one, as a finite number."""
    found: float | None = None
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
    elif isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        found = float(value)
    if found is None or not math.isfinite(found):
        raise ValueError(f"is {shown(value)}, which is no finite number")
    return found


def degrees(value: object) -> float:
    """Return an angle in degrees; a sexagesimal one is refused: readers take its first part for hours or degrees."""
    if isinstance(value, str) and _SEXAGESIMAL.match(value.strip()):
        raise ValueError(f"is {shown(value)}, in sexagesimal parts; write decimal degrees")
    return number(value)


def year(value: object) -> float:
    """Return an epoch in Julian years; an MJD and a JD, which Hermes takes there as well, are refused."""
    found = number(value)
    if not FIRST_YEAR <= found <= LAST_YEAR:
        raise ValueError(f"is {shown(value)}, which is no Julian year from {FIRST_YEAR} to {LAST_YEAR}")
    return found


def numbers(value: object) -> tuple[float, ...]:
    """Return a list of numbers."""
    if not isinstance(value, list):
        raise ValueError(f"is {shown(value)}, not a list of numbers")  # noqa: TRY004 (as all that is wrong in a value)
    found = []
    for place, one in enumerate(value):
        try:
            found.append(number(one))
        except ValueError as error:
            raise ValueError(f"[{place}] {error}") from None
    return tuple(found)


def moment(value: object) -> datetime:
    """Return a time in UTC: ISO 8601 (without a zone it is UTC, a day alone begins it), an MJD or a JD.

    MJD and JD are rounded to the millisecond, as those of tables are, so that a point is the same by either way.
    """
    days = _days(value)
    if days is not None:
        return _MJD_ZERO + timedelta(milliseconds=round(days * 86_400_000))
    return _from_iso(value)


def mjd(value: object) -> float:
    """Return a time, in any form that :func:`moment` takes, as a Modified Julian date."""
    days = _days(value)
    return float(days) if days is not None else (_from_iso(value) - _MJD_ZERO) / timedelta(days=1)


def mjd_text(value: float) -> str:
    """Return a Modified Julian date as Hermes takes it: a number as text."""
    if not FIRST_MJD <= value <= LAST_MJD:
        raise ValueError(f"is the MJD {value:g}; Hermes' readers take {FIRST_MJD} to {LAST_MJD} for one")
    return repr(value)


def _days(value: object) -> Decimal | None:
    """Return an MJD where ``value`` is a number, or a text that is one; None for any other text."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
        return None
    number(value)
    days = Decimal(str(value).strip())
    if FIRST_MJD <= days <= LAST_MJD:
        return days
    if _FIRST_JD <= days <= _LAST_JD:
        return days - _JD_OF_MJD_ZERO
    raise ValueError(f"is {shown(value)}, which is neither an MJD nor a JD; {_RIGHT_TIME}")


def _from_iso(value: object) -> datetime:
    text = str(value).strip()
    if _ISO.fullmatch(text):
        try:
            found = datetime.fromisoformat(re.sub(r"\s?UTC?$", "", text))
            return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"is {shown(value)}, which is no time; {_RIGHT_TIME}")


def is_day(value: object) -> bool:
    """Return whether a time is written as a day alone."""
    return isinstance(value, str) and len(value.strip()) == len("2026-11-02") and bool(_ISO.fullmatch(value.strip()))


def text(value: object) -> str:
    """Return a text as it is. Numbers are taken for their digits: a telescope may be called 2."""
    if isinstance(value, str):
        return plain(value.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise ValueError(f"is {shown(value)}, not a text")


def of(name: str, read: Callable[[Any], Read], value: object) -> Read:
    """Return what ``read`` makes of the value of the field ``name``; a ValueError names the field."""
    try:
        return read(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def words(value: object, longest: int) -> str:
    """Return what a person said, cut to ``longest`` characters; control characters are shown as replaced."""
    told = value if isinstance(value, str) else "" if value is None else shown(value)
    told = _UNWANTED.sub("\N{REPLACEMENT CHARACTER}", told.strip())
    return told if len(told) <= longest else f"{told[: longest - 1]}…"


def free_text(value: JsonValue) -> str:
    """Return a further value as text: JSON where it is neither a text nor a number."""
    return plain(value) if isinstance(value, str) else _json(value)


def is_empty(value: object) -> bool:
    """Return whether a value says nothing: Hermes leaves out nulls, empty texts and lists. 0 and false are values."""
    return value is None or value in ("", [], {})


def given(row: Mapping[str, JsonValue], name: str) -> JsonValue:
    """Return what ``row`` says of ``name``; None where it says nothing."""
    value = row.get(name)
    return None if is_empty(value) else value


def _json(value: object) -> str:
    try:
        return json.dumps(value, allow_nan=False)
    except (ValueError, RecursionError, TypeError):
        raise ValueError(f"is {shown(value)}, which is no JSON") from None


def shown(value: object, longest: int = 60) -> str:
    """Return a value for a message, cut to ``longest`` characters."""
    try:
        told = json.dumps(value, default=str)
    except (ValueError, RecursionError):
        told = f"a {type(value).__name__}"
    return told if len(told) <= longest else f"{told[: longest - 1]}…"
