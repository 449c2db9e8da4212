"""The list of lines: by what name each is run, and where it stands."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module

from benchmarks.stage import Stage
from benchmarks.timing import Effort, Row

Measure = Callable[[Stage, Effort], Iterator[Row]]

BENCH = (
    "photometry",
    "kinds",
    "rest",
    "reading",
    "publishing",
    "matching",
    "history",
    "sharing",
    "embedded",
    "replaying",
    "standing",
    "memory",
    "delay",
    "consumers",
    "starting",
)
"""Modules whose ``measure`` makes up ``make bench``."""
SCALE = ("matching", "replaying", "standing", "memory")
"""Modules whose ``at_scale`` makes up ``make bench-scale``: those with a million of something."""


def lines(*, scale: bool = False) -> Mapping[str, Measure]:
    """Return the lines of ``make bench``, or of ``make bench-scale``, by their names."""
    wanted, function = (SCALE, "at_scale") if scale else (BENCH, "measure")
    return {name: _late(name, function) for name in wanted}


def _late(name: str, function: str) -> Measure:
    """Return the line, whose module is imported when it is run: others may need what is not here."""

    def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
        found: Measure = getattr(import_module(f"benchmarks.{name}"), function)
        return found(stage, effort)

    return measure
