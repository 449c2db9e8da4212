"""In which units brightnesses, errors and limits are, and what zero points make of fluxes."""

import re
from collections.abc import Sequence
from dataclasses import replace

from bridge.publishing.sources.tables.brightness.series import Series
from bridge.publishing.sources.tables.elements import bands, names, units
from bridge.publishing.sources.tables.elements.cells import is_empty
from bridge.publishing.sources.tables.elements.columns import Columns
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.units import Scale
from bridge.publishing.sources.tables.elements.words import words

_SYSTEMS = words("MAGSYS MAG_SYS MAGSYST MAGSYSTEM ZPSYS PHOTSYS MAG_SYSTEM MAGNITUDESYSTEM MAGNITUDE_SYSTEM")
"""Keywords."""
_SIGMAS = r"(?:\.0)?[ -]?(?:sigmas?|sig|\u03c3|s)"
_OF_LIMIT = re.compile(rf"[35]{_SIGMAS}", re.IGNORECASE)
_OF_ERROR = re.compile(rf"1{_SIGMAS}|68 ?%", re.IGNORECASE)
_OF_SEVERAL = re.compile(r"\b[2-9] ?-?(?:sigma|\u03c3)|\b9\d ?%", re.IGNORECASE)
"""What an error or a limit is by itself: ``err (1 sigma)``, but not ``err (3 sigma)``."""


def with_scale(
    columns: Columns, series: Series, *, unit: int | None, system: int | None, zero_point: int | None
) -> Series:
    """Return ``series`` with its scale and the units of error and limit. ValueError where they don't agree."""
    scale = _with_system(columns.table, _scale(columns, series, unit=unit, zero_point=zero_point), system)
    if series.value is not None and system is None and scale is not None:
        columns.taken[series.value] += f", {scale.name or ('magnitudes' if scale.is_magnitude else '')}".rstrip(", ")
    if series.error is not None and _OF_SEVERAL.search(note := columns.table.columns[series.error].note):
        raise ValueError(f"column {columns.table.names[series.error]!r} is described as {note[:60]!r}; write 1 sigma")
    error_unit = _unit_of(columns, series.error, _OF_ERROR) if series.error is not None else ""
    limit_unit = _unit_of(columns, series.limit, _OF_LIMIT) if series.limit is not None else ""
    if series.limit is not None and series.value is not None and not limit_unit:
        flat = columns.names[series.limit].flat
        if (scale is None or not scale.is_magnitude) and unit is None:
            kind = "may be in magnitudes" if "mag" not in flat else "is in magnitudes"
            raise ValueError(
                f"column {columns.table.names[series.limit]!r} {kind}, the brightness is a flux; write its unit "
                "in brackets, "
                f"or say --columns extra={columns.table.names[series.limit]}"
            )
    for told, index, what in ((error_unit, series.error, "error"), (limit_unit, series.limit, "limit")):
        if told and index is not None and scale is not None:
            try:
                scale.factor_of(told)
            except ValueError as error:
                raise ValueError(f"column {columns.table.names[index]!r} {error}") from None
            columns.taken[index] = f"{what}, from {told}"
    return Series(
        value=series.value,
        scale=scale,
        error=series.error,
        error_unit=error_unit,
        limit=series.limit,
        limit_unit=limit_unit,
        marks=series.marks,
        detections=series.detections,
        band=series.band,
    )


def _with_system(table: Table, scale: Scale | None, system: int | None) -> Scale | None:
    """Return ``scale`` with the magnitude system that the file's head tells, where columns tell none."""
    told = next(
        ((name, text) for name, text in table.keywords.items() if name in _SYSTEMS and not is_empty(text)), None
    )
    if told is None or scale is None or not scale.is_magnitude or system is not None:
        return scale
    found = units.system_of(told[1].strip("' "))
    if found is None or scale.name not in ("", found):
        raise ValueError(
            f"the head says {told[0]} = {told[1][:40]}, which is "
            + ("no magnitude system that is known" if found is None else f"not {scale.name}; keep one")
        )
    return replace(scale, name=found)


def _unit_of(columns: Columns, index: int, by_itself: re.Pattern[str] | None = None) -> str:
    """Return the unit that a column's description or name tells; ValueError where they differ."""
    told = [text for text in (columns.table.columns[index].unit, *columns.names[index].said) if text]
    told = [text for text in told if text not in bands.BANDS and not (by_itself and by_itself.fullmatch(text))]
    scales = {text: _brightness(columns, text, index) for text in told}
    if len({(scale.name, scale.factor) for scale in scales.values()}) > 1 and len(told) > 1:
        systems = {text: scale for text, scale in scales.items() if scale.is_magnitude and scale.name}
        plain = [text for text in told if text not in systems]
        if len(systems) == 1 and all(scales[text].is_magnitude for text in plain):
            return next(iter(systems))  # "mag" as unit, AB in the name
        raise ValueError(f"column {columns.table.names[index]!r} tells two units, {' and '.join(told)}; keep one")
    return told[0] if told else ""


def _brightness(columns: Columns, text: str, index: int) -> Scale:
    try:
        return units.brightness(text)
    except ValueError as error:
        raise ValueError(f"column {columns.table.names[index]!r} {error}") from None


def _scale(columns: Columns, series: Series, *, unit: int | None, zero_point: int | None) -> Scale | None:
    given = columns.options.given.get("unit", "")
    if given and zero_point is not None:
        raise ValueError("the table has zero points, so its fluxes are in no unit that --unit could name; leave it out")
    index = series.value
    if index is None:
        if series.limit is not None and (told := _unit_of(columns, series.limit, _OF_LIMIT)):
            return _brightness(columns, told, series.limit)
        return units.brightness(given) if given else (None if unit is not None else units.MAGNITUDES)
    name = columns.names[index]
    told = _unit_of(columns, index) or names.flux_unit(name) or ""
    is_flux = names.flux_unit(name) is not None
    if told:
        scale = _brightness(columns, told, index)
        is_clear = name.flat == "brightness" or columns.said(Role.BRIGHTNESS) == index
        if scale.is_magnitude == is_flux and not is_clear:
            raise ValueError(f"column {name.whole!r} is in {told!r} by its unit, and something else by its name")
        return scale
    if unit is not None or (is_flux and zero_point is not None):
        return None
    if given:
        scale = units.brightness(given)
        if scale.is_magnitude == is_flux and name.flat != "brightness" and columns.said(Role.BRIGHTNESS) != index:
            raise ValueError(f"column {name.whole!r} can't be in {given!r}; mend --unit")
        return scale
    if is_flux:
        raise ValueError(
            f"column {name.whole} is a flux without a unit; write it in the header, as in 'flux (uJy)', add a "
            "column "
            "'unit', or say --unit uJy if that is its unit"
        )
    return units.MAGNITUDES


def check_zero_point(
    columns: Columns, series: Sequence[Series], zero_point: int | None, system: int | None
) -> int | None:
    """Return the column of zero points where fluxes need it; ValueError where nothing says what to make of it."""
    if zero_point is None:
        return None
    name = columns.table.names[zero_point]
    if "unit" in columns.taken.values():
        raise ValueError(f"the table has units and a zero point ({name!r}); fluxes have one or the other")
    used = [one for one in series if one.scale is None and one.value is not None]
    if not used:
        has_flux = any(names.flux_unit(columns.names[index]) is not None for index in columns.free())
        if has_flux or columns.said(Role.ZERO_POINT) is not None:
            columns.taken[zero_point] = "further value"
            return None
        raise ValueError(
            f"column {name!r} is a zero point, and nothing says whether the magnitudes have it; say --columns "
            f"extra={name} if they do"
        )
    if system is None:
        raise ValueError(
            f"column {name!r} is a zero point of an unknown system; add a column 'magsys' (ab), or publish magnitudes"
        )
    if any(one.limit is not None for one in used):
        raise ValueError("the table has fluxes with zero points beside limits; publish magnitudes")
    return zero_point
