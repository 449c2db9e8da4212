"""Cells of a photometry table as values."""

import math
import re
from collections.abc import Sequence
from typing import Any

from pydantic import JsonValue

from bridge.publishing.sources.columns import Columns

EMPTY = frozenset({"", "nan", "null", "none", "n/a", "na", "-", "--", "---", "masked"})
YES, NO = frozenset({"true", "t", "yes", "y"}), frozenset({"false", "f", "no", "n"})
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?")
_NO_MAGNITUDE = re.compile(r"-?9?99+(\.[09]+)?")
_MARKS = "<>= "

Wrong = list[tuple[str, str]]
"""What can't be read in a row: column and message."""


def is_empty(cell: str, *, magnitude: bool = False) -> bool:
    """Return whether a cell holds nothing; for a magnitude also 99, 99.99, -99.0, 999 and the like, as tables write."""
    return cell.lower() in EMPTY or (magnitude and bool(_NO_MAGNITUDE.fullmatch(cell)))


def is_marked(cell: str) -> bool:
    """Return whether a value is marked as a limit by ``<`` or ``>``."""
    return cell.startswith(("<", ">"))


def take_number(cell: str, column: str, field: str, found: dict[str, Any], wrong: Wrong) -> None:
    """Put the number in ``cell``, without a mark, into ``found[field]``; or say in ``wrong`` why not."""
    number = number_of(without_mark(cell))
    if number is None:
        wrong.append((column, f"{cell[:40]!r} is no number; write one, or leave the cell empty"))
    elif found.setdefault(field, number) != number:
        wrong.append((column, f"the row has two limits, {found[field]} and {number}; keep one"))


def number_of(text: str) -> float | None:
    """Return ``text`` as a finite number, or None."""
    return number if NUMBER.fullmatch(text) and math.isfinite(number := float(text)) else None


def without_mark(cell: str) -> str:
    """Return a value without the mark of a limit."""
    return cell.lstrip(_MARKS)


def extra_of(columns: Columns, cells: Sequence[str]) -> dict[str, JsonValue]:
    """Return the cells of the unrecognised columns: numbers as numbers, else text; empty ones left out."""
    return {columns.names[index]: typed(cells[index]) for index in columns.extra if not is_empty(cells[index])}


def typed(cell: str) -> int | float | str:
    """Return a number only where it can be written back as the same: 007 and long identifiers stay text.

    Whole numbers of more than 15 digits may be more than floating point holds, which is all that many readers know.
    """
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if cell.lstrip("-").isdigit() or not _DECIMAL.fullmatch(cell):
        return cell
    number = number_of(cell)
    return cell if number is None else number
