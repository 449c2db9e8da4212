"""The header of columns of text: the names, in the first line or in a comment above the rows, and the row of units."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.publishing.sources.tables.elements.cells import NUMBER
from bridge.publishing.sources.tables.elements.units import is_unit_word
from bridge.publishing.sources.tables.files.rawlines import DELIMITERS, Line, cells_of, uncommented

_NUMBERED = re.compile(r"(?:col(?:umn)?\.?\s*)?[\[(]?(?P<number>\d+)[\])]?\s*[:.=)-]?\s+(?P<name>\S.*)", re.IGNORECASE)
_LIST = re.compile(r"(?:the )?columns(?: are)?:?", re.IGNORECASE)
_TYPE = re.compile(r"^\((?:str|string|float|int|double|bool)\)\s*")


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What stands above the rows."""

    names: Sequence[str]
    """Of the columns."""
    notes: Sequence[str] = ()
    """What comments say of each column; nothing where they don't."""
    lines: Sequence[Line] = ()
    """Those that have the names."""
    rows: Sequence[Line]
    titles: Sequence[Line]


def heading_of(body: Sequence[Line], comments: Sequence[Line], delimiter: str, *, is_numbered: bool) -> Heading:
    """Return the header: the first line that isn't a title, or a comment, or a list of columns in comments.

    ``is_numbered`` says that a table without a header has columns that are named by their numbers. ValueError where
    there is no header otherwise.
    """
    body = list(body)
    titles: list[Line] = []
    width = len(cells_of(body[-1].text, delimiter))
    while len(body) > 2 and width > 1 and _is_title(body, delimiter, width):
        titles.append(body.pop(0))
    first = cells_of(body[0].text, delimiter)
    if not any(NUMBER.fullmatch(cell.replace(",", ".")) for cell in first):
        names = _tidy(names_in(body[0].text, delimiter, width))
        return Heading(names=names, lines=body[:1], rows=body[1:], titles=titles)
    above = [comment for comment in comments if comment.number < body[0].number]
    if listed := _listed(above, len(first)):
        names, notes = (list(told) for told in zip(*(told for _, told in listed), strict=True))
        lines = [line for line, _ in listed]
        return Heading(names=_tidy(names), notes=notes, lines=lines, rows=body, titles=titles)
    for line in reversed(above):
        names = names_in(uncommented(line), delimiter, len(first))
        if len(names) == len(first) and units_in(names) is None and not names[0].endswith(":"):
            return Heading(names=_tidy(names), lines=[line], rows=body, titles=titles)
    if is_numbered:
        return Heading(names=[str(number + 1) for number in range(len(first))], rows=body, titles=titles)
    raise ValueError(
        f"line {body[0].number}: has no header. Put the columns' names in the first line, or say by --columns what the "
        "1st, 2nd, ... hold, as time=1,brightness=2,error=3 (of a spectrum: wavelength=1,flux=2,error=3)"
    )


def _listed(comments: Sequence[Line], width: int) -> list[tuple[Line, tuple[str, str]]]:
    """Return the comments that name each of ``width`` columns, with name and description; nothing where there are none.

    They are numbered from 1, as ``Column 1: MJD``, or follow a comment ``Columns:``, as ``MJD: Modified Julian Date``.
    """
    texts = [uncommented(line) for line in comments]
    numbered = [
        (line, found) for line, text in zip(comments, texts, strict=True) if (found := _NUMBERED.fullmatch(text))
    ]
    if [found["number"] for _, found in numbered] == [str(number + 1) for number in range(width)]:
        told = [(line, found["name"]) for line, found in numbered]
    else:
        start = next((index + 1 for index, text in enumerate(texts) if _LIST.fullmatch(text)), len(texts))
        told = list(zip(comments, texts, strict=True))[start:]
        if len(told) != width or not all(":" in text for _, text in told):
            return []
    parts = [re.split(r"\s*:\s*|\s{2,}|\s+-\s+", text.strip(), maxsplit=1) for _, text in told]
    return [(line, (part[0], _TYPE.sub("", (*part, "")[1]))) for (line, _), part in zip(told, parts, strict=True)]


def _is_title(body: Sequence[Line], delimiter: str, width: int) -> bool:
    """Return whether the first line is a title above the header: of fewer cells, or of one in a spreadsheet."""
    cells = cells_of(body[0].text, delimiter)
    if delimiter != " " and len(cells) == width > 2 and sum(map(bool, cells)) == 1:
        return True
    has_header = delimiter != " " and len(cells) == 1 and any(_is_header(line, delimiter, width) for line in body[1:4])
    if delimiter == " " and len(cells) != width and _is_header(body[1], delimiter, width):
        return units_in(cells_of(body[1].text, delimiter)) is None
    return (has_header or len(names_in(body[0].text, delimiter, width)) != width) and len(cells) <= width // 2


def _is_header(line: Line, delimiter: str, width: int) -> bool:
    cells = cells_of(line.text, delimiter)
    return len(cells) == width and not any(map(NUMBER.fullmatch, cells))


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
