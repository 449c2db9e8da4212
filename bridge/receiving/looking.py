"""Looking at what waits: what has a chance is written, the rest is put off.

Looking costs no write where nothing has changed; what has a chance is written in units as everything else is. What
fails in company is looked at alone, what fails alone is judged by :mod:`bridge.receiving.progress`.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

import structlog

from bridge.budget import Budget
from bridge.clock import CLOCK, Clock
from bridge.errors import AwayError, BudgetSpentError, EventError, PositionLostError, StopError
from bridge.events import Kind
from bridge.ledger import rules
from bridge.ledger.model import Line, Outcome, Parked, Place, Reason
from bridge.ledger.port import Ledger
from bridge.receiving.execute import Executor
from bridge.receiving.facts import first_in_line
from bridge.receiving.naming import Names
from bridge.receiving.progress import ALONE_AFTER, Progress, Verdict
from bridge.receiving.read import Arrival, Company, Most, Reader, numbered
from bridge.receiving.result import Result, dead, fault_of
from bridge.receiving.spread import spread
from bridge.receiving.unit import Writer
from bridge.tom.port import Tom

log = structlog.get_logger(__name__)

LOOKED_AT_ONCE = 500
NAME_IT = "Subscribe to its topic, in its format and by the name that its stream has now; it waits until then"


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What works together to write events into one TOM."""

    ledger: Ledger
    tom: Tom
    reader: Reader
    executor: Executor
    names: Names
    writer: Writer
    progress: Progress
    clock: Clock = CLOCK


@dataclass(frozen=True, kw_only=True)
class _Waiter:
    """One event that waits, as a whole or by some of its members, and its rows."""

    arrival: Arrival
    rows: tuple[Parked, ...]

    @property
    def ids(self) -> list[int]:
        return [row.id for row in self.rows]

    @property
    def tries(self) -> int:
        return max(row.tries for row in self.rows)

    @property
    def is_whole(self) -> bool:
        return not self.rows[0].member

    @property
    def kind(self) -> Kind | None:
        return self.arrival.event.kind if self.arrival.event is not None else None

    @property
    def holds_back(self) -> bool:
        return rules.holds_back(self.rows[0].reason, self.rows[0].member)


class Looking:
    """Looks at parked things, and writes what has a chance. Not thread-safe.

    ``appeared`` is called with the names that a TOM has since; ``period_s`` is the first of the growing times between
    two looks.
    """

    def __init__(self, parts: Parts, *, appeared: Callable[[Collection[str], Budget], object], period_s: float) -> None:
        self._ledger = parts.ledger
        self._reader = parts.reader
        self._executor = parts.executor
        self._names = parts.names
        self._writer = parts.writer
        self._progress = parts.progress
        self._clock = parts.clock
        self._appeared = appeared
        self._period_s = period_s
        self._begun: set[int] = set()
        """What is being looked at and has not come to an end."""
        self._there: Collection[str] = ()
        """Names that the TOM has: what waits for one of them and gets nowhere is put off."""
        self._slow: set[int] = set()
        """What failed in company so slowly that no time was left to look at each alone: the next look does."""
        self._counted: dict[int, int] = {}
        """The number of a look that has not come to an end in the ledger: where the TOM was away, and that could not be
        written either (or its answer was lost), the next look is this one still."""

    def look(self, rows: Sequence[Parked], budget: Budget, *, there: Collection[str] = ()) -> list[Result]:
        """Look at these rows, and at what waits behind those that get through, in the order of their lines.

        ``there`` are names that the TOM has, where that is why they are looked at.
        """
        before, self._there = self._there, there
        try:
            return self._look_along(rows, budget)
        finally:
            self._there = before

    def _look_along(self, rows: Sequence[Parked], budget: Budget) -> list[Result]:
        results: list[Result] = []
        seen: set[int] = set()
        todo = list(rows)
        while todo and not budget.stopped:
            seen |= {row.id for row in todo}
            lines: set[Line] = set()
            for batch in _batches(todo, self._slow):
                told, released = self._look_at(batch, budget)
                results += told
                lines |= released
            behind = self._ledger.lines(lines, most=LOOKED_AT_ONCE) if lines else {}
            todo = [row for line in behind.values() for row in line if row.id not in seen]
        return results

    def _look_at(self, rows: Sequence[Parked], budget: Budget) -> tuple[list[Result], set[Line]]:
        """Look at rows, counted as begun until each has come to an end; return the lines that something has left."""
        if budget.stopped:
            return [], set()
        before, self._begun = self._begun, {row.id for row in rows}
        try:
            return self._looked_at_as_begun(rows, budget)
        finally:
            self._begun = before

    def _looked_at_as_begun(self, rows: Sequence[Parked], budget: Budget) -> tuple[list[Result], set[Line]]:
        if self._tries(rows[0]) >= self._progress.limits.tries:
            return self._given_up(rows, budget), {row.entry.line for row in rows if not row.member}
        self._counted |= {row.id: self._tries(row) + 1 for row in rows}
        self._ledger.begin_parked({row.id: self._counted[row.id] for row in rows})
        try:
            chances, in_vain = self._with_a_chance(self._first_in_line(self._waiters(rows)), budget)
            self._slow.difference_update(row.id for row in rows)
            done = self._released_in_units(chances, budget)
        except (AwayError, BudgetSpentError):
            with suppress(AwayError):
                self._end_begun()
            raise
        self._end_begun()
        lines = {waiter.arrival.line for waiter in chances if waiter.is_whole} if released_of(done) else set()
        return [*in_vain, *done], lines

    def _given_up(self, rows: Sequence[Parked], budget: Budget) -> list[Result]:
        """Let rows of one event die that were begun too often without coming to an end, without reading them."""
        fault = dead(Reason.UNFINISHED, f"never finished: tried {rows[0].tries} times while it was parked")
        place = rows[0].entry.place
        if rows[0].member:
            return [self._writer.bury_members(place, [row.member for row in rows], fault, Outcome.PARKED)]
        kept = self._ledger.raw([place]).get(place)
        if kept is None:
            return []
        arrival = replace(self._reader.unread(kept.record, fault), number=place.number)
        return [self.written(arrival, budget)]

    def _waiters(self, rows: Sequence[Parked]) -> list[_Waiter]:
        """Return the events of these rows, in the order of their lines; what was released meanwhile is left out.

        What nobody knows how to read now waits on.
        """
        ordered = sorted(rows, key=lambda row: (row.entry.place, row.id))
        kept = self._ledger.raw({row.entry.place for row in ordered})
        waiters: list[_Waiter] = []
        read: dict[Place, list[Arrival]] = {}
        for place, those in groupby(ordered, key=lambda row: row.entry.place):
            of_event = tuple(those)
            if place not in kept:
                continue
            if not self._reader.knows(kept[place].record):
                log.warning("parked.topic_not_named", where=kept[place].record.where, mend=NAME_IT)
                self._put_off({row.id: self._later(row) for row in of_event})
                continue
            at = place._replace(number=0)
            if at not in read:
                read[at] = self._reader.read(kept[place].record)
                spread(self._ledger, self._names.seen(read[at]), of_event[0].entry, self._clock.now())
            waiters.append(_waiter(numbered(read[at], place.number), of_event))
        return waiters

    def _first_in_line(self, waiters: Sequence[_Waiter]) -> list[_Waiter]:
        """Leave out what waits behind something that is not being looked at."""
        whole = [waiter.arrival for waiter in waiters if waiter.holds_back]
        targets = [waiter.arrival for waiter in waiters if waiter.holds_back and waiter.kind is Kind.TARGET]
        first = first_in_line(self._ledger, whole)
        first_target = first_in_line(self._ledger, targets, [str(Kind.TARGET)])
        left: list[_Waiter] = []
        put_off: dict[int, datetime | None] = {}
        for waiter in waiters:
            earlier = (first_target if waiter.kind is Kind.TARGET else first).get(waiter.arrival.line)
            if waiter.holds_back and earlier is not None and earlier.entry.place < waiter.arrival.place:
                put_off |= self._behind(waiter)
            else:
                left.append(waiter)
        self._put_off(put_off, looked=False)
        return left

    def _with_a_chance(
        self, waiters: Sequence[_Waiter], budget: Budget, held: set[Line] | None = None
    ) -> tuple[list[_Waiter], list[Result]]:
        """Leave out what would wait for the same reason as before: it is only put off, longer than the last time.

        What can't be looked at is looked at alone, of a list each member, and is at fault where others can. ``held``
        are lines of which something earlier waits on.
        """
        held = set() if held is None else held
        before, each = set(held), _each(waiters)
        try:
            return self._looked_at(waiters, budget, held)
        except (StopError, PositionLostError, BudgetSpentError):
            raise
        except (Exception, SystemExit) as error:
            if self._progress.judge(error, in_company=len(each) > 1) is not Verdict.ISOLATE:
                return self._failed(waiters[0], error, held)
        try:
            alone = [self._with_a_chance([waiter], budget, before) for waiter in each]
        except BudgetSpentError:
            self._slow |= {row.id for waiter in each for row in waiter.rows if row.id in self._begun}
            raise
        return [one for chances, _ in alone for one in chances], [one for _, in_vain in alone for one in in_vain]

    def _failed(self, waiter: _Waiter, error: BaseException, held: set[Line]) -> tuple[list[_Waiter], list[Result]]:
        """Let what can't be looked at, though others can, become a dead letter; wait on where it may pass."""
        log.warning("parked.suspect", where=waiter.arrival.record.where, message=str(error))
        if waiter.is_whole and not isinstance(error, AwayError):
            return [replace(waiter, arrival=replace(waiter.arrival, settled=fault_of(error)))], []
        if waiter.holds_back:
            held.add(waiter.arrival.line)
        self._fails(waiter)
        return [], []

    def _fails(self, waiter: _Waiter) -> None:
        """Try again later, longer each time, what fails while others don't: its tries count on."""
        now, first = self._clock.now(), timedelta(seconds=self._period_s)
        later = rules.due(Reason.AMBIGUOUS, waiter.tries, now, first)
        self._put_off({row.id: later for row in waiter.rows}, ended=False)

    def _looked_at(
        self, waiters: Sequence[_Waiter], budget: Budget, held: set[Line]
    ) -> tuple[list[_Waiter], list[Result]]:
        self._executor.forget()
        self._executor.find_for([waiter.arrival.event for waiter in waiters if waiter.arrival.event], budget)
        chances: list[_Waiter] = []
        in_vain: list[Result] = []
        put_off: dict[int, datetime | None] = {}
        for waiter in waiters:
            if waiter.holds_back and waiter.arrival.line in held:
                put_off |= self._behind(waiter)
                continue
            left, vain = self._chance_of(waiter, budget)
            if vain:
                in_vain.append(Result(outcome=Outcome.PARKED, reason=vain[0].reason, detail=vain[0].detail))
                put_off |= {row.id: self._later(row) for row in vain if not self._goes_on_waiting(row)}
            if left is not None:
                chances.append(left)
            elif waiter.holds_back:
                held.add(waiter.arrival.line)
        self._put_off(put_off)
        return chances, in_vain

    def _chance_of(self, waiter: _Waiter, budget: Budget) -> tuple[_Waiter | None, Sequence[Parked]]:
        """Return ``waiter`` as far as it has a chance now, and the rows that would wait for the same reason again."""
        arrival = waiter.arrival
        if arrival.members is not None:
            holds = self._executor.member_holds(arrival.members, budget, creates=self._creates(arrival))
            reasons = {
                member.reference.name: hold.reason for member, hold in zip(arrival.members, holds, strict=True) if hold
            }
            vain = [row for row in waiter.rows if reasons.get(row.member) is row.reason]
            left = [row for row in waiter.rows if row not in vain]
            return (_waiter(arrival, tuple(left)) if left else None), vain
        if arrival.settled is not None:
            reason = arrival.settled.reason if arrival.settled.outcome is Outcome.PARKED else None
        else:
            event = arrival.event if waiter.kind is not Kind.LIST else None
            hold = None if event is None else self._executor.holds(event, creates=self._creates(arrival))
            reason = hold.reason if hold is not None else None
        return (None, waiter.rows) if reason is waiter.rows[0].reason else (waiter, ())

    def _creates(self, arrival: Arrival) -> bool:
        return self._reader.rules(arrival.record.partition.topic).create_targets

    def _goes_on_waiting(self, row: Parked) -> bool:
        """Return whether it waits for its names as before: none of them was there, whyever it was looked at."""
        return row.reason is Reason.NO_TARGET and row.due_at is None and row.names.isdisjoint(self._there)

    def _behind(self, waiter: _Waiter) -> dict[int, datetime | None]:
        """Return when what waits behind another is looked at again by itself, where it was to be looked at now."""
        due = rules.due(Reason.WAITS_BEHIND, 0, self._clock.now(), timedelta(seconds=self._period_s))
        return {row.id: due for row in waiter.rows if row.due_at is not None}

    def _later(self, row: Parked, reason: Reason | None = None) -> datetime | None:
        return rules.due(reason or row.reason, row.looks + 1, self._clock.now(), timedelta(seconds=self._period_s))

    def _put_off(self, due: dict[int, datetime | None], *, looked: bool = True, ended: bool = True) -> None:
        if due:
            with self._ledger.unit() as unit:
                unit.look_again(due, looked=looked, ended=ended)
            self._ended(due)

    def _end_begun(self) -> None:
        """Let looks end of which nothing is said; when the next one is stays as it is, by whomever it was said."""
        if self._begun:
            self._ledger.end_parked(self._begun)
            self._ended(self._begun)

    def _ended(self, ids: Iterable[int]) -> None:
        """Note that the looks at these rows have come to an end, one way or another."""
        for one in list(ids):
            self._begun.discard(one)
            self._counted.pop(one, None)

    def _tries(self, row: Parked) -> int:
        """Return how often a row was begun before without coming to an end."""
        return self._counted.get(row.id, row.tries + 1) - 1

    # -- writing ------------------------------------------------------------------------------------------------------

    def _released_in_units(self, waiters: Sequence[_Waiter], budget: Budget) -> list[Result]:
        results: list[Result] = []
        for unit in _units(waiters, self._progress.limits.most):
            if budget.stopped:
                break
            results += self._released(unit, budget)
        return results

    def _released(self, unit: Sequence[_Waiter], budget: Budget) -> list[Result]:
        """Write what has a chance; what fails in company is tried alone, of a list each member."""
        done = self._written_or_buried(unit, budget)
        if done is not None:
            self._settle(unit, done)
            return done
        results: list[Result] = []
        for index, one in enumerate(each := _each(unit)):
            if index and budget.spent:
                self._slow |= {row.id for left in each[index:] for row in left.rows}
                break
            results += self._released([one], budget)
        return results

    def _written_or_buried(self, unit: Sequence[_Waiter], budget: Budget) -> list[Result] | None:
        """Return what became of these; None where they failed in company, and nothing is told of them."""
        first, fault = unit[0], unit[0].arrival.settled
        if len(unit) == 1 and not first.is_whole and fault is not None and fault.outcome is Outcome.DEAD:
            names = [row.member for row in first.rows]  # of a list that can't be read any more
            return [self._writer.bury_members(first.arrival.place, names, fault, Outcome.PARKED)]
        return self._judged([waiter.arrival for waiter in unit], budget, members=len(_each(unit)))

    def _settle(self, unit: Sequence[_Waiter], results: Sequence[Result]) -> None:
        """Put off what waits again although it seemed to have a chance."""
        self._ended(row.id for waiter in unit for row in waiter.rows)
        again = [pair for pair in zip(unit, results, strict=True) if pair[1].outcome is Outcome.PARKED]
        told = [pair for pair in again if pair[1].reason is not None]
        self._put_off({row.id: self._later(row, result.reason) for waiter, result in told for row in waiter.rows})
        for waiter, result in again:
            if result.reason is None:
                self._fails(waiter)

    def written(self, arrival: Arrival, budget: Budget, *, restore: bool = False) -> Result:
        """Write an event that is not live; one that fails is a dead letter, or stays what it was."""
        done = self._judged([arrival], budget, restore=restore)
        assert done is not None, "what is alone fails in no company"
        return done[0]

    def _judged(
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


def _waiter(arrival: Arrival, rows: tuple[Parked, ...]) -> _Waiter:
    """Return what waits of an event; of a list its parked members alone."""
    names = {row.member for row in rows if row.member}
    if names and arrival.settled is None:
        arrival = replace(arrival, members=arrival.only(names), were=Outcome.PARKED)
    return _Waiter(arrival=arrival, rows=rows)


def _each(waiters: Sequence[_Waiter]) -> list[_Waiter]:
    """Return these one by one: of a list of which members wait, each member."""
    return [
        one
        for waiter in waiters
        for one in ([waiter] if waiter.is_whole else [_waiter(waiter.arrival, (row,)) for row in waiter.rows])
    ]


def _batches(rows: Sequence[Parked], slow: Collection[int]) -> Iterator[list[Parked]]:
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


def _units(waiters: Sequence[_Waiter], most: Most) -> Iterator[list[_Waiter]]:
    """Yield what is written together: datums, or targets, up to a bound, anything else by itself."""
    unit: list[_Waiter] = []
    company = Company(most)
    for waiter in waiters:
        if not company.takes([waiter.arrival], alone=not waiter.is_whole):
            yield unit
            unit, company = [], Company(most)
            company.takes([waiter.arrival], alone=not waiter.is_whole)
        unit.append(waiter)
    if unit:
        yield unit


def released_of(results: Sequence[Result]) -> int:
    """Return how many of these wait no longer."""
    return sum(result.outcome is not Outcome.PARKED for result in results)
