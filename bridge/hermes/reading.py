"""Records of Hermes as one subscription reads them: whose they are, and what of them counts."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from bridge.codec.headers import Hints
from bridge.codec.items import Item, Left
from bridge.errors import InvalidEventError
from bridge.events import Data, Event
from bridge.hermes import embedded
from bridge.hermes.composing import SECTIONS
from bridge.hermes.incoming import ProperMotion, Rows, told
from bridge.hermes.record import SENDER, Message, OtherFormatError, message_of, origin_of, sender_of
from bridge.hermes.rows import Row, datum_row
from bridge.ledger.model import Reason
from bridge.stream.port import Record


@dataclass(frozen=True, kw_only=True)
class HermesFormat:
    """How one subscription reads messages of Hermes."""

    origin: str = ""
    """Of this TOM."""
    own_sender: Callable[[], str] = str
    """Returns the user name of this TOM's own credential; empty where it has none."""
    full: bool = False
    """Whether events of the bridge inside a message count, on a topic whose writers are trusted."""
    proper_motion: ProperMotion | None = None
    """The unit of proper motions, milliarcseconds or arcseconds a year; None: nobody knows."""

    def decode(self, record: Record) -> Sequence[Item]:
        """Return what a message brings; see :class:`~bridge.codec.items.Format`."""
        try:
            message = message_of(record)
        except OtherFormatError as other:
            return (self._left(record, Reason.NOTHING_TO_TAKE, f"{other}, no message of Hermes"),)
        if self.full and embedded.is_there(message):
            return list(_inside(message))
        if self._is_ours(message):
            return (self._left(record, Reason.OURS, "this TOM has sent it"),)
        found = list(Rows(message, self.proper_motion).items())
        return found or (self._left(record, Reason.NOTHING_TO_TAKE, "the message has no targets"),)

    def peek(self, record: Record) -> Hints:
        """Return the origin that a message's sender has; none where events inside may have their own."""
        has_own = self.full and f'"{embedded.KEY}"'.encode() in record.value
        return Hints(origin="" if has_own else origin_of(record.header(SENDER)))

    def _is_ours(self, message: Message) -> bool:
        own_sender = self.own_sender()
        sent = bool(own_sender) and sender_of(message.record) == own_sender
        return sent or (bool(self.origin) and self.origin in embedded.origins(message))

    def _left(self, record: Record, reason: Reason, message: str) -> Left:
        return Left(reason=reason, message=message, hints=self.peek(record))


def _inside(message: Message) -> Iterator[Item]:
    """Yield the events inside a message, then what is wrong with the others, then what stands beside them."""
    hints = Hints(origin=message.origin, share_id=message.id)
    found = embedded.events_in(message)
    yield from (one for one in found if isinstance(one, Event))
    wrong = (one for one in found if isinstance(one, InvalidEventError))
    yield from told([Left(reason=Reason.INVALID, message=str(one), hints=hints) for one in wrong], message)
    if more := _beside(message, [one for one in found if isinstance(one, Event)]):
        rows = ", ".join(f"{number} of {section}" for section, number in more.items())
        what = f"rows stand beside the events inside, and are not taken: {rows}"
        yield Left(reason=Reason.NOTHING_TO_TAKE, message=what, hints=hints)


def _beside(message: Message, events: Sequence[Event]) -> dict[str, int]:
    """Return of each section how many rows none of ``events`` has made, as far as target and time tell."""
    data = message.payload["data"]
    assert isinstance(data, dict)
    made = Counter(row for event in events for row in _rows_of(event))
    names = {event.subject for event in events}
    found: dict[str, int] = {}
    for row in _rows(data, "targets"):
        found["targets"] = found.get("targets", 0) + (row.get("name") not in names)
    for section in SECTIONS:
        there = Counter(_known_by(section, row) for row in _rows(data, section))
        found[section] = (there - made).total()
    return {section: number for section, number in found.items() if number}


def _rows_of(event: Event) -> Iterator[tuple[str, str, str]]:
    if isinstance(event.body, Data):
        for datum in event.body.datums:
            with suppress(ValueError):  # it has no row
                yield _known_by(str(event.kind), datum_row(event.kind, event.subject, datum))


def _rows(data: Row, section: str) -> list[Row]:
    rows = data.get(section)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _known_by(section: str, row: Row) -> tuple[str, str, str]:
    return (section, str(row.get("target_name")), str(row.get("date_obs")))
