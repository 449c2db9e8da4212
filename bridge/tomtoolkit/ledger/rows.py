"""Between the rows of the app's ledger and what :mod:`bridge.ledger.model` calls them."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime

from bridge.events import Column
from bridge.ledger import rules
from bridge.ledger.cut import headers_of, headers_text, kept_bytes
from bridge.ledger.model import Dead, Entry, Heartbeat, Kept, Line, Outcome, Parked, Place, Reason
from bridge.stream.port import Partition, Record
from bridge.tomtoolkit import models

LONGEST_INDEXED = 300
"""Characters of a name that is looked for: an index of PostgreSQL takes no longer ones."""

COMMON_TEXTS = ("topic", "topic_id", "origin", "origin_name", "kind", "shared_by", "outcome", "reason")
"""Columns of an entry whose texts many have."""


def line_digest(line: Line) -> str:
    """Return what a line is looked for by."""
    told = f"{line.topic_id}\n{line.partition}\n".encode() + line.key[: rules.LONGEST_KEY]
    return hashlib.sha256(told).hexdigest()


def names_of(names: Iterable[str]) -> frozenset[str]:
    """Return simplified names as they are looked for."""
    return frozenset(rules.storable(name)[:LONGEST_INDEXED] for name in names)


def place_of(row: models.Entry) -> Place:
    """Return where the event of a row came."""
    return Place(row.topic_id, row.partition, row.record_offset, row.number)


def entry_columns(entries: Sequence[Entry], recorded_at: datetime) -> dict[str, Column]:
    """Return the columns of entries, by the attributes of the model."""
    same = rules.columns(entries)
    simple = [subject[:LONGEST_INDEXED] for subject in same["simple_subject"]]
    told = list(zip(same["origin"], simple, strict=True))
    usual = {one: _usual_key(*one) for one in set(told)}
    keys = zip(same["record_key"], told, strict=True)
    return same | {
        "reason": [reason or "" for reason in same["reason"]],
        "simple_subject": simple,
        "record_key": [None if key == usual[one] else key for key, one in keys],
        "published_at": [entry.published_at for entry in entries],
        "recorded_at": [recorded_at] * len(entries),
        "event_id": [entry.event_id for entry in entries],
        "share_id": [entry.share_id for entry in entries],
    }


def kept_row(entry: Entry, kept: Kept) -> models.Kept:
    """Return the row of what is kept of an entry's record."""
    return models.Kept(
        topic=entry.partition.topic,
        topic_id=entry.topic_id,
        partition=entry.partition.number,
        record_offset=entry.offset,
        published_at=entry.published_at,
        record_key=kept.record.key,
        value=kept.record.value,
        headers=headers_text(kept.record.headers),
        size=kept.size,
        sha256=kept.sha256,
        whole=kept.whole,
        bytes=kept_bytes(kept),
    )


def to_entry(row: models.Entry) -> Entry:
    """Return a row as the port has it."""
    return Entry(
        partition=Partition(row.topic, row.partition),
        topic_id=row.topic_id,
        offset=row.record_offset,
        number=row.number,
        published_at=row.published_at,
        recorded_at=row.recorded_at,
        outcome=Outcome(row.outcome),
        reason=Reason(row.reason) if row.reason else None,
        detail=json.loads(row.detail),
        event_id=row.event_id,
        share_id=row.share_id,
        origin=row.origin,
        origin_name=row.origin_name,
        kind=row.kind,
        subject=row.subject,
        shared_by=row.shared_by,
        title=row.title,
        key=_usual_key(row.origin, row.simple_subject) if row.record_key is None else bytes(row.record_key),
    )


def _usual_key(origin: str, simple_subject: str) -> bytes:
    """Return the key of nearly every event (:attr:`bridge.events.Event.key`)."""
    return f"{origin}/{simple_subject}".encode()


def to_kept(row: models.Kept) -> Kept:
    """Return a kept record."""
    record = Record(
        partition=Partition(row.topic, row.partition),
        topic_id=row.topic_id,
        offset=row.record_offset,
        timestamp=row.published_at,
        key=None if row.record_key is None else bytes(row.record_key),
        value=bytes(row.value),
        headers=headers_of(row.headers),
    )
    return Kept(record=record, size=row.size, sha256=row.sha256, whole=row.whole)


def to_parked(row: models.Parked) -> Parked:
    """Return a row with its entry and names."""
    return Parked(
        id=row.pk,
        entry=to_entry(row.entry),
        member=row.member,
        reason=Reason(row.reason),
        detail=json.loads(row.detail),
        names=frozenset(name.simple for name in row.names.all()),
        due_at=row.due_at,
        looks=row.looks,
        tries=row.tries,
    )


def to_dead(row: models.Dead) -> Dead:
    """Return a row with its entry."""
    return Dead(
        id=row.pk,
        entry=to_entry(row.entry),
        member=row.member,
        reason=Reason(row.reason),
        detail=json.loads(row.detail),
    )


def to_heartbeat(row: models.Heartbeat) -> Heartbeat:
    """Return a row as the port has it."""
    return Heartbeat(
        process=row.process,
        started_at=row.started_at,
        at=row.at,
        state=json.loads(row.state),
        ended=row.ended,
    )
