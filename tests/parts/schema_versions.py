"""Schemas of versions that don't exist yet, made from the newest ones."""

import copy
import json
from collections.abc import Callable
from typing import Any

from bridge.codec.schema import Schema
from bridge.codec.schemas import newest
from bridge.events import Kind


def changed(kind: Kind, change: Callable[[dict[str, Any]], None], name: str | None = None) -> Schema:
    """Return the newest schema of ``kind`` after ``change`` of its JSON; ``name`` is another full name."""
    definition = copy.deepcopy(json.loads(newest(kind).text))
    change(definition)
    if name:
        definition["namespace"], _, definition["name"] = name.rpartition(".")
    return Schema.of(definition)


def records(definition: Any) -> list[dict[str, Any]]:
    """Return every record defined in a schema's JSON, the outermost first."""
    if isinstance(definition, list):
        return [each for part in definition for each in records(part)]
    if not isinstance(definition, dict):
        return []
    own = [definition] if definition.get("type") == "record" else []
    return own + [each for key, part in definition.items() if key not in {"default", "doc"} for each in records(part)]
