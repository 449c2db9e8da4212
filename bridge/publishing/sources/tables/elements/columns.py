"""The columns of a table while it is found out what they hold: each has one role, given once."""

import re

from bridge.publishing.sources.tables.elements import names
from bridge.publishing.sources.tables.elements.cells import is_empty, number_of, split_error, split_mark
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.options import Options, check_names
from bridge.publishing.sources.tables.elements.table import Table

_BOTH = re.compile(r"^mag\w*\s*(?:/|\bor\b)\s*(?:ul|lim|upper)", re.IGNORECASE)


class Columns:
    """The columns of a table, by index, and what they have been taken for."""

    def __init__(self, table: Table, options: Options) -> None:
        self.table = table
        self.options = options
        self.names = [names.parsed(column.name) for column in table.columns]
        self.taken: dict[int, str] = {}

    def so_far(self) -> tuple[tuple[str, str], ...]:
        """Return what each column has been taken for by now."""
        return tuple((name, self.taken.get(index, "not clear")) for index, name in enumerate(self.table.names))

    def check_names(self) -> None:
        table, options = self.table, self.options
        if twice := next((name for name in table.names if name and table.names.count(name) > 1), None):
            raise ValueError(f"two columns are named {twice!r}; rename one")
        renamed = [name for name in table.names if re.sub(r"\.\d+$", "", name) in {*table.names} - {name}]
        if one := next((name for name in renamed if name not in options.columns), None):
            raise ValueError(
                f"column {one!r} may have had the name of another (pandas adds numbers); rename it, or say "
                f"--columns extra={one}"
            )
        check_names(options.columns, table.names)
        self._check_listed()
        both = next((name for name in table.names if _BOTH.search(name) and name not in options.columns), None)
        if both is not None:
            raise ValueError(
                f"column {both!r} holds magnitudes and limits by its name; mark the limits with > or in a column "
                f"'is_limit', and say --columns brightness={both}"
            )

    def _check_listed(self) -> None:
        """Refuse a comment that names the columns in another order than the header."""
        own = [name.lower() for name in self.table.names]
        for remark in self.table.remarks:
            told = re.split(r"[,;|\s]+", re.sub(r"^\W*columns?\W+", "", remark.lower()).strip(" .#"))
            if sorted(told) == sorted(own) and told != own and len(told) > 1:
                raise ValueError(f"a comment says {remark[:60]!r}, and the header has another order; mend one")

    def free(self) -> list[int]:
        said = self.options.columns
        return [index for index, name in enumerate(self.table.names) if index not in self.taken and name not in said]

    def take(self, index: int, what: str) -> int:
        self.taken[index] = what
        return index

    def said(self, role: Role) -> int | None:
        found = self.options.named(role)
        return self.table.names.index(found[0]) if found else None

    def one(self, role: Role) -> int | None:
        """Return the column that holds ``role``; ValueError where two may, and their cells differ."""
        if (said := self.said(role)) is not None:
            return self.take(said, role.value)
        found = [index for index in self.free() if names.role_of(self.names[index]) is role]
        if not found:
            return None
        cells = [self.table.cells(index) for index in found]
        for index, other in zip(found[1:], cells[1:], strict=True):
            if [cell.lower() for cell in other] != [cell.lower() for cell in cells[0]] and role not in (
                Role.TELESCOPE,
                Role.INSTRUMENT,
                Role.SOURCE,
                Role.LOCATION,
            ):
                raise self.unclear(found[0], index, role)
            self.take(index, "further value")
        return self.take(found[0], role.value)

    def unclear(self, one: int, other: int, role: Role) -> ValueError:
        first, second = self.table.names[one], self.table.names[other]
        return ValueError(
            f"columns {first!r} and {second!r} may both be the {role.value}; say --columns {role.value}={first}"
            f",extra={second}"
        )

    def is_numeric(self, index: int) -> bool:
        held = [cell for cell in self.table.cells(index) if not is_empty(cell)]
        return bool(held) and all(number_of(split_error(split_mark(cell)[1])[0]) is not None for cell in held)
