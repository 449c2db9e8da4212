"""Looks at what waits: each is counted before it is begun, and when it has come to an end the next has its time."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from bridge.clock import Clock
from bridge.ledger import rules
from bridge.ledger.model import Parked, Reason
from bridge.ledger.port import Ledger
from bridge.receiving.waiters import Waiter


class Looks:
    """Counts looks and says when the next ones are. Not thread-safe.

    ``period_s`` is the first of the growing times between two looks.
    """

    def __init__(self, ledger: Ledger, clock: Clock, *, period_s: float) -> None:
        self._ledger = ledger
        self._clock = clock
        self._period = timedelta(seconds=period_s)
        self._begun: set[int] = set()
        """What is being looked at and has not come to an end."""
        self._counted: dict[int, int] = {}
        """The number of a look that has not come to an end in the ledger: where the TOM was away, and that could not be
        written either (or its answer was lost), the next look is this one still."""
        self.slow: set[int] = set()
        """What failed in company so slowly that no time was left to look at each alone: the next look does."""

    # -- begun and ended ----------------------------------------------------------------------------------------------

    @contextmanager
    def of(self, rows: Sequence[Parked]) -> Iterator[None]:
        """Look at these rows for a block; within it others may be looked at."""
        before, self._begun = self._begun, {row.id for row in rows}
        try:
            yield
        finally:
            self._begun = before

    def tries(self, row: Parked) -> int:
        """Return how often a row was begun before without coming to an end."""
        return self._counted.get(row.id, row.tries + 1) - 1

    def begin(self, rows: Sequence[Parked]) -> None:
        """Count a look at each of these rows, durably, before it is begun."""
        self._counted |= {row.id: self.tries(row) + 1 for row in rows}
        self._ledger.begin_parked({row.id: self._counted[row.id] for row in rows})

    def end(self) -> None:
        """Let looks end of which nothing is said; when the next one is stays as it is, by whomever it was said."""
        if self._begun:
            self._ledger.end_parked(self._begun)
            self.ended(self._begun)

    def ended(self, ids: Iterable[int]) -> None:
        """Note that the looks at these rows have come to an end, one way or another."""
        for one in list(ids):
            self._begun.discard(one)
            self._counted.pop(one, None)

    def were_slow(self, waiters: Iterable[Waiter]) -> None:
        """Let those of these be looked at alone next time that have come to no end."""
        self.slow |= {row.id for waiter in waiters for row in waiter.rows if row.id in self._begun}

    # -- when the next one is -----------------------------------------------------------------------------------------

    def later(self, row: Parked, reason: Reason | None = None) -> datetime | None:
        """Return when a row is looked at again that waits on, for ``reason`` where that is another."""
        return rules.due(reason or row.reason, row.looks + 1, self._clock.now(), self._period)

    def behind(self, waiter: Waiter) -> dict[int, datetime | None]:
        """Return when what waits behind another is looked at again by itself, where it was to be looked at now."""
        due = rules.due(Reason.WAITS_BEHIND, 0, self._clock.now(), self._period)
        return {row.id: due for row in waiter.rows if row.due_at is not None}

    def put_off(self, due: dict[int, datetime | None], *, looked: bool = True, ended: bool = True) -> None:
        """Write when rows are looked at again; with that their looks have come to an end."""
        if due:
            with self._ledger.unit() as unit:
                unit.look_again(due, looked=looked, ended=ended)
            self.ended(due)

    def failed(self, waiter: Waiter) -> None:
        """Try again later, longer each time, what fails while others don't: its tries count on."""
        due = rules.due(Reason.AMBIGUOUS, waiter.tries, self._clock.now(), self._period)
        self.put_off({row.id: due for row in waiter.rows}, ended=False)
