"""In which format each topic is read."""

from collections.abc import Mapping, Sequence

from bridge.codec import Decoder, Format, Hints, Item, Schemas
from bridge.hermes import HermesFormat
from bridge.settings import Settings, SubscriptionSettings
from bridge.stream import Record


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


def formats_of(settings: Settings, schemas: Schemas) -> Formats:
    """Return the formats of all topics that are subscribed to; any other topic has events of the bridge."""
    return Formats(
        Decoder(schemas), {one.topic: _hermes(settings, one) for one in settings.subscribe if one.format == "hermes"}
    )


def _hermes(settings: Settings, subscription: SubscriptionSettings) -> HermesFormat:
    return HermesFormat(
        origin=settings.origin or "",
        own_sender=str(settings.stream.options().get("sasl.username", "")),
        full=subscription.full,
        proper_motion=subscription.proper_motion,
        tests=subscription.tests,
    )
