"""A process that starts warm is what a fresh Python would be."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from parts import warm
from parts.wait import wait_until

TOLD = """
import json, os, sys, warnings
warnings.warn("not shown")
print(json.dumps([__name__, sys.argv, sys.path[:2], os.getcwd(), sorted(os.environ), sys.stdin.read()]))
print("an error", file=sys.stderr)
"""


@pytest.mark.parametrize(
    "end",
    ["", "sys.exit(3)", "sys.exit('no')", "import atexit; atexit.register(print, 'last')", "os.kill(os.getpid(), 9)"],
)
@pytest.mark.parametrize("how", ["code", "script", "module"])
def test_a_warm_process_does_what_a_fresh_python_does(tmp_path: Path, how: str, end: str) -> None:
    (tmp_path / "told.py").write_text(TOLD + end)
    named = {"code": ["-c", TOLD + end], "script": ["told.py"], "module": ["-m", "told"]}[how]
    arguments = ["-W", "ignore", *named, "one", "--two"]
    environment = {"HOME": "here", "LC_ALL": "C.UTF-8", "PYTHONPATH": str(tmp_path)}
    fresh = subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    ended = warm.run(arguments, environment=environment, folder=tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (fresh.returncode, fresh.stdout, fresh.stderr)


def test_an_error_ends_it_with_a_traceback() -> None:
    ended = warm.run(["-c", "raise ValueError('wrong')"])
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (1, "ValueError: wrong")


def test_it_is_stopped_woken_and_ended_by_signals(tmp_path: Path) -> None:
    process = warm.logged(["-c", "import time; time.sleep(600)"], tmp_path / "log")
    assert (process.poll(), process.stopped) == (None, False)
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: process.stopped, what="its stop")
    process.terminate()
    process.send_signal(signal.SIGCONT)
    assert process.wait(30) == process.poll() == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
