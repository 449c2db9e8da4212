"""Events to bytes: Avro's binary encoding, put together once for each schema.

fastavro's writer tries the branches of a union on each value and wants dictionaries. For 20 points it takes three times
as long as this; the bytes are the same, which a test holds. Format: Avro 1.12, "Binary Encoding" and "Single-object
encoding" (https://avro.apache.org/docs/1.12.0/specification/).
"""

import json
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any, NamedTuple
from uuid import UUID

from bridge.codec.headers import headers_of
from bridge.codec.schema import KINDS, Schema
from bridge.codec.schemas import newest
from bridge.events import BODIES, Datums, Event, Kind, TargetReference
from bridge.microseconds import to_microseconds
from bridge.stream.port import Headers

MARKER = b"\xc3\x01"
"""How a record in Avro's single-object encoding begins."""
FREE = ("extra", "value")
"""The fields of datums that travel as JSON text."""
ARRAYS = {Kind.LIST: "members"} | {kind: body.ITEMS for kind, body in BODIES.items()}
"""The field of a body that holds the items by which an event can be split."""

_NULL, _SECOND = b"\x00", b"\x02"  # which of a union's two branches follows
_END = b"\x00"  # of an array or map
_TEXTS = 2_000
"""So many texts are kept written: instruments, units, names."""
_Write = Callable[[Any], bytes]
_WriteMany = Callable[[Sequence[Any]], Iterable[bytes]]
_FEW = 5
"""So many items are written sooner one by one than a field at a time."""


class Encoded(NamedTuple):
    """An event as a stream takes it, and the schema that a reader needs."""

    key: bytes
    value: bytes
    headers: Headers
    schema: Schema


def encode(event: Event) -> Encoded:
    """Return ``event`` as a record of a stream, written with the newest schema of its kind."""
    kind, event_id = event.kind, str(event.id)
    schema = newest(kind)
    return Encoded(event.key, _writer(kind).value(event, event_id), headers_of(event, event_id, schema), schema)


def sizes_of_items(kind: Kind, items: Iterable[Any]) -> list[int]:
    """Return how many bytes each item (datum, or member of a list) of an event of ``kind`` takes."""
    write = _writer(kind).item
    return [len(write(item)) for item in items]


@cache
def _writer(kind: Kind) -> "_Writer":
    return _Writer(newest(kind))


class _Writer:
    """Writes events with one schema."""

    def __init__(self, schema: Schema) -> None:
        """Put together what writes each field."""
        definition = json.loads(schema.text)
        kind = KINDS[schema.full_name]
        named: dict[str, _Type] = {}
        fields = {field["name"]: field["type"] for field in definition["fields"]}
        envelope = fields.pop("envelope")
        # Of the envelope all is the share's but what stands at its begin and its end: it is written once.
        (first, *of_share, last) = envelope["fields"]
        assert (first["name"], last["name"]) == ("id", "replaces")
        names = tuple(field["name"] for field in of_share)
        self._names, self._write_share = itemgetter(*names), _record(of_share, named).one
        self._share: tuple[tuple[Any, ...], bytes] = ((), b"")
        """What the last event had of its share, and how that is written: the next one, as a rule, is of the same."""
        self._replaces = _type(last["type"], named).one
        self._marker = MARKER + schema.fingerprint
        self._body = tuple((name, _type(node, named).one) for name, node in fields.items())
        self._is_target = kind is Kind.TARGET
        if kind in BODIES:
            (target, write), *rest = self._body
            self._body = ((target, _Last(write)), *rest)
        array = fields.get(ARRAYS.get(kind, ""))
        self.item = named[array["items"]["name"]].one if array else _no_items
        """Writes one item of those by which an event can be split."""

    def value(self, event: Event, event_id: str) -> bytes:
        """Return ``event``, whose id is ``event_id``, in the single-object encoding."""
        envelope = vars(event)
        body = {"target": event.body} if self._is_target else vars(event.body)
        return b"".join(
            [
                self._marker,
                _text(event_id),
                self._of_share(envelope),
                self._replaces(event.replaces),
                *[write(body[name]) for name, write in self._body],
            ]
        )

    def _of_share(self, envelope: dict[str, Any]) -> bytes:
        values = self._names(envelope)
        share = self._share
        if values != share[0]:
            share = self._share = values, self._write_share(envelope)
        return share[1]


class _Last:
    """Writes what data are of: the last one is known, as many events are of one target."""

    def __init__(self, write: _Write) -> None:
        self._write = write
        self._last: tuple[tuple[Any, ...], bytes] = ((), b"")

    def __call__(self, target: TargetReference) -> bytes:
        values = _OF_TARGET(vars(target))
        last = self._last
        if values != last[0] or 0 in values:  # -0.0 is no other number, and is written otherwise
            last = self._last = values, self._write(target)
        return last[1]


_OF_TARGET = itemgetter(*TargetReference.model_fields)


def _no_items(item: Any) -> bytes:
    raise TypeError(f"{type(item).__name__} is no item of an event that can be split")


# -- types ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Type:
    """How a type is written."""

    one: _Write
    many: _WriteMany
    """The same of each of several values."""

    @classmethod
    def of(cls, write: _Write) -> "_Type":
        return cls(write, lambda values: map(write, values))


def _type(node: Any, named: dict[str, _Type]) -> _Type:
    """Return how a type is written; a record is in ``named`` from then on, by its name without the namespace."""
    if isinstance(node, list):
        null, other = node
        assert null == "null"  # no other unions are in schemas of ours
        return _nullable_double() if other == "double" else _nullable(_type(other, named).one)
    if isinstance(node, str):
        return _PRIMITIVE.get(node) or named[node]
    match node["type"]:
        case "record":
            named[node["name"]] = _record(node["fields"], named)
            return named[node["name"]]
        case "array":
            return _Type.of(_doubles) if node["items"] == "double" else _array(node["items"], named)
        case "map":
            return _map(_type(node["values"], named).one)
        case name:
            return _LOGICAL.get(node.get("logicalType", "")) or _type(name, named)


def _record(fields: Sequence[Any], named: dict[str, _Type]) -> _Type:
    """Return how a record is written: of a model, or of a dictionary of its fields."""
    types = [(one["name"], _JSON if one["name"] in FREE else _type(one["type"], named)) for one in fields]
    each = tuple((name, type_.one) for name, type_ in types)
    every = tuple((name, type_.many) for name, type_ in types)

    def one(value: Any) -> bytes:
        values = value if isinstance(value, dict) else vars(value)
        return b"".join([write(values[name]) for name, write in each])

    def many(values: Sequence[Any]) -> Iterable[bytes]:
        if len(values) < _FEW:
            return map(one, values)
        columns = [write(_column(values, name)) for name, write in every]
        return map(b"".join, zip(*columns, strict=True))

    return _Type(one, many)


def _column(values: Sequence[Any], name: str) -> Sequence[Any]:
    return values.column(name) if isinstance(values, Datums) else [getattr(value, name) for value in values]


def _nullable(write: _Write) -> _Type:
    return _Type.of(lambda value: _NULL if value is None else _SECOND + write(value))


def _nullable_double() -> _Type:
    pack = struct.Struct("<Bd").pack
    return _Type(
        lambda value: _NULL if value is None else pack(2, value),
        lambda values: [_NULL if value is None else pack(2, value) for value in values],
    )


def _array(items: Any, named: dict[str, _Type]) -> _Type:
    write = _type(items, named).many
    return _Type.of(lambda values: b"".join([_long(len(values)), *write(values), _END]) if values else _END)


def _map(write: _Write) -> _Type:
    def one(values: dict[str, Any]) -> bytes:
        pairs = [part for key, value in values.items() for part in (_text(key), write(value))]
        return b"".join([_long(len(values)), *pairs, _END]) if values else _END

    return _Type.of(one)


def _doubles(values: Sequence[float]) -> bytes:
    return _long(len(values)) + struct.pack(f"<{len(values)}d", *values) + _END if values else _END


def _long(value: int) -> bytes:
    value = (value << 1) ^ (value >> 63)  # zigzag, then seven bits a byte
    if value < 0x80:
        return _ONE_BYTE[value]
    if 1 << 49 <= value < 1 << 56:  # eight bytes, as nearly all times take
        # Groups of seven bits are moved together: two halves, then four, then eight.
        value = value & 0x0000_0000_0FFF_FFFF | (value & 0x00FF_FFFF_F000_0000) << 4
        value = value & 0x0000_3FFF_0000_3FFF | (value & 0x0FFF_C000_0FFF_C000) << 2
        value = value & 0x007F_007F_007F_007F | (value & 0x3F80_3F80_3F80_3F80) << 1
        return (value | 0x0080_8080_8080_8080).to_bytes(8, "little")
    written = bytearray()
    while value > 0x7F:
        written.append(value & 0x7F | 0x80)
        value >>= 7
    written.append(value)
    return bytes(written)


_ONE_BYTE = tuple(bytes((value,)) for value in range(0x80))


def _bytes(value: bytes) -> bytes:
    return _long(len(value)) + value


@lru_cache(_TEXTS)
def _kept_text(value: str) -> bytes:
    return _text(value)


def _text(value: str) -> bytes:
    written = value.encode()
    length = len(written)
    return (_ONE_BYTE[length << 1] if length < 0x40 else _long(length)) + written


def _texts(values: Sequence[str]) -> Iterable[bytes]:
    written = {value: _text(value) for value in set(values)}  # most of a column are the same
    return map(written.__getitem__, values)


def _json(value: dict[str, Any]) -> bytes:
    return _text(json.dumps(value, separators=(",", ":"), allow_nan=False)) if value else _EMPTY_JSON


_EMPTY_JSON = _text("{}")


def _moment(value: datetime) -> bytes:
    return _long(to_microseconds(value))


def _uuid(value: UUID) -> bytes:
    return _text(str(value))


_STRING = _Type(_kept_text, _texts)
_JSON = _Type.of(_json)
_PRIMITIVE = {
    "string": _STRING,
    "bytes": _Type.of(_bytes),
    "long": _Type.of(_long),
    "double": _Type.of(struct.Struct("<d").pack),
    "boolean": _Type.of(lambda value: _ONE_BYTE[value]),
}
_LOGICAL = {"timestamp-micros": _Type.of(_moment), "uuid": _Type.of(_uuid)}
