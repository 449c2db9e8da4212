"""The bridge's side of lines that end in a TOM: what is published beforehand, and the consumer that is timed."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts.bridges import Publishing, Subscribed
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.toms import Tom

from benchmarks.timing import took_s
from bridge.events import Body
from bridge.ledger.port import Outcome


class Receiving:
    """A TOM that is subscribed to topics of a stream of its own, one a turn."""

    def __init__(self, tom: Tom, folder: Path, **settings: Any) -> None:
        self._kind = SubscribedInProcess if isinstance(tom, InProcessTom) else Subscribed
        self._tom = tom
        self._folder = folder
        self._settings = settings
        self._url = f"sqlite:///{folder}/stream.db"

    def publish(self, topic: str, bodies: Iterable[Body]) -> int:
        """Publish these, each as an event, and return how many."""
        publishing = Publishing(self._url, topic=topic)
        try:
            return len(publishing.publish(*bodies))
        finally:
            publishing.close()

    def subscribed(self, topic: str) -> Subscribed:
        """Return the TOM as a subscriber of one topic."""
        return self._kind(self._tom, self._url, self._folder, topic=topic, **self._settings)

    def consume_s(self, topic: str) -> float:
        """Return how many seconds the consumer takes for all that is on a topic, from its first poll on."""
        with self.subscribed(topic).open() as bridge:
            return took_s(lambda: bridge.consumer().run(until_end=True))

    def receive_s(self, topic: str, bodies: Iterable[Body]) -> float:
        """Publish, and return how many seconds the consumer takes; fail where an event was not applied."""
        with self.going_on(topic) as receive_s:
            return receive_s(bodies)

    @contextmanager
    def going_on(self, topic: str) -> Iterator[Callable[[Iterable[Body]], float]]:
        """Yield what :meth:`receive_s` does with one topic, by one bridge that goes on and knows what it has read."""
        with self.subscribed(topic).open() as bridge:

            def applied() -> int:
                return sum(one.events for one in bridge.ledger.counts() if one.outcome is Outcome.APPLIED)

            def receive_s(bodies: Iterable[Body]) -> float:
                before = applied()
                sent = self.publish(topic, bodies)
                seconds = took_s(lambda: bridge.consumer().run(until_end=True))
                if (mine := applied() - before) < sent:
                    raise RuntimeError(f"{mine} of {sent} events of {topic} were applied")
                return seconds

            yield receive_s
