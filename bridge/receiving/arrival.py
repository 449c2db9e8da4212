"""Events as they come: what of a record is one event, and what tells it from any other."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from bridge.codec.headers import Hints
from bridge.events import DATUMS, Event, EventRef, Kind, ListMember, TargetList
from bridge.ledger.model import Entry, Line, Outcome, Place, Reason
from bridge.receiving.result import Result, dead
from bridge.stream.port import Record

_NO_HINTS = Hints()


class Together(Enum):
    """With what an event is written in one transaction: with its like, up to a bound."""

    DATUMS = "datums"
    TARGETS = "targets"
    ANYTHING = "anything"
    """It needs no writing but of its outcome."""
    NOTHING = "nothing"


@dataclass(frozen=True, init=False)
class Arrival:
    """One event of a record as far as it could be read, or the result that is clear without one."""

    record: Record
    hints: Hints = _NO_HINTS
    """What is known of what it brings where there is no event."""
    number: int = 0
    """Which event of its record, from 0 on."""
    event: Event | None = None
    content: EventRef | None = None
    """What the event says, where others could give its id to something else: known of each that was taken."""
    notes: tuple[str, ...] = ()
    """What was not taken of the event, in words."""
    settled: Result | None = None
    members: tuple[ListMember, ...] | None = None
    """Of a list only these members, which were kept before."""
    were: Outcome | None = None
    """How they were kept: parked or dead."""
    is_renamed: bool = False
    """Whether ``event`` has another name of its origin than it came with (:mod:`bridge.receiving.naming`)."""

    datums: int = field(init=False)
    """How many datums it brings, by their weight."""
    key: bytes = field(init=False)
    """What keeps its order."""
    place: Place = field(init=False)
    """What tells it from any other."""
    refs: tuple[EventRef, ...] = field(init=False)
    """By what the ledger knows the event, and what it says; nothing where there is no event."""
    line: Line = field(init=False)
    """The line in which it would wait."""

    def __init__(
        self,
        *,
        record: Record,
        hints: Hints = _NO_HINTS,
        number: int = 0,
        event: Event | None = None,
        content: EventRef | None = None,
        notes: tuple[str, ...] = (),
        settled: Result | None = None,
        members: tuple[ListMember, ...] | None = None,
        were: Outcome | None = None,
        is_renamed: bool = False,
    ) -> None:
        """Take all at once, and find out at once what each is asked for several times: there are very many."""
        key = event.key if event is not None else record.key or b""
        told = (None if event is None else event.ref, content)
        values = {
            "record": record,
            "hints": hints,
            "number": number,
            "event": event,
            "content": content,
            "notes": notes,
            "settled": settled,
            "members": members,
            "were": were,
            "is_renamed": is_renamed,
            "datums": _weight(event) if event is not None and settled is None else 0,
            "key": key,
            "place": Place(record.topic_id, record.partition.number, record.offset, number),
            "refs": tuple([ref for ref in told if ref is not None]),
            "line": Line(record.topic_id, record.partition.number, key),
        }
        object.__setattr__(self, "__dict__", values)

    @property
    def decoded(self) -> Event:
        """The event, where it is known that there is one."""
        assert self.event is not None
        return self.event

    @property
    def together(self) -> Together:
        """With what it may be written."""
        if self.settled is not None or self.event is None:
            return Together.ANYTHING
        if self.datums:
            return Together.DATUMS
        return Together.TARGETS if self.event.kind is Kind.TARGET else Together.NOTHING

    def only(self, names: Collection[str]) -> tuple[ListMember, ...] | None:
        """Return the members of its list that have these names; None where it is no list."""
        if self.event is None or not isinstance(self.event.body, TargetList):
            return None
        return tuple(member for member in self.event.body.members if member.reference.name in names)

    def entry(self, result: Result) -> Entry:
        """Return ``result`` as the ledger's entry of this event."""
        event, hints, record = self.event, self.hints, self.record
        told = event.origin if event is not None else hints.origin
        return Entry(
            partition=record.partition,
            topic_id=record.topic_id,
            offset=record.offset,
            number=self.number,
            published_at=record.timestamp,
            outcome=result.outcome,
            reason=result.reason,
            detail={**result.detail, "notes": list(self.notes)} if self.notes else result.detail,
            key=self.key,
            event_id=event.id if event is not None else hints.event_id,
            share_id=event.share_id if event is not None else hints.share_id,
            origin=told,
            origin_name=event.origin_name if event is not None else "",
            kind=event.kind.value if event is not None else hints.kind,
            subject=event.subject if event is not None else hints.subject,
            shared_by=event.shared_by if event is not None else "",
            title=event.title if event is not None else "",
        )


def _weight(event: Event) -> int:
    body: Any = event.body
    return body.weight if type(body) in DATUMS else 0


def numbered(arrivals: Sequence[Arrival], number: int) -> Arrival:
    """Return the event of this number of a record; where the record can't be read, what becomes of it as a whole.

    So it is with each event of a record that was read before, and with one that the record does not give any more.
    """
    for arrival in arrivals:
        if arrival.number == number:
            return arrival
    whole = arrivals[0]
    gone = dead(Reason.UNDECODABLE, f"{whole.record.where}: read now it has no event {number} any more")
    settled = gone if whole.event is not None or whole.settled is None else whole.settled
    hints = whole.hints if whole.event is None else Hints(origin=whole.event.origin)
    return Arrival(record=whole.record, hints=hints, number=number, settled=settled)
