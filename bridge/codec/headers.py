"""Headers: the schema's name and SHA-256, and CloudEvents 1.0 in Kafka's binary mode.

Headers (and the key) are hints, for filtering without decoding and for telling what an undecodable record was about.
The payload rules: what is absent is absent, and what contradicts the payload makes the record undecodable.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from uuid import UUID

from bridge.codec.schema import KINDS, NAMESPACE, Schema
from bridge.errors import UndecodableError
from bridge.events import Event, Kind
from bridge.stream.port import Headers, Record

SCHEMA = "tom_bridge_schema"
SCHEMA_SHA256 = "tom_bridge_schema_sha256"
CONTENT_TYPE = "application/avro"
_SOURCE = "urn:tom-bridge:"

_SHARES = 64
_LONGEST_HINT = 200
_ORIGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f]")
_KIND_WORD = re.compile(rf"{NAMESPACE}\.v[0-9]{{1,6}}\.(?P<record>[A-Za-z_][A-Za-z0-9_]{{0,99}})")


@dataclass(frozen=True, kw_only=True)
class Hints:
    """What a record says of itself without being decoded. Empty and None where it says nothing."""

    kind: str = ""
    """The word of the command line (``photometry``); the record's own name where this release doesn't know it."""
    origin: str = ""
    event_id: UUID | None = None
    share_id: UUID | None = None
    subject: str = ""
    """Name of the target or list; its simplified form where only the key tells it."""


def headers_of(event: Event, event_id: str, schema: Schema) -> Headers:
    """Return the headers of ``event``, whose id is ``event_id``, written with ``schema``."""
    of_schema, of_share = _of_schema(schema), _of_share(event.origin, event.shared_at)
    return (
        *of_schema[:3],
        ("ce_id", event_id.encode()),
        of_share[0],
        of_schema[3],
        of_share[1],
        ("ce_subject", event.subject.encode()),
        of_schema[4],
    )


@cache
def _of_schema(schema: Schema) -> Headers:
    values = {
        SCHEMA: schema.full_name,
        SCHEMA_SHA256: schema.sha256,
        "ce_specversion": "1.0",
        "ce_type": schema.full_name,
        "content-type": CONTENT_TYPE,
    }
    return tuple((name, value.encode()) for name, value in values.items())


@cache
def _by_name(schema: Schema) -> Mapping[str, bytes]:
    return dict(_of_schema(schema))


@lru_cache(_SHARES)
def _of_share(origin: str, shared_at: datetime) -> Headers:
    return ("ce_source", source_of(origin)), ("ce_time", shared_at.isoformat().encode())


def peek(record: Record) -> Hints:
    """Return what the headers and the key of ``record`` say; never raises, and believes nothing malformed."""
    origin, _, subject = _text(record.key).partition("/")
    if (source := header_text(record, "ce_source")).startswith(_SOURCE):
        origin = source.removeprefix(_SOURCE)
    kind = _kind(record_name(record)) or (Kind.LIST.value if subject.startswith("list:") else "")
    return Hints(
        kind=kind,
        origin=origin if _ORIGIN.fullmatch(origin) else "",
        event_id=_uuid(header_text(record, "ce_id")),
        subject=header_text(record, "ce_subject") or subject.removeprefix("list:"),
    )


def record_name(record: Record) -> str:
    """Return the full name of the schema that the headers name, or an empty text."""
    return header_text(record, SCHEMA) or header_text(record, "ce_type")


def schema_sha256(record: Record) -> str | None:
    """Return the SHA-256 that the headers name, or None. Raises UndecodableError where it can't be one."""
    if record.header(SCHEMA_SHA256) is None:
        return None
    value = header_text(record, SCHEMA_SHA256)
    if not _SHA256.fullmatch(value):
        raise UndecodableError(f"the header {SCHEMA_SHA256} is {value!r}, no SHA-256", where=record.where)
    return value


def header_text(record: Record, name: str) -> str:
    """Return a header as text, cut to a length that no honest one reaches; empty where it is absent."""
    return _text(record.header(name))


def refuse_other_schema(record: Record, schema: Schema) -> None:
    """Raise UndecodableError where a header names another record than the payload's schema."""
    for name in (SCHEMA, "ce_type"):
        _refuse_contradiction(record, name, schema.full_name)


def refuse_other_event(record: Record, event: Event) -> None:
    """Raise UndecodableError where a header names another event or origin than the payload."""
    _refuse_contradiction(record, "ce_id", str(event.id))
    _refuse_contradiction(record, "ce_source", f"{_SOURCE}{event.origin}")


def agree(said: Mapping[str, bytes], schema: Schema, event_id: bytes, source: bytes) -> bool:
    """Return whether headers name a schema, and contradict nothing, in the very bytes that :func:`headers_of` writes.

    Where they don't, the other functions here say whether they are wrong.
    """
    of_schema = _by_name(schema)
    full_name = of_schema[SCHEMA]
    return (
        said.get(SCHEMA_SHA256) == of_schema[SCHEMA_SHA256]
        and said.get(SCHEMA, full_name) == said.get("ce_type", full_name) == full_name
        and said.get("ce_id", event_id) == event_id
        and said.get("ce_source", source) == source
    )


def source_of(origin: str) -> bytes:
    """Return an origin as a header says it."""
    return f"{_SOURCE}{origin}".encode()


def _refuse_contradiction(record: Record, name: str, of_payload: str) -> None:
    if record.header(name) is not None and (said := header_text(record, name)) != of_payload:
        raise UndecodableError(
            f"the header {name} says {said!r}, the payload {of_payload!r}",
            where=record.where,
            mend="The publisher has to send it again; a program between that changes headers has to leave them",
        )


def _text(value: bytes | None) -> str:
    cut = (value or b"")[: 4 * _LONGEST_HINT].decode(errors="replace")[:_LONGEST_HINT]
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", cut)


def _kind(full_name: str) -> str:
    if full_name in KINDS:
        return KINDS[full_name].value
    match = _KIND_WORD.fullmatch(full_name)
    return match["record"] if match else ""


def _uuid(value: str) -> UUID | None:
    try:
        return UUID(value)
    except ValueError:
        return None
