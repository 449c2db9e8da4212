"""The long-running consumer: poll, apply, go on."""

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import structlog

from bridge.errors import AwayError, BudgetSpentError, PositionLostError, TopicMissingError, TopicReplacedError
from bridge.ledger.port import Ledger, Position
from bridge.receiving.apply import Applier
from bridge.stream.port import Partition, Record, Stream, Subscription
from bridge.tom.port import Tom

log = structlog.get_logger(__name__)
T = TypeVar("T")

Start = str | datetime
"""Where a subscription begins that has no position yet: ``"earliest"``, ``"now"`` or a time."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How much is polled at once, and how often what is done besides."""

    records: int = 500
    poll_s: float = 1.0
    parked_retry_s: float = 60.0
    commit_s: float = 5.0
    shortest_wait_s: float = 0.5
    longest_wait_s: float = 60.0


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
        tom: Tom,
        applier: Applier,
        *,
        group: str,
        starts: Mapping[str, Start],
        pace: Pace | None = None,
        stopped: threading.Event | None = None,
        besides: Callable[[], object] = lambda: None,
    ) -> None:
        self._besides = besides
        self._stream = stream
        self._ledger = ledger
        self._tom = tom
        self._applier = applier
        self._group = group
        self._starts = starts
        self._pace = pace or Pace()
        self._stopped = stopped or threading.Event()
        self._positions: dict[Partition, Position] = {}
        self._pending: list[Record] = []
        self._failures = 0
        self._next_retry = self._next_commit = 0.0
        self._retry_newer = True
        self._position_lost = False

    def stop(self) -> None:
        """Finish the unit at hand and leave."""
        self._stopped.set()

    def run(self, *, until_end: bool = False) -> None:
        """Consume until stopped or, with ``until_end``, until everything is applied that is there now.

        Waits for whoever is away. Raises :class:`~bridge.errors.StopError` where a person has to do something.
        """
        ends = self._wait_for(self._ends) if until_end else None
        subscription = self._wait_for(lambda: self._stream.subscribe(list(self._starts), self._group, self._start_at))
        if subscription is None:
            return
        log.info("consumer.started", topics=sorted(self._starts), group=self._group, stream=self._stream.url)
        try:
            while not self._stopped.is_set() and not (ends is not None and self._wait_for(lambda: self._reached(ends))):
                self._turn(subscription)
            if until_end:
                self._wait_for(self._retry_parked)  # once also where nothing new has come
        finally:
            self._commit(subscription)
            subscription.close()
            log.info("consumer.stopped")

    # -- one turn -----------------------------------------------------------------------------------------------------

    def _turn(self, subscription: Subscription) -> None:
        """Poll, apply, and retry what is parked when it is time; wait where somebody is away."""
        try:
            self._besides()
            if self._position_lost:
                self._go_back(subscription)
            if not self._pending:
                self._pending = subscription.poll(self._pace.records, self._pace.poll_s)
            self._applier.live(self._pending, self._positions)
            self._drop_applied()
            if self._pending:
                self._keep_alive(subscription)
            self._retry_parked()
            self._commit_when_due(subscription)
            self._failures = 0
        except AwayError as error:
            self._drop_applied()
            self._wait(error, subscription)
        except BudgetSpentError:
            self._drop_applied()
        except PositionLostError as error:
            log.warning("consumer.position_lost", message=str(error))
            self._position_lost = True

    def _drop_applied(self) -> None:
        """Keep of the pending records what is not applied yet and still ours."""
        self._pending = [
            record
            for record in self._pending
            if record.partition in self._positions and record.offset >= self._positions[record.partition].next
        ]

    def _go_back(self, subscription: Subscription) -> None:
        """Take up again, in what is still assigned, where the ledger stands."""
        self._pending = []
        self._positions = {}
        for partition, offset in self._start_at(sorted(subscription.assignment())).items():
            subscription.seek(partition, offset)
        self._position_lost = False

    def _retry_parked(self) -> None:
        if time.monotonic() < self._next_retry:
            return
        released = self._applier.retry_all(self._tom.appeared, newer=self._retry_newer)
        self._retry_newer = False
        self._next_retry = time.monotonic() + self._pace.parked_retry_s
        if released:
            log.info("parked.released", events=released)

    def _commit_when_due(self, subscription: Subscription) -> None:
        if time.monotonic() >= self._next_commit:
            self._check_positions(subscription)
            self._commit(subscription)
            self._next_commit = time.monotonic() + self._pace.commit_s

    def _check_positions(self, subscription: Subscription) -> None:
        """Raise PositionLostError where the ledger stands elsewhere.

        A backup that was put back, or a position set by command, is noticed also while nothing comes.
        """
        recorded = self._ledger.positions()
        for partition in subscription.assignment() & self._positions.keys():
            if recorded.get(partition) != self._positions[partition]:
                raise PositionLostError("the ledger stands elsewhere", where=str(partition))

    def _commit(self, subscription: Subscription) -> None:
        """Tell the stream where we stand, for lag tools alone: the ledger is what counts."""
        try:
            subscription.commit({partition: position.next for partition, position in self._positions.items()})
        except AwayError as error:
            log.debug("consumer.commit_failed", message=str(error))

    # -- where to start -----------------------------------------------------------------------------------------------

    def _start_at(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Return where to go on in newly assigned partitions: at the ledger's position, else at the topic's start.

        A first position is written at once, so that "now" is resolved one time only.
        """
        topics = self._stream.topics()
        recorded = self._ledger.positions()
        for partition in partitions:
            topic = topics.get(partition.topic)
            if topic is None:
                raise TopicMissingError(f"topic {partition.topic!r} does not exist", where=str(partition))
            position = recorded.get(partition)
            if position is None:
                known = any(other.topic == partition.topic for other in recorded)
                recorded |= self._first_positions([partition] if known else topic.each_partition(), topic.id, known)
                position = recorded[partition]
            elif position.topic_id != topic.id:
                raise TopicReplacedError(
                    f"topic {partition.topic!r} was removed and made again; offset {position.next} meant the old one",
                    where=str(partition),
                    mend=f"To begin anew: tom-bridge position set {partition.topic} earliest",
                )
            self._positions[partition] = position
        taken = set(partitions)
        self._pending = [record for record in self._pending if record.partition not in taken]
        return {partition: self._positions[partition].next for partition in partitions}

    def _first_positions(
        self, partitions: Sequence[Partition], topic_id: str, known: bool
    ) -> dict[Partition, Position]:
        """Write and return where to begin in ``partitions``, all of a topic: in one that was added later, at its start.

        All at once, also those that go to another member of the group: "now" is the same moment for all of them.
        """
        found = {}
        with self._ledger.unit() as unit:
            for partition in partitions:
                start = "earliest" if known else self._starts[partition.topic]
                found[partition] = Position(topic_id, offset_for(self._stream, partition, start))
                unit.move(partition, topic_id, None, found[partition].next)
        return found

    # -- until the end ------------------------------------------------------------------------------------------------

    def _ends(self) -> dict[Partition, int]:
        return {partition: ends.next for topic in self._starts for partition, ends in self._stream.ends(topic).items()}

    def _reached(self, ends: Mapping[Partition, int]) -> bool:
        """Return whether everything before ``ends`` is applied, by this process or another of the group."""
        if self._pending:
            return False
        positions = self._ledger.positions()
        return all(partition in positions and positions[partition].next >= end for partition, end in ends.items())

    # -- waiting ------------------------------------------------------------------------------------------------------

    def _wait_for(self, ask: Callable[[], T]) -> T | None:
        """Return what ``ask`` returns, once nobody is away any more; None where stopped before."""
        while not self._stopped.is_set():
            try:
                answer = ask()
            except AwayError as error:
                self._wait(error, None)
            else:
                self._failures = 0
                return answer
        return None

    def _wait(self, error: AwayError, subscription: Subscription | None) -> None:
        """Wait with jittered backoff (full jitter between half and all of it), staying a member of the group."""
        self._failures += 1
        longest = min(self._pace.longest_wait_s, self._pace.shortest_wait_s * 2 ** min(self._failures - 1, 16))
        wait_s = max(random.uniform(longest / 2, longest), error.retry_after_s or 0.0)  # noqa: S311 (no secret)
        log.warning("consumer.waiting", message=str(error), wait_s=round(wait_s, 1), failures=self._failures)
        deadline = time.monotonic() + wait_s
        while (left := deadline - time.monotonic()) > 0 and not self._stopped.wait(min(left, 5.0)):
            if subscription is not None:
                self._keep_alive(subscription)

    def _keep_alive(self, subscription: Subscription) -> None:
        try:
            subscription.keep_alive()
        except AwayError as error:
            log.debug("consumer.keep_alive_failed", message=str(error))


def offset_for(stream: Stream, partition: Partition, start: Start) -> int:
    """Return the offset in ``partition`` that ``start`` means now."""
    if isinstance(start, datetime):
        return stream.offsets_at(partition.topic, start)[partition]
    ends = stream.ends(partition.topic)[partition]
    return ends.next if start == "now" else ends.first
