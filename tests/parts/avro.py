"""Events as the dictionaries that fastavro writes: by these tests write what the bridge never would."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.events import BODIES, Event, Kind

_FREE = ("extra", "value")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_avro(event: Event) -> dict[str, Any]:
    """Return ``event`` as the datum that is written: times in microseconds, UUIDs and extra values as text."""
    data = event.model_dump()
    body = data.pop("body")
    kind = body.pop("kind")
    data |= {name: str(data[name]) for name in ("id", "share_id", "installation")}
    data["replaces"] = None if event.replaces is None else str(event.replaces)
    data["shared_at"] = _microseconds(event.shared_at)
    if kind is Kind.TARGET:
        body = {"target": body}
    elif kind is Kind.LIST:
        for member in body["members"]:
            if member["target"] is not None:
                del member["target"]["kind"]
    elif kind in BODIES:
        for datum in body[BODIES[kind].ITEMS]:
            datum["timestamp"] = _microseconds(datum["timestamp"])
            for name in datum.keys() & _FREE:
                datum[name] = json.dumps(datum[name], separators=(",", ":"), allow_nan=False)
    return {"envelope": data, **body}


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1)
