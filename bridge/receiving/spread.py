"""Records that could not be read when they came, and can be now: they have an outcome each, and turn out to hold more.

What could not be read has one outcome, under the number 0, for all of its events. Before any of them is tried, each of
the others gets the same outcome of its own: so that none is lost, whatever happens next.
"""

from collections.abc import Sequence
from datetime import datetime

from bridge.ledger.model import Entry, Outcome, ToKeep
from bridge.ledger.port import Ledger
from bridge.receiving.arrival import Arrival
from bridge.receiving.result import Result


def spread(ledger: Ledger, arrivals: Sequence[Arrival], entry: Entry, now: datetime) -> bool:
    """Give the events of a record that ``entry`` stood for the outcome that it has; return whether there were any.

    ``arrivals`` are all events of the record. What waits is due at once. Where nothing of it is kept, nothing can be
    lost.
    """
    is_kept = entry.outcome in (Outcome.PARKED, Outcome.DEAD)
    if not entry.is_unread or not is_kept or len(arrivals) < 2 or entry.reason is None:
        return False
    others = [one for one in arrivals if one.place != entry.place]
    known = ledger.recorded([one.place for one in others])
    new = [one for one in others if one.place not in known]
    if not new:
        return False
    keep = (ToKeep(reason=entry.reason, detail=entry.detail, due_at=now),)
    result = Result(outcome=entry.outcome, reason=entry.reason, detail=entry.detail, keep=keep)
    with ledger.unit() as unit:
        for one in new:
            unit.record(one.entry(result), keep=result.keep, raw=one.record)
    return True
