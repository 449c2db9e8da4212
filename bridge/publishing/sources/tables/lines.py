"""Columns of text: CSV and its kin, blanks, tabs, bars, fixed widths with a ruler; with a header, perhaps commented.

Cells are split by Python's csv module and not by astropy's reader, which ends at the first uneven row, fills short
ones, and knows no line numbers: here each wrong row is told with its line.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.publishing.sources.tables.cells import NUMBER
from bridge.publishing.sources.tables.table import Column, Row, Table
from bridge.publishing.sources.tables.units import is_unit_word

_COMMENT = ("#", "%", "!", "//")
_ERROR_CELL = re.compile(r"\s*#(?:(?:N/?A|VALUE!|REF!|DIV/0!|NUM!|NAME\?|NULL!)(?=[\s,;|])|#{2,}\s*[,;|\t])")
"""What spreadsheets write into a first cell that has no value, or is too narrow for it."""
_DELIMITERS = "\t;|,"
_RULER = re.compile(r"[\s|+:]*[-=]{2,}[-=\s|+:]*")
_DECIMAL_COMMA = re.compile(r"[<>+-]*\s*\d+,\d+([eE][+-]?\d+)?")
_THOUSANDS = re.compile(r"[1-9]\d{0,2},\d{3}")
_POINT = re.compile(r"[<>+-]*\s*\d*\.\d+([eE][+-]?\d+)?|[<>+-]*\s*\d+\.")
_LOOKED_AT = 50


@dataclass(frozen=True, kw_only=True)
class _Line:
    number: int
    text: str


def read(text: str) -> Table:
    """Return the table in ``text``. ValueError says what is wrong, and where."""
    body, comments, rulers = _sorted_lines(text)
    if not body:
        raise ValueError("holds no rows. A header and at least one row are needed")
    ruler = next((ruler for ruler in rulers if ruler.number > body[0].number), None)
    if ruler and _is_ruled(body, ruler):
        return _fixed(body, ruler, comments)
    delimiter = _delimiter(body)
    names, header, rows, titles = _header(body, comments, delimiter)
    width = len(names)
    below = [line for line in comments if header.number < line.number and rows and line.number < rows[0].number]
    units, unit_line = _units([*below, *rows[:1]], delimiter, width)
    rows, comments = ([line for line in lines if line is not unit_line] for lines in (rows, comments))
    cells = [(line, found) for line in rows if any(found := _cells(line.text, delimiter))]
    cells = _with_decimal_points(cells, delimiter)
    if _has_row_names([found for _, found in cells], width):
        names, units, width = ["", *names], ["", *units], width + 1
    problems = [(line, len(found)) for line, found in cells if len(found) != width]
    if problems:
        raise UnevenError(
            [f"line {line.number}: has {count} columns, the header has {width}" for line, count in problems]
        )
    _check_between(comments, cells, delimiter)
    remarks = tuple(line.text.lstrip("#%!/ ").strip() for line in (*titles, *comments) if line is not header)
    return Table(
        format=_NAMES[delimiter],
        columns=tuple(Column(name=name, unit=unit) for name, unit in zip(names, units, strict=True)),
        rows=[Row(place=f"line {line.number}", cells=tuple(found)) for line, found in cells],
        remarks=tuple(remark for remark in remarks if remark),
        header_place=f"line {header.number}",
    )


def _has_row_names(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Return whether each row has its number before the first column, as R and pandas print it."""
    if not rows or any(len(row) != width + 1 for row in rows):
        return False
    return any([row[0] for row in rows] == [str(start + number) for number in range(len(rows))] for start in (0, 1))


def _check_between(comments: Sequence[_Line], rows: Sequence[tuple[_Line, list[str]]], delimiter: str) -> None:
    """Refuse a comment between rows, unless it is a row that somebody took out or holds no word.

    It may name the object, the filter or the night of the rows below it.
    """
    numbers = sum(map(_is_number, rows[0][1])) if rows else 0
    for comment in comments if rows else ():
        text = comment.text.lstrip("#%!/ \t")
        found = _cells(text, delimiter)
        is_row = len(found) == len(rows[0][1]) and 2 * sum(map(_is_number, found)) >= numbers > 0
        if rows[0][0].number < comment.number < rows[-1][0].number and not is_row and re.search(r"\w", text):
            raise ValueError(
                f"line {comment.number}: the comment {text.strip()[:40]!r} between rows may say what the rows below it "
                "are. Put that into a column, or a file each, and the comment above all rows"
            )


def _is_number(cell: str) -> bool:
    return bool(NUMBER.fullmatch(cell))


_NAMES = {",": "CSV", "\t": "tabs", ";": "CSV with ;", "|": "bars", " ": "blanks"}


class UnevenError(ValueError):
    """Rows that don't have one cell a column; ``problems`` names each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(problems[0])
        self.problems = tuple(problems)


def _sorted_lines(text: str) -> tuple[list[_Line], list[_Line], list[_Line]]:
    """Return the lines that hold cells, the comments, and the rulers."""
    body: list[_Line] = []
    comments: list[_Line] = []
    rulers: list[_Line] = []
    for number, content in enumerate(text.split("\n"), 1):
        line = _Line(number=number, text=content)
        if not content.strip():
            continue
        if content.lstrip().startswith(_COMMENT) and not _ERROR_CELL.match(content):
            comments.append(line)
        elif _RULER.fullmatch(content):
            rulers.append(line)
        else:
            body.append(line)
    return body, comments, rulers


def _is_ruled(body: Sequence[_Line], ruler: _Line) -> bool:
    """Return whether a ruler of blanks under the header says where columns begin and end."""
    return not any(mark in body[0].text for mark in _DELIMITERS) and " " in ruler.text.strip()


def _fixed(body: Sequence[_Line], ruler: _Line, comments: Sequence[_Line]) -> Table:
    """Return a table of fixed widths, whose cells may be blank."""
    spans = [found.span() for found in re.finditer(r"[-=]+", ruler.text)]

    def cut(line: _Line) -> tuple[str, ...]:
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
        remarks=tuple(line.text.lstrip("#%!/ ").strip() for line in comments),
        header_place=f"line {head[0].number}",
    )


def _delimiter(body: Sequence[_Line]) -> str:
    """Return the mark that splits all lines into as many cells; else the first one that the header has; else blanks."""
    looked_at = body[:_LOOKED_AT]
    for mark in _DELIMITERS:
        widths = {len(_cells(line.text, mark)) for line in looked_at[1:] or looked_at}
        if len(widths) == 1 and min(widths) > 1:
            return mark
    blanks = {len(_cells(line.text, " ")) for line in looked_at}
    if len(blanks) == 1 and min(blanks) > 1:
        return " "
    rows = looked_at[1:] or looked_at
    return next((mark for mark in _DELIMITERS if sum(mark in line.text for line in rows) > len(rows) / 2), " ")


def _cells(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        line = " ".join(line.split()) if '"' not in line else line.strip()
    elif delimiter == "|":
        bare = line.strip()
        is_framed = bare.startswith("|") and (bare.endswith("|") or line.startswith("|"))
        line = bare[1:].removesuffix("|") if is_framed else line  # blanks before the first bar are an empty cell
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def _header(
    body: Sequence[_Line], comments: Sequence[_Line], delimiter: str
) -> tuple[list[str], _Line, list[_Line], list[_Line]]:
    """Return the columns' names, the line that has them, the rows, and titles above them."""
    body = list(body)
    titles: list[_Line] = []
    width = len(_cells(body[-1].text, delimiter))
    while len(body) > 2 and width > 1 and len(_names(body[0].text, delimiter, width)) != width:
        if len(_cells(body[0].text, delimiter)) > width // 2:
            break  # a header or a row that is not as it should be, and no title
        titles.append(body.pop(0))
    first = _cells(body[0].text, delimiter)
    if not any(NUMBER.fullmatch(cell.replace(",", ".")) for cell in first):
        return _tidy(_names(body[0].text, delimiter, width)), body[0], body[1:], titles
    for line in reversed([comment for comment in comments if comment.number < body[0].number]):
        names = _names(_uncommented(line), delimiter, len(first))
        if len(names) == len(first) and units_in(names) is None:
            return _tidy(names), line, body, titles
    raise ValueError(f"line {body[0].number}: has no header. Put the columns' names in the first line")


def _names(line: str, delimiter: str, width: int) -> list[str]:
    """Return the names in a header, which may be split by another mark than the rows (ZTF: commas over blanks)."""
    marks = [delimiter, *(mark for mark in f"{_DELIMITERS} " if mark != delimiter and mark in line)]
    for mark in marks:
        names = _cells(line, mark)
        if len(names) == width:
            return [name.rstrip(",") for name in names] if delimiter == " " else names
    return _cells(line, delimiter)


def _tidy(names: Sequence[str]) -> list[str]:
    unquoted = (re.sub(r"^'(.*)'$", r"\1", name.strip('"` ')) for name in names)  # but the band g' keeps its prime
    return [" ".join(name.strip().split()) for name in unquoted]


def _units(lines: Sequence[_Line], delimiter: str, width: int) -> tuple[list[str], _Line | None]:
    """Return the units in a row of them below the header, which may be a comment, and that line; else none."""
    for line in lines:
        units = units_in(_cells(_uncommented(line), delimiter))
        if units is not None and len(units) == width:
            return units, line
    return [""] * width, None


def _uncommented(line: _Line) -> str:
    """Return the text of a line without the mark of a comment; a row stays as it is, with its empty cells."""
    text = line.text.lstrip()
    return text.lstrip("#%!/").strip() if text.startswith(_COMMENT) else line.text


def units_in(cells: Sequence[str]) -> list[str] | None:
    """Return the units in a row of units, None where it is any other."""
    plain = [cell.strip("[]() ") for cell in cells]
    told = [cell for cell in plain if cell.strip("-")]
    return [cell if cell.strip("-") else "" for cell in plain] if told and all(map(is_unit_word, told)) else None


def _with_decimal_points(cells: list[tuple[_Line, list[str]]], delimiter: str) -> list[tuple[_Line, list[str]]]:
    """Return cells with decimal points where the table writes decimal commas, all through.

    ValueError where it writes both, or where all could be thousands: a comma may stand between them then.
    """
    if delimiter == ",":
        return cells
    commas = next((line for line, found in cells if any(_DECIMAL_COMMA.fullmatch(cell) for cell in found)), None)
    if commas is None:
        return cells
    if any(_POINT.fullmatch(cell) for _, found in cells for cell in found):
        raise ValueError(
            f"line {commas.number}: has a comma in a number, and other numbers have points. Write all with points"
        )

    written = [cell.lstrip("<>+- ") for _, found in cells for cell in found if _DECIMAL_COMMA.fullmatch(cell)]
    if all(_THOUSANDS.fullmatch(cell) for cell in written):
        raise ValueError(
            f"line {commas.number}: has a comma in a number, which may stand between thousands or for the point. "
            "Write all with points"
        )

    def pointed(found: Sequence[str]) -> Iterator[str]:
        for cell in found:
            yield cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell

    return [(line, list(pointed(found))) for line, found in cells]
