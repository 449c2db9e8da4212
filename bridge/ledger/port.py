"""The contract of a ledger: a TOM's record of positions, outcomes, parked events and dead letters.

The next offset of each partition is written in the same transaction as the outcomes of the events before it, as
compare-and-set: who lost a partition can't write. In process that transaction holds the data as well; over REST the
ledger is a SQLite file of its own, and *intents* tell after a crash what may have been asked of the TOM.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from bridge.events import EventRef
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
    POSITION_DISAGREES = "position disagrees"
    WAITS_BEHIND = "waits behind an earlier event"
    NEWER_VERSION = "newer version"
    UNDECODABLE = "undecodable"
    UNKNOWN_SCHEMA = "unknown schema"
    INVALID = "invalid"
    REJECTED = "rejected by the TOM"
    INTERNAL = "internal error"
    OURS = "ours"
    KIND_NOT_SUBSCRIBED = "kind not subscribed"
    ORIGIN_NOT_ACCEPTED = "origin not accepted"
    UNMATCHED_IGNORED = "no target, ignored"
    DROPPED = "dropped by command"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The outcome of one record. Where the bytes told nothing, the fields of the event are empty."""

    partition: Partition
    offset: int
    published_at: datetime
    """The stream's time of the record. With the place it tells a record: a topic made again uses its offsets again."""
    outcome: Outcome
    reason: Reason | None = None
    detail: Detail = field(default_factory=dict)
    event_id: UUID | None = None
    share_id: UUID | None = None
    origin: str = ""
    origin_name: str = ""
    kind: str = ""
    subject: str = ""
    """Name of the target or list."""
    shared_by: str = ""
    title: str = ""
    key: bytes = b""
    """The record's key: what keeps its order."""
    recorded_at: datetime | None = None
    """Set by the ledger."""


@dataclass(frozen=True, kw_only=True)
class Parked:
    """Something kept until its reason is gone: a whole event, or one member of a list."""

    id: int
    """Grows in the order of parking."""
    entry: Entry
    member: str = ""
    """The name of the list member; empty for a whole event."""
    reason: Reason
    detail: Detail = field(default_factory=dict)
    names: frozenset[str] = frozenset()
    """Simplified names under which it is looked for."""


@dataclass(frozen=True, kw_only=True)
class Dead:
    """A dead letter; its raw bytes and headers are had from :meth:`Ledger.raw`."""

    id: int
    entry: Entry


@dataclass(frozen=True)
class Position:
    """Where a TOM stands in one partition: the next offset, in the topic of this identity."""

    topic_id: str
    next: int


@dataclass(frozen=True, kw_only=True)
class ToPark:
    """A request to park: see :class:`Parked`."""

    reason: Reason
    detail: Detail = field(default_factory=dict)
    member: str = ""
    names: frozenset[str] = frozenset()


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
    since: datetime | None = None
    until: datetime | None = None
    most: int = 1000


@dataclass(frozen=True, kw_only=True)
class Count:
    """How many records of one topic, origin and kind had one outcome."""

    topic: str
    origin: str
    kind: str
    outcome: Outcome
    records: int


class Unit(Protocol):
    """What is written in one transaction. Nothing of it is there before the unit's end, all of it afterwards."""

    def record(self, entry: Entry, *, park: Sequence[ToPark] = (), raw: Record | None = None) -> None:
        """Write the outcome of a record in place of what was recorded for that partition, offset and time before.

        ``park`` lists what is parked of it (the whole event, or members), replacing what was parked of it, where a
        member that is parked already keeps its id and so its place; a parked entry has at least one. ``raw`` is kept
        while anything of it is parked or it is dead, and is needed then where it isn't kept already. A record that
        dies again keeps the id of its dead letter.
        """
        ...

    def release(self, parked_id: int) -> None:
        """Take one parked thing out; the raw record goes with the last one of it."""
        ...

    def remember_list(self, origin: str, name: str, handle: str) -> None:
        """Remember which local list belongs to the list ``name`` of ``origin``."""
        ...

    def move(self, partition: Partition, topic_id: str, expected: int | None, next_offset: int) -> None:
        """Set the position, where it is still ``expected`` in that topic (None: where there is none yet).

        Raises :class:`~bridge.errors.PositionLostError` otherwise, and the unit writes nothing.
        """
        ...


class Intents(Protocol):
    """What may have been asked of the TOM by a process that was killed before it could record the outcome."""

    def begin(self, event: EventRef, steps: Collection[str]) -> frozenset[str]:
        """Durably note that ``steps`` of an event are about to be asked for; return those of them begun before.

        Without ``steps`` nothing is noted and all begun before are returned.

        The notes of an event go away in the transaction that records its outcome as applied, duplicate or dropped; one
        that is parked or dead and tried later finds them.
        """
        ...


class Ledger(Protocol):
    """One TOM's ledger. Safe for several processes; an instance is not thread-safe unless it says so."""

    installation: UUID
    """Made when the ledger was; travels in the envelope of what this TOM publishes."""

    def bind(self, tom_identity: str) -> None:
        """Tie the ledger to a TOM at the first call; raise IdentityError where it is tied to another."""
        ...

    def unit(self) -> AbstractContextManager[Unit]:
        """Open a transaction; it is committed at the end of the block, and undone by an exception."""
        ...

    def positions(self) -> dict[Partition, Position]:
        """Return all positions."""
        ...

    def set_position(self, partition: Partition, position: Position) -> None:
        """Set a position by command, whatever it was."""
        ...

    def outcomes(self, event_ids: Collection[UUID]) -> dict[UUID, Outcome]:
        """Return what became of these events, for those that are known.

        Where an event has come several times: applied before parked before the rest.
        """
        ...

    def entries(self, wanted: Filter) -> list[Entry]:
        """Return outcomes, newest first."""
        ...

    def entry(self, partition: Partition, offset: int, published_at: datetime | None = None) -> Entry | None:
        """Return the outcome of one record, or None.

        Where a topic was removed and made again there may be several of that place: the one of the stream's time
        ``published_at`` where that is given, else the newest.
        """
        ...

    def recorded(self, records: Collection[Record]) -> list[Entry]:
        """Return the outcomes of these very records, as far as there are any; one cheap call for many."""
        ...

    def waiting(self, keys: Collection[bytes]) -> frozenset[bytes]:
        """Return of which of these keys anything is parked; one cheap call for many."""
        ...

    def counts(self) -> list[Count]:
        """Return the number of records by topic, origin, kind and outcome."""
        ...

    def last_success(self) -> dict[str, datetime]:
        """Return for each topic when an event was last applied or a duplicate."""
        ...

    def parked(
        self,
        *,
        names: Collection[str] | None = None,
        key: bytes | None = None,
        wanted: Filter | None = None,
        after: int = 0,
        most: int = 1000,
    ) -> list[Parked]:
        """Return parked things in the order of parking, those with an id above ``after``.

        ``names``: only those looked for under one of these simplified names; ``key``: only those of this key.
        """
        ...

    def first_in_line(self, key: bytes, *, before: int | None, kinds: Collection[str] | None) -> Parked | None:
        """Return the first whole event parked of ``key`` that holds back later ones; None where there is none.

        Only such with an id below ``before`` and of one of ``kinds``, where these are given. List members and what only
        awaits an upgrade hold nothing back.
        """
        ...

    def raw(self, entry: Entry) -> Record | None:
        """Return the record that was kept of a parked event or dead letter; None where none is kept (any more)."""
        ...

    def dead(self, wanted: Filter | None = None, *, most: int = 1000) -> list[Dead]:
        """Return dead letters in the order in which they died."""
        ...

    def dead_letter(self, dead_id: int) -> Dead | None:
        """Return one dead letter, or None."""
        ...

    def kept_bytes(self) -> int:
        """Return the bytes of all raw records kept."""
        ...

    def list_handle(self, origin: str, name: str) -> str | None:
        """Return which local list belongs to the list ``name`` of ``origin``, where one was remembered."""
        ...

    def list_handles(self) -> frozenset[str]:
        """Return all local lists that belong to a shared one."""
        ...

    @property
    def intents(self) -> Intents:
        """The intents of this ledger."""
        ...

    def forget(self, partition: Partition, before: int) -> int:
        """Forget outcomes of records that the stream no longer keeps (parked and dead stay); return how many."""
        ...

    def close(self) -> None:
        """Release the file or connection."""
        ...
