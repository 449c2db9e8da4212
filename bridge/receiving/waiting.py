"""What waits: parked events and list members, in lines, looked at when they are due and not before.

A line is the events of one key in one partition of one topic, by offset; what waits first goes first, and nothing waits
across lines. Something is looked at when one of its names appears in the TOM, when what went before it in its line has
gone, when its time has come (later each time), or when a person wants it: this module says when, and
:mod:`bridge.receiving.looking` looks.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

import structlog

from bridge.budget import Budget
from bridge.errors import AwayError
from bridge.events import Kind
from bridge.ledger.model import Dead, Filter, Outcome, Parked, Place, Reason
from bridge.receiving.afterwards import Afterwards
from bridge.receiving.arrival import Arrival, numbered
from bridge.receiving.looking import LOOKED_AT_ONCE, NAME_IT, Looking
from bridge.receiving.parts import Parts
from bridge.receiving.result import Result
from bridge.receiving.spread import spread
from bridge.receiving.waiters import released_of
from bridge.stream.port import Record

log = structlog.get_logger(__name__)

_NAMES_AT_ONCE = 5000


class WaitingLine:
    """Looks at what waits for one TOM. Not thread-safe.

    ``period_s`` is how often names are asked for, and the first of the growing times between two looks.
    """

    def __init__(
        self, parts: Parts, *, read_again: Callable[[Place, str], Record | None], period_s: float = 60.0
    ) -> None:
        """``read_again`` reads a record from the stream of which the ledger keeps the beginning alone (or None)."""
        self._ledger = parts.ledger
        self._tom = parts.tom
        self._reader = parts.reader
        self._executor = parts.executor
        self._called = parts.names
        self._writer = parts.writer
        self._clock = parts.clock
        self._afterwards = Afterwards(parts, appeared=self.appeared)
        self._looking = Looking(parts, self._afterwards, period_s=period_s)
        self._read_again = read_again
        self._period_s = period_s
        self._next_names = 0.0

    # -- by itself ----------------------------------------------------------------------------------------------------

    def turn(self, budget: Budget) -> int:
        """Look at what is due, and once in a period at what has a name that appeared; return how much waits no longer.

        Raises AwayError and StopError; what was released until then is.
        """
        released = self._due(budget)
        if budget.clock.monotonic() >= self._next_names and not budget.spent:
            released += self._names(budget)
            self._next_names = budget.clock.monotonic() + self._period_s
        if released:
            log.info("parked.released", events=released)
        return released

    def look_at_names(self) -> None:
        """Let the next turn ask for names, whenever that was done last."""
        self._next_names = 0.0

    def upgraded(self, budget: Budget) -> int:
        """Look at what was too new for the release that parked it: to be called when this process takes over."""
        return self._pages(lambda after: self._ledger.parked(Filter(reason=Reason.NEWER_VERSION), after=after), budget)

    def appeared(self, names: Collection[str], budget: Budget) -> int:
        """Look at what waits for names that the TOM has since this moment."""
        if not names:
            return 0
        released = 0
        while rows := self._ledger.named(names, budget.clock.now(), most=LOOKED_AT_ONCE):
            done = released_of(self._looking.look(rows, budget, there=names))
            released += done
            if not done or budget.stopped:
                return released
        return released

    def let_go_first(self, arrivals: Sequence[Arrival], budget: Budget) -> None:
        """Look at the lines of these events, where one that is not a target would not have to wait by itself."""
        going = [arrival for arrival in arrivals if arrival.event is not None and arrival.settled is None]
        lines = {arrival.line: arrival for arrival in reversed(going)}
        for line, first in self._ledger.lines(lines).items():
            event = lines[line].event
            assert event is not None
            if event.kind not in (Kind.TARGET, Kind.LIST) and first[0].entry.place < lines[line].place:
                self._executor.forget()
                if self._executor.holds(event) is None:
                    self._looking.look(first, budget)

    def _due(self, budget: Budget) -> int:
        released = 0
        while not budget.spent:
            rows = self._ledger.due(budget.clock.now(), most=LOOKED_AT_ONCE)
            released += released_of(self._looking.look(rows, budget))
            if len(rows) < LOOKED_AT_ONCE:
                break
        return released

    def _names(self, budget: Budget) -> int:
        released, after = 0, ""
        while (names := self._ledger.sought(after=after, most=_NAMES_AT_ONCE)) and not budget.stopped:
            after = names[-1]
            released += self.appeared(self._appeared(names), budget)
        return released

    def _appeared(self, names: Sequence[str]) -> frozenset[str]:
        """Return which of these names the TOM has now, without those for which it can't be asked."""
        try:
            return self._tom.appeared(names)
        except AwayError:
            raise
        except (Exception, SystemExit) as error:
            if len(names) == 1:
                log.warning("name.suspect", name=names[0], message=str(error))
                return frozenset()
            half = len(names) // 2
            return self._appeared(names[:half]) | self._appeared(names[half:])

    def _pages(self, page: Callable[[int], list[Parked]], budget: Budget) -> int:
        after = released = 0
        while (rows := page(after)) and not budget.stopped:
            after = rows[-1].id
            released += released_of(self._looking.look(rows, budget))
        return released

    # -- because a person wants it ------------------------------------------------------------------------------------

    def retry(self, rows: Sequence[Parked], budget: Budget) -> list[Result]:
        """Look at parked things now, and at what waits behind those that get through."""
        return self._looking.look(rows, budget)

    def retry_dead(self, letters: Iterable[Dead], budget: Budget) -> list[Result]:
        """Try dead letters again, in the order given; what fails again stays dead.

        Of those of which the beginning alone is kept, the stream is read again; where it doesn't hold them any more
        they stay as they are, and nothing is told of them; so do those that nobody knows how to read now.
        """
        results: list[Result] = []
        for letter in letters:
            budget.check()
            record = self._record(letter.entry.place, letter.entry.partition.topic)
            if record is None:
                continue
            if not self._reader.knows(record):
                log.warning("dead.topic_not_named", where=record.where, mend=NAME_IT)
                continue
            arrivals = self._reader.read(record)
            if not spread(self._ledger, self._called.seen(arrivals), letter.entry, self._clock.now()):
                arrivals = [numbered(arrivals, letter.entry.number)]
            for arrival in arrivals:
                if letter.member:
                    arrival = replace(  # noqa: PLW2901 (the same, of one member)
                        arrival, members=arrival.only([letter.member]), were=Outcome.DEAD
                    )
                results.append(self._afterwards.written(arrival, budget))
        return results

    def spread(self, arrivals: Sequence[Arrival]) -> None:
        """Give each event of a record that could not be read before its own outcome, before one of them is applied."""
        stood = self._ledger.recorded([arrivals[0].place]).get(arrivals[0].place) if len(arrivals) > 1 else None
        if stood is not None:
            spread(self._ledger, self._called.seen(arrivals), stood, self._clock.now())

    def stay(self, arrivals: Sequence[Arrival], *, restore: bool) -> set[Place]:
        """Return the places of those events of history that :meth:`again` leaves as they are; asked once for all."""
        if not arrivals:
            return set()
        facts = self._writer.facts(arrivals)
        return {arrival.place for arrival in arrivals if facts.stays(arrival, restore=restore)}

    def again(self, arrival: Arrival, *, restore: bool, dry_run: bool, budget: Budget) -> Result | None:
        """Apply an event of history, without moving a position; None where it was applied before and stays so.

        With ``restore`` what the TOM holds decides, not what the ledger says. ``dry_run``: return what would become.
        """
        if dry_run:
            return self._writer.preview(arrival, restore=restore)
        if self._writer.facts([arrival]).stays(arrival, restore=restore):
            return None
        return self._afterwards.written(arrival, budget, restore=restore)

    def _record(self, place: Place, topic: str) -> Record | None:
        kept = self._ledger.raw([place]).get(place)
        if kept is None or kept.whole:
            return None if kept is None else kept.record
        return self._read_again(place, topic)
