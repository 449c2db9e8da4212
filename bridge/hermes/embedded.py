"""Events of the bridge inside a message: ``data.tom_bridge`` is ``{"v": 1, "events": [...]}``.

Hermes keeps what it doesn't know under ``data``, so that they come back equal, with all that its rows have no place
for. They are what the sender says, as all of a message is: who takes them trusts whoever writes on the topic.
"""

import json
from collections.abc import Collection, Sequence

from pydantic import JsonValue

from bridge.errors import InvalidEventError, NewerVersionError
from bridge.events import Event, EventRef
from bridge.hermes.record import Message
from bridge.hermes.values import shown
from bridge.origins import came_from_hermes

KEY = "tom_bridge"
VERSION = 1
MOST_EVENTS = 20_000
"""Events inside one message; the smallest ones that a bridge writes fill the largest message that is read with less."""


def embedded(events: Sequence[Event]) -> JsonValue:
    """Return ``events`` as they travel inside a message."""
    return {"v": VERSION, "events": [as_json(event) for event in events]}


def as_json(event: Event) -> dict[str, JsonValue]:
    """Return one event as it travels inside; what has its default is left out."""
    found: dict[str, JsonValue] = event.model_dump(mode="json", exclude_defaults=True)
    found["body"]["kind"] = str(event.kind)  # type: ignore[index, call-overload]
    return found


def is_there(message: Message) -> bool:
    """Return whether a message says that events of the bridge are inside."""
    data = message.payload.get("data")
    return isinstance(data, dict) and KEY in data


def origins(message: Message) -> frozenset[str]:
    """Return the origins that the events inside name, whatever else is wrong with them."""
    named = (one.get("origin") for one in _all(message))
    return frozenset(origin for origin in named if isinstance(origin, str))


def events_in(message: Message) -> list[Event | InvalidEventError]:
    """Return each event inside, or what is wrong with it.

    Raises NewerVersionError for what a later release has written, and InvalidEventError where it is nothing at all.
    """
    where = f"{message.record.where}: data.{KEY}"
    data = message.payload["data"]
    inside = data[KEY] if isinstance(data, dict) else None
    if isinstance(inside, dict) and isinstance(version := inside.get("v"), int) and version > VERSION:
        raise NewerVersionError(
            f"is of version {version}, and this release of TOM Bridge knows {VERSION}",
            where=where,
            mend="Upgrade TOM Bridge; the events are applied then",
        )
    found = _all(message)
    if not found:
        raise InvalidEventError(f"is {shown(inside)}", where=where, mend='{"v": 1, "events": [...]} would be right')
    if len(found) > MOST_EVENTS:
        raise InvalidEventError(f"has {len(found)} events; {MOST_EVENTS} are the most", where=where)
    events: list[Event | InvalidEventError] = []
    seen: set[EventRef] = set()
    for number, one in enumerate(found):
        event = _checked(one, f"{where}.events[{number}]", seen)
        if isinstance(event, Event):
            seen.add(event.ref)
        events.append(event)
    return events


def _all(message: Message) -> list[dict[str, JsonValue]]:
    """Return what stands in for events; nothing where it is no list of objects."""
    data = message.payload.get("data")
    inside = data.get(KEY) if isinstance(data, dict) else None
    found = inside.get("events") if isinstance(inside, dict) else None
    if not isinstance(found, list):
        return []
    events = [one for one in found if isinstance(one, dict)]
    return events if len(events) == len(found) else []


def _checked(one: dict[str, JsonValue], where: str, seen: Collection[EventRef]) -> Event | InvalidEventError:
    """Return an event, or what is wrong with it; ``seen`` are those before it."""
    try:
        event = Event.checked(json.dumps(one), where=where)
    except InvalidEventError as error:
        return error
    except (ValueError, RecursionError):
        return InvalidEventError("the event is nested too deeply", where=where)
    if event.ref in seen:
        return InvalidEventError(f"{event.ref} is there twice; the first of them counts", where=where)
    if came_from_hermes(event.origin):  # else anybody could have done what a message of Hermes is to bring yet
        return InvalidEventError(
            f"{event.ref} is of {event.origin}; no bridge sends what came from Hermes", where=where
        )
    return event
