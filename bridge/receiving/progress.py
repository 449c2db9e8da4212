"""Whether work goes on, in one place: who is away, what is at fault, what needs a person.

What fails is judged here alone. *Away*: a request known to be good fails as well, so nothing is concluded and
everybody waits. *At fault*: a record that fails while good requests succeed; it is tried alone, and becomes a dead
letter when the TOM refuses it, when it breaks something here, or when it was begun too often without coming to an end.
*Stop*: so much dies of one of these that the fault is hardly the records'. What is bad in itself (undecodable, invalid)
stops nobody.

Tries are counted in the ledger before they are made, so that a record which kills the process is known at the next
start: from the third try on it is tried alone.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

import structlog

from bridge.backoff import growing_s
from bridge.clock import CLOCK, Clock
from bridge.errors import (
    AwayError,
    LedgerAwayError,
    QuotaError,
    TomAwayError,
    TooManyDeadError,
)
from bridge.ledger.model import Entry, Outcome, Position, Reason, Tries
from bridge.ledger.port import Ledger
from bridge.ledger.rules import SUCCESS
from bridge.receiving.arrival import Arrival
from bridge.receiving.company import Most
from bridge.receiving.result import Result, dead
from bridge.stream.port import Partition
from bridge.tom.port import Tom

log = structlog.get_logger(__name__)

ALONE_AFTER = 2
"""Tries without an end after which a record is tried alone."""
_ALONE_FOR = 500
"""Offsets from there on that are tried alone: the record that ends a process may be any of a unit."""
_COUNTED = frozenset({Reason.REJECTED, Reason.INTERNAL, Reason.UNFINISHED})
_LOOKED_BACK = 200
"""How many events the ratio is taken of."""
_SHORTEST_HOLD_S = 0.5
_LONGEST_HOLD_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much at once, and how much at all."""

    batch_datums: int = 500
    batch_targets: int = 1
    batch_s: float = 5.0
    """Seconds after which a turn begins nothing more; one unit is written in any case."""
    parked_bytes: int = 1 << 30
    dead_in_a_run: int = 20
    """Events that die of the TOM or of this software one after the other, at which the consumer stops."""
    dead_ratio: float = 0.5
    """The part of the last events that may die so."""
    tries: int = 10
    """How often something is begun that never comes to an end."""

    @property
    def most(self) -> Most:
        """How much is written in one transaction."""
        return Most(datums=self.batch_datums, targets=self.batch_targets)


class Verdict(Enum):
    """What is to be done about something that failed."""

    ISOLATE = "isolate"
    """It failed in company: each of them is tried alone."""
    AGAIN = "again"
    """It may succeed later, and has been counted; others go on."""
    DEAD = "dead"
    """It is at fault."""


@dataclass
class _Hold:
    """A partition whose next record is tried again later."""

    until: float
    failures: int
    why: str
    taken_up: bool = False
    """Whether it is being tried again."""


@dataclass
class Trouble:
    """What a topic, the TOM or the stream waits for, for people."""

    what: str
    since: datetime
    needs_a_person: bool = False


@dataclass
class _Moves:
    """Of one partition: where it stands, and since when."""

    at: datetime
    waits: int = 0
    """Records at hand that are not done."""


@dataclass
class State:
    """How the consumer is, for its heartbeat."""

    troubles: dict[str, Trouble] = field(default_factory=dict)
    """By topic; of the TOM and the stream as a whole under ``tom``, ``ledger`` and ``stream`` in square brackets."""
    moves: dict[Partition, _Moves] = field(default_factory=dict)


class Progress:
    """Supervises what one consumer, command or page does. Not thread-safe."""

    def __init__(self, ledger: Ledger, tom: Tom, limits: Limits, clock: Clock = CLOCK) -> None:
        self._ledger = ledger
        self._tom = tom
        self.limits = limits
        self._clock = clock
        self._tries: dict[Partition, Tries] = {}
        self._begun: dict[Partition, int] = {}
        """Where a try is counted that has not ended yet."""
        self._alone_before: dict[Partition, int] = {}
        self._holds: dict[Partition, _Hold] = {}
        self._run: list[Entry] = []
        self._last: deque[bool] = deque(maxlen=_LOOKED_BACK)
        self._stood: dict[Partition, tuple[int, datetime]] = {}
        """Where each partition stands, and since when, also while another member has it."""
        self.state = State()
        self.listeners: list[Callable[[Sequence[Entry]], object]] = []
        """Are told the outcomes of each unit when it is done (metrics, a rate)."""

    # -- tries of what stands next in a partition ---------------------------------------------------------------------

    def assigned(self, positions: Mapping[Partition, Position]) -> None:
        """Take up partitions: how often what stands there was begun is read from the ledger.

        Since when it stands there is remembered: taking it up again is no move.
        """
        known = self._ledger.tries()
        now = self._clock.now()
        for partition, position in positions.items():
            self.released([partition])
            if partition in known:
                self._tries[partition] = known[partition]
                self._alone_before[partition] = known[partition].alone_before
            stood, since = self._stood.get(partition, (position.next, now))
            self._stands(partition, position.next, since if stood == position.next else now)

    def _stands(self, partition: Partition, at: int, since: datetime) -> None:
        self._stood[partition] = (at, since)
        self.state.moves[partition] = _Moves(since)

    def released(self, partitions: Collection[Partition]) -> None:
        """Forget partitions that another member has now, or that are taken up anew."""
        for partition in partitions:
            self._tries.pop(partition, None)
            self._begun.pop(partition, None)
            self._alone_before.pop(partition, None)
            self._holds.pop(partition, None)
            self.state.moves.pop(partition, None)

    def begin(self, partition: Partition, at: Position) -> None:
        """Count a try of what stands at ``at``, unless it is counted; raises AwayError where that can't be written."""
        if self._begun.get(partition) == at.next:
            return
        before = self._before(partition, at)
        alone_before = at.next + _ALONE_FOR if before >= ALONE_AFTER else 0
        self._tries[partition] = self._ledger.begin_try(partition, at, before + 1, alone_before=alone_before)
        self._alone_before[partition] = max(self._alone_before.get(partition, 0), alone_before)
        self._begun[partition] = at.next

    def _before(self, partition: Partition, at: Position) -> int:
        """Return how often what stands at ``at`` was begun before without coming to an end."""
        known = self._tries.get(partition)
        if known is None or known.next != at.next:
            return 0
        return known.tries - (self._begun.get(partition) == at.next)

    def is_alone(self, partition: Partition, at: Position) -> bool:
        """Return whether the next record is to be tried alone."""
        return at.next < self._alone_before.get(partition, 0) or self._before(partition, at) >= ALONE_AFTER

    def over(self, partition: Partition, at: Position) -> Result | None:
        """Return why the next record is given up, begun too often without coming to an end; None where it isn't."""
        before, known = self._before(partition, at), self._tries.get(partition)
        if before < self.limits.tries or known is None:
            return None
        hold = self._holds.get(partition)
        took = "" if known.since is None else f" in {_duration((self._clock.now() - known.since).total_seconds())}"
        last = f"; the last time: {hold.why}" if hold is not None else ""
        return dead(Reason.UNFINISHED, f"never finished: tried {before} times{took}{last}", tries=before)

    def is_over_now(self, partition: Partition, at: Position) -> bool:
        """Return whether the next record is given up for the first time, and that has come to no end before."""
        return self._before(partition, at) == self.limits.tries

    def interrupted(self, partition: Partition, at: Position) -> None:
        """Take back the try of what stands at ``at``: it did not fail.

        Where that can't be written, it stays begun: the next try is this one still, and is not counted again.
        """
        if self._begun.get(partition) != at.next:
            return
        self._ledger.end_try(partition, at)
        del self._begun[partition]
        known = self._tries.get(partition)
        if known is not None and known.next == at.next:
            self._tries[partition] = Tries(
                next=known.next,
                tries=max(known.tries - 1, 0),
                since=known.since if known.tries > 1 else None,
                alone_before=known.alone_before,
            )

    def moved(self, partition: Partition, next_offset: int, *, begun: bool) -> None:
        """Note that everything before ``next_offset`` is done, and whether what stands next counts as begun."""
        self._begun.pop(partition, None)
        self._holds.pop(partition, None)
        now = self._clock.now()
        self._tries[partition] = Tries(
            next=next_offset,
            tries=int(begun),
            since=now if begun else None,
            alone_before=self._alone_before.get(partition, 0),
        )
        if begun:
            self._begun[partition] = next_offset
        self._stands(partition, next_offset, now)

    def held(self, partition: Partition) -> bool:
        """Return whether the next record of a partition is not to be tried yet."""
        hold = self._holds.get(partition)
        return hold is not None and self._clock.monotonic() < hold.until

    def taken_up(self, partition: Partition) -> None:
        """Note that a held partition is read again from where it stands; the hold is remembered until it has moved."""
        hold = self._holds[partition]
        self._holds[partition] = _Hold(hold.until, hold.failures, hold.why, taken_up=True)

    def holds(self) -> dict[Partition, str]:
        """Return why partitions are held, by partition: those whose next record is not being tried again yet."""
        return {partition: hold.why for partition, hold in self._holds.items() if not hold.taken_up}

    # -- judging ------------------------------------------------------------------------------------------------------

    def judge(self, error: BaseException, *, in_company: bool) -> Verdict:
        """Return what is to be done about what failed with ``error``; raise it where somebody is away.

        To be called for everything but StopError, PositionLostError and BudgetSpentError.
        """
        if isinstance(error, AwayError):
            if not isinstance(error, TomAwayError) or isinstance(error, LedgerAwayError):
                raise error
            try:
                self._tom.probe(writing=True)
            except AwayError as probe:
                log.debug("tom.probed", message=str(probe))
                raise error from None
            log.warning("record.suspect", message=str(error), in_company=in_company)
            return Verdict.ISOLATE if in_company else Verdict.AGAIN
        return Verdict.ISOLATE if in_company else Verdict.DEAD

    def isolate(self, partition: Partition, before: int) -> None:
        """Let the records of a partition be tried alone up to the offset ``before``."""
        self._alone_before[partition] = max(self._alone_before.get(partition, 0), before)

    def hold(self, partition: Partition, error: BaseException) -> None:
        """Let a partition wait before its next record is tried again: longer each time, a minute at most."""
        failures = self._holds[partition].failures + 1 if partition in self._holds else 1
        wait_s = growing_s(_SHORTEST_HOLD_S, failures, _LONGEST_HOLD_S)
        self._begun.pop(partition, None)
        self._holds[partition] = _Hold(self._clock.monotonic() + wait_s, failures, str(error))
        log.warning("partition.held", partition=str(partition), message=str(error), wait_s=wait_s, failures=failures)

    def note(self, arrivals: Sequence[Arrival], results: Sequence[Result]) -> None:
        """Take note of outcomes. Raises TooManyDeadError where so many die that the fault is hardly theirs."""
        if self.listeners:
            entries = [arrival.entry(result) for arrival, result in zip(arrivals, results, strict=True)]
            for listener in self.listeners:
                listener(entries)
        for arrival, result in zip(arrivals, results, strict=True):
            if result.outcome is Outcome.DEAD and result.reason in _COUNTED:
                self._run.append(arrival.entry(result))
                self._last.append(True)
            elif result.outcome in SUCCESS or result.outcome is Outcome.PARKED:
                self._run.clear()
                self._last.append(False)
        self._check_dead()

    def _check_dead(self) -> None:
        deaths = sum(self._last)
        in_a_run = len(self._run) >= self.limits.dead_in_a_run
        too_often = len(self._last) == _LOOKED_BACK and deaths > self.limits.dead_ratio * _LOOKED_BACK
        if not self._run or not (in_a_run or too_often):
            return
        last = self._run[-1]
        origins = Counter(entry.origin for entry in self._run)
        told = f"{len(self._run)} events in a run" if in_a_run else f"{deaths} of the last {_LOOKED_BACK} events"
        self._run, self._last = [], deque(maxlen=_LOOKED_BACK)
        raise TooManyDeadError(
            f"{told} have become dead letters ({', '.join(sorted(origins)) or 'of no known origin'}); the last:"
            f" {last.reason}: {last.detail.get('message')}",
            where=last.where,
            mend="Run 'tom-bridge doctor' and see 'tom-bridge dead list'; start again when it is mended, then"
            " 'tom-bridge dead retry'",
        )

    def is_half_full(self) -> bool:
        """Return whether what is kept takes half of what it may."""
        return self._ledger.kept_bytes() > self.limits.parked_bytes // 2

    def check_quota(self) -> None:
        """Raise QuotaError where more is kept than may be."""
        kept = self._ledger.kept_bytes()
        if kept > self.limits.parked_bytes:
            raise QuotaError(
                f"parked events and dead letters take {kept} bytes; limits.parked_bytes is {self.limits.parked_bytes}",
                mend="See 'tom-bridge parked list' and 'tom-bridge dead list' (drop what nobody needs), or raise it",
            )

    # -- states -------------------------------------------------------------------------------------------------------

    def troubled(self, whose: str, what: str, *, needs_a_person: bool = False) -> bool:
        """Note what a topic (or ``[tom]``, ``[ledger]``, ``[stream]``) waits for; return whether that is new.

        It is said once, and again when it changes.
        """
        known = self.state.troubles.get(whose)
        if known is not None and known.what == what:
            return False
        since = self._clock.now() if known is None else known.since
        self.state.troubles[whose] = Trouble(what, since, needs_a_person)
        log.warning("consumer.troubled", whose=whose, message=what, needs_a_person=needs_a_person)
        return True

    def well(self, whose: str) -> None:
        """Note that nothing is waited for any more."""
        if self.state.troubles.pop(whose, None) is not None:
            log.info("consumer.goes_on", whose=whose)

    def waits(self, partition: Partition, records: int) -> None:
        """Note how many records of a partition are at hand and not done."""
        if partition in self.state.moves:
            self.state.moves[partition].waits = records

    def report(self) -> Mapping[str, object]:
        """Return the state for a heartbeat, as JSON."""
        topics: dict[str, dict[str, object]] = {}
        for partition, moves in sorted(self.state.moves.items()):
            topic = topics.setdefault(partition.topic, {"partitions": {}})
            of_topic = topic["partitions"]
            assert isinstance(of_topic, dict)
            of_topic[str(partition.number)] = {
                "moved_at": moves.at.isoformat(),
                "waits": moves.waits,
                **({"held": self._holds[partition].why} if partition in self._holds else {}),
            }
        troubles = {
            whose: {"what": one.what, "since": one.since.isoformat(), "needs_a_person": one.needs_a_person}
            for whose, one in self.state.troubles.items()
        }
        return {"topics": topics, "troubles": troubles}


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"
