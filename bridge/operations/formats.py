"""In which format each topic is read."""

from collections.abc import Mapping, Sequence

from bridge.codec import Decoder, Format, Hints, Item
from bridge.codec.schemas import SchemasOfStreams
from bridge.hermes import HermesFormat
from bridge.settings import Settings, SubscriptionSettings
from bridge.stream import Record, Stream


class Formats:
    """The format of each topic, as one: who reads records need not know that there are several."""

    def __init__(self, usual: Format, by_topic: Mapping[str, Format]) -> None:
        self._usual = usual
        self._by_topic = by_topic

    def decode(self, record: Record) -> Sequence[Item]:
        """Return what ``record`` brings; see :class:`~bridge.codec.items.Format`."""
        return self._of(record).decode(record)

    def peek(self, record: Record) -> Hints:
        """Return what ``record`` says of itself."""
        return self._of(record).peek(record)

    def _of(self, record: Record) -> Format:
        return self._by_topic.get(record.partition.topic, self._usual)


def formats_of(settings: Settings, stream: Stream) -> Formats:
    """Return the formats of all topics that the settings name; any other topic has events of the bridge."""
    published = {one.topic: HermesFormat(full=True) for one in settings.publish.topics if one.format == "hermes"}
    received = {one.topic: _hermes(settings, one) for one in settings.subscribe if one.format == "hermes"}
    return Formats(Decoder(SchemasOfStreams(stream, settings.schema_topic_of)), published | received)


def _hermes(settings: Settings, subscription: SubscriptionSettings) -> HermesFormat:
    return HermesFormat(
        origin=settings.origin or "",
        own_sender=credential_of(settings, subscription.topic),
        full=subscription.full,
        proper_motion=subscription.proper_motion,
        tests=subscription.tests,
    )


def credential_of(settings: Settings, topic: str) -> str:
    """Return the user name by which this TOM is known to the stream of ``topic``; empty where it has none.

    Raises ConfigurationError where it is to be found in hop's file, and isn't.
    """
    stream = settings.stream_of(topic)
    options: Mapping[str, str | int | float | bool] = stream.options()
    if stream.hopskotch:
        from bridge.stream.hop_auth import log_in  # noqa: PLC0415 (librdkafka loads only where it is used)

        options = log_in(stream.url, options, stream.auth)
    return str(options.get("sasl.username", ""))
