"""From a history that fails to the shortest that fails alike, printed as a test."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from simulation.people import Command
from simulation.playing import HistoryError, play
from simulation.steps import Inject, Publish, Run, Step


def failure_of(steps: Sequence[Step], *, over_rest: bool) -> HistoryError | None:
    """Play a history; return how it fails, or None."""
    try:
        play(*steps, over_rest=over_rest)
    except HistoryError as failed:
        return failed
    except RecursionError as error:
        return HistoryError(f"RecursionError: {error}", ())
    return None


def shape(what: str) -> str:
    """Return the sort of a failure: its text without numbers."""
    return re.sub(r"[^(]*\(datetime[^)]*\)|[0-9]+|datetime.*?\)\)", "N", what)[:60]


def shrunk(steps: Sequence[Step], *, over_rest: bool, tries: int = 600) -> list[Step]:
    """Leave out steps, and make their numbers smaller, as long as it fails in the same way."""
    failed = failure_of(steps, over_rest=over_rest)
    if failed is None:
        return list(steps)
    wanted, left = shape(failed.what), [tries]

    def fails(candidate: Sequence[Step]) -> bool:
        left[0] -= 1
        if left[0] < 0:
            return False
        found = failure_of(candidate, over_rest=over_rest)
        return found is not None and shape(found.what) == wanted

    return _simpler(_fewer(list(steps), fails), fails)


def _fewer(steps: list[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    size = max(len(steps) // 2, 1)
    while True:
        index = 0
        while index < len(steps):
            candidate = steps[:index] + steps[index + size :]
            if candidate and fails(candidate):
                steps = candidate
            else:
                index += size
        if size == 1:
            return steps
        size = max(size // 2, 1)


def _simpler(steps: list[Step], fails: Callable[[Sequence[Step]], bool]) -> list[Step]:
    for index in range(len(steps)):
        for simpler in _simpler_than(steps[index]):
            candidate = [*steps[:index], simpler, *steps[index + 1 :]]
            if fails(candidate):
                steps = candidate
    return steps


def _simpler_than(step: Step) -> list[Step]:
    match step:
        case Publish():
            return [replace(step, size=1), replace(step, events=1), replace(step, flaw=""), replace(step, topic="one")]
        case Inject():
            return [replace(step, skip=0), replace(step, times=1)]
        case Run() | Command():
            return [replace(step, calls=calls) for calls in (400, 100, 50) if calls != step.calls]
        case _:
            return []


def as_test(steps: Sequence[Step], failed: HistoryError, *, over_rest: bool) -> str:
    """Return a history as a short test."""
    lines = [f"    play(  # {failed.what[:200]}"]
    lines += [f"        {_short(step)}," for step in steps]
    if not over_rest:
        lines.append("        over_rest=False,")
    return "\n".join(["def test_a_history() -> None:", *lines, "    )"])


def _short(step: Step) -> str:
    """Return a step as it is written: without what is as usual."""
    defaults = type(step).__dataclass_fields__  # type: ignore[attr-defined]
    given = {name: getattr(step, name) for name, field in defaults.items() if getattr(step, name) != field.default}
    told = [f"{name}={_value(value)}" for name, value in given.items()]
    return f"{type(step).__name__}({', '.join(told)})"


def _value(value: object) -> str:
    return f"Kind.{value.name}" if hasattr(value, "name") else repr(value)
