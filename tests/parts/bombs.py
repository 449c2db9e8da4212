"""Records that cost more than they weigh: what a stranger may write on a topic, with the schema that it announces.

Each is about as large as a reader takes at most: 1 MiB, or 9 MiB where it calls itself a data product.
"""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from fastavro import schemaless_writer
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form
from parts.avro import as_avro
from parts.events import one_of_each

from bridge.codec import LARGEST_PRODUCT_EVENT
from bridge.codec.schema import normalised
from bridge.codec.schemas import newest
from bridge.codec.weigh import LIGHT_BYTES
from bridge.codec.writing import MARKER
from bridge.events import Event, Kind

MIB = 1024 * 1024
_ROOM = 4096
"""Bytes that are left for the rest of the event."""


@dataclass(frozen=True)
class Bomb:
    """A record's value, and the text of the schema by which it is to be read; empty where this release has it."""

    value: bytes
    schema: str = ""


def number(value: int) -> bytes:
    """Return a long as Avro writes it."""
    rest, found = (value << 1) ^ (value >> 63), bytearray()
    rest &= 2**64 - 1
    while rest > 0x7F:
        found.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*found, rest])


def repeated(item: bytes, size: int) -> bytes:
    """Return an array of as many such items as fit in ``size`` bytes."""
    count = size // len(item)
    return number(count) + item * count + b"\0"


def _event(kind: Kind) -> Event:
    (found,) = (each for each in one_of_each() if each.kind is kind)
    return found


def _definition(kind: Kind) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(newest(kind).text)
    return found


def _named(node: Any, name: str) -> Any:
    """Return the definition of the record ``name`` within a schema."""
    if isinstance(node, list):
        return next((found for each in node if (found := _named(each, name))), None)
    if not isinstance(node, dict):
        return None
    if node.get("type") == "record" and node["name"] == name:
        return node
    return next(
        (found for key in ("type", "items", "values", "fields") if (found := _named(node.get(key), name))), None
    )


def bomb(kind: Kind, definition: dict[str, Any] | None, fields: dict[str, bytes]) -> Bomb:
    """Return an event of ``kind`` whose ``fields`` have these bytes, written by ``definition``; None: by our schema.

    Also by what no reader takes for a schema.
    """
    ours = newest(kind).parsed
    datum, parts = as_avro(_event(kind)), []
    types = {field["name"]: field["type"] for field in ours["fields"]}
    for field in (definition or ours)["fields"]:
        name = field["name"]
        if name in fields:
            parts.append(fields[name])
            continue
        buffer = BytesIO()
        one = {"type": "record", "name": "One", "fields": [{"name": name, "type": types[name]}]}
        given = one | {"__fastavro_parsed": True, "__named_schemas": ours["__named_schemas"]}
        schemaless_writer(buffer, given, {name: datum[name]})
        parts.append(buffer.getvalue())
    text = "" if definition is None else normalised(definition)
    mark = newest(kind).fingerprint if definition is None else _fingerprint(definition)
    return Bomb(MARKER + mark + b"".join(parts), text)


def _fingerprint(definition: dict[str, Any]) -> bytes:
    try:
        canonical = to_parsing_canonical_form(parse_schema(copy.deepcopy(definition)))
    except Exception:
        return bytes(8)  # what is no schema has none
    return bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO"))


def evil(type_: Any, content: bytes, kind: Kind = Kind.PHOTOMETRY) -> Bomb:
    """Return an event of a schema that has one more field, first of all."""
    definition = _definition(kind)
    definition["fields"].insert(0, {"name": "evil", "type": type_})
    return bomb(kind, definition, {"evil": content})


def record(*types: Any, name: str = "Evil") -> dict[str, Any]:
    """Return a record type of fields of these types."""
    fields = [{"name": f"f{position}", "type": each} for position, each in enumerate(types)]
    return {"type": "record", "name": name, "fields": fields}


def array(items: Any) -> dict[str, Any]:
    """Return an array type."""
    return {"type": "array", "items": items}


def smallest(kind: Kind, name: str, items: str, least: bytes, size: int = MIB) -> Bomb:
    """Return an event whose items have nothing but the fields for which a reader has no default."""
    return bomb(kind, _without_defaults(kind, "FullTarget", name), {items: repeated(least, size - _ROOM)})


def _without_defaults(kind: Kind, *names: str) -> dict[str, Any]:
    """Return the schema of a kind, its records of these names without what a reader has a default for."""
    definition = _definition(kind)
    for each in names:
        if found := _named(definition, each):
            found["fields"] = [field for field in found["fields"] if "default" not in field]
    return definition


def _reference(aliases: bytes) -> bytes:
    return b"\x02A" + aliases + b"\0\0\0\0"


def _deep(depth: int) -> Any:
    inner: Any = record("boolean", name="E0")
    for level in range(1, depth):
        inner = record(inner, name=f"E{level}")
    return inner


def _nested_arrays(depth: int) -> Any:
    return array("boolean") if depth == 1 else array(_nested_arrays(depth - 1))


def _doubling(depth: int) -> Any:
    inner: Any = record("null", name="E0")
    for level in range(1, depth):
        inner = record(inner, f"E{level - 1}", name=f"E{level}")
    return record(inner, "boolean", name="Last")


def _extra(text: str) -> Bomb:
    item = number(0) + b"\x02r" + b"\x02" + bytes(8) + b"\0\0\0\0" + b"\0" * 5
    return bomb(Kind.PHOTOMETRY, None, {"points": b"\x02" + item + number(len(text)) + text.encode() + b"\0"})


def _elsewhere() -> Bomb:
    definition = _definition(Kind.PHOTOMETRY) | {"namespace": "evil"}
    return Bomb(MARKER + _fingerprint(definition) + b"\0" * FULL, normalised(definition))


_WRONG_POINT = b"\0" * 12 + b"\x04{}"
_RIGHT_POINT = b"\0\x02r\x02" + bytes(8) + b"\0" * 9 + b"\x04{}"
_WRONG_SPECTRUM = b"\0" * 13 + b"\x04{}"
FULL = MIB - _ROOM
_POINT = b"\0" * 13
_SPECTRUM = b"\0" * 14
_POSITION = bytes(1 + 16 + 2 + 8)
_DATUM = b"\0" * 8

BOMBS: dict[str, Callable[[], Bomb]] = {
    # -- by the schemas of this release
    "ours: the smallest points": lambda: bomb(Kind.PHOTOMETRY, None, {"points": repeated(_POINT, FULL)}),
    "ours: 43,000 right points": lambda: bomb(
        Kind.PHOTOMETRY, None, {"points": repeated(_RIGHT_POINT, 43_000 * len(_RIGHT_POINT))}
    ),
    "ours: 20,000 right members": lambda: bomb(
        Kind.LIST, None, {"members": repeated(_reference(b"\0") + b"\0", 20_000 * 8)}
    ),
    "ours: 50,000 wrong points": lambda: bomb(
        Kind.PHOTOMETRY, None, {"points": repeated(_WRONG_POINT, 50_000 * len(_WRONG_POINT))}
    ),
    "ours: 5,000 wrong spectra": lambda: bomb(
        Kind.SPECTROSCOPY, None, {"spectra": repeated(_WRONG_SPECTRUM, 5_000 * len(_WRONG_SPECTRUM))}
    ),
    "ours: 20,000 wrong members": lambda: bomb(Kind.LIST, None, {"members": repeated(bytes(7), 20_000 * 7)}),
    "ours: the smallest members": lambda: bomb(Kind.LIST, None, {"members": repeated(bytes(7), FULL)}),
    "ours: members with all of a target": lambda: bomb(
        Kind.LIST, None, {"members": repeated(b"\0\0\0\0\0\0" + b"\x02" + b"\0" * 31, FULL)}
    ),
    "ours: the smallest spectra": lambda: bomb(Kind.SPECTROSCOPY, None, {"spectra": repeated(_SPECTRUM, FULL)}),
    "ours: the smallest positions": lambda: bomb(Kind.ASTROMETRY, None, {"positions": repeated(_POSITION, FULL)}),
    "ours: the smallest data": lambda: bomb(Kind.REDUCED_DATUM, None, {"data": repeated(_DATUM, FULL)}),
    "ours: empty aliases": lambda: bomb(Kind.PHOTOMETRY, None, {"target": _reference(repeated(b"\0", FULL))}),
    "ours: aliases of two characters": lambda: bomb(
        Kind.PHOTOMETRY, None, {"target": _reference(repeated("\x04é".encode(), FULL))}
    ),
    "ours: 9 MiB of empty aliases": lambda: bomb(
        Kind.DATA_PRODUCT, None, {"target": _reference(repeated(b"\0", LARGEST_PRODUCT_EVENT - _ROOM))}
    ),
    "ours: extra values of empty objects": lambda: _extra('{"a":[' + "{}," * (FULL // 3) + "{}]}"),
    "ours: extra values nested deeply": lambda: _extra('{"a":' + "[" * (FULL // 2) + "]" * (FULL // 2) + "}"),
    "ours: an extra value of many digits": lambda: _extra('{"a":' + "9" * FULL + "}"),
    "ours: 2^60 points": lambda: bomb(Kind.PHOTOMETRY, None, {"points": number(2**60) + b"\0" * FULL}),
    "ours: 2^62 points in a block with a size": lambda: bomb(
        Kind.PHOTOMETRY, None, {"points": number(-(2**62)) + number(-FULL) + b"\0" * FULL}
    ),
    "ours: -2^63 points": lambda: bomb(Kind.PHOTOMETRY, None, {"points": number(-(2**63)) + b"\0" * FULL}),
    "ours: blocks of one point": lambda: bomb(
        Kind.PHOTOMETRY, None, {"points": (b"\x02" + _POINT) * (FULL // 14) + b"\0"}
    ),
    "ours: a name longer than the record": lambda: bomb(Kind.PHOTOMETRY, None, {"target": number(2**31) + b"A" * FULL}),
    "ours: a name of -1 bytes": lambda: bomb(Kind.PHOTOMETRY, None, {"target": number(-1) + b"A" * FULL}),
    "ours: a number without an end": lambda: bomb(Kind.PHOTOMETRY, None, {"target": b"\xff" * FULL}),
    "ours: a target of a type beyond the union": lambda: bomb(
        Kind.PHOTOMETRY, None, {"target": b"\x02A\0" + number(2**40) + b"\0" * FULL}
    ),
    # -- by announced ones, with less in each item than ours have
    "points without what has a default": lambda: smallest(Kind.PHOTOMETRY, "Point", "points", b"\0\x02r"),
    "members without what has a default": lambda: smallest(Kind.LIST, "ListMember", "members", _reference(b"\0")),
    "spectra without what has a default": lambda: smallest(Kind.SPECTROSCOPY, "Spectrum", "spectra", b"\0\0\0"),
    "data without what has a default": lambda: smallest(Kind.REDUCED_DATUM, "ReducedDatum", "data", b"\0\0"),
    "light: points without what has a default": lambda: smallest(
        Kind.PHOTOMETRY, "Point", "points", b"\0\x02r", LIGHT_BYTES
    ),
    "light: members without what has a default": lambda: smallest(
        Kind.LIST, "ListMember", "members", _reference(b"\0"), LIGHT_BYTES
    ),
    "light: members of five letters without what has a default": lambda: smallest(
        Kind.LIST, "ListMember", "members", b"\x0aSN 12" + bytes(5), LIGHT_BYTES
    ),
    "light: data without what has a default": lambda: smallest(
        Kind.REDUCED_DATUM, "ReducedDatum", "data", b"\0\0", LIGHT_BYTES
    ),
    "light: members with a target without what has a default": lambda: bomb(
        Kind.LIST,
        _without_defaults(Kind.LIST, "FullTarget"),
        {"members": repeated(_reference(b"\0") + b"\x02\x02A\0", LIGHT_BYTES - _ROOM)},
    ),
    "light: tiny data": lambda: smallest(Kind.REDUCED_DATUM, "ReducedDatum", "data", b"\0\0", 6000),
    "light: ours: right members": lambda: bomb(
        Kind.LIST, None, {"members": repeated(_reference(b"\0") + b"\0", LIGHT_BYTES - _ROOM)}
    ),
    "light: ours: right points": lambda: bomb(
        Kind.PHOTOMETRY, None, {"points": repeated(_RIGHT_POINT, LIGHT_BYTES - _ROOM)}
    ),
    "light: ours: wrong data": lambda: bomb(
        Kind.REDUCED_DATUM, None, {"data": repeated(_DATUM[:-1] + b"\0", LIGHT_BYTES - _ROOM)}
    ),
    # -- by announced ones with a field of their own
    "flags with 4 nulls each": lambda: evil(array(record("boolean", *["null"] * 4)), repeated(b"\1", FULL)),
    "9 MiB of flags with 4 nulls each": lambda: evil(
        array(record("boolean", *["null"] * 4)), repeated(b"\1", LARGEST_PRODUCT_EVENT - _ROOM), Kind.DATA_PRODUCT
    ),
    "light: flags with 4 nulls each": lambda: evil(
        array(record("boolean", *["null"] * 4)), repeated(b"\1", LIGHT_BYTES - _ROOM)
    ),
    "flags with 3,000 nulls each": lambda: evil(array(record("boolean", *["null"] * 3000)), repeated(b"\1", FULL)),
    "records of one flag": lambda: evil(array(record("boolean")), repeated(b"\1", FULL)),
    "empty arrays": lambda: evil(array(array("int")), repeated(b"\0", FULL)),
    "empty maps": lambda: evil(array({"type": "map", "values": "int"}), repeated(b"\0", FULL)),
    "a map of equal keys": lambda: evil({"type": "map", "values": "int"}, repeated(b"\2k\0", FULL)),
    "a map of empty keys": lambda: evil({"type": "map", "values": "int"}, repeated(b"\0\0", FULL)),
    "nulls": lambda: evil(array("null"), number(2**60) + b"\0"),
    "empty records": lambda: evil(array(record()), number(2**60) + b"\0"),
    "fixed values of no bytes": lambda: evil(array({"type": "fixed", "name": "F", "size": 0}), number(2**60) + b"\0"),
    "a fixed value of 2^31 bytes": lambda: evil({"type": "fixed", "name": "F", "size": 2**31}, b"\0" * FULL),
    "a decimal of 2^31 bytes": lambda: evil(
        {"type": "fixed", "name": "F", "size": 2**31, "logicalType": "decimal", "precision": 2**31}, b"\0" * FULL
    ),
    "decimals of a MiB each": lambda: evil(
        array({"type": "bytes", "logicalType": "decimal", "precision": 2**31}),
        repeated(number(2**17) + b"9" * 2**17, FULL),
    ),
    "2^60 flags": lambda: evil(array("boolean"), number(2**60) + b"\1" * FULL),
    "2^60 flags in a block that goes back": lambda: evil(
        array("boolean"), number(-(2**60)) + number(-20) + b"\1" * FULL
    ),
    "a block that says it is empty": lambda: evil(array("boolean"), number(-5) + number(0) + b"\1" * 5 + b"\0"),
    "a record in a record, 39 deep": lambda: evil(array(_deep(37)), repeated(b"\1", FULL)),
    "arrays in arrays, 30 deep": lambda: evil(_nested_arrays(30), (b"\x02" * 29 + repeated(b"\1", FULL)) + b"\0" * 29),
    "a record that doubles 20 times": lambda: evil(array(_doubling(20)), repeated(b"\1", FULL)),
    "a record of itself": lambda: evil(record("boolean", ["null", "Evil"]), b"\1\2" * (FULL // 2) + b"\1\0"),
    "unions of 1,000 records": lambda: evil(
        array(["null", *(record("null", name=f"U{each}") for each in range(1000))]),
        repeated(number(1000), FULL),
    ),
    "a union of unknown branches": lambda: evil(array(["null", "int"]), repeated(number(-(2**63)), FULL)),
    "enums of unknown symbols": lambda: evil(
        array({"type": "enum", "name": "E", "symbols": ["A"]}), repeated(number(2**40), FULL)
    ),
    "empty texts": lambda: evil(array("string"), repeated(b"\0", FULL)),
    "9 MiB of empty texts": lambda: evil(
        array("string"), repeated(b"\0", LARGEST_PRODUCT_EVENT - _ROOM), Kind.DATA_PRODUCT
    ),
    "a record of another namespace": _elsewhere,
}
