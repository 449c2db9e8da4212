"""Writing events that are not live: what waited, dead letters, and history."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import structlog

from bridge.budget import Budget
from bridge.errors import AwayError, BudgetSpentError, EventError, PositionLostError, StopError
from bridge.ledger.model import Outcome
from bridge.receiving.arrival import Arrival
from bridge.receiving.parts import Parts
from bridge.receiving.progress import Verdict
from bridge.receiving.result import Result, fault_of

log = structlog.get_logger(__name__)


class Afterwards:
    """Writes events without moving a position; what fails is judged as that which is live is. Not thread-safe.

    ``appeared`` is called with the names that a TOM has since.
    """

    def __init__(self, parts: Parts, *, appeared: Callable[[Collection[str], Budget], object]) -> None:
        self._writer = parts.writer
        self._progress = parts.progress
        self._appeared = appeared

    def written(self, arrival: Arrival, budget: Budget, *, restore: bool = False) -> Result:
        """Write an event that is not live; one that fails is a dead letter, or stays what it was."""
        done = self.judged([arrival], budget, restore=restore)
        assert done is not None, "what is alone fails in no company"
        return done[0]

    def judged(
        self, arrivals: Sequence[Arrival], budget: Budget, *, members: int = 1, restore: bool = False
    ) -> list[Result] | None:
        """Write events that are not live; return None where one fails, and each is to be tried alone.

        ``members``: in how many they can be divided. Each member of a list has been tried alone where it failed of
        anything but an outage: what is left of that is the list's own.
        """
        try:
            results = self._writer.write(arrivals, restore=restore, budget=budget.unhurried)
        except (StopError, PositionLostError, BudgetSpentError):
            raise
        except (Exception, SystemExit) as error:
            in_company = (members if isinstance(error, AwayError) else len(arrivals)) > 1
            match self._progress.judge(error, in_company=in_company):
                case Verdict.ISOLATE:
                    return None
                case Verdict.AGAIN:
                    log.warning("parked.suspect", where=arrivals[0].record.where, message=str(error))
                    # It stays what it was: nothing is recorded of it, and no reason is told.
                    return [Result(outcome=arrivals[0].were or Outcome.PARKED, detail={"message": str(error)})]
                case Verdict.DEAD:
                    if not isinstance(error, EventError):
                        log.exception("record.internal_error", where=arrivals[0].record.where, exc_info=error)
                    return [self._buried(arrivals[0], fault_of(error), budget, restore=restore)]
        self._progress.note(arrivals, results)
        appeared = frozenset().union(*(result.appeared for result in results))
        self._appeared(appeared, budget)
        return results

    def _buried(self, arrival: Arrival, fault: Result, budget: Budget, *, restore: bool) -> Result:
        if arrival.members is not None:
            names = [member.reference.name for member in arrival.members]
            return self._writer.bury_members(arrival.place, names, fault, arrival.were)
        return self.written(replace(arrival, settled=fault), budget, restore=restore)
