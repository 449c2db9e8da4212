"""Play as many histories as you like: ``python -m simulation --histories 100000 --seed 1`` (or ``make simulate``)."""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

from simulation.histories import history
from simulation.many import Block, play_all
from simulation.shrinking import as_test, failure_of, shape, shrunk

TELL_S = 60.0
"""How often it is told how far it is."""


class Report:
    """What is told while histories are played, and at the end."""

    def __init__(self, first: int, *, show: int, story: bool) -> None:
        self.found: Counter[str] = Counter()
        self._first = first
        self._show = show
        self._story = story
        self._played = 0
        self._cpu_s = 0.0
        self._began = self._told = time.monotonic()

    def add(self, block: Block) -> None:
        """Take note of a block; tell what is new, and about every minute how far it is."""
        self._played += len(block.seeds)
        self._cpu_s += block.cpu_s
        for seed, what in block.failed.items():
            self.found[shape(what)] += 1
            if self.found[shape(what)] == 1:
                print(f"\nseed {seed}: {what}", flush=True)
                if len(self.found) <= self._show:
                    self._tell_shortest(seed)
        if time.monotonic() - self._told >= TELL_S:
            self._told = time.monotonic()
            self.tell()

    def _tell_shortest(self, seed: int) -> None:
        steps, over_rest = history(seed)
        shortest = shrunk(steps, over_rest=over_rest)
        failed = failure_of(shortest, over_rest=over_rest)
        if failed is None:
            print("played again it does not fail: is PYTHONHASHSEED set, as `make simulate` does?", flush=True)
            return
        print(as_test(shortest, failed, over_rest=over_rest), flush=True)
        if self._story:
            print("\n".join(failed.story[-80:]), flush=True)

    def tell(self) -> None:
        """Tell how far it is."""
        took = time.monotonic() - self._began
        last = self._first + self._played - 1
        print(
            f"{self._played} histories (seeds {self._first} to {last}) in {took:.0f} s,"
            f" {self._played * 60 / max(took, 0.001):.0f} a minute, {1000 * self._cpu_s / max(self._played, 1):.0f} ms"
            f" of CPU each; {self.found.total()} failed",
            flush=True,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, print what was found, and return 1 where anything was."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the first history; each has the next one")
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="that play at once; default: cores")
    parser.add_argument("--show", type=int, default=3, help="how many different failures are shrunk and shown")
    parser.add_argument("--story", action="store_true", help="tell what happened, call by call")
    given = parser.parse_args(arguments)
    report = Report(given.seed, show=given.show, story=given.story)
    for block in play_all(range(given.seed, given.seed + given.histories), given.processes):
        report.add(block)
    print()
    report.tell()
    for what, times in report.found.most_common():
        print(f"{times:6}  {what}")
    return 1 if report.found else 0


if __name__ == "__main__":
    sys.exit(main())
