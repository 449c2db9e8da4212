"""Records of Hermes as one subscription reads them: whose they are, and what of them counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bridge.codec.headers import Hints
from bridge.codec.items import Item, Left
from bridge.errors import InvalidEventError
from bridge.events import Event
from bridge.hermes import embedded
from bridge.hermes.incoming import ProperMotion, Rows
from bridge.hermes.record import SENDER, Message, OtherFormatError, message_of, origin_of, sender_of
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
            return [_inside(one, message) for one in embedded.events_in(message)]
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


def _inside(one: Event | InvalidEventError, message: Message) -> Item:
    if isinstance(one, Event):
        return one
    hints = Hints(origin=message.origin, share_id=message.id)
    return Left(reason=Reason.INVALID, message=str(one), hints=hints)
