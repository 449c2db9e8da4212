"""From an event to records of a stream: validated, split where it is too large, its schema announced, in order."""

from types import TracebackType
from typing import Self

from bridge.codec import LARGEST_EVENT, LARGEST_PRODUCT_EVENT, encode
from bridge.codec.schemas import SCHEMA_TOPIC, Schemas, SchemasOfStreams, SchemaTopics
from bridge.codec.split import split_larger
from bridge.errors import ConfigurationError
from bridge.events import Event, Kind
from bridge.stream.port import Stream


class Publisher:
    """Publishes events on a stream::

        with Publisher(stream, "supernovae.public") as publisher:
            publisher.publish(share.event(target))

    What was published is durable when :meth:`flush` has returned, or the ``with`` block has ended without an
    exception. ``topic`` is where events go unless :meth:`publish` says otherwise; ``schema_topic`` is the topic where
    schemas are announced, or says which one it is beside a topic. Does not close the stream; not thread-safe.
    """

    def __init__(
        self,
        stream: Stream,
        topic: str | None = None,
        *,
        schema_topic: str | SchemaTopics = SCHEMA_TOPIC,
        announce_timeout_s: float | None = 60.0,
    ) -> None:
        self._stream = stream
        self._topic = topic
        self._schemas = (
            Schemas(stream, schema_topic) if isinstance(schema_topic, str) else SchemasOfStreams(stream, schema_topic)
        )
        self._announce_timeout_s = announce_timeout_s
        self._taken: dict[str, int] = {}

    def publish(self, event: Event, topic: str | None = None) -> list[Event]:
        """Hand ``event`` to the stream and return what was handed over: the event, or its parts where it was split.

        A kind's schema is announced and confirmed before the first event of that kind. Nothing is handed over where
        an error is raised before: :class:`~bridge.errors.InvalidEventError` (also for an event that was changed
        past its own checks), :class:`~bridge.errors.TooLargeError`, :class:`~bridge.errors.TopicMissingError` (also
        for the schema topic), :class:`~bridge.errors.ConfigurationError` where no topic is given, and
        :class:`~bridge.errors.AwayError`, after which the same call, with the same event, may succeed.
        """
        topic = topic or self._topic
        if not topic:
            raise ConfigurationError(
                "no topic to publish on is given",
                where=f"event {event.id}",
                mend='Write Publisher(stream, "a.topic") or publish(event, "a.topic")',
            )
        return self.publish_checked(event.checked_again(), topic)

    def publish_checked(self, event: Event, topic: str) -> list[Event]:
        """Do as :meth:`publish` does with an event that was validated just now."""
        largest = self._largest(event, topic)
        encoded = encode(event)
        size = len(encoded.value)
        parts = [event] if size <= largest else split_larger(event, size, largest)
        self._schemas.beside(topic).announce(encoded.schema, self._announce_timeout_s)
        for part in parts:
            record = encoded if part is event else encode(part)
            self._stream.publish(topic, key=record.key, value=record.value, headers=record.headers)
        return parts

    def flush(self, timeout_s: float | None = None) -> None:
        """Return when all that was published is durable; see :meth:`bridge.stream.port.Stream.flush`."""
        self._stream.flush(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is None:
            self.flush()

    def _largest(self, event: Event, topic: str) -> int:
        """Return the bytes that the value of ``event`` may take; raises TopicMissingError for a missing topic."""
        of_kind = LARGEST_PRODUCT_EVENT if event.kind is Kind.DATA_PRODUCT else LARGEST_EVENT
        if topic not in self._taken:  # asked once: an event must not cost a round trip, nor fail while a broker is away
            self._taken[topic] = self._stream.largest_value(topic)
        return min(of_kind, self._taken[topic])
