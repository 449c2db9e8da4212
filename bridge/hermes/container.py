"""Avro object container files of one datum, as hop-client writes them: nothing is believed that one says of its size.

Source: Avro 1.12, "Object Container Files".
"""

import json
from io import BytesIO
from typing import Any

from fastavro import schemaless_reader

from bridge.codec.schema import Schema

MAGIC = b"Obj\x01"
_SYNC = {"name": "sync", "type": {"type": "fixed", "name": "sync", "size": 16}}
_HEADER: Any = {
    "type": "record",
    "name": "header",
    "fields": [
        {"name": "magic", "type": {"type": "fixed", "name": "magic", "size": len(MAGIC)}},
        {"name": "meta", "type": {"type": "map", "values": "bytes"}},
        _SYNC,
    ],
}
_BLOCK: Any = {
    "type": "record",
    "name": "block",
    "fields": [{"name": "count", "type": "long"}, {"name": "data", "type": "bytes"}, _SYNC],
}


def datum_in(value: bytes) -> Any:
    """Return the one datum of a file. ValueError: it is no such file, or one that is not read."""
    buffer = BytesIO(value)
    header = _read(buffer, _HEADER)
    if header["magic"] != MAGIC:
        raise ValueError("it does not begin as one")
    if (codec := header["meta"].get("avro.codec", b"null")) != b"null":
        raise ValueError(f"it is packed by {codec[:20]!r}; it has to be sent without")
    block = _read(buffer, _BLOCK)
    if block["count"] != 1 or buffer.read(1):
        raise ValueError("it holds several records; a message is one")
    return _datum(header["meta"].get("avro.schema", b""), block["data"])


def _datum(definition: bytes, data: bytes) -> Any:
    try:
        inner = json.loads(definition)
    except RecursionError:
        raise ValueError("its schema is nested too deeply") from None
    # A record around it, as schemas of the bridge are: what a few bytes could make cost minutes is refused alike.
    schema = Schema.of({"type": "record", "name": "of_hermes", "fields": [{"name": "message", "type": inner}]})
    schema.scales.weigh(data, 0, is_readers=False)
    buffer = BytesIO(data)
    found = _read(buffer, schema.parsed)
    if buffer.read(1):
        raise ValueError("bytes follow its end")
    return found["message"]


def _read(buffer: BytesIO, schema: Any) -> Any:
    try:
        return schemaless_reader(buffer, schema, None)
    except Exception as error:
        # The bytes may be anything, and fastavro says so by whatever it stumbles over.
        raise ValueError(f"{type(error).__name__}: {str(error)[:120]}") from None
