"""One record of Hermes or HOPSKOTCH: its headers, its formats, and the message in it.

Headers (Hermes, and hop-client 0.13.0): ``_id`` (16 bytes of a UUID), ``_sender`` (the SCRAM user), ``_format``.
All are set by the client, so that none is proof. The value is JSON as Python writes it, or by ``_format`` an
Avro object container file, bytes, a notice of another kind, or the address of a message that is kept elsewhere.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import JsonValue

from bridge.codec.headers import header_text
from bridge.errors import UndecodableError
from bridge.hermes import container
from bridge.hermes.values import shown
from bridge.origins import OF_HERMES
from bridge.stream.port import Record
from bridge.topics import split

ID, SENDER, FORMAT = "_id", "_sender", "_format"
LARGEST_MESSAGE = 2 * 1024 * 1024
"""Bytes of a message that is read; topics of HOPSKOTCH take 1 MiB."""
BASE_URL = "https://hermes.lco.global/"

NAMESPACE = uuid5(NAMESPACE_URL, BASE_URL)
"""Of all ids that are made here."""
INSTALLATION = uuid5(NAMESPACE, "installation")
"""Of all that comes from Hermes."""

_PLAIN_SENDER = re.compile(r"[a-z0-9._-]{1,80}")
_MADE = re.compile(r".*--[0-9a-f]{16}")
_NOT_IN_ORIGINS = re.compile(r"[^a-z0-9._-]+")
_OTHER_FORMATS = {
    "blob": "bytes", "voevent": "a VOEvent", "gcntextnotice": "a GCN text notice", "circular": "a GCN circular",
}  # fmt: skip


class OtherFormatError(Exception):
    """A record that is right and no message of Hermes; the text says what it is."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message."""

    record: Record
    payload: dict[str, JsonValue]
    id: UUID
    """Of the header ``_id``; made of sender and content where there is none."""
    has_id: bool
    origin: str
    """Of who sent it, by its header: a claim."""
    content: str
    """SHA-256 of the payload, the same whatever way it came."""

    @property
    def topic(self) -> str:
        """The topic by its name on its stream."""
        return split(self.record.partition.topic)[1]

    @property
    def address(self) -> str:
        """Where Hermes has it, as TOM Toolkit's reader of Hermes says too; empty where it has no id of its own."""
        return f"{BASE_URL}api/v0/query/message/{self.id}/" if self.has_id else ""


def message_of(record: Record) -> Message:
    """Return the message in ``record``.

    Raises :class:`OtherFormatError` for what is no message of Hermes and right as it is, and
    :class:`~bridge.errors.UndecodableError` for what is nothing.
    """
    if record.problem:
        raise UndecodableError(record.problem, where=record.where)
    if len(record.value) > LARGEST_MESSAGE:
        raise _bad(record, f"the message takes {len(record.value)} bytes; {LARGEST_MESSAGE} are the most")
    payload = _payload(record)
    content = hashlib.sha256(_canonical(payload, record)).hexdigest()
    given, origin = record.header(ID), origin_of(record.header(SENDER))
    return Message(
        record=record,
        payload=payload,
        id=message_id(given) if given else uuid5(NAMESPACE, f"content:{origin}:{content}"),
        has_id=bool(given),
        origin=origin,
        content=content,
    )


def sender_of(record: Record) -> str:
    """Return who sent ``record`` by its header, or an empty text."""
    return header_text(record, SENDER)


def message_id(given: bytes) -> UUID:
    """Return the id that the header ``_id`` gives: 16 bytes, or a UUID as text; one made of them for other bytes."""
    if len(given) == 16:
        return UUID(bytes=given)
    try:
        return UUID(given.decode("ascii"))
    except ValueError:
        return uuid5(NAMESPACE, f"id:{given.hex()}")


def origin_of(sender: bytes | None) -> str:
    """Return the origin of what ``sender`` (the header) has sent; two senders never have one.

    A sender that is no origin, or looks like one made here, has its readable part and a digest.
    """
    if not sender:
        return OF_HERMES
    text = sender.decode(errors="replace")
    if _PLAIN_SENDER.fullmatch(text) and not _MADE.fullmatch(text):
        return f"{OF_HERMES}.{text}"
    readable = _NOT_IN_ORIGINS.sub("-", text.lower())[:60]
    return f"{OF_HERMES}.{readable}--{hashlib.sha256(sender).hexdigest()[:16]}"


def origin_name_of(origin: str) -> str:
    """Return how an origin made here is shown: as what somebody says of itself."""
    return f"Hermes: {origin.removeprefix(f'{OF_HERMES}.')}" if origin != OF_HERMES else "Hermes: no sender named"


# -- the value --------------------------------------------------------------------------------------------------------


def _payload(record: Record) -> dict[str, JsonValue]:
    form = header_text(record, FORMAT).lower()
    match form:
        case "json":
            found = _json(record)
        case "avro":
            found = _from_container(record)
        case "external":
            raise _bad(
                record,
                f"the message itself is kept elsewhere ({shown(_external(record), 300)}) and is not fetched",
                "Ask its sender for smaller messages, or read it there",
            )
        case "":
            found = _from_container(record) if record.value.startswith(container.MAGIC) else _unwrapped(_json(record))
        case other:
            raise OtherFormatError(f"it is {_OTHER_FORMATS.get(other, f'of the format {other!r}')}")
    if not isinstance(found, dict):
        raise _bad(record, f"the message is {shown(found)}, not an object", "See what Hermes' submit_message takes")
    return found


def _json(record: Record) -> Any:
    if record.value.startswith(b"\xc3\x01"):
        raise _bad(
            record,
            "the record is an event of TOM Bridge, no message of Hermes",
            'Take format = "hermes" out of this subscription, or publish with it',
        )
    try:
        return json.loads(record.value.decode("utf-8"), object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise _bad(record, f"the message is no JSON ({type(error).__name__}: {str(error)[:120]})") from None


def _each_once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{shown(key)} is there twice in one object")
        found[key] = value
    return found


def _unwrapped(found: Any) -> Any:
    """Return what is in the envelope of hop-client before 0.5, ``{"format", "content"}``; all else as it is."""
    if not isinstance(found, dict) or found.keys() != {"format", "content"}:
        return found
    if found["format"] not in ("json", "blob") or not isinstance(found["content"], dict):
        raise OtherFormatError(f"it is of the format {shown(found['format'])}")
    return found["content"]


def _external(record: Record) -> object:
    try:
        return _json(record).get("url", "no address")
    except (UndecodableError, AttributeError):
        return "no address"


def _from_container(record: Record) -> Any:
    try:
        return container.datum_in(record.value)
    except ValueError as error:
        raise _bad(record, f"the message is no Avro file that is read: {error}") from None


def _canonical(payload: Any, record: Record) -> bytes:
    try:
        return json.dumps(payload, sort_keys=True, default=repr).encode("ascii")
    except (ValueError, RecursionError, TypeError) as error:
        raise _bad(record, f"the message can't be written as JSON ({type(error).__name__})") from None


def _bad(record: Record, what: str, mend: str = "") -> UndecodableError:
    return UndecodableError(what, where=record.where, mend=mend)
