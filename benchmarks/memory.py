"""How large a daemon grows: the most memory (RSS) of a consumer after few and after many datums.

Each is a process that ends when all is applied: ``tom-bridge consume`` beside a TOM over REST, and
``manage.py bridgeconsume`` in a TOM on SQLite. Events have a hundred points.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from parts.bridges import PROGRAM, TOPIC
from parts.managed_tom import ManagedTom
from parts.toms import Tom

from benchmarks.content import light_curves
from benchmarks.receiving import Receiving
from benchmarks.stage import Stage
from benchmarks.timing import By, Effort, Goal, Row

FEW, MANY, MOST = 10_000, 50_000, 1_000_000
EACH = 100
_A_TURN = 100_000
_OVER_REST = 500
_LOOK_S = 0.02
_NAME = "SN 2026abc"


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield the row of REST, and those of 50,000 datums."""
    yield from _over_rest(stage, effort)
    yield from _in_process(stage, effort, MANY)


def at_scale(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield the rows of a million datums."""
    yield from _in_process(stage, effort, MOST)


def _over_rest(stage: Stage, effort: Effort) -> Iterator[Row]:
    tom, number = stage.tom(), effort.of(_OVER_REST // EACH) * EACH
    tom.make_target(_NAME)
    receiving = Receiving(tom, stage.folder("memory"))
    receiving.publish(TOPIC, light_curves(0, number, EACH, [_NAME]))
    config = receiving.subscribed(TOPIC).config_file()
    most = _most_mb([sys.executable, *PROGRAM, "--config", str(config), "consume", "--until-end"])
    goal = Goal(by=By.ITSELF, most=90)
    yield Row(what=f"memory of consume over REST, after {number:,} datums", unit="MB", ours=[most], goal=goal)


def _in_process(stage: Stage, effort: Effort, most: int) -> Iterator[Row]:
    few, many = (effort.of(number // EACH) * EACH for number in (FEW, most))
    found = []
    for number in (few, many):
        folder = stage.folder("memory")
        bridge = {
            "ORIGIN": "beta",
            "STREAM": {"URL": f"sqlite:///{folder}/stream.db"},
            "SUBSCRIBE": [{"TOPIC": TOPIC}],
        }
        tom: Tom = ManagedTom(stage.with_app, folder / "tom", bridge)
        try:
            tom.make_target(_NAME)
        finally:
            tom.stop()
        publishing = Receiving(tom, folder)
        for turn, first in enumerate(range(0, number, _A_TURN)):
            publishing.publish(TOPIC, light_curves(turn, min(_A_TURN, number - first), EACH, [_NAME]))
        command = [sys.executable, "-W", "ignore", "manage.py", "bridgeconsume", "--until-end"]
        found.append(_most_mb(command, env=tom.site.environment, cwd=tom.site.folder))
    yield Row(
        what=f"memory of bridgeconsume, after {many:,} datums", unit="MB", ours=[found[1]],
        goal=Goal(by=By.ITSELF, most=220),
    )  # fmt: skip
    yield Row(
        what=f"memory of bridgeconsume, after {many:,} datums", unit="MB", ours=[found[1]],
        beside=f"after {few:,}", theirs=[found[0]], goal=Goal(most=1.1),
    )  # fmt: skip


def _most_mb(command: list[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> float:
    """Return the most MB that a command had in memory; fail where it failed."""
    process = subprocess.Popen(command, env=env, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:  # what the system tells at the end counts also what the process was forked from
        most = max(most, _peak_kib(process.pid))
        time.sleep(_LOOK_S)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return most * 1024 / 1e6


def _peak_kib(pid: int) -> int:
    """Return the most that a process had in memory, as far as it still tells."""
    try:
        told = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in told.splitlines() if line.startswith("VmHWM")), 0)
