"""Events that are larger than a topic takes, in parts that fit: the same parts at every try."""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

from bridge.codec.avro import LARGEST_EVENT
from bridge.codec.writing import ARRAYS, encode, sizes_of_items
from bridge.errors import TooLargeError
from bridge.events import Datum, Datums, Event, Kind

_COUNT = 10  # bytes that the count of an array takes at most


def split(event: Event, largest_bytes: int = LARGEST_EVENT) -> list[Event]:
    """Return ``event`` in parts whose encoded values take at most ``largest_bytes`` each, in order.

    An event that fits comes back unchanged. Data are split by datums and lists by members; a part has all else
    of the event, and an id made of the event's id and of which datums or members it has: the same at every try.
    Neighbours of one time stay in one part where they fit.
    Raises :class:`~bridge.errors.TooLargeError` where one datum, one member or a kind without such is too large.
    """
    size = len(encode(event).value)
    return [event] if size <= largest_bytes else split_larger(event, size, largest_bytes)


def split_larger(event: Event, size: int, largest_bytes: int) -> list[Event]:
    """Return the parts of an event that is known to take ``size`` bytes, more than ``largest_bytes``."""
    array = ARRAYS.get(event.kind)
    if array is None or not getattr(event.body, array):
        raise _too_large(event, f"the {event.kind}", size, largest_bytes)
    items = getattr(event.body, array)
    room = largest_bytes - len(encode(part(event, 0, 1)).value) - _COUNT
    sizes = sizes_of_items(event.kind, items)
    # The event with its first item was measured, as an event without any can't be: give that item's room back.
    room += sizes[0]
    for number, each in enumerate(sizes):
        if each > room:
            raise _too_large(event, f"{array}[{number}] with the envelope", each + largest_bytes - room, largest_bytes)
    return [part(event, first, end) for first, end in runs(items, sizes, room)]


def runs(items: Sequence[Any], sizes: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Yield first and end of runs of items that take at most ``room`` bytes, or whatever ``sizes`` count.

    Neighbours of one time stay together where they fit: what people shared together must not conflict within itself.
    """
    first = taken = begin = 0
    times = _times(items)
    for number, size in enumerate(sizes):
        if number == 0 or times[number - 1] != times[number]:
            begin = number
        while taken + size > room and number > first:
            end = begin if begin > first else number
            yield first, end
            taken -= sum(sizes[first:end])
            first = end
        taken += size
    if sizes:
        yield first, len(sizes)


def _times(items: Sequence[Any]) -> Sequence[Any]:
    """Return the times of datums; of items without one what no two have in common."""
    if isinstance(items, Datums):
        return items.column("timestamp")
    return [one.timestamp if isinstance(one, Datum) else number for number, one in enumerate(items)]


def part(event: Event, first: int, end: int) -> Event:
    """Return the part of a list, or of an event with datums, that has its items ``first`` up to ``end`` (exclusive)."""
    body: Any = event.body
    array = ARRAYS[event.kind]
    items = getattr(body, array)[first:end]
    less = body.model_copy(update={array: items})
    return event.model_copy(update={"id": part_id(event.id, first, end), "body": less})


def part_id(event_id: UUID, first: int, end: int) -> UUID:
    """Return the id of the part of an event that has its datums or members ``first`` up to ``end`` (exclusive).

    The range, not the part's number, is in the id: a topic whose limit has changed between two tries gives other
    parts, and a part that was applied must not stand for another one.
    """
    return uuid5(event_id, f"{first}:{end}")


def _too_large(event: Event, what: str, size: int, largest_bytes: int) -> TooLargeError:
    if event.kind is Kind.DATA_PRODUCT:
        mend = "Publish it on a topic made for larger values (Kafka: max.message.bytes), or share a smaller file"
    elif event.kind is Kind.SPECTROSCOPY:
        mend = "Share it as a file (a data product), or binned to fewer wavelengths"
    else:
        mend = "Shorten its extra values, aliases and texts"
    return TooLargeError(
        f"{what} of {event.subject!r} takes {size} bytes; {largest_bytes} are the most",
        where=f"event {event.id}",
        mend=mend,
    )
