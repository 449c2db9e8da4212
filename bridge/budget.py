"""How long something may go on, and whether it is to stop: handed down to whatever takes time.

Who decodes, matches, writes in pieces, tries again or waits asks its budget in between. A spent one ends the work with
:class:`~bridge.errors.BudgetSpentError` at a place from which it can be taken up again.
"""

import threading

from bridge.clock import CLOCK, Clock
from bridge.errors import BudgetSpentError


class Budget:
    """Until when, by a monotonic clock, and whether somebody asked to stop. Safe for threads."""

    def __init__(
        self, seconds: float | None = None, *, stopped: threading.Event | None = None, clock: Clock = CLOCK
    ) -> None:
        self.clock = clock
        self._stopped = stopped or threading.Event()
        self._deadline = None if seconds is None else clock.monotonic() + seconds

    def within(self, seconds: float) -> "Budget":
        """Return a budget of at most ``seconds`` that ends no later than this one, and stops with it."""
        return Budget(self.left_s(seconds), stopped=self._stopped, clock=self.clock)

    @property
    def unhurried(self) -> "Budget":
        """The same without a deadline: for what is to be done in one go, and is ended by a stop alone."""
        return Budget(stopped=self._stopped, clock=self.clock)

    @property
    def stopped(self) -> bool:
        """Whether somebody asked to stop."""
        return self._stopped.is_set()

    @property
    def spent(self) -> bool:
        """Whether nothing more is to be begun: the time is over, or somebody asked to stop."""
        return self.stopped or self.left_s(1.0) <= 0

    def stop(self) -> None:
        """Ask to stop; may be called from a signal handler."""
        self._stopped.set()

    def left_s(self, most: float) -> float:
        """Return the seconds that are left, ``most`` at most and never below 0."""
        if self._deadline is None:
            return most
        return max(min(most, self._deadline - self.clock.monotonic()), 0.0)

    def check(self) -> None:
        """Raise BudgetSpentError where nothing more is to be begun."""
        if self.spent:
            raise BudgetSpentError("a stop was asked for" if self.stopped else "the time for this is over")

    def wait(self, seconds: float) -> None:
        """Wait ``seconds``, or until the budget is spent, whichever is first."""
        self.clock.wait(self._stopped, self.left_s(seconds))


NO_LIMIT = Budget()
"""For what a person waits for, and may break off."""
