"""What people do: in the TOM, with commands, and with positions. Steps as those of :mod:`simulation.steps`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.universe import alias, target
from simulation.world import PERSON, Process, World

from bridge.budget import Budget
from bridge.ledger.model import Dead, Filter, Parked, Place, Position
from bridge.names import simplify
from bridge.operations import records as operations
from bridge.receiving.replay import Selection, replay, spans

if TYPE_CHECKING:
    from bridge.operations.assemble import Bridge


@dataclass(frozen=True)
class Appear:
    """A person makes a target, ``away_deg`` from where others have it."""

    name: str
    away_deg: float = 0.0

    def do(self, world: World) -> None:
        if not world.holdings.matching([simplify(self.name)]):
            there = target(self.name)
            world.holdings.create(there, dec=there.dec + self.away_deg if there.dec is not None else None)


@dataclass(frozen=True)
class Split:
    """A second target gets the alias of one: what refers to it is ambiguous."""

    name: str

    def do(self, world: World) -> None:
        other = target(f"{self.name} bis")
        held = world.holdings
        if not held.matching([simplify(other.name)]):
            held.name(held.create(other).pk, alias(self.name))


@dataclass(frozen=True)
class Vanish:
    """A person deletes all targets of a name."""

    name: str

    def do(self, world: World) -> None:
        names = {simplify(self.name), simplify(alias(self.name))}
        world.blamed |= names  # what is under way may be refused
        for row in world.holdings.matching(names):
            world.holdings.remove(row.pk)


@dataclass(frozen=True)
class Choose:
    """A person says which target a name means; over REST nobody can."""

    name: str

    def do(self, world: World) -> None:
        rows = world.holdings.matching([simplify(self.name), simplify(alias(self.name))])
        if rows and not world.over_rest:
            world.holdings.choices[simplify(self.name)] = rows[0].pk


@dataclass(frozen=True)
class Permit:
    """The account may change a target, or may not."""

    name: str
    permitted: bool = False

    def do(self, world: World) -> None:
        world.blamed |= {simplify(self.name), simplify(alias(self.name))}
        for row in world.holdings.matching([simplify(self.name)]):
            row.may_change = self.permitted


@dataclass(frozen=True)
class Erase:
    """A person deletes the datums of a target."""

    name: str

    def do(self, world: World) -> None:
        for row in world.holdings.matching([simplify(self.name)]):
            world.holdings.datums.pop(row.pk, None)


# -- commands ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Command:
    """A person gives a command; it runs for so many calls of ports, and on with the next ``Run(2)``."""

    word: str
    calls: int = 2000

    def do(self, world: World) -> None:
        before = world.processes.get(PERSON)
        if before is not None and not before.has_ended:
            world.run(PERSON, self.calls)
            return
        world.processes[PERSON] = process = Process(world, PERSON, lambda process: command(process, self.word))
        process.restoring = self.word == "replay --restore"
        world.run(PERSON, self.calls)


def command(process: Process, word: str) -> None:
    """Carry out a command as the command line does."""
    bridge, world = process.bridge, process.world
    match word:
        case "dead retry":
            operations.retry_dead(bridge, [])
        case "parked retry":
            operations.retry_parked(bridge, [])
        case "parked drop":
            dropped = bridge.ledger.parked()[:1]
            _note_dropped(world, dropped)
            if dropped:
                operations.drop_parked(bridge.ledger, Filter(), [dropped[0].id])
        case "dead drop":
            letters = bridge.ledger.dead()[:1]
            _note_dropped(world, letters)
            if letters:
                operations.drop_dead(bridge.ledger, [letters[0].id])
        case "replay" | "replay --restore":
            again(bridge, restore=word != "replay")


def _note_dropped(world: World, kept: Sequence[Parked | Dead]) -> None:
    """Note which events a person gives up; of a record that was not read these are all."""
    places = {(one.entry.topic_id, one.entry.partition, one.entry.offset) for one in kept}
    for record in world.records:
        if (record.topic_id, record.partition, record.offset) in places:
            world.dropped |= {event.ref for event in world.universe.of(record).events}


def again(bridge: "Bridge", *, restore: bool) -> None:
    """Replay all of both topics."""
    for topic in sorted(bridge.stream.topics()):
        selection = Selection(topic=topic)
        chosen = spans(bridge.stream, bridge.ledger, selection)
        for _ in replay(
            bridge.stream, bridge.reader, bridge.waiting, chosen, selection, restore=restore,
            budget=Budget(clock=bridge.parts.clock),
        ):  # fmt: skip
            pass


@dataclass(frozen=True)
class SetPosition:
    """A person sets the positions of a topic to its earliest record."""

    topic: str = "one"

    def do(self, world: World) -> None:
        set_earliest(world, self.topic)


def set_earliest(world: World, topic: str) -> None:
    """Set the positions of a topic to what it holds first; what it does not hold any more is skipped."""
    positions = world.ledger.positions()
    for partition, held in world.brokers.partitions():
        if partition.topic != topic:
            continue
        first = held.ends(partition.number).first
        before = positions.get(partition)
        read = before.next if before is not None and before.topic_id == held.id else 0
        for offset in range(read, first):
            world.skipped.add(Place(held.id, partition.number, offset))
        world.ledger.set_position(partition, Position(held.id, first))
        world.stood[partition] = (held.id, first)


IN_THE_TOM = (Appear, Choose, Erase, Permit, Split, Vanish)
"""What people do in the TOM itself."""
