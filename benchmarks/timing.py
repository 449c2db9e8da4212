"""How everything here is timed, how much is done, and what one row of the table says."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

_CLOCK: list[Callable[[], float]] = [time.perf_counter]


def count_cpu_only() -> None:
    """Let :func:`now` count this process's CPU seconds: for a machine that others use meanwhile.

    What servers and other processes do is left out then.
    """
    _CLOCK[0] = time.process_time


def counts_cpu_only() -> bool:
    """Return whether CPU seconds are counted."""
    return _CLOCK[0] is time.process_time


def now() -> float:
    """Return the seconds of the clock by which all is timed."""
    return _CLOCK[0]()


def took_s(work: Callable[[], object]) -> float:
    """Return how many seconds ``work`` takes."""
    started = now()
    work()
    return now() - started


def in_turns(
    works: Mapping[str, Callable[[int], float]], effort: "Effort", *, most: int | None = None
) -> dict[str, list[float]]:
    """Call all works in turn, as often as ``effort`` says (``most`` times, where they take long); return their figures.

    A work gets the number of its turn, and returns a figure. So whatever else the machine does meets all alike; each
    second turn begins with the other end.
    """
    turns, warm = effort.turns, effort.warm
    if most is not None:
        turns, warm = min(turns, most), 0
    found: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(warm + turns):
        for name in list(works) if turn % 2 else reversed(works):
            figure = works[name](turn)
            if turn >= warm:
                found[name].append(figure)
    return found


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is done: ``turns`` of each side, and ``factor`` of what a line does in full."""

    turns: int
    factor: float
    warm: int = 1
    """Turns before that don't count."""
    vendors: Sequence[str] = ("sqlite", "postgresql")

    def of(self, number: int, least: int = 1) -> int:
        """Return this effort's part of ``number``."""
        return max(least, round(number * self.factor))

    def many(self, number: int) -> int:
        """Return this effort's part of a number that a line states (a million targets): all but in the test of them."""
        return number if self.factor >= QUICK.factor else max(100, round(number * self.factor))


FULL = Effort(turns=3, factor=1.0)
QUICK = Effort(turns=2, factor=0.1)
TINY = Effort(turns=1, factor=0.001, warm=0, vendors=("sqlite",))
"""For the test that each line runs at all."""


class By(Enum):
    """How a figure is held against another."""

    RATIO = "ratio"
    ADDED = "added"
    """By what it is above the other."""
    ITSELF = "itself"


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What is to be reached: ``least`` or ``most`` of the ratio, of what is added, or of the figure itself."""

    by: By = By.RATIO
    least: float | None = None
    most: float | None = None

    def reached(self, figure: float) -> bool:
        """Return whether ``figure`` is as good."""
        return (self.least is None or figure >= self.least) and (self.most is None or figure <= self.most)

    def told(self, unit: str) -> str:
        """Return it for people."""
        sign, number = ("≥", self.least) if self.least is not None else ("≤", self.most)
        match self.by:
            case By.RATIO:
                return f"{sign} {number:g} ×"
            case By.ADDED:
                return f"{sign} + {number:g} {unit}"
            case By.ITSELF:
                return f"{sign} {number:g} {unit}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table: the bridge's figures of all turns, beside those of a peer or a limit."""

    what: str
    unit: str
    ours: Sequence[float]
    beside: str = ""
    """Whose the other figures are; empty where there are none."""
    theirs: Sequence[float] = ()
    goal: Goal | None = None

    @property
    def held(self) -> list[float]:
        """What the goal is asked of, turn by turn: the ratio, unless the goal says otherwise."""
        by = self.goal.by if self.goal is not None else By.RATIO
        if by is By.ITSELF or not self.theirs:
            return list(self.ours)
        pairs = zip(self.ours, self.theirs, strict=True)
        return [one / other if by is By.RATIO else one - other for one, other in pairs]

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached by the median; None where there is none."""
        return None if self.goal is None else self.goal.reached(statistics.median(self.held))


def rates(number: float, seconds: Sequence[float]) -> list[float]:
    """Return how many a second each turn made."""
    return [number / one if one else 0.0 for one in seconds]


def ms(seconds: Sequence[float]) -> list[float]:
    """Return seconds as milliseconds."""
    return [1000 * one for one in seconds]
