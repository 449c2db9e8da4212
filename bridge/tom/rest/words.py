"""What a TOM says, in its own words, short enough for one line."""

import html
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests

LONGEST_RETRY_AFTER_S = 300.0
_LONGEST = 300
_LONGEST_PAGE = 20_000
"""Characters of a page that are looked through for a text: a pattern may look at each of them from each before it."""
_NO_TEXT = re.compile(r"<(script|style)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)


def words(answer: requests.Response) -> str:
    """Return the status and what the TOM says about it, without HTML."""
    try:
        said = "; ".join(_flat(answer.json()))
    except ValueError:
        said = html.unescape(_NO_TEXT.sub(" ", answer.text[:_LONGEST_PAGE]))
    said = " ".join(said.split())
    if len(said) > _LONGEST:
        said = said[:_LONGEST] + "..."
    return f"{answer.status_code} {said}".strip()


def _flat(said: Any, at: str = "") -> Iterator[str]:
    match said:
        case dict():
            for key, value in said.items():
                anonymous = key in {"detail", "non_field_errors"}
                yield from _flat(value, at if anonymous else f"{at}.{key}".lstrip("."))
        case list():
            for value in said:
                yield from _flat(value, at)
        case _:
            yield f"{at}: {said}" if at else str(said)


def retry_after_s(answer: requests.Response) -> float | None:
    """Return the seconds that the TOM asks to wait (``Retry-After``: seconds, or a date), or None.

    Never more than :data:`LONGEST_RETRY_AFTER_S`: a page of maintenance may ask for a year and be gone in a minute.
    """
    asked = answer.headers.get("Retry-After")
    if asked is None:
        return None
    try:
        seconds = float(asked)
    except ValueError:
        try:
            moment = parsedate_to_datetime(asked)
            seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return None
    return None if math.isnan(seconds) else min(max(0.0, seconds), LONGEST_RETRY_AFTER_S)
