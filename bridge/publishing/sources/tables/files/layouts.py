"""Layouts with a meaning of their own, made into columns with names of their own: nothing is read twice or guessed.

A light curve a band, side by side, each with its own times (``mjd_g, mag_g, err_g, mjd_r, mag_r, err_r``), becomes rows
with a filter. Errors that are named alike and each follow a band (``B, err, V, err``) get the band's name.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bridge.publishing.sources.tables.elements import bands, limits, names
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.table import Column, Row, Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.when import forms

_FLAGS = words("flag flags quality qual mask dq")
_KINDS = {"time": "", "value": "mag", "error": "err", "limit": "limit", "mark": "is_limit", "flag": "flag"}
"""What belongs to a band, and the name of its column once each row has a filter; times keep their own."""


def arranged(table: Table) -> Table:
    """Return ``table`` with its layout made plain, as it is where that is none of these."""
    return _by_rows(_with_named_errors(table))


def _with_named_errors(table: Table) -> Table:
    """Return ``table`` with errors that are named alike named after the bands that they follow."""
    plain = [re.sub(r"\.\d+$", "", name) for name in table.names]  # as pandas numbers them
    counts = Counter(plain)
    alike = [
        index
        for index, name in enumerate(plain)
        if counts[name] > 1 and names.is_error(names.parsed(name), of_flux=False)
    ]
    before = {index: bands.band_of_value(table.names[index - 1]) if index else None for index in alike}
    told = {index: found[0] for index, found in before.items() if found is not None}
    if not alike or len(told) < len(alike) or len({*told.values()}) < len(alike):
        return table
    columns = [
        replace(column, name=f"{told[index]}_err") if index in told else column
        for index, column in enumerate(table.columns)
    ]
    return replace(table, columns=tuple(columns))


@dataclass(frozen=True, kw_only=True)
class _Wide:
    """A table of a light curve a band."""

    stem: str
    """The name of the times without the band."""
    columns: dict[str, dict[str, int]]
    """By band and by kind."""


def _by_rows(table: Table) -> Table:
    """Return a table with a time a band as one with a row a band, as it is where it is any other."""
    wide = _wide(table)
    if wide is None:
        return table
    used = {index for kinds in wide.columns.values() for index in kinds.values()}
    shared = [index for index in range(len(table.columns)) if index not in used]
    kinds = [kind for kind in _KINDS if any(kind in own for own in wide.columns.values())]
    columns = [_column(table, wide, kind) for kind in kinds]
    taken = {*(table.names[index] for index in shared)} & {*(column.name for column in columns if column), "filter"}
    if taken or any(column is None for column in columns):
        return table
    rows: list[Row] = []
    for row in table.rows:
        for band, own in wide.columns.items():
            cells = [row.cells[own[kind]] if kind in own else "" for kind in kinds]
            if any(cells):
                rows.append(replace(row, cells=(*cells, band, *(row.cells[index] for index in shared))))
    named = [column for column in columns if column is not None]
    return replace(
        table, columns=(*named, Column(name="filter"), *(table.columns[index] for index in shared)), rows=rows
    )


def _wide(table: Table) -> _Wide | None:
    """Return the columns of each band where at least two have times of their own, and no other column is a time."""
    parsed = [names.parsed(name) for name in table.names]
    times: dict[str, int] = {}
    stems: set[str] = set()
    for index, name in enumerate(table.names):
        found = bands.of_band(name)
        if found and isinstance(_form(found[0]), forms.Form):
            if found[1] in times:
                return None
            times[found[1]] = index
            stems.add(found[0])
    others = (index for index in range(len(parsed)) if index not in times.values())
    if len(times) < 2 or len(stems) != 1 or any(_form(table.names[index]) is not None for index in others):
        return None
    if any(names.role_of(name) is Role.BANDPASS for name in parsed):
        return None
    columns: dict[str, dict[str, int]] = {band: {"time": index} for band, index in times.items()}
    for index, name in enumerate(table.names):
        if index not in times.values() and (kind := _kind(name)) is not None:
            what, band = kind
            if what == "limit" and limits.are_marks(table.cells(index)):
                what = "mark"
            if band not in columns or what in columns[band]:
                return None
            columns[band][what] = index
    return _Wide(stem=stems.pop(), columns=columns) if all("value" in own for own in columns.values()) else None


def _form(name: str) -> forms.Form | str | None:
    return forms.form_of(names.parsed(name), "", "")


def _kind(name: str) -> tuple[str, str] | None:
    """Return what a column holds of which band, None where it is of none."""
    found: Sequence[tuple[str, str | None]] = (
        ("value", (value := bands.band_of_value(name)) and value[0]),
        ("error", bands.band_of_error(name)),
        ("limit", bands.band_of_limit(name)),
        ("mark", bands.band_of_mark(name)),
        ("flag", flagged[1] if (flagged := bands.of_band(name)) and flagged[0].lower() in _FLAGS else None),
    )
    return next(((kind, band) for kind, band in found if band), None)


def _column(table: Table, wide: _Wide, kind: str) -> Column | None:
    """Return the column that the bands' columns become, None where they are in different units."""
    own = [table.columns[kinds[kind]] for kinds in wide.columns.values() if kind in kinds]
    said = {(column.unit, column.note, names.parsed(column.name).said) for column in own}
    if len(said) > 1:
        return None
    (said_in_name,) = {names.parsed(column.name).said for column in own}
    brackets = f" ({said_in_name[0]})" if said_in_name else ""
    name = wide.stem if kind == "time" else f"{_KINDS[kind]}{brackets}"
    return replace(own[0], name=name, is_single=any(column.is_single for column in own))
