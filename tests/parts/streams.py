"""Helpers of the tests of streams: both implementations, by one interface, with what only a test does to a stream."""

import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import cycle
from pathlib import Path
from typing import Protocol

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from parts.wait import wait_until
from simulation.stream import Broker, SimulatedStream

from bridge.errors import BridgeError, StreamAwayError
from bridge.stream import Partition, Record, Stream, Subscription, open_stream
from bridge.stream.labelled import Opening
from bridge.stream.names import joined, split
from bridge.stream.routed import RoutedStream


class Lab(Protocol):
    """A stream's address, and what a test does to it behind the bridge's back."""

    url: str
    """Where other processes open it."""

    def open(self) -> Stream:
        """Open the stream once more, as another program does."""

    def delete_topic(self, topic: str) -> None:
        """Remove a topic."""

    def lose(self, partition: Partition, before: int) -> None:
        """Let the records below offset ``before`` go, as retention does."""

    def named(self, name: str) -> str:
        """Return a topic's name that no other test has."""


def unique(name: str) -> str:
    """Return a name that no other test has."""
    return f"{name}.{uuid.uuid4().hex[:12]}"


@dataclass(kw_only=True)
class OneStream:
    """What labs of a single stream have in common."""

    def named(self, name: str) -> str:
        return unique(name)


@dataclass
class SqliteLab(OneStream):
    """A stream in a file."""

    path: Path
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"sqlite:///{self.path}"

    def open(self) -> Stream:
        return open_stream(self.url)

    def delete_topic(self, topic: str) -> None:
        self._execute("DELETE FROM topics WHERE name = ?", topic)

    def lose(self, partition: Partition, before: int) -> None:
        self._execute(
            "DELETE FROM records WHERE position < ? AND topic = (SELECT number FROM topics WHERE name = ?)",
            before,
            partition.topic,
        )

    def _execute(self, statement: str, *parameters: object) -> None:
        with closing(sqlite3.connect(self.path, timeout=30)) as db, db:
            db.execute("PRAGMA foreign_keys=ON")
            db.execute(statement, parameters)


@dataclass
class KafkaLab(OneStream):
    """A stream on a broker at ``address``."""

    address: str
    url: str = field(init=False)
    admin: AdminClient = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"kafka://{self.address}"
        self.admin = AdminClient({"bootstrap.servers": self.address})

    def open(self) -> Stream:
        return open_stream(self.url)

    def delete_topic(self, topic: str) -> None:
        self.admin.delete_topics([topic])[topic].result(30)
        wait_until(lambda: topic not in self.admin.list_topics(timeout=10).topics, what=f"the end of {topic}")

    def lose(self, partition: Partition, before: int) -> None:
        place = TopicPartition(partition.topic, partition.number, before)
        for future in self.admin.delete_records([place]).values():
            future.result(30)


@dataclass
class SimulatedLab(OneStream):
    """The stream of the simulation, in real time."""

    broker: Broker = field(default_factory=lambda: Broker(patience_s=0.1))
    url: str = "simulated://"

    def open(self) -> Stream:
        return SimulatedStream(self.broker, slice_s=0.02)

    def delete_topic(self, topic: str) -> None:
        self.broker.delete(topic)

    def lose(self, partition: Partition, before: int) -> None:
        self.broker.lose(partition, before)


def routed(urls: Mapping[str, str]) -> RoutedStream:
    """Return the streams at these addresses, by their labels, as one."""
    return RoutedStream({label: Opening(url, partial(open_stream, url)) for label, url in urls.items()})


@dataclass
class RoutedLab:
    """Two streams as one; of the topics that are named one after the other every other one is on each."""

    folder: Path
    url: str = "routed://"
    turns: Iterator[str] = field(default_factory=lambda: cycle(["other", ""]))
    labs: dict[str, SqliteLab] = field(init=False)

    def __post_init__(self) -> None:
        self.labs = {label: SqliteLab(self.folder / f"share{label}.db") for label in ("", "other")}

    def open(self) -> Stream:
        return RoutedStream({label: Opening(lab.url, lab.open) for label, lab in self.labs.items()})

    def delete_topic(self, topic: str) -> None:
        label, name = split(topic)
        self.labs[label].delete_topic(name)

    def lose(self, partition: Partition, before: int) -> None:
        label, name = split(partition.topic)
        self.labs[label].lose(Partition(name, partition.number), before)

    def named(self, name: str) -> str:
        return joined(next(self.turns), unique(name))


SHARED_LABS = ("sqlite", pytest.param("kafka", marks=pytest.mark.kafka))
"""Those that several processes can use."""
LABS = ("simulated", "routed", *SHARED_LABS)
"""The parameters of a fixture that is :func:`lab_of`: every implementation that the contract is held on."""


def lab_of(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    """Return the lab that the fixture's parameter names."""
    if request.param == "simulated":
        return SimulatedLab()
    if request.param == "routed":
        return RoutedLab(tmp_path)
    if request.param == "sqlite":
        return SqliteLab(tmp_path / "share.db")
    return KafkaLab(request.getfixturevalue("kafka_broker"))


def starting_at(offset: int) -> "Starts":
    """Return a ``start_at`` that starts every partition at ``offset`` and notes what it was asked for."""
    return Starts(offset)


class Starts:
    """A ``start_at`` that can be moved, and made to raise for single topics."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.offsets: dict[str, int] = {}
        """Where it starts single topics, by name."""
        self.errors: dict[str, BridgeError] = {}
        """What it raises, by topic."""
        self.asked: list[tuple[Partition, ...]] = []

    def __call__(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        self.asked.append(tuple(partitions))
        (topic,) = {partition.topic for partition in partitions}
        if topic in self.errors:
            raise self.errors[topic]
        return dict.fromkeys(partitions, self.offsets.get(topic, self.offset))


def fill(stream: Stream, topic: str, values: Sequence[bytes], key: bytes = b"key") -> None:
    """Publish ``values`` under one key and wait until they are durable."""
    for value in values:
        stream.publish(topic, key=key, value=value)
    stream.flush(60)


def numbered(count: int, prefix: str = "") -> list[bytes]:
    """Return ``count`` different values in order."""
    return [f"{prefix}{number}".encode() for number in range(count)]


def poll_until(subscription: Subscription, count: int, *, most: int = 100) -> list[Record]:
    """Poll until at least ``count`` records have come."""
    records: list[Record] = []

    def enough() -> bool:
        records.extend(subscription.poll(most, 1.0).records)
        return len(records) >= count

    wait_until(enough, timeout_s=60, what=f"{count} records")
    return records


def problem_of(member: Subscription, topic: str, kind: type[BridgeError], *, timeout_s: float = 60) -> BridgeError:
    """Poll until a problem of that kind is told of ``topic``, and return it; what comes meanwhile is dropped."""

    def told() -> BridgeError | None:
        problem = member.poll(100, 0.5).problems.get(topic)
        return problem if isinstance(problem, kind) else None

    return wait_until(told, timeout_s=timeout_s, what=f"a {kind.__name__} of {topic}")


def is_away(member: Subscription) -> bool:
    """Return whether ``member`` says that the stream is away."""
    try:
        member.poll(100, 0.5)
    except StreamAwayError:
        return True
    return False


def everything(url: str, topic: str) -> list[Record]:
    """Return all records of ``topic`` by a stream opened anew, in order of partition and offset."""
    with closing(open_stream(url)) as stream:
        return _all_of(stream, topic)


def seen_anew(lab: Lab, topic: str) -> list[Record]:
    """Return what :func:`everything` does, of a lab."""
    with closing(lab.open()) as stream:
        return _all_of(stream, topic)


def _all_of(stream: Stream, topic: str) -> list[Record]:
    held = sorted(stream.ends(topic).items())
    return [record for partition, ends in held for record in stream.read(partition, ends.first)]
