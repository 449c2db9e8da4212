"""Writing to Kafka: confirmed, in order for each key also after a failure.

The producer is idempotent and never gives a record up for its age, so that a delivery fails only for good: the topic
refuses it, or the account may not write. Then librdkafka (``enable.gapless.guarantee``) stops before anything newer
goes to that partition, and this module goes on with a new producer: what had not been confirmed goes again, in order,
except what must wait. What waits is the failed key where the record is at fault, the topic where it is missing or
denied, else everything; it is named by the next ``flush`` and tried by the one after that.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from bridge.errors import NotDeliveredError, TooLargeError
from bridge.stream.kafka_options import DENIED, PRODUCER, UNKNOWN_TOPIC, Client
from bridge.stream.port import Headers

log = structlog.get_logger(__name__)

_MOST_HELD = 100_000
_SERVE_S = 0.25
_SERVED_EVERY = 50
"""Records between two looks at what was reported, which cost as much as a tenth of handing over each."""
_REPORTS_S = 5.0
_FRAMING = 512
_COLLATERAL = {
    KafkaError._PURGE_QUEUE,
    KafkaError._PURGE_INFLIGHT,
    KafkaError._FATAL,
    KafkaError._GAPLESS_GUARANTEE,
    KafkaError._DESTROY,
}
_OF_THE_RECORD = {
    KafkaError.MSG_SIZE_TOO_LARGE,
    KafkaError.INVALID_MSG,
    KafkaError.INVALID_MSG_SIZE,
    KafkaError.INVALID_RECORD,
    KafkaError.INVALID_TIMESTAMP,
}
_OF_THE_TOPIC = {*UNKNOWN_TOPIC, KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.TOPIC_EXCEPTION}


class _Outgoing(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    headers: Headers

    @property
    def size(self) -> int:
        return len(self.value) + len(self.key) + sum(len(name) + len(value) for name, value in self.headers)


@dataclass
class _Waiting:
    """What must not go out now."""

    keys: set[tuple[str, bytes]] = field(default_factory=set)
    topics: set[str] = field(default_factory=set)
    everything: bool = False

    def holds(self, record: _Outgoing) -> bool:
        return self.everything or record.topic in self.topics or (record.topic, record.key) in self.keys


class KafkaWriter:
    """The one producer of a stream. ``largest_message`` says how many bytes a message on a topic may have."""

    def __init__(self, client: Client, largest_message: Callable[[str], int]) -> None:
        self._client = client
        self._largest_message = largest_message
        self._batch_size: int | None = None
        self._number = 0
        self._sent: dict[int, _Outgoing] = {}
        """Handed to librdkafka and not confirmed, by number: in the order of ``publish``."""
        self._held: dict[int, _Outgoing] = {}
        self._waiting = _Waiting()
        self._told = False
        self._failures: dict[int, KafkaError] = {}
        self._refused: list[tuple[_Outgoing, KafkaError]] = []
        self._reason = ""
        self._broken = False
        self._producer = self._new_producer()

    def _new_producer(self) -> Producer:
        own = {} if self._batch_size is None else {"batch.size": self._batch_size}
        made: Producer = self._client.made(Producer, self._client.configuration(PRODUCER, own, producer=True))
        return made

    def publish(self, topic: str, key: bytes, value: bytes, headers: Headers) -> None:
        """Hand over one record, in order behind what waits."""
        record = _Outgoing(topic, key, value, headers)
        if self._broken:
            self._recover()
        is_held = self._waiting.holds(record)
        if is_held and len(self._held) >= _MOST_HELD:
            raise self._not_delivered()
        self._number += 1
        if is_held:
            self._held[self._number] = record
        else:
            self._produce(self._number, record)

    def _hand_over(self, number: int, record: _Outgoing) -> None:
        if self._waiting.holds(record):
            self._held[number] = record
        else:
            self._produce(number, record)

    def _produce(self, number: int, record: _Outgoing) -> None:
        self._sent[number] = record
        while not self._broken:
            try:
                self._producer.produce(
                    record.topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    on_delivery=partial(self._reported, number),
                )
            except BufferError:
                self._serve(_SERVE_S)
            except KafkaException as error:
                self._reported(number, error.args[0], None)
            else:
                if number % _SERVED_EVERY == 0:
                    self._serve(0)
                return

    def _reported(self, number: int, error: KafkaError | None, _: Message | None) -> None:
        if error is None:
            self._sent.pop(number, None)
            return
        self._broken = True
        if error.code() not in _COLLATERAL:
            self._failures[number] = error

    def _serve(self, timeout_s: float) -> None:
        # Never by Producer.flush: it goes on calling back after a fatal error was raised, and confluent-kafka then
        # runs callbacks with an exception pending.
        try:
            self._producer.poll(timeout_s)
        except KafkaException as error:
            self._broken = True
            self._reason = self._in_words(error.args[0])

    def flush(self, timeout_s: float | None) -> None:
        """Return when all is confirmed; else raise NotDeliveredError, which names what is not."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        if self._told:
            self._release()
        while self._sent or self._broken:
            if self._broken:
                self._recover()
                continue
            left = _SERVE_S if deadline is None else min(_SERVE_S, deadline - time.monotonic())
            self._serve(max(left, 0))
            if left <= 0:
                break
        if self._sent or self._held or self._refused:
            raise self._not_delivered()

    def _release(self) -> None:
        """Try what the last ``flush`` has named."""
        held, self._held, self._waiting, self._told = self._held, {}, _Waiting(), False
        for number in sorted(held):
            self._hand_over(number, held[number])

    def _recover(self) -> None:
        """Go on with a new producer after a failure."""
        # First every report is taken: what is confirmed need not go twice, and what failed says why.
        self._producer.purge()
        deadline = time.monotonic() + _REPORTS_S
        while len(self._producer) and time.monotonic() < deadline:
            self._serve(_SERVE_S)
        if not self._failures:
            # The producer itself can't work (it may not write at all, say): another one would fare alike at once.
            self._waiting.everything = True
        self._classify()
        self._broken = False
        self._producer = self._new_producer()
        outgoing, self._sent = self._sent, {}
        log.warning("stream.producer_renewed", again=len(outgoing), reason=self._reason)
        for number in sorted(outgoing):
            self._hand_over(number, outgoing[number])

    def _classify(self) -> None:
        """Say for each failure what has to wait, and take out what is refused for good."""
        self._told = False
        batch_size = self._batch_size
        narrow = {self._sent[number].topic for number, error in self._failures.items() if _is_too_large(error)}
        largest = {topic: self._largest_message(topic) for topic in narrow}
        for number, error in self._failures.items():
            record = self._sent[number]
            self._reason = f"{record.topic}: {self._in_words(error)}"
            if error.code() in _OF_THE_RECORD:
                if _is_too_large(error) and self._fits(record, largest[record.topic], batch_size):
                    continue
                del self._sent[number]
                self._refused.append((record, error))
                self._waiting.keys.add((record.topic, record.key))
            elif error.code() in _OF_THE_TOPIC:
                self._waiting.topics.add(record.topic)
            else:
                self._waiting.everything = True
        self._failures = {}

    def _in_words(self, error: KafkaError) -> str:
        told = self._client.masked(error.str())
        if error.code() in DENIED:  # of the cluster, where the account may write on no topic at all
            return f"the account may not write ({told}). {self._client.rules.denied}"
        return told

    def _fits(self, record: _Outgoing, largest: int, batch_size: int | None) -> bool:
        """Return whether its batch (of ``batch_size``) was too large, not the record; the next batches are smaller."""
        room = largest // 2
        if record.size + _FRAMING > largest or (batch_size is not None and batch_size <= room):
            return False
        self._batch_size = room if self._batch_size is None else min(self._batch_size, room)
        return True

    def _not_delivered(self) -> NotDeliveredError:
        refused, self._refused = self._refused, []
        waiting = [*self._held.items(), *self._sent.items()]
        records = [record for record, _ in refused] + [record for _, record in sorted(waiting)]
        self._told = True
        if refused:
            record, error = refused[0]
            why = f"{record.topic} refuses {len(refused)} for good ({self._client.masked(error.str())})"
        elif self._held:
            why = self._reason
        else:
            why = "Kafka has not confirmed them yet"
        return NotDeliveredError(
            f"{len(records)} records are not delivered: {why}",
            undelivered=[(record.topic, record.key) for record in records],
            refused=[(record.topic, record.key) for record, _ in refused],
            mend="" if refused else "They stay queued and are tried again",
        )

    def close(self) -> None:
        """Drop what is not confirmed."""
        self._producer.purge()
        self._serve(0)


def _is_too_large(error: KafkaError) -> bool:
    return bool(error.code() == KafkaError.MSG_SIZE_TOO_LARGE)


def check_size(topic: str, value: bytes, largest: int) -> None:
    """Raise TooLargeError for a value of more than ``largest`` bytes."""
    if len(value) > largest:
        raise TooLargeError(
            f"a value of {len(value)} bytes is too large", where=topic, mend=f"{largest} are the most on this topic"
        )
