"""Between the rows of the SQLite ledger and what :mod:`bridge.ledger.model` calls them."""

import json
import sqlite3
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from bridge.events import EventRef, ShareRef
from bridge.ledger import rules
from bridge.ledger.cut import headers_of, headers_text, kept_bytes
from bridge.ledger.model import Dead, Entry, Filter, Kept, Line, Outcome, Parked, Place, Reason
from bridge.microseconds import from_microseconds, to_microseconds
from bridge.names import simplify
from bridge.stream.port import Partition, Record

EVENT_COLUMNS = """event.topic, event.topic_id, event.partition, event.record_offset, event.number, event.published_at,
    event.recorded_at, event.outcome, event.reason, event.detail, event.event_id, event.share_id, event.origin,
    event.origin_name, event.kind, event.subject, event.shared_by, event.title, event.record_key"""
EVENT_OF_PLACE = """event.topic_id = json_extract(wanted.value, '$[0]')
    AND event.partition = json_extract(wanted.value, '$[1]')
    AND event.record_offset = json_extract(wanted.value, '$[2]')
    AND event.number = json_extract(wanted.value, '$[3]')"""
"""Where a row of ``wanted`` is a place (:func:`places_as_list`)."""
WAITING_COLUMNS = """waiting.id AS waiting_id, waiting.member, waiting.reason AS waiting_reason,
    waiting.detail AS waiting_detail, waiting.due_at, waiting.looks, waiting.tries,
    (SELECT json_group_array(simple) FROM waiting_name WHERE waiting_name.waiting = waiting.id) AS names"""
LETTER_COLUMNS = """letter.id AS letter_id, letter.member, letter.reason AS letter_reason,
    letter.detail AS letter_detail"""


def moment_or_none(moment: datetime | None) -> int | None:
    """Return a time as microseconds, or None."""
    return None if moment is None else to_microseconds(moment)


def key_of(ref: EventRef | ShareRef) -> tuple[str, str]:
    """Return origin and id of an event or a share as they are looked for (:func:`bridge.ledger.rules.key_of`)."""
    origin, one = rules.key_of(ref)
    return origin, str(one)


def event_values(entry: Entry, recorded_at: int) -> dict[str, object]:
    """Return the columns of table ``event`` for an entry."""
    return {name: value for name, (value,) in rules.columns([entry]).items()} | {
        "published_at": to_microseconds(entry.published_at),
        "recorded_at": recorded_at,
        "event_id": None if entry.event_id is None else str(entry.event_id),
        "share_id": None if entry.share_id is None else str(entry.share_id),
    }


def kept_values(entry: Entry, kept: Kept) -> tuple[object, ...]:
    """Return the columns of table ``kept`` for the record of an entry."""
    return (
        entry.topic_id,
        entry.partition.number,
        entry.offset,
        entry.partition.topic,
        to_microseconds(entry.published_at),
        kept.record.key,
        kept.record.value,
        headers_text(kept.record.headers),
        kept.size,
        kept.sha256,
        kept.whole,
        kept_bytes(kept),
    )


def to_entry(row: Iterable[Any]) -> Entry:
    """Return a row with :data:`EVENT_COLUMNS`."""
    (  # by its name each of them would be looked for among all
        topic,
        topic_id,
        partition,
        record_offset,
        number,
        published_at,
        recorded_at,
        outcome,
        reason,
        detail,
        event_id,
        share_id,
        origin,
        origin_name,
        kind,
        subject,
        shared_by,
        title,
        record_key,
    ) = row
    return Entry(
        partition=Partition(topic, partition),
        topic_id=topic_id,
        offset=record_offset,
        number=number,
        published_at=from_microseconds(published_at),
        recorded_at=from_microseconds(recorded_at),
        outcome=Outcome(outcome),
        reason=None if reason is None else Reason(reason),
        detail=json.loads(detail),
        event_id=None if event_id is None else UUID(event_id),
        share_id=None if share_id is None else UUID(share_id),
        origin=origin,
        origin_name=origin_name,
        kind=kind,
        subject=subject,
        shared_by=shared_by,
        title=title,
        key=record_key,
    )


def to_kept(row: sqlite3.Row) -> Kept:
    """Return a row of table ``kept``."""
    record = Record(
        partition=Partition(row["topic"], row["partition"]),
        topic_id=row["topic_id"],
        offset=row["record_offset"],
        timestamp=from_microseconds(row["published_at"]),
        key=row["record_key"],
        value=row["value"],
        headers=headers_of(row["headers"]),
    )
    return Kept(record=record, size=row["size"], sha256=row["sha256"], whole=bool(row["whole"]))


def to_parked(row: sqlite3.Row) -> Parked:
    """Return a row with :data:`WAITING_COLUMNS` and :data:`EVENT_COLUMNS`."""
    waiting, member, reason, detail, due_at, looks, tries, names, *event = row
    return Parked(
        id=waiting,
        entry=to_entry(event),
        member=member,
        reason=Reason(reason),
        detail=json.loads(detail),
        names=frozenset(json.loads(names)),
        due_at=None if due_at is None else from_microseconds(due_at),
        looks=looks,
        tries=tries,
    )


def to_dead(row: sqlite3.Row) -> Dead:
    """Return a row with :data:`LETTER_COLUMNS` and :data:`EVENT_COLUMNS`."""
    letter, member, reason, detail, *event = row
    return Dead(id=letter, entry=to_entry(event), member=member, reason=Reason(reason), detail=json.loads(detail))


class Conditions:
    """The conditions of a query, all of which hold, and their values."""

    def __init__(self, wanted: Filter | None = None, *, kept_in: str = "") -> None:
        """Take a filter; ``kept_in`` is ``waiting`` or ``letter`` where its rows are what is listed."""
        self._texts: list[str] = []
        self.values: list[object] = []
        if wanted is None:
            return
        if wanted.target:
            simple = simplify(wanted.target)
            if kept_in == "waiting":  # what waits may be one member of a list
                by_name = "waiting.id IN (SELECT waiting FROM waiting_name WHERE simple = ?)"
                self.add(f"(event.simple_subject = ? OR {by_name})", simple, simple)
            else:
                self.add("event.simple_subject = ?", simple)
        for column in ("origin", "kind", "topic"):
            if value := getattr(wanted, column):
                self.add(f"event.{column} = ?", value)
        if wanted.outcome is not None:
            self.add("event.outcome = ?", wanted.outcome.value)
        if wanted.reason is not None:
            self.add(f"{kept_in or 'event'}.reason = ?", wanted.reason.value)
        if wanted.since is not None:
            self.add("event.published_at >= ?", to_microseconds(wanted.since))
        if wanted.until is not None:
            self.add("event.published_at < ?", to_microseconds(wanted.until))

    def add(self, text: str, *values: object) -> None:
        """Add one condition in SQL with its values."""
        self._texts.append(text)
        self.values.extend(values)

    def __str__(self) -> str:
        return " AND ".join(self._texts) or "true"


def as_list(values: Collection[str]) -> str:
    """Return texts as one value for SQL's ``json_each``."""
    return json.dumps([rules.storable(value) for value in values])


def places_as_list(places: Collection[Place]) -> str:
    """Return places as one value for SQL's ``json_each``."""
    return json.dumps([list(place) for place in places])


def lines_as_list(lines: Collection[Line]) -> str:
    """Return lines as one value for SQL's ``json_each``, their keys in hexadecimal."""
    return json.dumps([[line.topic_id, line.partition, line.key.hex()] for line in lines])
