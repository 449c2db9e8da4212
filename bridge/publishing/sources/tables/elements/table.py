"""A table taken apart: columns with all that is said of them, and rows of text, each with its place in the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Column:
    """What a table says of a column."""

    name: str
    unit: str = ""
    """As it is written in the header, a row of units or the file's own description."""
    note: str = ""
    """A description in words, and the time system where the file tells one."""
    is_single: bool = False
    """Whether the file holds numbers of 32 bits: they tell an MJD to minutes, and a JD to hours."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: a cell a column, empty where there is no value."""

    place: str
    """For messages: ``line 7`` of a text, ``row 6`` of anything else."""
    cells: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Table:
    """The content of a file, nothing of it interpreted yet."""

    format: str
    """How it is written, for people: ``CSV``, ``ECSV``, ``VOTable``, ..."""
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    remarks: tuple[str, ...] = ()
    """Comments, titles and notes, in order."""
    keywords: Mapping[str, str] = field(default_factory=dict)
    """What the file says in its head as ``NAME = value``, names in upper case."""
    header_place: str = "line 1"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    def cells(self, index: int) -> list[str]:
        """Return the cells of one column."""
        return [row.cells[index] for row in self.rows]
