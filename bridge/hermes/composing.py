"""Events of shares as messages of Hermes, each below a size, and what can't go there with the reason.

A message has its events' rows, which every reader of Hermes knows, and the events themselves inside
(:mod:`bridge.hermes.embedded`). The same events give the same messages with the same ids at every try.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

from pydantic import JsonValue

from bridge.codec.split import part, runs
from bridge.events import BODIES, Data, Event, Kind, Target, TargetReference
from bridge.hermes.embedded import KEY, as_json, embedded
from bridge.hermes.record import FORMAT, ID, NAMESPACE, SENDER
from bridge.hermes.rest_rules import fitting_datum, fitting_target
from bridge.hermes.rows import Row, assumptions, datum_row, target_row
from bridge.origins import came_from_hermes
from bridge.stream.port import Headers

LARGEST_BYTES = 900_000
"""Bytes of a message at most, unless said otherwise: topics of HOPSKOTCH take 1 MiB."""
SECTIONS = (Kind.PHOTOMETRY, Kind.SPECTROSCOPY, Kind.ASTROMETRY)
"""The kinds of data that have rows of their own."""
_SEPARATOR = 2
_LONGEST_MADE_TITLE = 1_000
"""Bytes of a title that is made here, of names that JSON escapes: up to 12 a character."""
_CUT_TITLE = 80
"""Characters of one that would take more."""
_NAMES_IN_TITLE = 3


def no_messages_of(kind: Kind) -> str:
    """Return why no event of a kind becomes a message; nothing where it may."""
    return "" if kind in {Kind.TARGET, *SECTIONS} else f"Hermes has no messages of a {kind}"


@dataclass(frozen=True, kw_only=True)
class Outgoing:
    """One message, to be sent as it is at every try."""

    id: UUID
    key: bytes
    """Of its first event: Hermes' own messages have none, and nobody minds one."""
    value: bytes
    events: tuple[Event, ...] = ()
    """The events inside, parts where they are parts; none where it was read back (:meth:`of_stored`)."""

    @property
    def stored(self) -> bytes:
        """What an outbox keeps of it."""
        return self.id.bytes + self.value

    @classmethod
    def of_stored(cls, stored: bytes, key: bytes) -> "Outgoing":
        """Return a message of which :attr:`stored` was kept."""
        return cls(id=UUID(bytes=stored[:16]), key=key, value=stored[16:])

    @property
    def title(self) -> str:
        """Its title, as Hermes shows it."""
        return str(json.loads(self.value)["title"])

    def headers(self, sender: str = "") -> Headers:
        """Return the headers by which Hermes' readers know it; ``sender`` is the user name that sends, where one is."""
        told = json.loads(self.value)
        found = [("topic", told["topic"]), ("title", told["title"]), *([(SENDER, sender)] if sender else [])]
        texts = [(name, text.encode()) for name, text in found]
        return (texts[0], (ID, self.id.bytes), (FORMAT, b"json"), *texts[1:])


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What of an event Hermes' readers don't get, or get with something that nobody said, in words for people."""

    event: Event
    datums: int
    """Of how many of its datums that is so; 0: the event does not go at all."""
    why: str
    assumed: bool = False
    """Whether they go, and ``why`` is what is assumed of them."""

    def __str__(self) -> str:
        if self.assumed:
            return f"{self.event.subject}: of {self.datums} of the datums it is assumed: {self.why}"
        what = f"{self.datums} of the datums" if self.datums else "all of it"
        return f"{self.event.subject}: {what} can't go to Hermes: {self.why}"


@dataclass(frozen=True, kw_only=True)
class Composed:
    """Shares as Hermes takes them."""

    messages: tuple[Outgoing, ...] = ()
    not_carried: tuple[Remark, ...] = ()
    assumed: tuple[Remark, ...] = ()


def compose(
    events: Sequence[Event],
    topic: str,
    *,
    largest_bytes: int = LARGEST_BYTES,
    elements: Mapping[str, Target] | None = None,
    over_rest: bool = False,
) -> Composed:
    """Return ``events`` as messages for ``topic`` (its name on its stream), in order, those of one share together.

    An event larger than a message is split by its datums; a datum that Hermes' rows have no word for is told, and
    travels inside. Nothing that came from Hermes goes back.

    ``elements`` are targets by name of which none is among the events, but their data: where one moves, its orbital
    elements say where it is.

    ``over_rest``: they go by Hermes' REST API, which refuses more than its readers do.
    """
    targets = {name: _place_alone(target) for name, target in (elements or {}).items()}
    targets |= {one.subject: one.body for one in events if isinstance(one.body, Target)}
    packing = _Packing(topic, largest_bytes, targets, over_rest)
    for event in events:
        packing.add(event)
    return packing.composed()


def _place_alone(target: Target) -> Target:
    """Return a target without what nobody shared of it."""
    nothing = dict.fromkeys(("pm_ra", "pm_dec", "distance", "distance_err"))
    return target.model_copy(update={"extras": {}, **nothing})


@dataclass(frozen=True)
class _Piece:
    """An event, or a part of one, with the rows of its datums and of its target."""

    event: Event
    rows: Sequence[Row]
    target: Row

    @property
    def size(self) -> int:
        """Bytes that it takes in a message, without its target's row."""
        return _size(as_json(self.event)) + sum(_size(row) for row in self.rows)


@dataclass
class _Packing:
    """Pieces put into messages, in order."""

    topic: str
    largest: int
    targets: dict[str, Target]
    over_rest: bool
    messages: list[Outgoing] = field(default_factory=list)
    not_carried: list[Remark] = field(default_factory=list)
    assumed: list[Remark] = field(default_factory=list)
    pieces: list[_Piece] = field(default_factory=list)
    taken: int = 0
    """Bytes of the message that ``pieces`` make."""

    def add(self, event: Event) -> None:
        """Take an event, or tell why not."""
        try:
            for piece in self._pieces(event):
                self._put(piece)
        except ValueError as error:
            self._refuse(event, 0, str(error))

    def composed(self) -> Composed:
        """Return all messages, and what is in none."""
        self._close()
        return Composed(messages=tuple(self.messages), not_carried=tuple(self.not_carried), assumed=tuple(self.assumed))

    # -- events as pieces ---------------------------------------------------------------------------------------------

    def _pieces(self, event: Event) -> Sequence[_Piece]:
        """Return an event in pieces that fit a message each. ValueError: it can't go to Hermes."""
        if came_from_hermes(event.origin):
            raise ValueError("it came from Hermes")
        target = target_row(self._target(event))
        if self.over_rest:
            target = fitting_target(target)
        room = self.largest - _around(event, self.topic) - _size(target)
        if not isinstance(event.body, Data):
            piece = _Piece(event, (), target)
            if piece.size > room:
                raise _too_large(piece.size, room)
            return [piece]
        rows = self._rows(event, event.body)
        return list(_parts(event, event.body, rows, target, room))

    def _target(self, event: Event) -> Target | TargetReference:
        match event.body:
            case Target():
                return event.body
            case Data(target=reference) if event.kind in SECTIONS:
                return self.targets.get(reference.name, reference)
            case _:
                raise ValueError(no_messages_of(event.kind))

    def _rows(self, event: Event, body: Data) -> list[Row | None]:
        """Return the row of each datum, None for one that Hermes has no word for."""
        rows: list[Row | None] = []
        why: list[str] = []
        assumed: Counter[str] = Counter()
        for datum in body.datums:
            try:
                row = datum_row(event.kind, event.subject, datum)
                rows.append(fitting_datum(event.kind, row) if self.over_rest else row)
                assumed.update(assumptions(datum))
            except ValueError as error:
                rows.append(None)
                why.append(str(error))
        if len(why) == len(rows):
            raise ValueError(why[0])
        if why:
            self._refuse(event, len(why), why[0])
        self.assumed += [Remark(event=event, datums=number, why=what, assumed=True) for what, number in assumed.items()]
        return rows

    def _refuse(self, event: Event, datums: int, why: str) -> None:
        self.not_carried.append(Remark(event=event, datums=datums, why=why))

    # -- pieces as messages -------------------------------------------------------------------------------------------

    def _put(self, piece: _Piece) -> None:
        if self.pieces and self.pieces[0].event.share_id != piece.event.share_id:
            self._close()
        if self.pieces and self.taken + self._more(piece) > self.largest:
            self._close()
        if not self.pieces:
            self.taken = _around(piece.event, self.topic)
        self.taken += self._more(piece)
        self.pieces.append(piece)

    def _more(self, piece: _Piece) -> int:
        is_new = all(one.event.subject != piece.event.subject for one in self.pieces)
        return piece.size + (_size(piece.target) if is_new else 0)

    def _close(self) -> None:
        if not self.pieces:
            return
        events = [piece.event for piece in self.pieces]
        targets: dict[str, JsonValue] = {}
        for piece in self.pieces:
            targets.setdefault(piece.event.subject, piece.target)
        sections: dict[str, JsonValue] = {"targets": list(targets.values())}
        for kind in SECTIONS:
            if rows := [row for piece in self.pieces if piece.event.kind is kind for row in piece.rows]:
                sections[str(kind)] = list(rows)
        message = _message(events, self.topic, sections | {KEY: embedded(events)})
        message_id = uuid5(NAMESPACE, ":".join(("message", self.topic, *(str(event.id) for event in events))))
        self.messages.append(Outgoing(id=message_id, key=events[0].key, value=_json(message), events=tuple(events)))
        self.pieces = []


def _parts(event: Event, body: Data, rows: Sequence[Row | None], target: Row, room: int) -> Iterator[_Piece]:
    """Yield an event with datums in parts that take at most ``room`` bytes each. ValueError: one datum takes more."""
    whole = _Piece(event, [row for row in rows if row is not None], target)
    if whole.size <= room:
        yield whole
        return
    items: list[JsonValue] = as_json(event)["body"][BODIES[event.kind].ITEMS]  # type: ignore[index, call-overload, assignment]
    sizes = [_size(item) + (0 if row is None else _size(row)) for item, row in zip(items, rows, strict=True)]
    left = room - _size(as_json(part(event, 0, 1)))  # with the first datum, which gives no less room than there is
    if max(sizes) > left:
        raise _too_large(max(sizes), left)
    for first, end in runs(body.datums, sizes, left):
        yield _Piece(part(event, first, end), [row for row in rows[first:end] if row is not None], target)


def _message(events: Sequence[Event], topic: str, data: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the message of events of one share, in the order in which Hermes writes its fields."""
    share = events[0]
    references: list[JsonValue] = [
        {"url": one} if one.startswith(("http://", "https://")) else {"source": "reference", "citation": one}
        for one in share.references
    ]
    return {
        "title": share.title or _title(events),
        "topic": topic,
        "message_text": share.message,
        "submitter": share.shared_by or share.origin,
        "authors": share.acknowledgement,
        "data": ({"references": references} if references else {}) | data,
    }


def _title(events: Sequence[Event]) -> str:
    names = list(dict.fromkeys(event.subject for event in events))
    more = f" and {len(names) - _NAMES_IN_TITLE} more" if len(names) > _NAMES_IN_TITLE else ""
    kinds = ", ".join(dict.fromkeys(str(event.kind) for event in events))
    title = f"{kinds.capitalize()}: {', '.join(names[:_NAMES_IN_TITLE])}{more}"
    return title if len(_json(title)) <= _LONGEST_MADE_TITLE else f"{title[:_CUT_TITLE]}…"


def _around(event: Event, topic: str) -> int:
    """Return how many bytes a message takes beside its events and their rows."""
    empty: dict[str, JsonValue] = {"targets": [], **{str(kind): [] for kind in SECTIONS}, KEY: embedded([])}
    return len(_json(_message([event], topic, empty))) + _LONGEST_MADE_TITLE


def _json(value: JsonValue) -> bytes:
    return json.dumps(value, allow_nan=False).encode("ascii")


def _size(value: JsonValue) -> int:
    return len(_json(value)) + _SEPARATOR


def _too_large(size: int, room: int) -> ValueError:
    return ValueError(f"it takes {size} bytes, and a message has room for {max(room, 0)}; share it as less")
