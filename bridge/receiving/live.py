"""What comes from the stream now: records at hand, by partition, applied in order."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count

import structlog

from bridge.budget import Budget
from bridge.errors import AwayError, BudgetSpentError, EventError, PositionLostError, StopError, StreamAwayError
from bridge.ledger import rules
from bridge.ledger.model import Outcome, Place, Position, Reason
from bridge.ledger.port import Ledger
from bridge.ledger.rules import SUCCESS
from bridge.receiving.arrival import Arrival
from bridge.receiving.backlog import Backlog
from bridge.receiving.progress import Progress, Verdict
from bridge.receiving.read import Reader
from bridge.receiving.recording import Move
from bridge.receiving.result import Result, fault_of, no_room
from bridge.receiving.unit import Writer
from bridge.receiving.waiting import WaitingLine
from bridge.stream.port import Partition, Record

log = structlog.get_logger(__name__)


class Live:
    """Applies records of the partitions that this process has, and moves their positions along."""

    def __init__(
        self, ledger: Ledger, reader: Reader, writer: Writer, waiting: WaitingLine, progress: Progress
    ) -> None:
        self._ledger = ledger
        self._reader = reader
        self._writer = writer
        self._waiting = waiting
        self._progress = progress
        self.positions: dict[Partition, Position] = {}
        """Where the ledger stands, as far as this process knows."""
        self._backlogs: dict[Partition, Backlog] = {}
        self._ends: dict[Partition, int] = {}
        """How far partitions have been read whose last offsets are holes, until it is written."""
        self._settled: dict[Place, Result] = {}
        """What is clear of events that failed, until it is written."""

    # -- what is at hand ----------------------------------------------------------------------------------------------

    def start(self, partition: Partition, at: Position) -> None:
        """Take up a partition, or take it up anew, at a position."""
        self.positions[partition] = at
        self._drop(partition)
        self._settled.clear()

    def leave(self, partitions: Sequence[Partition]) -> None:
        """Forget partitions that another process has now."""
        for partition in partitions:
            self.positions.pop(partition, None)
            self._drop(partition)
        self._progress.released(partitions)

    def _drop(self, partition: Partition) -> None:
        """Forget what is at hand of a partition: it comes again."""
        self._backlogs.pop(partition, None)
        self._ends.pop(partition, None)

    def take(self, records: Sequence[Record]) -> None:
        """Take records that came, in order per partition; those of a held partition come again when it goes on."""
        by_partition: dict[Partition, list[Record]] = {}
        for record in records:
            at = self.positions.get(record.partition)
            if at is not None and record.offset >= at.next and record.partition not in self._progress.holds():
                by_partition.setdefault(record.partition, []).append(record)
        for partition, those in by_partition.items():
            self._backlogs.setdefault(partition, Backlog(self._reader)).extend(those)

    def _at_hand(self, partition: Partition) -> int:
        return len(self._backlogs[partition]) if partition in self._backlogs else 0

    @property
    def has_work(self) -> bool:
        """Whether records are at hand."""
        return any(len(backlog) for backlog in self._backlogs.values())

    # -- applying -----------------------------------------------------------------------------------------------------

    def turn(self, budget: Budget) -> int:
        """Apply what is at hand, a unit a partition in turn, until the budget is spent; return how many units.

        At least one unit is tried where there is anything. Raises AwayError, StopError and PositionLostError; what
        was applied until then is recorded, and ``positions`` say up to where.
        """
        units = 0
        while self.has_work and not budget.stopped:
            for partition in [one for one, backlog in self._backlogs.items() if len(backlog)]:
                if units and budget.spent:
                    return units
                self._unit(partition, budget)
                units += 1
        return units

    def take_ends(self, read_to: Mapping[Partition, int]) -> None:
        """Take note of how far partitions have been read: told once, and remembered until it is written.

        Not of those that are held: their records come again, and with them how far they have been read.
        """
        held = self._progress.holds()
        for partition, offset in read_to.items():
            if partition in self.positions and partition not in held:
                self._ends[partition] = offset

    def skip_holes(self) -> None:
        """Move positions over what the stream has no records for, where everything before is done."""
        self._ends = {one: offset for one, offset in self._ends.items() if self.positions[one].next < offset}
        held = self._progress.holds()
        moved = {
            partition: offset
            for partition, offset in self._ends.items()
            if not self._at_hand(partition) and partition not in held
        }
        if not moved:
            return
        with self._ledger.unit() as unit:
            for partition, offset in moved.items():
                at = self.positions[partition]
                unit.move(partition, at.topic_id, at.next, offset)
        for partition, offset in moved.items():
            del self._ends[partition]
            self._moved(partition, offset, begun=False)

    def _unit(self, partition: Partition, budget: Budget) -> None:
        """Write one unit of a partition; what fails is judged."""
        at, backlog = self.positions[partition], self._backlogs[partition]
        self._progress.waits(partition, len(backlog))
        arrivals: list[Arrival] = []
        try:
            self._progress.begin(partition, at)
            arrivals = self._next(partition, at, backlog, budget)
            self._write(partition, at, backlog, arrivals, budget.unhurried)
        except (StopError, PositionLostError):
            raise
        except BudgetSpentError:
            self._progress.interrupted(partition, at)
        except (Exception, SystemExit) as error:
            self._failed(partition, at, arrivals, error)

    def _next(self, partition: Partition, at: Position, backlog: Backlog, budget: Budget) -> list[Arrival]:
        given_up = self._progress.over(partition, at)
        if given_up is not None:
            return self._given_up(next(iter(backlog)), given_up, may_read=self._progress.is_over_now(partition, at))
        alone = self._progress.is_alone(partition, at)
        arrivals = backlog.unit(self._progress.limits.most, budget, alone=alone)
        if self._settled:
            arrivals = [
                one if (settled := self._settled.get(one.place)) is None else replace(one, settled=settled)
                for one in arrivals
            ]
        return self._with_room(arrivals)

    def _with_room(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Let what is too new wait on the stream, as dead letters, where what is kept takes half of the quota already.

        It is kept whole and unread, and anything may call itself so: it would stop the consumer.
        """
        newer = [one.place for one in arrivals if one.settled and one.settled.reason is Reason.NEWER_VERSION]
        if not newer or not self._progress.is_half_full():
            return arrivals
        known = self._outcomes(newer)
        going = set(newer) - known.keys()
        return [replace(one, settled=no_room(one.settled)) if one.place in going else one for one in arrivals]

    def _given_up(self, record: Record, fault: Result, *, may_read: bool) -> list[Arrival]:
        """Return what is given up of a record: all of it unread, or, where its first event was applied, the rest.

        It could be read when that was. Where giving it up comes to no end either, one dead letter stands for the
        others.
        """
        whole = self._reader.unread(record, fault)
        there = self._ledger.recorded([whole.place]).get(whole.place)
        if there is None or rules.stands(there, whole.entry(fault)) is not there:
            return [whole]  # also of a list that was applied in part
        if not may_read:
            places = (whole.place._replace(number=number) for number in count(1))
            free = next(place for place in places if not self._outcomes([place]))
            return [replace(whole, number=free.number)]
        arrivals = self._reader.read(record)
        known = self._outcomes([arrival.place for arrival in arrivals])
        left = [replace(one, settled=one.settled or fault) for one in arrivals if one.place not in known]
        return left or [whole]

    def _outcomes(self, places: Sequence[Place]) -> dict[Place, Outcome]:
        return {place: entry.outcome for place, entry in self._ledger.recorded(places).items()}

    def _write(
        self, partition: Partition, at: Position, backlog: Backlog, arrivals: Sequence[Arrival], budget: Budget
    ) -> None:
        self._waiting.let_go_first(arrivals, budget)
        next_offset = arrivals[-1].record.offset + 1
        begun = backlog.last_offset >= next_offset
        move = Move(partition=partition, topic_id=at.topic_id, expected=at.next, next=next_offset, begun=begun)
        results = self._writer.write(arrivals, move, budget=budget)
        self._moved(partition, next_offset, begun=begun)
        self._settled.clear()
        self._progress.note(arrivals, results)
        self._waiting.appeared(frozenset().union(*(result.appeared for result in results)), budget)
        self._progress.check_quota()

    def _moved(self, partition: Partition, next_offset: int, *, begun: bool) -> None:
        self.positions[partition] = Position(self.positions[partition].topic_id, next_offset)
        if partition in self._backlogs:
            self._backlogs[partition].drop_before(next_offset)
        self._progress.moved(partition, next_offset, begun=begun)

    def _failed(self, partition: Partition, at: Position, arrivals: Sequence[Arrival], error: BaseException) -> None:
        if not arrivals and isinstance(error, StreamAwayError):
            # What this topic's stream is asked besides (a schema) can't be answered now; others need not wait for that.
            self._progress.interrupted(partition, at)
            self._progress.hold(partition, error)
            self._drop(partition)
            return
        if not arrivals and not isinstance(error, AwayError):
            raise error  # reading is total: no record is at fault
        records = {arrival.record.offset for arrival in arrivals}
        try:
            verdict = self._progress.judge(error, in_company=len(records) > 1)
        except Exception:
            self._progress.interrupted(partition, at)
            raise
        match verdict:
            case Verdict.ISOLATE:
                self._progress.isolate(partition, max(records) + 1)
            case Verdict.AGAIN:
                self._progress.hold(partition, error)
                self._drop(partition)  # it is read again when it goes on
            case Verdict.DEAD:
                if not isinstance(error, EventError):
                    log.exception("record.internal_error", where=arrivals[0].record.where, exc_info=error)
                self._bury(arrivals, fault_of(error))

    def _bury(self, arrivals: Sequence[Arrival], fault: Result) -> None:
        """Let the event that failed become a dead letter: the first of its record that has no outcome yet.

        Where all have one, because the record is read again, it is the first that waits, and else the first of all:
        what was applied stays so, whatever is said of it.
        """
        outcomes = self._outcomes([arrival.place for arrival in arrivals])
        left = [one for one in arrivals if one.settled is None]
        if not left:
            raise RuntimeError(f"nothing of {arrivals[0].record.where} can be at fault, and yet it fails") from None

        def finished(one: Arrival) -> int:
            outcome = outcomes.get(one.place)
            return 2 if outcome in SUCCESS else int(outcome is Outcome.PARKED)

        self._settled[min(left, key=finished).place] = fault
