"""Errors in the last digits, in brackets behind the values (``17.123(23)`` is 17.123 with 0.023), written out.

Such a bracket may also be a footnote, or the number of images. It is an error where the file says so, where it is
padded (``17.123(023)``), or where all have two digits or more.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from decimal import Decimal

from bridge.publishing.sources.tables.elements import bands, names
from bridge.publishing.sources.tables.elements.cells import split_error
from bridge.publishing.sources.tables.elements.table import Column, Table

_LAST_DIGITS = re.compile(r"\$?(?P<value>-?\d+\.(?P<decimals>\d+))\s*\((?P<digits>\d+)\)\$?")
_WORD = r"(?:err\w*|unc\w*|sigma|\u03c3|1 ?sigma|1 ?\u03c3)"
_SAID = re.compile(
    rf"\(\s*(?:\u00b1\s*)?{_WORD}\s*\)$|\s(?:\u00b1|\+/-)\s*(?:{_WORD}|\(\s*{_WORD}\s*\))?$", re.IGNORECASE
)
"""What a column's name says of its cells: ``V (err)``, ``Mag +/- error``."""
_TOLD = re.compile(r"(?:err\w*|uncertaint\w*)\W+(?:\w+ ){0,4}(?:in|by) (?:the )?(?:bracket|parenthes)", re.IGNORECASE)


def written_out(table: Table, said: Collection[str]) -> Table:
    """Return ``table`` with errors of last digits in the unit of their values; ``said`` are further brightnesses.

    ValueError where it isn't certain that brackets hold errors.
    """
    has_errors = any(_is_error(name) for name in table.names)
    is_told = any(_TOLD.search(remark) for remark in table.remarks)
    found = [
        index
        for index, column in enumerate(table.columns)
        if (column.name in said or _is_brightness(column.name)) and any(map(_has_error, table.cells(index)))
    ]
    for index in found:
        cells, column = table.cells(index), table.columns[index]
        own = [match for cell in cells if (match := _LAST_DIGITS.fullmatch(cell))]
        is_said = is_told or bool(_SAID.search(column.name))
        if own and not is_said and (has_errors or not _are_certain(own)):
            raise ValueError(
                f"column {column.name!r} has {own[0][0]!r}: an error in the last digits, or a footnote? Name it "
                f"'{column.name} (err)' if brackets hold errors, or write what they hold in columns of their own"
            )
        table = _with_cells(table, index, [_written_out(cell) for cell in cells])
    return table


def _has_error(cell: str) -> bool:
    return bool(_LAST_DIGITS.fullmatch(cell) or split_error(cell)[1])


def _are_certain(found: Sequence[re.Match[str]]) -> bool:
    are_padded = all(len(one["digits"]) == len(one["decimals"]) for one in found)
    if are_padded and any(one["digits"].startswith("0") and len(one["digits"]) > 1 for one in found):
        return True
    return all(2 <= len(one["digits"]) <= len(one["decimals"]) for one in found)


def _is_brightness(name: str) -> bool:
    plain = _SAID.sub("", name).strip()
    return bands.band_of_value(plain) is not None or names.is_magnitude(names.parsed(plain))


def _is_error(name: str) -> bool:
    return bands.band_of_error(name) is not None or names.is_error(names.parsed(name), of_flux=False)


def _written_out(cell: str) -> str:
    found = _LAST_DIGITS.fullmatch(cell)
    if found is None:
        return cell
    return f"{found['value']}({Decimal(found['digits']).scaleb(-len(found['decimals'])):f})"


def _with_cells(table: Table, index: int, cells: Sequence[str]) -> Table:
    """Return ``table`` with other cells in a column, whose name no more says that it has errors."""
    columns: list[Column] = list(table.columns)
    columns[index] = replace(columns[index], name=_SAID.sub("", columns[index].name).strip())
    rows = [
        replace(row, cells=(*row.cells[:index], cell, *row.cells[index + 1 :]))
        for row, cell in zip(table.rows, cells, strict=True)
    ]
    return replace(table, columns=tuple(columns), rows=rows)
