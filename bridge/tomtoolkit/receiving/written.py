"""What the bridge wrote into the TOM, by model and key: it is never published back.

Noted as runs of keys that one transaction really got: on PostgreSQL a sequence is shared with all other writers. Each
row has its event, its number there and a digest, so that it can later be told changed, corrected or taken back. Small
events that were written together share a run: 30 bytes an event, where one of its own takes 150.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from itertools import count, pairwise, repeat
from operator import sub
from typing import Any

from bridge.events import Column, EventRef
from bridge.events.columns import once
from bridge.tom.numbers import as_taken
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import JsonTexts, Moments, insert, select
from bridge.tomtoolkit.rows.noted import Part, packed, parts_of, run_of

DIGEST_BYTES = 4
"""Of each row, in :attr:`~bridge.tomtoolkit.models.Written.digests`."""

_MOST_SHARED = 500
"""Rows from which on a run takes no further event: to look at one row, the whole run is read."""

Note = tuple[int, EventRef, int, bytes]
"""A key, the event that it came with, the number of the datum in that event (from 0 on), and its :func:`digest`.

What is no datum, or is made here out of a file, is numbered in the order in which it was written.
"""


def note(using: str, model: Any, written: Iterable[Note]) -> None:
    """Note rows of ``model``. One that was noted before is noted anew."""
    runs = list(_runs(sorted(written, key=lambda one: one[0])))
    if not runs:
        return
    keys = [key for run in runs for key in range(run.first, run.last + 1)]
    if _any_overlaps(using, model, keys[0], keys[-1]):
        forget(using, model, keys)
    _insert(using, model, runs)


def notes(rows: Iterable[Any], event: EventRef, model: Any = None) -> list[Note]:
    """Return what is noted of rows that are no datums of their event."""
    return [(row.pk, event, number, digest(row, model)) for number, row in enumerate(rows)]


def forget(using: str, model: Any, keys: Iterable[int]) -> None:
    """Forget rows that are no more; a run of which others are left is split."""
    gone = set(keys)
    if not gone:
        return
    runs = [
        run
        for run in _overlapping(using, model, min(gone), max(gone))
        if not gone.isdisjoint(range(run.first, run.last + 1))
    ]
    left = [part for run in runs for part in _runs([row for row in _rows_of(run) if row[0] not in gone])]
    models.Written.objects.using(using).filter(pk__in=[run.pk for run in runs]).delete()
    _insert(using, model, left)


def is_written(using: str, model: Any, key: int) -> bool:
    """Return whether the bridge wrote that row."""
    return run_of(using, model, key) is not None


def is_changed(using: str, row: Any, model: Any = None) -> bool | None:
    """Return whether a row is another than the bridge wrote; None where it did not write it or can't tell.

    ``model`` is that under which it was noted, where that is not the row's own.
    """
    noted = model or type(row)
    run = run_of(using, noted, row.pk)
    if run is None or not run.digests:
        return None
    at = (row.pk - run.first) * DIGEST_BYTES
    return bytes(run.digests)[at : at + DIGEST_BYTES] != digest(row, noted)


def digest(row: Any, model: Any = None) -> bytes:
    """Return what tells a row's values, as the database holds them: the first bytes of a SHA-256.

    Of the columns of ``model`` (the row's own, or one that it is made from) that are not empty, without the key and
    what changes by every saving.
    """
    values = {}
    noted: Any = model or type(row)
    for name in _columns(noted):
        if (value := getattr(row, name)) is not None and value != "":
            values[name] = _plain(value)
    return hashlib.sha256(_as_json(values).encode()).digest()[:DIGEST_BYTES]


def digests(model: Any, columns: Mapping[str, Column]) -> list[bytes]:
    """Return the :func:`digest` of each row of ``model`` that has these values, by the attributes of its fields.

    The same text is put together from columns; what is in no row costs nothing.
    """
    filled, count = model(), len(columns["target_id"])
    parts: list[Iterable[str]] = []
    same = "{"
    for name in sorted(_columns(model)):
        those = _parts(name, columns[name]) if name in columns else [_part(name, getattr(filled, name))]
        if len(those) == 1:  # of all rows
            same += those[0]
        else:
            parts += [repeat(same, count), those]
            same = ""
    texts = map("".join, zip(*parts, repeat(same, count), strict=True))
    ends = -len(_BETWEEN)
    return [hashlib.sha256(f"{text[:ends]}}}".encode()).digest()[:DIGEST_BYTES] for text in texts]


_as_json = json.JSONEncoder(sort_keys=True, default=str).encode
_BETWEEN = ", "
_POINT_ZERO = re.compile(r"\.0(?=[,\]])")


def _parts(name: str, column: Column) -> list[str]:
    """Return of each value what stands for it in a digest's text, of one value that all have once; nothing of none."""
    if isinstance(column, JsonTexts):
        return once(lambda text: f'"{name}": {_numbers(text)}{_BETWEEN}', column)
    if isinstance(column, Moments):
        return [f'"{name}": "{text.replace(" ", "T")}+00:00"{_BETWEEN}' for text in column.texts]
    types = set(map(type, column))
    if types <= {str, float, type(None)} and len(set(column)) == 1:
        return [_part(name, column[0])]
    if types == {str}:
        known = {value: _part(name, value) for value in set(column)}
        return [known[value] for value in column]
    if types <= {float, type(None)}:
        begin = f'"{name}": '
        return ["" if n is None else f"{begin}{int(n) if n.is_integer() else n!r}{_BETWEEN}" for n in column]
    return once(partial(_part, name), column)


def _numbers(text: str) -> str:
    """Return a JSON array of floats as :func:`_plain` has it: whole numbers without a point."""
    if "e+" in text:
        return _as_json(_plain(json.loads(text)))
    return _POINT_ZERO.sub("", text).replace("-0,", "0,").replace("-0]", "0]")


def _part(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    return f'"{name}": {_as_json(_plain(value))}{_BETWEEN}'


@cache
def _columns(model: Any) -> tuple[str, ...]:
    return tuple(
        field.attname
        for field in model._meta.concrete_fields
        if not (field.primary_key or getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False))
    )


_Row = tuple[int, EventRef, int | None, bytes]
"""As a :data:`Note`; without a number and a digest where an earlier release noted it."""


@dataclass
class _Run:
    """Neighbouring keys."""

    first: int
    parts: list[Part] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)

    @property
    def last(self) -> int:
        return self.first + len(self.digests) - 1

    def takes(self, key: int) -> bool:
        """Return whether a part that begins with ``key`` may go on with this run."""
        return key == self.last + 1 and len(self.digests) < _MOST_SHARED


def _runs(ordered: Sequence[_Row]) -> Iterator[_Run]:
    """Yield the runs of notes that are in the order of their keys."""
    if not ordered:
        return
    keys, events, numbers, digests = zip(*ordered, strict=True)
    # The same for neighbours of one event.
    apart = zip(
        map(sub, keys, count()),
        events,
        (None if number is None else number - at for at, number in enumerate(numbers)),
        strict=False,
    )
    ends = [at for at, (one, other) in enumerate(pairwise(apart), 1) if one != other]
    run: _Run | None = None
    for first, end in pairwise((0, *ends, len(keys))):
        if run is not None and not run.takes(keys[first]):
            yield run
            run = None
        run = run or _Run(keys[first])
        run.parts.append(Part(end - first, events[first], numbers[first]))
        run.digests += digests[first:end]
    if run is not None:
        yield run


def _rows_of(run: models.Written) -> Iterator[_Row]:
    """Yield the rows of a run."""
    at, digests = 0, bytes(run.digests)
    for part in parts_of(run):
        for number in range(part.rows):
            told = digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES]
            yield run.first + at, part.event, None if part.number is None else part.number + number, told
            at += 1


def _insert(using: str, model: Any, runs: Sequence[_Run]) -> None:
    if not runs:
        return
    columns: dict[str, Column] = {
        "model": [model._meta.label_lower] * len(runs),
        "first": [run.first for run in runs],
        "last": [run.last for run in runs],
        "parts": packed(using, [run.parts for run in runs]),
        "digests": [b"".join(run.digests) for run in runs],
    }
    insert(using, models.Written, columns)


def _any_overlaps(using: str, model: Any, first: int, last: int) -> bool:
    """Return whether :func:`_overlapping` has any, which is asked for with each transaction."""
    runs = f'SELECT 1 FROM {models.Written._meta.db_table} WHERE "model" = {models.key_sql()}'  # noqa: S608
    return bool(
        select(using, f'{runs} AND "last" >= %s AND "first" <= %s LIMIT 1', [model._meta.label_lower, first, last])
    )


def _overlapping(using: str, model: Any, first: int, last: int) -> Any:
    runs = models.Written.objects.using(using).filter(model=model._meta.label_lower)
    return runs.filter(last__gte=first, first__lte=last)


def _plain(value: Any) -> Any:
    """Return a value as every database gives it back: PostgreSQL's JSON knows no difference between 1e16 and 10**16."""
    match value:
        case int() if not isinstance(value, bool):
            return int(as_taken(value))
        case float():
            return int(value) if value.is_integer() else value
        case datetime():
            return value.astimezone(UTC).isoformat()
        case dict():
            return {str(name): _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case _:
            return value
