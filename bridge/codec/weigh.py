"""What a payload would unfold into, counted before any of it is read.

A few bytes can say that a million items follow, and an item of one byte can become a hundred in memory. So each
payload is walked once by its writer's schema, without a value being made: each count is held against the bytes that
are left and against what one record may unfold into, before an item behind it is looked at.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.events import BODIES, MAX_MEMBERS

LIGHT_BYTES = 65_536
"""A shorter payload by the schema that it is read by is not weighed: its items are no smaller than ours may be."""
MOST_UNITS = 2_000_000
"""What one record may unfold into. A unit takes at most 45 bytes of memory; no event of 1 MiB that we write has half as
many."""
UNITS_A_BYTE = 2
"""What a record of any other schema may unfold into for each of its bytes, so that many small ones cost no more than a
large one. Points are 1 at most, members of a list 1.5 where their names have 5 letters."""
FILLED = {
    "TargetReference": 13, "FullTarget": 42, "ListMember": 18, "Point": 25, "Spectrum": 33, "Position": 25,
    "ReducedDatum": 19,
}  # fmt: skip
"""Units of the records that items consist of, by our own schemas: what a writer leaves out its reader fills in."""

_MOST_ITEMS = {"members": MAX_MEMBERS} | {body.ITEMS: body.MOST for body in BODIES.values()}
"""Of arrays that are fields of the outermost record."""
_UNITS = {"record": 4, "array": 3, "map": 3, "string": 2, "bytes": 2, "fixed": 2}
"""Of what takes more than a number does; a record's fields and an array's items come on top."""
_WIDTHS = {"null": 0, "boolean": 1, "float": 4, "double": 8}
_LONGEST_NUMBER = 10


class TooMuchError(ValueError):
    """A payload that says of itself what can't be, or that would unfold into too much."""


class TooManyItemsError(TooMuchError):
    """An array that has more items than an event may have."""


@dataclass(slots=True)
class _Left:
    """What one payload may still unfold into."""

    units: int = MOST_UNITS

    def take(self, units: int) -> None:
        self.units -= units
        if self.units < 0:
            raise TooMuchError("it would unfold into more parts than any event of its size")


_Walk = Callable[[bytes, int, _Left], int]
"""Walks over one datum from a place on, and returns where it ends."""


@dataclass(frozen=True, slots=True)
class _Type:
    """How a type is walked, and what each of its datums takes at least."""

    walk: _Walk
    units: int
    width: int | None = None
    """Bytes of each, where all have as many."""
    least: int = 1


class Scales:
    """Weighs payloads of one schema, as fastavro has parsed it."""

    def __init__(self, parsed: Any) -> None:
        self._named: dict[str, _Type] = {}
        self._whole = self._record(parsed, _MOST_ITEMS)

    def weigh(self, payload: bytes, start: int, *, is_readers: bool) -> None:
        """Raise TooMuchError where the datum that begins at ``start`` can't be, or costs more than any honest one.

        ``is_readers``: the schema is the one that it is read by.
        """
        if is_readers and len(payload) < LIGHT_BYTES:
            return
        most = MOST_UNITS - self._whole.units
        if not is_readers:
            most = min(most, UNITS_A_BYTE * len(payload))
        try:
            self._whole.walk(payload, start, _Left(most))
        except IndexError:
            raise TooMuchError("it ends too early") from None

    def _type(self, node: Any) -> _Type:  # noqa: PLR0911 (a type a line)
        if isinstance(node, list):
            return _union([self._type(each) for each in node])
        match node if isinstance(node, str) else node["type"]:
            case "record" | "error":
                return self._record(node, {})
            case "array":
                return _array(self._type(node["items"]))
            case "map":
                return _array(self._type(node["values"]), keyed=True)
            case "fixed":
                return self._keep(node, _fixed(node["size"], _UNITS["fixed"]))
            case "enum":
                return self._keep(node, _Type(_number, 1))
            case "int" | "long":
                return _Type(_number, 1)
            case "string" | "bytes" as name:
                return _Type(_text, _UNITS[name])
            case name:
                return _fixed(_WIDTHS[name], 1) if name in _WIDTHS else self._named[name]

    def _keep(self, node: Any, found: _Type) -> _Type:
        self._named[node["name"]] = found
        return found

    def _record(self, node: Any, most: Mapping[str, int]) -> _Type:
        fields = []
        for field in node["fields"]:
            name, type_ = field["name"], field["type"]
            if name in most and isinstance(type_, dict) and type_["type"] == "array":
                fields.append(_array(self._type(type_["items"]), name=name, most=most[name]))
            else:
                fields.append(self._type(type_))
        units = max(_UNITS["record"] + sum(one.units for one in fields), FILLED.get(node["name"].rpartition(".")[2], 0))
        if all(one.width is not None for one in fields):
            return self._keep(node, _fixed(sum(one.width or 0 for one in fields), units))
        walks = tuple(one.walk for one in fields)

        def walk(data: bytes, at: int, left: _Left) -> int:
            for each in walks:
                at = each(data, at, left)
            return at

        return self._keep(node, _Type(walk, units, least=sum(one.least for one in fields)))


def _union(branches: list[_Type]) -> _Type:
    def walk(data: bytes, at: int, left: _Left) -> int:
        if (index := data[at]) & 0x81:
            index, at = _value(data, at)
        else:
            index, at = index >> 1, at + 1
        if not 0 <= index < len(branches):
            raise TooMuchError(f"it names branch {index} of a union of {len(branches)}")
        branch = branches[index]
        if branch.units > 1:
            left.take(branch.units)
        return at if branch.width == 0 else branch.walk(data, at, left)

    return _Type(walk, 1, least=1 + min((one.least for one in branches), default=0))


def _array(item: _Type, *, keyed: bool = False, name: str = "", most: int | None = None) -> _Type:
    units = item.units + (_UNITS["string"] if keyed else 0)
    least = item.least + keyed

    def walk(data: bytes, at: int, left: _Left) -> int:
        total = 0
        while True:
            count, at = _value(data, at)
            size = None
            if count < 0:
                count, (size, at) = -count, _value(data, at)
            if not count:
                return at
            total += count
            if count * least > len(data) - at:
                raise TooMuchError(f"{count} items are to follow, {len(data) - at} bytes do")
            if most is not None and total > most:
                raise TooManyItemsError(f"{name}: there are {total}; {most} are the most")
            left.take(count * units)
            end = _over_items(data, at, left, count)
            if size is not None and size != end - at:
                raise TooMuchError(f"{count} items are to take {size} bytes, they take {end - at}")
            at = end

    def _over_items(data: bytes, at: int, left: _Left, count: int) -> int:
        if item.width is not None and not keyed:
            return at + count * item.width
        for _ in range(count):
            if keyed:
                at = _text(data, at, left)
            at = item.walk(data, at, left)
        return at

    return _Type(walk, _UNITS["map" if keyed else "array"])


def _fixed(width: int, units: int) -> _Type:
    def walk(data: bytes, at: int, _left: _Left) -> int:
        if at + width > len(data):
            raise TooMuchError("it ends too early")
        return at + width

    return _Type(walk, units, width, least=width)


def _number(data: bytes, at: int, _left: _Left) -> int:
    begin = at
    while data[at] & 0x80:
        at += 1
        if at - begin == _LONGEST_NUMBER:
            raise TooMuchError(f"it has a number of more than {_LONGEST_NUMBER} bytes")
    return at + 1


def _text(data: bytes, at: int, _left: _Left) -> int:
    if (length := data[at]) & 0x81:  # of more than one byte, or negative
        length, at = _value(data, at)
    else:
        length, at = length >> 1, at + 1
    if not 0 <= length <= len(data) - at:
        raise TooMuchError(f"a text of {length} bytes is to follow, {len(data) - at} bytes do")
    return at + length


def _value(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends (zigzag, seven bits a byte)."""
    end = _number(data, at, _NOTHING)
    value = 0
    for shift, byte in enumerate(data[at:end]):
        value |= (byte & 0x7F) << 7 * shift
    return (value >> 1) ^ -(value & 1), end


_NOTHING = _Left()
