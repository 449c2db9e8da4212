"""Entries and records to write into a ledger, and a clock to write them by."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bridge.clock import Clock
from bridge.events import EventRef, uuid7
from bridge.ledger.port import Entry, Ledger, Line, Outcome, Place, Reason, ToKeep
from bridge.stream.port import Partition, Record

STARTED = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
PARTITION = Partition("supernovae.public", 0)
TOPIC_ID = "first"


class SetClock(Clock):
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.at = STARTED

    def now(self) -> datetime:
        return self.at

    def go_on(self, **by: float) -> datetime:
        """Go on, and return the time."""
        self.at += timedelta(**by)
        return self.at


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A record with one event, and what a ledger is told of it."""

    partition: Partition = PARTITION
    topic_id: str = TOPIC_ID
    offset: int = 0
    number: int = 0
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
    def place(self) -> Place:
        return Place(self.topic_id, self.partition.number, self.offset, self.number)

    @property
    def line(self) -> Line:
        return Line(self.topic_id, self.partition.number, self.key)

    @property
    def record(self) -> Record:
        moment = STARTED + timedelta(seconds=self.offset) if self.published_at is None else self.published_at
        return Record(
            partition=self.partition,
            topic_id=self.topic_id,
            offset=self.offset,
            timestamp=moment,
            key=self.key,
            value=self.value,
            headers=(("ce_id", str(self.event_id).encode()), ("content-type", b"\xff")),
        )

    def entry(self, outcome: Outcome, reason: Reason | None = None, **fields: Any) -> Entry:
        given = {
            "partition": self.partition,
            "topic_id": self.topic_id,
            "offset": self.offset,
            "number": self.number,
            "published_at": self.record.timestamp,
            "outcome": outcome,
            "reason": reason,
            "event_id": self.event_id,
            "share_id": self.event_id,
            "origin": self.origin,
            "origin_name": self.origin.title(),
            "kind": self.kind,
            "subject": self.subject,
            "key": self.key,
        }
        return Entry(**given | fields)

    def at(self, offset: int) -> "Arrival":
        """Return another event, which came at ``offset``."""
        return replace(self, offset=offset, event_id=uuid7())


def to_keep(*names: str, member: str = "", reason: Reason = Reason.NO_TARGET, due: datetime | None = None) -> ToKeep:
    """Return a request to keep something, which is looked for under simplified ``names``."""
    message = {"message": f"kept: {reason}"}
    return ToKeep(reason=reason, detail=message, member=member, names=frozenset(names), due_at=due)


def record(ledger: Ledger, arrival: Arrival, outcome: Outcome = Outcome.APPLIED, reason: Reason | None = None) -> None:
    """Record an event of which nothing is kept."""
    with ledger.unit() as unit:
        unit.record(arrival.entry(outcome, reason))


def park(ledger: Ledger, arrival: Arrival, *wanted: ToKeep) -> None:
    """Park an event, or members of it."""
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.PARKED, wanted[0].reason), keep=wanted, raw=arrival.record)


def die(ledger: Ledger, arrival: Arrival, reason: Reason = Reason.REJECTED, raw: Record | None = None) -> None:
    """Make an event a dead letter."""
    with ledger.unit() as unit:
        entry = arrival.entry(Outcome.DEAD, reason)
        unit.record(entry, keep=[to_keep(reason=reason)], raw=raw or arrival.record)


def offsets(kept: Sequence[Any]) -> list[int]:
    """Return the offsets of what is parked or dead."""
    return [one.entry.offset for one in kept]
