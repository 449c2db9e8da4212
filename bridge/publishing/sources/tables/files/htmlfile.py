"""A table of HTML, as pages have it and as browsers save it."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

from bridge.publishing.sources.tables.elements.table import Column, Row, Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.files.headings import units_in
from bridge.publishing.sources.tables.files.lines import UnevenError

_STRUCK = words("del s strike")
"""Elements whose text somebody has struck out."""
_UNSEEN = words("script style")
"""Elements whose text nobody sees."""
_STRUCK = words("s del strike")
_COLUMNS_OF_TEXT = 2
"""Tables of so many columns are there for the layout of a page."""
_PARAGRAPHS = words("p div br h1 h2 h3 h4 h5 h6 li dt dd caption table title pre tr")
"""Elements that end what was said before them."""


def is_html(text: str) -> bool:
    """Return whether ``text`` is of HTML with a table in it."""
    return text.lstrip()[:1] == "<" and "<table" in text.lower() and "<VOTABLE" not in text[:65_536]


def read(text: str) -> Table:
    """Return the only table of a page, with all other text of it as remarks. ValueError says what is wrong."""
    parser = _Parser()
    parser.feed(text)
    parser.close()
    header, *rows = _of_data(parser)
    units = units_in(rows[0].cells) if len(rows) > 1 else None
    rows = rows[1:] if units is not None else rows
    uneven = [row for row in rows if len(row.cells) != len(header.cells)]
    if uneven:
        raise UnevenError(
            [f"line {row.line}: has {len(row.cells)} columns, the header has {len(header.cells)}" for row in uneven]
        )
    return Table(
        format="HTML",
        columns=tuple(
            Column(name=name, unit=unit)
            for name, unit in zip(header.cells, units or [""] * len(header.cells), strict=True)
        ),
        rows=[Row(place=f"line {row.line}", cells=tuple(row.cells)) for row in rows],
        remarks=tuple(remark for said in parser.said if (remark := " ".join(said.split()))),
        header_place=f"line {header.line}",
    )


@dataclass(kw_only=True)
class _Row:
    line: int
    cells: list[str] = field(default_factory=list)
    spans: bool = False
    """Whether a cell goes over several columns or rows."""


def _of_data(parser: "_Parser") -> list[_Row]:
    """Return header and rows of the table of a page that has three columns or more; all others hold text.

    Rows of one cell above and below are text too. ValueError where there is no such table, or are several.
    """
    tables = [_without_text(parser, [row for row in rows if any(row.cells)]) for rows in parser.tables]
    data = [rows for rows in tables if len(rows) > 1 and len(rows[0].cells) > _COLUMNS_OF_TEXT]
    if len(data) != 1:
        raise ValueError(f"holds {len(data) or 'no'} tables of data, and one is needed. Save that table alone")
    parser.said += [cell for rows in tables if rows is not data[0] for row in rows for cell in row.cells]
    if (spanning := next((row for row in data[0] if row.spans), None)) is not None:
        raise ValueError(
            f"line {spanning.line}: has a cell over several columns or rows. Write each in one of its own, or save it "
            "as CSV"
        )
    return data[0]


def _without_text(parser: "_Parser", rows: list[_Row]) -> list[_Row]:
    while rows and len(rows[0].cells) == 1:
        parser.said += rows.pop(0).cells
    while rows and len(rows[-1].cells) == 1:
        parser.said += rows.pop().cells
    return rows


class _Parser(HTMLParser):
    """Gathers rows of cells a table, and what is said outside of tables."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[_Row]] = []
        self.said: list[str] = [""]
        self._row: _Row | None = None
        self._in_cell = False
        self._open = 0
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line, _ = self.getpos()
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag in _STRUCK and self._in_cell:
            raise ValueError(f"line {line}: has a cell that is struck out; leave the row out, or the mark")
        elif tag == "table":
            if self._open:
                raise ValueError(f"line {line}: has a table within a table. Save the inner one alone")
            self._open += 1
            self.tables.append([])
        elif tag == "tr" and self._open:
            self._row = _Row(line=line)
            self.tables[-1].append(self._row)
        elif tag in _STRUCK:
            raise ValueError(f"line {line}: has text that is struck out; remove it, or save what counts as CSV")
        elif tag in ("td", "th") and self._open:
            if self._row is None:
                raise ValueError(f"line {line}: has a cell outside of a row. Save the table anew, or as CSV")
            self._row.spans |= any(
                name in ("colspan", "rowspan") and said not in (None, "", "1") for name, said in attrs
            )
            self._row.cells.append("")
        self._in_cell = (self._in_cell or tag in ("td", "th")) and tag not in ("tr", "table", "caption")
        if tag in _PARAGRAPHS and not self._in_cell:
            self.said.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "table":
            self._open, self._row = 0, None
        self._in_cell = self._in_cell and tag not in ("td", "th", "tr", "table")
        if tag in _PARAGRAPHS and not self._in_cell:
            self.said.append("")

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if self._in_cell and self._row is not None and self._row.cells:
            self._row.cells[-1] = " ".join(f"{self._row.cells[-1]} {data}".split())
        elif self._open and not data.strip():
            return
        else:
            self.said[-1] += data
