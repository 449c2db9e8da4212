"""One of several streams fails for long: everything that the others hold is applied meanwhile."""

from dataclasses import dataclass

from simulation.settling import end_of_command, reach_the_ends
from simulation.steps import Freeze, Mend
from simulation.universe import FAR
from simulation.world import CONSUMERS, World


@dataclass(frozen=True)
class Apart:
    """The stream of a label is away, or refuses whatever is asked; all else is well, but for what is about one name."""

    label: str = FAR
    refuses: bool = False

    def do(self, world: World) -> None:
        if len(world.brokers.by_label) == 1:
            return
        Mend(poisons=False).do(world)
        for consumer in CONSUMERS:
            Freeze(consumer, frozen=False).do(world)
        end_of_command(world)
        broker = world.brokers.by_label[self.label]
        broker.away, broker.refuses = not self.refuses, self.refuses
        reach_the_ends(world, without=self.label)
