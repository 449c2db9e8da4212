"""How long commands take that do little: the program's and the app's, beside Python and Django that do nothing."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from parts.bridges import PROGRAM
from parts.managed_tom import ManagedTom

from benchmarks.stage import Stage
from benchmarks.timing import By, Effort, Goal, Row, counts_cpu_only, in_turns
from bridge.stream import open_stream

_PASS = "python -c pass"


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for each command."""
    folder = stage.folder("starting")
    url = f"sqlite:///{folder}/stream.db"
    stream = open_stream(url)
    stream.create_topic("supernovae.public")
    stream.close()
    config = folder / "tom-bridge.toml"
    config.write_text(
        f'origin = "beta"\nstate = "{folder}"\nstream = {{ url = "{url}" }}\n'
        '[tom]\nbase_url = "http://127.0.0.1:1"\napi_key = "none"\n[[subscribe]]\ntopic = "supernovae.public"\n'
    )
    tom = ManagedTom(
        stage.with_app, folder / "tom",
        {"ORIGIN": "beta", "STREAM": {"URL": url}, "SUBSCRIBE": [{"TOPIC": "supernovae.public"}]},
    )  # fmt: skip
    manage = [sys.executable, "-W", "ignore", "manage.py"]
    django = {"env": tom.site.environment, "cwd": tom.site.folder}
    program = [sys.executable, "-W", "ignore", *PROGRAM]
    works = {
        _PASS: _command([sys.executable, "-c", "pass"]),
        "tom-bridge --help": _command([*program, "--help"]),
        "tom-bridge status": _command([*program, "--config", str(config), "status"]),
        "manage.py check": _command([*manage, "check"], **django),
        "manage.py bridgestatus": _command([*manage, "bridgestatus"], **django),
    }
    times = in_turns(works, effort)
    for name, beside, goal in (
        ("tom-bridge --help", _PASS, Goal(by=By.ITSELF, most=0.3)),
        ("tom-bridge status", _PASS, Goal(by=By.ITSELF, most=0.6)),
        ("manage.py bridgestatus", "manage.py check", Goal(by=By.ADDED, most=0.3)),
    ):
        yield Row(what=name, unit="s", ours=times[name], beside=beside, theirs=times[beside], goal=goal)


def _command(
    command: list[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Callable[[int], float]:
    def run(_turn: int) -> float:
        before, started = _cpu_s(), time.perf_counter()
        subprocess.run(command, env=env, cwd=cwd, capture_output=True, check=True, timeout=300)
        return _cpu_s() - before if counts_cpu_only() else time.perf_counter() - started

    return run


def _cpu_s() -> float:
    times = os.times()
    return times.children_user + times.children_system
