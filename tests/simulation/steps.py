"""The steps of a history: each is one thing that somebody does, or that happens. They are printed as they are written.

Numbers that name something (an event, a content) are taken modulo what there is, so that a history of which steps were
left out is a history still.
"""

from dataclasses import dataclass
from typing import Protocol

from simulation.faults import Fault, Kind
from simulation.universe import FAR, FAR_TOPICS, NAMES
from simulation.world import World

from bridge.ledger.model import Place
from bridge.stream.names import split
from bridge.stream.port import Partition


class Step(Protocol):
    """One step."""

    def do(self, world: World) -> None:
        """Let it happen."""


@dataclass(frozen=True)
class SecondStream:
    """The TOM reads a second stream, on which a topic is called as one of the first; before anything else alone."""

    def do(self, world: World) -> None:
        if not world.processes:
            world.brokers.add(FAR)
            world.topics = (*world.topics, *FAR_TOPICS)
            for topic in FAR_TOPICS:
                world.brokers.create(topic)


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
    if world.brokers.get(topic) is None:
        return
    problem = "its headers can't be read" if content.flaw == "unreadable" else ""
    world.records.append(world.brokers.append(topic, content.events[0].key, content.value, problem))


@dataclass(frozen=True)
class Hole:
    """An offset is used up without a record."""

    topic: str = "one"

    def do(self, world: World) -> None:
        if world.brokers.get(self.topic) is not None:
            world.brokers.of(self.topic).leave_hole(Partition(split(self.topic)[1], 0))


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
    """All faults of calls end, and the brokers are there; with ``poisons`` also those about one name alone."""

    poisons: bool = True

    def do(self, world: World) -> None:
        world.faults.clear(poisons=self.poisons)
        for broker in world.brokers.by_label.values():
            broker.away = broker.refuses = False
            broker.thaw()
        for _, topic in world.brokers.topics():
            topic.away = False


@dataclass(frozen=True)
class StreamAway:
    """A topic does not answer, or a whole broker: without a topic, that of the label."""

    topic: str = ""
    away: bool = True
    label: str = ""

    def do(self, world: World) -> None:
        held = world.brokers.get(self.topic)
        if held is not None:
            held.away = self.away
        elif not self.topic and self.label in world.brokers.by_label:
            world.brokers.by_label[self.label].away = self.away


@dataclass(frozen=True)
class Halt:
    """The broker of a label is frozen: it answers nothing, and keeps each waiting as long as that one waits; or not."""

    label: str = ""
    frozen: bool = True

    def do(self, world: World) -> None:
        broker = world.brokers.by_label.get(self.label)
        if broker is not None and self.frozen:
            broker.freeze()
        elif broker is not None:
            broker.thaw()


@dataclass(frozen=True)
class Rebalance:
    """Partitions change hands."""

    def do(self, world: World) -> None:
        for broker, name, _ in world.brokers.groups():
            broker.rebalance(name)


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
        if world.brokers.get(self.topic) is not None:
            world.brokers.of(self.topic).delete(split(self.topic)[1])


@dataclass(frozen=True)
class Make:
    """A topic is made, where there is none."""

    topic: str = "one"

    def do(self, world: World) -> None:
        world.brokers.create(self.topic)


@dataclass(frozen=True)
class Lose:
    """Retention takes the oldest records of a partition."""

    topic: str = "one"
    before: int = 1

    def do(self, world: World) -> None:
        held = world.brokers.get(self.topic)
        if held is None:
            return
        before = min(self.before, len(held.partitions[0]))
        world.brokers.of(self.topic).lose(Partition(held.name, 0), before)
        if Partition(self.topic, 0) not in world.ledger.positions():  # the earliest record is a later one now
            world.skipped |= {Place(held.id, 0, offset) for offset in range(before)}


def skip_unread(world: World, topic: str) -> None:
    """Note what of a topic nobody will ever read, because it goes away."""
    positions, held = world.ledger.positions(), world.brokers.get(topic)
    for record in world.records:
        position = positions.get(record.partition)
        if held is not None and record.topic_id == held.id:
            read = position is not None and position.topic_id == held.id and record.offset < position.next
            if not read:
                world.skipped.add(Place(record.topic_id, record.partition.number, record.offset))
