"""A photometry table as points. Columns are known by their usual names; the others are kept as extra values."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.events import Point
from bridge.publishing.sources import atlas
from bridge.publishing.sources.cells import (
    NO,
    YES,
    Wrong,
    extra_of,
    is_empty,
    is_marked,
    take_number,
    typed,
    without_mark,
)
from bridge.publishing.sources.columns import Columns, recognise
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.layout import Layout, read_layout
from bridge.publishing.sources.times import parse_time

_NUMBERS = frozenset({"brightness", "brightness_error", "limit", "exposure_time"})
_FLAGS = frozenset({"0", "1", "0.0", "1.0"})

ReadRow = Callable[[Columns, Sequence[str], Wrong], dict[str, Any]]


def read_table(path: Path, *, given: Mapping[str, str] | None = None) -> tuple[Point, ...]:
    """Return the points of the table in ``path``, in its order.

    ``given`` holds fields (``bandpass``, ``telescope``, ...) for rows that don't have their own. A magnitude marked
    with ``<`` or ``>`` is a limit. Raises SourceError with every wrong row (the first 20), each with line and column.
    """
    layout = read_layout(path)
    columns, read_row, defaults = _how_to_read(path, layout, dict(given or {}))
    points: list[Point] = []
    problems: list[str] = []
    for line, cells in layout.rows:
        wrong: Wrong = []
        if len(cells) != len(layout.names):
            wrong.append(("", f"has {len(cells)} columns, the header has {len(layout.names)}"))
        elif fields := read_row(columns, cells, wrong):
            try:
                points += [] if wrong else [Point.model_validate({**defaults, **fields})]
            except ValidationError as error:
                wrong = _wrong_fields(error, columns)
        problems += [f"line {line}{f', column {column}' if column else ''}: {what}" for column, what in wrong]
    if problems:
        raise SourceError.of(str(path), problems)
    return tuple(points)


def _how_to_read(path: Path, layout: Layout, given: dict[str, str]) -> tuple[Columns, ReadRow, dict[str, str]]:
    """Return which column is what, what reads a row, and what rows have that don't say otherwise."""
    if atlas.is_atlas(layout.names):
        return atlas.columns(layout.names), atlas.read_row, {**atlas.GIVEN, **given}
    try:
        columns = recognise(layout.names, given=given)
        _check_limits(layout, columns)
        return columns, _read_row, _with_unit(layout, columns, given)
    except ValueError as error:
        raise SourceError.of(str(path), [f"line {layout.header_line}: {error}"]) from None


def _check_limits(layout: Layout, columns: Columns) -> None:
    """Refuse a column of limits that holds nothing but 0 and 1: as magnitudes they would be nonsense, silently."""
    index = columns.fields.get("limit")
    if index is None or "brightness" not in columns.fields:
        return
    values = {cells[index] for _, cells in layout.rows if len(cells) > index and not is_empty(cells[index])}
    if values and values <= _FLAGS:
        name = columns.names[index]
        raise ValueError(f"column {name} holds only 0 and 1; name it 'is_limit' if it marks limits")


def _with_unit(layout: Layout, columns: Columns, given: dict[str, str]) -> dict[str, str]:
    """Return ``given`` with the unit that the header tells. A flux without a unit means nothing."""
    name = columns.named("brightness")
    if told := layout.units.get(name, ""):
        given = {"unit": told, **given}
    if columns.is_flux and "unit" not in columns.fields and not given.get("unit"):
        raise ValueError(f"column {name} is a flux without a unit; add a column 'unit', or say --unit uJy")
    return given


def _read_row(columns: Columns, cells: Sequence[str], wrong: Wrong) -> dict[str, Any]:
    """Return the fields of one row; add to ``wrong`` what can't be read."""
    found: dict[str, Any] = {"extra": extra_of(columns, cells)}
    try:
        found["timestamp"] = parse_time(cells[columns.time], columns.scale)
    except ValueError as error:
        wrong.append((columns.names[columns.time], str(error)))
    is_limit = _is_limit(columns, cells, wrong)
    for field, index in columns.fields.items():
        cell = cells[index]
        number = field in _NUMBERS
        if field == "is_limit" or (field == "limit" and cell.lower() in YES | NO):
            continue
        magnitude = number and field != "exposure_time" and not columns.is_flux
        if is_empty(without_mark(cell) if number else cell, magnitude=magnitude):
            continue
        if not number:
            found[field] = cell
        elif field == "brightness_error" and is_limit:
            found["extra"][columns.names[index]] = typed(cell)
        else:
            limit = field == "brightness" and is_limit
            take_number(cell, columns.names[index], "limit" if limit else field, found, wrong)
            if field == "brightness_error" and found.get(field, 0) < 0:
                wrong.append((columns.names[index], f"the error {cell[:40]} is less than 0; leave the cell empty"))
    return found


def _is_limit(columns: Columns, cells: Sequence[str], wrong: Wrong) -> bool:
    """Return whether a mark, a flag, or a word in the column of limits says that the brightness is a limit."""
    fields = columns.fields
    if "brightness" in fields and is_marked(cells[fields["brightness"]]):
        return True
    if (flag := fields.get("is_limit")) is not None:
        word = cells[flag].lower()
        if word not in YES | NO | _FLAGS and not is_empty(word):
            wrong.append((columns.names[flag], f"{cells[flag][:40]!r} is neither true nor false; write one"))
        return word in YES | {"1", "1.0"}
    return "limit" in fields and cells[fields["limit"]].lower() in YES


def _wrong_fields(error: ValidationError, columns: Columns) -> Wrong:
    found: Wrong = []
    for problem in error.errors(include_url=False):
        field = str(problem["loc"][0]) if problem["loc"] else ""
        message = str(problem["msg"]).removeprefix("Value error, ")
        empty = problem["type"] == "missing"
        found.append((columns.named(field) if field else "", "is empty; fill it in" if empty else message))
    return found
