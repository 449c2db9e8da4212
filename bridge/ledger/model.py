"""What a ledger holds, in the words of all who read and write it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from bridge.events import EventRef, ShareRef
from bridge.stream.port import Partition, Record

Detail = Mapping[str, object]
"""What is worth knowing about an outcome, as JSON: counts of points, fields that differ, notes, candidates."""


class Outcome(StrEnum):
    """What became of one event at this TOM."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    DEAD = "dead"
    IGNORED = "ignored"


class Reason(StrEnum):
    """Why an event is parked, dead or ignored; the text for people is in the detail's ``message``."""

    NO_TARGET = "no target"
    AMBIGUOUS = "ambiguous"
    AMBIGUOUS_SPELLING = "ambiguous spelling"
    POSITION_DISAGREES = "position disagrees"
    WAITS_BEHIND = "waits behind an earlier event"
    NEWER_VERSION = "newer version"
    UNREADABLE = "unreadable"
    UNDECODABLE = "undecodable"
    UNKNOWN_SCHEMA = "unknown schema"
    INVALID = "invalid"
    OTHER_CONTENT = "same id, other content"
    ANOTHERS = "another installation of our origin"
    NEWER_NO_ROOM = "newer version, no room to wait"
    REJECTED = "rejected by the TOM"
    INTERNAL = "internal error"
    UNFINISHED = "never finished"
    OURS = "ours"
    KIND_NOT_SUBSCRIBED = "kind not subscribed"
    ORIGIN_NOT_ACCEPTED = "origin not accepted"
    UNMATCHED_IGNORED = "no target, ignored"
    NOTHING_TO_TAKE = "nothing to take"
    TEST = "a test"
    DROPPED = "dropped by command"


class Witness(StrEnum):
    """What is known for ever of an event that was settled here."""

    DONE = "done"
    REPLACED = "replaced"
    """Reserved: another event took its place."""
    WITHDRAWN = "withdrawn"
    """Reserved: its origin took it back."""


class Place(NamedTuple):
    """What tells an event from any other by where it came: also from those of a topic that was made again."""

    topic_id: str
    """The topic's identity (:attr:`bridge.stream.port.Topic.id`)."""
    partition: int
    offset: int
    number: int = 0
    """Which event of its record, from 0 on."""


class Line(NamedTuple):
    """What keeps its order: the events of one key in one partition of one topic, by offset."""

    topic_id: str
    partition: int
    key: bytes


TAKEN = "members looked at"
"""In the detail of a list that is not through yet: how many of its members are."""


@dataclass(frozen=True, kw_only=True)
class ShareWords:
    """What a person said of a share, beside its title: that stands in each entry."""

    message: str = ""
    acknowledgement: str = ""
    references: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.message or self.acknowledgement or self.references)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The outcome of one event of a record. Where the bytes told nothing, the fields of the event are empty."""

    partition: Partition
    topic_id: str
    offset: int
    number: int = 0
    published_at: datetime
    """The stream's time of the record."""
    outcome: Outcome
    reason: Reason | None = None
    detail: Detail = field(default_factory=dict)
    event_id: UUID | None = None
    share_id: UUID | None = None
    origin: str = ""
    origin_name: str = ""
    """What the origin is called here (:func:`bridge.origins.told_as`)."""
    kind: str = ""
    subject: str = ""
    """Name of the target or list."""
    shared_by: str = ""
    title: str = ""
    key: bytes = b""
    """What keeps its order."""
    recorded_at: datetime | None = None
    """Set by the ledger."""

    @property
    def place(self) -> Place:
        """Where the event came."""
        return Place(self.topic_id, self.partition.number, self.offset, self.number)

    @property
    def line(self) -> Line:
        """The line in which it waits, where it waits."""
        return Line(self.topic_id, self.partition.number, self.key)

    @property
    def ref(self) -> EventRef | None:
        """What tells the event; None where the bytes didn't say."""
        return None if self.event_id is None else EventRef(self.origin, self.event_id)

    @property
    def is_part(self) -> bool:
        """Whether it is a list of which some members are still to be looked at."""
        return TAKEN in self.detail

    @property
    def share_ref(self) -> ShareRef | None:
        """What tells the share; None where the bytes didn't say."""
        return None if self.share_id is None else ShareRef(self.origin, self.share_id)

    @property
    def is_unread(self) -> bool:
        """Whether the record was not read: then this stands for all of its events."""
        return self.share_id is None

    @property
    def where(self) -> str:
        """The place for messages: ``topic[partition]@offset``."""
        return f"{self.partition}@{self.offset}"


@dataclass(frozen=True, kw_only=True)
class ToKeep:
    """A request to keep something of an event until its reason is gone: all of it, or one member of a list.

    Parked where the reason is one that passes by itself, else a dead letter: see :func:`bridge.ledger.rules.is_parked`.
    """

    reason: Reason
    detail: Detail = field(default_factory=dict)
    member: str = ""
    """The name of the list member; empty for the whole event."""
    names: frozenset[str] = frozenset()
    """Simplified names under which it is looked for."""
    due_at: datetime | None = None
    """When it is looked at again by itself; None: when one of its names appears, or its line moves."""


@dataclass(frozen=True, kw_only=True)
class Parked:
    """Something that waits: a whole event, or one member of a list."""

    id: int
    entry: Entry
    member: str = ""
    reason: Reason
    detail: Detail = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    due_at: datetime | None = None
    looks: int = 0
    """How often it was looked at in vain since its reason is what it is."""
    tries: int = 0
    """How often it was begun without an end since: only a death leaves this above 0."""


@dataclass(frozen=True, kw_only=True)
class Dead:
    """A dead letter: a whole event, or one member of a list."""

    id: int
    entry: Entry
    member: str = ""
    reason: Reason
    detail: Detail = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The record of something parked or dead, as far as it is kept."""

    record: Record
    """Its value may be the beginning alone, and its headers may be missing."""
    size: int
    """Bytes of the whole value."""
    sha256: str
    """Of the whole value."""
    whole: bool
    """Whether all of it is here; else it has to be read from the stream again."""


@dataclass(frozen=True)
class Position:
    """Where a TOM stands in one partition: the next offset, in the topic of this identity."""

    topic_id: str
    next: int


@dataclass(frozen=True, kw_only=True)
class Tries:
    """How often what stands next in a partition was begun without coming to an end or to a clean stop."""

    next: int
    """The offset that was begun."""
    tries: int = 0
    since: datetime | None = None
    alone_before: int = 0
    """Up to this offset each record is tried alone, because one there ended a process again and again."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a ledger knows of an event by its origin and id, wherever it came."""

    witness: Witness | None = None
    waits_at: frozenset[Place] = frozenset()
    """Where the event, or a member of it, is parked."""

    def waits_elsewhere(self, here: Place) -> bool:
        """Return whether another delivery waits for the one that came ``here``.

        Of two that both wait the first goes on waiting: each must not leave it to the other.
        """
        others = self.waits_at - {here}
        return any(other < here for other in others) if here in self.waits_at else bool(others)


@dataclass(frozen=True, kw_only=True)
class Filter:
    """What to list. None and empty mean "any"; texts are compared as simplified names for ``target``.

    ``target`` is the subject, or a name under which something parked is looked for. ``since`` (inclusive) and ``until``
    (exclusive) are compared with the stream's time. ``most`` is for ``entries``; what else lists has its own.
    """

    target: str = ""
    origin: str = ""
    kind: str = ""
    topic: str = ""
    outcome: Outcome | None = None
    reason: Reason | None = None
    since: datetime | None = None
    until: datetime | None = None
    most: int = 1000

    @property
    def as_counted(self) -> "Filter":
        """What of it events are counted by (:class:`Count`)."""
        return Filter(origin=self.origin, kind=self.kind, topic=self.topic, outcome=self.outcome)


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many events of one topic, origin and kind had one outcome."""

    topic: str
    origin: str
    kind: str
    outcome: Outcome
    events: int


@dataclass(frozen=True, kw_only=True)
class Sums:
    """How much is kept."""

    parked: Mapping[Reason, int] = field(default_factory=dict)
    """Whole events and single members."""
    dead: Mapping[Reason, int] = field(default_factory=dict)
    bytes: int = 0
    """Of all records kept, and of what takes room in details beside them."""


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """What the process that consumes said of itself last."""

    process: str
    """Host and process id."""
    started_at: datetime
    at: datetime
    state: Detail = field(default_factory=dict)
    """What it does and waits for, topic by topic: see :mod:`bridge.receiving.progress`."""
    ended: bool = False
    """Whether it has said that it ends."""


def places_of(records: Collection[Record]) -> dict[Place, Record]:
    """Return records by their place, without the number of an event."""
    return {Place(one.topic_id, one.partition.number, one.offset): one for one in records}
