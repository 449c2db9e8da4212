"""A table of astropy as columns and rows of text; numbers as they were written, or the shortest that mean the same."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.publishing.sources.tables.elements.table import Column, Row

_EXACT = {"utc", "tt", "tai", "tdb"}


def columns_of(table: Any) -> tuple[Column, ...]:
    """Return the columns of astropy's ``table``, with unit and description. ValueError where one holds no cells."""
    found = []
    for name in table.colnames:
        column = table[name]
        if _is_time(column):
            _check_scale(name, column)
            found.append(Column(name=str(name), note="UTC"))
            continue
        if getattr(column, "ndim", 1) > 1:
            raise ValueError(f"column {name!r} holds an array in each row; one value a row is needed")
        info = column.info
        found.append(
            Column(
                name=" ".join(str(name).split()),
                unit="" if info.unit is None else str(info.unit),
                note=str(info.description or ""),
                is_single=column.dtype.kind == "f" and column.dtype.itemsize <= 4,
            )
        )
    return tuple(found)


def rows_of(table: Any, lines: Sequence[int]) -> list[Row]:
    """Return the rows; ``lines`` holds their line numbers, or nothing."""
    columns = [list(_cells(table[name])) for name in table.colnames]
    rows = zip(*columns, strict=True)
    return [
        Row(place=f"line {lines[index]}" if lines else f"row {index + 1}", cells=tuple(cells))
        for index, cells in enumerate(rows)
    ]


def _is_time(column: Any) -> bool:
    return type(column).__name__ in ("Time", "MaskedTime") and hasattr(column, "scale")


def _check_scale(name: str, column: Any) -> None:
    if column.scale not in _EXACT:
        raise ValueError(
            f"column {name!r} has times in the scale {column.scale!r}, which is not the observatory's UTC. Convert them"
        )


def _cells(column: Any) -> Iterator[str]:
    if _is_time(column):
        utc = column.utc
        utc.precision = 6
        for moment in utc:
            yield "" if bool(moment.masked) else f"{moment.isot}"
        return
    for value in (
        getattr(column, "value", column) if hasattr(column, "unit") and not hasattr(column, "mask") else column
    ):
        yield cell_of(value)


def cell_of(value: Any) -> str:
    """Return one value as text, empty where it is masked or no number."""
    if value is None or type(value).__name__ == "MaskedConstant":
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace").strip()
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value).strip()
    return str(value)  # numpy's text is the shortest that gives the same number in its own precision


def flat(meta: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a table's head says, a line a fact."""
    found: list[str] = []
    for name, value in meta.items():
        if str(name).startswith("__"):
            continue
        if isinstance(value, list | tuple):
            found += [str(item) for item in value]
        elif isinstance(value, Mapping):
            found += flat(value)
        else:
            found.append(f"{name}: {value}")
    return tuple(found)
