"""How much is kept of a record: all of it, or its beginning beside what tells the whole of it."""

import hashlib
import json
from dataclasses import replace

from bridge.ledger import rules
from bridge.ledger.model import Kept
from bridge.stream.port import Headers, Record


def cut(record: Record, how: rules.Keep, kept_bytes: int) -> Kept:
    """Return what is kept of a whole ``record`` where so many bytes are kept in all."""
    head = rules.head_bytes(kept_bytes)
    whole = how is rules.Keep.WHOLE or not (record.problem or _is_longer(record, head))
    kept = record if whole else _beginning(record, head)
    return Kept(record=kept, size=len(record.value), sha256=hashlib.sha256(record.value).hexdigest(), whole=whole)


def _beginning(record: Record, head: int) -> Record:
    key = None if record.key is None else record.key[:head]
    headers = record.headers if len(headers_text(record.headers)) <= head else ()
    return replace(record, key=key, value=record.value[:head], headers=headers)


def _is_longer(record: Record, head: int) -> bool:
    parts = (record.key or b"", record.value, headers_text(record.headers))
    return any(len(part) > head for part in parts)


def has_to_change(wanted: rules.Keep, whole: bool | None, counted: int) -> bool:
    """Return whether what is kept of a record has to be written (anew), so that it is what is ``wanted``.

    ``whole``: whether all of it is kept now, None where nothing is; ``counted``: its :func:`kept_bytes`.
    """
    match wanted:
        case rules.Keep.NOTHING:
            return False
        case rules.Keep.HEAD:
            return whole is None or (whole and counted > rules.HEAD_BYTES)
        case rules.Keep.WHOLE:
            return not whole


def kept_bytes(kept: Kept) -> int:
    """Return the bytes that count: those of key, value and headers as they are kept."""
    record = kept.record
    return len(record.key or b"") + len(record.value) + len(headers_text(record.headers))


def headers_text(headers: Headers) -> str:
    """Return headers as text: JSON, pairs of a name and the value in hexadecimal."""
    return json.dumps([[rules.storable(name), value.hex()] for name, value in headers])


def headers_of(text: str) -> Headers:
    """Return the headers of which :func:`headers_text` made ``text``."""
    return tuple((name, bytes.fromhex(value)) for name, value in json.loads(text))
