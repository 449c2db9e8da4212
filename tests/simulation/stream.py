"""A stream in memory, as its contract has it (:mod:`bridge.stream.port`), and what can happen to one.

:class:`Broker` is what all programs share: topics, groups and who is away. :class:`SimulatedStream` is what one program
opens. ``tests/contracts/test_stream.py`` holds it beside the real ones, so that it can't drift from them.
"""

import itertools
import threading
import zlib
from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from bridge.clock import CLOCK, Clock
from bridge.errors import ConfigurationError, StreamAwayError, TooLargeError, TopicReplacedError
from bridge.stream.names import LARGEST_VALUE, check_topic_name, gone, missing
from bridge.stream.port import Ends, Headers, Partition, Record, StartAt, Topic

if TYPE_CHECKING:
    from simulation.group import SimulatedSubscription

SESSION_S = 30.0
"""Seconds after which a member that is not heard of loses its place."""
ANSWER_S = 10.0
"""How long a program waits for an answer."""
UNHEARD_S = 8.0
"""Seconds until who reads notices that a broker is frozen: two questions in a row, each waited for half as long."""
NEVER = threading.Event()
"""Nobody asks who waits for a broker to stop."""


@dataclass
class HeldTopic:
    """One topic as the broker holds it; made again it is another one."""

    name: str
    id: str
    partitions: list[list[Record | None]]
    """None is a hole: a transaction's marker, or what was compacted."""
    first: list[int]
    """The first offset that is still held, by partition."""
    compacted: bool = False
    away: bool = False

    def ends(self, number: int) -> Ends:
        """Return what a partition holds."""
        return Ends(self.first[number], max(len(self.partitions[number]), self.first[number]))

    def told(self) -> Topic:
        """Return what the stream says of it."""
        return Topic(name=self.name, id=self.id, partitions=len(self.partitions), compacted=self.compacted)


@dataclass
class Group:
    """Who reads together; each partition is with one member."""

    members: "list[SimulatedSubscription]" = field(default_factory=list)
    owners: "dict[Partition, SimulatedSubscription]" = field(default_factory=dict)
    shift: int = 0
    """Turned by a rebalance, so that partitions change hands."""
    because: tuple[object, ...] = ()
    """Of what the owners were told: as long as it stays, so do they."""
    taken: int = 0
    """How often a partition was taken from a member."""


class Broker:
    """What is there whoever looks: topics with their records, and groups."""

    def __init__(self, clock: Clock = CLOCK, *, patience_s: float = 3.0, label: str = "") -> None:
        """``patience_s``: after how long members ask again where to start, and say what they wait for.

        ``label``: what its stream is called beside others.
        """
        self.clock = clock
        self.label = label
        self.patience_s = patience_s
        self.topics: dict[str, HeldTopic] = {}
        self.groups: dict[str, Group] = {}
        self.away = False
        self.refuses = False
        """Whether it refuses whatever is asked, until a person has mended something."""
        self.frozen_at: float | None = None
        """Since when it answers nothing (by the monotonic clock); what happens meanwhile shows when it goes on."""
        self.unanswered = 0
        """Questions that were given up."""
        self.lock = threading.RLock()
        self._ids = itertools.count(1)
        self._changes = 0
        """How often a topic came or went."""

    def freeze(self) -> None:
        """Let nothing be answered any more."""
        if self.frozen_at is None:
            self.frozen_at = self.clock.monotonic()

    def thaw(self) -> None:
        """Go on: all that is asked is answered at once, and members that could not be heard for long join again."""
        if self.frozen_at is None:
            return
        if self.clock.monotonic() - self.frozen_at >= SESSION_S:
            for group in self.groups.values():
                group.taken += len(group.owners)
                group.members, group.owners, group.because = [], {}, ()
        self.frozen_at = None

    @property
    def is_unheard(self) -> bool:
        """Whether who reads has noticed that it is frozen."""
        return self.frozen_at is not None and self.clock.monotonic() - self.frozen_at >= UNHEARD_S

    def create(self, name: str, partitions: int = 1, *, compacted: bool = False) -> HeldTopic:
        """Make a topic where there is none of that name."""
        with self.lock:
            if name not in self.topics:
                held: list[list[Record | None]] = [[] for _ in range(partitions)]
                topic = HeldTopic(name, f"{self.label}topic-{next(self._ids)}", held, [0] * partitions, compacted)
                self.topics[name] = topic
                self._changes += 1
            return self.topics[name]

    def delete(self, name: str) -> None:
        """Remove a topic with all that it holds."""
        with self.lock:
            self.topics.pop(name, None)
            self._changes += 1

    def lose(self, partition: Partition, before: int) -> None:
        """Let the records below offset ``before`` go, as retention does."""
        topic = self.topics[partition.topic]
        topic.first[partition.number] = max(before, topic.first[partition.number])

    def append(self, topic: str, key: bytes | None, value: bytes, headers: Headers = (), problem: str = "") -> Record:
        """Write a record at the end of its key's partition, with a time that never goes back."""
        with self.lock:
            held = self.topics[topic]
            number = zlib.crc32(key or b"") % len(held.partitions)
            before = held.partitions[number]
            now = max([self.clock.now(), *(one.timestamp for one in before[-2:] if one is not None)])
            record = Record(
                partition=Partition(topic, number),
                offset=len(before),
                timestamp=now,
                key=key,
                value=value,
                headers=headers,
                topic_id=held.id,
                problem=problem,
            )
            before.append(record)
            return record

    def leave_hole(self, partition: Partition) -> None:
        """Use up an offset without a record, as a transaction's marker does."""
        self.topics[partition.topic].partitions[partition.number].append(None)

    def held(self, name: str) -> HeldTopic:
        """Return a topic; raises as a client is answered where it is away or isn't there."""
        topic = self.topics.get(name)
        self.check()
        if self.away or (topic is not None and topic.away):
            raise StreamAwayError(f"{name} does not answer")
        if topic is None:
            raise missing(name)
        return topic

    def check(self) -> None:
        """Raise where it refuses."""
        if self.refuses:
            raise ConfigurationError("the account may not read here", mend="Give it the right to read")

    def rebalance(self, group: str) -> None:
        """Let partitions change hands."""
        if group in self.groups:
            self.groups[group].shift += 1
            self.share_out(group)

    def share_out(self, group: str) -> None:
        """Give each partition to one member; who is not heard of for long has none any more."""
        of = self.groups[group]
        for member in of.members:
            if member.silent_since is not None and self.clock.monotonic() - member.silent_since >= SESSION_S:
                of.members = [one for one in of.members if one is not member]
        because = (of.shift, self._changes, *of.members)
        if because == of.because:
            return
        of.because = because
        wanted = {name for member in of.members for name in member.topics} & self.topics.keys()
        partitions = [one for name in sorted(wanted) for one in self.topics[name].told().each_partition()]
        owners = {
            partition: of.members[(index + of.shift) % len(of.members)] for index, partition in enumerate(partitions)
        }
        of.taken += sum(owners.get(partition, before) is not before for partition, before in of.owners.items())
        of.owners = owners


class SimulatedStream:
    """What one program opens of a broker; see :class:`bridge.stream.port.Stream`."""

    url = "simulated://"

    def __init__(self, broker: Broker, *, slice_s: float = 3600.0, clock: Clock | None = None) -> None:
        """``slice_s``: how long at a time it waits for what comes; in a simulated time nothing comes meanwhile.

        ``clock`` is that of the program, by which it waits for an answer of a broker that is frozen.
        """
        self._broker = broker
        self._slice_s = slice_s
        self._clock = clock or broker.clock
        self._pending: list[tuple[str, bytes | None, bytes, Headers]] = []

    def _answering(self) -> Broker:
        """Return the broker, once it answers; raise where it doesn't in time."""
        deadline = self._clock.monotonic() + ANSWER_S
        while self._broker.frozen_at is not None:
            left = deadline - self._clock.monotonic()
            if left <= 0:
                self._broker.unanswered += 1
                raise StreamAwayError(f"the broker does not answer within {ANSWER_S:g} s")
            self._clock.wait(NEVER, min(left, self._slice_s))
        return self._broker

    # -- publishing ---------------------------------------------------------------------------------------------------

    def account(self, topic: str) -> str:
        """Nobody logs in here."""
        return ""

    def publish(self, topic: str, *, key: bytes | None, value: bytes, headers: Headers = ()) -> None:
        self._answering().held(topic)
        if len(value) > LARGEST_VALUE:
            raise TooLargeError(f"the value has {len(value)} bytes, {topic} takes {LARGEST_VALUE}")
        self._pending.append((topic, key, value, headers))

    def flush(self, timeout_s: float | None = None) -> None:
        del timeout_s
        for record in self._pending:
            self._broker.append(*record)
        self._pending.clear()

    # -- reading ------------------------------------------------------------------------------------------------------

    def subscribe(
        self, topics: Sequence[str], group: str, start_at: StartAt, *, missing_ok: bool = False
    ) -> "SimulatedSubscription":
        from simulation.group import SimulatedSubscription

        if not missing_ok:
            broker = self._answering()
            broker.check()
            if broker.away:
                raise StreamAwayError("the broker does not answer")
            if not any(topic in broker.topics for topic in topics):
                raise missing(topics[0])
        return SimulatedSubscription(self._broker, topics, group, start_at, slice_s=self._slice_s, clock=self._clock)

    def read(
        self, partition: Partition, first: int, until: int | None = None, *, follow: bool = False
    ) -> Iterator[Record]:
        held = self._answering().held(partition.topic)
        ends = held.ends(partition.number)
        if first < ends.first:
            raise gone(partition, first, ends)
        last = until if until is not None else None if follow else ends.next
        return self._records(held, partition, first, last, follow=follow)

    def _records(
        self, held: HeldTopic, partition: Partition, first: int, until: int | None, *, follow: bool
    ) -> Iterator[Record]:
        at = first
        while until is None or at < until:
            if self._answering().held(partition.topic) is not held:
                raise TopicReplacedError("the topic was removed and made again", where=partition.topic)
            if at < len(held.partitions[partition.number]):
                record = held.partitions[partition.number][at]
                if record is not None:
                    yield record
                at += 1
            elif not follow:
                return
            else:
                self._broker.clock.wait(NEVER, min(self._slice_s, 0.05))

    # -- topics -------------------------------------------------------------------------------------------------------

    def identity(self, topic: str) -> str:
        return self._answering().held(topic).id

    def reach(self, within_s: float) -> None:
        self.topics()

    def topic(self, name: str) -> Topic:
        return self._answering().held(name).told()

    def topics(self) -> dict[str, Topic]:
        broker = self._answering()
        broker.check()
        if broker.away:
            raise StreamAwayError("the broker does not answer")
        return {name: topic.told() for name, topic in broker.topics.items()}

    def create_topic(self, name: str, *, partitions: int = 1, compacted: bool = False) -> Topic:
        check_topic_name(name)
        return self._answering().create(name, partitions, compacted=compacted).told()

    def ends(self, topic: str) -> dict[Partition, Ends]:
        held = self._answering().held(topic)
        return {partition: held.ends(partition.number) for partition in held.told().each_partition()}

    def offsets_at(self, topic: str, moment: datetime) -> dict[Partition, int]:
        held = self._answering().held(topic)
        found = {}
        for partition in held.told().each_partition():
            records = [one for one in held.partitions[partition.number] if one is not None]
            index = bisect_left(records, moment, key=lambda one: one.timestamp)
            offset = records[index].offset if index < len(records) else held.ends(partition.number).next
            found[partition] = max(offset, held.first[partition.number])
        return found

    def largest_value(self, topic: str) -> int:
        self._answering().held(topic)
        return LARGEST_VALUE

    def lacking(self, topic: str, wanted: Collection[str], group: str | None = None) -> list[str]:
        return []

    def check(self) -> None:
        return

    def close(self) -> None:
        self._pending.clear()
