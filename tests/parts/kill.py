"""Processes that are killed, or frozen, at a named step: what a crash or a long pause leaves behind.

A *step* is ``"before module:name"``, ``"after module:name"`` (the call has returned) or ``"leaving module:name"`` (the
``with`` block that the call opened has ended well); ``"before module:name POST"`` only where ``"POST"`` is one of the
call's positional arguments. The package under test knows nothing of it: the process starts
here, puts its own function in the place of each one named, and strikes itself at the n-th step it comes to. So a test
can go through all steps between start and end::

    for nth in itertools.count(1):
        if not killed("bridge.cli:main", ["consume", "--until-end"], steps, nth=nth, log=log):
            break  # it ran to its end: there is no such step
        ...  # start again, and see that nothing is lost and nothing doubled
"""

import functools
import importlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts import warm
from parts.wait import wait_until

_VARIABLE = "BRIDGE_TEST_KILL_AT"
_TESTS = Path(__file__).parent.parent


def killed(
    target: str,
    arguments: Sequence[str],
    steps: Sequence[str],
    *,
    log: Path,
    nth: int = 1,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 60.0,
) -> bool:
    """Run ``target`` (``module:function``, which finds ``arguments`` in ``sys.argv``) and kill it at its n-th step.

    Returns True where SIGKILL ended it, False where it came to its end with exit code 0 before; fails otherwise. What
    it says is appended to the file ``log``.
    """
    process = _start(target, arguments, steps, nth=nth, strike=signal.SIGKILL, log=log, environment=environment)
    try:
        code = process.wait(timeout_s)
    finally:
        _end(process)
    assert code in {0, -signal.SIGKILL}, f"{target} ended with {code}:\n{_tail(log)}"
    return code != 0


class Frozen:
    """A process that stopped at a step, as one that was swapped out or whose machine slept."""

    def __init__(self, process: warm.Python, log: Path) -> None:
        self._process = process
        self._log = log

    def wake(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def terminate(self) -> None:
        """Ask it to end (SIGTERM); one that is frozen does so when it wakes up."""
        self._process.terminate()

    def wait(self, timeout_s: float = 60.0) -> int:
        """Return its exit code when it has ended."""
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"it did not end within {timeout_s} s:\n{_tail(self._log)}") from None


@contextmanager
def frozen(
    target: str,
    arguments: Sequence[str],
    steps: Sequence[str],
    *,
    log: Path,
    nth: int = 1,
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 60.0,
) -> Iterator[Frozen]:
    """Run ``target`` as :func:`killed` does and yield it when it has stopped at its n-th step; end it afterwards."""
    process = _start(target, arguments, steps, nth=nth, strike=signal.SIGSTOP, log=log, environment=environment)

    def has_stopped() -> bool:
        ended = process.poll()
        assert ended is None, f"{target} ended with {ended} before step {nth}:\n{_tail(log)}"
        return process.stopped

    try:
        wait_until(has_stopped, timeout_s=timeout_s, what=f"step {nth} of {target}")
        yield Frozen(process, log)
    finally:
        _end(process)


def _start(
    target: str,
    arguments: Sequence[str],
    steps: Sequence[str],
    *,
    nth: int,
    strike: signal.Signals,
    log: Path,
    environment: Mapping[str, str] | None,
) -> warm.Python:
    wanted = json.dumps({"target": target, "steps": list(steps), "nth": nth, "signal": int(strike)})
    variables = {**os.environ, **(environment or {}), _VARIABLE: wanted, "PYTHONPATH": str(_TESTS)}
    return warm.logged(["-m", "parts.kill", *arguments], log, environment=variables)


def _end(process: warm.Python) -> None:
    if process.poll() is None:
        process.kill()
        process.wait()


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-4000:]


# -- in the process that is struck ------------------------------------------------------------------------------------


class _Striker:
    """Counts the steps that this process comes to, and sends it the signal at the one wanted."""

    def __init__(self, nth: int, strike: int) -> None:
        self._left = nth
        self._signal = strike

    def come_to(self, step: str) -> None:
        self._left -= 1
        if self._left == 0:
            print(f"{signal.Signals(self._signal).name} {step}", flush=True)
            os.kill(os.getpid(), self._signal)

    def watch(self, function: str, whens: set[tuple[str, str]]) -> None:
        """Put a function in the place of ``function`` that does the same and comes to the steps ``whens``.

        Each is "before", "after" or "leaving", and the argument that a call must have, or its method ("": any call).
        """
        holder, name = _find_holder(function)
        original: Callable[..., Any] = getattr(holder, name)

        def come_to(when: str, args: tuple[Any, ...]) -> None:
            for wanted, argument in sorted(whens):
                if wanted == when and (
                    not argument or any(argument in (one, getattr(one, "method", None)) for one in args)
                ):
                    self.come_to(" ".join(part for part in (when, function, argument) if part))

        @contextmanager
        def leaving(block: Any, args: tuple[Any, ...]) -> Iterator[Any]:
            with block as value:
                yield value
            come_to("leaving", args)

        @functools.wraps(original)
        def watched(*args: Any, **kwargs: Any) -> Any:
            come_to("before", args)
            result = original(*args, **kwargs)
            come_to("after", args)
            return leaving(result, args) if any(when == "leaving" for when, _ in whens) else result

        setattr(holder, name, watched)


def _find_holder(function: str) -> tuple[Any, str]:
    """Return the module or class that holds ``module:Class.name``, and the last name."""
    module, _, path = function.partition(":")
    *outer, name = path.split(".")
    return functools.reduce(getattr, outer, importlib.import_module(module)), name


def _main() -> None:
    wanted = json.loads(os.environ.pop(_VARIABLE))
    striker = _Striker(wanted["nth"], wanted["signal"])
    whens: dict[str, set[tuple[str, str]]] = {}
    for step in wanted["steps"]:
        when, _, rest = step.partition(" ")
        function, _, argument = rest.partition(" ")
        if when not in {"before", "after", "leaving"}:
            raise SystemExit(f"{step!r} is no step: before, after or leaving, a blank, and module:name are needed")
        whens.setdefault(function, set()).add((when, argument))
    for function, wanted_whens in whens.items():
        striker.watch(function, wanted_whens)
    holder, name = _find_holder(wanted["target"])
    sys.argv[0] = name
    sys.exit(getattr(holder, name)())


if __name__ == "__main__":
    _main()
