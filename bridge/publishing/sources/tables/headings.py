"""The header of columns of text: the names, in the first line or in a comment above the rows, and the row of units."""

import re
from collections.abc import Sequence

from bridge.publishing.sources.tables.cells import NUMBER
from bridge.publishing.sources.tables.rawlines import DELIMITERS, Line, cells_of, uncommented
from bridge.publishing.sources.tables.units import is_unit_word


def header_of(
    body: Sequence[Line], comments: Sequence[Line], delimiter: str, *, is_numbered: bool
) -> tuple[list[str], Line | None, list[Line], list[Line]]:
    """Return the columns' names, the line that has them, the rows, and titles above them.

    ``is_numbered`` says that a table without a header has columns that are named by their numbers. ValueError where
    there is no header otherwise.
    """
    body = list(body)
    titles: list[Line] = []
    width = len(cells_of(body[-1].text, delimiter))
    while len(body) > 2 and width > 1 and _is_title(body[0].text, delimiter, width):
        titles.append(body.pop(0))
    first = cells_of(body[0].text, delimiter)
    if not any(NUMBER.fullmatch(cell.replace(",", ".")) for cell in first):
        return _tidy(names_in(body[0].text, delimiter, width)), body[0], body[1:], titles
    for line in reversed([comment for comment in comments if comment.number < body[0].number]):
        names = names_in(uncommented(line), delimiter, len(first))
        if len(names) == len(first) and units_in(names) is None and not _is_said(names):
            return _tidy(names), line, body, titles
    if is_numbered:
        return [str(number) for number in range(1, len(first) + 1)], None, body, titles
    raise ValueError(
        f"line {body[0].number}: has no header. Put the columns' names in the first line, or say by --columns what the "
        "1st, 2nd, ... hold, as time=1,brightness=2,error=3 (of a spectrum: wavelength=1,flux=2,error=3)"
    )


def _is_title(line: str, delimiter: str, width: int) -> bool:
    """Return whether the first line is a title above the header: of fewer cells, or of one in a spreadsheet."""
    cells = cells_of(line, delimiter)
    if delimiter != " " and len(cells) == width > 2 and sum(map(bool, cells)) == 1:
        return True
    return len(names_in(line, delimiter, width)) != width and len(cells) <= width // 2


def _is_said(names: Sequence[str]) -> bool:
    """Return whether words are a sentence on a column, as ``mag: apparent magnitude``, and no names."""
    return names[0].endswith(":")


def names_in(line: str, delimiter: str, width: int) -> list[str]:
    """Return the names in a header, which may be split by another mark than the rows (ZTF: commas over blanks)."""
    marks = [delimiter, *(mark for mark in f"{DELIMITERS} " if mark != delimiter and mark in line)]
    for mark in marks:
        names = cells_of(line, mark)
        if len(names) == width:
            return [name.rstrip(",") for name in names] if delimiter == " " else names
    if delimiter == " ":
        for apart in (r"\s{2,}", r"\s+(?![\[(])(?![^\[(]*[\])])"):
            names = re.split(apart, line.strip())
            if len(names) == width:
                return names
    return cells_of(line, delimiter)


def _tidy(names: Sequence[str]) -> list[str]:
    unquoted = (re.sub(r"^'(.*)'$", r"\1", name.strip('"` ')) for name in names)  # but the band g' keeps its prime
    return [" ".join(name.strip().split()) for name in unquoted]


def units_of(lines: Sequence[Line], delimiter: str, width: int) -> tuple[list[str], Line | None]:
    """Return the units in a row of them below the header, which may be a comment, and that line; else none."""
    for line in lines:
        units = units_in(cells_of(uncommented(line), delimiter))
        if units is not None and len(units) == width:
            return units, line
    return [""] * width, None


def units_in(cells: Sequence[str]) -> list[str] | None:
    """Return the units in a row of units, None where it is any other."""
    plain = [cell.strip("[]() ") for cell in cells]
    told = [cell for cell in plain if cell.strip("-")]
    return [cell if cell.strip("-") else "" for cell in plain] if told and all(map(is_unit_word, told)) else None
