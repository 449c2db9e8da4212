"""Reading Kafka: messages become records, errors become ours; and the members of groups."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from bridge.errors import BridgeError, StreamAwayError, TopicMissingError
from bridge.stream.kafka_admin import KafkaAdmin
from bridge.stream.kafka_options import CONSUMER, UNKNOWN_TOPIC, Client
from bridge.stream.names import gone, replaced
from bridge.stream.port import Partition, Record, StartAt

log = structlog.get_logger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SLICE_S = 0.2
_PROBE_S = 2.0
_CLOSE_S = 5.0
_CHECK_S = 10.0
_AWAY_AFTER_S = 30.0
_BATCH = 500
_READER_GROUP = "tom-bridge-reader"  # librdkafka wants one; nothing is ever committed to it

Failed = Callable[[KafkaError, Partition, int], None]


class KafkaReader:
    """One librdkafka consumer. ``failed`` is called with an error of one partition and the offset that it is about."""

    def __init__(self, client: Client, admin: KafkaAdmin, failed: Failed, *parts: Mapping[str, Any]) -> None:
        self.client = client
        self._admin = admin
        self._failed = failed
        self.consumer: Consumer = client.made(Consumer, client.configuration(CONSUMER, *parts))
        self.ended: set[Partition] = set()
        """Partitions that were read to their end since this was last emptied."""

    def take(self, most: int, timeout_s: float) -> list[Record]:
        """Return up to ``most`` records as soon as there is one; errors of the client are raised."""
        try:
            first = self.consumer.poll(timeout_s)
            messages = [] if first is None else [first]
            if first is not None and most > 1:
                messages += self.consumer.consume(most - 1, 0)
        except KafkaException as error:
            raise self.client.translated(error.args[0]) from error
        failures = [message for message in messages if message.error() is not None]
        records = [_record(message) for message in messages if message.error() is None]
        if records:
            self.client.answered()
        for message in failures:
            self._note(message)
        return records

    def _note(self, message: Message) -> None:
        error = message.error()
        assert error is not None
        number, offset = message.partition(), message.offset()
        partition = Partition(message.topic() or "", -1 if number is None else number)
        if error.code() == KafkaError._PARTITION_EOF:
            self.client.answered()
            self.ended.add(partition)
            return
        self._failed(error, partition, -1 if offset is None else offset)

    def probe(self, topic: str) -> None:
        """Raise StreamAwayError where no broker answers; to be called when nothing came and all brokers seemed down."""
        try:
            self.consumer.list_topics(topic=topic, timeout=_PROBE_S)
        except KafkaException as error:
            raise self.client.translated(error.args[0]) from error
        self.client.answered()

    def error_for(self, error: KafkaError, partition: Partition, offset: int) -> BridgeError | None:
        """Return what has to be raised for an error of one partition; None for what librdkafka mends by itself."""
        code = error.code()
        if code in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}:
            return gone(partition, offset, self._admin.ends(partition.topic)[partition])
        if code in UNKNOWN_TOPIC:
            try:
                self._admin.topic(partition.topic)
            except TopicMissingError as missing:
                return missing
            except StreamAwayError:
                return None
            return None
        told = self.client.translated(error, topic=partition.topic, doing="read")
        if not isinstance(told, StreamAwayError):
            return told
        log.info("kafka.retried", partition=str(partition), reason=self.client.masked(error.str()))
        return None


def read(
    client: Client, admin: KafkaAdmin, partition: Partition, first: int, until: int | None, *, follow: bool
) -> Iterator[Record]:
    """Yield records from ``first`` on, before ``until`` (None: never end), with a consumer that is in no group."""
    failures: list[BridgeError] = []

    def failed(error: KafkaError, where: Partition, offset: int) -> None:
        if found := reader.error_for(error, where, offset):
            failures.append(found)

    own = {"group.id": _READER_GROUP, "enable.partition.eof": True}
    reader = KafkaReader(client, admin, failed, own)
    heard = time.monotonic()
    try:
        reader.consumer.assign([TopicPartition(partition.topic, partition.number, first)])
        while until is None or first < until:
            records = reader.take(_BATCH, _SLICE_S)
            if records or reader.ended:
                heard = time.monotonic()
            for record in records:
                if until is not None and record.offset >= until:
                    return
                first = record.offset + 1
                yield record
            if failures:
                raise failures[0]
            if reader.ended and not follow:
                return  # up to ``until`` there are no more than markers and what was compacted
            reader.ended.clear()
            if client.down and time.monotonic() - heard > _AWAY_AFTER_S:
                reader.probe(partition.topic)
    finally:
        reader.consumer.close()


class KafkaSubscription:
    """A member of a group on Kafka; see :class:`bridge.stream.port.Subscription`.

    Cooperative: a rebalance leaves alone what stays. A new partition is assigned to librdkafka only when ``start_at``
    has said where, outside of its callbacks, so that no record of another position can slip through and an error of
    ``start_at`` is raised by ``poll`` as it is, and tried again by the next one.
    """

    def __init__(
        self, client: Client, admin: KafkaAdmin, topics: Sequence[str], group: str, *, start_at: StartAt, classic: bool
    ) -> None:
        self._topics = list(topics)
        self._group = group
        self._start_at = start_at
        self._placed: set[Partition] = set()
        self._unplaced: set[Partition] = set()
        self._paused = False
        self._failures: list[BridgeError] = []
        own: dict[str, Any] = {"group.id": group}
        if classic:
            own["partition.assignment.strategy"] = "cooperative-sticky"
        self._admin = admin
        self._identities = admin.identities(topics)
        self._checked = time.monotonic()
        self._reader = KafkaReader(client, admin, self._failed, own)
        self._consumer = self._reader.consumer
        self._consumer.subscribe(self._topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)

    def poll(self, most: int, timeout_s: float) -> list[Record]:
        """Return up to ``most`` records of the partitions that this member has."""
        deadline = time.monotonic() + timeout_s
        self._resume()
        while True:
            self._place()
            left = deadline - time.monotonic()
            found = self._reader.take(most, max(min(left, _SLICE_S), 0))
            records = [record for record in found if record.partition in self._placed]
            if records:
                return records  # a failure of another partition waits for the next call
            if self._failures:
                raise self._failures.pop(0)
            if left <= 0:
                break
        if self._reader.client.down:
            self._reader.probe(self._topics[0])
        # librdkafka may not say for minutes that a topic has gone.
        if time.monotonic() - self._checked > _CHECK_S:
            self._check_topics()
        return []

    def _check_topics(self) -> None:
        """Raise TopicMissingError and TopicReplacedError where a topic is not the one that was subscribed to."""
        self._checked = time.monotonic()
        for topic, identity in self._admin.identities(self._topics).items():
            if identity != self._identities[topic]:
                raise replaced(topic)

    def _place(self) -> None:
        """Start new partitions where ``start_at`` says."""
        if not self._unplaced:
            return
        self._check_topics()
        partitions = sorted(self._unplaced)
        starts = self._start_at(partitions)
        places = [TopicPartition(one.topic, one.number, starts[one]) for one in partitions]
        self._call(self._consumer.incremental_assign, places)
        self._unplaced.difference_update(partitions)
        self._placed.update(partitions)
        log.info("stream.assigned", group=self._group, positions={str(one): starts[one] for one in partitions})

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self._unplaced |= {Partition(place.topic, place.partition) for place in places}
        consumer.incremental_assign([])  # else librdkafka starts at what was committed

    def _revoked(self, _: Consumer, places: list[TopicPartition]) -> None:
        taken = {Partition(place.topic, place.partition) for place in places}
        self._remove(taken)
        log.info("stream.revoked", group=self._group, partitions=sorted(map(str, taken)))

    def _remove(self, partitions: set[Partition]) -> None:
        places = [TopicPartition(one.topic, one.number) for one in partitions & self._placed]
        self._placed -= partitions
        self._unplaced -= partitions
        self._consumer.incremental_unassign(places)

    def _failed(self, error: KafkaError, partition: Partition, offset: int) -> None:
        if found := self._reader.error_for(error, partition, offset):
            self._failures.append(found)
            if partition in self._placed:
                # Taken up anew by the next poll: the same error comes again until somebody has done something.
                self._remove({partition})
                self._unplaced.add(partition)

    def keep_alive(self) -> None:
        """Poll with all partitions paused: librdkafka counts it as life, and fetches again what it drops."""
        if not self._paused:
            self._paused = True
            self._call(self._consumer.pause, self._places())
        self._reader.take(1, 0)

    def _resume(self) -> None:
        if self._paused:
            self._paused = False
            self._call(self._consumer.resume, self._places())

    def _places(self) -> list[TopicPartition]:
        return [TopicPartition(one.topic, one.number) for one in self._placed]

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on at ``offset``."""
        if partition not in self._placed:
            return
        # Assigned anew rather than sought: a seek is refused while librdkafka still looks for the partition's leader.
        self._call(self._consumer.incremental_unassign, [TopicPartition(partition.topic, partition.number)])
        self._call(self._consumer.incremental_assign, [TopicPartition(partition.topic, partition.number, offset)])
        if self._paused:
            self._call(self._consumer.pause, [TopicPartition(partition.topic, partition.number)])

    def _call(self, method: Callable[[list[TopicPartition]], Any], places: list[TopicPartition]) -> None:
        try:
            method(places)
        except KafkaException as error:
            raise self._reader.client.translated(error.args[0]) from error

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions that this member has, also those that don't have their position yet."""
        return frozenset(self._placed | self._unplaced)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Send offsets for lag tools, without waiting."""
        places = [TopicPartition(one.topic, one.number, at) for one, at in offsets.items() if one in self._placed]
        if not places:
            return
        try:
            self._consumer.commit(offsets=places, asynchronous=True)
        except KafkaException as error:
            log.warning("stream.commit_failed", group=self._group, reason=str(error.args[0]))

    def close(self) -> None:
        """Leave the group, within seconds."""
        # While no broker answers, librdkafka waits for the answer to the last commit until the session has timed out,
        # also where the client is dropped unclosed. Whoever stops a daemon does not.
        closing = threading.Thread(target=self._consumer.close, name="kafka-close", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)
        if closing.is_alive():
            log.info("stream.left_without_a_word", group=self._group)


def _record(message: Message) -> Record:
    _, milliseconds = message.timestamp()
    return Record(
        partition=Partition(message.topic() or "", message.partition() or 0),
        offset=message.offset() or 0,
        timestamp=_EPOCH + timedelta(milliseconds=milliseconds),
        key=_bytes(message.key()),
        value=_bytes(message.value()) or b"",
        headers=tuple((name, _bytes(value) or b"") for name, value in _headers(message)),
    )


def _headers(message: Message) -> list[tuple[str, Any]]:
    # The declared type allows a dictionary; that is for what is sent.
    return cast(list[tuple[str, Any]], message.headers() or [])


def _bytes(value: Any) -> bytes | None:
    return value.encode() if isinstance(value, str) else cast(bytes | None, value)
