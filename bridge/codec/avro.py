"""Bytes to events: Avro's single-object encoding, ``C3 01``, the schema's fingerprint, the datum.

:class:`Decoder` finds by the record itself which format it is in; Avro is the only one today. Whatever the bytes
are, the answer is an event or one of the errors below, soon.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from fastavro import schemaless_reader

from bridge.codec.headers import (
    Hints,
    peek,
    record_name,
    refuse_other_event,
    refuse_other_schema,
    schema_sha256,
)
from bridge.codec.reading import ShortReader
from bridge.codec.schema import KINDS, Schema, is_newer
from bridge.codec.schemas import Schemas, SchemasOfStreams, newest
from bridge.codec.weigh import TooManyItemsError, TooMuchError
from bridge.codec.writing import FREE, MARKER
from bridge.errors import InvalidEventError, NewerVersionError, UndecodableError, UnknownSchemaError
from bridge.events import BODIES, DATUMS, MAX_PRODUCT_BYTES, Datum, Datums, Event, Kind
from bridge.events.columns import transposed
from bridge.microseconds import from_microseconds
from bridge.stream.port import Record

_PREFIX = len(MARKER) + 8

LARGEST_EVENT = 900_000
"""Bytes that an encoded event may have at most, unless it is a data product: Kafka's default leaves it room."""
LARGEST_PRODUCT_EVENT = MAX_PRODUCT_BYTES + 1024 * 1024
"""Bytes that an encoded data product may have at most, on topics that take it: the content and its envelope."""
_LARGEST_READ = {Kind.DATA_PRODUCT: LARGEST_PRODUCT_EVENT}
_LARGEST_READ_OTHERWISE = 1024 * 1024  # more than is written, and little enough to unfold in memory

_FEW = 5
"""So many datums are checked sooner as models than as columns, each of which costs 2 µs."""
_ENVELOPE = tuple(name for name in Event.model_fields if name != "body")
_OBJECT = re.compile(" from <.*>")
"""fastavro tells of which buffer, by its address in memory: nobody has anything of it."""


class Decoder:
    """Turns records into events. Not thread-safe, as ``schemas`` isn't."""

    def __init__(self, schemas: Schemas | SchemasOfStreams) -> None:
        self._schemas = schemas
        self._short = {reader.prefix: reader for reader in map(ShortReader, BODIES)}
        self._formats: tuple[tuple[Callable[[Record], bool], Callable[[Record], tuple[Event, ...]]], ...] = (
            (lambda record: record.value.startswith(MARKER), self._decode_avro),
        )

    def decode(self, record: Record) -> tuple[Event, ...]:
        """Return the events of ``record``, one or more: in which format they are is said by the record.

        Raises :class:`~bridge.errors.UndecodableError` for bytes that are no event or that a header contradicts, and
        for what the stream could not hand out whole,
        :class:`~bridge.errors.UnknownSchemaError` where the writer's schema is nowhere to be found,
        :class:`~bridge.errors.InvalidEventError` for an event that breaks a rule,
        :class:`~bridge.errors.NewerVersionError` for a kind or major version that this release doesn't know, and
        :class:`~bridge.errors.StreamAwayError` where the schema topic can't be read now.
        """
        if record.problem:
            raise UndecodableError(
                record.problem,
                where=record.where,
                mend="Its publisher has to send it again, as the stream's format asks",
            )
        for recognises, decode in self._formats:
            if recognises(record):
                return decode(record)
        _refuse_newer(record, record_name(record))
        begins = record.value[:4].hex(" ") or "nothing"
        raise UndecodableError(
            f"the record begins with {begins}, which is no format of an event",
            where=record.where,
            mend=f"Avro's single-object encoding begins with {MARKER.hex(' ')}",
        )

    def peek(self, record: Record) -> Hints:
        """Return what the headers and the key of ``record`` say; never raises, and believes nothing malformed."""
        return peek(record)

    def _decode_avro(self, record: Record) -> tuple[Event, ...]:
        if (event := self._short_way(record)) is not None:
            return (event,)
        schema = self._writers_schema(record)
        refuse_other_schema(record, schema)
        _refuse_newer(record, schema.full_name)
        kind = KINDS[schema.full_name]
        largest = _LARGEST_READ.get(kind, _LARGEST_READ_OTHERWISE)
        if len(record.value) > largest:
            raise UndecodableError(
                f"the event takes {len(record.value)} bytes; {largest} are the most for a {kind}",
                where=record.where,
            )
        reader = newest(kind)
        _weigh(record, schema, reader)
        event = _checked(kind, _read(record, schema, reader), record.where)
        refuse_other_event(record, event)
        return (event,)

    def _short_way(self, record: Record) -> Event | None:
        reader = self._short.get(record.value[:_PREFIX])
        return None if reader is None or len(record.value) > _LARGEST_READ_OTHERWISE else reader.read(record)

    def _writers_schema(self, record: Record) -> Schema:
        fingerprint = record.value[len(MARKER) : _PREFIX]
        if len(fingerprint) < _PREFIX - len(MARKER):
            raise UndecodableError(
                f"the record ends after {len(record.value)} bytes, within its first {_PREFIX}", where=record.where
            )
        sha256 = schema_sha256(record)
        schemas = self._schemas.beside(record.partition.topic)
        schema = schemas.find(fingerprint, sha256, taken_at=record.taken_at)
        if schema is None:
            _refuse_newer(record, record_name(record))
            raise UnknownSchemaError(
                f"the schema with the fingerprint {fingerprint.hex()}"
                f"{f' and the SHA-256 {sha256}' if sha256 else ''} is unknown",
                where=record.where,
                mend=f"Its publisher has to announce it on {schemas.topic}; then retry the dead letter",
            )
        if schema.fingerprint != fingerprint:
            raise UndecodableError(
                f"a header names the schema {sha256} ({schema.full_name}), the payload another one", where=record.where
            )
        return schema


def _refuse_newer(record: Record, full_name: str) -> None:
    if is_newer(full_name):
        raise NewerVersionError(
            f"a {full_name} is newer than this release of TOM Bridge",
            where=record.where,
            mend="Upgrade TOM Bridge; the event is applied then",
        )


def _weigh(record: Record, schema: Schema, reader: Schema) -> None:
    """Refuse what would cost more than any honest event, before anything of it is read."""
    try:
        schema.scales.weigh(record.value, _PREFIX, is_readers=schema.sha256 == reader.sha256)
    except TooManyItemsError as error:
        raise InvalidEventError(str(error), where=record.where) from None
    except TooMuchError as error:
        raise UndecodableError(f"the payload is no {schema.full_name}: {error}", where=record.where) from None


def _read(record: Record, writer: Schema, reader: Schema) -> dict[str, Any]:
    """Return the datum of ``record``, resolved from its writer's schema to this release's."""
    buffer = BytesIO(record.value)
    buffer.seek(_PREFIX)
    resolve_to = None if writer.sha256 == reader.sha256 else reader.parsed
    try:
        data: Any = schemaless_reader(buffer, writer.parsed, resolve_to)
    except Exception as error:
        # The bytes may be anything, and fastavro says so by whatever it stumbles over (EOFError, IndexError,
        # UnicodeDecodeError, OverflowError, MemoryError, ...).
        told = _OBJECT.sub("", str(error))[:200]
        raise UndecodableError(
            f"the payload is no {writer.full_name} ({type(error).__name__}: {told})", where=record.where
        ) from None
    if trailing := len(record.value) - buffer.tell():
        raise UndecodableError(f"{trailing} bytes follow the end of the event", where=record.where)
    return dict(data)


def _checked(kind: Kind, data: dict[str, Any], where: str) -> Event:
    """Return what was read as an event that obeys the rules."""
    envelope = data.pop("envelope")
    try:
        _from_avro(kind, data, envelope)
        body = (data["target"] if kind is Kind.TARGET else data) | {"kind": kind}
        return Event.checked({name: envelope[name] for name in _ENVELOPE} | {"body": body}, where=where)
    except (OverflowError, ValueError, RecursionError) as error:
        raise InvalidEventError(str(error)[:300], where=f"{where}: event {envelope['id'][:40]}") from None


def _from_avro(kind: Kind, data: dict[str, Any], envelope: dict[str, Any]) -> None:
    """Give times and extra values back their types; raises ValueError, which names the field."""
    envelope["shared_at"] = _moment(envelope["shared_at"], "shared_at")
    if kind in BODIES:
        items = BODIES[kind].ITEMS
        if (datums := _as_columns(DATUMS[BODIES[kind]], data[items])) is not None:
            data[items] = datums
            return
        for number, datum in enumerate(data[items]):
            datum["timestamp"] = _moment(datum["timestamp"], f"{items}[{number}].timestamp")
            for name in datum.keys() & FREE:
                try:
                    datum[name] = json.loads(datum[name])
                except (ValueError, RecursionError) as error:
                    raise ValueError(f"{items}[{number}].{name}: is no JSON object ({error})") from None


def _as_columns(of: type[Datum], rows: Sequence[Mapping[str, Any]]) -> Datums[Datum] | None:
    """Return datums as they were read, a column at a time; None where one is wrong, which is then told of it alone."""
    if len(rows) < _FEW:
        return None
    columns = transposed(rows, tuple(of.model_fields))
    try:
        columns["timestamp"] = [from_microseconds(one) for one in columns["timestamp"]]
        known = {text: json.loads(text) for text in set(columns[of.FREE])}
    except (OverflowError, ValueError, RecursionError):
        return None
    columns[of.FREE] = [known[text] for text in columns[of.FREE]]
    return Datums.checked(of, columns)


def _moment(microseconds: int, field: str) -> datetime:
    try:
        return from_microseconds(microseconds)
    except OverflowError:
        raise ValueError(f"{field}: {microseconds} microseconds since 1970 is no time of the years 1 to 9999") from None
