"""A message's rows as items: events of its targets and their data, and what of it is none with the reason.

Targets come in their order, then of each its photometry, spectra and positions, then what is bad row by row, then what
brings nothing. All of it depends on the record and the subscription alone: a number is the same item at every look.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from uuid import uuid5

from pydantic import JsonValue

from bridge.codec.headers import Hints
from bridge.codec.items import Item, Left, Noted
from bridge.errors import InvalidEventError
from bridge.events import (
    BODIES,
    LONGEST_ACKNOWLEDGEMENT,
    LONGEST_MESSAGE,
    LONGEST_REFERENCE,
    MAX_REFERENCES,
    Datum,
    Event,
    Kind,
    Point,
    Position,
    Spectrum,
    Target,
    TargetReference,
    TargetType,
    checked_part,
)
from bridge.hermes import units, values
from bridge.hermes.mapping import ELEMENTS, POINT, POSITION, SPECTRUM, TARGET, keys_of, read_fields
from bridge.hermes.record import INSTALLATION, Message, origin_name_of
from bridge.hermes.values import given
from bridge.ledger.model import Reason
from bridge.tom.reserved import HERMES_SOURCE, ORIGINAL_SOURCE_KEY

ProperMotion = Literal["mas", "arcsec"]
_MAS: Mapping[str, float] = {"mas": 1.0, "arcsec": 1000.0}
_LONGEST_SOURCE = 100
MOST_ROWS, MOST_TARGETS = 50_000, 5_000
"""Rows of a message: as many as an event has points. Targets: each takes a transaction of its own."""
MOST_TOLD = 20
"""Rows, and events inside, that are told one by one where they bring nothing; the others are told as one."""

Row = Mapping[str, JsonValue]


def told(left: Sequence[Left], message: Message) -> Iterator[Left]:
    """Yield what brings no event one by one, as far as people read that, and the rest as one."""
    yield from left[:MOST_TOLD]
    if more := left[MOST_TOLD:]:
        words = f"{message.record.where}: of {len(more)} more the same can be said; the first: {more[0].message}"
        yield Left(reason=more[0].reason, message=words, hints=Hints(origin=message.origin, share_id=message.id))


class _NoDatumError(ValueError):
    """A row that is right and has no datum."""


@dataclass
class Rows:
    """The rows of one message, as they become events."""

    message: Message
    proper_motion: ProperMotion | None
    bad: list[Left] = field(default_factory=list)
    nothing: list[Left] = field(default_factory=list)
    targets: dict[str, Noted] = field(default_factory=dict)
    references: dict[str, TargetReference] = field(default_factory=dict)
    datums: dict[str, dict[Kind, list[Datum]]] = field(default_factory=dict)

    def items(self) -> Iterator[Item]:
        """Yield all that the message brings. Raises InvalidEventError where it is bad as a whole."""
        data = self._data()
        readers: Mapping[Kind, Callable[[Row], Datum]] = {
            Kind.PHOTOMETRY: self._point,
            Kind.SPECTROSCOPY: self._spectrum,
            Kind.ASTROMETRY: self._position,
        }
        targets = _section(data, "targets", self._where)
        sections = {kind: _section(data, str(kind), self._where) for kind in readers}
        self._bound("rows", len(targets) + sum(map(len, sections.values())), MOST_ROWS)
        self._bound("targets", len(targets), MOST_TARGETS)
        for number, row in enumerate(targets):
            self._each(Kind.TARGET, f"targets[{number}]", row, self._take_target)
        for kind, rows in sections.items():
            for number, row in enumerate(rows):
                self._each(kind, f"{kind}[{number}]", row, partial(self._take, kind, readers[kind]))
        self._bound("targets", len(self.references), MOST_TARGETS)
        for name in dict.fromkeys((*self.targets, *self.datums)):
            if name in self.targets:
                yield self.targets[name]
            for kind, datums in self.datums.get(name, {}).items():
                yield self._of_datums(name, kind, datums)
        for left in (self.bad, self.nothing):
            yield from told(left, self.message)

    def _bound(self, what: str, number: int, most: int) -> None:
        if number > most:
            raise InvalidEventError(f"the message has {number} {what}; {most} are the most", where=self._where)

    @property
    def _where(self) -> str:
        return self.message.record.where

    def _hints(self, kind: Kind, subject: str) -> Hints:
        return Hints(kind=str(kind), origin=self.message.origin, share_id=self.message.id, subject=subject)

    def _data(self) -> Row:
        data = self.message.payload.get("data")
        if data is None:
            return {}
        if not isinstance(data, dict):
            raise InvalidEventError(f"data is {values.shown(data)}, not an object", where=self._where)
        return data

    def _each(self, kind: Kind, place: str, row: JsonValue, take: Callable[[Row], None]) -> None:
        """Take one row; what is wrong with it is told, and costs no other."""
        hints = self._hints(kind, _subject(row))
        try:
            if not isinstance(row, dict):
                raise ValueError(f"is {values.shown(row)}, not an object")  # noqa: TRY301, TRY004 (as all else that is wrong)
            take(row)
        except _NoDatumError as none:
            self.nothing.append(Left(reason=Reason.NOTHING_TO_TAKE, message=f"{place} {none}", hints=hints))
        except (ValueError, InvalidEventError) as error:
            self.bad.append(Left(reason=Reason.INVALID, message=f"{self._where}: {place}: {error}", hints=hints))

    # -- targets ------------------------------------------------------------------------------------------------------

    def _take_target(self, row: Row) -> None:
        name = _needed(row, "name")
        if name in self.references:
            raise ValueError(f"{name!r} is there twice; each target needs a name of its own")
        fields: dict[str, Any] = {"name": name, "aliases": _aliases(row)}
        # By its names alone until all of it is read: rows of a target that is wrong elsewhere are right.
        self.references[name] = checked_part(TargetReference, fields, where="")
        fields |= read_fields(row, TARGET)
        elements = given(row, "orbital_elements")
        if elements is not None:
            fields |= _elements(elements)
            fields.pop("epoch", None)  # Hermes' default: elements have an epoch of their own
        elif "ra" not in fields and "dec" not in fields:
            raise _NoDatumError("has neither a position nor orbital elements: it is known by its name alone")
        else:
            fields["type"] = TargetType.SIDEREAL
        notes = self._motion(row, fields)
        unread = _distance(row, fields)
        others = _others(row, _TARGET_KEYS, unread)
        if further := _others(elements, keys_of(ELEMENTS)) if isinstance(elements, dict) else {}:
            others["orbital_elements"] = further
        fields["extras"] = {key: values.of(key, values.free_text, value) for key, value in others.items()}
        target = checked_part(Target, fields, where="")
        self.references[name] = target.reference
        self.targets[name] = self._noted("target", name, target.model_dump(), notes)

    def _motion(self, row: Row, fields: dict[str, Any]) -> tuple[str, ...]:
        notes = []
        for name in ("pm_ra", "pm_dec"):
            if given(row, name) is None:
                continue
            value = values.of(name, values.number, row[name])
            if self.proper_motion is not None or value == 0:
                fields[name] = value * _MAS[self.proper_motion or "mas"]
            else:
                notes.append(
                    f"{name} {value:g} was not taken: Hermes means arcsec/yr and TOMs send mas/yr; say which by"
                    " proper_motion of the subscription"
                )
        return tuple(notes)

    # -- datums -------------------------------------------------------------------------------------------------------

    def _take(self, kind: Kind, read: Callable[[Row], Datum], row: Row) -> None:
        name = _needed(row, "target_name")
        _needed(row, "date_obs")
        if name not in self.references:
            self.references[name] = checked_part(TargetReference, {"name": name}, where="")
        datum = read(row)
        self.datums.setdefault(name, {}).setdefault(kind, []).append(datum)

    def _point(self, row: Row) -> Datum:
        fields = read_fields(row, POINT)
        own, of_limit = (values.of(key, units.ours, given(row, key) or "") for key in _BRIGHTNESS_UNITS)
        unread: tuple[str, ...] = ()
        if "brightness" not in fields:
            fields["unit"] = own if of_limit in ("", units.ours(units.AB_MAG)) and own else of_limit
        else:
            fields["unit"] = own
            if "limit" in fields and of_limit and of_limit != own:
                del fields["limit"]
                unread = ("limiting_brightness", "limiting_brightness_unit")
        return self._datum(Point, row, fields, keys_of(POINT) | {*_BRIGHTNESS_UNITS}, unread)

    def _spectrum(self, row: Row) -> Datum:
        if given(row, "flux") is None and given(row, "wavelength") is None:
            raise _NoDatumError(f"has no values, only files: {values.shown(row.get('file_info'), 300)}")
        return self._datum(Spectrum, row, read_fields(row, SPECTRUM), keys_of(SPECTRUM))

    def _position(self, row: Row) -> Datum:
        fields = read_fields(row, POSITION)
        for name in ("ra_error", "dec_error"):
            if name not in fields:
                fields.pop(f"{name}_units", None)
        return self._datum(Position, row, fields, keys_of(POSITION))

    def _datum(
        self, model: type[Datum], row: Row, fields: dict[str, Any], known: frozenset[str], unread: Sequence[str] = ()
    ) -> Datum:
        extra = _others(row, known | {"target_name"}, unread)
        if ORIGINAL_SOURCE_KEY in extra:
            raise ValueError(f"has {ORIGINAL_SOURCE_KEY}, where the bridge itself says where a datum came from")
        if values.is_day(row["date_obs"]):
            extra["date_obs"] = row["date_obs"]
        source = f"{HERMES_SOURCE}{self.message.topic}"[:_LONGEST_SOURCE]
        address = self.message.address
        return checked_part(
            model, fields | {"extra": extra, "source_name": source, "source_location": address}, where=""
        )

    def _of_datums(self, name: str, kind: Kind, datums: Sequence[Datum]) -> Item:
        body = {"kind": kind, "target": self.references[name], BODIES[kind].ITEMS: tuple(datums)}
        try:
            return self._noted(str(kind), name, body)
        except InvalidEventError as error:
            return Left(reason=Reason.INVALID, message=str(error), hints=self._hints(kind, name))

    # -- events -------------------------------------------------------------------------------------------------------

    def _noted(self, word: str, name: str, body: Mapping[str, Any], notes: tuple[str, ...] = ()) -> Noted:
        message = self.message
        event_id = uuid5(message.id, f"{word}:{name}")
        event = Event.checked(self._envelope | {"id": event_id, "body": body}, where=self._where)
        content = uuid5(event_id, message.content) if message.has_id else None
        return Noted(event=event, content=content, notes=notes)

    @property
    def _envelope(self) -> dict[str, Any]:
        payload = self.message.payload
        return {
            "share_id": self.message.id,
            "origin": self.message.origin,
            "origin_name": origin_name_of(self.message.origin)[:100],
            "installation": INSTALLATION,
            "shared_by": values.words(payload.get("submitter"), 150),
            "shared_at": self.message.record.timestamp,
            "title": values.words(payload.get("title"), 500),
            "message": values.words(payload.get("message_text"), LONGEST_MESSAGE),
            "acknowledgement": values.words(payload.get("authors"), LONGEST_ACKNOWLEDGEMENT),
            "references": _references(self._data()),
        }


_BRIGHTNESS_UNITS = ("brightness_unit", "limiting_brightness_unit")
_TARGET_KEYS = keys_of(TARGET) | {"aliases", "orbital_elements", "pm_ra", "pm_dec", *(
    "distance", "distance_error", "distance_units",
)}  # fmt: skip


def _section(data: Row, name: str, where: str) -> Sequence[JsonValue]:
    rows = data.get(name)
    if rows is None:
        return ()
    if not isinstance(rows, list):
        raise InvalidEventError(f"data.{name} is {values.shown(rows)}, not a list of rows", where=where)
    return rows


def _needed(row: Row, key: str) -> str:
    value = given(row, key)
    if value is None:
        raise ValueError(f"has no {key}")
    return values.of(key, values.text, value)


def _subject(row: JsonValue) -> str:
    named = (row.get("target_name") or row.get("name")) if isinstance(row, dict) else None
    return named[:200] if isinstance(named, str) else ""


def _aliases(row: Row) -> tuple[str, ...]:
    aliases = given(row, "aliases") or []
    if not isinstance(aliases, list):
        raise ValueError(f"aliases is {values.shown(aliases)}, not a list of names")  # noqa: TRY004
    return tuple(values.of("aliases", values.text, alias) for alias in aliases)


def _elements(elements: JsonValue) -> dict[str, Any]:
    if not isinstance(elements, dict):
        raise ValueError(f"orbital_elements is {values.shown(elements)}, not an object")  # noqa: TRY004
    scheme = "MPC_COMET" if given(elements, "semimajor_axis") is None else "MPC_MINOR_PLANET"
    return {"type": TargetType.NON_SIDEREAL, "scheme": scheme} | read_fields(elements, ELEMENTS)


def _distance(row: Row, fields: dict[str, Any]) -> tuple[str, ...]:
    """Take the distance in parsecs; return the keys that stay as they are said, because nobody knows their unit."""
    unit = given(row, "distance_units")
    factor = values.PARSECS.get(unit) if isinstance(unit, str) else None
    for ours, theirs in (("distance", "distance"), ("distance_err", "distance_error")):
        if factor is not None and given(row, theirs) is not None:
            fields[ours] = values.of(theirs, values.number, row[theirs]) * factor
    return () if factor is not None else ("distance", "distance_error", "distance_units")


def _others(row: Row, known: frozenset[str], unread: Sequence[str] = ()) -> dict[str, JsonValue]:
    """Return what a row says beyond what was read, and ``unread``: without what is empty and units of nothing."""
    found = {}
    for key, value in row.items():
        of = key.removesuffix("_units")
        is_of_nothing = of != key and given(row, of) is None
        is_default = key == "new_discovery" and value is False
        if (key not in known or key in unread) and not values.is_empty(value) and not is_of_nothing and not is_default:
            found[key] = value
    return found


def _references(data: Row) -> tuple[str, ...]:
    found = []
    references = data.get("references")
    for one in references if isinstance(references, list) else [references] if references else []:
        if not isinstance(one, dict):
            found.append(values.words(one, LONGEST_REFERENCE))
            continue
        told = ": ".join(values.words(one[key], 200) for key in ("source", "citation") if one.get(key))
        found.append(values.words(one.get("url") or told, LONGEST_REFERENCE))
    if event_id := data.get("event_id"):
        found.append(f"event_id: {values.words(event_id, 200)}")
    return tuple(one for one in found if one)[:MAX_REFERENCES]
