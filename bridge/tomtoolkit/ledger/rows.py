"""Between the rows of the app's ledger and what :mod:`bridge.ledger.port` calls them."""

import hashlib
import json
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from bridge.ledger import port
from bridge.ledger.port import Filter, Outcome, Reason
from bridge.ledger.sqlite_rows import storable, to_json
from bridge.names import simplify
from bridge.stream.port import Partition, Record
from bridge.tomtoolkit import models

LONGEST_INDEXED = 300
"""Characters of a text that is indexed; one that comes from a header which no event backs may be longer."""


def text(given: str) -> str:
    """Return ``given`` as every database can hold it: without NUL and lone surrogates."""
    return storable(given).replace("\x00", "?")


def digest(key: bytes) -> str:
    """Return what a record's key is looked for by."""
    return hashlib.sha256(key).hexdigest()


def entry_values(entry: port.Entry, recorded_at: datetime) -> dict[str, Any]:
    """Return the columns of an entry beside its place and time."""
    return {
        "recorded_at": recorded_at,
        "outcome": entry.outcome.value,
        "reason": None if entry.reason is None else entry.reason.value,
        "detail": to_json(entry.detail),
        "event_id": entry.event_id,
        "share_id": entry.share_id,
        "origin": text(entry.origin)[:LONGEST_INDEXED],
        "origin_name": text(entry.origin_name),
        "kind": text(entry.kind)[:LONGEST_INDEXED],
        "subject": text(entry.subject),
        "simple_subject": simplify(text(entry.subject))[:LONGEST_INDEXED],
        "shared_by": text(entry.shared_by),
        "title": text(entry.title),
        "record_key": entry.key,
    }


def raw_values(record: Record) -> dict[str, Any]:
    """Return the columns of a raw record; its bytes are those of key, value and headers as they are kept."""
    headers = json.dumps([[text(name), value.hex()] for name, value in record.headers])
    size = len(record.key or b"") + len(record.value) + len(headers)
    return {"record_key": record.key, "value": record.value, "headers": headers, "bytes": size}


def to_entry(row: models.Entry) -> port.Entry:
    """Return a row as the port has it."""
    return port.Entry(
        partition=Partition(row.topic, row.partition),
        offset=row.record_offset,
        published_at=row.published_at,
        recorded_at=row.recorded_at,
        outcome=Outcome(row.outcome),
        reason=None if row.reason is None else Reason(row.reason),
        detail=json.loads(row.detail),
        event_id=row.event_id,
        share_id=row.share_id,
        origin=row.origin,
        origin_name=row.origin_name,
        kind=row.kind,
        subject=row.subject,
        shared_by=row.shared_by,
        title=row.title,
        key=bytes(row.record_key),
    )


def to_record(row: models.Raw) -> Record:
    """Return a raw record with its entry."""
    return Record(
        partition=Partition(row.entry.topic, row.entry.partition),
        offset=row.entry.record_offset,
        timestamp=row.entry.published_at,
        key=None if row.record_key is None else bytes(row.record_key),
        value=bytes(row.value),
        headers=tuple((name, bytes.fromhex(value)) for name, value in json.loads(row.headers)),
    )


def to_parked(row: models.Parked) -> port.Parked:
    """Return a row with its entry and names."""
    return port.Parked(
        id=row.pk,
        entry=to_entry(row.entry),
        member=row.member,
        reason=Reason(row.reason),
        detail=json.loads(row.detail),
        names=frozenset(name.simple for name in row.names.all()),
    )


def filtered(rows: QuerySet[Any], wanted: Filter | None, *, entry: str = "", parked: bool = False) -> QuerySet[Any]:
    """Return the rows that are ``wanted``; ``entry`` is the way from a row to its entry (``entry__``)."""
    if wanted is None:
        return rows
    if wanted.target:
        simple = simplify(wanted.target)
        subject = Q(**{f"{entry}simple_subject": simple[:LONGEST_INDEXED]})
        if parked:  # what is parked may be one member of a list
            subject |= Q(pk__in=models.ParkedName.objects.using(rows.db).filter(simple=simple).values("parked_id"))
        rows = rows.filter(subject)
    for column in ("origin", "kind", "topic"):
        if value := getattr(wanted, column):
            rows = rows.filter(**{f"{entry}{column}": value})
    if wanted.outcome is not None:
        rows = rows.filter(**{f"{entry}outcome": wanted.outcome.value})
    if wanted.since is not None:
        rows = rows.filter(**{f"{entry}published_at__gte": wanted.since})
    if wanted.until is not None:
        rows = rows.filter(**{f"{entry}published_at__lt": wanted.until})
    return rows
