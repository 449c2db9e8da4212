"""Which columns hold the limits of a brightness, and which mark its values as limits or as detections."""

from collections.abc import Sequence

from bridge.publishing.sources.tables.elements import bands, limits, names
from bridge.publishing.sources.tables.elements.cells import is_empty, number_of
from bridge.publishing.sources.tables.elements.columns import Columns
from bridge.publishing.sources.tables.elements.names import Name, Role


def find(
    columns: Columns, values: Sequence[tuple[int, str] | None], band: str
) -> tuple[int | None, tuple[int, ...], tuple[int, ...]]:
    """Return the column of limits, the columns of marks, and those of detections, of the series in ``band``."""
    alone = len(values) == 1
    limit: int | None = None
    marks: list[int] = []
    detections: list[int] = []
    said = {role: columns.said(role) for role in (Role.LIMIT, Role.IS_LIMIT, Role.IS_DETECTION)}
    if alone:
        for role, index in said.items():
            if index is None:
                continue
            cells = columns.table.cells(index)
            if role is Role.LIMIT and not limits.are_marks(cells):
                limit = columns.take(index, "limit")
            elif role is Role.IS_DETECTION:
                detections.append(columns.take(index, "whether it is a detection"))
            else:
                marks.append(columns.take(index, "whether it is a limit"))
    for index in columns.free():
        what = _kind_of_mark(columns, index, values, band)
        if what is Role.IS_LIMIT:
            marks.append(_mark(columns, index))
        elif what is Role.IS_DETECTION:
            detections.append(columns.take(index, "whether it is a detection"))
        elif what is Role.LIMIT:
            if limit is not None:
                raise columns.unclear(limit, index, Role.LIMIT)
            limit = columns.take(index, "limit")
    return limit, tuple(marks), tuple(detections)


def _kind_of_mark(columns: Columns, index: int, values: Sequence[tuple[int, str] | None], band: str) -> Role | None:
    """Return whether a column marks the limits of the series in ``band``, or holds them."""
    name, cells = columns.names[index], columns.table.cells(index)
    alone = len(values) == 1
    of_band = bands.band_of_mark(name.whole)
    if of_band is not None and (of_band == band or (alone and not band)):
        return Role.IS_LIMIT
    if band and bands.band_of_limit(name.whole) == band:
        return Role.IS_LIMIT if any(cells) and limits.are_marks(cells) else Role.LIMIT
    role = names.role_of(name) if alone else None
    is_mark = role is Role.IS_LIMIT or (alone and (limits.are_signs(cells) or _is_named_mark(columns, name, values[0])))
    if role is Role.LIMIT and not is_mark:
        if any(cells) and limits.are_marks(cells) and not _is_numeric_flag(columns, index, name):
            return Role.IS_LIMIT
        return Role.LIMIT if any(not is_empty(cell) for cell in cells) else None
    return Role.IS_LIMIT if is_mark else (role if role is Role.IS_DETECTION else None)


def _is_named_mark(columns: Columns, name: Name, value: tuple[int, str] | None) -> bool:
    """Return whether a column is named as VizieR names the marks of the brightness: ``l_`` and its name."""
    return value is not None and name.whole.lower().startswith("l_") and _marks(columns, name, value[0])


def _is_numeric_flag(columns: Columns, index: int, name: Name) -> bool:
    """Return whether a column of limits holds only 0 and 1, and its name does not say that they are flags."""
    if not limits.are_flags(columns.table.cells(index)):
        return False
    if name.flat in ("ul", "uplim", "upperlim", "upperlimit", "ulim", "upperlimits") or _agree(columns, index):
        return False
    raise ValueError(
        f"column {name.whole} holds only 0 and 1; if 1 marks limits, say --columns is_limit={name.whole}, or name it so"
    )


def _agree(columns: Columns, flags: int) -> bool:
    """Return whether 1 stands where the brightness has no error, and 0 where it has one: then it marks limits."""
    errors = [index for index, what in columns.taken.items() if what == "error"]
    pairs = [(number_of(row.cells[flags]), row.cells[errors[0]]) for row in columns.table.rows] if errors else []
    marked = {is_empty(error) for flag, error in pairs if flag == 1.0}
    return marked <= {True} and any(flag == 0.0 and not is_empty(error) for flag, error in pairs)


def _marks(columns: Columns, name: Name, value: int) -> bool:
    return name.whole[2:].lower() == columns.table.names[value].lower() or name.flat in ("lmag", "lmagnitude", "lflux")


def _mark(columns: Columns, index: int) -> int:
    for row in columns.table.rows:
        if limits.is_limit(row.cells[index]) is None:
            raise ValueError(
                f"{row.place}, column {columns.table.names[index]}: {row.cells[index][:40]!r} says neither limit nor "
                "detection; write < or nothing, true or false"
            )
    return columns.take(index, "whether it is a limit")
