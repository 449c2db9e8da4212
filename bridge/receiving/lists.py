"""Lists: written some members at a time, each with its own fate, and what became of them all recorded as one event."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import structlog

from bridge.budget import Budget
from bridge.errors import BridgeError, OutcomeLostError
from bridge.events import ListMember, TargetList
from bridge.ledger.lost import outcome_lost
from bridge.ledger.model import TAKEN, Entry, Outcome, Place
from bridge.ledger.port import Ledger
from bridge.receiving.arrival import Arrival
from bridge.receiving.execute import Executor
from bridge.receiving.read import Reader
from bridge.receiving.recording import Move, Recording, keep_words
from bridge.receiving.result import (
    Result,
    came_before,
    fault_of,
    list_result,
    refused_members,
    together,
    unmatched_ignored,
)
from bridge.receiving.telling import tell

log = structlog.get_logger(__name__)

MEMBERS_AT_ONCE = 100
"""Members of a list in one transaction: more would keep others out of the TOM's database for long."""


class ListWriter:
    """Writes lists into one TOM and its ledger. Not thread-safe."""

    def __init__(self, executor: Executor, ledger: Ledger, reader: Reader, recording: Recording) -> None:
        self._executor = executor
        self._ledger = ledger
        self._reader = reader
        self._recording = recording

    def write(
        self, arrival: Arrival, there: Entry | None, move: Move | None, *, restore: bool, budget: Budget
    ) -> Result:
        """Write a list of which ``there`` is recorded, some members at a time; return what became of it all.

        Each time it is built on what is recorded: another process may write other members of it meanwhile, or take the
        list up as a whole. How far it is then, and what is kept of its members, is what that one has recorded.
        """
        members = _members(arrival) if arrival.members is None else arrival.members
        first, alone_before = _taken(arrival, there, members), 0
        total, appeared, changed = None, frozenset[str](), False
        while True:
            budget.check()
            after = min(len(members), first + (1 if first < alone_before else MEMBERS_AT_ONCE))
            chunk = self._still_kept(arrival, members[first:after])
            is_last = after >= len(members)
            if chunk or not arrival.members:
                so_far = _SoFar(there, after=None if is_last else after)
                write = partial(self._write_members, arrival, chunk, so_far, move if is_last else None, budget=budget)
                try:
                    written = _written_or_dead(write, arrival, chunk)
                except OutcomeLostError:
                    if move is not None:
                        raise  # the partition is another process's now
                    there = self._recorded(arrival.place)
                    first = _taken(arrival, there, members) if arrival.members is None else first
                    continue
                if written is None:
                    alone_before = after
                    continue
                total, appeared, changed = written, appeared | written.appeared, changed or written.changed
            if not is_last:
                there = self._recorded(arrival.place)
                first = after if arrival.members is not None else _taken(arrival, there, members)
                if first != after and move is not None:
                    raise outcome_lost(arrival.place)  # another process took the partition over, and gave the list up
            elif total is None:
                return _as_another_left_it(self._recorded(arrival.place))
            else:
                tell([arrival], [total])
                total = replace(total, appeared=appeared, changed=changed)
                return total.as_restored if restore else total

    def _recorded(self, place: Place) -> Entry | None:
        return self._ledger.recorded([place]).get(place)

    def _still_kept(self, arrival: Arrival, members: Sequence[ListMember]) -> Sequence[ListMember]:
        """Return these members without those that were parked before and another process wrote meanwhile."""
        if arrival.members is None or arrival.were is not Outcome.PARKED:
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
        so_far: "_SoFar",
        move: Move | None,
        *,
        budget: Budget,
        fault: Result | None = None,
    ) -> Result:
        """Write some members in one transaction. ``fault``: they are dead of it, and nothing of them is written."""
        self._executor.forget()
        with self._ledger.unit() as unit:
            unit.expect(arrival.place, so_far.there)
            written = chunk if fault is None else ()
            topic = arrival.record.partition.topic
            accepted = self._reader.rules(topic)
            now = self._executor.execute(arrival.decoded, topic, written, budget, creates=accepted.create_targets)
            if fault is not None:
                now = refused_members(now, [member.reference.name for member in chunk], fault)
            now = unmatched_ignored(now) if accepted.ignore_unmatched else now
            again = {"parked" if arrival.were is Outcome.PARKED else "refused": len(chunk) if arrival.were else 0}
            total = together(so_far.detail(arrival), now, **again)
            taken = so_far.taken(arrival)
            detail = {name: value for name, value in total.detail.items() if name != TAKEN}
            total = replace(total, detail=detail if taken is None else {**detail, TAKEN: taken})
            entry = arrival.entry(total)
            unit.record(
                entry,
                keep=self._recording.with_due(now.keep),
                of=_of(arrival, chunk, is_last=taken is None),
                raw=arrival.record,
            )
            keep_words(unit, arrival, entry)
            if taken is None and not _kept_members(detail):
                unit.witness([arrival.decoded.ref])
            if move is not None:
                move.write(unit)
        return total

    def bury(self, place: Place, names: Sequence[str], fault: Result, were: Outcome | None) -> Result:
        """Let members of a list, kept as ``were`` until now, become dead letters; return what the list is then.

        Those that another process wrote meanwhile are left out.
        """
        while True:
            with suppress(OutcomeLostError):
                return self._bury(place, names, fault, were)

    def _bury(self, place: Place, names: Sequence[str], fault: Result, were: Outcome | None) -> Result:
        before = self._recorded(place)
        kept = self._ledger.raw([place]).get(place)
        if were is Outcome.PARKED:
            names = self._parked_of(place, names)
        if before is None or kept is None or not names:
            return _as_another_left_it(before)
        now = refused_members(list_result({"members": {}}), names, fault)
        again = {} if were is None else {"parked" if were is Outcome.PARKED else "refused": len(names)}
        total = together(before.detail, now, **again)
        entry = replace(before, outcome=total.outcome, reason=total.reason, detail=total.detail)
        with self._ledger.unit() as unit:
            unit.expect(place, before)
            unit.record(entry, keep=now.keep, of=names, raw=kept.record)
        log.warning("list.refused", where=entry.where, members=len(names), message=str(fault.detail.get("message")))
        return total


@dataclass(frozen=True)
class _SoFar:
    """How far a list is: what is recorded of it, and, of one that is taken as a whole, how many members will be then.

    ``after`` is None where all are.
    """

    there: Entry | None
    after: int | None

    def detail(self, arrival: Arrival) -> Mapping[str, object]:
        """Return what is counted already: nothing of a list that is taken from the beginning."""
        goes_on = self.there is not None and (arrival.members is not None or self.there.is_part)
        return self.there.detail if self.there is not None and goes_on else {}

    def taken(self, arrival: Arrival) -> object:
        """Return how many members are through; None where all are.

        Members alone say nothing of how far the list is that they belong to.
        """
        return self.after if arrival.members is None else self.detail(arrival).get(TAKEN)


def _as_another_left_it(there: Entry | None) -> Result:
    """Return what became of a list of which another process wrote all that this one was to write.

    Its outcome is forgotten where the stream no longer holds it.
    """
    if there is None:
        return came_before("another process has written it meanwhile")
    return Result(outcome=there.outcome, reason=there.reason, detail=there.detail)


def _taken(arrival: Arrival, there: Entry | None, members: Sequence[ListMember]) -> int:
    """Return how many members of a list are through."""
    taken = there.detail.get(TAKEN) if there is not None and arrival.members is None else None
    return taken if isinstance(taken, int) and taken < len(members) else 0


def _written_or_dead(write: Callable[..., Result], arrival: Arrival, chunk: Sequence[ListMember]) -> Result | None:
    """Return what became of members; None where several fail: which of them it is shows when each is written alone."""
    try:
        return write()
    except (Exception, SystemExit) as error:
        if isinstance(error, BridgeError) or not chunk:
            raise
        if len(chunk) > 1:
            return None
        total = write(fault=fault_of(error))  # what fails without its members too is the list's own fault
        log.exception("member.internal_error", where=arrival.record.where, exc_info=error)
        return total


def _members(arrival: Arrival) -> tuple[ListMember, ...]:
    body = arrival.decoded.body
    return body.members if isinstance(body, TargetList) else ()


def _of(arrival: Arrival, chunk: Sequence[ListMember], *, is_last: bool) -> list[str]:
    """Return of which members it is said what is kept; with the last also of the list as a whole, kept until then."""
    as_a_whole = [""] if is_last and arrival.members is None else []
    return [*(member.reference.name for member in chunk), *as_a_whole]


def _kept_members(detail: Mapping[str, object]) -> int:
    counts = detail.get("members")
    return counts.get("parked", 0) + counts.get("refused", 0) if isinstance(counts, Mapping) else 0
