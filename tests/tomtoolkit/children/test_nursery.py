"""Functions of the TOM's, called in child processes: whatever they do costs only their own call."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parts.wait import wait_until

from bridge.budget import Budget
from bridge.errors import BudgetSpentError, TomAwayError
from bridge.tomtoolkit.children import Nursery

NO_TOM = "from django.conf import settings; settings.configure()"


def behave(how: str) -> object:
    """Do what a data processor or hook may do."""
    match how:
        case "exit":
            os._exit(7)
        case "exit well":
            os._exit(0)
        case "sys.exit":
            sys.exit(3)
        case "interrupt":
            raise KeyboardInterrupt
        case "recursion":
            return behave(how)
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "close everything":
            os.closerange(0, 256)
        case "hang":
            time.sleep(600)
        case "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        case "leave a lambda":
            return lambda: None
        case "memory":
            return len(bytearray(256 << 20))
    return how


def start_another(file: str) -> None:
    """Start a program that outlives its parent, and hang."""
    started = subprocess.Popen(["sleep", "600"])
    Path(file).write_text(f"{started.pid} {os.getpid()}")
    time.sleep(600)


def pid(_item: object) -> int:
    return os.getpid()


def pid_into(file: str) -> None:
    Path(file).write_text(str(os.getpid()))
    time.sleep(600)


def alive(number: int) -> bool:
    """Return whether a process runs (one that has ended and is not waited for doesn't)."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    """A nursery without a TOM: it starts at once."""
    made = Nursery(NO_TOM)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("exit", "ended its process with code 7"),
        ("exit well", "ended its process with code 0"),
        ("sys.exit", "raised SystemExit: 3"),
        ("interrupt", "raised KeyboardInterrupt"),
        ("recursion", "raised RecursionError"),
        ("kill", "was killed by signal 9"),
        ("close everything", "killed by signal|ended its process"),
        ("hang", "did not end within 1 s"),
        ("deaf", "did not end within 1 s"),
        ("leave a lambda", "pickle|local object"),
    ],
)
def test_whatever_one_call_does_the_others_are_answered(nursery: Nursery, how: str, told: str) -> None:
    before, wrong, *after = nursery.each(behave, ["before", how, "after"], limit_s=1.0)
    after = after or nursery.each(behave, ["after"], limit_s=1.0)
    assert (before.value, after[0].value) == ("before", "after")
    assert wrong.value is None
    assert re.search(told, wrong.failure)
    assert nursery.each(behave, ["again"], limit_s=1.0)[0].value == "again"


def test_a_call_has_no_more_memory_than_it_may_and_the_others_have_theirs(nursery: Nursery) -> None:
    first, second = nursery.each(behave, ["memory", "after"], limit_s=60.0, limit_bytes=128 << 20)
    assert "MemoryError" in first.failure
    assert second.value == "after"
    assert nursery.each(behave, ["memory"], limit_s=60.0, limit_bytes=512 << 20)[0].value == 256 << 20
    assert nursery.each(behave, ["memory"], limit_s=60.0)[0].value == 256 << 20


def test_children_are_processes_of_their_own_and_share_one_start(nursery: Nursery) -> None:
    first, second = nursery.each(pid, [1, 2], limit_s=5.0)
    (third,) = nursery.each(pid, [3], limit_s=5.0)
    assert first.value == second.value
    assert len({first.value, third.value, os.getpid()}) == 3


def test_a_stop_ends_a_call_that_hangs(nursery: Nursery, tmp_path: Path) -> None:
    stopped = threading.Event()
    file = tmp_path / "pid"

    def stop() -> None:
        wait_until(lambda: file.exists() and file.read_text(), what="the call")
        stopped.set()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(BudgetSpentError):
        nursery.each(pid_into, [str(file)], limit_s=600.0, budget=Budget(stopped=stopped))
    thread.join()
    assert not alive(int(file.read_text()))
    assert nursery.each(behave, ["well"], limit_s=5.0)[0].value == "well"


def test_the_stop_of_the_whole_process_counts_as_well(nursery: Nursery) -> None:
    nursery.stopped.set()
    with pytest.raises(BudgetSpentError):
        nursery.each(behave, ["hang"], limit_s=600.0)


def test_a_stop_is_heard_while_the_tom_is_being_imported() -> None:
    """It takes seconds, and on a busy machine as long as a stop may take in all."""
    stopped = threading.Event()
    nursery = Nursery("import time; time.sleep(600)")
    threading.Timer(0.5, stopped.set).start()
    began = time.monotonic()
    with pytest.raises(BudgetSpentError):
        nursery.each(behave, ["well"], limit_s=600.0, budget=Budget(stopped=stopped))
    assert time.monotonic() - began < 5


def test_it_ends_at_once_whatever_the_tom_would_do_at_the_end() -> None:
    nursery = Nursery(f"{NO_TOM}; import atexit, time; atexit.register(time.sleep, 600)")
    assert nursery.each(behave, ["well"], limit_s=30.0)[0].value == "well"
    began = time.monotonic()
    nursery.close()
    assert time.monotonic() - began < 5


def test_what_a_call_has_started_ends_with_it(nursery: Nursery, tmp_path: Path) -> None:
    file = tmp_path / "pids"
    (answer,) = nursery.each(start_another, [str(file)], limit_s=2.0)
    assert "did not end" in answer.failure
    pids = [int(number) for number in file.read_text().split()]
    wait_until(lambda: not any(map(alive, pids)), what="the end of both")


def test_a_terminating_signal_to_the_whole_group_leaves_it_to_the_bridge_to_end(nursery: Nursery) -> None:
    nursery.each(behave, ["start"], limit_s=5.0)
    started: Any = nursery._started
    os.killpg(started._process.pid, signal.SIGTERM)
    assert nursery.each(behave, ["well"], limit_s=5.0)[0].value == "well"
    assert nursery._started is started


def test_a_nursery_that_was_killed_is_started_anew(nursery: Nursery) -> None:
    nursery.each(behave, ["start"], limit_s=5.0)
    started: Any = nursery._started
    started._process.kill()
    started._process.wait()
    assert nursery.each(behave, ["well"], limit_s=5.0)[0].value == "well"


def test_no_child_outlives_a_bridge_that_is_killed(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = (
        "from children.test_nursery import Nursery, pid_into\n"
        "nursery = Nursery('from django.conf import settings; settings.configure()')\n"
        f"nursery.each(pid_into, [{str(file)!r}], limit_s=600.0)\n"
    )
    here = Path(__file__)
    path = os.pathsep.join(map(str, (here.parents[1], here.parents[2])))
    bridge = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path})
    child = int(wait_until(lambda: file.exists() and file.read_text(), what="the child"))
    bridge.kill()
    bridge.wait()
    wait_until(lambda: not alive(child), what="the child's end")


def test_a_tom_that_cant_be_imported_is_away() -> None:
    broken = Nursery("raise SystemExit(5)")
    with pytest.raises(TomAwayError, match=r"did not start.*standard error"):
        broken.each(behave, ["never"], limit_s=5.0)
    broken.close()


def test_what_a_call_prints_is_no_output_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    made = Nursery(NO_TOM)
    made.each(print, ["junk"], limit_s=5.0)
    made.close()
    out, err = capfd.readouterr()
    assert out == ""
    assert "junk" in err
