"""Reading a record: its event, or what is clear without one; and which records are written together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from bridge.codec.headers import Hints
from bridge.errors import (
    BridgeError,
    EventError,
    IdentityError,
    InvalidEventError,
    NewerVersionError,
    UnknownSchemaError,
)
from bridge.events import Data, Event
from bridge.ledger.port import Outcome, Reason, ToPark
from bridge.receiving.execute import Result, dead
from bridge.stream.port import Record


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a subscription accepts of its topic."""

    kinds: frozenset[str] | None = None
    """None: all kinds, also those that a later release knows."""
    origins: frozenset[str] | None = None
    ignore_unmatched: bool = False


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A record as far as it could be read: with its event, or with the result that is clear without one."""

    record: Record
    hints: Hints
    event: Event | None = None
    settled: Result | None = None
    members: frozenset[str] | None = None
    """Of a list only these members: those that were parked."""
    parked_id: int | None = None
    """Its place among what is parked, where it was parked before."""

    @property
    def datums(self) -> int:
        """How many datums it brings, by their weight."""
        body = self.event.body if self.event is not None and self.settled is None else None
        return sum(datum.weight for datum in body.datums) if isinstance(body, Data) else 0

    @property
    def key(self) -> bytes:
        """What keeps its order."""
        return self.event.key if self.event is not None else self.record.key or b""


class Reader:
    """Reads records for one TOM, whose permanent id is ``origin`` and whose own installation is ``installation``.

    ``decode`` turns a record into an event or raises; ``peek`` reads hints from a record that need not be decodable;
    ``rules`` are those of each topic subscribed to.
    """

    def __init__(
        self,
        decode: Callable[[Record], Event],
        peek: Callable[[Record], Hints],
        *,
        origin: str,
        installation: UUID,
        rules: Mapping[str, Rules],
    ) -> None:
        self._decode = decode
        self._peek = peek
        self._origin = origin
        self._installation = installation
        self._rules = rules

    def rules(self, topic: str) -> Rules:
        """Return the rules of ``topic``; those that accept everything where it isn't subscribed to."""
        return self._rules.get(topic, Rules())

    def event_of(self, record: Record) -> Event | None:
        """Return the event of a record, or None where it can't be decoded (by this release)."""
        try:
            return self._decode(record)
        except (EventError, NewerVersionError):
            return None

    def read(self, record: Record) -> Arrival:
        """Return ``record`` with its event, or with what is clear without it."""
        hints = self._peek(record)
        rules = self.rules(record.partition.topic)
        try:
            event = self._decode(record)
        except NewerVersionError as error:
            if rules.kinds is not None and hints.kind not in rules.kinds:
                return Arrival(record=record, hints=hints, settled=_ignored(Reason.KIND_NOT_SUBSCRIBED))
            park = ToPark(reason=Reason.NEWER_VERSION, detail={"message": str(error)})
            settled = Result(outcome=Outcome.PARKED, reason=Reason.NEWER_VERSION, detail=park.detail, park=(park,))
            return Arrival(record=record, hints=hints, settled=settled)
        except EventError as error:
            return Arrival(record=record, hints=hints, settled=dead(_reason(error), str(error)))
        return Arrival(record=record, hints=hints, event=event, settled=self._filtered(event, rules, record))

    def _filtered(self, event: Event, rules: Rules, record: Record) -> Result | None:
        """Return why this TOM doesn't want ``event``, or None where it does."""
        if event.origin == self._origin:
            if event.installation != self._installation:
                raise IdentityError(
                    f"another installation publishes as {self._origin!r}, the origin of this TOM",
                    where=f"{record.where}: event {event.id}",
                    mend="Give each TOM its own origin, then replay",
                )
            return _ignored(Reason.OURS)
        if rules.origins is not None and event.origin not in rules.origins:
            return _ignored(Reason.ORIGIN_NOT_ACCEPTED)
        if rules.kinds is not None and event.kind not in rules.kinds:
            return _ignored(Reason.KIND_NOT_SUBSCRIBED)
        return None

    def units(self, records: Sequence[Record], batch_datums: int) -> Iterator[list[Arrival]]:
        """Yield what is written in one transaction: datums together up to a bound, anything else alone."""
        unit: list[Arrival] = []
        datums = 0
        ids: set[UUID] = set()
        for record in records:
            try:
                arrival = self.read(record)
            except BridgeError:
                if unit:
                    yield unit  # what came before is not to wait for a person, or for who is away
                raise
            alone = arrival.settled is None and not arrival.datums
            # What became of an event is to be known before it comes again.
            again = arrival.event is not None and arrival.event.id in ids
            if unit and (alone or again or datums + arrival.datums > batch_datums):
                yield unit
                unit, datums, ids = [], 0, set()
            unit.append(arrival)
            datums += arrival.datums
            ids |= {arrival.event.id} if arrival.event is not None else set()
            if alone:
                yield unit
                unit, datums, ids = [], 0, set()
        if unit:
            yield unit


def _ignored(reason: Reason) -> Result:
    return Result(outcome=Outcome.IGNORED, reason=reason)


def _reason(error: EventError) -> Reason:
    match error:
        case UnknownSchemaError():
            return Reason.UNKNOWN_SCHEMA
        case InvalidEventError():
            return Reason.INVALID
        case _:
            return Reason.UNDECODABLE
