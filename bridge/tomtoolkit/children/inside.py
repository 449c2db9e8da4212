"""What runs in a nursery, and in the children that are forked from it."""

import importlib
import os
import pickle
import resource
import signal
import sys
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from pathlib import Path
from typing import Any, NoReturn

from bridge.tomtoolkit.children.nursery import END, Answer


def live(control_fd: int, set_up: str) -> NoReturn:
    """Be a nursery, until whoever started it closes the other end or is gone.

    It ends at once then: to take down all that a TOM has imported lets a stop wait for seconds.
    """
    for signum in (signal.SIGTERM, signal.SIGINT):
        # A supervisor sends SIGTERM to a whole group of processes: the bridge obeys it, and then ends us. A handler,
        # and not SIG_IGN, because that would be handed on to programs that a child starts.
        signal.signal(signum, lambda *_: None)
    control = Connection(control_fd)
    exec(set_up, {})  # noqa: S102 (given by our own code)
    _import_ahead()
    from django.db import connections  # noqa: PLC0415 (after Django is set up)

    connections.close_all()
    with suppress(EOFError, OSError):
        control.send(("ready",))
        while True:
            work = control.recv_bytes()
            if work != END:  # else the child had ended already
                _serve(control, work)
    _leave(0)


def _leave(code: int) -> NoReturn:
    with suppress(Exception):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def _import_ahead() -> None:
    """Import what children are going to call, so that not each of them does: a processor's libraries take seconds."""
    from django.conf import settings  # noqa: PLC0415 (after Django is set up)

    named = {**getattr(settings, "DATA_PROCESSORS", {}), **getattr(settings, "HOOKS", {})}
    for name in named.values():
        with suppress(BaseException):  # a child will tell
            importlib.import_module(name.rpartition(".")[0])


def _serve(control: Connection, work: bytes) -> None:
    """Let a child do the work, and hand on what it answers; end it when that is asked for, or nobody listens."""
    answers, theirs = Pipe(duplex=False)
    sys.stdout.flush()
    sys.stderr.flush()
    if (pid := os.fork()) == 0:
        control.close()
        answers.close()
        _be_child(theirs, work)
    theirs.close()
    try:
        control.send(("began", pid))
        while control not in (ready := wait([control, answers])):
            assert answers in ready
            control.send_bytes(answers.recv_bytes())
        control.recv_bytes()
    except EOFError:  # of one of the two: the child has ended, or nobody waits for it
        pass
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # what it has started goes with it
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        answers.close()
        _, status = os.waitpid(pid, 0)
    control.send(("ended", os.waitstatus_to_exitcode(status)))


def _be_child(answers: Connection, work: bytes) -> NoReturn:
    """Call the function with each of its items, and end without a trace of what else this process was."""
    code = 1
    try:
        os.setpgid(0, 0)
        function, items, limit_bytes = pickle.loads(work)  # noqa: S301 (from the process that has started us)
        if limit_bytes is not None:
            _limit_memory(limit_bytes)
        for item in items:
            answers.send(("answer", _answer(function, item)))
        code = 0
    finally:
        _leave(code)


def _limit_memory(most_bytes: int) -> None:
    """Let this process, and each that it starts, take so many bytes beyond what it has.

    A file of a few hundred kB may unpack to many gigabytes, and the machine would end whom it likes. Where the system
    doesn't tell what a process has (any but Linux), there is no limit.
    """
    with suppress(OSError, ValueError):
        told = Path("/proc/self/status").read_text()
        here = next((int(line.split()[1]) for line in told.splitlines() if line.startswith("VmData:")), None)
        if here is not None:
            most = here * 1024 + most_bytes
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _answer(function: Any, item: Any) -> Answer:
    try:
        answer = Answer(value=function(item))
        pickle.dumps(answer)
    except BaseException as error:  # SystemExit too: the other calls are not to pay for it
        return Answer(failure=f"raised {type(error).__name__}: {error}")
    return answer
