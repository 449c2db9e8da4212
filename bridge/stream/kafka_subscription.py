"""Members of groups on Kafka."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from bridge.errors import AwayError, BridgeError, StopError, TomAwayError, TopicMissingError
from bridge.stream.kafka_admin import KafkaAdmin
from bridge.stream.kafka_options import Client
from bridge.stream.kafka_reader import End, Failure, Item, KafkaReader
from bridge.stream.kafka_watch import TopicWatch, WatchedTopic
from bridge.stream.names import gone, replaced
from bridge.stream.port import MOST_BYTES, Fetched, Partition, Record, StartAt

log = structlog.get_logger(__name__)

_SLICE_S = 0.2
_SHORT_SLICE_S = 0.02
_AGAIN_S = 3.0
_SAY_AFTER_S = 3.0


class KafkaSubscription:
    """A member of a group on Kafka; see :class:`bridge.stream.port.Subscription`.

    Cooperative: a rebalance leaves alone what stays. A partition is assigned to librdkafka only when its topic has
    answered and ``start_at`` has said where, outside of librdkafka's callbacks: no record of another position can slip
    through, and nobody waits for a topic that does not answer.

    What librdkafka hands out stands in ``_ready`` until it is handed on, so that no error can lose it.
    """

    def __init__(
        self, client: Client, admin: KafkaAdmin, topics: Sequence[str], group: str, *, start_at: StartAt, classic: bool
    ) -> None:
        self._client = client
        self._group = group
        self._start_at = start_at
        self._topics = {topic: WatchedTopic(TopicWatch(client, admin, topic)) for topic in topics}
        self._ready: deque[Record | End] = deque()
        self._failures: list[BridgeError] = []
        self._paused = False
        self._joined = False
        self._alone_since = time.monotonic()
        self._said = ""
        own: dict[str, Any] = {"group.id": group}
        if classic:
            own["partition.assignment.strategy"] = "cooperative-sticky"
        self._reader = KafkaReader(client, own)
        self._consumer = self._reader.consumer
        self._consumer.subscribe(list(topics), on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost)

    # -- what comes -------------------------------------------------------------------------------------------------

    def poll(self, most: int, timeout_s: float, most_bytes: int = MOST_BYTES) -> Fetched:
        """Return records of the partitions that this member has, and how its topics are."""
        deadline = time.monotonic() + timeout_s
        self._pause(False)
        while True:
            self._look()
            left = deadline - time.monotonic()
            asking = any(topic.watch.asking for topic in self._topics.values())
            slice_s = 0 if self._ready else _SHORT_SLICE_S if asking else _SLICE_S
            # Callbacks are served by taking: at least one message is taken, whatever stands ready.
            room = 1 if self._ready_bytes() >= most_bytes else max(most - len(self._ready), 1)
            self._take(room, max(min(left, slice_s), 0))
            if self._ready:
                return self._handed_out(most, most_bytes)
            if self._failures:
                raise self._failures.pop(0)
            if left <= 0:
                break
        problems = self._problems()
        if all(topic.watch.away for topic in self._topics.values()):
            raise next(iter(problems.values()))
        return Fetched(problems=problems)

    def _ready_bytes(self) -> int:
        return sum(len(item.value) for item in self._ready if isinstance(item, Record))

    def _take(self, most: int, timeout_s: float) -> None:
        for item in self._reader.take(most, timeout_s):
            self._sort(item)

    def _sort(self, item: Item) -> None:
        """Keep what is of a partition that this member has, and note what went wrong."""
        topic = self._topics.get(item.partition.topic) if item.partition is not None else None
        if isinstance(item, Failure):
            self._failed(item, topic)
        elif topic is not None and item.partition in topic.placed:
            self._ready.append(item)
            if topic.refused or topic.problems:
                topic.refused.pop(item.partition, None)
                topic.problems.pop(item.partition, None)

    def _handed_out(self, most: int, most_bytes: int) -> Fetched:
        records: list[Record] = []
        read_to: dict[Partition, int] = {}
        size = 0
        while self._ready:
            item = self._ready[0]
            if isinstance(item, Record):
                size += len(item.value)
                if records and (len(records) == most or size > most_bytes):
                    break
                records.append(item)
                if read_to:
                    read_to.pop(item.partition, None)
            else:
                read_to[item.partition] = item.offset
            self._ready.popleft()
        return Fetched(tuple(records), read_to, self._problems())

    def _problems(self) -> dict[str, BridgeError]:
        return {name: topic.problem for name, topic in self._topics.items() if topic.problem is not None}

    def _failed(self, failure: Failure, topic: WatchedTopic | None) -> None:
        if failure.interrupted:
            for each in self._topics.values():
                self._take_back(each, each.placed)
        told = self._reader.translated(failure)
        if topic is None or failure.partition is None:
            self._failures += [told] if told is not None else []
        elif failure.partition in topic.placed and (failure.is_gone or told is not None):
            at_once = failure.is_gone and topic.refused.get(failure.partition) != failure.offset
            if failure.is_gone:
                topic.refused[failure.partition] = failure.offset
            elif told is not None:
                topic.problems[failure.partition] = told
            self._take_back(topic, {failure.partition}, 0.0 if at_once else _AGAIN_S)
        else:
            topic.watch.want()

    # -- where to start ---------------------------------------------------------------------------------------------

    def _look(self) -> None:
        """Take up what is heard of the topics, and start partitions where ``start_at`` says."""
        for name, topic in self._topics.items():
            topic.watch.look()
            known = self._reader.identities.get(name, "")
            if isinstance(topic.watch.problem, TopicMissingError):
                self._take_back(topic, topic.placed)
            elif known and topic.watch.identity != known:
                self._take_back(topic, topic.placed)
                topic.watch.want(_AGAIN_S)
                topic.problems[None] = replaced(name)
                self._reader.identities[name] = topic.watch.identity
                log.warning("stream.topic_replaced", topic=name, identity=topic.watch.identity)
            elif not self._failures and topic.watch.fresh and topic.unplaced & topic.watch.ends.keys():
                self._place(topic)
        if self.waits_for != self._said:
            self._said = self.waits_for
            if self._said:
                log.info("stream.waits", group=self._group, for_what=self._said)

    def _place(self, topic: WatchedTopic) -> None:
        """Ask ``start_at`` for the partitions of a topic that has just answered, and start them there."""
        ends = topic.watch.ends
        wanted = sorted(topic.unplaced & ends.keys())
        try:
            starts = self._start_at(wanted)
        except TomAwayError as error:
            self._failures.append(error)
            return
        except (AwayError, StopError) as error:
            topic.problems[None] = error
            topic.watch.want(_AGAIN_S)
            return
        self._reader.identities[wanted[0].topic] = topic.watch.identity
        topic.problems.pop(None, None)
        for partition in wanted:
            start, held = starts[partition], ends[partition]
            # An offset beyond the end may have been reached since: that it isn't there has to be heard from the broker.
            if start < held.first or (topic.refused.get(partition) == start and start > held.next):
                topic.problems[partition] = gone(partition, start, held)
                topic.watch.want(_AGAIN_S)
                continue
            self._assign(partition, start)
            topic.unplaced.remove(partition)
            topic.placed.add(partition)
            log.info("stream.assigned", group=self._group, partition=str(partition), offset=start)

    def _assign(self, partition: Partition, offset: int) -> None:
        """Let librdkafka read ``partition`` from ``offset`` on, paused or not as the others are.

        It remembers that a partition was paused, also while another member has it: that is said anew each time.
        """
        place = TopicPartition(partition.topic, partition.number, offset)
        self._call(self._consumer.incremental_assign, [place])
        self._call(self._consumer.pause if self._paused else self._consumer.resume, [place])

    def _take_back(self, topic: WatchedTopic, partitions: set[Partition], again_s: float = 0.0) -> None:
        """Stop reading partitions that this member goes on having: ``start_at`` says where to go on."""
        if taken := partitions & topic.placed:
            self._remove(topic, taken)
            topic.unplaced |= taken
            topic.watch.want(again_s)

    def _remove(self, topic: WatchedTopic, partitions: set[Partition]) -> None:
        placed = partitions & topic.placed
        topic.placed -= partitions
        topic.unplaced -= partitions
        self._ready = deque(item for item in self._ready if item.partition not in partitions)
        self._call(
            self._consumer.incremental_unassign, [TopicPartition(one.topic, one.number) for one in sorted(placed)]
        )

    def _call(self, method: Callable[[list[TopicPartition]], Any], places: list[TopicPartition]) -> None:
        """Call librdkafka; an error is raised by the next ``poll``, never within a callback: records would be lost."""
        try:
            method(places)
        except KafkaException as error:
            self._failures.append(self._client.translated(error.args[0]))

    # -- librdkafka's callbacks -------------------------------------------------------------------------------------

    def _assigned(self, _: Consumer, places: list[TopicPartition]) -> None:
        self._joined = True
        for topic, partitions in self._by_topic(places):
            topic.unplaced |= partitions
            topic.watch.want()
        self._call(self._consumer.incremental_assign, [])  # else librdkafka starts at what was committed

    def _revoked(self, _: Consumer, places: list[TopicPartition]) -> None:
        for topic, partitions in self._by_topic(places):
            self._remove(topic, partitions)
            for partition in partitions:
                topic.refused.pop(partition, None)
                topic.problems.pop(partition, None)
        if not self.assignment():
            self._alone_since = time.monotonic()
        log.info("stream.revoked", group=self._group, partitions=[f"{one.topic}[{one.partition}]" for one in places])

    def _lost(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._joined = False
        self._revoked(consumer, places)

    def _by_topic(self, places: list[TopicPartition]) -> list[tuple[WatchedTopic, set[Partition]]]:
        found: dict[str, set[Partition]] = {}
        for place in places:
            found.setdefault(place.topic, set()).add(Partition(place.topic, place.partition))
        return [(self._topics[name], partitions) for name, partitions in found.items()]

    # -- membership -------------------------------------------------------------------------------------------------

    @property
    def waits_for(self) -> str:
        """What this member waits for that has no partition."""
        unreadable = len(self._problems()) == len(self._topics)
        if self.assignment() or unreadable or time.monotonic() - self._alone_since < _SAY_AFTER_S:
            return ""
        if self._joined:
            return f"other members of the group {self._group}, which have all its partitions"
        return (
            f"a place in the group {self._group}: a member that ended without a word (killed, cut off) keeps its own "
            f"until it has not been heard of for {self._client.session_s:g} s (session.timeout.ms)"
        )

    def keep_alive(self) -> None:
        """Poll, which librdkafka counts as life; what comes by it stands ready.

        Partitions are paused only where that has become much: librdkafka drops what it has fetched of them, and may
        take a second to fetch it again.
        """
        if self._ready_bytes() >= MOST_BYTES:
            self._pause(True)
        for topic in self._topics.values():
            topic.watch.look()
        self._take(1, 0)

    def _pause(self, paused: bool) -> None:
        if paused != self._paused:
            self._paused = paused
            places = [TopicPartition(one.topic, one.number) for one in self._all_placed()]
            self._call(self._consumer.pause if paused else self._consumer.resume, places)

    def _all_placed(self) -> set[Partition]:
        return set().union(*(topic.placed for topic in self._topics.values()))

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions that this member has, also those that don't have their position yet."""
        return frozenset(self._all_placed().union(*(topic.unplaced for topic in self._topics.values())))

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on at ``offset``."""
        topic = self._topics.get(partition.topic)
        if topic is None or partition not in topic.placed:
            return
        # Assigned anew rather than sought: a seek is refused while librdkafka still looks for the partition's leader.
        self._remove(topic, {partition})
        topic.placed.add(partition)
        self._assign(partition, offset)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Send offsets for lag tools, without waiting."""
        mine = self._all_placed()
        places = [TopicPartition(one.topic, one.number, at) for one, at in offsets.items() if one in mine]
        if not places:
            return
        try:
            self._consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            log.warning("stream.commit_failed", group=self._group, reason=self._client.masked(str(error.args[0])))

    def close(self) -> None:
        """Leave the group, within seconds."""
        self._reader.close()
