"""What the ledger says of events before they are written, and what follows from that alone."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from bridge.events import EventRef, Kind
from bridge.ledger import rules
from bridge.ledger.model import Entry, Known, Line, Parked, Place
from bridge.ledger.port import Ledger
from bridge.receiving.arrival import Arrival
from bridge.receiving.result import Result, behind, came_before, other_content, parked

_UNKNOWN = Known()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the ledger says of the events of one transaction, asked once for all."""

    events: Mapping[EventRef, Known]
    entries: Mapping[Place, Entry]
    first: Mapping[Line, Parked]
    """What waits first in a line, of what is not written now: that holds back nothing that is written with it."""
    first_target: Mapping[Line, Parked]

    @classmethod
    def of(cls, ledger: Ledger, arrivals: Sequence[Arrival]) -> "Facts":
        """Return what ``ledger`` says of these events."""
        first = first_in_line(ledger, arrivals)
        targets = [one for one in arrivals if one.event is not None and one.event.kind is Kind.TARGET] if first else []
        events = ledger.known([*chain.from_iterable([arrival.refs for arrival in arrivals])])
        waits_at = [place for known in events.values() for place in known.waits_at]
        entries = ledger.recorded([*(arrival.place for arrival in arrivals), *waits_at])
        return cls(
            events={ref: _through(known, entries) for ref, known in events.items()} if waits_at else events,
            entries=entries,
            first=first,
            first_target=first_in_line(ledger, targets, [str(Kind.TARGET)]),
        )

    def there(self, arrival: Arrival) -> Entry | None:
        """Return what is recorded of this very event."""
        return self.entries.get(arrival.place)

    def known(self, arrival: Arrival) -> Known:
        """Return what is known of an event by its id, wherever it came."""
        return self.events.get(arrival.refs[0], _UNKNOWN) if self.events and arrival.event is not None else _UNKNOWN

    def is_other(self, arrival: Arrival) -> bool:
        """Return whether an event of this id came before, and said something else."""
        if arrival.content is None:
            return False
        known = self.known(arrival)
        came = known.witness is not None or known.waits_elsewhere(arrival.place)
        return came and self.events.get(arrival.content, _UNKNOWN).witness is None

    def predecessor(self, arrival: Arrival) -> Parked | None:
        """Return what waits and must go before ``arrival``; None where nothing must.

        A target is held back by targets alone, because it is what parked data wait for.
        """
        if not self.first:
            return None
        event = arrival.event
        first = self.first_target if event is not None and event.kind is Kind.TARGET else self.first
        found = first.get(arrival.line)
        return found if found is not None and found.entry.place < arrival.place else None

    def stays(self, arrival: Arrival, *, restore: bool) -> bool:
        """Return whether this event was applied before, and nobody asked to look at the TOM (or it isn't wanted)."""
        unwanted = arrival.event is None or arrival.settled is not None
        there = self.there(arrival)
        if there is not None and there.outcome in rules.SUCCESS and (unwanted or not restore):
            return True
        return not unwanted and not restore and self.known(arrival).witness is not None

    def result(self, arrival: Arrival, *, restore: bool) -> Result | None:
        """Return the result of an event that is clear without looking at the TOM; None where it isn't."""
        if arrival.settled is not None:
            return arrival.settled
        if self.is_other(arrival):
            return other_content()
        known = self.known(arrival)
        if known.witness is not None and not restore and arrival.members is None:
            return came_before("this event came before")
        if known.waits_elsewhere(arrival.place) and not restore:
            return came_before("this event waits already, from another delivery")
        there = self.there(arrival) if restore else None
        if there is not None and there.outcome in rules.SUCCESS:
            return None  # it was applied once: it waits behind nothing
        earlier = self.predecessor(arrival) if arrival.members is None else None
        return None if earlier is None else parked(behind(earlier.entry.event_id, earlier.names))


def _through(known: Known, entries: Mapping[Place, Entry]) -> Known:
    """Return ``known`` without the lists that are not through: no other delivery may leave its members to such a one.

    Of it those wait that were looked at; and nobody goes on with it where its record has gone meanwhile.
    """
    parts = {place for place in known.waits_at if place in entries and entries[place].is_part}
    return replace(known, waits_at=known.waits_at - parts) if parts else known


def first_in_line(
    ledger: Ledger, arrivals: Sequence[Arrival], kinds: Collection[str] | None = None
) -> dict[Line, Parked]:
    """Return what waits first (of ``kinds``) in each line of these events, of what is none of them."""
    lines = Counter(arrival.line for arrival in arrivals if arrival.key)
    if not lines:
        return {}
    going = {arrival.place for arrival in arrivals}
    waits = ledger.lines(lines, kinds=kinds, most=1 + max(lines.values()))
    first = (
        (line, next((one for one in those if one.entry.place not in going), None)) for line, those in waits.items()
    )
    return {line: one for line, one in first if one is not None}
