"""Calls side by side on a few threads, of which none keeps the process alive or outlasts a budget by much."""

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from bridge.budget import Budget
from bridge.errors import BudgetSpentError

GRACE_S = 5.0
"""Seconds that calls under way are given to end in once a budget is spent: their answers say what became of them."""
_LOOK_S = 0.1

T = TypeVar("T")
_Tasks = SimpleQueue[Callable[[], None] | None]


class _NotBegunError(Exception):
    """A call was not begun: one before it failed, or the budget was spent."""


class Workers:
    """At most ``number`` threads, started when they are needed; one that hangs ends with the process."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._tasks: _Tasks = SimpleQueue()
        self._started = 0

    def each(self, calls: Sequence[Callable[[], T]], budget: Budget) -> list[T]:
        """Return what ``calls`` return, in the same order.

        Once one of them fails, or the budget is spent, no further one is begun; those under way are waited for. Then
        the first failure is raised, or BudgetSpentError.
        """
        budget.check()
        failed = threading.Event()
        futures: list[Future[T]] = [Future() for _ in calls]

        def run(future: Future[T], call: Callable[[], T]) -> None:
            if failed.is_set() or budget.spent:
                future.set_exception(_NotBegunError())
                return
            try:
                future.set_result(call())
            except BaseException as error:  # whatever it is, it is raised where the result was wanted
                failed.set()
                future.set_exception(error)

        self._start(len(calls))
        for future, call in zip(futures, calls, strict=True):
            self._tasks.put(partial(run, future, call))
        self._wait(futures, budget, failed)
        errors = [error for future in futures if (error := future.exception()) is not None]
        for error in errors:
            if not isinstance(error, _NotBegunError):
                raise error
        if errors:
            budget.check()
            raise BudgetSpentError("the time for this is over")
        return [future.result() for future in futures]

    def close(self) -> None:
        """Let the threads end when they have done what they are at; nothing is waited for."""
        for _ in range(self._started):
            self._tasks.put(None)
        self._tasks, self._started = SimpleQueue(), 0

    def _start(self, calls: int) -> None:
        while self._started < min(calls, self._number):
            threading.Thread(target=_work, args=(self._tasks,), name="tom", daemon=True).start()
            self._started += 1

    def _wait(self, futures: Sequence[Future[T]], budget: Budget, failed: threading.Event) -> None:
        give_up_at: float | None = None
        while wait(futures, timeout=_LOOK_S).not_done:
            if not budget.spent:
                continue
            if give_up_at is None:
                give_up_at = time.monotonic() + GRACE_S
            elif time.monotonic() > give_up_at:
                failed.set()
                self.close()  # what hangs is left to itself: others take its place
                budget.check()


def _work(tasks: _Tasks) -> None:
    while (task := tasks.get()) is not None:
        task()
