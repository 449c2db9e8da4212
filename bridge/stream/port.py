"""The contract of a stream: where events live. Kafka between organisations, a SQLite file on one machine.

A stream has *topics*; a topic has *partitions*; a partition is an append-only sequence of *records*, each with an
*offset* that grows and is never used again. Records of one key go to one partition, in the order of ``publish``.
Offsets may have holes (a transaction marker, a compacted record): the next offset is that of the last record plus
one, never a count.

Everything here is bytes: what a record means is for :mod:`bridge.codec`.

Errors: :class:`~bridge.errors.StreamAwayError` where the same call may succeed later,
:class:`~bridge.errors.TopicMissingError` and :class:`~bridge.errors.ConfigurationError` where it can't.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

Headers = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, order=True)
class Partition:
    """One partition of one topic."""

    topic: str
    number: int

    def __str__(self) -> str:
        return f"{self.topic}[{self.number}]"


@dataclass(frozen=True, kw_only=True)
class Record:
    """One record as the stream holds it."""

    partition: Partition
    offset: int
    timestamp: datetime
    """When the stream took it (UTC). Never goes back within a partition of a topic made by the bridge."""
    key: bytes | None
    value: bytes
    headers: Headers = ()

    @property
    def where(self) -> str:
        """The place of this record, for messages: ``topic[partition]@offset``."""
        return f"{self.partition}@{self.offset}"

    def header(self, name: str) -> bytes | None:
        """Return the last header of that name, or None."""
        return next((value for key, value in reversed(self.headers) if key == name), None)


@dataclass(frozen=True, kw_only=True)
class Topic:
    """What a stream says of one topic."""

    name: str
    id: str
    """The topic's identity: another one under the same name means that it was removed and made again."""
    partitions: int
    compacted: bool = False

    def each_partition(self) -> tuple[Partition, ...]:
        """Return all partitions of the topic, in order."""
        return tuple(Partition(self.name, number) for number in range(self.partitions))


@dataclass(frozen=True)
class Ends:
    """What a partition holds: records with ``first`` <= offset < ``next``; empty where both are equal."""

    first: int
    next: int


StartAt = Callable[[Sequence[Partition]], Mapping[Partition, int]]
"""Says for newly assigned partitions at which offset to start; called before any of their records is handed out."""


class Subscription(Protocol):
    """A member of a consumer group. Each partition is with one member of a group at a time; others stand by.

    A rebalance may take a partition away at any moment, also while its records are being applied. Nothing here
    protects against that: the ledger's compare-and-set does. After a partition came (back), its records start at what
    ``start_at`` says at that moment. Not thread-safe.
    """

    def poll(self, most: int, timeout_s: float) -> list[Record]:
        """Return up to ``most`` records, in order per partition; none when ``timeout_s`` has passed.

        Returns as soon as there is any record. Reports what must not be passed over as an error:
        :class:`~bridge.errors.HistoryGoneError` where the offset to start at is no longer, or not yet, in the stream;
        :class:`~bridge.errors.TopicMissingError` where a topic has gone;
        :class:`~bridge.errors.StreamAwayError` where no broker was reached for the whole of ``timeout_s``.
        """
        ...

    def keep_alive(self) -> None:
        """Tell the stream that this member lives, without taking records; to be called at least every minute."""
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

    def subscribe(self, topics: Sequence[str], group: str, start_at: StartAt) -> Subscription:
        """Join ``group`` for ``topics``. Raises TopicMissingError at once where one does not exist."""
        ...

    def read(
        self, partition: Partition, first: int, until: int | None = None, *, follow: bool = False
    ) -> Iterator[Record]:
        """Yield records from offset ``first`` on, belonging to no group and moving nobody's position.

        Ends before offset ``until`` (default: at the end that the partition has when the call is made, or never with
        ``follow``). Raises HistoryGoneError where ``first`` is below the partition's first offset.
        """
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

    def close(self) -> None:
        """Release all that is held, without waiting for what is not delivered."""
        ...
