"""The long-running consumer: poll, apply, look at what waits, and go on whatever happens."""

import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import structlog

from bridge.backoff import growing_s, jittered_s
from bridge.budget import Budget
from bridge.clock import CLOCK, Clock
from bridge.errors import (
    AwayError,
    BridgeError,
    BudgetSpentError,
    LedgerAwayError,
    PositionLostError,
    StopError,
    StreamAwayError,
)
from bridge.ledger.model import Heartbeat
from bridge.ledger.port import Ledger
from bridge.receiving.live import Live
from bridge.receiving.progress import Progress
from bridge.receiving.starting import Start, StartingPlaces
from bridge.receiving.waiting import WaitingLine
from bridge.stream.port import Fetched, Partition, Stream, Subscription

log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How much is polled at once, and how often what is done besides."""

    records: int = 500
    poll_s: float = 1.0
    commit_s: float = 5.0
    ask_again_s: float = 5.0
    heartbeat_s: float = 15.0
    forget_s: float = 3600.0
    shortest_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    longest_asked_s: float = 300.0
    """Seconds that the other side may ask for (``Retry-After``)."""


class Consumer:
    """Applies what comes on some topics to one TOM until it is told to stop.

    ``group`` is the consumer group; ``starts`` says for each topic where to begin. ``besides`` is called before each
    turn, about every second while nothing comes; its errors count as those of the turn. :meth:`stop` may be called from
    a signal handler or another thread.
    """

    def __init__(
        self,
        stream: Stream,
        ledger: Ledger,
        live: Live,
        waiting: WaitingLine,
        progress: Progress,
        *,
        group: str,
        starts: Mapping[str, Start],
        pace: Pace | None = None,
        stopped: threading.Event | None = None,
        besides: Callable[[], object] = lambda: None,
        clock: Clock = CLOCK,
    ) -> None:
        self._stream = stream
        self._ledger = ledger
        self._live = live
        self._waiting = waiting
        self._progress = progress
        self._group = group
        self._starts = starts
        self._places = StartingPlaces(stream, ledger, starts)
        self._pace = pace or Pace()
        self._clock = clock
        self._besides = besides
        self._budget = Budget(stopped=stopped or threading.Event(), clock=clock)
        self._failures = 0
        self._due: dict[str, float] = {}
        self._lost: set[str] = set()
        """Topics that are to be taken up again where the ledger stands."""
        self._unsaid: set[str] = set()
        """Topics of these of which it could not be said where they start; it is asked again every few seconds."""
        self._away: set[str] = set()
        """Topics that could not be reached when last polled: what is asked of their stream keeps all others waiting."""
        self._upgraded = False
        self._started_at = clock.now()

    def stop(self) -> None:
        """Finish what is at hand, or leave it where it can be taken up again, and leave."""
        self._budget.stop()

    def run(self, *, until_end: bool = False) -> None:
        """Consume until stopped or, with ``until_end``, until everything is applied that is there now.

        Waits for whoever is away. Raises :class:`~bridge.errors.StopError` where a person has to do something.
        """
        ends = self._wait_for(self._ends) if until_end else None
        subscription = self._wait_for(lambda: self._stream.subscribe(list(self._starts), self._group, self.start_at))
        if subscription is None:
            return
        log.info("consumer.started", topics=sorted(self._starts), group=self._group, stream=self._stream.url)
        try:
            while not self._budget.stopped:
                if ends is not None and self._wait_for(lambda: self._reached(ends), subscription):
                    break
                self.turn(subscription)
            if until_end:
                self._wait_for(self._look_at_all)  # once also where nothing new has come
        finally:
            self._end(subscription)

    def _end(self, subscription: Subscription) -> None:
        self._commit(subscription)
        subscription.close()
        self._beat_if_possible(ended=True)
        log.info("consumer.stopped")

    # -- one turn -----------------------------------------------------------------------------------------------------

    def turn(self, subscription: Subscription) -> None:
        """Poll, apply, look at what waits, and do what is due; wait where somebody is away."""
        try:
            self._besides()
            if self._lost:
                self._go_back(subscription)
            self._poll(subscription)
            self._apply(subscription)
            self._live.skip_holes()
            self._waiting.turn(self._budget.within(self._progress.limits.batch_s))
            self._progress.well("[tom]")
            self._progress.well("[ledger]")
            self._do_what_is_due(subscription)
            self._failures = 0
        except AwayError as error:
            if self._progress.troubled(_whose(error), str(error)):
                self._due.pop("heartbeat", None)  # it is written down at once
            self._wait(error, subscription)
        except BudgetSpentError as error:
            log.debug("consumer.interrupted", message=str(error))
        except PositionLostError as error:
            log.warning("consumer.position_lost", message=str(error))
            self._lost = set(self._starts)

    def _poll(self, subscription: Subscription) -> None:
        """Take what comes, where nothing is at hand; whatever goes wrong, go on from where the ledger stands."""
        self._take_up_held(subscription)
        if self._live.has_work:
            subscription.keep_alive()
            return
        try:
            fetched = subscription.poll(self._pace.records, self._pace.poll_s)
        except BaseException:
            self._lost = set(self._starts)
            raise
        self._progress.well("[stream]")
        if subscription.waits_for:
            self._progress.troubled("[group]", subscription.waits_for)
        else:
            self._progress.well("[group]")
        self._take_problems(fetched)
        assigned = subscription.assignment()
        self._live.leave([one for one in self._live.positions if one not in assigned])
        self._live.take(fetched.records)
        self._live.take_ends(fetched.read_to)

    def _apply(self, subscription: Subscription) -> None:
        if not self._live.has_work:
            return
        budget = self._budget.within(self._progress.limits.batch_s)
        self._live.turn(budget)
        subscription.keep_alive()

    def _take_problems(self, fetched: Fetched) -> None:
        """Say what topics wait for; stop where every topic needs a person."""
        self._away = {topic for topic, problem in fetched.problems.items() if isinstance(problem, StreamAwayError)}
        for topic in self._starts:
            problem = fetched.problems.get(topic)
            if problem is None and topic not in self._unsaid:
                self._progress.well(topic)
            elif problem is not None:
                self._progress.troubled(topic, str(problem), needs_a_person=isinstance(problem, StopError))
        stopped = [one for one in fetched.problems.values() if isinstance(one, StopError)]
        if stopped and len(stopped) == len(self._starts):
            raise stopped[0]

    def _take_up_held(self, subscription: Subscription) -> None:
        """Read partitions again from where they stand whose next record may be tried once more.

        Not of a topic that is away: what is asked of its stream besides would keep the others waiting.
        """
        due = [one for one in self._progress.holds() if not self._progress.held(one)]
        for partition in [one for one in due if one.topic not in self._away]:
            at = self._live.positions[partition]
            subscription.seek(partition, at.next)
            self._progress.taken_up(partition)

    def _go_back(self, subscription: Subscription) -> None:
        """Take up again, in what is still assigned, where the ledger stands; topics of which that can't be said, later.

        They keep no other waiting: what follows is polled, and that alone says who is well again.
        """
        self._live.leave([partition for partition in self._live.positions if partition.topic in self._lost])
        by_topic: dict[str, list[Partition]] = {}
        for partition in sorted(subscription.assignment()):
            if partition.topic in self._lost:
                by_topic.setdefault(partition.topic, []).append(partition)
        if self._unsaid and self._is_due("ask again", self._pace.ask_again_s):
            self._unsaid.clear()
        later = {topic for topic in by_topic if topic in self._away or topic in self._unsaid}
        for topic in [one for one in by_topic if one not in later]:
            try:
                starts = self.start_at(by_topic[topic])
            except (StopError, StreamAwayError) as error:
                self._progress.troubled(topic, str(error), needs_a_person=isinstance(error, StopError))
                self._unsaid.add(topic)
                later.add(topic)
                continue
            for partition, offset in starts.items():
                subscription.seek(partition, offset)
        self._lost = later
        self._unsaid &= later  # what another member has meanwhile is not waited for

    # -- what is done besides -----------------------------------------------------------------------------------------

    def _do_what_is_due(self, subscription: Subscription) -> None:
        if self._is_due("commit", self._pace.commit_s):
            self._check_positions(subscription)
            self._commit(subscription)
        if self._is_due("heartbeat", self._pace.heartbeat_s):
            self._beat()
        if self._is_due("forget", self._pace.forget_s):
            self._forget()
        if self._live.positions and not self._upgraded:
            self._look_at_newer()

    def _look_at_newer(self) -> None:
        """Look at what was too new for the release that had these partitions before."""
        self._waiting.upgraded(self._budget)
        self._upgraded = True

    def _look_at_all(self) -> None:
        if not self._upgraded:
            self._look_at_newer()
        self._waiting.look_at_names()
        self._waiting.turn(self._budget)

    def _is_due(self, what: str, every_s: float) -> bool:
        now = self._clock.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + every_s
        return True

    def _check_positions(self, subscription: Subscription) -> None:
        """Raise PositionLostError where the ledger stands elsewhere.

        A backup that was put back, or a position set by command, is noticed also while nothing comes.
        """
        recorded = self._ledger.positions()
        for partition in subscription.assignment() & self._live.positions.keys():
            if recorded.get(partition) != self._live.positions[partition]:
                raise PositionLostError("the ledger stands elsewhere", where=str(partition))

    def _commit(self, subscription: Subscription) -> None:
        """Tell the stream where we stand, for lag tools alone: the ledger is what counts."""
        try:
            subscription.commit({partition: position.next for partition, position in self._live.positions.items()})
        except AwayError as error:
            log.debug("consumer.commit_failed", message=str(error))

    def _beat(self, *, ended: bool = False) -> None:
        self._ledger.beat(
            Heartbeat(
                process=f"{socket.gethostname()}:{os.getpid()}",
                started_at=self._started_at,
                at=self._clock.now(),
                state=self._progress.report(),
                ended=ended,
            )
        )

    def _forget(self) -> None:
        """Forget outcomes of records that the stream no longer holds."""
        topics = {partition.topic for partition in self._live.positions}
        for topic in topics - self._away:
            try:
                ends = self._stream.ends(topic)
            except BridgeError as error:
                log.debug("consumer.forgets_later", topic=topic, message=str(error))
                continue
            for partition, held in ends.items():
                position = self._live.positions.get(partition)
                if position is not None and held.first > 0:
                    self._ledger.forget(partition, position.topic_id, held.first)

    # -- where to start -----------------------------------------------------------------------------------------------

    def start_at(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return where to go on in newly assigned partitions of a topic: where the ledger stands, else at its start."""
        positions = self._places.positions(partitions)
        for partition, position in positions.items():
            self._live.start(partition, position)
        self._progress.assigned(positions)
        self._upgraded = False
        return {partition: position.next for partition, position in positions.items()}

    # -- until the end ------------------------------------------------------------------------------------------------

    def _ends(self) -> dict[Partition, int]:
        return {partition: ends.next for topic in self._starts for partition, ends in self._stream.ends(topic).items()}

    def _reached(self, ends: Mapping[Partition, int]) -> bool:
        """Return whether everything before ``ends`` is applied, by this process or another of the group."""
        if self._live.has_work or self._progress.holds():
            return False
        positions = self._ledger.positions()
        return all(partition in positions and positions[partition].next >= end for partition, end in ends.items())

    # -- waiting ------------------------------------------------------------------------------------------------------

    def _wait_for(self, ask: Callable[[], T], subscription: Subscription | None = None) -> T | None:
        """Return what ``ask`` returns, once nobody is away any more; None where stopped before."""
        while not self._budget.stopped:
            try:
                return ask()
            except AwayError as error:
                self._wait(error, subscription)
            except BudgetSpentError:
                continue
        return None

    def _wait(self, error: AwayError, subscription: Subscription | None) -> None:
        """Wait with jittered backoff, staying a member of the group."""
        self._failures += 1
        asked_s = min(error.retry_after_s or 0.0, self._pace.longest_asked_s)
        growing = growing_s(self._pace.shortest_wait_s, self._failures, self._pace.longest_wait_s)
        wait_s = max(jittered_s(growing), asked_s)
        log.warning("consumer.waiting", message=str(error), wait_s=round(wait_s, 1), failures=self._failures)
        waiting = self._budget.within(wait_s)
        while not waiting.spent:
            if self._is_due("heartbeat", self._pace.heartbeat_s):
                self._beat_if_possible()
            waiting.wait(5.0)
            if subscription is not None:
                self._keep_alive(subscription)

    def _keep_alive(self, subscription: Subscription) -> None:
        try:
            subscription.keep_alive()
        except AwayError as error:
            log.debug("consumer.keep_alive_failed", message=str(error))

    def _beat_if_possible(self, *, ended: bool = False) -> None:
        try:
            self._beat(ended=ended)
        except (AwayError, StopError) as error:
            log.debug("consumer.heartbeat_failed", message=str(error))


def _whose(error: AwayError) -> str:
    """Return who is away, as :attr:`bridge.receiving.progress.State.troubles` names it."""
    match error:
        case StreamAwayError():
            return "[stream]"
        case LedgerAwayError():
            return "[ledger]"
        case _:
            return "[tom]"
