"""Play a history: its steps in a new world, then the end of all faults, and all checks."""

from collections.abc import Sequence

from simulation.people import IN_THE_TOM
from simulation.settling import settle
from simulation.steps import Step
from simulation.world import Violation, World, a_world


class HistoryError(AssertionError):
    """A history in which something happened that must not; ``story`` tells how."""

    def __init__(self, what: str, story: Sequence[str]) -> None:
        super().__init__(what)
        self.what = what
        self.story = story


def play(*steps: Step, over_rest: bool = True) -> World:
    """Play these steps and settle; raise :class:`HistoryError` where something must not have happened."""
    with a_world(over_rest=over_rest) as world:
        try:
            for step in steps:
                if isinstance(step, IN_THE_TOM) and world.holdings.in_transaction:
                    continue  # the TOM's database is locked: they come too late
                world.note(step)
                step.do(world)
            settle(world)
        except Violation as violation:
            raise HistoryError(str(violation), world.story) from violation
        return world
