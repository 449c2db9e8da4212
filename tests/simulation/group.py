"""A member of a consumer group on the simulated stream; see :class:`bridge.stream.port.Subscription`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from simulation.stream import NEVER, SESSION_S, Broker, Group

from bridge.clock import Clock
from bridge.errors import AwayError, BridgeError, StopError, StreamAwayError, TomAwayError
from bridge.stream.names import gone, joined, missing, replaced
from bridge.stream.port import MOST_BYTES, Fetched, Partition, Record, StartAt

_LEAVE_S = 3.0
"""How long it takes to leave where the broker does not answer."""


@dataclass
class _Place:
    """Where this member stands in one partition."""

    given_at: float
    """When the member got the partition (by the monotonic clock)."""
    identity: str = ""
    """Of the topic, when ``start_at`` was last asked; empty before."""
    next: int | None = None
    """None while there is no place to start."""
    told_to: int | None = None
    """The end that was last told as reached."""
    ahead: int = 0
    """Up to where its records had come when the broker last answered: they are handed out also while it is frozen."""
    problem: BridgeError | None = None
    again_at: float = 0.0


class SimulatedSubscription:
    """One member. It hears of a rebalance when it polls or says that it lives, as a client of Kafka does."""

    def __init__(
        self, broker: Broker, topics: Sequence[str], group: str, start_at: StartAt, *, slice_s: float, clock: Clock
    ) -> None:
        self.topics = tuple(dict.fromkeys(topics))
        self.silent_since: float | None = None
        """Since when its process is frozen or dead; None while it lives."""
        self._broker = broker
        self._group = group
        self._start_at = start_at
        self._slice_s = slice_s
        self._clock = clock
        self._places: dict[Partition, _Place] = {}
        self._in_order: list[Partition] = []
        self._heard: tuple[object, ...] = ()
        """Of what the group was when it was last heard of: as long as it stays, so do the places."""
        self._missing: dict[str, BridgeError] = {}
        self._failures: list[BridgeError] = []
        self._began = broker.clock.monotonic()
        self._of = broker.groups.setdefault(group, Group())
        if broker.frozen_at is None:  # else it joins when it is heard
            self._of.members.append(self)
            broker.share_out(group)

    # -- what comes ---------------------------------------------------------------------------------------------------

    def poll(self, most: int, timeout_s: float, most_bytes: int = MOST_BYTES) -> Fetched:
        deadline = self._broker.clock.monotonic() + timeout_s
        while True:
            if self._failures:
                raise self._failures.pop(0)
            if self._broker.frozen_at is not None:
                fetched = self._while_frozen(most, most_bytes, deadline)
                if fetched is not None:
                    return fetched
            self._broker.check()
            with self._broker.lock:
                self._sync()
                if self._place():
                    self._sync()  # what is said meanwhile is heard
                fetched = self._fetched(most, most_bytes)
            left = deadline - self._broker.clock.monotonic()
            if fetched.records or fetched.read_to:
                return fetched
            if not self._failures:
                if self._broker.away or self._all_away(fetched):
                    raise next(iter(fetched.problems.values()), StreamAwayError("the broker does not answer"))
                if left > 0:
                    self._broker.clock.wait(NEVER, min(left, self._slice_s))
                if left <= self._slice_s:  # nothing comes within a slice
                    return fetched

    def _while_frozen(self, most: int, most_bytes: int, deadline: float) -> Fetched | None:
        """Return what came before the broker was frozen, and then nothing; None where it goes on meanwhile."""
        while self._broker.frozen_at is not None:
            fetched = self._fetched(most, most_bytes)
            left = deadline - self._clock.monotonic()
            if fetched.records or left <= 0:
                if self._broker.is_unheard and not fetched.records:
                    raise StreamAwayError("the broker does not answer")
                return fetched
            self._clock.wait(NEVER, min(left, self._slice_s))
        return None

    def _all_away(self, fetched: Fetched) -> bool:
        found = [self._broker.topics.get(topic) for topic in self.topics]
        return bool(fetched.problems) and all(topic is not None and topic.away for topic in found)

    def _sync(self) -> None:
        """Hear which partitions are this member's, and whether topics are the ones that they were."""
        group = self._of
        if self not in group.members:  # lost its place: joins again
            self._places.clear()
            self.silent_since = None
            group.members.append(self)
            self._heard = ()
        self._broker.share_out(self._group)
        if group.because is self._heard:
            return
        self._heard = group.because
        mine = {partition for partition, owner in group.owners.items() if owner is self}
        for partition in [one for one in self._places if one not in mine]:
            topic = self._broker.topics.get(partition.topic)
            if topic is not None or partition in group.owners:
                del self._places[partition]
        for partition in sorted(mine - self._places.keys()):
            self._places[partition] = _Place(given_at=self._broker.clock.monotonic())
        self._in_order = sorted(self._places)
        self._missing = {name: missing(name) for name in self.topics if name not in self._broker.topics}
        for partition, place in self._places.items():
            topic = self._broker.topics.get(partition.topic)
            if topic is None:
                place.next, place.identity = None, place.identity or "gone"
            elif place.next is not None and place.identity != topic.id:
                self._lose(place, replaced(partition.topic))

    def _lose(self, place: _Place, problem: BridgeError) -> None:
        place.next, place.told_to, place.problem = None, None, problem
        place.again_at = self._broker.clock.monotonic() + self._broker.patience_s

    def _place(self) -> bool:
        """Ask ``start_at`` for the partitions that have no place, a topic at a time; return whether there were any."""
        if all(place.next is not None for place in self._places.values()):
            return False
        now = self._broker.clock.monotonic()
        for name in self.topics:
            topic = self._broker.topics.get(name)
            wanted = sorted(
                one
                for one, place in self._places.items()
                if one.topic == name and place.next is None and place.again_at <= now
            )
            if topic is None or topic.away or self._broker.away or self._failures or not wanted:
                continue
            identity = topic.id
            try:
                starts = self._start_at(wanted)
            except TomAwayError as error:
                self._failures.append(error)
                return True
            except (AwayError, StopError) as error:
                for partition in wanted:
                    if partition in self._places:
                        self._lose(self._places[partition], error)
                continue
            for partition in wanted:
                if partition not in self._places:
                    continue
                ends, place = topic.ends(partition.number), self._places[partition]
                if ends.first <= starts[partition] <= ends.next:
                    place.next, place.identity, place.told_to, place.problem = starts[partition], identity, None, None
                else:
                    self._lose(place, gone(partition, starts[partition], ends))
        return True

    def _fetched(self, most: int, most_bytes: int) -> Fetched:
        records: list[Record] = []
        read_to: dict[Partition, int] = {}
        size = 0
        for partition in self._in_order:
            place, topic = self._places[partition], self._broker.topics.get(partition.topic)
            if place.next is None or topic is None or topic.away or self._broker.away:
                continue
            if place.next == place.told_to == len(topic.partitions[partition.number]):
                continue
            ends = topic.ends(partition.number)
            frozen = self._broker.frozen_at is not None
            if frozen and topic.id != place.identity:
                continue
            if place.next < ends.first:
                if not frozen:
                    self._lose(place, gone(partition, place.next, ends))
                continue
            place.ahead = place.ahead if frozen else ends.next
            while place.next < place.ahead and len(records) < most:
                record = topic.partitions[partition.number][place.next]
                if record is None:
                    place.next += 1
                    continue
                if records and size + len(record.value) > most_bytes:
                    break
                records.append(record)
                size += len(record.value)
                place.next += 1
            if place.next == ends.next and place.told_to != ends.next and not frozen:
                place.told_to = read_to[partition] = ends.next
        return Fetched(tuple(records), read_to, self._problems())

    def _problems(self) -> dict[str, BridgeError]:
        found: dict[str, BridgeError] = dict(self._missing)
        for name in self.topics:
            topic = self._broker.topics.get(name)
            if topic is not None and (topic.away or self._broker.away or self._broker.is_unheard):
                found[name] = StreamAwayError(f"{name} does not answer")
        for partition, place in self._places.items():
            if place.problem is not None:
                found.setdefault(partition.topic, place.problem)
        return found

    # -- membership ---------------------------------------------------------------------------------------------------

    @property
    def waits_for(self) -> str:
        if self._places or self._problems() or self._broker.clock.monotonic() - self._began < self._broker.patience_s:
            return ""
        silent = any(member.silent_since is not None for member in self._of.members)
        if silent:
            return f"a place in the group {self._group}: a member that is not heard of keeps its own {SESSION_S:g} s"
        return f"other members of the group {self._group}, which have all its partitions"

    def keep_alive(self) -> None:
        if not self._broker.away and self._broker.frozen_at is None:
            with self._broker.lock:
                self._sync()

    def seek(self, partition: Partition, offset: int) -> None:
        place = self._places.get(partition)
        if place is not None and place.next is not None:
            place.next, place.told_to, place.ahead = offset, None, 0

    def assignment(self) -> frozenset[Partition]:
        return frozenset(self._places)

    def given(self) -> dict[Partition, float]:
        """Return when each of its partitions (by its full name) was given to this member (by the monotonic clock)."""
        label = self._broker.label
        return {Partition(joined(label, one.topic), one.number): place.given_at for one, place in self._places.items()}

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        del offsets

    def close(self) -> None:
        if self._broker.frozen_at is not None:  # it is not heard that it leaves
            self._clock.wait(NEVER, _LEAVE_S)
            self.silent_since = self._clock.monotonic()
        elif self in self._of.members:
            self._of.members.remove(self)
            self._broker.share_out(self._group)
        self._places.clear()
        self._in_order.clear()
