"""Reading records: their events, or what is clear without them; and which of them are written together.

Reading is total: whatever a record is, something comes out that can be recorded. Only who is away is raised.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any
from uuid import UUID

import structlog

from bridge.budget import Budget
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
from bridge.events import DATUMS, Event, EventRef, Kind, ListMember, TargetList
from bridge.ledger.model import Entry, Line, Outcome, Place, Reason, ToKeep
from bridge.ledger.rules import BAD_IN_ITSELF
from bridge.receiving.result import Result, dead, ignored
from bridge.stream.port import Record

log = structlog.get_logger(__name__)

TEST = "_test"
"""The header by which hop-client marks a message that is a test."""
UNIT_BYTES = 4 * 1024 * 1024
"""Bytes of records that end a unit: their numbers take five times as much here."""
UNIT_RECORDS = 1000
"""Records that end a unit, beside the bound in datums: small events cost far more a datum than large ones."""


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


_NO_HINTS = Hints()
_LEFT = Rules(create_targets=False)
"""Of a topic that is not subscribed to (any more): nobody says that what waits of it may create targets."""


class Together(Enum):
    """With what an event is written in one transaction: with its like, up to a bound."""

    DATUMS = "datums"
    TARGETS = "targets"
    ANYTHING = "anything"
    """It needs no writing but of its outcome."""
    NOTHING = "nothing"


@dataclass(frozen=True, kw_only=True)
class Most:
    """How much is written in one transaction."""

    datums: float = math.inf
    targets: int = 1


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


class Company:
    """What of events is written in one transaction, taken one after the other."""

    def __init__(self, most: Most) -> None:
        self._most = most
        self._together: Together | None = None
        self._datums = self._targets = 0

    @property
    def is_closed(self) -> bool:
        """Whether nothing more goes with what was taken."""
        return self._together is Together.NOTHING

    def takes(self, arrivals: Collection[Arrival], *, alone: bool = False) -> bool:
        """Return whether these are written with those before, and count them then; the first always are.

        With ``alone`` they are written with no others.
        """
        together = Together.NOTHING if alone else _together(arrivals)
        datums = self._datums + sum([one.datums for one in arrivals])
        targets = self._targets + (len(arrivals) if together is Together.TARGETS else 0)
        if self._together is not None:
            if Together.NOTHING in (together, self._together):
                return False
            if together is not self._together and Together.ANYTHING not in (together, self._together):
                return False
            if datums > self._most.datums or targets > self._most.targets:
                return False
        if self._together is None or together is not Together.ANYTHING:
            self._together = together
        self._datums, self._targets = datums, targets
        return True


def _together(arrivals: Collection[Arrival]) -> Together:
    """Return with what events are written that can't be parted; with nothing where they differ in that."""
    found = Together.ANYTHING
    for one in arrivals:
        if one.together is not found and one.together is not Together.ANYTHING:
            if found is not Together.ANYTHING:
                return Together.NOTHING
            found = one.together
    return found


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


class Backlog:
    """Records of one partition that are at hand, and of them the next unit: none is read twice."""

    def __init__(self, reader: Reader, records: Sequence[Record] = ()) -> None:
        self._reader = reader
        self._records = list(records)
        self._read: list[list[Arrival]] = []
        """The first records that are read already, each with its events."""

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records)

    @property
    def last_offset(self) -> int:
        """The offset of the last record at hand; there has to be one."""
        return self._records[-1].offset

    def extend(self, records: Sequence[Record]) -> None:
        """Take records that come behind."""
        self._records += records

    def unit(self, most: Most, budget: Budget, *, alone: bool = False) -> list[Arrival]:
        """Return the events of the next records that are written in one transaction.

        Datums together, or targets, up to a bound in number, records and bytes, anything else by itself; always the
        events of one record at least, and never of a record without the others of it. With ``alone`` of one record
        only. A spent budget ends the reading after the first. Raises StreamAwayError where nothing could be read.
        """
        unit: list[Arrival] = []
        company = Company(most)
        size = 0
        ids: set[tuple[str, UUID]] = set()
        for index in range(len(self._records)):
            arrivals = self._arrivals(index, must=not index)
            if arrivals is None:
                break
            size += len(arrivals[0].record.value)
            refs = [arrival.refs[0] for arrival in arrivals if arrival.event is not None]
            full = size > UNIT_BYTES or index == UNIT_RECORDS
            # What became of an event is to be known before it comes again.
            if index and (full or not ids.isdisjoint(refs) or budget.spent):
                break
            if not company.takes(arrivals, alone=alone):
                break
            unit += arrivals
            ids.update(refs)
            if company.is_closed:  # and nothing is read of what comes next: that may be what ends the process
                break
        return unit

    def _arrivals(self, index: int, *, must: bool) -> list[Arrival] | None:
        """Return the events of a record, read once; None where it can't be read now and needn't."""
        if index == len(self._read):
            try:
                self._read.append(self._reader.read(self._records[index]))
            except (AwayError, StopError):
                if must:
                    raise
                return None  # what came before is not to wait for who is away
        return self._read[index]

    def drop_before(self, offset: int) -> None:
        """Forget what lies before ``offset``."""
        gone = sum(record.offset < offset for record in self._records)
        del self._records[:gone], self._read[:gone]


def _reason(error: EventError) -> Reason:
    match error:
        case UnknownSchemaError():
            return Reason.UNKNOWN_SCHEMA
        case InvalidEventError():
            return Reason.INVALID
        case _:
            return Reason.UNDECODABLE
