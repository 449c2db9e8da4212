"""The contract of a stream: where events live. Kafka between organisations, a SQLite file on one machine.

A stream has *topics*; a topic has *partitions*; a partition is an append-only sequence of *records*, each with an
*offset* that grows and is never used again. Records of one key go to one partition, in the order of ``publish``.
Offsets may have holes (a transaction marker, a compacted record): the next offset is that of the last record plus
one, never a count.

Everything here is bytes: what a record means is for :mod:`bridge.codec`.

Reading is total: whatever anybody has written comes out as a record, and a record that can't be handed out whole says
so itself (:attr:`Record.problem`). States of single topics are told beside records (:attr:`Fetched.problems`).

Errors: :class:`~bridge.errors.StreamAwayError` where the same call may succeed later,
:class:`~bridge.errors.TopicMissingError` and :class:`~bridge.errors.ConfigurationError` where it can't.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from bridge.errors import BridgeError

MOST_BYTES = 32 * 1024 * 1024
"""Bytes of records that are handed out at once, unless said otherwise."""
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""The time of a record whose own is none of the years 1 to 9999."""

Headers = tuple[tuple[str, bytes], ...]


class Partition(NamedTuple):
    """One partition of one topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"


@dataclass(frozen=True, init=False)
class Record:
    """One record as the stream holds it."""

    partition: Partition
    offset: int
    timestamp: datetime
    """When the stream took it (UTC). Never goes back within a partition of a topic made by the bridge."""
    key: bytes | None
    value: bytes
    headers: Headers = ()
    topic_id: str = ""
    """The identity of the topic that it was read from; empty where it came from elsewhere (a ledger, a test)."""
    problem: str = ""
    """Why the stream could not hand this record out whole; the other fields hold what could be read."""
    taken_at: float = field(default=0.0, compare=False, repr=False)
    """When this process got it (``time.monotonic()``): what it refers to was written before."""

    def __init__(
        self,
        *,
        partition: Partition,
        offset: int,
        timestamp: datetime,
        key: bytes | None,
        value: bytes,
        headers: Headers = (),
        topic_id: str = "",
        problem: str = "",
        taken_at: float | None = None,
    ) -> None:
        """Take all at once: field by field, as frozen dataclasses do it, each record takes thrice the time.

        ``taken_at`` None: now.
        """
        values = {
            "partition": partition,
            "offset": offset,
            "timestamp": timestamp,
            "key": key,
            "value": value,
            "headers": headers,
            "topic_id": topic_id,
            "problem": problem,
            "taken_at": time.monotonic() if taken_at is None else taken_at,
        }
        object.__setattr__(self, "__dict__", values)

    @property
    def where(self) -> str:
        """The place of this record, for messages: ``topic[partition]@offset``."""
        return f"{self.partition}@{self.offset}"

    def header(self, name: str) -> bytes | None:
        """Return the last header of that name, or None."""
        return dict(self.headers).get(name)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What a stream says of one topic."""

    name: str
    id: str
    """The topic's identity: another one under the same name means that it was removed and made again."""
    partitions: int
    compacted: bool = False
    append_time: bool | None = True
    """Whether record times are the stream's own, so that they never go back; None where the account can't see it."""
    kept: bool | None = True
    """Whether the stream never forgets a record (but those that a newer one of the key replaces in a compacted topic);
    None where the account can't see it."""

    def each_partition(self) -> tuple[Partition, ...]:
        """Return all partitions of the topic, in order."""
        return tuple(Partition(self.name, number) for number in range(self.partitions))


@dataclass(frozen=True)
class Ends:
    """What a partition holds: records with ``first`` <= offset < ``next``; empty where both are equal."""

    first: int
    next: int


@dataclass(frozen=True)
class Fetched:
    """What one :meth:`Subscription.poll` brings: records, and beside them how the topics are."""

    records: tuple[Record, ...] = ()
    """In order per partition."""
    read_to: Mapping[Partition, int] = field(default_factory=dict)
    """These partitions have been read up to this offset: what lies between the last record handed out (or the place
    where they began) and it are holes. Told once, whenever a partition's end is reached."""
    problems: Mapping[str, BridgeError] = field(default_factory=dict)
    """Topics of which something can't be read now, by name: StreamAwayError, TopicMissingError, TopicReplacedError,
    HistoryGoneError, ConfigurationError, or what ``start_at`` raised. Told by each poll as long as it lasts."""


StartAt = Callable[[Sequence[Partition]], Mapping[Partition, int]]
"""Says for newly assigned partitions of one topic at which offset to start, before any of their records is handed out.

Who remembers offsets remembers the topic's identity with them, and compares it (:meth:`Stream.identity`): the topic
may have been made again at any moment. A StopError or AwayError is a problem of that topic alone, and the question
comes again after a few seconds; a TomAwayError (the ledger is away) is raised by ``poll`` as it is.
"""


class Subscription(Protocol):
    """A member of a consumer group. Each partition is with one member of a group at a time; others stand by.

    A rebalance may take a partition away at any moment, also while its records are being applied. Nothing here
    protects against that: the ledger's compare-and-set does. After a partition came (back), its records start at what
    ``start_at`` says at that moment. Not thread-safe.
    """

    @property
    def waits_for(self) -> str:
        """What this member waits for that has no partition, for people; empty where it has one or has just begun."""
        ...

    def poll(self, most: int, timeout_s: float, most_bytes: int = MOST_BYTES) -> Fetched:
        """Return up to ``most`` records, of up to ``most_bytes`` bytes (one at least), as soon as there are any.

        Returns without a record where a partition's end was reached, and when ``timeout_s`` has passed. A topic that is
        away, has gone or was replaced keeps no other one waiting, and comes back by itself when the reason is gone:
        where its history is gone or it was replaced, ``start_at`` is asked again every few seconds.

        Raises only for the stream as a whole, and never while records are at hand: these are handed out first, and the
        error comes with the next call. :class:`~bridge.errors.StreamAwayError` where nothing of what is subscribed to
        can be reached, :class:`~bridge.errors.StopError` where a person has to do something. No call waits much longer
        than ``timeout_s`` for a broker that does not answer.
        """
        ...

    def keep_alive(self) -> None:
        """Tell the stream that this member lives, without taking records; to be called at least every minute.

        Never raises for the stream's sake: the next :meth:`poll` does.
        """
        ...

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on at ``offset`` in ``partition``; ignored where the partition is not assigned."""
        ...

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions that this member has now."""
        ...

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Tell the stream the next offsets, for lag tools alone; never raises for a partition that was taken away."""
        ...

    def close(self) -> None:
        """Leave the group; others take over at once."""
        ...


class Stream(Protocol):
    """One stream. ``publish`` and ``flush`` may be called from one thread at a time; all else from any."""

    url: str
    """The address without any secret."""

    def account(self, topic: str) -> str:
        """Return the user name by which the stream of ``topic`` knows this client; empty where it has none."""
        ...

    def publish(self, topic: str, *, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Hand over one record; it is durable only when :meth:`flush` has returned.

        May block while the queue of unconfirmed records is full. After a failed delivery nothing newer of the same key
        is delivered before it. Raises :class:`~bridge.errors.TopicMissingError` for a topic that does not exist and
        :class:`~bridge.errors.TooLargeError` for a value that is larger than the topic takes.
        """
        ...

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when every record handed over is durable; wait without end where ``timeout_s`` is None.

        Raises :class:`~bridge.errors.NotDeliveredError`, which names what is not durable. What it names stays queued
        (and will be tried by the next ``flush``) unless the stream has refused it for good.
        """
        ...

    def subscribe(
        self, topics: Sequence[str], group: str, start_at: StartAt, *, missing_ok: bool = False
    ) -> Subscription:
        """Join ``group`` for ``topics``. Raises TopicMissingError at once where none of them exists.

        One that is missing beside others is a problem that ``poll`` tells, until it is made. With ``missing_ok`` that
        is so of all, and nothing is waited for.
        """
        ...

    def read(
        self, partition: Partition, first: int, until: int | None = None, *, follow: bool = False
    ) -> Iterator[Record]:
        """Yield records from offset ``first`` on, belonging to no group and moving nobody's position.

        Ends before offset ``until`` (default: at the end that the partition has when the call is made, or never with
        ``follow``). Raises HistoryGoneError where ``first`` is below the partition's first offset,
        StreamAwayError where nothing answers for long, and TopicReplacedError soon after the topic was made again.
        """
        ...

    def reach(self, within_s: float) -> None:
        """Return when the stream has answered something small.

        Raises StreamAwayError where it doesn't within so many seconds, which is sooner than other questions give up.
        """
        ...

    def identity(self, topic: str) -> str:
        """Return the identity of one topic, at the cost of one small question. Raises TopicMissingError."""
        ...

    def topic(self, name: str) -> Topic:
        """Return one topic. Raises TopicMissingError."""
        ...

    def topics(self) -> dict[str, Topic]:
        """Return all topics by name, without the stream's internal ones."""
        ...

    def create_topic(self, name: str, *, partitions: int = 1, compacted: bool = False) -> Topic:
        """Make a topic that keeps its history (or, ``compacted``, the last record of each key) and return it.

        Returns the existing one where it is there already. Kafka: LogAppendTime, ``retention.ms=-1``. Raises
        ConfigurationError for a name other than letters, digits, ``.``, ``_`` and ``-`` (1 to 249).
        """
        ...

    def ends(self, topic: str) -> dict[Partition, Ends]:
        """Return what each partition of ``topic`` holds now."""
        ...

    def offsets_at(self, topic: str, moment: datetime) -> dict[Partition, int]:
        """Return for each partition the offset of the first record at or after ``moment``; its end where none is."""
        ...

    def largest_value(self, topic: str) -> int:
        """Return how many bytes a value on ``topic`` may have at most."""
        ...

    def lacking(self, topic: str, wanted: Collection[str], group: str | None = None) -> list[str]:
        """Return which rights the account lacks of those ``wanted`` on a topic, and to join ``group``, for people.

        Rights are called as Kafka does: DESCRIBE, READ, WRITE. None is lacking where rights are not asked for.
        """
        ...

    def check(self) -> None:
        """Look at all that is stored, where that is this machine's business; raise StopError where it is damaged."""
        ...

    def close(self) -> None:
        """Release all that is held, without waiting for what is not delivered."""
        ...
