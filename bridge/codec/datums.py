"""Arrays of datums as columns, which is how they come, are checked and are written.

Datums that are laid out alike (the same values are absent, and texts are as long) are taken apart together, with one
format of :mod:`struct`; that takes a fourth of the time of doing so one by one. Texts of a column are few, as a rule:
those that were checked once are known by their bytes.
"""

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from operator import itemgetter
from typing import Any, NamedTuple, TypeVar

from pydantic import FiniteFloat

from bridge.codec.values import OF_A_VALUE, OtherError, Read, count, long, raw_text, value
from bridge.codec.writing import FREE
from bridge.events import Datum, Datums
from bridge.events.columns import Column, check_of
from bridge.events.fields import FIRST_YEAR, LAST_YEAR
from bridge.microseconds import EPOCH, MICROSECOND, to_microseconds

K = TypeVar("K")
V = TypeVar("V")

_LAYOUTS, _TEXTS, _LONGEST_TEXT = 1_000, 1_000, 300
"""So many are kept (of texts for each field, and none of more bytes)."""
_SHORT = 64
"""Bytes of a text whose length takes one of them."""
_MOMENT = 8
"""Bytes of a number of 49 to 55 bits: of all microseconds since 1970 that are of the years 1979 to 3111."""
_NOTHING = b"{}"
"""No free values."""
_EARLIEST, _LATEST = (to_microseconds(datetime(year, 1, 1, tzinfo=UTC)) for year in (FIRST_YEAR, LAST_YEAR))
"""A time between these is right."""

_Take = Callable[[Column], Column]
"""Makes right values of a column as it was read; raises ValueError where one is wrong."""


def keep(kept: dict[K, V], key: K, one: V, most: int) -> None:
    """Keep ``one``; what is full begins anew."""
    if len(kept) >= most:
        kept.clear()
    kept[key] = one


class ReaderOfDatums:
    """Reads the array of datums by which an event ends. ``most``: how many there may be."""

    def __init__(self, of: type[Datum], most: int, fields: Sequence[Mapping[str, Any]]) -> None:
        """Put together what reads each of the ``fields`` of a schema."""
        self._of, self._most = of, most
        self._fields = tuple(_Field.of(of, field["name"], field["type"]) for field in fields)
        self._reads = tuple(field.read for field in self._fields)
        self._unfilled: dict[str, Column] = dict.fromkeys(of.model_fields, ())
        """A model's columns in the order that they have there."""
        self._layouts: dict[int, _Layout] = {}
        """The last one that was met of datums that take so many bytes."""

    def read(self, data: bytes, at: int) -> Datums[Datum] | None:
        """Return the datums that begin at a place; None where the values of one don't go together."""
        number, at = count(data, at)
        room = len(data) - at - 1
        if not 1 <= number <= min(self._most, room // len(self._fields)) or data[-1]:  # a field takes a byte at least
            raise OtherError
        width, uneven = divmod(room, number)
        columns = None if uneven else self._alike(data, at, number, width)
        if columns is None:
            columns = self._each(data, at, number)
        return Datums.of_checked(self._of, columns)

    def _alike(self, data: bytes, at: int, number: int, width: int) -> dict[str, Column] | None:
        """Return datums that are all laid out alike, each in ``width`` bytes; None where they aren't."""
        layout = self._layouts.get(width)
        columns = None if layout is None else layout.columns(data, at, number)
        if columns is None and (layout := self._layout(data, at)) is not None and layout.width == width:
            keep(self._layouts, width, layout, _LAYOUTS)
            columns = layout.columns(data, at, number)
        return columns

    def _layout(self, data: bytes, at: int) -> "_Layout | None":
        """Return how the datum that begins at a place is laid out, where that is usual."""
        widths = []
        for read in self._reads:
            _, end = read(data, at)
            widths.append(end - at)
            at = end
        parts = [_part(field.node, width) for field, width in zip(self._fields, widths, strict=True)]
        usual = [part for part in parts if part is not None]
        return _Layout(self._fields, usual, self._unfilled) if len(usual) == len(parts) else None

    def _each(self, data: bytes, at: int, number: int) -> dict[str, Column]:
        """Return datums that are each laid out as they may."""
        values: list[Any] = []
        add = values.append
        for _ in range(number):
            for read in self._reads:
                one, at = read(data, at)
                add(one)
        if at != len(data) - 1:
            raise OtherError
        every = len(self._fields)
        return self._unfilled | {
            field.name: field.take(values[first::every]) for first, field in enumerate(self._fields)
        }


class _Part(NamedTuple):
    """How a value that takes so many bytes is laid out."""

    format: str
    """As :mod:`struct` takes it apart."""
    begin: int | None = None
    """What its first byte has to be, where that is taken apart."""
    empty: tuple[Any] | None = None
    """The value, where no byte of it follows."""


def _part(node: Any, width: int) -> _Part | None:
    match node:
        case {"type": "long"} if width == _MOMENT:
            return _Part("Q")
        case "double":
            return _Part("d")
        case ["null", "double"]:
            return _Part("B", 0, (None,)) if width == 1 else _Part("Bd", OF_A_VALUE)
        case "string" if width <= _SHORT:
            return _Part("B", 0, (b"",)) if width == 1 else _Part(f"B{width - 1}s", (width - 1) << 1)
        case _:
            return None


class _Layout:
    """How a datum is laid out. Raises ValueError where a value that all of its datums have is wrong."""

    def __init__(self, fields: Sequence["_Field"], parts: Sequence[_Part], unfilled: dict[str, Column]) -> None:
        self._struct = struct.Struct("<" + "".join(part.format for part in parts))
        self.width = self._struct.size
        self._begins: dict[int, int] = {}
        """Which of the numbers that it is taken apart to have to be what."""
        self._takes: list[tuple[str, int, _Take]] = []
        """Field by field the number of its value, and what makes a right one of it."""
        self._empty: list[tuple[str, tuple[Any, ...]]] = []
        self._unfilled = unfilled
        taken = 0
        for field, part in zip(fields, parts, strict=True):
            if part.begin is not None:
                self._begins[taken] = part.begin
                taken += 1
            if part.empty is not None:
                self._empty.append((field.name, tuple(field.take(part.empty))))
            else:
                self._takes.append((field.name, taken, field.take_packed))
                taken += 1
        self._begins_of = itemgetter(*self._begins)  # each datum has texts
        self._alone = self._begins_of(self._begins), unfilled | dict(self._empty)

    def columns(self, data: bytes, at: int, number: int) -> dict[str, Column] | None:
        """Return ``number`` datums that begin at a place; None where one is laid out otherwise."""
        if number == 1:
            return self._of_one(self._struct.unpack_from(data, at))
        rows = self._struct.iter_unpack(data[at : at + number * self.width])
        found = list(zip(*rows, strict=True))
        for which, begin in self._begins.items():
            if found[which].count(begin) != number:
                return None
        columns = self._unfilled.copy()
        for name, one in self._empty:
            columns[name] = one * number
        for name, which, take in self._takes:
            columns[name] = take(found[which])
        return columns

    def _of_one(self, row: tuple[Any, ...]) -> dict[str, Column] | None:
        """Return the columns of a single datum: to turn rows into columns would take as long as all else."""
        begins, columns = self._alone
        if self._begins_of(row) != begins:
            return None
        columns = columns.copy()
        for name, which, take in self._takes:
            columns[name] = take((row[which],))
        return columns


# -- fields -----------------------------------------------------------------------------------------------------------


class _Field(NamedTuple):
    """How a field is read, and what is made of its column."""

    name: str
    node: Any
    read: Read
    take: _Take
    take_packed: _Take
    """The same of what :mod:`struct` makes."""

    @classmethod
    def of(cls, of: type[Datum], name: str, node: Any) -> "_Field":
        check = check_of(of, name)
        if name == "timestamp":
            take = _moments(check)
            return cls(name, node, long, take, lambda column: take(_unpacked(column)))
        if node == "string":
            take = _free_values(check) if name in FREE else _texts(check)
            return cls(name, node, raw_text, take, take)
        take = _finite(check) if of.model_fields[name].annotation == FiniteFloat | None else check
        return cls(name, node, value(node), take, take)


def _unpacked(column: Sequence[int]) -> Column:
    """Return numbers of which each is written in eight bytes (zigzag, seven bits a byte)."""
    numbers = []
    for number in column:
        if number & 0x8080_8080_8080_8080 != 0x0080_8080_8080_8080:
            raise OtherError
        # Two, then four, then eight groups of seven bits move together.
        moved = number & 0x007F_007F_007F_007F | (number & 0x7F00_7F00_7F00_7F00) >> 1
        moved = moved & 0x0000_3FFF_0000_3FFF | (moved & 0x3FFF_0000_3FFF_0000) >> 2
        moved = moved & 0x0000_0000_0FFF_FFFF | (moved & 0x0FFF_FFFF_0000_0000) >> 4
        numbers.append((moved >> 1) ^ -(moved & 1))
    return numbers


def _moments(check: _Take) -> _Take:
    def take(column: Column) -> Column:
        moments = [EPOCH + microseconds * MICROSECOND for microseconds in column]
        return moments if min(column) >= _EARLIEST and max(column) <= _LATEST else check(moments)

    return take


def _texts(check: _Take) -> _Take:
    known: dict[bytes, str] = {}

    def take(column: Column) -> Column:
        try:
            return [known[raw] for raw in column]
        except KeyError:
            different = list(set(column))
            checked = dict(zip(different, check([raw.decode() for raw in different]), strict=True))
        if len(different) <= _TEXTS:
            for raw, text in checked.items():
                if len(raw) <= _LONGEST_TEXT:
                    keep(known, raw, text, _TEXTS)
        return [checked[raw] for raw in column]

    return take


def _free_values(check: _Take) -> _Take:
    def take(column: Column) -> Column:
        if column.count(_NOTHING) == len(column):
            return [{}] * len(column)
        different = list(set(column))
        checked = dict(zip(different, check([json.loads(raw.decode()) for raw in different]), strict=True))
        return [checked[raw] for raw in column]

    return take


def _finite(check: _Take) -> _Take:
    def take(column: Column) -> Column:
        return column if isfinite(sum(filter(None, column))) else check(column)

    return take
