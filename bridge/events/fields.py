"""What all parts of an event are made of: kinds, bounds, and types of texts, numbers, times and free values.

Lengths are those of the columns in TOM Toolkit 3.1's models, so that what is valid here fits there.
"""

import json
import os
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    FiniteFloat,
    JsonValue,
    StringConstraints,
)

MAX_ALIASES = 200
MAX_EXTRA_CHARACTERS = 65_536
MAX_VALUE_CHARACTERS = 800_000
MAX_DEPTH = 100
"""Levels of objects and lists in a free value, itself the first.

SQLite reads 1000 (https://www.sqlite.org/json1.html), and each version of Python writes another number of them.
"""
FIRST_YEAR, LAST_YEAR = 1000, 3000
"""The years (UTC) in which a time may be: pages of a TOM die of the years 1 and 9999, as every time zone moves them."""

TOO_DEEP = f"is nested too deeply; {MAX_DEPTH} levels are the most"

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# Controls with tabs and ends of lines, what turns the direction of writing (UAX 9), and what would be a tag of HTML.
_FORBIDDEN_IN_NAMES = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069<>\ud800-\udfff]"
)
_NUMBER = re.compile(r"[-+]?(\d[\d_]*(\.\d*)?|\.\d+)([eE][-+]?\d+)?")
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_ESCAPED_SURROGATE = re.compile(r"\\ud[89a-f]")


def uuid7() -> UUID:
    """Return a new UUID of version 7: 48 bits of Unix time in milliseconds, then random bits (RFC 9562, 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds << 80) | int.from_bytes(os.urandom(10))
    bits = bits & ~(0xF << 76) | (0x7 << 76)
    bits = bits & ~(0x3 << 62) | (0x2 << 62)
    return UUID(int=bits)


def plain(text: str) -> str:
    """Return ``text``, which is to have no control characters."""
    if found := _FORBIDDEN.search(text):
        raise ValueError(f"has the control character {found.group()!r} at {found.start()}; remove it")
    return text


def plain_name(name: str) -> str:
    """Return ``name``, which is to have no character that could make something else of a page or of a line."""
    if found := _FORBIDDEN_IN_NAMES.search(name):
        raise ValueError(f"has the character {found.group()!r} at {found.start()} of {name!r}; remove it")
    return name


def _no_number(moment: object) -> object:
    """Return ``moment``, which is to be no number: nobody can tell seconds from milliseconds, or from an MJD."""
    if isinstance(moment, int | float) or (isinstance(moment, str) and _NUMBER.fullmatch(moment.strip())):
        raise ValueError(f"{str(moment)[:40]} is a number; write a time as 2026-01-31T12:00:00Z")
    return moment


def _to_utc(moment: datetime) -> datetime:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        utc = None
    if utc is None or not FIRST_YEAR <= utc.year <= LAST_YEAR:
        raise ValueError(f"{moment.isoformat()} is not in the years {FIRST_YEAR} to {LAST_YEAR}")
    return utc


def is_too_deep(values: JsonValue, text: str) -> bool:
    """Return whether a free value, which is ``text`` as JSON, has more than :data:`MAX_DEPTH` levels."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    level: list[Any] = [values]
    for _ in range(MAX_DEPTH):
        inner = (one.values() if isinstance(one, dict) else one for one in level)
        level = [one for those in inner for one in those if isinstance(one, dict | list)]
    return bool(level)


def _bounded_json(most: int) -> AfterValidator:
    """Return what refuses JSON of more than ``most`` characters, or with what no database or reader takes.

    PostgreSQL can't store a NUL; a lone surrogate, in a key or a value, can't be written as UTF-8 at all.
    """

    def bounded(values: dict[str, JsonValue]) -> dict[str, JsonValue]:
        try:
            text = json.dumps(values)
        except RecursionError:
            raise ValueError(TOO_DEEP) from None
        if len(text) > most:
            raise ValueError(f"takes {len(text)} characters as JSON; {most} are the most")
        if is_too_deep(values, text):
            raise ValueError(TOO_DEEP)
        if _ESCAPED_NUL.search(text):
            raise ValueError("holds a NUL character; remove it")
        if _ESCAPED_SURROGATE.search(text):
            try:
                json.dumps(values, ensure_ascii=False).encode()
            except UnicodeEncodeError as error:
                lone = error.object[error.start]
                raise ValueError(f"holds the lone surrogate {lone!r}, which is no character; remove it") from None
        return values

    return AfterValidator(bounded)


def text(longest: int, shortest: int = 0) -> Any:
    """Return a type of text of ``shortest`` to ``longest`` characters, none of them a control character."""
    return Annotated[str, StringConstraints(min_length=shortest, max_length=longest), AfterValidator(plain)]


Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=100, strip_whitespace=True),
    AfterValidator(plain_name),
]
# The first wrong one is told, not all: millions fit in a data product, and an error of each would fill the memory.
Aliases = Annotated[tuple[Name, ...], FailFast(), Field(max_length=MAX_ALIASES)]
Utc = Annotated[AwareDatetime, BeforeValidator(_no_number), AfterValidator(_to_utc)]
RightAscension = Annotated[FiniteFloat, Field(ge=0, le=360)]
Declination = Annotated[FiniteFloat, Field(ge=-90, le=90)]
Extra = Annotated[dict[str, JsonValue], _bounded_json(MAX_EXTRA_CHARACTERS)]
Value = Annotated[dict[str, JsonValue], _bounded_json(MAX_VALUE_CHARACTERS)]


_set = object.__setattr__
_CHANGED = "_changed"
"""Stands in the ``__dict__`` of such a copy, where pydantic looks for fields alone."""


class Model(BaseModel):
    """The base of all parts of an event: frozen, and closed to fields that it doesn't know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64", allow_inf_nan=False
    )

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; of one with other values nobody has looked whether it obeys the rules."""
        copied = super().model_copy(update=update, deep=deep)
        if update:
            copied.__dict__[_CHANGED] = True
        return copied

    @classmethod
    def of_checked(cls, values: dict[str, Any]) -> Self:
        """Return a model of right values of all its fields, which nothing looks at.

        It is what ``model_construct`` makes, which takes 10 µs to look for them.
        """
        made = cls.__new__(cls)
        _set(made, "__dict__", values)
        _set(made, "__pydantic_fields_set__", _every_field(cls))
        _set(made, "__pydantic_extra__", None)
        _set(made, "__pydantic_private__", None)
        return made

    @property
    def was_changed(self) -> bool:
        """Whether this is a copy with other values, which were not checked."""
        return _CHANGED in self.__dict__


@cache
def _every_field(model: type[Model]) -> set[str]:
    """Return the names of a model's fields: one set for all that are made, as nothing changes that of a frozen one."""
    return set(model.model_fields)


class Kind(StrEnum):
    """The kinds of events, by the words of the command line."""

    TARGET = "target"
    LIST = "list"
    PHOTOMETRY = "photometry"
    SPECTROSCOPY = "spectroscopy"
    ASTROMETRY = "astrometry"
    REDUCED_DATUM = "reduced-datum"
    DATA_PRODUCT = "data-product"
