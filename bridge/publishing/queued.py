"""What a queued row is on the topic that it goes to, and which topics take nothing for a while."""

import time
from collections.abc import Callable

import structlog

from bridge.errors import InvalidEventError
from bridge.events import Event
from bridge.hermes.composing import Outgoing
from bridge.publishing.outbox import EVENT, Outbox, Row
from bridge.publishing.packing import HERMES, messages_of
from bridge.settings import PublishedTopicSettings

log = structlog.get_logger(__name__)

Named = Callable[[str], PublishedTopicSettings | None]
"""Says how a topic is published on, where the settings say that."""


def content_of(row: Row, how: PublishedTopicSettings | None) -> Event | list[Outgoing]:
    """Return the event that a row is on its topic, or the messages of Hermes; the same at each try.

    Raises InvalidEventError for what the topic does not take, or this release does not know.
    """
    if row.format == HERMES:
        if how is not None and how.format != HERMES:
            raise InvalidEventError(
                "it is a message of Hermes, and the topic takes events of the bridge by now",
                mend='Share it again, or say format = "hermes" of the topic and queue it again',
            )
        return [Outgoing.of_stored(row.payload, row.key)]
    if row.format != EVENT:
        raise InvalidEventError(f"this release can't send the format {row.format!r}", mend="Upgrade TOM Bridge")
    event = Event.checked(row.payload)
    return messages_of(event, how) if how is not None and how.format == HERMES else event


class Resting:
    """Topics that are missing, or may not be written, and are let be for a while; people are told why."""

    def __init__(self, outbox: Outbox, rest_s: float) -> None:
        self._outbox = outbox
        self._rest_s = rest_s
        self._until: dict[str, float] = {}
        self._reasons: dict[str, str] = {}
        """What the rows of a topic wait for, as it is in the log."""

    def topics(self) -> set[str]:
        """Return those that rest now."""
        now = time.monotonic()
        self._until = {topic: until for topic, until in self._until.items() if until > now}
        return set(self._until)

    def __contains__(self, topic: str) -> bool:
        """Return whether a topic rests, as :meth:`topics` told last or by what came since: asked for each row."""
        return topic in self._until

    def rest(self, topic: str, reason: str) -> None:
        """Let a topic be, and tell why. Raises AwayError and StopError where the outbox can't be written: it rests."""
        self._until[topic] = time.monotonic() + self._rest_s
        self.tell(topic, reason)

    def tell(self, topic: str, reason: str) -> None:
        """Write what the rows of a topic wait for; in the log, where that has changed."""
        if self._reasons.get(topic) != reason:
            log.warning("relay.topic_waits", topic=topic, message=reason)
            self._reasons[topic] = reason
        self._outbox.wait_for(topic, reason)
