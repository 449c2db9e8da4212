"""Which columns are brightnesses, one or one a band, with their errors, their limits and the marks of limits."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.publishing.sources.tables.brightness import barebands, marking
from bridge.publishing.sources.tables.elements import bands, clocks, names, units
from bridge.publishing.sources.tables.elements.cells import is_empty, number_of, split_error, split_mark
from bridge.publishing.sources.tables.elements.columns import Columns
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.units import Scale
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.roles import lacking, leftovers


@dataclass(frozen=True, kw_only=True)
class Series:
    """A column of brightnesses, and what belongs to it; a table may have one a band."""

    value: int | None
    """None where a table holds limits only."""
    scale: Scale | None
    """None where each row tells its unit."""
    error: int | None = None
    error_unit: str = ""
    limit: int | None = None
    limit_unit: str = ""
    marks: tuple[int, ...] = ()
    """Columns that say which values are limits."""
    detections: tuple[int, ...] = ()
    """Columns that say which values are no limits."""
    band: str = ""


def find(columns: Columns) -> list[Series]:
    values = _values(columns)
    if not values:
        limit, marks, detections = marking.find(columns, [None], "")
        if limit is None:
            raise lacking.brightness(columns, "no column holds a brightness or a limit")
        _check_nothing_looks_like_a_brightness(columns)
        return [Series(value=None, scale=None, limit=limit, marks=marks, detections=detections)]
    found = []
    for index, band in values:
        columns.take(index, f"brightness{f' in {band}' if band else ''}")
    for index, band in values:
        error = _error(columns, index, band, alone=len(values) == 1)
        limit, marks, detections = marking.find(columns, values, band)
        found.append(
            Series(value=index, scale=None, band=band, error=error, limit=limit, marks=marks, detections=detections)
        )
    return found


def _values(columns: Columns) -> list[tuple[int, str]]:
    """Return the columns of brightnesses, each with the band that its name tells."""
    if (said := columns.said(Role.BRIGHTNESS)) is not None:
        found = bands.band_of_value(columns.table.names[said])
        return [(said, found[0] if found else "")]
    free = columns.free()
    primary = [index for index in free if names.is_magnitude(columns.names[index])]
    if not primary:  # m is one where it has an error
        named_m = [index for index in free if columns.names[index].flat == "m"]
        known = columns.said(Role.ERROR) is not None
        primary = [one for one in named_m if known or any(_is_error_of(columns, index, one) for index in free)]
    banded = [(index, found) for index in free if (found := bands.band_of_value(columns.table.names[index]))]
    named = [(index, band) for index, (band, is_named) in banded if is_named and index not in primary]
    numeric = [
        (index, band) for index, band in named if columns.is_numeric(index) or not any(columns.table.cells(index))
    ]
    if primary:
        for index in (*primary[1:], *(index for index, _ in numeric)):
            raise columns.unclear(primary[0], index, Role.BRIGHTNESS)
        found_in_name = bands.band_of_value(columns.table.names[primary[0]])
        return [(primary[0], found_in_name[0] if found_in_name else "")]
    if numeric:
        return numeric
    fluxes = [index for index in free if names.flux_unit(columns.names[index]) is not None]
    if fluxes:
        for other in fluxes[1:]:
            raise columns.unclear(fluxes[0], other, Role.BRIGHTNESS)
        return [(fluxes[0], "")]
    return barebands.find(columns, [(index, band) for index, (band, is_named) in banded if not is_named])


def _error(columns: Columns, value: int, band: str, *, alone: bool) -> int | None:
    if alone and (said := columns.said(Role.ERROR)) is not None:
        return columns.take(said, "error")
    is_flux = names.flux_unit(columns.names[value]) is not None or _is_in_flux(columns, value)
    free = columns.free()
    own = [index for index in free if band and bands.band_of_error(columns.table.names[index]) == band]
    own += [index for index in free if _is_error_of(columns, index, value) and index not in own]
    general = [
        index
        for index in free
        if index not in own
        and not bands.BANDS.intersection(columns.names[index].said) - {band}
        and names.is_error(columns.names[index], of_flux=is_flux)
        and not names.is_one_sided(columns.names[index])
    ]
    if general and not alone:
        raise ValueError(
            f"column {columns.table.names[general[0]]!r} is an error, and nothing says of which brightness; rename it"
        )
    _check_whose_error(columns, own, general, is_flux=is_flux)
    found = own + general
    for index in found[1:]:
        if columns.table.cells(index) != columns.table.cells(found[0]):
            _check_marks_bad(columns, found[0], index)
            raise columns.unclear(found[0], index, Role.ERROR)
        columns.take(index, "further value")
    return columns.take(found[0], f"error{f' in {band}' if band else ''}") if found else None


def _check_marks_bad(columns: Columns, error: int, index: int) -> None:
    """Refuse a second error of whole numbers, 0 among them: it may mark bad rows, as ATLAS's ``err``."""
    cells = {cell for cell in columns.table.cells(index) if not is_empty(cell)}
    if "0" in cells and all(cell.isdigit() for cell in cells):
        own, name = columns.table.names[error], columns.table.names[index]
        raise ValueError(
            f"column {name!r} holds whole numbers, and {own!r} is the error: it may mark bad rows; say --columns "
            f"error={own},is_bad={name} to leave out those where it isn't 0, or error={own},extra={name}"
        )


def _check_whose_error(columns: Columns, own: Sequence[int], general: Sequence[int], *, is_flux: bool) -> None:
    """Refuse an error that may be the one of a flux beside the magnitude."""
    free = columns.free()
    fluxes = [index for index in free if names.flux_unit(columns.names[index]) is not None]
    if own or is_flux or not fluxes or not general:
        return
    error = columns.names[general[0]]
    flux_has_its_own = any(
        names.is_flux_error(columns.names[index]) or _is_error_of(columns, index, fluxes[0]) for index in free
    )
    if error.flat in names.GENERAL_ERRORS and not flux_has_its_own:
        flux = columns.table.names[fluxes[0]]
        raise ValueError(
            f"column {error.whole!r} may be the error of the magnitude or of {flux!r}; say --columns "
            f"error={error.whole} or extra={error.whole}"
        )


def _is_error_of(columns: Columns, index: int, value: int) -> bool:
    """Return whether a column is named after the brightness: ``e_X``, ``X_err``, ``MAGERR_AUTO`` of ``MAG_AUTO``."""
    name, of = columns.names[index].flat, columns.names[value].flat
    after = names.errors_of(of)
    inside = {of.replace(word, f"{word}err", 1) for word in ("mag", "flux") if word in of}
    return name in after | inside


def _is_in_flux(columns: Columns, index: int) -> bool:
    for said in (columns.table.columns[index].unit, *columns.names[index].said):
        try:
            if said and not units.brightness(said).is_magnitude:
                return True
        except ValueError:
            continue
    return "unit" in columns.options.given and not _is_magnitude_unit(columns.options.given["unit"])


_ERRORS = words("err errs error errors unc uncert uncertainty uncertainties sigma")
_LARGEST = 5.0
"""Magnitudes: the largest number that may be an error, and not another measurement."""
_OF_OTHERS = words(
    "ra dec x y pos position zp zero seeing fwhm sky airmass flux color colour exp time mjd jd inst instr instrumental "
    "ref comp check rms z redshift host"
)
"""What else may have an error."""
_LARGEST = 5.0


def check_no_error_is_lost(columns: Columns, found: Sequence[Series]) -> None:
    """Refuse to keep a column as a further value that may be the error of the only brightness, which has none."""
    value = found[0].value if len(found) == 1 and found[0].error is None else None
    if value is None or any(split_error(cell)[1] for cell in columns.table.cells(value)):
        return
    for index, what in columns.taken.items():
        name = columns.names[index]
        is_error = name.tokens & _ERRORS and not name.tokens & _OF_OTHERS and not names.is_one_sided(name)
        if what != "further value" or not is_error or name.whole in columns.options.columns:
            continue
        numbers = [number_of(cell) for cell in columns.table.cells(index) if not is_empty(cell)]
        if any(number is not None and 0 < number < _LARGEST for number in numbers):
            raise ValueError(
                f"column {name.whole!r} may be the error of {columns.table.names[value]!r}; say --columns "
                f"error={name.whole} or extra={name.whole}"
            )


def is_marked(columns: Columns, series: Series) -> bool:
    if series.value is None:
        return False
    return any(split_mark(cell)[0] for cell in columns.table.cells(series.value))


def _check_nothing_looks_like_a_brightness(columns: Columns) -> None:
    """Refuse limits alone where a column of numbers may be the brightness."""
    for index in columns.free():
        name = columns.names[index]
        known = names.role_of(name) is not None or names.is_error(name, of_flux=False) or leftovers.is_harmless(name)
        when = bool(clocks.TIME_WORDS.search(name.whole)) and not bands.band_of_value(name.whole)
        if not known and not when and columns.is_numeric(index):
            raise lacking.brightness(columns, f"column {name.whole!r} may be the brightness")


def _is_magnitude_unit(text: str) -> bool:
    try:
        return units.brightness(text).is_magnitude
    except ValueError:
        return False
