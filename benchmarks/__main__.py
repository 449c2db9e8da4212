"""Run lines and print what they told: ``python -m benchmarks [line ...]``; all of them by ``make bench``."""

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks import timing
from benchmarks.lines import BENCH, SCALE, lines
from benchmarks.results import Results
from benchmarks.stage import Stage, log_as_a_daemon
from bridge.cli.consume import spare_collector


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("lines", nargs="*", metavar="line", help=f"{', '.join(BENCH)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="less of everything")
    parser.add_argument("--scale", action="store_true", help=f"with a million of something: {', '.join(SCALE)}")
    parser.add_argument("--turns", type=int, help="turns of each side")
    parser.add_argument("--cpu", action="store_true", help="count CPU seconds of this process only")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table to this file as well")
    given = parser.parse_args()
    known = lines(scale=given.scale)
    if unknown := set(given.lines) - known.keys():
        parser.error(f"no such line: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if given.cpu:
        timing.count_cpu_only()
    effort = timing.QUICK if given.quick else timing.FULL
    if given.turns:
        effort = replace(effort, turns=given.turns)
    results = Results(effort)
    with tempfile.TemporaryDirectory(prefix="tom-bridge-bench-") as folder:
        log_as_a_daemon(Path(folder) / "log")
        spare_collector()  # as the consumer's command does
        with Stage(Path(folder)) as stage:
            for name in given.lines or known:
                with results.line(name):
                    for row in known[name](stage, effort):
                        results.add(row)
                        print(results.shown(row), flush=True)
                if given.write:  # after each line: what ends a run early leaves the others' figures
                    given.write.write_text(results.document())
    sys.exit(results.failed)


if __name__ == "__main__":
    main()
