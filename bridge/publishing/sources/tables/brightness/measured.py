"""Whether numbers are measurements: tables write stand-ins where there is none, and say how weak a signal was."""

import re
from collections import Counter

from bridge.publishing.sources.tables.brightness.series import Series
from bridge.publishing.sources.tables.elements import bands, limits
from bridge.publishing.sources.tables.elements.cells import (
    is_empty,
    is_no_magnitude,
    number_of,
    split_error,
    split_mark,
)
from bridge.publishing.sources.tables.elements.columns import Columns
from bridge.publishing.sources.tables.elements.names import Name, Role
from bridge.publishing.sources.tables.elements.table import Row, Table
from bridge.publishing.sources.tables.elements.words import words

_FAINT = 5.0
"""Magnitudes: no target is at 0 in one night and fainter than this in another."""
_NO_FLUX = re.compile(r"-99+(?:\.[09]+)?")
_ALIKE = re.compile(r"-?(\d)\1?\.\1{2,}|-?\d+\.9{2,}")
"""``22.222``, ``33.33``, ``19.999``: what people type where they have no number."""
_SURELY_ALIKE = re.compile(r"-?(\d)\1?\.\1{3,}|-?\d+\.9{3,}|-\d+(?:\.0*)?|0+(?:\.0*)?")
_WHOLE = re.compile(r"-?\d+(?:\.0*)?")
_FINE = re.compile(r"\d+\.(?!0+$)\d{2,}")
_APART = 1.0
"""Magnitudes by which a stand-in differs from all that was measured."""
_DETECTED = 3.0
"""Times the noise, by the usual convention."""
_WEAK_ERROR = 0.3
"""Magnitudes: an error that says itself that the signal is weak."""
_SIGNALS = words("snr signaltonoise signoise snratio nsigma nsig significance detsig detsigma detsignificance")
_SIGNAL_TOKENS = words("snr significance nsig nsigma")
_PROBABILITIES = words("detprob pdet probdet detectionprobability preal")
_TEST_STATISTICS = words("ts teststatistic")
"""Of which the square root is the significance, as of Fermi's sources."""
_NUMBERS_OF = re.compile(
    r"(?:[A-Za-z]+_)?n(?:um|umber)?_?(?:of_?)?"
    r"(?:obs|im(?:g|ages?)|det|detections?|exp|exposures?|frames?|stacks?|stacked|coadds?|coadded|points?|pts|"
    r"epochs?|meas)?"
    r"(?:_[A-Za-z]'?)?",
    re.IGNORECASE,
)
"""Names of columns of how many images or measurements a value is made of."""


def check(columns: Columns, series: Series) -> None:
    """Refuse numbers by which tables say that nothing was measured. Raises ValueError."""
    _check_unmeasured(columns.table, series)
    if series.value is None or series.scale is None or not series.scale.is_magnitude:
        return
    if columns.said(Role.BRIGHTNESS) != series.value:
        _check_stand_ins(columns.table, series.value, series.scale.factor)
        if series.error is not None and not (series.marks or series.detections):
            _check_repeated(columns.table, series.value, series.error)
    for index in columns.free():
        name = columns.names[index]
        of_band = bands.of_band(name.whole)
        if of_band and series.band and of_band[1] != series.band:
            continue
        least = _least_signal(name)
        if least is not None or _NUMBERS_OF.fullmatch(name.whole.strip()):
            _check_weak(columns.table, series, index, least)


def _check_unmeasured(table: Table, series: Series) -> None:
    """Refuse numbers without an error by which tables write that nothing was measured: 0, -1, for fluxes -999."""
    if series.value is None or series.scale is None:
        return
    cells = table.cells(series.value)
    numbers = [number_of(cell) for cell in cells]
    is_faint = any(number is not None and number * series.scale.factor > _FAINT for number in numbers)
    for row, cell, number in zip(table.rows, cells, numbers, strict=True):
        has_error = series.error is not None and not is_empty(row.cells[series.error])
        is_nothing = number in (0.0, -1.0) and is_faint if series.scale.is_magnitude else bool(_NO_FLUX.fullmatch(cell))
        if is_nothing and not has_error:
            raise ValueError(
                f"{row.place}, column {table.names[series.value]}: {row.cells[series.value]!r} may say that nothing "
                "was measured; leave the cell empty then, or write its error"
            )


def _check_stand_ins(table: Table, index: int, factor: float) -> None:
    """Refuse a number that looks typed, as 22.222, and lies far from all others."""
    counts = Counter(split_error(cell)[0] for cell in table.cells(index) if not is_no_magnitude(cell))
    is_fine = any(map(_FINE.fullmatch, counts))
    typed = [cell for cell, count in counts.items() if _looks_typed(cell, count, is_fine=is_fine)]
    whole = [cell for cell in counts if not _FINE.fullmatch(cell)] if is_fine and not typed else []
    if len(whole) == 1 and whole[0].isdigit() and len(counts) > 2:
        typed = whole  # a whole number among fine ones
    known = sorted({number for cell in counts if (number := number_of(cell)) is not None}) if typed else []
    for cell in typed:
        number = number_of(cell)
        others = [abs(other - number) * factor for other in known if number is not None and other != number]
        if others and min(others) >= _APART:
            place = next(row.place for row in table.rows if split_error(row.cells[index])[0] == cell)
            raise ValueError(
                f"{place}, column {table.names[index]}: {cell!r} is far from all other magnitudes and may say that "
                f"nothing was measured; leave the cell empty then, or say --columns brightness={table.names[index]} "
                "if it was"
            )


def _looks_typed(cell: str, count: int, *, is_fine: bool) -> bool:
    if _SURELY_ALIKE.fullmatch(cell) or (count > 1 and _ALIKE.fullmatch(cell)):
        return True
    return count > 1 and is_fine and bool(_WHOLE.fullmatch(cell))


def _check_repeated(table: Table, index: int, error: int) -> None:
    """Refuse the faintest magnitude, twice without an error where others have one: so tables write limits."""
    cells = [(row.place, row.cells[index], is_empty(row.cells[error])) for row in table.rows]
    bare = {
        cell: count
        for cell, count in Counter(cell for _, cell, has_none in cells if has_none).items()
        if count > 1 and number_of(cell) is not None
    }
    measured = [number_of(cell) or 0.0 for _, cell, has_none in cells if not has_none] if bare else []
    for cell, count in bare.items() if measured else ():
        if (number_of(cell) or 0.0) > max(measured):
            place = next(place for place, other, has_none in cells if other == cell and has_none)
            raise ValueError(
                f"{place}, column {table.names[index]}: {cell} is there {count} times without an error, fainter than "
                f"all "
                f"that have one: limits? Write limits in a column 'limit', or say --columns "
                f"brightness={table.names[index]}"
            )


def _least_signal(name: Name) -> float | None:
    """Return what a column of signals over noise says at least of a detection; None for any other column."""
    if name.flat in _PROBABILITIES:
        return 0.5
    if name.flat in _TEST_STATISTICS:
        return _DETECTED**2
    is_signal = name.flat in _SIGNALS or bool(name.tokens & _SIGNAL_TOKENS) or name.whole.strip().lower() == "s/n"
    return _DETECTED if is_signal and not name.tokens & {"err", "error", "limit", "lim"} else None


def _check_weak(table: Table, series: Series, index: int, least: float | None) -> None:
    """Refuse a magnitude of no image, or of a signal that is no detection and that its error doesn't show."""
    numbers = [number_of(cell) for cell in table.cells(index)]
    if least is None and (len(numbers) == len({*numbers}) or all(number in (0.0, None) for number in numbers)):
        return  # numbers of rows
    for row, number in zip(table.rows, numbers, strict=True):
        if number is None or number >= (least or 1.0) or not _is_detection(row, series):
            continue
        what = "of no image" if least is None else f"of {number:g}, which is no detection"
        raise ValueError(
            f"{row.place}, column {table.names[index]}: the magnitude is {what}; write it in a column 'limit' if it is "
            f"one, leave the row out, or say --columns extra={table.names[index]} to publish what was measured"
        )


def _is_detection(row: Row, series: Series) -> bool:
    """Return whether a row holds a magnitude that nothing marks as a limit, and that has no error as weak ones have."""
    cell = row.cells[series.value] if series.value is not None else ""
    mark, rest = split_mark(cell)
    if mark or number_of(split_error(rest)[0]) is None:
        return False
    if any(limits.is_limit(row.cells[mark]) for mark in series.marks):
        return False
    error = number_of(row.cells[series.error]) if series.error is not None else None
    factor = series.scale.factor_of(series.error_unit) if series.scale and series.error_unit else 1.0
    return error is None or error * factor < _WEAK_ERROR
