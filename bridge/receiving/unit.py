"""What is written in one transaction: data, outcomes, witnesses and the next offset, all or nothing.

The one path by which an event reaches a TOM: live, replayed, parked before, or dead before. Events come in, each as an
:class:`~bridge.receiving.read.Arrival`; what fails is raised, and judged by :mod:`bridge.receiving.progress`.

Datums of many events go together. A target, a product and each hundred members of a list have a transaction of their
own, whose outcome is written with its data before the position moves past the record: redelivery does the rest.
"""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial

import structlog

from bridge.budget import NO_LIMIT, Budget
from bridge.clock import CLOCK, Clock
from bridge.errors import BridgeError
from bridge.events import Event, EventRef, Kind, ListMember, TargetList
from bridge.ledger import rules
from bridge.ledger.model import TAKEN, Entry, Known, Line, Outcome, Parked, Place, ShareWords, ToKeep
from bridge.ledger.port import Ledger, Unit
from bridge.receiving.execute import Executor
from bridge.receiving.naming import Names
from bridge.receiving.read import Arrival, Reader, Rules
from bridge.receiving.result import (
    Result,
    behind,
    came_before,
    fault_of,
    list_result,
    other_content,
    parked,
    refused_members,
    together,
    unmatched_ignored,
)
from bridge.stream.port import Partition

log = structlog.get_logger(__name__)

MEMBERS_AT_ONCE = 100
"""Members of a list in one transaction: more would keep others out of the TOM's database for long."""


@dataclass(frozen=True, kw_only=True)
class Move:
    """How far a partition is done once a unit is written."""

    partition: Partition
    topic_id: str
    expected: int
    next: int
    begun: bool = False
    """Whether what stands next is tried at once."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the ledger says of the events of one transaction, asked once for all."""

    events: Mapping[EventRef, Known]
    entries: Mapping[Place, Entry]
    first: Mapping[Line, Parked]
    """What waits first in a line, of what is not written now: that holds back nothing that is written with it."""
    first_target: Mapping[Line, Parked]

    def there(self, arrival: Arrival) -> Entry | None:
        """Return what is recorded of this very event."""
        return self.entries.get(arrival.place)

    def is_other(self, arrival: Arrival) -> bool:
        """Return whether an event of this id came before, and said something else."""
        if arrival.event is None or arrival.content is None:
            return False
        known = self.events.get(arrival.event.ref, Known())
        came = known.witness is not None or known.waits_elsewhere(arrival.place)
        return came and self.events.get(arrival.content, Known()).witness is None

    def predecessor(self, arrival: Arrival) -> Parked | None:
        """Return what waits and must go before ``arrival``; None where nothing must.

        A target is held back by targets alone, because it is what parked data wait for.
        """
        event = arrival.event
        first = self.first_target if event is not None and event.kind is Kind.TARGET else self.first
        found = first.get(arrival.line)
        return found if found is not None and found.entry.place < arrival.place else None


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


class Writer:
    """Writes events into one TOM and its ledger. Not thread-safe.

    ``first_look`` is after how long something parked is looked at again by itself for the first time.
    """

    def __init__(
        self,
        executor: Executor,
        ledger: Ledger,
        reader: Reader,
        names: Names,
        *,
        first_look: timedelta = timedelta(seconds=60),
        clock: Clock = CLOCK,
    ) -> None:
        self._executor = executor
        self._ledger = ledger
        self._reader = reader
        self._names = names
        self._first_look = first_look
        self._clock = clock

    def write(
        self,
        arrivals: Sequence[Arrival],
        move: Move | None = None,
        *,
        restore: bool = False,
        budget: Budget = NO_LIMIT,
    ) -> list[Result]:
        """Write events in order, and ``move`` with the last of them; return what became of each.

        With ``restore`` what the TOM holds decides, not what the ledger says. Raises AwayError, PositionLostError,
        BudgetSpentError, RejectedError where the TOM refuses one of them, and whatever else goes wrong; what was
        written until then is recorded.
        """
        results: list[Result] = []
        steps = list(_steps(self._names.claimed(arrivals)))
        for step in steps:
            last = move if step is steps[-1] else None
            if step[0].settled is None and _list_of(step[0]) is not None:
                results.append(self._write_list(step[0], last, restore=restore, budget=budget))
            else:
                results += self._write_step(step, last, restore=restore, budget=budget)
        return results

    def facts(self, arrivals: Sequence[Arrival]) -> Facts:
        """Return what the ledger says of these events."""
        first = first_in_line(self._ledger, arrivals)
        targets = [one for one in arrivals if one.event is not None and one.event.kind is Kind.TARGET]
        return Facts(
            events=self._ledger.known([ref for arrival in arrivals for ref in arrival.refs]),
            entries=self._ledger.recorded([arrival.place for arrival in arrivals]),
            first=first,
            first_target=first_in_line(self._ledger, targets, [str(Kind.TARGET)]) if first else {},
        )

    def stays(self, arrival: Arrival, facts: Facts, *, restore: bool) -> bool:
        """Return whether this event was applied before, and nobody asked to look at the TOM (or it isn't wanted)."""
        unwanted = arrival.event is None or arrival.settled is not None
        there = facts.there(arrival)
        if there is not None and there.outcome in rules.SUCCESS and (unwanted or not restore):
            return True
        if arrival.event is None or unwanted or restore:
            return False
        return facts.events.get(arrival.event.ref, Known()).witness is not None

    def preview(self, arrival: Arrival, *, restore: bool) -> Result | None:
        """Return what :meth:`write` would do with an event, without doing it; None where it stays as it is."""
        if self.stays(arrival, self.facts([arrival]), restore=restore):
            return None
        if arrival.event is None or arrival.settled is not None:
            return arrival.settled
        self._executor.forget()
        (named,) = self._names.seen([arrival])
        assert named.event is not None
        result = self._executor.preview(named.event, creates=self._rules(arrival).create_targets)
        return result.as_restored if restore else result

    # -- one transaction ----------------------------------------------------------------------------------------------

    def _write_step(
        self, arrivals: Sequence[Arrival], move: Move | None, *, restore: bool, budget: Budget
    ) -> list[Result]:
        self._prepare(arrivals, restore=restore, budget=budget)
        self._executor.forget()
        with self._ledger.unit() as unit:
            facts = self.facts(arrivals)
            results = self._results(arrivals, facts, restore=restore, budget=budget)
            for arrival, result in zip(arrivals, results, strict=True):
                self._record(unit, arrival, result, facts.there(arrival))
            if restore:
                _reopen(unit, arrivals, results)
            self._witness(unit, arrivals, results)
            _move(unit, move)
        for arrival, result in zip(arrivals, results, strict=True):
            _tell(arrival, result)
        return results

    def _prepare(self, arrivals: Sequence[Arrival], *, restore: bool, budget: Budget) -> None:
        """Do before the transaction what is too slow for it: a data product and its processor."""
        for arrival in arrivals:
            event = arrival.event
            if event is None or event.kind is not Kind.DATA_PRODUCT or arrival.settled is not None:
                continue
            if self._without_writing(arrival, self.facts([arrival]), restore=restore) is None:
                self._executor.prepare(event, arrival.record.partition.topic, budget)

    def _results(self, arrivals: Sequence[Arrival], facts: Facts, *, restore: bool, budget: Budget) -> list[Result]:
        """Return the result of each event, having written what is to be written."""
        results: dict[int, Result] = {}
        together_: list[int] = []
        for index, arrival in enumerate(arrivals):
            early = self._without_writing(arrival, facts, restore=restore)
            if early is not None:
                results[index] = early
            elif arrival.datums:
                together_.append(index)
            else:
                topic = arrival.record.partition.topic
                creates = self._rules(arrival).create_targets
                results[index] = self._executor.execute(_event(arrival), topic, budget=budget, creates=creates)
        written = self._executor.execute_datums(
            [_event(arrivals[index]) for index in together_],
            [arrivals[index].record.partition.topic for index in together_],
            ignored=[self._ignores(arrivals[index]) for index in together_],
            budget=budget,
        )
        results.update(zip(together_, written, strict=True))
        in_order = [results[index].as_restored if restore else results[index] for index in range(len(arrivals))]
        return [self._unmatched(arrival, result) for arrival, result in zip(arrivals, in_order, strict=True)]

    def _without_writing(self, arrival: Arrival, facts: Facts, *, restore: bool) -> Result | None:
        """Return the result of an event that is clear without looking at the TOM; None where it isn't."""
        if arrival.settled is not None:
            return arrival.settled
        event = _event(arrival)
        known = facts.events.get(event.ref, Known())
        there = facts.there(arrival)
        if facts.is_other(arrival):
            return other_content()
        if known.witness is not None and not restore and arrival.members is None:
            return came_before("this event came before")
        if known.waits_elsewhere(arrival.place) and not restore:
            return came_before("this event waits already, from another delivery")
        if restore and there is not None and there.outcome in rules.SUCCESS:
            return None  # it was applied once: it waits behind nothing
        earlier = facts.predecessor(arrival) if arrival.members is None else None
        return None if earlier is None else parked(behind(earlier.entry.event_id, earlier.names))

    def _unmatched(self, arrival: Arrival, result: Result) -> Result:
        return unmatched_ignored(result) if self._ignores(arrival) else result

    def _ignores(self, arrival: Arrival) -> bool:
        return self._rules(arrival).ignore_unmatched

    def _rules(self, arrival: Arrival) -> Rules:
        return self._reader.rules(arrival.record.partition.topic)

    def _record(self, unit: Unit, arrival: Arrival, result: Result, there: Entry | None) -> None:
        entry = arrival.entry(result)
        stands = rules.stands(there, entry)
        _keep_words(unit, arrival, stands)
        if stands is entry:
            unit.record(entry, keep=self._with_due(result.keep), raw=arrival.record)
        elif arrival.settled is not None and result.outcome is not Outcome.DEAD:
            unit.record(stands)  # it stays so although it isn't wanted any more; its members wait no longer

    def _witness(self, unit: Unit, arrivals: Sequence[Arrival], results: Sequence[Result]) -> None:
        wanted = [pair for pair in zip(arrivals, results, strict=True) if pair[0].settled is None]
        done = [one.event.ref for one, result in wanted if one.event is not None and result.is_done]
        # What waits has come as well: another content under its id is none that waits already.
        came = (Outcome.PARKED, *rules.SUCCESS)
        done += [one.content for one, result in wanted if one.content is not None and result.outcome in came]
        if done:
            unit.witness(done)

    def _with_due(self, keep: Sequence[ToKeep]) -> tuple[ToKeep, ...]:
        now = self._clock.now()
        return tuple(replace(one, due_at=rules.due(one.reason, 0, now, self._first_look)) for one in keep)

    def bury_members(self, place: Place, names: Sequence[str], fault: Result, were: Outcome | None) -> Result:
        """Let members of a list, kept as ``were`` until now, become dead letters; return what the list is then.

        Those that another process wrote meanwhile are left out.
        """
        before = self._ledger.recorded([place])[place]
        kept = self._ledger.raw([place]).get(place)
        if were is Outcome.PARKED:
            names = self._parked_of(place, names)
        if kept is None or not names:
            return Result(outcome=before.outcome, reason=before.reason, detail=before.detail)
        now = refused_members(list_result({"members": {}}), names, fault)
        again = {} if were is None else {"parked" if were is Outcome.PARKED else "refused": len(names)}
        total = together(before.detail, now, **again)
        entry = replace(before, outcome=total.outcome, reason=total.reason, detail=total.detail)
        with self._ledger.unit() as unit:
            unit.record(entry, keep=now.keep, of=names, raw=kept.record)
        log.warning("list.refused", where=entry.where, members=len(names), message=str(fault.detail.get("message")))
        return total

    # -- lists --------------------------------------------------------------------------------------------------------

    def _write_list(self, arrival: Arrival, move: Move | None, *, restore: bool, budget: Budget) -> Result:
        """Write a list, some members at a time, and return what became of it all."""
        facts = self.facts([arrival])
        early = self._without_writing(arrival, facts, restore=restore)
        if early is not None:
            return self._write_step([replace(arrival, settled=early)], move, restore=restore, budget=budget)[0]
        there = facts.there(arrival)
        before = there if there is not None and (arrival.members is not None or there.is_part) else None
        members = self._still_kept(arrival) if arrival.members is not None else _members(arrival)
        if before is not None and not members and arrival.members:
            return Result(outcome=before.outcome, reason=before.reason, detail=before.detail)
        taken = before.detail.get(TAKEN) if before is not None else None
        # Members alone say nothing of how far the list is that they belong to.
        at_last = None if arrival.members is None else taken
        first = taken if arrival.members is None and isinstance(taken, int) and taken < len(members) else 0
        so_far, appeared, changed = before.detail if before is not None else {}, frozenset[str](), False
        alone_before = 0
        while True:
            budget.check()
            chunk = members[first : first + (1 if first < alone_before else MEMBERS_AT_ONCE)]
            after = first + len(chunk)
            is_last = after >= len(members)
            write = partial(
                self._write_members, arrival, chunk, so_far, move if is_last else None,
                taken=at_last if is_last or arrival.members is not None else after, budget=budget,
            )  # fmt: skip
            try:
                total = write()
            except (Exception, SystemExit) as error:
                if isinstance(error, BridgeError) or not chunk:
                    raise
                if len(chunk) > 1:
                    alone_before = after  # which of them it is shows when each is written by itself
                    continue
                total = write(fault=fault_of(error))  # what fails without its members too is the list's own fault
                log.exception("member.internal_error", where=arrival.record.where, exc_info=error)
            first = after
            so_far, appeared, changed = total.detail, appeared | total.appeared, changed or total.changed
            if is_last:
                _tell(arrival, total)
                total = replace(total, appeared=appeared, changed=changed)
                return total.as_restored if restore else total

    def _still_kept(self, arrival: Arrival) -> tuple[ListMember, ...]:
        """Return the members to write that were parked before, without those that another process wrote meanwhile."""
        members = arrival.members or ()
        if arrival.were is not Outcome.PARKED:
            return members
        kept = self._parked_of(arrival.place, [member.reference.name for member in members])
        return tuple(member for member in members if member.reference.name in kept)

    def _parked_of(self, place: Place, names: Sequence[str]) -> list[str]:
        """Return which of these members of a list are parked now."""
        parked_now = {row.member for row in self._ledger.members([place]).get(place, ())}
        return [name for name in names if name in parked_now]

    def _write_members(
        self,
        arrival: Arrival,
        chunk: Sequence[ListMember],
        so_far: Mapping[str, object],
        move: Move | None,
        *,
        taken: object,
        budget: Budget,
        fault: Result | None = None,
    ) -> Result:
        """Write some members in one transaction; ``taken`` is how many of the list are through, None where all are.

        ``fault``: they are dead of it, and nothing of them is written.
        """
        self._executor.forget()
        with self._ledger.unit() as unit:
            written = chunk if fault is None else ()
            topic, creates = arrival.record.partition.topic, self._rules(arrival).create_targets
            now = self._executor.execute(_event(arrival), topic, written, budget, creates=creates)
            if fault is not None:
                now = refused_members(now, [member.reference.name for member in chunk], fault)
            now = self._unmatched(arrival, now)
            again = {"parked" if arrival.were is Outcome.PARKED else "refused": len(chunk) if arrival.were else 0}
            total = together(so_far, now, **again)
            detail = {name: value for name, value in total.detail.items() if name != TAKEN}
            total = replace(total, detail=detail if taken is None else {**detail, TAKEN: taken})
            entry = arrival.entry(total)
            unit.record(
                entry,
                keep=self._with_due(now.keep),
                of=_of(arrival, chunk, is_last=taken is None),
                raw=arrival.record,
            )
            _keep_words(unit, arrival, entry)
            if taken is None and not _kept_members(detail):
                unit.witness([_event(arrival).ref])
            _move(unit, move)
        return total


def _steps(arrivals: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Yield what goes into one transaction: datums, and what is settled, together; anything else by itself."""
    step: list[Arrival] = []
    for arrival in arrivals:
        if arrival.is_alone:
            if step:
                yield step
            yield [arrival]
            step = []
        else:
            step.append(arrival)
    if step:
        yield step


def _event(arrival: Arrival) -> Event:
    assert arrival.event is not None
    return arrival.event


def _list_of(arrival: Arrival) -> TargetList | None:
    body = arrival.event.body if arrival.event is not None else None
    return body if isinstance(body, TargetList) else None


def _members(arrival: Arrival) -> tuple[ListMember, ...]:
    found = _list_of(arrival)
    return found.members if found is not None else ()


def _of(arrival: Arrival, chunk: Sequence[ListMember], *, is_last: bool) -> list[str]:
    """Return of which members it is said what is kept; with the last also of the list as a whole, kept until then."""
    as_a_whole = [""] if is_last and arrival.members is None else []
    return [*(member.reference.name for member in chunk), *as_a_whole]


def _kept_members(detail: Mapping[str, object]) -> int:
    counts = detail.get("members")
    return counts.get("parked", 0) + counts.get("refused", 0) if isinstance(counts, Mapping) else 0


def _reopen(unit: Unit, arrivals: Sequence[Arrival], results: Sequence[Result]) -> None:
    """Take back that those are done which a restore leaves waiting or dead: done before, they would be left so."""
    left = [
        ref
        for arrival, result in zip(arrivals, results, strict=True)
        if result.outcome in (Outcome.PARKED, Outcome.DEAD) and result.reason not in rules.BAD_IN_ITSELF
        for ref in arrival.refs
    ]
    if left:
        unit.reopen(left)


def _keep_words(unit: Unit, arrival: Arrival, entry: Entry) -> None:
    """Keep what was said of the share of an event of which ``entry`` is recorded."""
    event = arrival.event
    if event is not None and rules.keeps_words(entry):
        words = ShareWords(message=event.message, acknowledgement=event.acknowledgement, references=event.references)
        unit.keep_words({event.share_ref: words})


def _move(unit: Unit, move: Move | None) -> None:
    if move is not None:
        unit.move(move.partition, move.topic_id, move.expected, move.next, begun=move.begun)


def _tell(arrival: Arrival, result: Result) -> None:
    """Log the outcome."""
    entry = arrival.entry(result)
    log.log(
        logging.WARNING if result.outcome is Outcome.DEAD else logging.INFO,
        f"event.{result.outcome}",
        where=arrival.record.where,
        event_id=str(entry.event_id),
        kind=entry.kind,
        subject=entry.subject,
        origin=entry.origin,
        **({"reason": str(result.reason)} if result.reason else {}),
        **{name: result.detail[name] for name in ("message", "datums", "members") if name in result.detail},
    )
