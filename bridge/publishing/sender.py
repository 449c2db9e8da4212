"""From an outbox to one stream: in order, confirmed, and what became of each row written down.

What the stream will never take (too large, not valid) is refused, with its reason, and holds nothing back: for what
comes behind it is not made of it. What waits for a topic that is missing, or may not be written, holds back its topic.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from bridge.codec.schemas import SchemaTopics
from bridge.errors import (
    AwayError,
    DeniedError,
    EventError,
    NotDeliveredError,
    StopError,
    TooLargeError,
    TopicMissingError,
)
from bridge.events import Event
from bridge.hermes.composing import Outgoing
from bridge.publishing.outbox import Outbox, Row
from bridge.publishing.publisher import Publisher
from bridge.publishing.queued import Named, Resting, content_of
from bridge.stream.port import Stream

log = structlog.get_logger(__name__)

_ROWS_AT_ONCE = 200
_BYTES_AT_ONCE = 16 * 1024 * 1024
_MOST_ODD = 3

Place = tuple[str, bytes]
"""Topic and key."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often, how long, all in seconds unless it says otherwise."""

    poll_s: float = 1.0
    """Between two looks at an empty outbox."""
    look_s: float = 10.0
    """Between two looks for what is to be put in the outbox."""
    flush_s: float = 5.0
    """How long confirmations are waited for before other topics have their turn."""
    announce_s: float = 5.0
    rest_s: float = 30.0
    """Between two tries of a topic that is missing, or may not be written."""
    look_up_s: float = 10.0
    """Before what is unclear is looked up again; twice as long each time."""
    longest_look_up_s: float = 3600.0
    shortest_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    keep: timedelta = timedelta(days=7)
    """How long the content of what was sent is kept; that it was sent is kept for ever."""


class Sender:
    """Sends queued rows to the stream of one label, and writes what became of them. Not thread-safe."""

    def __init__(
        self,
        label: str,
        stream: Stream,
        outbox: Outbox,
        *,
        schema_topic: str | SchemaTopics,
        named: Named,
        pace: Pace,
    ) -> None:
        self._label = label
        self._stream = stream
        self._outbox = outbox
        self._schema_topic = schema_topic
        self._named = named
        self._pace = pace
        self._publisher = self._new_publisher()
        self._handed: dict[int, Place] = {}
        """Rows that the stream was given and has not confirmed."""
        self._sent: set[int] = set()
        """Rows that it has confirmed, and that are not marked yet: the outbox may be away."""
        self._refused: dict[int, str] = {}
        """Rows that it refused, with the reason, and that are not marked yet."""
        self._one_by_one: set[Place] = set()
        """Keys of which something was refused, and it isn't known what: one row goes at a time."""
        self._resting = Resting(outbox, pace.rest_s)
        self.settled = 0
        """How many rows were sent or refused."""
        self._odd = 0
        """How many rows failed, one after the other, in a way that nobody has foreseen."""

    def send(self) -> bool:
        """Send some of what is queued; return whether there is more that can go now.

        Raises AwayError where the stream takes or confirms nothing.
        """
        self._write()  # what an earlier call could not
        rows = self._next()
        waited = bool(self._handed)
        try:
            for row in rows:
                self._hand_over(row)
        finally:
            self._confirm()
        return bool(rows) or waited

    def close(self) -> None:
        """Release the stream."""
        self._stream.close()

    def _new_publisher(self) -> Publisher:
        return Publisher(self._stream, schema_topic=self._schema_topic, announce_timeout_s=self._pace.announce_s)

    # -- what goes next -----------------------------------------------------------------------------------------------

    def _next(self) -> list[Row]:
        """Return the next rows in order, of topics of which nothing is unconfirmed, up to a bound of bytes."""
        without = {topic for topic, _ in self._handed.values()} | self._resting.topics()
        ids: list[int] = []
        taken = 0
        single: set[Place] = set()
        for one in self._outbox.waiting(self._label, without=without, most=_ROWS_AT_ONCE):
            place = (one.topic, one.key)
            if place in single:
                continue
            if place in self._one_by_one:
                single.add(place)
            taken += one.size
            if ids and taken > _BYTES_AT_ONCE:
                break
            ids.append(one.id)
        return self._outbox.rows(ids) if ids else []

    def _hand_over(self, row: Row) -> None:
        if row.topic in self._resting:
            return
        try:
            self._publish(row)
        except (TopicMissingError, DeniedError) as error:
            self._resting.rest(row.topic, str(error))
        except EventError as error:
            self._refused[row.id] = str(error)
        except (AwayError, StopError):
            raise
        except Exception as error:
            self._odd += 1
            if self._odd > _MOST_ODD:  # then it does not lie in the events
                raise
            log.exception("relay.failed", row=row.id)
            self._refused[row.id] = f"it can't be sent: {type(error).__name__}: {error}"
        else:
            self._odd = 0
            self._handed[row.id] = (row.topic, row.key)

    def _publish(self, row: Row) -> None:
        content = content_of(row, self._named(row.topic))
        if not isinstance(content, Event):
            for message in content:
                self._send(row.topic, message)
            return
        try:
            self._publisher.publish_checked(content, row.topic)
        except TooLargeError:
            self._publisher = self._new_publisher()  # the topic may take more by now
            self._publisher.publish_checked(content, row.topic)

    def _send(self, topic: str, message: Outgoing) -> None:
        headers = message.headers(self._stream.account(topic))
        self._stream.publish(topic, key=message.key, value=message.value, headers=headers)

    # -- what became of it --------------------------------------------------------------------------------------------

    def _confirm(self) -> None:
        """Wait until the stream has what it was given, and write what became of it.

        Raises NotDeliveredError where nothing at all was confirmed.
        """
        missing: NotDeliveredError | None = None
        try:
            if self._handed:
                self._stream.flush(self._pace.flush_s)
        except NotDeliveredError as error:
            missing = error
            self._sort(error)
        else:
            self._sent |= set(self._handed)
            self._handed = {}
        progress = bool(self._sent or self._refused)
        self._write()
        if missing is not None:
            why = missing.what.partition(": ")[2] or missing.what  # without the number, which changes all the time
            for topic in {topic for topic, _ in self._handed.values()}:
                self._resting.tell(topic, why)
            if not progress:
                raise missing

    def _sort(self, error: NotDeliveredError) -> None:
        """Tell what was confirmed, what was refused, and what the stream still has to deliver."""
        undelivered = set(error.undelivered)
        self._sent |= {row for row, place in self._handed.items() if place not in undelivered}
        for topic, key in set(error.refused):
            place = (topic, key or b"")
            rows = [row for row, one in self._handed.items() if one == place]
            if len(rows) == 1:
                self._refused[rows[0]] = error.what
                self._one_by_one.discard(place)
            else:
                # Which one isn't known. They go again, one at a time: those that the stream has are duplicates.
                self._one_by_one.add(place)
                undelivered.discard(place)
        settled = self._sent | set(self._refused)
        self._handed = {
            row: place for row, place in self._handed.items() if row not in settled and place in undelivered
        }

    def _write(self) -> None:
        """Mark rows as sent or refused."""
        if self._sent:
            self._outbox.mark_sent(sorted(self._sent))
            log.info("relay.sent", events=len(self._sent), **self._told)
            self.settled += len(self._sent)
            self._sent = set()
        for row, reason in list(self._refused.items()):
            self._outbox.mark_refused(row, reason)
            del self._refused[row]
            self.settled += 1
            log.error("relay.refused", row=row, message=reason)

    @property
    def _told(self) -> dict[str, str]:
        return {"stream": self._label} if self._label else {}
