"""What is accepted to be published, as rows of an outbox: made once, and sent as they are at every try.

On a topic of the bridge's own format a row is an event, which is encoded when it is sent. On a topic of Hermes it is a
message, whole with its id.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bridge.errors import InvalidEventError
from bridge.events import Body, Data, Event, Kind, Target, TargetList
from bridge.hermes.composing import Outgoing, Remark, compose, no_messages_of
from bridge.publishing.outbox import EVENT
from bridge.settings import PublishedTopicSettings
from bridge.topics import split

HERMES = "hermes"
"""The format of a row that holds a message of Hermes (:attr:`bridge.hermes.composing.Outgoing.stored`)."""
MESSAGE = "message"
"""The kind of a row that holds events of several kinds."""


@dataclass(frozen=True, kw_only=True)
class Packed:
    """A row before it is written."""

    id: UUID
    """Of the event, or of the message."""
    share_id: UUID
    key: bytes
    kind: str
    subjects: tuple[str, ...]
    """The names of the targets, or of the list, that it is about."""
    items: int
    """How many data (points, members, files) it has."""
    format: str
    payload: bytes

    @property
    def subject(self) -> str:
        """What it is about, in a text of at most 200 characters."""
        more = f" and {len(self.subjects) - 1} more" if len(self.subjects) > 1 else ""
        return f"{self.subjects[0][: 200 - len(more)]}{more}"


@dataclass(frozen=True, kw_only=True)
class Packing:
    """Events as rows of an outbox, and what has no place in them."""

    rows: tuple[Packed, ...]
    not_carried: tuple[Remark, ...] = ()
    assumes: tuple[Remark, ...] = ()
    """What is assumed of those that go."""

    @property
    def left_out(self) -> dict[str, int]:
        """How many data don't go, by the reason for people."""
        found: dict[str, int] = {}
        for one in self.not_carried:
            beside = "only to TOMs with the bridge: " if one.datums else ""
            why = f"{one.event.kind}: {beside}{one.why}"
            found[why] = found.get(why, 0) + (one.datums or items_of(one.event.body))
        return found

    @property
    def assumed(self) -> dict[str, int]:
        """Of how many data something is assumed, by what that is, for people."""
        found: dict[str, int] = {}
        for one in self.assumes:
            what = f"{one.event.kind}: {one.why}"
            found[what] = found.get(what, 0) + one.datums
        return found


def packed(
    events: Sequence[Event], how: PublishedTopicSettings, *, elements: Mapping[str, Target] | None = None
) -> Packing:
    """Return ``events`` as rows for the topic that ``how`` says.

    ``elements``: targets by name, of those without a fixed position that are in none of the events.
    """
    if how.format != HERMES:
        return Packing(rows=tuple(_event(one) for one in events))
    topic = split(how.topic)[1]
    composed = compose(events, topic, largest_bytes=how.largest_bytes, elements=elements or {}, over_rest=how.over_rest)
    return Packing(
        rows=tuple(_message(one) for one in composed.messages),
        not_carried=composed.not_carried,
        assumes=composed.assumed,
    )


def messages_of(event: Event, how: PublishedTopicSettings) -> list[Outgoing]:
    """Return an event as messages: one that was accepted when the topic had no messages of Hermes yet.

    Raises InvalidEventError where it can't be one.
    """
    packing = packed([event], how)
    if not packing.rows:
        what = "; ".join(str(one) for one in packing.not_carried)
        raise InvalidEventError(f"it was shared when the topic took events, and now takes messages of Hermes: {what}")
    return [Outgoing.of_stored(row.payload, row.key) for row in packing.rows]


def why_not(kind: Kind, how: PublishedTopicSettings) -> str:
    """Return why nothing of a kind has a place on the topic that ``how`` says; nothing where it has."""
    return no_messages_of(kind) if how.format == HERMES else ""


def _event(event: Event) -> Packed:
    return Packed(
        id=event.id,
        share_id=event.share_id,
        key=event.key,
        kind=str(event.kind),
        subjects=(event.subject,),
        items=items_of(event.body),
        format=EVENT,
        payload=event.as_json(),
    )


def _message(message: Outgoing) -> Packed:
    kinds = {str(event.kind) for event in message.events}
    return Packed(
        id=message.id,
        share_id=message.events[0].share_id,
        key=message.key,
        kind=kinds.pop() if len(kinds) == 1 else MESSAGE,
        subjects=tuple(dict.fromkeys(event.subject for event in message.events)),
        items=sum(items_of(event.body) for event in message.events),
        format=HERMES,
        payload=message.stored,
    )


def items_of(body: Body) -> int:
    """Return how many data (points, members) a body has; 1 for what has none."""
    match body:
        case Data():
            return len(body.datums)
        case TargetList():
            return len(body.members)
        case _:
            return 1
