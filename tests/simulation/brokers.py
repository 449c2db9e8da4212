"""The brokers of a world, by the labels of their streams; topics, partitions and records by their full names."""

from collections.abc import Iterator
from dataclasses import replace

from simulation.stream import Broker, Group, HeldTopic

from bridge.clock import Clock
from bridge.stream.names import joined, split
from bridge.stream.port import Partition, Record


class Brokers:
    """One broker, whose topics bear no label, and others beside it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.by_label = {"": Broker(clock)}

    def add(self, label: str) -> None:
        """Let there be another broker."""
        self.by_label[label] = Broker(self._clock, label=label)

    def of(self, topic: str) -> Broker:
        """Return the broker of a topic, be the topic there or not."""
        return self.by_label[split(topic)[0]]

    def get(self, topic: str) -> HeldTopic | None:
        """Return a topic; None where there is none of that name, or no such stream."""
        label, bare = split(topic)
        return self.by_label[label].topics.get(bare) if label in self.by_label else None

    def topics(self) -> Iterator[tuple[str, HeldTopic]]:
        """Yield all topics with their names."""
        for label, broker in self.by_label.items():
            for name, topic in broker.topics.items():
                yield joined(label, name), topic

    def partitions(self) -> Iterator[tuple[Partition, HeldTopic]]:
        """Yield all partitions with their topics."""
        for name, topic in self.topics():
            for number in range(len(topic.partitions)):
                yield Partition(name, number), topic

    def create(self, topic: str) -> None:
        """Make a topic where there is none of that name: one called ``two`` has two partitions."""
        label, bare = split(topic)
        if label in self.by_label:
            self.by_label[label].create(bare, partitions=2 if bare == "two" else 1)

    def append(self, topic: str, key: bytes | None, value: bytes, problem: str = "") -> Record:
        """Write a record; return it as who reads all of these streams has it."""
        record = self.of(topic).append(split(topic)[1], key, value, problem=problem)
        return replace(record, partition=Partition(topic, record.partition.number))

    def groups(self) -> list[tuple[Broker, str, Group]]:
        """Return all groups of consumers, with where they are and their names."""
        return [(broker, name, group) for broker in self.by_label.values() for name, group in broker.groups.items()]
