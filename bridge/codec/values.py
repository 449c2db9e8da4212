"""Single values of Avro's binary encoding, read as our writer puts them (Avro 1.12, "Binary Encoding").

An array is in one block without a size. Whatever is otherwise raises :class:`OtherError`, and what can't be read at all
that, an IndexError, another ValueError, or ``struct.error``.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Read = Callable[[bytes, int], tuple[Any, int]]
"""Reads the value that begins at a place, and returns where it ends."""
OF_A_VALUE = 2
"""Says of a union of null and something that something follows."""

_LONGEST = 56
"""Bits of a number before those of its last byte."""
_unpack_double = struct.Struct("<d").unpack_from


class OtherError(ValueError):
    """It is not written as this release does."""


def value(node: Any) -> Read:
    """Return what reads values of a type."""
    match node:
        case "string":
            return _text
        case "double":
            return _double
        case ["null", "double"]:
            return _nullable_double
        case ["null", other]:
            return _nullable(value(other))
        case {"type": "array", "items": items}:
            return _doubles if items == "double" else _array(value(items))
        case {"type": "string" | "long" as other}:
            return long if other == "long" else _text
        case _:
            raise TypeError(f"{node} is in no schema of data")


def record(fields: Sequence[Mapping[str, Any]]) -> Read:
    """Return what reads records as dictionaries of these fields."""
    reads = tuple((field["name"], value(field["type"])) for field in fields)

    def read(data: bytes, at: int) -> tuple[Any, int]:
        values = {}
        for name, one in reads:
            values[name], at = one(data, at)
        return values, at

    return read


def raw_text(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a text as its UTF-8."""
    length, at = count(data, at)
    end = at + length
    if end > len(data):
        raise OtherError
    return data[at:end], end


def count(data: bytes, at: int) -> tuple[int, int]:
    """Read a number that counts what follows."""
    if not (number := data[at]) & 0x81:  # of one byte, and not negative
        return number >> 1, at + 1
    number, at = long(data, at)
    if not 0 <= number <= len(data):
        raise OtherError
    return number, at


def long(data: bytes, at: int) -> tuple[int, int]:
    """Read a number (zigzag, seven bits a byte)."""
    number = shift = 0
    while (byte := data[at]) & 0x80:
        number |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if shift > _LONGEST:
            raise OtherError
    number |= byte << shift
    return (number >> 1) ^ -(number & 1), at + 1


def _text(data: bytes, at: int) -> tuple[str, int]:
    raw, at = raw_text(data, at)
    return raw.decode(), at


def _double(data: bytes, at: int) -> tuple[float, int]:
    return _unpack_double(data, at)[0], at + 8


def _nullable_double(data: bytes, at: int) -> tuple[float | None, int]:
    if data[at] == OF_A_VALUE:
        return _unpack_double(data, at + 1)[0], at + 9
    if data[at]:
        raise OtherError
    return None, at + 1


def _nullable(read: Read) -> Read:
    def nullable(data: bytes, at: int) -> tuple[Any, int]:
        if data[at] == OF_A_VALUE:
            return read(data, at + 1)
        if data[at]:
            raise OtherError
        return None, at + 1

    return nullable


def _array(read: Read) -> Read:
    def array(data: bytes, at: int) -> tuple[Any, int]:
        values = []
        items, at = count(data, at)
        for _ in range(items):
            one, at = read(data, at)
            values.append(one)
        return (values, _end(data, at)) if items else (values, at)

    return array


def _doubles(data: bytes, at: int) -> tuple[tuple[float, ...], int]:
    items, at = count(data, at)
    if not items:
        return (), at
    return struct.unpack_from(f"<{items}d", data, at), _end(data, at + 8 * items)


def _end(data: bytes, at: int) -> int:
    """Return what follows the end of an array whose first block ends here: another one may follow."""
    if data[at]:
        raise OtherError
    return at + 1
