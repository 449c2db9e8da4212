"""Reading records: their events, or what is clear without them.

Reading is total: whatever a record is, something comes out that can be recorded. Only who is away is raised.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from bridge.codec.headers import Hints
from bridge.codec.items import Item, Left, Noted
from bridge.errors import (
    AwayError,
    BudgetSpentError,
    EventError,
    InvalidEventError,
    NewerVersionError,
    StopError,
    UnknownSchemaError,
)
from bridge.events import Event, EventRef
from bridge.ledger.model import Outcome, Reason, ToKeep
from bridge.ledger.rules import BAD_IN_ITSELF
from bridge.receiving.arrival import Arrival
from bridge.receiving.result import Result, dead, ignored
from bridge.stream.port import Record

log = structlog.get_logger(__name__)

TEST = "_test"
"""The header by which hop-client marks a message that is a test."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a subscription accepts of its topic."""

    kinds: frozenset[str] | None = None
    """None: all kinds, also those that a later release knows."""
    origins: frozenset[str] | None = None
    ignore_unmatched: bool = False
    create_targets: bool = True
    """Whether a target that this TOM doesn't have is created; else it waits, or is ignored, as its data do."""
    ignore_tests: bool = False
    """Whether HOPSKOTCH's test messages are left out."""


_LEFT = Rules(create_targets=False)
"""Of a topic that is not subscribed to (any more): nobody says that what waits of it may create targets."""


class Reader:
    """Reads records for one TOM, whose permanent id is ``origin``.

    ``decode`` turns a record into its items or raises, ``peek`` reads hints from a record that need not be decodable
    (:class:`bridge.codec.items.Format`); ``ours`` returns the installations that are this TOM's own; ``rules`` are
    those of each topic subscribed to; ``knows`` says whether the format of a record is known.
    """

    def __init__(
        self,
        decode: Callable[[Record], Sequence[Item]],
        peek: Callable[[Record], Hints],
        *,
        origin: str,
        ours: Callable[[], Collection[UUID]],
        rules: Mapping[str, Rules],
        knows: Callable[[Record], bool] = lambda _record: True,
    ) -> None:
        self._decode = decode
        self._knows = knows
        self._peek = peek
        self._origin = origin
        self._ours = ours
        self._rules = rules

    def rules(self, topic: str) -> Rules:
        """Return the rules of ``topic``; where it isn't subscribed to, all is accepted and no target created."""
        return self._rules.get(topic, _LEFT)

    def knows(self, record: Record) -> bool:
        """Return whether it is known how ``record`` is read: its topic may have been left, or be called otherwise."""
        return self._knows(record)

    def events_of(self, record: Record) -> Sequence[Event]:
        """Return the events of a record; none where it can't be decoded (by this release)."""
        return [arrival.event for arrival in self.read(record) if arrival.event is not None]

    def read(self, record: Record) -> list[Arrival]:
        """Return ``record`` as its events, or as one arrival with what is clear without any.

        Who isn't accepted is left out before anything else: by what the record says of itself it isn't even decoded.
        Raises StreamAwayError where its schema can't be looked up now.
        """
        rules = self.rules(record.partition.topic)
        if rules.ignore_tests and record.header(TEST) is not None:
            return [self.unread(record, ignored(Reason.TEST))]
        if rules.origins is not None and (said := self._peek(record).origin) and not self._accepts(said, record):
            return [self.unread(record, ignored(Reason.ORIGIN_NOT_ACCEPTED))]
        items = self._items(record)
        if isinstance(items, Result):
            return [self.unread(record, items)]
        return [self._arrival(record, number, item) for number, item in enumerate(items)]

    def _arrival(self, record: Record, number: int, item: Item) -> Arrival:
        if isinstance(item, Left):
            return Arrival(record=record, hints=item.hints, number=number, settled=self._left(item, record))
        event = item.event if isinstance(item, Noted) else item
        content, notes = (item.content, item.notes) if isinstance(item, Noted) else (None, ())
        return Arrival(
            record=record,
            number=number,
            event=event,
            content=None if content is None else EventRef(event.origin, content),
            notes=notes,
            settled=self._filtered(event, record),
        )

    def _left(self, item: Left, record: Record) -> Result:
        """Return what becomes of a part of a record that is no event."""
        kinds = self.rules(record.partition.topic).kinds
        if kinds is not None and item.hints.kind and item.hints.kind not in kinds:
            return ignored(Reason.KIND_NOT_SUBSCRIBED)
        if item.reason in BAD_IN_ITSELF:
            return dead(item.reason, item.message)
        return ignored(item.reason, {"message": item.message})

    def _items(self, record: Record) -> Sequence[Item] | Result:
        """Return the items of a record, or what becomes of it where it can't be read (by this release)."""
        if record.problem:
            return dead(Reason.UNREADABLE, f"{record.where}: {record.problem}")
        try:
            return self._decode(record)
        except (AwayError, StopError, BudgetSpentError):
            raise
        except NewerVersionError as error:
            return self._newer(record, self._peek(record), error)
        except EventError as error:
            return dead(_reason(error), str(error))
        except Exception as error:
            # A decoder must not fail otherwise; if it does, that record is at fault and nobody behind it.
            log.exception("record.decoding_failed", where=record.where)
            told = f"{record.where}: can't be decoded ({type(error).__name__}: {error})"
            return dead(Reason.UNDECODABLE, told)

    def unread(self, record: Record, settled: Result) -> Arrival:
        """Return ``record`` with its result, and of what it brings what it says of itself."""
        return Arrival(record=record, hints=self._peek(record), settled=settled)

    def _accepts(self, origin: str, record: Record) -> bool:
        """Return whether an origin is wanted on a topic; our own always, as that of another TOM is to be told of."""
        origins = self.rules(record.partition.topic).origins
        return origins is None or origin in origins or origin == self._origin

    def _newer(self, record: Record, hints: Hints, error: NewerVersionError) -> Result:
        if not self._accepts(hints.origin, record):  # it names none: anybody could fill the ledger with it
            return ignored(Reason.ORIGIN_NOT_ACCEPTED)
        rules = self.rules(record.partition.topic)
        if rules.kinds is not None and hints.kind not in rules.kinds:
            return ignored(Reason.KIND_NOT_SUBSCRIBED)
        keep = ToKeep(reason=Reason.NEWER_VERSION, detail={"message": str(error)})
        return Result(outcome=Outcome.PARKED, reason=Reason.NEWER_VERSION, detail=keep.detail, keep=(keep,))

    def _filtered(self, event: Event, record: Record) -> Result | None:
        """Return why this TOM doesn't want ``event``, or None where it does."""
        if not self._accepts(event.origin, record):
            return ignored(Reason.ORIGIN_NOT_ACCEPTED)
        if event.origin == self._origin:
            if event.installation in self._ours():
                return ignored(Reason.OURS)
            return dead(
                Reason.ANOTHERS,
                f"installation {event.installation} publishes as {self._origin!r}, the origin of this TOM. If it is a"
                f" former one of this TOM: tom-bridge identity accept {event.installation}; else each TOM needs an"
                " origin of its own",
                installation=str(event.installation),
            )
        rules = self.rules(record.partition.topic)
        if rules.kinds is not None and event.kind not in rules.kinds:
            return ignored(Reason.KIND_NOT_SUBSCRIBED)
        return None


def _reason(error: EventError) -> Reason:
    match error:
        case UnknownSchemaError():
            return Reason.UNKNOWN_SCHEMA
        case InvalidEventError():
            return Reason.INVALID
        case _:
            return Reason.UNDECODABLE
