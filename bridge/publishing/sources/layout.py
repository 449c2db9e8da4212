"""A text table taken apart: its header, its delimiter and its rows, each with its line number."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bridge.publishing.sources.cells import NUMBER
from bridge.publishing.sources.errors import SourceError

MAX_TABLE_BYTES = 256 * 1024 * 1024
_ECSV_MARK = re.compile(r"#\s*%ECSV\s")
_ECSV_DELIMITER = re.compile(r"#\s*delimiter:\s*(['\"]?)(.)\1")
_ECSV_COLUMN = re.compile(r"#\s*-\s*\{\s*name:\s*(?P<name>'[^']*'|\"[^\"]*\"|[^,}]+)(?P<rest>.*)")
_ECSV_UNIT = re.compile(r"unit:\s*('[^']*'|\"[^\"]*\"|[^,}]+)")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A table: the names of its columns, their units where the table says so, and the rows with their lines."""

    names: tuple[str, ...]
    rows: Sequence[tuple[int, list[str]]]
    """Line number (from 1) and cells; their number is not checked yet."""
    units: Mapping[str, str] = field(default_factory=dict)
    """The unit of a column by its name, as an ECSV header tells."""
    header_line: int = 1


def read_layout(path: Path) -> Layout:
    """Return the table in ``path``: CSV, ECSV, or columns separated by tabs, ';', '|' or blanks, with a header.

    The header may stand in the last comment line ('#') before the data. Raises SourceError.
    """
    lines = _text(path).splitlines()
    comments = [line for line in lines if line.startswith("#")]
    numbered = enumerate(lines, 1)
    body = [(number, line) for number, line in numbered if line.strip() and not line.startswith("#")]
    if not body:
        raise SourceError("holds no rows", where=str(path), mend="A header and at least one row are needed")
    is_ecsv = bool(comments) and bool(_ECSV_MARK.match(comments[0]))
    header_line, header = body[0]
    delimiter = _ecsv_delimiter(comments) if is_ecsv else _delimiter(header)
    names = _cells(header, delimiter)
    if not is_ecsv and any(NUMBER.fullmatch(name) for name in names):
        header_line, names = _commented_header(path, lines, header_line, len(names), delimiter)
    else:
        body = body[1:]
    if not body:
        raise SourceError("has a header but no rows", where=str(path), mend="At least one row of data is needed")
    return Layout(
        names=tuple(names),
        rows=list(_rows(body, delimiter)),
        units=_ecsv_units(comments) if is_ecsv else {},
        header_line=header_line,
    )


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise SourceError(f"is larger than {MAX_TABLE_BYTES} bytes", where=str(path), mend="Split the table")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise SourceError(f"can't be read: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise SourceError(
            f"is no text in UTF-8 (byte {error.start})", where=str(path), mend="Save it as CSV in UTF-8"
        ) from None


def _delimiter(header: str) -> str:
    return next((mark for mark in ",\t;|" if mark in header), " ")


def _cells(line: str, delimiter: str) -> list[str]:
    text = " ".join(line.split()) if delimiter == " " and '"' not in line else line.strip("\r\n")
    cells = next(csv.reader([text], delimiter=delimiter, skipinitialspace=True), [])
    return [cell.strip() for cell in cells]


def _rows(body: Sequence[tuple[int, str]], delimiter: str) -> Iterator[tuple[int, list[str]]]:
    for number, line in body:
        yield number, _cells(line, delimiter)


def _commented_header(
    path: Path, lines: Sequence[str], first_data_line: int, width: int, delimiter: str
) -> tuple[int, list[str]]:
    for number in range(first_data_line - 1, 0, -1):
        text = lines[number - 1].lstrip("#").strip()
        names = _cells(text, delimiter if delimiter in text else _delimiter(text))
        if len(names) == width:
            return number, names
    raise SourceError(
        "has no header", where=f"{path}: line {first_data_line}", mend="Put the columns' names in the first line"
    )


def _ecsv_delimiter(comments: Sequence[str]) -> str:
    return next((found[2] for line in comments if (found := _ECSV_DELIMITER.match(line))), " ")


def _ecsv_units(comments: Sequence[str]) -> dict[str, str]:
    columns = [found for line in comments if (found := _ECSV_COLUMN.match(line))]
    return {
        column["name"].strip(" '\""): unit[1].strip(" '\"")
        for column in columns
        if (unit := _ECSV_UNIT.search(column["rest"]))
    }
