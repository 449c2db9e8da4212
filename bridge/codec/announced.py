"""What publishers announced on the schema topic, as far as it is kept: the newest, and where all others are.

Anybody who may write to the schema topic can fill it. So a text is looked into only when a record asks for it, texts
and schemas take a bounded room, and what has to go is the oldest, which is read from the topic again when a record
names it.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

import structlog

from bridge.codec.schema import LONGEST_SCHEMA, Schema, UnsafeSchemaError, is_of_the_bridge
from bridge.stream.port import Partition, Record

MOST_BYTES = 4 * 1024 * 1024
"""Bytes of texts that are kept, looked into or not: some hundred like ours."""
_MOST_PLACES = 100_000
"""How many texts that had to go are still known by their place."""

log = structlog.get_logger(__name__)


class _Place(NamedTuple):
    partition: Partition
    offset: int

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}"


class _Text(NamedTuple):
    text: bytes
    place: _Place
    schema: Schema | None = None
    """Where it was looked into."""


class Announced:
    """The announced schemas, by SHA-256. ``read`` returns the record at a place of the topic, None where it is gone."""

    def __init__(self, read: Callable[[Partition, int], Record | None]) -> None:
        self._read = read
        self._texts: OrderedDict[str, _Text] = OrderedDict()
        """The one that was announced or used last is at the end."""
        self._bytes = 0
        self._places: OrderedDict[str, _Place] = OrderedDict()

    def take(self, record: Record) -> str:
        """Take one record of the topic; return why it is passed over, where that is to be told."""
        if record.problem or not record.value:  # a tombstone
            return record.problem
        sha256 = hashlib.sha256(record.value).hexdigest()
        if record.key != sha256.encode():
            return "its key is not its SHA-256"
        if len(record.value) > LONGEST_SCHEMA:
            return f"it takes {len(record.value)} bytes; {LONGEST_SCHEMA} are the most"
        if sha256 not in self._texts:
            self._keep(sha256, _Text(record.value, _Place(record.partition, record.offset)))
        return ""

    def find(self, sha256: str) -> Schema | None:
        """Return the schema of this SHA-256; None where it was not announced, or is none of ours, or unsafe."""
        found = self._texts.get(sha256) or self._again(sha256)
        if found is None:
            return None
        if found.schema is None:
            return self._look_into(sha256, found)
        self._texts.move_to_end(sha256)
        return found.schema

    def by_fingerprint(self, fingerprint: bytes) -> Schema | None:
        """Return a schema with this fingerprint, of those whose texts are kept; each is looked into once."""
        for sha256, one in list(self._texts.items()):
            schema = one.schema or self._look_into(sha256, one)
            if schema is not None and schema.fingerprint == fingerprint:
                return schema
        return None

    def _again(self, sha256: str) -> _Text | None:
        """Return a text that had to go, read from the topic again."""
        place = self._places.pop(sha256, None)
        record = None if place is None else self._read(*place)
        if place is None or record is None or hashlib.sha256(record.value).hexdigest() != sha256:
            return None
        found = _Text(record.value, place)
        self._keep(sha256, found)
        return found

    def _keep(self, sha256: str, one: _Text) -> None:
        self._places.pop(sha256, None)
        self._texts[sha256] = one
        self._bytes += len(one.text)
        while self._bytes > MOST_BYTES:
            oldest, gone = self._texts.popitem(last=False)
            self._bytes -= len(gone.text)
            self._places[oldest] = gone.place
        while len(self._places) > _MOST_PLACES:
            self._places.popitem(last=False)

    def _look_into(self, sha256: str, one: _Text) -> Schema | None:
        """Return the schema of a text, kept where it is one of ours and safe to read with; else let the text go."""
        try:
            schema = _checked(one.text, sha256)
        except UnsafeSchemaError as error:
            log.warning("schema.refused", where=str(one.place), sha256=sha256, reason=str(error))
            del self._texts[sha256]
            self._bytes -= len(one.text)
            return None
        self._texts[sha256] = one._replace(schema=schema)
        return schema


def _checked(text: bytes, sha256: str) -> Schema:
    schema = Schema.of(text)
    if not is_of_the_bridge(schema.full_name):
        raise UnsafeSchemaError(f"is a {schema.full_name[:100]!r}, which is no event")
    if schema.sha256 != sha256:
        raise UnsafeSchemaError("is not normalised")
    return schema
