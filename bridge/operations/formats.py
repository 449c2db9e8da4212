"""In which format each topic is read."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial

from bridge.codec import Decoder, Format, Hints, Item
from bridge.codec.schemas import SchemasOfStreams
from bridge.codec.writing import MARKER
from bridge.errors import InvalidEventError
from bridge.events import Event
from bridge.hermes import HermesFormat
from bridge.origins import came_from_hermes
from bridge.settings import Settings, SubscriptionSettings
from bridge.stream import Record, Stream


class Formats:
    """The format of each topic, as one: who reads records need not know that there are several."""

    def __init__(self, usual: Format, by_topic: Mapping[str, Format], named: Collection[str]) -> None:
        self._usual = usual
        self._by_topic = by_topic
        self._named = frozenset(named)
        """All topics that the settings name."""

    def decode(self, record: Record) -> Sequence[Item]:
        """Return what ``record`` brings; see :class:`~bridge.codec.items.Format`."""
        form = self._of(record)
        items = form.decode(record)
        if form is self._usual:
            _refuse_of_hermes(record, items)
        return items

    def peek(self, record: Record) -> Hints:
        """Return what ``record`` says of itself."""
        return self._of(record).peek(record)

    def knows(self, record: Record) -> bool:
        """Return whether it is known in which format ``record`` is: of a topic that the settings don't name (any more)
        the record alone can tell.
        """
        return record.partition.topic in self._named or record.value.startswith(MARKER)

    def _of(self, record: Record) -> Format:
        return self._by_topic.get(record.partition.topic, self._usual)


def _refuse_of_hermes(record: Record, items: Sequence[Item]) -> None:
    """Raise InvalidEventError for an event of the bridge that names an origin which messages of Hermes have.

    No bridge sends one; and the ids of a message's events are known to whoever has read it, so that anybody could have
    done here what the message itself is to bring yet.
    """
    for item in items:
        if isinstance(item, Event) and came_from_hermes(item.origin):
            what = f"{item.ref} is of {item.origin}; no bridge sends what came from Hermes"
            raise InvalidEventError(what, where=record.where, mend="Only messages of Hermes have such an origin")


def formats_of(settings: Settings, stream: Stream, account: Callable[[str], str] | None = None) -> Formats:
    """Return the formats of all topics that the settings name; any other topic has events of the bridge.

    ``account`` says for a topic what this TOM is called there (:meth:`bridge.stream.port.Stream.account`): what it has
    sent by that name, or bears its origin, is its own, and not received. Who only looks gives none, and sees all.
    """
    published = {one.topic: HermesFormat(full=True) for one in settings.publish.topics if one.format == "hermes"}
    received = {one.topic: _hermes(settings, one, account) for one in settings.subscribe if one.format == "hermes"}
    usual = Decoder(SchemasOfStreams(stream, settings.schema_topic_of))
    return Formats(usual, published | received, settings.topics())


def _hermes(
    settings: Settings, subscription: SubscriptionSettings, account: Callable[[str], str] | None
) -> HermesFormat:
    form = HermesFormat(full=subscription.full, proper_motion=subscription.proper_motion)
    if account is None:
        return form
    return replace(form, origin=settings.origin or "", own_sender=partial(account, subscription.topic))
