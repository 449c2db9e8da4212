"""The one path by which an event reaches a TOM: live, replayed, parked before, or dead before.

Records are read (decoded, filtered), put into *units* (datums together, anything else alone), and each unit is
written with its outcomes and the next offsets in one transaction of the ledger. What fails in company is tried alone;
what fails alone becomes a dead letter; who is away is waited for by the caller.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

import structlog

from bridge.errors import (
    AwayError,
    BudgetSpentError,
    EventError,
    PositionLostError,
    QuotaError,
    RejectedError,
    RejectedInARunError,
    StopError,
)
from bridge.events import Event, Kind
from bridge.ledger.port import Dead, Detail, Entry, Ledger, Outcome, Parked, Position, Reason, Unit
from bridge.receiving.execute import Executor, Result, behind, dead, parked
from bridge.receiving.read import Arrival, Reader, Rules
from bridge.stream.port import Partition, Record

log = structlog.get_logger(__name__)

DONE = frozenset({Outcome.APPLIED, Outcome.DUPLICATE})


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much at once, and how much at all."""

    batch_datums: int = 500
    batch_s: float = 5.0
    """Seconds after which no further unit of a batch is begun."""
    parked_bytes: int = 1 << 30
    rejections_in_a_run: int = 20


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the ledger says of the arrivals of one unit."""

    outcomes: Mapping[UUID, Outcome]
    entries: Mapping[tuple[object, ...], Entry]
    """By the place of the record."""
    waiting: frozenset[bytes]
    """The keys of which anything is parked."""

    def there(self, arrival: Arrival) -> Entry | None:
        """Return what is recorded of this very record."""
        record = arrival.record
        return self.entries.get((record.partition, record.offset, record.timestamp))


class Applier:
    """Applies records to one TOM. Not thread-safe."""

    def __init__(
        self,
        executor: Executor,
        ledger: Ledger,
        reader: Reader,
        *,
        limits: Limits | None = None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._executor = executor
        self._ledger = ledger
        self._reader = reader
        self._limits = limits or Limits()
        self._should_stop = should_stop
        self._refused_in_a_run: list[str] = []

    # -- the ways in --------------------------------------------------------------------------------------------------

    def live(self, records: Sequence[Record], positions: dict[Partition, Position]) -> None:
        """Apply records in order and move ``positions`` (partition to what the ledger holds) along with each unit.

        Raises AwayError, StopError or PositionLostError; what was applied until then is recorded, and ``positions`` say
        up to where. Returns early where ``should_stop`` says so, and after the unit that ends later than
        ``limits.batch_s``: the caller has to tell the stream that it lives.
        """
        deadline = time.monotonic() + self._limits.batch_s
        for unit in self._reader.units(records, self._limits.batch_datums):
            if self._should_stop() or time.monotonic() > deadline:
                return
            for result in self._apply(unit, positions):
                self._retry_appeared(result)
            self._check_quota()

    def again(self, record: Record, *, restore: bool = False) -> Result | None:
        """Apply a record from history, without moving a position.

        Returns None where it was applied before and stays so. With ``restore`` what the TOM holds decides, not what
        the ledger says.
        """
        arrival = self._reader.read(record)
        if self._stays(arrival, restore):
            return None
        return self._applied_alone(arrival, restore=restore)

    def preview(self, record: Record, *, restore: bool = False) -> Result | None:
        """Return what :meth:`again` would do with a record, without doing it."""
        arrival = self._reader.read(record)
        if self._stays(arrival, restore):
            return None
        if arrival.event is None or arrival.settled is not None:
            return arrival.settled
        self._executor.forget()
        result = self._executor.preview(arrival.event)
        return result.as_restored if restore else result

    def _stays(self, arrival: Arrival, restore: bool) -> bool:
        """Return whether this was applied before, and nobody asked to look at the TOM (or it isn't wanted any more)."""
        unwanted = arrival.event is None or arrival.settled is not None
        there = self._there(arrival.record)
        if there is not None and there.outcome in DONE and (unwanted or not restore):
            return True
        if unwanted or restore:
            return False
        event = _event(arrival)
        return self._ledger.outcomes([event.id]).get(event.id) in DONE

    def retry_dead(self, dead: Iterable[Dead]) -> list[Result]:
        """Try dead letters again, in the order given; what fails again stays dead."""
        results = []
        for one in dead:
            record = self._ledger.raw(one.entry)
            if record is not None:  # else another process has brought it to an end meanwhile
                results.append(self._applied_alone(self._reader.read(record)))
        return results

    def _applied_alone(self, arrival: Arrival, *, restore: bool = False) -> Result:
        """Apply what doesn't come live, and what waited for it."""
        result = self._apply([arrival], None, restore=restore)[0]
        self._retry_appeared(result)
        return result

    def retry(self, wanted: Iterable[Parked]) -> list[Result]:
        """Try parked things in the order of parking; what still waits behind an earlier one stays where it is.

        Where one of them gets through, what waited behind it is tried as well. Ends early at ``should_stop``.
        """
        results: list[Result] = []
        waiting = sorted(wanted, key=lambda one: one.id, reverse=True)
        tried: set[tuple[object, ...]] = set()
        while waiting and not self._should_stop():
            one = waiting.pop()
            place = _place(one.entry)
            if place in tried:
                continue
            tried.add(place)
            record = self._ledger.raw(one.entry)
            if record is None:
                continue  # another process has released it meanwhile
            if not one.member and self._predecessor(one.entry.key, one.entry.kind, record) is not None:
                continue
            arrival = replace(self._reader.read(record), members=self._members(one), parked_id=one.id)
            result = _as_retried(arrival, self._apply([arrival], None)[0])
            results += [result, *self._retry_appeared(result)]
            if result.outcome is not Outcome.PARKED and not one.member:
                waiting += self._next_in_line(one)
        return results

    def retry_all(self, present: Callable[[Collection[str]], frozenset[str]], *, newer: bool = False) -> int:
        """Try what is parked and has a chance now; return how much of it is parked no longer.

        ``present`` says which simplified names the TOM has. ``newer``: also what was too new for the last release.
        """
        after = released = 0
        while page := self._ledger.parked(after=after, most=1000):
            after = page[-1].id
            names = present(frozenset().union(*(parked.names for parked in page)))
            chances = [parked for parked in page if self._has_a_chance(parked, names, newer)]
            released += sum(result.outcome is not Outcome.PARKED for result in self.retry(chances))
        return released

    def _has_a_chance(self, parked: Parked, names: Collection[str], newer: bool) -> bool:
        match parked.reason:
            case Reason.NO_TARGET:
                return not parked.names.isdisjoint(names)
            case Reason.NEWER_VERSION:
                return newer
            case Reason.WAITS_BEHIND:
                # It goes with its predecessor, unless the process was killed when that had gone.
                return any(first.id == parked.id for first in self._next_in_line(parked))
            case _:
                return True

    # -- applying -----------------------------------------------------------------------------------------------------

    def _apply(
        self, arrivals: Sequence[Arrival], positions: dict[Partition, Position] | None, *, restore: bool = False
    ) -> list[Result]:
        """Write a unit; what fails in company is tried alone, what fails alone is a dead letter."""
        waiting = self._ledger.waiting({arrival.key for arrival in arrivals})
        for arrival in arrivals:
            if arrival.key in waiting:
                self._let_predecessors_go_first(arrival)
        try:
            return self._write(arrivals, positions, restore=restore)
        except (AwayError, BudgetSpentError, StopError, PositionLostError):
            raise
        except Exception as error:
            if len(arrivals) > 1:
                return [result for one in arrivals for result in self._apply([one], positions, restore=restore)]
            reason = Reason.REJECTED if isinstance(error, RejectedError) else Reason.INTERNAL
            if reason is Reason.INTERNAL:
                log.exception("event.internal_error", where=arrivals[0].record.where)
            message = str(error) if isinstance(error, EventError) else f"{type(error).__name__}: {error}"
            settled = replace(arrivals[0], settled=dead(reason, message))
            return self._write([settled], positions, restore=restore)

    def _write(
        self, arrivals: Sequence[Arrival], positions: dict[Partition, Position] | None, *, restore: bool
    ) -> list[Result]:
        """Write a unit in one transaction: data, outcomes, positions."""
        self._prepare(arrivals, restore=restore)
        self._executor.forget()
        moved = dict(positions) if positions is not None else {}
        with self._ledger.unit() as unit:
            known = self._known(arrivals)
            results = self._results(arrivals, known, restore=restore)
            for arrival, result in zip(arrivals, results, strict=True):
                self._record(unit, arrival, result, known.there(arrival))
            if positions is not None:
                for arrival in arrivals:
                    at = moved[arrival.record.partition]
                    moved[arrival.record.partition] = replace(at, next=arrival.record.offset + 1)
                for partition in {arrival.record.partition for arrival in arrivals}:
                    before, after = positions[partition], moved[partition]
                    unit.move(partition, after.topic_id, before.next, after.next)
        if positions is not None:
            positions.update(moved)
        for arrival, result in zip(arrivals, results, strict=True):
            self._tell(arrival, result)
        return results

    def _prepare(self, arrivals: Sequence[Arrival], *, restore: bool) -> None:
        """Do before the unit's transaction what is too slow for it: a data product and its processor."""
        for arrival in arrivals:
            event = arrival.event
            if event is None or event.kind is not Kind.DATA_PRODUCT or arrival.settled is not None:
                continue
            if self._without_writing(arrival, self._known([arrival]), restore=restore) is None:
                self._executor.prepare(event, arrival.record.partition.topic)

    def _known(self, arrivals: Sequence[Arrival]) -> Known:
        """Return what the ledger says of these arrivals, asked once for all."""
        return Known(
            outcomes=self._ledger.outcomes([arrival.event.id for arrival in arrivals if arrival.event is not None]),
            entries={_place(entry): entry for entry in self._ledger.recorded([one.record for one in arrivals])},
            waiting=self._ledger.waiting({arrival.key for arrival in arrivals}),
        )

    def _results(self, arrivals: Sequence[Arrival], known: Known, *, restore: bool) -> list[Result]:
        """Return the result of each arrival, having written what is to be written."""
        results: dict[int, Result] = {}
        together: list[int] = []
        for index, arrival in enumerate(arrivals):
            if (early := self._without_writing(arrival, known, restore=restore)) is not None:
                results[index] = early
            elif arrival.datums and len(arrivals) > 1:
                together.append(index)
            else:
                topic = arrival.record.partition.topic
                results[index] = self._executor.execute(_event(arrival), arrival.members, topic)
        written = self._executor.execute_datums(
            [_event(arrivals[index]) for index in together],
            [arrivals[index].record.partition.topic for index in together],
            ignored=[self._rules(arrivals[index]).ignore_unmatched for index in together],
        )
        results.update(zip(together, written, strict=True))
        in_order = [results[index].as_restored if restore else results[index] for index in range(len(arrivals))]
        return [self._unmatched(arrival, result) for arrival, result in zip(arrivals, in_order, strict=True)]

    def _without_writing(self, arrival: Arrival, known: Known, *, restore: bool) -> Result | None:
        """Return the result of an arrival that is clear without looking at the TOM; None where it isn't."""
        event = arrival.event
        if arrival.settled is not None or event is None:
            assert arrival.settled is not None
            return arrival.settled
        if not restore and self._came_before(arrival, known):
            return Result(outcome=Outcome.DUPLICATE, detail={"message": "this event came before"})
        waits = arrival.key in known.waiting
        if waits and (earlier := self._predecessor(arrival.key, event.kind, arrival.record)) is not None:
            return parked(behind(earlier.entry.event_id, earlier.names))
        return None

    def _came_before(self, arrival: Arrival, known: Known) -> bool:
        """Return whether this event was applied already, or is parked from another delivery."""
        assert arrival.event is not None
        outcome = known.outcomes.get(arrival.event.id)
        if arrival.members is not None:
            return False
        if outcome is Outcome.PARKED:
            there = known.there(arrival)
            return there is None or there.event_id != arrival.event.id
        return outcome in DONE

    def _unmatched(self, arrival: Arrival, result: Result) -> Result:
        """Return ``result`` as the subscription wants it: what has no target may be ignored instead of parked."""
        if not self._rules(arrival).ignore_unmatched:
            return result
        if result.outcome is Outcome.PARKED and result.reason is Reason.NO_TARGET:
            return Result(outcome=Outcome.IGNORED, reason=Reason.UNMATCHED_IGNORED, detail=result.detail)
        kept = tuple(park for park in result.park if park.reason is not Reason.NO_TARGET)
        return replace(result, park=kept)

    def _rules(self, arrival: Arrival) -> Rules:
        return self._reader.rules(arrival.record.partition.topic)

    def _record(self, unit: Unit, arrival: Arrival, result: Result, there: Entry | None) -> None:
        if there is not None and there.outcome is Outcome.APPLIED and result.outcome is Outcome.DUPLICATE:
            return  # this very record was applied: it stays so, however often it is looked at again
        if there is not None and there.outcome in DONE and (arrival.event is None or result.outcome is Outcome.IGNORED):
            # It stays so although it isn't wanted, or can't be read, any more; members wait no longer.
            unit.record(there)
            return
        entry = _entry(arrival, result)
        if arrival.members is not None and there is not None:
            entry = replace(entry, detail=_with_joined(there.detail, result.detail))
        unit.record(entry, park=result.park, raw=arrival.record)

    # -- order --------------------------------------------------------------------------------------------------------

    def _members(self, parked: Parked) -> frozenset[str] | None:
        """Return all members parked of the same list event; None for a whole event."""
        if not parked.member:
            return None
        members: set[str] = set()
        after = 0
        while page := self._ledger.parked(key=parked.entry.key, after=after):
            after = page[-1].id
            members |= {one.member for one in page if _place(one.entry) == _place(parked.entry)}
        return frozenset(members)

    def _there(self, record: Record) -> Entry | None:
        """Return what is recorded of this very record."""
        return self._ledger.entry(record.partition, record.offset, record.timestamp)

    def _predecessor(self, key: bytes, kind: str, record: Record) -> Parked | None:
        """Return the parked event that must go before ``record``, an event of this key and kind; None where none must.

        A target is held back by targets alone, because it is what parked data wait for. List members and what only
        awaits an upgrade hold nothing back; nor does a record hold back itself or what was published before it.
        """
        kinds = frozenset({str(Kind.TARGET)}) if kind == Kind.TARGET else None
        first = self._ledger.first_in_line(key, before=None, kinds=kinds) if key else None
        if first is None:
            return None
        there = first.entry
        return first if (there.published_at, there.offset) < (record.timestamp, record.offset) else None

    def _next_in_line(self, parked: Parked) -> list[Parked]:
        """Return what of the key of ``parked`` is held back by nothing (any more)."""
        lines = (frozenset({str(Kind.TARGET)}), None) if parked.entry.kind == Kind.TARGET else (None,)
        firsts = (self._ledger.first_in_line(parked.entry.key, before=None, kinds=kinds) for kinds in lines)
        return [first for first in firsts if first is not None]

    def _let_predecessors_go_first(self, arrival: Arrival) -> None:
        """Try what is parked of this key, where the arrival itself finds its target."""
        event = arrival.event
        if event is None or arrival.settled is not None or arrival.parked_id is not None:
            return
        earlier = self._predecessor(arrival.key, event.kind, arrival.record)
        if earlier is not None and event.kind is not Kind.TARGET and self._executor.matches(event):
            self.retry([earlier])

    def _retry_appeared(self, result: Result) -> list[Result]:
        return self.retry(self._ledger.parked(names=result.appeared)) if result.appeared else []

    # -- bounds and words ---------------------------------------------------------------------------------------------

    def _check_quota(self) -> None:
        kept = self._ledger.kept_bytes()
        if kept > self._limits.parked_bytes:
            raise QuotaError(
                f"parked events and dead letters take {kept} bytes; limits.parked_bytes is {self._limits.parked_bytes}",
                mend="See 'tom-bridge parked list' and 'tom-bridge dead list', or raise the limit",
            )

    def _tell(self, arrival: Arrival, result: Result) -> None:
        """Log the outcome, and stop where the TOM refuses one origin after the other."""
        event = arrival.event
        log.log(
            30 if result.outcome is Outcome.DEAD else 20,
            f"event.{result.outcome}",
            where=arrival.record.where,
            event_id=str(event.id) if event else arrival.hints.event_id,
            kind=str(event.kind) if event else arrival.hints.kind,
            subject=event.subject if event else arrival.hints.subject,
            origin=event.origin if event else arrival.hints.origin,
            **({"reason": str(result.reason)} if result.reason else {}),
            **({"message": result.detail["message"]} if "message" in result.detail else {}),
            **({"datums": result.detail["datums"]} if "datums" in result.detail else {}),
        )
        if result.outcome is not Outcome.DEAD or result.reason is not Reason.REJECTED:
            if result.outcome in DONE:
                self._refused_in_a_run.clear()
            return
        self._refused_in_a_run.append(event.origin if event else "")
        if len(self._refused_in_a_run) >= self._limits.rejections_in_a_run and len(set(self._refused_in_a_run)) > 1:
            raise RejectedInARunError(
                f"the TOM has refused {len(self._refused_in_a_run)} events in a run, of "
                f"{len(set(self._refused_in_a_run))} origins; the last: {result.detail.get('message')}",
                where=arrival.record.where,
                mend="Run 'tom-bridge doctor'; afterwards 'tom-bridge dead retry'",
            )


# -- small pieces ---------------------------------------------------------------------------------------------------


def _event(arrival: Arrival) -> Event:
    assert arrival.event is not None
    return arrival.event


def _entry(arrival: Arrival, result: Result) -> Entry:
    event, hints, record = arrival.event, arrival.hints, arrival.record
    told_by_hints = Entry(
        partition=record.partition,
        offset=record.offset,
        published_at=record.timestamp,
        outcome=result.outcome,
        reason=result.reason,
        detail=result.detail,
        key=arrival.key,
        event_id=hints.event_id,
        origin=hints.origin,
        kind=hints.kind,
        subject=hints.subject,
    )
    if event is None:
        return told_by_hints
    return replace(
        told_by_hints,
        event_id=event.id,
        share_id=event.share_id,
        origin=event.origin,
        origin_name=event.origin_name,
        kind=event.kind,
        subject=event.subject,
        shared_by=event.shared_by,
        title=event.title,
    )


def _place(entry: Entry) -> tuple[object, ...]:
    """Return what tells a record from any other, also from that of a topic that was removed and made again."""
    return entry.partition, entry.offset, entry.published_at


def _with_joined(before: Detail, now: Detail) -> Detail:
    """Return the detail of a list of which further members came in."""
    counts_before, counts_now = before.get("members"), now.get("members")
    if not isinstance(counts_before, Mapping) or not isinstance(counts_now, Mapping):
        return now
    members = {name: counts_before.get(name, 0) + counts_now[name] for name in ("created", "joined")}
    return {**before, **now, "members": {**members, "parked": counts_now["parked"]}}


def _as_retried(arrival: Arrival, result: Result) -> Result:
    """Return the result of what was parked; where no member of a list got in, they are parked as before."""
    if arrival.members and len(result.park) == len(arrival.members):
        return replace(result, outcome=Outcome.PARKED, reason=result.park[0].reason)
    return result
