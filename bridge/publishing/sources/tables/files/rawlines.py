"""The lines of a text: rows, comments and rulers, and how their cells are split.

Cells are split by Python's csv module and not by astropy's reader, which ends at the first uneven row, fills short
ones, and knows no line numbers: here each wrong row is told with its line.
"""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

DELIMITERS = "\t;|,"
COMMENT = ("#", "%", "!", "//")
_ERROR_CELL = re.compile(r"\s*#(?:(?:N/?A|VALUE!|REF!|DIV/0!|NUM!|NAME\?|NULL!)(?=[\s,;|])|#{2,}\s*[,;|\t])")
"""What spreadsheets write into a first cell that has no value, or is too narrow for it."""
_RULER = re.compile(r"[\s|+:]*[-=]{2,}[-=\s|+:;]*")
_COUNT = re.compile(r"\(?\d+ rows?(?:\)| in set(?: \([\d.]+ sec\))?\.?)")
"""What databases print below a table."""
_APART = re.compile(r"(?<=[\d.])\s+(?=\(\d*\.?\d+\))")
_PLUS_MINUS_APART = re.compile(r"(?<=[\d.])\s*(?:\u00b1|\+/-|\+-|\+or-)\s*(?=\.?\d)")
_LOOKED_AT = 50


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a text."""

    number: int
    text: str


def sorted_lines(text: str) -> tuple[list[Line], list[Line], list[Line]]:
    """Return the lines that hold cells, the comments, and the rulers."""
    body: list[Line] = []
    comments: list[Line] = []
    rulers: list[Line] = []
    for number, content in enumerate(text.split("\n"), 1):
        line = Line(number=number, text=content)
        if not content.strip(" \t,;|"):
            continue
        if content.lstrip().startswith(COMMENT) and not _ERROR_CELL.match(content):
            comments.append(line)
        elif _RULER.fullmatch(content):
            rulers.append(line)
        else:
            body.append(line)
    if len(body) > 1 and _COUNT.fullmatch(body[-1].text.strip()):
        body.pop()
    return body, comments, rulers


def delimiter_of(body: Sequence[Line]) -> str:
    """Return the mark that splits all lines into as many cells; else the first one that the header has; else blanks."""
    looked_at = body[:_LOOKED_AT]
    blanks = {len(cells_of(line.text, " ")) for line in looked_at}
    are_blanks = len(blanks) == 1 and min(blanks) > 1
    for mark in DELIMITERS:
        widths = {len(cells_of(line.text, mark)) for line in looked_at[1:] or looked_at}
        if len(widths) == 1 and min(widths) > 1:
            is_uneven = mark == "\t" and len(cells_of(body[0].text, mark)) not in widths
            return " " if are_blanks and is_uneven else mark
    if are_blanks:
        return " "
    rows = looked_at[1:] or looked_at
    return next((mark for mark in DELIMITERS if sum(mark in line.text for line in rows) > len(rows) / 2), " ")


def cells_of(line: str, delimiter: str) -> list[str]:
    """Return the cells of a line."""
    if delimiter == " ":
        line = " ".join(line.split()) if '"' not in line else line.strip()
    cells = next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def uncommented(line: Line) -> str:
    """Return the text of a line without the mark of a comment; a row stays as it is, with its empty cells."""
    text = line.text.lstrip()
    return text.lstrip("#%!/").strip() if text.startswith(COMMENT) else line.text


def unframed(body: Sequence[Line]) -> list[Line]:
    """Return lines without the bars around them, where all that have bars begin with one, or end with one.

    Blanks before the first bar are an empty cell where the other lines don't begin with one.
    """
    barred = [line.text.strip() for line in body if "|" in line.text]
    if barred and all(text.startswith("|") for text in barred):
        body = [replace(line, text=line.text.strip().removeprefix("|")) for line in body]
        if all(text.endswith("|") for text in barred):
            body = [replace(line, text=line.text.removesuffix("|")) for line in body]
    return list(body)


def without_footnotes(body: Sequence[Line], delimiter: str) -> tuple[list[Line], list[Line]]:
    """Return the lines without those of words in one cell below the last row, and these: journals have footnotes."""
    rows = list(body)
    while delimiter != " " and len(rows) > 2 and _is_footnote(rows[-1], delimiter):
        rows.pop()
    if len(cells_of(rows[-1].text, delimiter)) == 1:
        return list(body), []
    return rows, list(body[len(rows) :])


def _is_footnote(line: Line, delimiter: str) -> bool:
    """Return whether a line is of words, and no row that was cut off."""
    return len(cells_of(line.text, delimiter)) == 1 and bool(re.search(r"[^\W\d_]{2}", line.text))


def with_errors_joined(body: Sequence[Line], heads: Sequence[Line]) -> list[Line]:
    """Return lines of blanks with errors as ``17.12 (0.03)`` or ``17.12 +- 0.03`` in the cells of their values.

    They are only where rows then have as many cells as one of the ``heads`` has names, and don't have as they are.
    """
    joined = [replace(line, text=_PLUS_MINUS_APART.sub("\u00b1", _APART.sub("", line.text))) for line in body]
    named = {len(cells_of(uncommented(line), " ")) for line in heads}
    own, other = (_widths(lines) for lines in (body, joined))
    return joined if other <= named and len(other) == 1 and not own <= named else list(body)


def _widths(lines: Sequence[Line]) -> set[int]:
    return {len(cells_of(line.text, " ")) for line in lines if any(map(str.isdigit, line.text))}
