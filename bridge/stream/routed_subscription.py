"""One membership on several streams: records of one come whatever the others do."""

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bridge.clock import CLOCK, Clock
from bridge.errors import AwayError, BridgeError, StopError, TomAwayError
from bridge.stream.port import MOST_BYTES, Fetched, Partition, Subscription

SLICE_S = 0.05
"""Seconds that one stream is waited for before the next one is looked at."""
_JOIN_AGAIN_S = 30.0
"""Seconds between two tries to join on a stream that can't be opened: a locked file takes ten to say so."""

_NEVER = threading.Event()
"""Nobody asks a member that polls to stop."""

Join = Callable[[], Subscription]


@dataclass
class _Member:
    join: Join
    topics: Sequence[str]
    clock: Clock
    slice_s: float
    subscription: Subscription | None = None
    """None before it has joined."""
    join_at: float = 0.0
    """When that is tried, where it is to be tried again."""
    problems: Mapping[str, BridgeError] = field(default_factory=dict)
    """As told last."""
    failure: AwayError | StopError | None = None
    """What the stream as a whole raised last."""

    def poll(self, most: int, timeout_s: float, most_bytes: int) -> Fetched:
        """Return what the member brings; that its stream can't be read is a problem of its topics alone."""
        try:
            fetched = self._joined().poll(most, timeout_s, most_bytes)
        except TomAwayError:
            raise
        except (AwayError, StopError) as error:
            self.failure = error
            self.problems = dict.fromkeys(self.topics, error)
            self.clock.wait(_NEVER, min(timeout_s, self.slice_s))  # what fails at once is not asked again at once
            return Fetched()
        self.failure = None
        self.problems = fetched.problems
        return fetched

    def _joined(self) -> Subscription:
        if self.subscription is None:
            if self.failure is not None and self.clock.monotonic() < self.join_at:
                raise self.failure
            try:
                self.subscription = self.join()
            finally:
                self.join_at = self.clock.monotonic() + _JOIN_AGAIN_S
        return self.subscription


class RoutedSubscription:
    """A member of a group on each of several streams; see :class:`bridge.stream.port.Subscription`.

    Each poll hands out records of one stream, and the one that was served comes last in the next.
    """

    def __init__(
        self, members: Sequence[tuple[Join, Sequence[str]]], *, clock: Clock = CLOCK, slice_s: float = SLICE_S
    ) -> None:
        """Take what joins on each stream, at the first poll or when that is possible, and its topics there."""
        self._clock = clock
        self._slice_s = slice_s
        self._members = deque(_Member(join, topics, clock, slice_s) for join, topics in members)

    def _joined(self) -> list[tuple[Subscription, Sequence[str]]]:
        return [(one.subscription, one.topics) for one in self._members if one.subscription is not None]

    @property
    def waits_for(self) -> str:
        """What this member waits for on streams where it has no partition."""
        return "; ".join(filter(None, (member.waits_for for member, _ in self._joined())))

    def poll(self, most: int, timeout_s: float, most_bytes: int = MOST_BYTES) -> Fetched:
        """Return records of one stream as soon as any has some, and how all topics are."""
        deadline = self._clock.monotonic() + timeout_s
        wait_s = 0.0
        while True:
            for _ in range(len(self._members)):
                member = self._members[0]
                self._members.rotate(-1)  # whatever it brings, or raises, the others come before it in the next poll
                fetched = member.poll(most, wait_s, most_bytes)
                if fetched.records or fetched.read_to:
                    return Fetched(fetched.records, fetched.read_to, self._problems())
            left_s = deadline - self._clock.monotonic()
            if left_s <= 0:
                break
            wait_s = min(self._slice_s, left_s / len(self._members))
        self._raise_where_all_failed()
        return Fetched(problems=self._problems())

    def _problems(self) -> dict[str, BridgeError]:
        return {topic: problem for member in self._members for topic, problem in member.problems.items()}

    def _raise_where_all_failed(self) -> None:
        """Raise where no stream can be read and all for the same sort of reason; else each topic tells its own."""
        failures = [member.failure for member in self._members if member.failure is not None]
        if len(failures) == len(self._members) and len({isinstance(one, StopError) for one in failures}) == 1:
            raise failures[0]

    def keep_alive(self) -> None:
        """Tell all streams that this member lives."""
        for member, _ in self._joined():
            member.keep_alive()

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on at ``offset``."""
        for member, topics in self._joined():
            if partition.topic in topics:
                member.seek(partition, offset)

    def assignment(self) -> frozenset[Partition]:
        """Return the partitions of all streams that this member has now."""
        return frozenset().union(*(member.assignment() for member, _ in self._joined()))

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Tell each stream the next offsets of its partitions."""
        for member, topics in self._joined():
            own = {partition: offset for partition, offset in offsets.items() if partition.topic in topics}
            if own:
                member.commit(own)

    def close(self) -> None:
        """Leave all groups."""
        with ExitStack() as stack:
            for member, _ in self._joined():
                stack.callback(member.close)
