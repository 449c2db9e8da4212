"""Decimal commas in the cells of a table: made points where that is certain."""

import re
from collections.abc import Iterator, Sequence

_DECIMAL_COMMA = re.compile(r"[<>+-]*\s*\d+,\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")
_POINT = re.compile(r"[<>+-]*\s*\d*\.\d+([eE][+-]?\d+)?|[<>+-]*\s*\d+\.")


def pointed(cells: list[tuple[int, list[str]]]) -> list[tuple[int, list[str]]]:
    """Return cells, each row with its line's number, with decimal points where they have decimal commas, all through.

    ValueError where they have both, or where all could be thousands: a comma may stand between them then.
    """
    commas = next((line for line, found in cells if any(_DECIMAL_COMMA.fullmatch(cell) for cell in found)), None)
    if commas is None:
        return cells
    if any(_POINT.fullmatch(cell) for _, found in cells for cell in found):
        raise ValueError(
            f"line {commas}: has a comma in a number, and other numbers have points. Write all with points"
        )
    written = [cell.lstrip("<>+- ") for _, found in cells for cell in found if _DECIMAL_COMMA.fullmatch(cell)]
    if all(_THOUSANDS.fullmatch(cell) for cell in written):
        raise ValueError(
            f"line {commas}: has a comma in a number, which may stand between thousands or for the point. "
            "Write all with points"
        )
    return [(line, list(_with_points(found))) for line, found in cells]


def _with_points(found: Sequence[str]) -> Iterator[str]:
    for cell in found:
        yield cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell
