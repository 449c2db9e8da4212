"""Reading a range of a partition on Kafka, as member of no group."""

import time
from collections.abc import Iterator

from confluent_kafka import TopicPartition

from bridge.errors import BridgeError, StreamAwayError
from bridge.stream.kafka_admin import KafkaAdmin
from bridge.stream.kafka_options import Client
from bridge.stream.kafka_reader import End, Failure, KafkaReader
from bridge.stream.kafka_watch import TopicWatch
from bridge.stream.names import gone, replaced
from bridge.stream.port import Partition, Record

_SLICE_S = 0.2
_AWAY_AFTER_S = 30.0
_BATCH = 500
_READER_GROUP = "tom-bridge-reader"  # librdkafka wants one; nothing is ever committed to it


class KafkaHistory:
    """One partition read from an offset on. ``identity`` is that of the topic when the offset was looked at."""

    def __init__(self, client: Client, admin: KafkaAdmin, partition: Partition, identity: str, first: int) -> None:
        self._admin = admin
        self._partition = partition
        self._identity = identity
        self._next = first
        self._reader = KafkaReader(client, {"group.id": client.rules.group(_READER_GROUP)})
        self._reader.identities[partition.topic] = identity
        self._watch = TopicWatch(client, admin, partition.topic)
        self._well_at = time.monotonic()

    def records(self, until: int | None, *, follow: bool) -> Iterator[Record]:
        """Yield records before ``until`` (None: never end)."""
        try:
            self._start()
            while until is None or self._next < until:
                ended = False
                for item in self._reader.take(_BATCH, _SLICE_S):
                    if isinstance(item, Failure):
                        self._failed(item)
                    elif isinstance(item, End):
                        ended = True
                    elif until is not None and item.offset >= until:
                        return
                    else:
                        self._next = item.offset + 1
                        yield item
                if ended and not follow:
                    return  # up to ``until`` there are no more than markers and what was compacted
                self._look()
        finally:
            self._reader.close()

    def _start(self) -> None:
        self._reader.consumer.assign([TopicPartition(self._partition.topic, self._partition.number, self._next)])

    def _failed(self, failure: Failure) -> None:
        if failure.is_gone:
            raise gone(self._partition, self._next, self._admin.ends(self._partition.topic)[self._partition])
        if told := self._reader.translated(failure):
            raise told
        if failure.interrupted:
            self._start()

    def _look(self) -> None:
        """Raise what the topic's watch has heard that does not pass, or has not for long."""
        self._watch.look()
        if self._watch.identity not in ("", self._identity):
            raise replaced(self._partition.topic)
        problem: BridgeError | None = self._watch.problem
        if problem is None:
            self._well_at = time.monotonic()
        elif not isinstance(problem, StreamAwayError) or time.monotonic() - self._well_at > _AWAY_AFTER_S:
            raise problem
