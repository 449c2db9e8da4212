"""What is shared in a simulated world: a few origins, names and topics, so that everything meets everything."""

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from uuid import UUID

from bridge.codec.headers import Hints
from bridge.errors import InvalidEventError, NewerVersionError, UndecodableError, UnknownSchemaError
from bridge.events import (
    Body,
    DataProduct,
    Event,
    ListMember,
    Photometry,
    Point,
    Target,
    TargetList,
    TargetReference,
    TargetType,
)
from bridge.stream.port import Record

US = "here"
"""Our own origin."""
ORIGINS = ("north", "south", US)
NAMES = tuple(f"SN {number}" for number in range(6))
TOPICS = ("one", "two")
FAR = "far"
"""The label of the other stream, where there is one."""
FAR_TOPICS = ("far:one",)
"""Called there as one of the first."""
KINDS = ("photometry", "photometry", "photometry", "target", "list", "full list", "product")
OUR_INSTALLATION = UUID(int=1)
FOREIGN_INSTALLATION = UUID(int=2)
_NIGHT = datetime(2026, 1, 1, tzinfo=UTC)
_INSTALLATIONS = {origin: UUID(int=100 + number) for number, origin in enumerate(ORIGINS)}

FLAWS = ("", "undecodable", "invalid", "unknown schema", "unreadable", "newer", "odd")
"""What may be wrong with a record: nothing, or that it can't be decoded in one of many ways."""


@dataclass(frozen=True)
class Content:
    """What a record means, where it can be decoded."""

    number: int
    events: tuple[Event, ...]
    flaw: str = ""

    @property
    def value(self) -> bytes:
        """The bytes of a record with this content."""
        return b"content %d " % self.number + b"." * 20


def hour(number: int) -> datetime:
    """Return an hour of observation, another for each number."""
    return _NIGHT + timedelta(hours=number)


@cache
def reference(name: str, *, bare: bool = False) -> TargetReference:
    """Return by what data of a target refer to it; each has an alias of its own, unless it is ``bare``."""
    number = NAMES.index(name) if name in NAMES else 0
    return TargetReference(
        name=name, aliases=() if bare else (alias(name),), type=TargetType.SIDEREAL, ra=10.0 + number, dec=5.0
    )


def alias(name: str) -> str:
    """Return the other name of a target."""
    return name.replace("SN", "ZTF")


@cache
def target(name: str) -> Target:
    """Return a target in full."""
    told = reference(name)
    return Target(name=name, aliases=told.aliases, type=TargetType.SIDEREAL, ra=told.ra, dec=told.dec)


@cache
def _member(name: str, *, full: bool) -> ListMember:
    """Return a member of a list; also in full."""
    return ListMember(reference=reference(name), target=target(name) if full else None)


@lru_cache(maxsize=20_000)
def _body(kind: str, name: str, size: int, number: int, *, bare: bool) -> Body:
    """Return what an event says; many worlds have the same."""
    match kind:
        case "target":
            return target(name)
        case "list" | "full list":
            first = NAMES.index(name)
            names = [NAMES[(first + index) % len(NAMES)] for index in range(min(size, len(NAMES)))]
            names += [f"{name} {index}" for index in range(len(names), size)]
            return TargetList(
                name=f"List {number}", members=tuple(_member(one, full=kind == "full list") for one in names)
            )
        case "product":
            return DataProduct.of(
                b"image %d" % number, target=reference(name), filename=f"{number}.png",
                data_product_type="image_file",
            )  # fmt: skip
        case _:
            points = tuple(
                Point(timestamp=hour(number) + timedelta(minutes=index), bandpass="r", brightness=18.0)
                for index in range(size)
            )
            return Photometry(target=reference(name, bare=bare), points=points)


class Universe:
    """Makes contents, numbered, and knows them by their number."""

    def __init__(self) -> None:
        self.contents: list[Content] = []
        self._by_event: dict[UUID, Content] = {}
        self._ids = itertools.count(1)

    def content(
        self, kind: str, origin: str, name: str, size: int, *, flaw: str = "", events: int = 1, bare: bool = False
    ) -> Content:
        """Make one: ``size`` points or members, ``events`` of its kind in one record; ``bare``: without the alias."""
        number = len(self.contents)
        made = tuple(
            self._event(_body(kind, name, size, number * 10 + part, bare=bare), origin, flaw) for part in range(events)
        )
        self.contents.append(content := Content(number, made, flaw))
        self._by_event |= dict.fromkeys((event.id for event in made), content)
        return content

    def _event(self, body: Body, origin: str, flaw: str) -> Event:
        ours = OUR_INSTALLATION if origin == US else _INSTALLATIONS[origin]
        installation = FOREIGN_INSTALLATION if flaw == "another's" else ours
        number = next(self._ids)
        return Event(
            id=UUID(int=number),
            share_id=UUID(int=number),
            origin=origin,
            origin_name=origin.title(),
            installation=installation,
            shared_at=hour(0),
            body=body,
        )

    def content_of(self, event_id: UUID | None) -> Content | None:
        """Return the content with an event."""
        return None if event_id is None else self._by_event.get(event_id)

    def of(self, record: Record) -> Content:
        """Return what a record means."""
        return self.contents[int(record.value.split()[1])]

    def decode(self, record: Record, release: int) -> tuple[Event, ...]:
        """Return the events of a record, or raise what its flaw is, as the codec of this release does."""
        content = self.of(record)
        match content.flaw:
            case "undecodable":
                raise UndecodableError("no event", where=record.where)
            case "invalid":
                raise InvalidEventError("points[0].ra: too large", where=record.where)
            case "unknown schema":
                raise UnknownSchemaError("nobody knows this schema", where=record.where)
            case "odd":
                raise ValueError("a decoder must not fail so")
            case "newer" if release < 1:
                raise NewerVersionError("version 7", where=record.where)
        return content.events

    def peek(self, record: Record) -> Hints:
        """Return what a record says of itself."""
        event = self.of(record).events[0]
        return Hints(kind=event.kind.value, origin=event.origin, event_id=event.id, subject=event.subject)
