"""Helpers of the tests of streams: both implementations, by one interface, with what only a test does to a stream."""

import sqlite3
import uuid
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient
from parts.wait import wait_until

from bridge.stream import Partition, Record, Stream, Subscription, open_stream


class Lab(Protocol):
    """A stream's address, and what a test does to it behind the bridge's back."""

    url: str

    def delete_topic(self, topic: str) -> None:
        """Remove a topic."""

    def lose(self, partition: Partition, before: int) -> None:
        """Let the records below offset ``before`` go, as retention does."""


@dataclass
class SqliteLab:
    """A stream in a file."""

    path: Path
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"sqlite:///{self.path}"

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
class KafkaLab:
    """A stream on a broker at ``address``."""

    address: str
    url: str = field(init=False)
    admin: AdminClient = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"kafka://{self.address}"
        self.admin = AdminClient({"bootstrap.servers": self.address})

    def delete_topic(self, topic: str) -> None:
        self.admin.delete_topics([topic])[topic].result(30)
        wait_until(lambda: topic not in self.admin.list_topics(timeout=10).topics, what=f"the end of {topic}")

    def lose(self, partition: Partition, before: int) -> None:
        place = TopicPartition(partition.topic, partition.number, before)
        for future in self.admin.delete_records([place]).values():
            future.result(30)


def unique(name: str) -> str:
    """Return a name that no other test has."""
    return f"{name}.{uuid.uuid4().hex[:12]}"


def starting_at(offset: int) -> "Starts":
    """Return a ``start_at`` that starts every partition at ``offset`` and notes what it was asked for."""
    return Starts(offset)


class Starts:
    """A ``start_at`` that can be moved."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.asked: list[tuple[Partition, ...]] = []

    def __call__(self, partitions: Sequence[Partition]) -> Mapping[Partition, int]:
        self.asked.append(tuple(partitions))
        return dict.fromkeys(partitions, self.offset)


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
        records.extend(subscription.poll(most, 1.0))
        return len(records) >= count

    wait_until(enough, timeout_s=60, what=f"{count} records")
    return records


def everything(url: str, topic: str) -> list[Record]:
    """Return all records of ``topic`` by a stream opened anew, in order of partition and offset."""
    with closing(open_stream(url)) as stream:
        return [
            record
            for partition, ends in sorted(stream.ends(topic).items())
            for record in stream.read(partition, ends.first)
        ]
