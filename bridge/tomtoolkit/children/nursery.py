"""How the bridge calls functions in child processes, each for a limited time.

A process of the bridge has threads, a broker's client and open databases, none of which live through a fork. So it
starts a *nursery*, once: a fresh Python with Django set up, one thread and nothing else open
(:mod:`~bridge.tomtoolkit.children.inside`). Children are forked from there in milliseconds, and each opens what it
needs.
"""

import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Pipe
from typing import Any

from bridge.budget import NO_LIMIT, Budget
from bridge.errors import BudgetSpentError, TomAwayError

_LOOK_S = 0.2
"""Seconds between two looks whether to stop."""
END = b""
"""Asks a nursery to end its child."""
_START_S = 120.0
"""Seconds in which a nursery has to be ready: it imports the whole TOM."""
_END_S = 10.0
"""Seconds in which a nursery has to tell that a child has ended which it was told to end."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one call came to."""

    value: Any = None
    """What the function returned."""
    failure: str = ""
    """Why it returned nothing, for people; empty where it did."""


class Nursery:
    """Calls functions in child processes. Safe for threads: one call at a time.

    ``set_up`` is the Python by which the nursery comes to the TOM's settings; it has our environment and import path.
    """

    def __init__(self, set_up: str = "import django; django.setup()") -> None:
        self._set_up = set_up
        self._lock = threading.Lock()
        self._started: _Started | None = None
        self.stopped = threading.Event()
        """Set where the whole process is to stop; whoever stops it may put an event of his own here."""

    def each(
        self,
        function: Callable[[Any], Any],
        items: Sequence[Any],
        *,
        limit_s: float,
        limit_bytes: int | None = None,
        budget: Budget = NO_LIMIT,
    ) -> list[Answer]:
        """Call ``function`` with each of ``items`` in turn, in one child, and return an answer each.

        A call that ends the child, or takes longer than ``limit_s``, is the last that has an answer: whoever wants the
        others asks again. Function and items are pickled. What is printed goes to our standard error. ``limit_bytes``:
        the memory that the child may take beyond what it begins with, on Linux; more is a MemoryError.

        Raises BudgetSpentError soon after a stop was asked for, TomAwayError where no child can be had. A deadline of
        the budget is not looked at: code of the TOM can't be taken up where it was.
        """
        work = pickle.dumps((function, list(items), limit_bytes))
        with self._lock:
            return self._ready(budget).serve(work, len(items), limit_s, lambda: self._check_stopped(budget))

    def close(self) -> None:
        """End the nursery; another call starts a new one."""
        with self._lock:
            if self._started is not None and self._started.owner == os.getpid():
                self._started.end()
            self._started = None

    def _check_stopped(self, budget: Budget) -> None:
        if self.stopped.is_set() or budget.stopped:
            raise BudgetSpentError("a stop was asked for")

    def _ready(self, budget: Budget) -> "_Started":
        if self._started is not None and not self._started.lives:
            if self._started.owner == os.getpid():
                self._started.end()
            self._started = None
        if self._started is None:
            started = _Started(self._set_up)
            try:
                started.wait_until_ready(lambda: self._check_stopped(budget))
            except BaseException:
                started.end(within_s=0)  # it has begun nothing, and may take long to hear of it
                raise
            self._started = started
        return self._started


class _Started:
    """A nursery that runs."""

    def __init__(self, set_up: str) -> None:
        self.owner = os.getpid()
        self._control, theirs = Pipe()
        code = (
            "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
            "from bridge.tomtoolkit.children.inside import live; "
            f"live(int(sys.argv[2]), {set_up!r})"
        )
        try:
            self._process = subprocess.Popen(  # noqa: S603 (this very Python)
                [sys.executable, "-c", code, json.dumps(sys.path), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                # What code of the TOM prints is no output of ours.
                stdout=2,
                pass_fds=[theirs.fileno()],
                # A Ctrl-C is for us to obey.
                start_new_session=True,
            )
        except OSError as error:
            self._control.close()
            raise TomAwayError(f"no process for the TOM's own code can be started: {error}") from error
        finally:
            theirs.close()

    @property
    def lives(self) -> bool:
        """Whether it can still be asked, by this process."""
        return self.owner == os.getpid() and self._process.poll() is None and not self._control.closed

    def wait_until_ready(self, check: Callable[[], None]) -> None:
        """Wait for its first word; raise TomAwayError where it ends, or takes too long, instead."""
        until = time.monotonic() + _START_S
        with suppress(EOFError, OSError):
            while time.monotonic() < until:
                if self._told() is not None:
                    return
                check()
        self._process.kill()
        raise TomAwayError(
            f"the process for the TOM's own code did not start (it ended with {self._process.wait()})",
            mend="Its standard error says why; does 'manage.py check' work?",
        )

    def serve(self, work: bytes, calls: int, limit_s: float, check: Callable[[], None]) -> list[Answer]:
        """Return the answers of one child: to all of so many calls, or up to the one with which it ended."""
        answers: list[Answer] = []
        child = 0
        try:
            self._control.send_bytes(work)
            until = time.monotonic() + limit_s
            while True:
                match self._told():
                    case None:
                        check()
                        if time.monotonic() > until:
                            self._stop(child)
                            return [*answers, Answer(failure=f"did not end within {limit_s:g} s")]
                        continue
                    case ("began", int(pid)):
                        child = pid
                    case ("answer", Answer() as answer):
                        answers.append(answer)
                    case ("ended", int(status)):
                        return answers if len(answers) == calls else [*answers, Answer(failure=_words(status))]
                until = time.monotonic() + limit_s
        except (EOFError, OSError) as error:
            self._give_up(child)
            if not child:
                raise TomAwayError("the process for the TOM's own code has ended", mend="It is started anew") from error
            return [*answers, Answer(failure="ended the process that had begun it")]
        except BaseException:
            self._stop(child)
            raise

    def end(self, *, within_s: float = _END_S) -> None:
        """End it and its child, which have so long to do so themselves."""
        self._control.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(within_s)
        self._process.kill()
        self._process.wait()

    def _stop(self, child: int) -> None:
        """End the child, and wait until it has ended."""
        until = time.monotonic() + _END_S
        with suppress(EOFError, OSError):
            self._control.send_bytes(END)
            while time.monotonic() < until:
                if (told := self._told()) is not None and told[0] == "ended":
                    return
        self._give_up(child)

    def _give_up(self, child: int) -> None:
        """Have nothing more to do with this nursery."""
        self._control.close()
        self._process.kill()
        if child:
            with suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)

    def _told(self) -> Any:
        """Return its next message, None where none has come for a moment; raise EOFError or OSError where none will."""
        return self._control.recv() if self._control.poll(_LOOK_S) else None


def _words(status: int) -> str:
    if status < 0:
        return f"was killed by signal {-status}"
    return f"ended its process with code {status}"
