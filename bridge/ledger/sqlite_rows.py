"""Between the rows of the SQLite ledger and what :mod:`bridge.ledger.port` calls them."""

import json
import sqlite3
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bridge.ledger.port import Dead, Detail, Entry, Filter, Outcome, Parked, Reason
from bridge.names import simplify
from bridge.stream.port import Partition, Record

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

ENTRY_COLUMNS = """entry.topic, entry.partition, entry.record_offset, entry.published_at, entry.recorded_at,
    entry.outcome, entry.reason, entry.detail, entry.event_id, entry.share_id, entry.origin, entry.origin_name,
    entry.kind, entry.subject, entry.shared_by, entry.title, entry.record_key"""
RAW_COLUMNS = "raw.record_key AS raw_key, raw.value AS raw_value, raw.headers AS raw_headers"
PARKED_COLUMNS = """parked.id AS parked_id, parked.member, parked.reason AS parked_reason,
    parked.detail AS parked_detail,
    (SELECT json_group_array(simple) FROM parked_name WHERE parked_name.parked_id = parked.id) AS names"""


def to_microseconds(moment: datetime) -> int:
    """Return a time (with time zone) as microseconds since 1970 (UTC)."""
    return (moment - _EPOCH) // _MICROSECOND


def from_microseconds(microseconds: int) -> datetime:
    """Return microseconds since 1970 as a time (UTC)."""
    return _EPOCH + microseconds * _MICROSECOND


def to_json(detail: Detail) -> str:
    """Return ``detail`` as JSON; what JSON doesn't know becomes a list or its text, as a detail must cost no event."""
    return json.dumps(dict(detail), default=lambda value: sorted(value, key=str) if _is_set(value) else str(value))


def _is_set(value: object) -> bool:
    return isinstance(value, set | frozenset)


def storable(text: str) -> str:
    """Return ``text`` with lone surrogates, which no UTF-8 can hold, as question marks."""
    return text.encode(errors="replace").decode()


def entry_values(entry: Entry, recorded_at: int) -> dict[str, object]:
    """Return the columns of table ``entry``."""
    return {
        "topic": entry.partition.topic,
        "partition": entry.partition.number,
        "record_offset": entry.offset,
        "published_at": to_microseconds(entry.published_at),
        "recorded_at": recorded_at,
        "outcome": entry.outcome.value,
        "reason": None if entry.reason is None else entry.reason.value,
        "detail": to_json(entry.detail),
        "event_id": None if entry.event_id is None else str(entry.event_id),
        "share_id": None if entry.share_id is None else str(entry.share_id),
        "origin": storable(entry.origin),
        "origin_name": storable(entry.origin_name),
        "kind": storable(entry.kind),
        "subject": storable(entry.subject),
        "simple_subject": simplify(storable(entry.subject)),
        "shared_by": storable(entry.shared_by),
        "title": storable(entry.title),
        "record_key": entry.key,
    }


def raw_values(entry_id: int, record: Record) -> tuple[object, ...]:
    """Return the columns of table ``raw``. Its bytes are those of key, value and headers as they are kept."""
    headers = json.dumps([[name, value.hex()] for name, value in record.headers])
    size = len(record.key or b"") + len(record.value) + len(headers)
    return entry_id, record.key, record.value, headers, size


def to_entry(row: sqlite3.Row) -> Entry:
    """Return a row with :data:`ENTRY_COLUMNS`."""
    return Entry(
        partition=Partition(row["topic"], row["partition"]),
        offset=row["record_offset"],
        published_at=from_microseconds(row["published_at"]),
        recorded_at=from_microseconds(row["recorded_at"]),
        outcome=Outcome(row["outcome"]),
        reason=None if row["reason"] is None else Reason(row["reason"]),
        detail=json.loads(row["detail"]),
        event_id=None if row["event_id"] is None else UUID(row["event_id"]),
        share_id=None if row["share_id"] is None else UUID(row["share_id"]),
        origin=row["origin"],
        origin_name=row["origin_name"],
        kind=row["kind"],
        subject=row["subject"],
        shared_by=row["shared_by"],
        title=row["title"],
        key=row["record_key"],
    )


def to_record(row: sqlite3.Row) -> Record:
    """Return a row with :data:`ENTRY_COLUMNS` and :data:`RAW_COLUMNS`."""
    return Record(
        partition=Partition(row["topic"], row["partition"]),
        offset=row["record_offset"],
        timestamp=from_microseconds(row["published_at"]),
        key=row["raw_key"],
        value=row["raw_value"],
        headers=tuple((name, bytes.fromhex(value)) for name, value in json.loads(row["raw_headers"])),
    )


def to_parked(row: sqlite3.Row) -> Parked:
    """Return a row with :data:`PARKED_COLUMNS` and :data:`ENTRY_COLUMNS`."""
    return Parked(
        id=row["parked_id"],
        entry=to_entry(row),
        member=row["member"],
        reason=Reason(row["parked_reason"]),
        detail=json.loads(row["parked_detail"]),
        names=frozenset(json.loads(row["names"])),
    )


def to_dead(row: sqlite3.Row) -> Dead:
    """Return a row with :data:`ENTRY_COLUMNS` and ``dead_id``."""
    return Dead(id=row["dead_id"], entry=to_entry(row))


class Conditions:
    """The conditions of a query, all of which hold, and their values."""

    def __init__(self, wanted: Filter | None = None, *, parked: bool = False) -> None:
        self._texts: list[str] = []
        self.values: list[object] = []
        if wanted is None:
            return
        if wanted.target:
            simple = simplify(wanted.target)
            if parked:  # what is parked may be one member of a list
                by_name = "parked.id IN (SELECT parked_id FROM parked_name WHERE simple = ?)"
                self.add(f"(entry.simple_subject = ? OR {by_name})", simple, simple)
            else:
                self.add("entry.simple_subject = ?", simple)
        for column in ("origin", "kind", "topic"):
            if value := getattr(wanted, column):
                self.add(f"entry.{column} = ?", value)
        if wanted.outcome is not None:
            self.add("entry.outcome = ?", wanted.outcome.value)
        if wanted.since is not None:
            self.add("entry.published_at >= ?", to_microseconds(wanted.since))
        if wanted.until is not None:
            self.add("entry.published_at < ?", to_microseconds(wanted.until))

    def add(self, text: str, *values: object) -> None:
        """Add one condition in SQL with its values."""
        self._texts.append(text)
        self.values.extend(values)

    def __str__(self) -> str:
        return " AND ".join(self._texts) or "true"


def as_list(values: Collection[str]) -> str:
    """Return texts as one value for SQL's ``json_each``."""
    return json.dumps([storable(value) for value in values])
