"""Records of Hermes: captured ones, and ones made for a test."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from bridge.codec import Item, Left, Noted
from bridge.events import Event
from bridge.hermes.composing import Outgoing
from bridge.stream import Partition, Record

RECORDS = Path(__file__).parents[1] / "hermes" / "records"
"""Captured from Hermes' own service and from hop-client 0.13.0 on 2026-11-27: topic, key, headers and value of each."""
TOPIC = "hermes.test"
MESSAGE_ID = UUID("2c148ffc-d3ad-4f46-96c1-52ac739782c6")
SN = {"name": "SN 2026ali", "ra": 10.0, "dec": 0.0}
AT = datetime(2026, 11, 27, 12, tzinfo=UTC)


def captured(name: str) -> Record:
    """Return a captured record by the name of its file."""
    told = json.loads((RECORDS / f"{name}.json").read_text())
    return record(
        base64.b64decode(told["value_base64"]),
        [(key, base64.b64decode(value)) for key, value in told["headers"]],
        topic=told["topic"],
    )


def record(value: bytes, headers: Sequence[tuple[str, bytes]] = (), topic: str = "hermes.test") -> Record:
    """Return a record of a topic."""
    return Record(partition=Partition(topic, 0), offset=7, timestamp=AT, key=None, value=value, headers=tuple(headers))


def headers(
    message_id: UUID | None = MESSAGE_ID, sender: str = "alice-1a2b3c4d", **others: str
) -> list[tuple[str, bytes]]:
    """Return headers as Hermes and hop-client set them."""
    found = [("_id", message_id.bytes)] if message_id else []
    found += [("_sender", sender.encode()), ("_format", b"json")]
    return [*found, *((name, value.encode()) for name, value in others.items())]


def message(
    data: object, message_id: UUID | None = MESSAGE_ID, sender: str = "alice-1a2b3c4d", **others: str
) -> Record:
    """Return a message with this ``data``."""
    payload = {"title": "A title", "topic": "hermes.test", "submitter": "Alice", "data": data}
    return record(json.dumps(payload).encode(), headers(message_id, sender, **others))


def point(**changed: Any) -> dict[str, Any]:
    """Return a row of photometry; what is None is left out."""
    row = {
        "target_name": "SN 2026ali",
        "date_obs": "2026-11-02T03:04:01.678901+00:00",
        "telescope": "1m0",
        "bandpass": "r",
        "brightness": 18.25,
        "brightness_unit": "AB mag",
    } | changed
    return {key: value for key, value in row.items() if value is not None}


def sent(one: Outgoing, topic: str = "hermes.test", sender: str = "") -> Record:
    """Return a composed message as a stream has it."""
    return record(one.value, one.headers(sender), topic)


def events_of(items: Sequence[Item]) -> list[Event]:
    """Return the events among items."""
    return [one.event if isinstance(one, Noted) else one for one in items if not isinstance(one, Left)]


def left_of(items: Sequence[Item]) -> list[tuple[str, str]]:
    """Return why the others are none, in words."""
    return [(str(one.reason), one.message) for one in items if isinstance(one, Left)]


def datum_of(items: Sequence[Item]) -> Any:
    """Return the one datum that items bring."""
    (datum,) = (datum for event in events_of(items) for datum in getattr(event.body, "datums", ()))
    return datum


def target_of(items: Sequence[Item]) -> Any:
    """Return the body of the one target that items bring."""
    (body,) = (event.body for event in events_of(items) if event.kind == "target")
    return body


def row_of(value: Mapping[str, Any], section: str) -> dict[str, Any]:
    """Return the one row of a section of a message."""
    (row,) = value["data"][section]
    return dict(row)
