"""One Avro schema: what it is called, by what it is identified, and whether it is safe to read with.

A schema has two identities. The *fingerprint* (CRC-64-AVRO of the parsing canonical form, 8 bytes little-endian) is
what Avro's single-object encoding puts in front of a payload. The canonical form drops defaults, logical types and
docs, so the *SHA-256* is that of the full schema, its JSON normalised (sorted keys, no blanks, ASCII).
"""

import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

from bridge.codec.weigh import Scales
from bridge.events import Kind

MAJOR = 1
"""The major version of the events that this release writes and reads."""
NAMESPACE = "tom_bridge"
RECORD_NAMES = {
    Kind.TARGET: "Target",
    Kind.LIST: "TargetList",
    Kind.PHOTOMETRY: "Photometry",
    Kind.SPECTROSCOPY: "Spectroscopy",
    Kind.ASTROMETRY: "Astrometry",
    Kind.REDUCED_DATUM: "ReducedData",
    Kind.DATA_PRODUCT: "DataProduct",
}
"""The record of each kind, without its namespace."""
KINDS = {f"{NAMESPACE}.v{MAJOR}.{name}": kind for kind, name in RECORD_NAMES.items()}
"""The kind of each record that this release knows, by full name."""

LONGEST_SCHEMA = 131_072
_MOST_NODES = 5_000
_NODES_A_BYTE = 6
"""Types that an item of an array may make a reader walk for each of its bytes; ours make it walk 3."""
_DEEPEST = 40
_LARGEST_FIXED = 16 * 1024 * 1024

_OF_THE_BRIDGE = re.compile(rf"{NAMESPACE}\.v[0-9]{{1,6}}\.[A-Za-z_][A-Za-z0-9_]{{0,99}}")
_PRIMITIVE_SIZES = {
    "null": 0, "boolean": 1, "int": 1, "long": 1, "float": 4, "double": 8, "bytes": 1, "string": 1,
}  # fmt: skip


class UnsafeSchemaError(ValueError):
    """A text that is no schema, or one that a few bytes of payload could make cost minutes."""


def is_of_the_bridge(full_name: str) -> bool:
    """Say whether a record's full name is in a namespace of the bridge, of whatever version."""
    return _OF_THE_BRIDGE.fullmatch(full_name) is not None


def is_newer(full_name: str) -> bool:
    """Say whether a record's full name is the bridge's own, but of a kind or major version unknown to this release."""
    return is_of_the_bridge(full_name) and full_name not in KINDS


@dataclass(frozen=True, eq=False)
class Schema:
    """A schema that is safe to read with."""

    full_name: str
    """Namespace and name: ``tom_bridge.v1.Photometry``."""
    text: str
    """The full schema as normalised JSON; what is announced."""
    sha256: str
    """SHA-256 of ``text``, hexadecimal, lower case."""
    fingerprint: bytes
    """CRC-64-AVRO of the parsing canonical form, 8 bytes, little-endian."""
    parsed: dict[str, Any] = field(repr=False)
    """As fastavro reads and writes with it, without logical types: what a value means is for
    :mod:`bridge.codec.avro`, whatever a foreign schema says of it."""
    scales: Scales = field(repr=False)
    """Weighs a payload before it is read."""

    @classmethod
    def of(cls, definition: str | bytes | dict[str, Any]) -> "Schema":
        """Return the schema of a definition (JSON text or the parsed JSON).

        Raises :class:`UnsafeSchemaError` for what is no schema of a record, refers to itself, is absurdly large, or
        has an array or map of items that take no bytes (whose number costs nothing to claim).
        """
        try:
            given = _record_definition(definition)
            parsed: Any = parse_schema(_without_logical_types(given))
            _Measure(parsed).check()
            canonical = to_parsing_canonical_form(parsed)
            text = normalised(given)
        except UnsafeSchemaError:
            raise
        except Exception as error:
            # The text may come from anybody, and fastavro answers nonsense with whatever it stumbles over.
            raise UnsafeSchemaError(f"is no Avro schema ({type(error).__name__}: {str(error)[:200]})") from None
        return cls(
            full_name=parsed["name"],
            text=text,
            sha256=hashlib.sha256(text.encode()).hexdigest(),
            fingerprint=bytes.fromhex(fingerprint(canonical, "CRC-64-AVRO")),
            parsed=parsed,
            scales=Scales(parsed),
        )


def _record_definition(definition: str | bytes | dict[str, Any]) -> dict[str, Any]:
    if not isinstance(definition, dict):
        if len(definition) > LONGEST_SCHEMA:
            raise UnsafeSchemaError(f"takes {len(definition)} bytes; {LONGEST_SCHEMA} are the most")
        definition = json.loads(definition)
    if not isinstance(definition, dict) or definition.get("type") != "record":
        raise UnsafeSchemaError("is no Avro record")
    return definition


def normalised(definition: dict[str, Any]) -> str:
    """Return a schema's JSON with sorted keys, without blanks, in ASCII: its identity is the SHA-256 of this."""
    return json.dumps(definition, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _without_logical_types(node: Any) -> Any:
    """Return a schema without the ``logicalType`` of its types; defaults are left as they are."""
    if isinstance(node, list):
        return [_without_logical_types(each) for each in node]
    if isinstance(node, dict):
        return {
            key: value if key == "default" else _without_logical_types(value)
            for key, value in node.items()
            if key != "logicalType" and not key.startswith("__")
        }
    return node


@dataclass(frozen=True)
class _Size:
    """What reading a datum of a type takes."""

    least: int
    """Bytes of the smallest one."""
    nodes: int
    """Types met, whatever is in it."""
    excess: int
    """How many types can be met in one beyond those that its bytes pay for; above 0, many of it cost without bound."""


def _leaf(size: int) -> _Size:
    return _Size(size, 1, 1 - _NODES_A_BYTE * size)


@dataclass
class _Measure:
    """What a parsed schema can cost: what each type takes, and how much there is to walk for one datum."""

    parsed: Any
    done: dict[str, _Size] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def check(self) -> None:
        self._size(self.parsed, 0)

    def _size(self, node: Any, depth: int) -> _Size:
        if depth > _DEEPEST:
            raise UnsafeSchemaError(f"is nested more than {_DEEPEST} deep")
        size = self._size_of_kind(node, depth + 1)
        # Types are counted each time they are used: 30 records of two fields each can be a thousand million types.
        if size.nodes > _MOST_NODES:
            raise UnsafeSchemaError(f"has more than {_MOST_NODES} types")
        return size

    def _size_of_kind(self, node: Any, depth: int) -> _Size:
        if isinstance(node, list):
            branches = [self._size(each, depth) for each in node]
            least = 1 + min((one.least for one in branches), default=0)
            excess = _leaf(1).excess + max((one.excess for one in branches), default=0)
            return _Size(least, 1 + sum(one.nodes for one in branches), excess)
        match node if isinstance(node, str) else node["type"]:
            case "record":
                return self._record(node, depth)
            case "array" | "map" as kind:
                item = self._size(node["items" if kind == "array" else "values"], depth)
                if item.least == 0:
                    raise UnsafeSchemaError(f"has {kind} items that take no bytes")
                if item.excess > 0:
                    raise UnsafeSchemaError(f"has {kind} items of more than {_NODES_A_BYTE} types a byte")
                return _Size(1, 1 + item.nodes, _leaf(1).excess)
            case "fixed":
                return self._fixed(node)
            case "enum":
                return self._keep(node["name"], _leaf(1))
            case name:
                return self._named(name)

    def _fixed(self, node: Any) -> _Size:
        size = node["size"]
        if not isinstance(size, int) or not 0 <= size <= _LARGEST_FIXED:
            raise UnsafeSchemaError(f"has a fixed type of size {str(size)[:30]}")
        return self._keep(node["name"], _leaf(size))

    def _record(self, node: Any, depth: int) -> _Size:
        self.open.add(node["name"])
        fields = [self._size(each["type"], depth) for each in node["fields"]]
        self.open.remove(node["name"])
        return self._keep(
            node["name"],
            _Size(
                sum(one.least for one in fields),
                1 + sum(one.nodes for one in fields),
                1 + sum(one.excess for one in fields),
            ),
        )

    def _named(self, name: str) -> _Size:
        if name in _PRIMITIVE_SIZES:
            return _leaf(_PRIMITIVE_SIZES[name])
        if name in self.open:
            raise UnsafeSchemaError(f"refers to itself by {name[:100]!r}")
        return self.done[name]

    def _keep(self, name: str, size: _Size) -> _Size:
        self.done[name] = size
        return size
