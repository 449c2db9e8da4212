"""Topics of Kafka: which there are, what they hold and take; made with history kept and the broker's time."""

import time
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from confluent_kafka import OFFSET_INVALID, IsolationLevel, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from bridge.errors import BridgeError, ConfigurationError, StreamAwayError, TopicMissingError
from bridge.stream.kafka_options import CEILING, Client
from bridge.stream.names import LARGEST_VALUE, check_topic_name
from bridge.stream.port import Ends, Partition, Topic

TIMEOUT_S = 10.0
_EARLIEST: OffsetSpec = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_LATEST: OffsetSpec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
ROOM = 16 * 1024
"""Bytes of a message that are left to its key, its headers and Kafka's own framing."""
_KAFKA_DEFAULT_LARGEST = 1_048_588
_HIDDEN = ("__", "_schemas")
_WRONG = {
    KafkaError.POLICY_VIOLATION,
    KafkaError.INVALID_CONFIG,
    KafkaError.INVALID_REPLICATION_FACTOR,
    KafkaError.INVALID_PARTITIONS,
    KafkaError.TOPIC_EXCEPTION,
}


@dataclass(frozen=True)
class Held:
    """What a topic is, and holds, at one moment."""

    identity: str
    """Empty where only the partitions have answered."""
    ends: dict[Partition, Ends]
    problems: dict[Partition, BridgeError]
    """Partitions that could not be asked, and why."""


@dataclass(frozen=True)
class _EndsAsked:
    first: "Future[Any]"
    next: "Future[Any]"

    def done(self) -> bool:
        return self.first.done() and self.next.done()


class KafkaAdmin:
    """What a stream asks of the cluster. Thread-safe."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._admin: AdminClient = client.made(AdminClient, client.configuration())

    def topics(self) -> dict[str, Topic]:
        """Return all topics by name, without internal ones."""
        return self._described([name for name in self.names(TIMEOUT_S) if not name.startswith(_HIDDEN)])

    def names(self, timeout_s: float) -> list[str]:
        """Return the names of all topics, also of internal ones."""
        try:
            names = list(self._admin.list_topics(timeout=timeout_s).topics)
        except KafkaException as error:
            raise self._translated(error) from error
        self._client.answered()
        return names

    def topic(self, name: str) -> Topic:
        """Return one topic; raise TopicMissingError where it is not there."""
        found = self._described([name])
        if name not in found:
            raise self._client.rules.missing(name)
        return found[name]

    def identities(self, names: Sequence[str]) -> dict[str, str]:
        """Return the ids of those of the topics that are there, by name."""
        return {name: str(one.topic_id) for name, one in self._descriptions(names).items()}

    def _descriptions(self, names: Sequence[str]) -> dict[str, Any]:
        """Return what the broker says of those of the topics that are there."""
        found = {}
        for name, future in self._ask(names, TIMEOUT_S).items():
            with suppress(TopicMissingError):
                found[name] = self._result(future, topic=name, doing=f"describe {name}")
        return found

    def _ask(self, names: Sequence[str], timeout_s: float) -> "dict[str, Future[Any]]":
        # Asked by describe_topics: a plain metadata request may create what it asks for.
        return self._admin.describe_topics(TopicCollection(list(names)), request_timeout=timeout_s)

    def questions(self, name: str, timeout_s: float, known: Collection[Partition]) -> Generator[None, None, Held]:
        """Ask what a topic is and what its partitions hold: yields while there is no answer, and never waits for one.

        ``known`` are the partitions that it had when it was last asked: their leaders are asked at once, as any broker
        tells what a topic is, also one that does not answer. Raises as :meth:`topic` does where nobody answers.
        """
        description = self._ask([name], timeout_s)[name]
        asked = self._ask_ends(known, timeout_s)
        yield from _until([description])
        try:
            found = self._result(description, topic=name, doing=f"describe {name}")
        except StreamAwayError:
            yield from _until(asked.values())
            held = self._held("", asked)
            if not held.ends:
                raise
            return held
        partitions = _partitions(name, found)
        asked |= self._ask_ends([partition for partition in partitions if partition not in known], timeout_s)
        yield from _until(asked.values())
        return self._held(str(found.topic_id), {partition: asked[partition] for partition in partitions})

    def _ask_ends(self, partitions: Collection[Partition], timeout_s: float) -> "dict[Partition, _EndsAsked]":
        if not partitions:
            return {}
        firsts, nexts = (self._ask_offsets(partitions, spec, timeout_s) for spec in (_EARLIEST, _LATEST))
        return {partition: _EndsAsked(firsts[partition], nexts[partition]) for partition in partitions}

    def _held(self, identity: str, asked: "Mapping[Partition, _EndsAsked]") -> Held:
        held = Held(identity, {}, {})
        for partition, both in asked.items():
            try:
                held.ends[partition] = Ends(self._offset(partition, both.first), self._offset(partition, both.next))
            except BridgeError as error:
                held.problems[partition] = error
        return held

    def _described(self, names: list[str]) -> dict[str, Topic]:
        if not names:
            return {}
        found = {name: one for name, one in sorted(self._descriptions(names).items()) if not one.is_internal}
        settings = self._configurations(found)
        return {name: _topic(name, one, settings[name]) for name, one in found.items()}

    def _configurations(self, names: Iterable[str]) -> dict[str, dict[str, str]]:
        """Return the settings of topics; none of one whose settings the account may not see."""
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        settings: dict[str, dict[str, str]] = {}
        for resource, future in self._admin.describe_configs(resources, request_timeout=TIMEOUT_S).items():
            try:
                found = self._result(future, topic=resource.name)
            except ConfigurationError:
                found = {}
            settings[resource.name] = {name: entry.value or "" for name, entry in found.items()}
        return settings

    def create(self, name: str, *, partitions: int, compacted: bool) -> Topic:
        """Make a topic whose history is kept and whose times are the broker's; return it when it can be used."""
        check_topic_name(name)
        try:
            brokers = len(self._admin.list_topics(timeout=TIMEOUT_S).brokers)
        except KafkaException as error:
            raise self._translated(error) from error
        self._client.answered()
        copies = min(3, brokers)
        new = NewTopic(
            name,
            num_partitions=partitions,
            replication_factor=copies,
            config={
                "message.timestamp.type": "LogAppendTime",
                "cleanup.policy": "compact" if compacted else "delete",
                "retention.ms": "-1",
                "retention.bytes": "-1",
                "max.message.bytes": str(LARGEST_VALUE + ROOM),
                # With three copies one broker may be away; what was confirmed is on two.
                "min.insync.replicas": "2" if copies == 3 else "1",
            },
        )
        future = self._admin.create_topics([new], request_timeout=TIMEOUT_S)[name]
        try:
            future.result(TIMEOUT_S + 5)
        except KafkaException as error:
            code = error.args[0].code()
            if code in _WRONG:
                raise ConfigurationError(
                    self._client.masked(f"the broker will not make topic {name!r}: {error.args[0].str()}"),
                    where="topic",
                ) from error
            if code != KafkaError.TOPIC_ALREADY_EXISTS:
                raise self._translated(error, doing=f"create the topic {name}") from error
        return self._visible(name)

    def _visible(self, name: str) -> Topic:
        """Return the topic as soon as its partitions have leaders everywhere that is asked."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            found = self._described([name])
            if name in found:
                return found[name]
            if time.monotonic() > deadline:
                raise StreamAwayError("the new topic does not appear on the broker", where=name)
            time.sleep(0.05)

    def ends(self, topic: str) -> dict[Partition, Ends]:
        """Return what each partition holds."""
        return self.held(topic).ends

    def held(self, topic: str) -> Held:
        """Return a topic's identity and what each partition holds; raise where one does not answer."""
        found = self._description(topic)
        partitions = _partitions(topic, found)
        firsts = self._offsets(partitions, _EARLIEST)
        nexts = self._offsets(partitions, _LATEST)
        ends = {partition: Ends(firsts[partition], nexts[partition]) for partition in partitions}
        return Held(str(found.topic_id), ends, {})

    def identity(self, topic: str) -> str:
        """Return a topic's identity."""
        return str(self._description(topic).topic_id)

    def _description(self, topic: str) -> Any:
        found = self._descriptions([topic])
        if topic not in found:
            raise self._client.rules.missing(topic)
        return found[topic]

    def operations(self, topic: str) -> frozenset[str] | None:
        """Return what the account may do on a topic, in Kafka's words; None where the broker doesn't say."""
        asked = self._admin.describe_topics(
            TopicCollection([topic]), include_authorized_operations=True, request_timeout=TIMEOUT_S
        )
        return _operations(self._result(asked[topic], topic=topic, doing=f"describe {topic}"))

    def group_operations(self, group: str) -> frozenset[str] | None:
        """Return what the account may do with a group, in Kafka's words; None where the broker doesn't say."""
        asked = self._admin.describe_consumer_groups(
            [group], include_authorized_operations=True, request_timeout=TIMEOUT_S
        )
        return _operations(self._result(asked[group], doing=f"use the group {group}"))

    def offsets_at(self, topic: str, moment: datetime) -> dict[Partition, int]:
        """Return the first offset at or after ``moment``, or the end."""
        partitions = _partitions(topic, self._description(topic))
        # Kafka counts whole milliseconds; a record within the millisecond of ``moment`` counts as at it.
        found = self._offsets(partitions, OffsetSpec.for_timestamp(int(moment.timestamp() * 1000)))
        nexts = self._offsets(partitions, _LATEST)
        return {partition: at if at >= 0 else nexts[partition] for partition, at in found.items()}

    def _offsets(self, partitions: Iterable[Partition], spec: OffsetSpec) -> dict[Partition, int]:
        futures = self._ask_offsets(partitions, spec, TIMEOUT_S)
        return {partition: self._offset(partition, future) for partition, future in futures.items()}

    def _ask_offsets(
        self, partitions: Iterable[Partition], spec: OffsetSpec, timeout_s: float
    ) -> "dict[Partition, Future[Any]]":
        asked = {TopicPartition(partition.topic, partition.number): spec for partition in partitions}
        futures = self._admin.list_offsets(
            asked, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=timeout_s
        )
        return {Partition(place.topic, place.partition): future for place, future in futures.items()}

    def _offset(self, partition: Partition, future: "Future[Any]") -> int:
        offset = int(self._result(future, topic=partition.topic, doing="read").offset)
        if offset == OFFSET_INVALID:  # so librdkafka tells, without an error, that the leader has not answered
            raise StreamAwayError("the partition's leader has not answered in time", where=str(partition))
        return offset

    def largest_message(self, topic: str) -> int:
        """Return the bytes that a message (value, key, headers and framing) may have on ``topic``."""
        self._description(topic)
        settings = self._configurations([topic])[topic]
        return min(int(settings.get("max.message.bytes") or _KAFKA_DEFAULT_LARGEST), CEILING)

    def _result(self, future: "Future[Any]", *, topic: str = "", doing: str = "") -> Any:
        try:
            result = future.result(TIMEOUT_S + 5)
        except KafkaException as error:
            raise self._translated(error, topic=topic, doing=doing) from error
        except TimeoutError:
            raise StreamAwayError("Kafka has not answered in time", where=topic) from None
        self._client.answered()
        return result

    def _translated(self, error: KafkaException, *, topic: str = "", doing: str = "") -> Exception:
        self._admin.poll(0)  # what is known of refused log-ins and brokers that are down comes this way
        return self._client.translated(error.args[0], topic=topic, doing=doing)


def _partitions(topic: str, description: Any) -> tuple[Partition, ...]:
    return tuple(Partition(topic, number) for number in range(len(description.partitions)))


def _operations(description: Any) -> frozenset[str] | None:
    found = description.authorized_operations
    return None if found is None else frozenset(operation.name for operation in found)


def _topic(name: str, description: Any, settings: Mapping[str, str]) -> Topic:
    policy = settings.get("cleanup.policy", "")
    forever = settings.get("retention.ms") == "-1" and settings.get("retention.bytes") == "-1"
    return Topic(
        name=name,
        id=str(description.topic_id),
        partitions=len(description.partitions),
        compacted="compact" in policy,
        append_time=settings.get("message.timestamp.type") == "LogAppendTime" if settings else None,
        kept=forever or "delete" not in policy if settings else None,
    )


def _until(futures: "Iterable[Future[Any] | _EndsAsked]") -> Iterator[None]:
    for future in futures:
        while not future.done():
            yield
