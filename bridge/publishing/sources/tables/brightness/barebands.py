"""Columns that are named by a band alone (``V``, ``g``): magnitudes, where nothing else may be meant."""

import re
from collections.abc import Sequence

from bridge.publishing.sources.tables.elements import bands, names
from bridge.publishing.sources.tables.elements.cells import is_no_magnitude, number_of, split_error, split_mark
from bridge.publishing.sources.tables.elements.columns import Columns

_LARGEST_REDSHIFT = 5.0
_FAINT = 9.0
"""Magnitudes: no target is brighter than 5 in one band and fainter than this in another."""
_FAINTEST = 30
_COLOUR = re.compile(r"\(?[UBVRI][cC]?\s*-\s*[UBVRI][cC]?\)?")


def find(columns: Columns, named: Sequence[tuple[int, str]]) -> list[tuple[int, str]]:
    """Return which of the columns ``named`` by a band hold its magnitudes. ValueError where that is in doubt."""
    bare = [(index, band) for index, band in named if _is_bare(columns, index)]
    _check_redshift(columns, bare)
    _check_comparison(columns, bare)
    free = columns.free()
    errors = {bands.band_of_error(columns.table.names[index]) for index in free}
    for index, band in named:
        if band in errors and (index, band) not in bare:
            _check_none_is_lost(columns, index)
    alone = any(names.is_error(columns.names[index], of_flux=False) for index in free)
    colours = any(_COLOUR.fullmatch(columns.table.names[index]) for index in free)
    own = len(bare) == len(named) and any(
        split_error(split_mark(cell)[1])[1] for index, _ in bare for cell in columns.table.cells(index)
    )
    if (
        len(bare) == 1
        and not own
        and not alone
        and bare[0][1] not in errors
        and not (colours and bare[0][1] in "UBVRI")
    ):
        return []
    return bare


def _check_none_is_lost(columns: Columns, index: int) -> None:
    """Refuse a column of a band with errors in which some cells are no magnitudes: it would not be published."""
    cells = [(row.place, row.cells[index]) for row in columns.table.rows if not is_no_magnitude(row.cells[index])]
    read = [(place, cell, number_of(split_error(split_mark(cell)[1])[0])) for place, cell in cells]
    wrong = next(((place, cell) for place, cell, number in read if number is None or not 0 < number < _FAINTEST), None)
    if wrong and any(number is not None and 5 < number < _FAINTEST for _, _, number in read):
        place, cell = wrong
        raise ValueError(
            f"{place}, column {columns.table.names[index]}: {cell[:40]!r} is no magnitude; leave the cell empty if "
            f"nothing was measured, or say --columns extra={columns.table.names[index]}"
        )


def _check_redshift(columns: Columns, bare: Sequence[tuple[int, str]]) -> None:
    """Refuse a column z of numbers as redshifts have beside other bands."""
    for index, band in bare if len(bare) > 1 else ():
        numbers = [number_of(cell) for cell in columns.table.cells(index) if not is_no_magnitude(cell)]
        is_alone = not any(_is_faint(columns, other) for other, _ in bare if other != index)
        if (band == "z" or not is_alone) and all(
            number is not None and number < _LARGEST_REDSHIFT for number in numbers
        ):
            name = columns.table.names[index]
            raise ValueError(
                f"column {name!r} may be a redshift, an index or magnitudes; say --columns extra={name}, or name it "
                f"{name}_mag"
            )


def _is_faint(columns: Columns, index: int) -> bool:
    numbers = [number_of(cell) for cell in columns.table.cells(index) if not is_no_magnitude(cell)]
    return bool(numbers) and all(number is not None and number > _FAINT for number in numbers)


def _check_comparison(columns: Columns, bare: Sequence[tuple[int, str]]) -> None:
    """Refuse V, C and K, which differential photometry calls the variable, the comparison and the check star."""
    named = {columns.table.names[index] for index in columns.free() if columns.is_numeric(index)}
    if bare and "C" in named:
        raise ValueError(
            "column 'C' may be a comparison star's magnitudes (and K a check star's); say --columns extra=C if V and K "
            "are bands, brightness=V,extra=C and extra=K if they are not"
        )


def _is_bare(columns: Columns, index: int) -> bool:
    """Return whether a column named by a band alone holds magnitudes."""
    if columns.table.names[index].lower() == "y" and any(name.lower() == "x" for name in columns.table.names):
        return False
    held = [split_error(split_mark(cell)[1])[0] for cell in columns.table.cells(index) if not is_no_magnitude(cell)]
    numbers = [number_of(cell) for cell in held]
    return bool(numbers) and all(number is not None and 0 < number < _FAINTEST for number in numbers)
