"""SIGTERM is obeyed within seconds, also while the main thread is in a library that does not come back."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bridge.cli.consume import GRACE_S

# SQLite goes on for ever, and Python runs no handler of a signal until it returns.
_STUCK = """
import sqlite3, sys, threading
from bridge.cli.consume import stop_at_signals
stopped = threading.Event()
stop_at_signals(stopped, grace_s=float(sys.argv[1]))
threading.Thread(target=lambda: (stopped.wait(), print("told", flush=True)), daemon=True).start()
print("ready", flush=True)
endless = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
sqlite3.connect(":memory:").execute(endless).fetchone()
"""


@contextmanager
def stuck(grace_s: float) -> Iterator["subprocess.Popen[str]"]:
    """Run a process that has so many seconds to obey and never does, until it has ended."""
    command = [sys.executable, "-c", _STUCK, str(grace_s)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whatever_is_under_way_is_told_at_once_and_ended_after_some_seconds(number: signal.Signals) -> None:
    with stuck(0.3) as process:
        process.send_signal(number)
        said, _ = process.communicate(timeout=30)
        assert process.returncode == 0
    assert said.splitlines()[0] == "told"
    assert "stop.at_once" in said
    assert GRACE_S < 10


def test_a_second_signal_ends_it_at_once() -> None:
    with stuck(600) as process:
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None
        assert process.stdout.readline() == "told\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
