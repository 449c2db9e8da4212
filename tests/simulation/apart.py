"""One of several streams fails for long: everything that the others hold is applied meanwhile."""

from dataclasses import dataclass

from simulation import checks
from simulation.settling import end_of_command, reach_the_ends
from simulation.steps import Freeze, Mend
from simulation.universe import FAR
from simulation.world import CONSUMERS, World

LASTS = 8
"""How often it is looked again, every ten seconds, at a broker that is frozen, when the rest is applied."""
FEW = 4
"""Questions that may be asked in vain of a broker that is frozen: each keeps all others waiting for ten seconds."""


@dataclass(frozen=True)
class Apart:
    """The stream of a label is away, refuses whatever is asked, or is frozen; all else is well, but for what is about
    one name.
    """

    label: str = FAR
    refuses: bool = False
    freezes: bool = False

    def do(self, world: World) -> None:
        if len(world.brokers.by_label) == 1:
            return
        Mend(poisons=False).do(world)
        for consumer in CONSUMERS:
            Freeze(consumer, frozen=False).do(world)
        end_of_command(world)
        broker = world.brokers.by_label[self.label]
        broker.away, broker.refuses = not (self.refuses or self.freezes), self.refuses
        if self.freezes:
            broker.freeze()
        before = broker.unanswered
        reach_the_ends(world, without=self.label)
        if self.freezes and not world.faults.active:
            for _ in range(LASTS):
                world.clock.advance(10.0)
                reach_the_ends(world, without=self.label)
            if broker.unanswered - before > FEW:
                checks.fail(f"{broker.unanswered - before} times {self.label!r} was asked, though it is frozen")
