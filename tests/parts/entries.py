"""Entries and records to write into a ledger."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bridge.events import EventRef, uuid7
from bridge.ledger.port import Entry, Outcome, Reason, ToPark
from bridge.stream.port import Partition, Record

STARTED = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
PARTITION = Partition("supernovae.public", 0)


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A record and what a ledger is told of it."""

    partition: Partition = PARTITION
    offset: int = 0
    published_at: datetime | None = None
    event_id: UUID = field(default_factory=uuid7)
    subject: str = "SN 2026abc"
    origin: str = "north"
    kind: str = "photometry"
    value: bytes = b"\x00\xc3 bytes"

    @property
    def ref(self) -> EventRef:
        return EventRef(self.origin, self.event_id)

    @property
    def key(self) -> bytes:
        return f"{self.origin}/{self.subject}".encode()

    @property
    def record(self) -> Record:
        moment = STARTED + timedelta(seconds=self.offset) if self.published_at is None else self.published_at
        return Record(
            partition=self.partition,
            offset=self.offset,
            timestamp=moment,
            key=self.key,
            value=self.value,
            headers=(("ce_id", str(self.event_id).encode()), ("content-type", b"\xff")),
        )

    def entry(self, outcome: Outcome, reason: Reason | None = None, **fields: Any) -> Entry:
        return Entry(
            partition=self.partition,
            offset=self.offset,
            published_at=self.record.timestamp,
            outcome=outcome,
            reason=reason,
            event_id=self.event_id,
            share_id=self.event_id,
            origin=self.origin,
            origin_name=self.origin.title(),
            kind=self.kind,
            subject=self.subject,
            key=self.key,
            **fields,
        )

    def at(self, offset: int) -> "Arrival":
        """Return another event, which came at ``offset``."""
        return replace(self, offset=offset, event_id=uuid7())


def to_park(*names: str, member: str = "", reason: Reason = Reason.NO_TARGET) -> ToPark:
    """Return a request to park under simplified ``names``."""
    return ToPark(reason=reason, detail={"message": "no target of that name"}, member=member, names=frozenset(names))
