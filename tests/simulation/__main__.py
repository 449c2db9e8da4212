"""Play as many histories as you like: ``python -m simulation --histories 100000 --seed 1`` (or ``make simulate``)."""

import argparse
import sys
import time
from collections import Counter

from simulation.histories import history
from simulation.shrinking import as_test, failure_of, shape, shrunk


def main() -> int:
    """Play, print what was found, and return 1 where anything was."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=0, help="of the first history; each has the next one")
    parser.add_argument("--histories", type=int, default=10_000)
    parser.add_argument("--show", type=int, default=3, help="how many different failures are shrunk and shown")
    parser.add_argument("--story", action="store_true", help="tell what happened, call by call")
    given = parser.parse_args()
    found: Counter[str] = Counter()
    began = time.monotonic()
    for number in range(given.histories):
        seed = given.seed + number
        steps, over_rest = history(seed)
        failed = failure_of(steps, over_rest=over_rest)
        if failed is not None:
            found[shape(failed.what)] += 1
            if found[shape(failed.what)] == 1:
                print(f"\nseed {seed}: {failed.what}", flush=True)
                if len(found) <= given.show:
                    shortest = shrunk(steps, over_rest=over_rest)
                    again = failure_of(shortest, over_rest=over_rest) or failed
                    print(as_test(shortest, again, over_rest=over_rest), flush=True)
                    if given.story:
                        print("\n".join(again.story[-80:]), flush=True)
    took = time.monotonic() - began
    print(f"\n{given.histories} histories from seed {given.seed} on in {took:.0f} s; {found.total()} failed")
    for what, times in found.most_common():
        print(f"{times:6}  {what}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
