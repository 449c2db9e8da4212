"""What a record holds, as a page may show it: decoded where it can be, else as bytes; always bounded, never trusted."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from bridge.codec import Left, Noted
from bridge.errors import BridgeError
from bridge.events import DataProduct, Event
from bridge.operations.formats import formats_of
from bridge.shown import visible_lines
from bridge.stream import Record
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.operating.away import no_stream

MOST_CHARACTERS = 20_000
MOST_BYTES = 1_024
_MOST_ITEMS = 20
_IN_A_LINE = 16
_LONGEST_HEADER = 300


@dataclass(frozen=True)
class Content:
    """The text of a record: ``form`` is "event" (JSON) or "bytes" (a hex dump)."""

    form: str
    text: str
    size: int
    """Bytes of the record's value."""
    cut: bool
    """Whether there is more than is shown."""


def event_in(record: Record, number: int = 0) -> Event | None:
    """Return the event of that ``number`` in ``record``; None where this release's own schemas don't tell."""
    try:
        item = formats_of(conf.load(), no_stream()).decode(record)[number]
    except (BridgeError, ValueError, IndexError):
        return None
    if isinstance(item, Left):
        return None
    return item.event if isinstance(item, Noted) else item


def content(record: Record, event: Event | None) -> Content:
    """Return what ``record`` holds: its ``event``, else its bytes."""
    size = len(record.value)
    if event is not None:
        text, cut = _event(event)
        return Content("event", text, size, cut)
    return Content("bytes", hex_dump(record.value[:MOST_BYTES]), size, size > MOST_BYTES)


def hex_dump(data: bytes) -> str:
    """Return ``data`` as lines of offset, hexadecimal bytes and the printable ASCII characters among them."""
    lines = []
    for first in range(0, len(data), _IN_A_LINE):
        part = data[first : first + _IN_A_LINE]
        shown = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in part)
        lines.append(f"{first:06x}  {part.hex(' '):<{3 * _IN_A_LINE - 1}}  {shown}")
    return "\n".join(lines)


def _event(event: Event) -> tuple[str, bool]:
    exclude = {"body": {"content"}} if isinstance(event.body, DataProduct) else None
    given = event.model_dump(mode="json", exclude=exclude, exclude_defaults=False)
    body, cut = given["body"], False
    for name, value in body.items():
        if isinstance(value, list) and len(value) > _MOST_ITEMS:
            body[name] = [*value[:_MOST_ITEMS], f"and {len(value) - _MOST_ITEMS} more"]
            cut = True
    text = json.dumps(_without_empty(given), indent=2, ensure_ascii=False, default=_plain)
    return visible_lines(text[:MOST_CHARACTERS]), cut or len(text) > MOST_CHARACTERS


def _without_empty(value: Any) -> Any:
    """Return ``value`` without fields that hold nothing; 0 and false are something."""
    if isinstance(value, dict):
        return {key: _without_empty(one) for key, one in value.items() if one not in (None, "", [], {})}
    return [_without_empty(one) for one in value] if isinstance(value, list) else value


def _plain(value: object) -> str:
    return str(value) if isinstance(value, UUID) else repr(value)


def printable(data: bytes) -> str:
    """Return a header's value as text where it is text, else in hexadecimal; bounded."""
    try:
        text = data[:_LONGEST_HEADER].decode()
    except UnicodeDecodeError:
        return data[:_LONGEST_HEADER].hex(" ")
    return text if text.isprintable() else data[:_LONGEST_HEADER].hex(" ")
