"""Looking at what waits: what has a chance is written, the rest is put off.

Looking costs no write where nothing has changed; what has a chance is written in units as everything else is. What
fails in company is looked at alone, what fails alone is judged by :mod:`bridge.receiving.progress`.
"""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from itertools import groupby

import structlog

from bridge.budget import Budget
from bridge.errors import AwayError, BudgetSpentError, PositionLostError, StopError
from bridge.events import Kind
from bridge.ledger.model import Line, Outcome, Parked, Place, Reason
from bridge.receiving.afterwards import Afterwards
from bridge.receiving.arrival import Arrival, numbered
from bridge.receiving.facts import first_in_line
from bridge.receiving.looks import Looks
from bridge.receiving.parts import Parts
from bridge.receiving.progress import Verdict
from bridge.receiving.result import Result, dead, fault_of
from bridge.receiving.spread import spread
from bridge.receiving.waiters import Waiter, batches, each_of, released_of, units, waiter_of

log = structlog.get_logger(__name__)

LOOKED_AT_ONCE = 500
NAME_IT = "Subscribe to its topic, in its format and by the name that its stream has now; it waits until then"


class Looking:
    """Looks at parked things, and writes what has a chance. Not thread-safe.

    ``period_s`` is the first of the growing times between two looks.
    """

    def __init__(self, parts: Parts, afterwards: Afterwards, *, period_s: float) -> None:
        self._ledger = parts.ledger
        self._reader = parts.reader
        self._executor = parts.executor
        self._names = parts.names
        self._writer = parts.writer
        self._progress = parts.progress
        self._clock = parts.clock
        self._afterwards = afterwards
        self._looks = Looks(parts.ledger, parts.clock, period_s=period_s)
        self._there: Collection[str] = ()
        """Names that the TOM has: what waits for one of them and gets nowhere is put off."""

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
            for batch in batches(todo, self._looks.slow):
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
        with self._looks.of(rows):
            return self._looked_at_as_begun(rows, budget)

    def _looked_at_as_begun(self, rows: Sequence[Parked], budget: Budget) -> tuple[list[Result], set[Line]]:
        if self._looks.tries(rows[0]) >= self._progress.limits.tries:
            return self._given_up(rows, budget), {row.entry.line for row in rows if not row.member}
        self._looks.begin(rows)
        try:
            chances, in_vain = self._with_a_chance(self._first_in_line(self._waiters(rows)), budget)
            self._looks.slow.difference_update(row.id for row in rows)
            done = self._released_in_units(chances, budget)
        except (AwayError, BudgetSpentError):
            with suppress(AwayError):
                self._looks.end()
            raise
        self._looks.end()
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
        return [self._afterwards.written(arrival, budget)]

    def _waiters(self, rows: Sequence[Parked]) -> list[Waiter]:
        """Return the events of these rows, in the order of their lines; what was released meanwhile is left out.

        What nobody knows how to read now waits on.
        """
        ordered = sorted(rows, key=lambda row: (row.entry.place, row.id))
        kept = self._ledger.raw({row.entry.place for row in ordered})
        waiters: list[Waiter] = []
        read: dict[Place, list[Arrival]] = {}
        for place, those in groupby(ordered, key=lambda row: row.entry.place):
            of_event = tuple(those)
            if place not in kept:
                continue
            if not self._reader.knows(kept[place].record):
                log.warning("parked.topic_not_named", where=kept[place].record.where, mend=NAME_IT)
                self._looks.put_off({row.id: self._looks.later(row) for row in of_event})
                continue
            at = place._replace(number=0)
            if at not in read:
                read[at] = self._reader.read(kept[place].record)
                spread(self._ledger, self._names.seen(read[at]), of_event[0].entry, self._clock.now())
            waiters.append(waiter_of(numbered(read[at], place.number), of_event))
        return waiters

    def _first_in_line(self, waiters: Sequence[Waiter]) -> list[Waiter]:
        """Leave out what waits behind something that is not being looked at."""
        whole = [waiter.arrival for waiter in waiters if waiter.holds_back]
        targets = [waiter.arrival for waiter in waiters if waiter.holds_back and waiter.kind is Kind.TARGET]
        first = first_in_line(self._ledger, whole)
        first_target = first_in_line(self._ledger, targets, [str(Kind.TARGET)])
        left: list[Waiter] = []
        put_off: dict[int, datetime | None] = {}
        for waiter in waiters:
            earlier = (first_target if waiter.kind is Kind.TARGET else first).get(waiter.arrival.line)
            if waiter.holds_back and earlier is not None and earlier.entry.place < waiter.arrival.place:
                put_off |= self._looks.behind(waiter)
            else:
                left.append(waiter)
        self._looks.put_off(put_off, looked=False)
        return left

    def _with_a_chance(
        self, waiters: Sequence[Waiter], budget: Budget, held: set[Line] | None = None
    ) -> tuple[list[Waiter], list[Result]]:
        """Leave out what would wait for the same reason as before: it is only put off, longer than the last time.

        What can't be looked at is looked at alone, of a list each member, and is at fault where others can. ``held``
        are lines of which something earlier waits on.
        """
        held = set() if held is None else held
        before, each = set(held), each_of(waiters)
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
            self._looks.were_slow(each)
            raise
        return [one for chances, _ in alone for one in chances], [one for _, in_vain in alone for one in in_vain]

    def _failed(self, waiter: Waiter, error: BaseException, held: set[Line]) -> tuple[list[Waiter], list[Result]]:
        """Let what can't be looked at, though others can, become a dead letter; wait on where it may pass."""
        log.warning("parked.suspect", where=waiter.arrival.record.where, message=str(error))
        if waiter.is_whole and not isinstance(error, AwayError):
            return [replace(waiter, arrival=replace(waiter.arrival, settled=fault_of(error)))], []
        if waiter.holds_back:
            held.add(waiter.arrival.line)
        self._looks.failed(waiter)
        return [], []

    def _looked_at(
        self, waiters: Sequence[Waiter], budget: Budget, held: set[Line]
    ) -> tuple[list[Waiter], list[Result]]:
        self._executor.forget()
        self._executor.find_for([waiter.arrival.event for waiter in waiters if waiter.arrival.event], budget)
        chances: list[Waiter] = []
        in_vain: list[Result] = []
        put_off: dict[int, datetime | None] = {}
        for waiter in waiters:
            if waiter.holds_back and waiter.arrival.line in held:
                put_off |= self._looks.behind(waiter)
                continue
            left, vain = self._chance_of(waiter, budget)
            if vain:
                in_vain.append(Result(outcome=Outcome.PARKED, reason=vain[0].reason, detail=vain[0].detail))
                put_off |= {row.id: self._looks.later(row) for row in vain if not self._goes_on_waiting(row)}
            if left is not None:
                chances.append(left)
            elif waiter.holds_back:
                held.add(waiter.arrival.line)
        self._looks.put_off(put_off)
        return chances, in_vain

    def _chance_of(self, waiter: Waiter, budget: Budget) -> tuple[Waiter | None, Sequence[Parked]]:
        """Return ``waiter`` as far as it has a chance now, and the rows that would wait for the same reason again."""
        arrival = waiter.arrival
        if arrival.members is not None:
            holds = self._executor.member_holds(arrival.members, budget, creates=self._creates(arrival))
            reasons = {
                member.reference.name: hold.reason for member, hold in zip(arrival.members, holds, strict=True) if hold
            }
            vain = [row for row in waiter.rows if reasons.get(row.member) is row.reason]
            left = [row for row in waiter.rows if row not in vain]
            return (waiter_of(arrival, tuple(left)) if left else None), vain
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

    # -- writing ------------------------------------------------------------------------------------------------------

    def _released_in_units(self, waiters: Sequence[Waiter], budget: Budget) -> list[Result]:
        results: list[Result] = []
        for unit in units(waiters, self._progress.limits.most):
            if budget.stopped:
                break
            results += self._released(unit, budget)
        return results

    def _released(self, unit: Sequence[Waiter], budget: Budget) -> list[Result]:
        """Write what has a chance; what fails in company is tried alone, of a list each member."""
        done = self._written_or_buried(unit, budget)
        if done is not None:
            self._settle(unit, done)
            return done
        results: list[Result] = []
        for index, one in enumerate(each := each_of(unit)):
            if index and budget.spent:
                self._looks.were_slow(each[index:])
                break
            results += self._released([one], budget)
        return results

    def _written_or_buried(self, unit: Sequence[Waiter], budget: Budget) -> list[Result] | None:
        """Return what became of these; None where they failed in company, and nothing is told of them."""
        first, fault = unit[0], unit[0].arrival.settled
        if len(unit) == 1 and not first.is_whole and fault is not None and fault.outcome is Outcome.DEAD:
            names = [row.member for row in first.rows]  # of a list that can't be read any more
            return [self._writer.bury_members(first.arrival.place, names, fault, Outcome.PARKED)]
        return self._afterwards.judged([waiter.arrival for waiter in unit], budget, members=len(each_of(unit)))

    def _settle(self, unit: Sequence[Waiter], results: Sequence[Result]) -> None:
        """Put off what waits again although it seemed to have a chance."""
        self._looks.ended(row.id for waiter in unit for row in waiter.rows)
        again = [pair for pair in zip(unit, results, strict=True) if pair[1].outcome is Outcome.PARKED]
        told = [pair for pair in again if pair[1].reason is not None]
        self._looks.put_off(
            {row.id: self._looks.later(row, result.reason) for waiter, result in told for row in waiter.rows}
        )
        for waiter, result in again:
            if result.reason is None:
                self._looks.failed(waiter)
