"""What waits, as it is looked at: events with their rows, those that are looked at together, and written together."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from bridge.events import Kind
from bridge.ledger import rules
from bridge.ledger.model import Outcome, Parked
from bridge.receiving.arrival import Arrival
from bridge.receiving.company import Most, companies
from bridge.receiving.progress import ALONE_AFTER
from bridge.receiving.result import Result


@dataclass(frozen=True, kw_only=True)
class Waiter:
    """One event that waits, as a whole or by some of its members, and its rows."""

    arrival: Arrival
    rows: tuple[Parked, ...]

    @property
    def tries(self) -> int:
        """How often it was begun without coming to an end."""
        return max(row.tries for row in self.rows)

    @property
    def is_whole(self) -> bool:
        """Whether the event waits as such, not members of a list."""
        return not self.rows[0].member

    @property
    def kind(self) -> Kind | None:
        """The kind of the event; None where it can't be read."""
        return self.arrival.event.kind if self.arrival.event is not None else None

    @property
    def holds_back(self) -> bool:
        """Whether later events of its line wait behind it."""
        return rules.holds_back(self.rows[0].reason, self.rows[0].member)


def waiter_of(arrival: Arrival, rows: tuple[Parked, ...]) -> Waiter:
    """Return what waits of an event; of a list its parked members alone."""
    names = {row.member for row in rows if row.member}
    if names and arrival.settled is None:
        arrival = replace(arrival, members=arrival.only(names), were=Outcome.PARKED)
    return Waiter(arrival=arrival, rows=rows)


def each_of(waiters: Sequence[Waiter]) -> list[Waiter]:
    """Return these one by one: of a list of which members wait, each member."""
    return [
        one
        for waiter in waiters
        for one in ([waiter] if waiter.is_whole else [waiter_of(waiter.arrival, (row,)) for row in waiter.rows])
    ]


def batches(rows: Sequence[Parked], slow: Collection[int]) -> Iterator[list[Parked]]:
    """Yield what is looked at together: events that were begun and did not come to an end, each by itself, at last.

    Of a list those members go together of which that is as often so. What is ``slow`` is looked at alone.
    """
    ordered = sorted(rows, key=lambda row: (row.entry.place, row.tries, row.id))
    if sound := [row for row in ordered if row.tries < ALONE_AFTER and row.id not in slow]:
        yield sound
    tried = (row for row in ordered if row.tries >= ALONE_AFTER and row.id not in slow)
    for _, of_event in groupby(tried, key=lambda row: (row.entry.place, row.tries)):
        yield list(of_event)
    yield from ([row] for row in ordered if row.id in slow)


def units(waiters: Sequence[Waiter], most: Most) -> Iterator[list[Waiter]]:
    """Return what is written together, unit by unit: datums, or targets, up to a bound, anything else by itself."""
    return companies(waiters, most, lambda waiter: waiter.arrival, alone=lambda waiter: not waiter.is_whole)


def released_of(results: Sequence[Result]) -> int:
    """Return how many of these wait no longer."""
    return sum(result.outcome is not Outcome.PARKED for result in results)
