"""Formats of text that describe their columns, read by astropy: ECSV, IPAC, CDS and AAS journals, LaTeX, SExtractor."""

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.files.columnar import columns_of, flat, rows_of
from bridge.publishing.sources.tables.files.headings import units_in

_ECSV = re.compile(r"#\s*%ECSV\s")
_COMMENT = ("#", "\\", "|")
_SEXTRACTOR = re.compile(r"#\s+(\d+)\s+([A-Z][A-Z0-9_]*)(?:\s.*)?")
_TABLEHEAD = re.compile(r"\\tablehead\s*\{(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*\}")
_LABEL = re.compile(r"\\label\{[^}]*\}")
_LATEX_TABLE = re.compile(r"\\begin\{(?:deluxe|long)?tab(?:le|ular)")
_LATEX_WORD = re.compile(r"\\(?:mathrm|mathit|rm|text|textit|textbf)\{([^}]*)\}")
_LATEX_SYMBOL = re.compile(r"\\(sigma|delta|lambda)(?![A-Za-z])|_\{(\w+)\}")
_LATEX_MARK = re.compile(r"\$|\\phm\{[^}]*\}|\\nodata|\\[lc]?dots|~|\\,")
_LATEX_NOTE = re.compile(r"\\(?:tablecomments|tablenotetext|caption|tablecaption)\b(?:\{\w\})?(.*)")


def is_ecsv(text: str) -> bool:
    """Return whether ``text`` begins as ECSV does."""
    return bool(_ECSV.match(text))


def is_ipac(text: str) -> bool:
    """Return whether ``text`` is an IPAC table: keywords after a backslash, names and types between bars."""
    head = [line for line in text.split("\n", 200)[:200] if line.strip()]
    body = [line for line in head if not line.startswith("\\")]
    if len(body) < 2 or not all(line.startswith("|") and line.rstrip().endswith("|") for line in body[:2]):
        return False
    types = {cell.strip().lower() for cell in body[1].strip(" |").split("|")}
    return types <= {"double", "d", "real", "r", "float", "f", "int", "i", "long", "l", "char", "c", "date"}


def is_cds(text: str) -> bool:
    """Return whether ``text`` has the byte-by-byte description of the CDS and of the AAS journals."""
    return "Byte-by-byte Description" in text


def is_latex(text: str) -> bool:
    """Return whether ``text`` is a table of LaTeX."""
    return bool(_LATEX_TABLE.search(text)) or _is_body(text)


def _is_body(text: str) -> bool:
    """Return whether ``text`` is what stands between the commands of a table: all lines end with two backslashes."""
    lines = [
        line.strip() for line in text.split("\n") if line.strip() and not line.strip().startswith(("\\hline", "%"))
    ]
    return len(lines) > 1 and all("&" in line and line.endswith("\\\\") for line in lines)


def is_sextractor(text: str) -> bool:
    """Return whether ``text`` is a catalogue of SExtractor: comments that number and name its columns."""
    head = [line for line in text.split("\n", 500)[:500] if line.startswith("#")]
    found = [match for line in head if (match := _SEXTRACTOR.fullmatch(line.strip()))]
    return len(found) > 1 and [int(match[1]) for match in found] == [*range(1, len(found) + 1)]


def read_sextractor(text: str) -> Table:
    """Return a catalogue of SExtractor, with unit and description of each column."""
    table = _read(text, "sextractor")
    lines = [line.strip() for line in text.split("\n") if line.startswith("#")]
    remarks = tuple(line.strip("# ") for line in lines if not _SEXTRACTOR.fullmatch(line))
    rows = rows_of(table, _lines(text, len(table), skipped=0))
    return Table(format="SExtractor", columns=columns_of(table), rows=rows, remarks=remarks, header_place="the header")


def read_ecsv(text: str) -> Table:
    """Return a table of ECSV, with the time scale and the unit of each column."""
    table = _read(text, "ecsv")
    remarks = flat(table.meta)
    told = {str(name).upper(): str(value) for name, value in table.meta.items() if isinstance(value, str | int | float)}
    return Table(
        format="ECSV",
        columns=columns_of(table),
        rows=rows_of(table, _lines(text, len(table), skipped=1)),
        remarks=remarks,
        keywords=told,
        header_place=f"line {_first_line(text)}",
    )


def read_ipac(text: str) -> Table:
    """Return an IPAC table, with the units of its columns."""
    _check_under_bars(text)
    table = _read(text, "ipac")
    keywords = {str(name).upper(): str(told.get("value", "")) for name, told in table.meta.get("keywords", {}).items()}
    keywords.pop("FIXLEN", None)
    return Table(
        format="IPAC",
        columns=columns_of(table),
        rows=rows_of(table, _lines(text, len(table), skipped=0)),
        remarks=tuple(str(comment) for comment in table.meta.get("comments", ())),
        keywords=keywords,
        header_place="the header",
    )


def _check_under_bars(text: str) -> None:
    """Refuse cells that reach under a bar of the header: astropy would cut 14.231 to 14.23. Raises ValueError."""
    lines = text.split("\n")
    header = next((line for line in lines if line.startswith("|")), "")
    bars = [index for index, mark in enumerate(header) if mark == "|"]
    for number, line in enumerate(lines, 1):
        if not line.startswith(("|", "\\")) and any(line[index : index + 1].strip() for index in bars):
            raise ValueError(f"line {number}: has text under a bar of the header; write each cell between its bars")


def read_cds(text: str) -> Table:
    """Return a table of the CDS or an AAS journal, with unit and description of each column, and its notes."""
    table = _read(text, "cds" if "ReadMe" in text or "Explanations" in text else "mrt")
    head = text.rpartition("\n---")[0]
    about = [" ".join(found.split()) for found in re.findall(r"^(?:Table|Figure):.*(?:\n {2,}.*)*", head, re.MULTILINE)]
    notes = [
        line for found in re.findall(r"^Note.*(?:\n(?!-{3}).*)*", head, re.MULTILINE) for line in found.split("\n")
    ]
    return Table(
        format="CDS",
        columns=columns_of(table),
        rows=rows_of(table, ()),
        remarks=(*about, *(" ".join(note.split()) for note in notes if note.strip())),
        header_place="the description",
    )


def read_latex(text: str) -> Table:
    """Return a table of LaTeX. Notes below it are kept as remarks."""
    if _is_body(text):
        text = f"\\begin{{tabular}}\n{text}\n\\end{{tabular}}\n"
    text = _TABLEHEAD.sub(_in_one_line, text).replace("\\enddata", "\n\\enddata")
    table = _read(text, "aastex" if "deluxetable" in text else "latex")
    notes = [_without_latex(found).strip("{} ") for found in _LATEX_NOTE.findall(_LABEL.sub("", text))]
    rows = [replace(row, cells=tuple(_without_latex(cell) for cell in row.cells)) for row in rows_of(table, ())]
    columns = [replace(column, name=_without_latex(column.name)) for column in columns_of(table)]
    if rows and (units := units_in(rows[0].cells)) is not None:
        columns = [replace(column, unit=unit) for column, unit in zip(columns, units, strict=True)]
        rows = rows[1:]
    return Table(format="LaTeX", columns=tuple(columns), rows=rows, remarks=tuple(notes), header_place="the header")


def _in_one_line(head: re.Match[str]) -> str:
    """Return AASTeX's header as astropy needs it: in one line, which no two backslashes end."""
    return re.sub(r"\s*\\\\\s*\}$", "}", " ".join(head[0].split()))


def _without_latex(cell: str) -> str:
    plain = _LATEX_MARK.sub("", _LATEX_WORD.sub(r"\1", cell)).strip()
    return _LATEX_SYMBOL.sub(lambda found: found[1] or f"_{found[2]}", plain)


def _read(text: str, fmt: str) -> Any:
    from astropy.io import ascii as astropy_ascii
    from astropy.table import Table as AstropyTable

    try:
        if fmt == "ecsv":
            return AstropyTable.read(text.split("\n"), format="ascii.ecsv")
        if fmt in ("latex", "aastex", "sextractor"):
            converters = {"*": [astropy_ascii.convert_numpy(str)]}
            return astropy_ascii.read(text, format=fmt, guess=False, converters=converters)
        return astropy_ascii.read(text, format=fmt, guess=False)
    except Exception as error:  # astropy's readers raise what the text makes them stumble over
        told = " ".join(str(error).split())[:300]
        raise ValueError(f"can't be read as {fmt.upper()}: {told}") from None


def _lines(text: str, count: int, *, skipped: int) -> Sequence[int]:
    """Return the line number of each of ``count`` rows, or nothing where they can't be told from the lines."""
    body = [
        number
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip() and not line.startswith(_COMMENT if not skipped else "#")
    ][skipped:]
    return body if len(body) == count else ()


def _first_line(text: str) -> int:
    lines = enumerate(text.split("\n"), 1)
    return next((number for number, line in lines if line.strip() and not line.startswith("#")), 1)
