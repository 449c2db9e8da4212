"""What a database can't hold, known before it is asked: SQLite takes what fails a whole batch on PostgreSQL."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from bridge.events import Column, Kind
from bridge.events.columns import once
from bridge.events.fields import FIRST_YEAR, LAST_YEAR, TOO_DEEP, is_too_deep
from bridge.tom.values import WORDS
from bridge.tomtoolkit.database import Moments
from bridge.tomtoolkit.receiving.batch import Batch
from bridge.tomtoolkit.rows.kinds import MODELS


def unstorable(batch: Batch) -> dict[int, str]:
    """Return why the database can't hold a datum, by its row in ``batch``; those that it can hold aren't in it."""
    found: dict[int, str] = {}
    free = WORDS[batch.kind].datum.FREE
    for name, longest in _longest(batch.kind).items():
        column = batch.column(name)
        if not _is_fit(column, longest):
            for row, wrong in _told(_unfit(value, longest) for value in column):
                found.setdefault(row, f"{name}: {wrong}")
    for row, wrong in _told(once(_unfit_as_json, batch.values)):
        found.setdefault(row, f"{free}: {wrong}")
    return found


def _told(reasons: Any) -> Iterator[tuple[int, str]]:
    return ((row, reason) for row, reason in enumerate(reasons) if reason)


def _is_fit(column: Column, longest: int | None) -> bool:
    """Return whether a column holds nothing but what is certainly good: what most do, seen without a look at each."""
    types = set(map(type, column))
    if types == {str}:
        return not any(_unfit(value, longest) for value in set(column))
    if types <= {float, int, type(None)}:
        return not [value for value in column if not (value is None or -math.inf < value < math.inf)]
    if isinstance(column, Moments):
        return not any(_unfit(moment, longest) for moment in (min(column), max(column)))
    return False


def _unfit(value: object, longest: int | None) -> str:
    """Return why a column of at most so many characters can't hold ``value``, or nothing."""
    match value:
        case float() if not math.isfinite(value):
            return f"{value} is no finite number"
        case tuple() if not all(map(math.isfinite, value)):
            return "has a value that is no finite number"
        case datetime() if not FIRST_YEAR <= value.year <= LAST_YEAR:
            return f"{value:%Y-%m-%d} is not within the years {FIRST_YEAR} to {LAST_YEAR}"
        case str() if longest is not None and len(value) > longest:
            return f"has {len(value)} characters; this TOM holds {longest}"
        case str():
            return _no_text(value)
    return ""


def _unfit_as_json(values: dict[str, Any]) -> str:
    try:
        text = json.dumps(values, allow_nan=False, ensure_ascii=False)
    except (ValueError, TypeError, RecursionError) as error:
        return str(error)
    if is_too_deep(values, text):
        return TOO_DEEP
    return _no_text(text.replace("\\\\", "").replace("\\u0000", "\x00"))


def _no_text(text: str) -> str:
    """Return why a database can't hold a text, or nothing."""
    if "\x00" in text:
        return "has a NUL character"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"has half a character ({text[error.start : error.end]!a})"
    return ""


@cache
def _longest(kind: Kind) -> Mapping[str, int | None]:
    """Return how many characters the column of each field holds, but that of further values."""
    datum = WORDS[kind].datum
    fields = {name: MODELS[kind]._meta.get_field(name) for name in datum.model_fields if name != datum.FREE}
    return {name: getattr(field, "max_length", None) for name, field in fields.items()}
