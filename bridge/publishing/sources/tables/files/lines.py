"""Columns of text: CSV and its kin, blanks, tabs, bars, fixed widths with a ruler; with a header, perhaps commented."""

import re
from collections.abc import Sequence

from bridge.publishing.sources.tables.elements.cells import NUMBER
from bridge.publishing.sources.tables.elements.table import Column, Row, Table
from bridge.publishing.sources.tables.files import decimals
from bridge.publishing.sources.tables.files.headings import heading_of, units_of
from bridge.publishing.sources.tables.files.rawlines import (
    DELIMITERS,
    Line,
    cells_of,
    delimiter_of,
    sorted_lines,
    unframed,
    with_errors_joined,
    without_footnotes,
)

_NAMES = {",": "CSV", "\t": "tabs", ";": "CSV with ;", "|": "bars", " ": "blanks"}


def read(text: str, *, is_numbered: bool = False) -> Table:
    """Return the table in ``text``. ValueError says what is wrong, and where.

    ``is_numbered`` says that a table without a header has columns that are named by their numbers, from 1.
    """
    body, comments, rulers = sorted_lines(text)
    if not body:
        raise ValueError("holds no rows. A header and at least one row are needed")
    ruler = next((ruler for ruler in rulers if ruler.number > body[0].number), None)
    if ruler and _is_ruled(body, ruler):
        return _fixed(body, ruler, comments)
    body = unframed(body)
    delimiter = delimiter_of(body)
    if delimiter == " ":
        body = with_errors_joined(body, [body[0], *(line for line in comments if line.number < body[-1].number)])
    body, footnotes = without_footnotes(body, delimiter)
    heading = heading_of(body, comments, delimiter, is_numbered=is_numbered)
    names, rows = list(heading.names), heading.rows
    width, first = len(names), heading.lines[-1].number if heading.lines else 0
    below = [line for line in comments if 0 < first < line.number and rows and line.number < rows[0].number]
    units, unit_line = units_of([*below, *rows[:1]], delimiter, width)
    notes = list(heading.notes) or [""] * width
    rows, comments = ([line for line in lines if line is not unit_line] for lines in (rows, comments))
    cells = [(line.number, found) for line in rows if any(found := cells_of(line.text, delimiter))]
    cells = cells if delimiter == "," else decimals.pointed(cells)
    if _has_row_names([found for _, found in cells], width):
        names, units, notes, width = ["", *names], ["", *units], ["", *notes], width + 1
    if problems := [(number, len(found)) for number, found in cells if len(found) != width]:
        raise UnevenError([f"line {number}: has {count} columns, the header has {width}" for number, count in problems])
    _check_between(comments, cells, delimiter)
    remarks = tuple(
        _without_mark(line) for line in (*heading.titles, *comments, *footnotes) if line not in heading.lines
    )
    return Table(
        format=_NAMES[delimiter],
        columns=tuple(
            Column(name=name, unit=unit, note=note) for name, unit, note in zip(names, units, notes, strict=True)
        ),
        rows=[Row(place=f"line {number}", cells=tuple(found)) for number, found in cells],
        remarks=tuple(remark for remark in remarks if remark),
        header_place=f"line {first or body[0].number}",
    )


def _without_mark(line: Line) -> str:
    return re.sub(r"[,;|\t]{2,}$", "", line.text.lstrip("#%!/ ").strip()).strip()


def _has_row_names(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Return whether each row has its number before the first column, as R and pandas print it."""
    if not rows or any(len(row) != width + 1 for row in rows):
        return False
    return any([row[0] for row in rows] == [str(start + number) for number in range(len(rows))] for start in (0, 1))


def _check_between(comments: Sequence[Line], rows: Sequence[tuple[int, list[str]]], delimiter: str) -> None:
    """Refuse a comment between rows, unless it is a row that somebody took out or holds no word.

    It may name the object, the filter or the night of the rows below it.
    """
    numbers = sum(map(_is_number, rows[0][1])) if rows else 0
    for comment in comments if rows else ():
        text = comment.text.lstrip("#%!/ \t")
        found = cells_of(text, delimiter)
        is_row = len(found) == len(rows[0][1]) and 2 * sum(map(_is_number, found)) >= numbers > 0
        if rows[0][0] < comment.number < rows[-1][0] and not is_row and re.search(r"\w", text):
            raise ValueError(
                f"line {comment.number}: the comment {text.strip()[:40]!r} between rows may say what the rows below it "
                "are. Put that into a column, or a file each, and the comment above all rows"
            )


def _is_number(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell))


class UnevenError(ValueError):
    """Rows that don't have one cell a column; ``problems`` names each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(problems[0])
        self.problems = tuple(problems)


def _is_ruled(body: Sequence[Line], ruler: Line) -> bool:
    """Return whether a ruler of blanks under the header says where columns begin and end."""
    return not any(mark in body[0].text for mark in DELIMITERS) and " " in ruler.text.strip()


def _fixed(body: Sequence[Line], ruler: Line, comments: Sequence[Line]) -> Table:
    """Return a table of fixed widths, whose cells may be blank."""
    spans = [found.span() for found in re.finditer(r"[-=]+", ruler.text)]

    def cut(line: Line) -> tuple[str, ...]:
        cells = tuple(line.text[start:end].strip() for start, end in spans)
        if len("".join(line.text.split())) != len("".join("".join(cells).split())):
            raise ValueError(f"line {line.number}: has text outside of the columns that the ruler marks")
        return cells

    head = [line for line in body if line.number < ruler.number]
    rows = [line for line in body if line.number > ruler.number]
    units = ("",) * len(spans) if len(head) == 1 else tuple(cut(head[1]))
    return Table(
        format="fixed width",
        columns=tuple(Column(name=name, unit=unit) for name, unit in zip(cut(head[0]), units, strict=True)),
        rows=[Row(place=f"line {line.number}", cells=cut(line)) for line in rows],
        remarks=tuple(_without_mark(line) for line in comments),
        header_place=f"line {head[0].number}",
    )
