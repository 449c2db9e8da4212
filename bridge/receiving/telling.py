"""What is said in the log of events that were written."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from bridge.ledger.model import Outcome
from bridge.receiving.arrival import Arrival
from bridge.receiving.result import Result

log = structlog.get_logger(__name__)

ONE_BY_ONE = 20
"""Events of one transaction up to which each has a line; of more, those that need nobody's eye are summed up in one."""
_SUMMED_UP = frozenset({Outcome.APPLIED, Outcome.DUPLICATE, Outcome.IGNORED})


def tell(arrivals: Sequence[Arrival], results: Sequence[Result]) -> None:
    """Log what became of events that were written in one transaction; at level DEBUG each has its line."""
    each = len(arrivals) <= ONE_BY_ONE or log.is_enabled_for(logging.DEBUG)
    summed: list[tuple[Arrival, Result]] = []
    for arrival, result in zip(arrivals, results, strict=True):
        if each or result.outcome not in _SUMMED_UP:
            _tell_of(arrival, result)
        else:
            summed.append((arrival, result))
    if summed:
        _sum_up(summed)


def _tell_of(arrival: Arrival, result: Result) -> None:
    event, hints = arrival.event, arrival.hints
    log.log(
        logging.WARNING if result.outcome is Outcome.DEAD else logging.INFO,
        f"event.{result.outcome}",
        where=arrival.record.where,
        event_id=str(hints.event_id if event is None else event.id),
        kind=hints.kind if event is None else str(event.kind),
        subject=hints.subject if event is None else event.subject,
        origin=hints.origin if event is None else event.origin,
        **({"reason": str(result.reason)} if result.reason else {}),
        **{name: result.detail[name] for name in ("message", "datums", "members") if name in result.detail},
    )


def _sum_up(told: Sequence[tuple[Arrival, Result]]) -> None:
    """Log how many events had which outcome, and what became of their datums."""
    outcomes: Counter[str] = Counter()
    datums: Counter[str] = Counter()
    results = {id(result): result for _, result in told}  # many have the same
    for which, events in Counter(id(result) for _, result in told).items():
        result = results[which]
        outcomes[result.outcome.value] += events
        counted: Any = result.detail.get("datums")
        if isinstance(counted, Mapping):
            for fate, number in counted.items():
                datums[fate] += events * number
    first, last = told[0][0].record, told[-1][0].record
    log.info(
        "events.settled",
        where=first.where,
        to=last.where,
        events=len(told),
        **outcomes,
        **({"datums": dict(datums)} if datums else {}),
    )
