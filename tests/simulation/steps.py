"""The steps of a history: each is one thing that somebody does, or that happens. They are printed as they are written.

Numbers that name something (an event, a content) are taken modulo what there is, so that a history of which steps were
left out is a history still.
"""

from dataclasses import dataclass
from typing import Protocol

from simulation.faults import Fault, Kind
from simulation.universe import NAMES
from simulation.world import World

from bridge.ledger.model import Place
from bridge.stream.port import Partition


class Step(Protocol):
    """One step."""

    def do(self, world: World) -> None:
        """Let it happen."""


# -- what is published ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Publish:
    """Somebody publishes a record."""

    kind: str
    name: str = NAMES[0]
    topic: str = "one"
    origin: str = "north"
    size: int = 1
    flaw: str = ""
    events: int = 1
    bare: bool = False
    """Without the target's alias."""

    def do(self, world: World) -> None:
        content = world.universe.content(
            self.kind, self.origin, self.name, self.size, flaw=self.flaw, events=self.events, bare=self.bare
        )
        append(world, self.topic, content.number)


@dataclass(frozen=True)
class Again:
    """A content that was published before is published once more."""

    content: int
    topic: str = "one"

    def do(self, world: World) -> None:
        if world.universe.contents:
            append(world, self.topic, self.content % len(world.universe.contents))


def append(world: World, topic: str, number: int) -> None:
    """Write a record with a content; nothing where the topic is not there."""
    content = world.universe.contents[number]
    if topic not in world.broker.topics:
        return
    problem = "its headers can't be read" if content.flaw == "unreadable" else ""
    world.records.append(world.broker.append(topic, content.events[0].key, content.value, problem=problem))


@dataclass(frozen=True)
class Hole:
    """An offset is used up without a record."""

    topic: str = "one"

    def do(self, world: World) -> None:
        if self.topic in world.broker.topics:
            world.broker.leave_hole(Partition(self.topic, 0))


# -- processes --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A consumer runs for so many calls of ports; it is started where it was killed."""

    consumer: int = 0
    calls: int = 50

    def do(self, world: World) -> None:
        world.run(self.consumer, self.calls)


@dataclass(frozen=True)
class Start:
    """A person starts what has ended, also where it had said that a person is needed."""

    consumer: int = 0

    def do(self, world: World) -> None:
        process = world.processes.get(self.consumer)
        if process is not None and process.has_ended:
            world.start(self.consumer)


@dataclass(frozen=True)
class Kill:
    """SIGKILL."""

    consumer: int = 0

    def do(self, world: World) -> None:
        if self.consumer in world.processes:
            world.processes[self.consumer].kill()


@dataclass(frozen=True)
class Stop:
    """SIGTERM."""

    consumer: int = 0

    def do(self, world: World) -> None:
        if self.consumer in world.processes:
            world.processes[self.consumer].stopped.set()


@dataclass(frozen=True)
class Freeze:
    """SIGSTOP, or SIGCONT."""

    consumer: int = 0
    frozen: bool = True

    def do(self, world: World) -> None:
        if self.consumer in world.processes:
            world.processes[self.consumer].freeze(frozen=self.frozen)


@dataclass(frozen=True)
class Upgrade:
    """The next process that starts knows what was too new."""

    def do(self, world: World) -> None:
        world.release = 1


# -- what fails -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Inject:
    """Calls begin to fail; see :class:`simulation.faults.Fault`."""

    where: str
    kind: Kind
    skip: int = 0
    times: int = 1
    name: str = ""

    def do(self, world: World) -> None:
        world.faults.add(Fault(self.where, self.kind, self.skip, self.times, self.name))


@dataclass(frozen=True)
class Mend:
    """All faults of calls end, and the broker is there; with ``poisons`` also those about one name alone."""

    poisons: bool = True

    def do(self, world: World) -> None:
        world.faults.clear(poisons=self.poisons)
        world.broker.away = False
        for topic in world.broker.topics.values():
            topic.away = False


@dataclass(frozen=True)
class StreamAway:
    """A topic, or the whole broker, does not answer."""

    topic: str = ""
    away: bool = True

    def do(self, world: World) -> None:
        if not self.topic:
            world.broker.away = self.away
        elif self.topic in world.broker.topics:
            world.broker.topics[self.topic].away = self.away


@dataclass(frozen=True)
class Rebalance:
    """Partitions change hands."""

    def do(self, world: World) -> None:
        for group in world.broker.groups:
            world.broker.rebalance(group)


@dataclass(frozen=True)
class Advance:
    """Time goes by; below 0 the wall clock is set back."""

    seconds: float

    def do(self, world: World) -> None:
        if self.seconds < 0:
            world.clock.set_back(-self.seconds)
        else:
            world.clock.advance(self.seconds)


@dataclass(frozen=True)
class Remove:
    """A topic is removed, with all that it holds."""

    topic: str = "one"

    def do(self, world: World) -> None:
        skip_unread(world, self.topic)
        world.broker.delete(self.topic)


@dataclass(frozen=True)
class Make:
    """A topic is made, where there is none."""

    topic: str = "one"

    def do(self, world: World) -> None:
        world.broker.create(self.topic, partitions=2 if self.topic == "two" else 1)


@dataclass(frozen=True)
class Lose:
    """Retention takes the oldest records of a partition."""

    topic: str = "one"
    before: int = 1

    def do(self, world: World) -> None:
        held, partition = world.broker.topics.get(self.topic), Partition(self.topic, 0)
        if held is None:
            return
        before = min(self.before, len(held.partitions[0]))
        world.broker.lose(partition, before)
        if partition not in world.ledger.positions():  # the earliest record is a later one now
            world.skipped |= {Place(held.id, 0, offset) for offset in range(before)}


def skip_unread(world: World, topic: str) -> None:
    """Note what of a topic nobody will ever read, because it goes away."""
    positions = world.ledger.positions()
    for record in world.records:
        held = world.broker.topics.get(topic)
        position = positions.get(record.partition)
        if held is not None and record.topic_id == held.id:
            read = position is not None and position.topic_id == held.id and record.offset < position.next
            if not read:
                world.skipped.add(Place(record.topic_id, record.partition.number, record.offset))
