"""How a topic of Kafka is, asked every few seconds beside reading it; nothing waits for a broker's answer."""

import time
from collections.abc import Generator, Mapping

from bridge.errors import BridgeError, StreamAwayError
from bridge.stream.kafka_admin import Held, KafkaAdmin
from bridge.stream.kafka_options import Client
from bridge.stream.port import Ends, Partition

_EVERY_S = 3.0
_EVERY_DOWN_S = 1.0
_ANSWER_S = 4.0
_FAILURES = 2


class TopicWatch:
    """Asks for a topic's identity and of the leader of each partition for what it holds.

    A leader that is frozen or cut off says nothing; librdkafka notices after a minute, and tells nobody while other
    brokers live. Here it is told when two questions in a row were not answered within seconds: one slow answer is none.
    """

    def __init__(self, client: Client, admin: KafkaAdmin, topic: str) -> None:
        self._client = client
        self._admin = admin
        self._topic = topic
        self._wanted_at = time.monotonic()
        self._asked_at = 0.0
        self._asking: Generator[None, None, Held] | None = None
        self._known: set[Partition] = set()
        self._failures = 0
        self._answered_at = 0.0
        self.identity = ""
        """The topic's identity as last heard; empty before."""
        self.ends: Mapping[Partition, Ends] = {}
        """What the partitions held that answered last."""
        self.problem: BridgeError | None = None
        """What keeps the topic, or a partition of it, from being read; None where all is well."""
        self.away = False
        """Whether nothing of the topic answers."""

    @property
    def asking(self) -> bool:
        """Whether an answer is awaited."""
        return self._asking is not None

    @property
    def fresh(self) -> bool:
        """Whether the topic's identity was answered to a question asked since :meth:`want`."""
        return self._answered_at >= self._wanted_at

    def want(self, in_s: float = 0.0) -> None:
        """Ask anew, soon or ``in_s`` seconds later."""
        self._wanted_at = time.monotonic() + in_s

    def look(self) -> None:
        """Take up an answer that has come, and ask where it is time."""
        if self._asking is None:
            if not self._due(time.monotonic()):
                return
            self._asked_at = time.monotonic()
            self._asking = self._admin.questions(self._topic, _ANSWER_S, self._known)
        try:
            next(self._asking)
        except StopIteration as stop:
            self._asking = None
            self._answered(stop.value)
        except BridgeError as error:
            self._asking = None
            self._failed(error)

    def _due(self, now: float) -> bool:
        since = now - self._asked_at
        if self._wanted_at <= now and self._asked_at < self._wanted_at:
            return True
        return since > (_EVERY_S if self.fresh and not self._failures and not self._client.down else _EVERY_DOWN_S)

    def _answered(self, held: Held) -> None:
        self.ends = held.ends
        self._known = {*held.ends, *held.problems}
        if held.identity:
            self.identity, self._answered_at = held.identity, self._asked_at
        if held.problems:
            self._failed(next(iter(held.problems.values())), away=not held.ends)
        else:
            self._failures, self.problem, self.away = 0, None, False

    def _failed(self, error: BridgeError, *, away: bool = True) -> None:
        self._failures += 1
        if not isinstance(error, StreamAwayError):
            self.problem, self.away = error, False
        elif self._failures >= _FAILURES or self._client.down:
            self.problem, self.away = error, away


class WatchedTopic:
    """One subscribed topic: how it is, and which of its partitions this member has."""

    def __init__(self, watch: TopicWatch) -> None:
        self.watch = watch
        self.placed: set[Partition] = set()
        """Partitions that librdkafka reads, from where ``start_at`` said."""
        self.unplaced: set[Partition] = set()
        """Partitions of this member that wait for a place to start."""
        self.refused: dict[Partition, int] = {}
        """Offsets at which the stream had nothing to begin with."""
        self.problems: dict[Partition | None, BridgeError] = {}
        """What keeps a partition, or (None) the whole topic, from being read."""

    @property
    def problem(self) -> BridgeError | None:
        return self.watch.problem or next(iter(self.problems.values()), None)
