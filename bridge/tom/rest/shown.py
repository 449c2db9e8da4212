"""What a TOM's API shows, checked: something else may answer in its place, as a proxy's page or another service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

TARGETS = "/api/targets/"
BEYOND = 2**31 - 1
"""An offset that no list reaches."""

Shown = Mapping[str, Any]
"""A target as the API shows it, checked by :func:`targets_of`."""


class UnexpectedError(Exception):
    """What was given is not what a TOM's API gives."""

    def __init__(self, given: Any, expected: str) -> None:
        super().__init__(given, expected)
        self.given = given if isinstance(given, str) else _sort(given)
        self.expected = expected


@dataclass(frozen=True)
class Page:
    """A page of a list: how many there are in all, and those on it, each a JSON object."""

    count: int
    results: Sequence[dict[str, Any]]


def decoded(answer: requests.Response) -> Any:
    """Return the JSON of a good answer."""
    try:
        return answer.json()
    except ValueError:
        begins = " ".join(answer.text[:40].split())
        raise UnexpectedError(f"{begins!r}..." if begins else "nothing", "JSON") from None


def page_of(said: Any) -> Page:
    """Return a page of a list."""
    expected = "a JSON object with 'count' and 'results', as a TOM's lists have them,"
    if not isinstance(said, dict):
        raise UnexpectedError(said, expected)
    count, results = said.get("count"), said.get("results")
    if isinstance(count, bool) or not isinstance(count, int) or not isinstance(results, list):
        raise UnexpectedError(said, expected)
    if wrong := [each for each in results if not isinstance(each, dict)]:
        raise UnexpectedError(f"a list of {_sort(wrong[0])}", "a list of JSON objects")
    return Page(count, results)


def object_with(said: Any, **fields: type) -> dict[str, Any]:
    """Return a JSON object that has these fields, of these types."""
    if isinstance(said, dict) and all(isinstance(said.get(name), sort) for name, sort in fields.items()):
        return said
    raise UnexpectedError(said, f"a JSON object with {' and '.join(map(repr, fields))}")


def target_of(said: Any) -> Shown:
    """Return one target."""
    shown = object_with(said, id=int, name=str, type=str)
    for part, fields in _PARTS.items():
        given = shown.get(part, [])
        if not isinstance(given, list):
            raise UnexpectedError(f"{part!r} as {_sort(given)}", "a list")
        for one in given:
            object_with(one, **fields)
    return shown


_PARTS: Mapping[str, Mapping[str, type]] = {
    "aliases": {"name": str},
    "targetextra_set": {"key": str, "value": str},
    "groups": {"name": str},
}


def described_fields(said: Any) -> Mapping[str, Any]:
    """Return the fields that may be written, of the TOM's own description (``OPTIONS``); none where none may."""
    actions = object_with(said, name=str, renders=list).get("actions", {})
    fields = actions.get("POST", {}) if isinstance(actions, dict) else {}
    return fields if isinstance(fields, dict) else {}


def names_of(shown: Shown) -> tuple[str, ...]:
    """Return the name and the aliases of a target."""
    return (shown["name"], *(alias["name"] for alias in shown.get("aliases", ())))


def _sort(given: Any) -> str:
    match given:
        case dict():
            return f"a JSON object with {', '.join(repr(key) for key in list(given)[:5]) or 'nothing in it'}"
        case list():
            return "a JSON array"
        case _:
            return f"the JSON value {str(given)[:40]!r}"
