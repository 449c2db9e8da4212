"""Reading Kafka: whatever librdkafka hands out becomes a record, the end of a partition, or a failure."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from operator import methodcaller
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message

from bridge.errors import BridgeError, StreamAwayError
from bridge.stream.kafka_options import CONSUMER, UNKNOWN_TOPIC, Client
from bridge.stream.port import NO_TIME, Headers, Partition, Record

log = structlog.get_logger(__name__)

_CLOSE_S = 3.0
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class End:
    """A partition was read up to ``offset``; there is nothing more now."""

    partition: Partition
    offset: int


@dataclass(frozen=True)
class Failure:
    """librdkafka tells an error: of one partition, at an offset, or (``partition`` None) of the client."""

    error: KafkaError
    partition: Partition | None = None
    offset: int = -1
    interrupted: bool = False
    """Whether records may be lost that librdkafka counts as handed out."""

    @property
    def is_gone(self) -> bool:
        """Whether the stream does not hold the offset."""
        return self.error.code() in {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE}


Item = Record | End | Failure


class KafkaReader:
    """One librdkafka consumer, with the identities of the topics that it reads, by name."""

    def __init__(self, client: Client, *parts: Mapping[str, Any]) -> None:
        self.client = client
        self.identities: dict[str, str] = {}
        self.consumer: Consumer = client.made(Consumer, client.configuration(CONSUMER, *parts))

    def take(self, most: int, timeout_s: float) -> list[Item]:
        """Return what has come, of up to ``most`` messages, as soon as there is one; an error is one of the items."""
        items: list[Item] = []
        try:
            first = self.consumer.poll(timeout_s)
            if first is not None:
                items.append(self._item(first))
                if most > 1:
                    items += map(self._item, self.consumer.consume(most - 1, 0))
        except KafkaException as error:
            items.append(Failure(error.args[0], interrupted=True))
        if any(not isinstance(item, Failure) for item in items):
            self.client.answered()
        return items

    def _item(self, message: Message) -> Item:
        error, topic = message.error(), message.topic()
        if error is None:
            return _record(message, self.identities.get(topic or "", ""))
        number, offset = message.partition(), message.offset()
        partition = Partition(topic, number) if topic is not None and number is not None else None
        if partition is not None and error.code() == KafkaError._PARTITION_EOF and offset is not None:
            return End(partition, offset)
        return Failure(error, partition, -1 if offset is None else offset)

    def translated(self, failure: Failure) -> BridgeError | None:
        """Return what has to be told of a failure; None for what librdkafka mends by itself or a watch tells better."""
        topic = "" if failure.partition is None else failure.partition.topic
        if failure.error.code() not in UNKNOWN_TOPIC:
            told = self.client.translated(failure.error, topic=topic, doing="read")
            if not isinstance(told, StreamAwayError):
                return told
        log.info(
            "kafka.retried", partition=str(failure.partition or ""), reason=self.client.masked(failure.error.str())
        )
        return None

    def close(self) -> None:
        """Leave the group, within seconds."""
        # While no broker answers, librdkafka waits for the answer to the last commit until the session has timed out,
        # also where the client is dropped unclosed. Whoever stops a daemon does not.
        closing = threading.Thread(target=self.consumer.close, name="kafka-close", daemon=True)
        closing.start()
        closing.join(_CLOSE_S)
        if closing.is_alive():
            log.info("stream.left_without_a_word")


def _record(message: Message, topic_id: str) -> Record:
    """Return a message as a record, whatever is in it."""
    problems = []
    # Asked once: after a header's name that is no UTF-8, confluent-kafka returns null pointers at the second time.
    try:
        headers = _headers(message)
    except Exception as error:
        headers = ()
        problems.append(f"its headers can't be read: a name is no UTF-8 ({type(error).__name__})")
    _, milliseconds = message.timestamp()
    try:
        timestamp = _moment(milliseconds)
    except OverflowError:
        timestamp = NO_TIME
        problems.append(f"its time, {milliseconds} milliseconds since 1970, is none of the years 1 to 9999")
    return Record(
        partition=_partition(message.topic() or "", message.partition() or 0),
        offset=message.offset() or 0,
        timestamp=timestamp,
        key=_bytes(message.key()),
        value=_bytes(message.value()) or b"",
        headers=headers,
        topic_id=topic_id,
        problem="; ".join(problems),
    )


@lru_cache
def _partition(topic: str, number: int) -> Partition:
    return Partition(topic, number)


@lru_cache  # those of a batch were taken by the broker at one time
def _moment(milliseconds: int) -> datetime:
    """Return a time of Kafka; raise OverflowError for one that is, in some time zone, none of the years 1 to 9999."""
    moment = NO_TIME + timedelta(milliseconds=milliseconds)
    _ = moment - _DAY, moment + _DAY
    return moment


_headers_of = methodcaller("headers")
"""Raises an error where a name is no UTF-8.

confluent-kafka returns a list with a null pointer beside that error. Called directly, a method that was called often is
not looked at for errors by Python 3.11 and later: the process would die of the pointer.
"""


def _headers(message: Message) -> Headers:
    found: list[tuple[str, Any]] = _headers_of(message) or []
    for _, value in found:
        if type(value) is not bytes:
            return tuple((name, _bytes(value) or b"") for name, value in found)
    return tuple(found)


def _bytes(value: Any) -> bytes | None:
    taken: bytes | None = value.encode() if isinstance(value, str) else value
    return taken
