"""What each column of a table means, by the general rules; refused where that is not clear.

Nothing is dropped: a column is used, or it is kept as a further value after :mod:`leftovers` has made sure that it
can't bear on the others.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.publishing.sources.tables.brightness import measured, scales, series
from bridge.publishing.sources.tables.brightness.series import Series
from bridge.publishing.sources.tables.elements import bands, names, places, units
from bridge.publishing.sources.tables.elements.cells import NUMBER
from bridge.publishing.sources.tables.elements.columns import Columns
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.roles import lacking, leftovers, quality, timing
from bridge.publishing.sources.tables.texts import cards, dated, headbands, notes, remarks, ucds
from bridge.publishing.sources.tables.when import forms
from bridge.publishing.sources.tables.when.moments import Timing


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What the columns of a table are."""

    timing: Timing
    series: tuple[Series, ...]
    texts: dict[Role, int]
    unit: int | None
    system: int | None
    zero_point: int | None
    exposure: int | None
    exposure_factor: float
    extra: tuple[int, ...]
    bandpass: str
    """Of all rows, where only the file's head tells it; else empty."""
    bad: Mapping[int, str]
    """Rows that are marked as bad, by their numbers, each with why it is left out."""
    taken: tuple[tuple[str, str], ...]
    """What each column was taken for, in the table's order."""


def understand(columns: Columns) -> Meaning:
    """Return what the columns are. ValueError says what is not clear, and what to do."""
    columns.check_names()
    for name in columns.options.named(Role.EXTRA):
        columns.take(columns.table.names.index(name), "further value")
    places.check_one_place(columns.table, frozenset(columns.options.columns))
    found = series.find(columns)
    texts = {role: index for role in names.TEXTS if (index := columns.one(role)) is not None}
    if Role.BANDPASS not in texts and (index := _named_f(columns)) is not None:
        texts[Role.BANDPASS] = columns.take(index, Role.BANDPASS.value)
    _check_other_filters(columns, texts.get(Role.BANDPASS))
    if (source := texts.get(Role.SOURCE)) is not None:
        leftovers.check_objects(columns.names[source], [cell for cell in columns.table.cells(source) if cell])
        if columns.said(Role.SOURCE) is None:
            quality.check_words(columns.names[source], [(row.place, row.cells[source]) for row in columns.table.rows])
            notes.check_plain(columns.names[source], {*columns.table.cells(source)})
    unit, system, zero_point = columns.one(Role.UNIT), columns.one(Role.SYSTEM), columns.one(Role.ZERO_POINT)
    exposure = columns.one(Role.EXPOSURE)
    _check_time_unit(columns)
    when = timing.find(columns.table, columns.names, columns.options, frozenset(columns.taken))
    when = leftovers.with_keywords(columns.table, when)
    for index in when.columns:
        columns.take(index, f"time: {when.form.text}{', whole days' if when.is_whole_days else ''}")
    found = [scales.with_scale(columns, one, unit=unit, system=system, zero_point=zero_point) for one in found]
    for one in found:
        measured.check(columns, one)
        if one.value is not None and columns.said(Role.BRIGHTNESS) != one.value:
            has_limits = bool(one.marks or one.limit is not None or one.detections)
            note = columns.table.columns[one.value].note
            remarks.check_note(columns.table.names[one.value], note, has_limits=has_limits)
    zero_point = scales.check_zero_point(columns, found, zero_point, system)
    bandpass = _check_bands(columns, found, texts)
    factor = _exposure_factor(columns, exposure)
    has_limits = any(
        one.marks or one.limit is not None or one.detections or series.is_marked(columns, one) for one in found
    )
    marked = quality.find(columns.table, columns.names, columns.options, columns.free())
    columns.taken |= marked.taken
    for index in columns.free():
        if columns.table.names[index] or any(columns.table.cells(index)):
            leftovers.check_column(columns.table, index, columns.names[index], has_limits=has_limits)
            columns.take(index, "further value")
    series.check_no_error_is_lost(columns, found)
    filters = {*columns.table.cells(texts[Role.BANDPASS])} if Role.BANDPASS in texts else set()
    _check_head(columns, when, filters or {one.band or bandpass for one in found})
    if texts.keys().isdisjoint((Role.BANDPASS, Role.TELESCOPE, Role.INSTRUMENT, Role.SOURCE)):
        dated.check_blocks(columns.table, when.moments)
    _check_ucds(columns, when.columns, found, frozenset(filters or {one.band for one in found}))
    used = (*when.columns, texts.get(Role.BANDPASS), *(index for one in found for index in (one.value, one.error)))
    for index in {
        index for index in used if index is not None and columns.table.names[index] not in columns.options.columns
    }:
        remarks.check_described(columns.table, index, columns.names[index], {when.form.scale})
    fluxes = any(one.scale is None or not one.scale.is_magnitude for one in found)
    remarks.check_remarks(
        columns.table,
        columns.names,
        when,
        named=frozenset(columns.options.columns.values()),
        has_limits=has_limits,
        has_detections=any(one.value is not None for one in found),
        is_flux=fluxes,
        has_exposure=exposure is not None and factor == 1.0,
    )
    return Meaning(
        timing=when,
        series=tuple(found),
        texts=texts,
        unit=unit,
        system=system,
        zero_point=zero_point,
        exposure=exposure,
        exposure_factor=factor,
        bandpass=bandpass,
        bad=marked.rows,
        extra=tuple(index for index, what in columns.taken.items() if what == "further value"),
        taken=(
            *((name, columns.taken.get(index, "nothing")) for index, name in enumerate(columns.table.names)),
            *((("the head of the file", f"bandpass: {bandpass}"),) if bandpass else ()),
        ),
    )


def _check_head(columns: Columns, when: Timing, filters: set[str]) -> None:
    """Refuse a table whose head tells another filter or day than its columns, or another thing."""
    cards.check_table(columns.table.keywords, filters)
    headbands.check(columns.table, (filters | {columns.options.given.get("bandpass", "")}) - {""})
    if not when.is_said:
        dated.check(columns.table.remarks, when.moments)


def _check_ucds(columns: Columns, times: Sequence[int], found: Sequence[Series], filters: frozenset[str]) -> None:
    """Refuse columns that are something else by their UCDs; those that the person named are not doubted."""
    used = [(index, Role.TIME, True) for index in times]
    for one in found:
        is_magnitude = one.scale is None or one.scale.is_magnitude
        used += [(index, Role.BRIGHTNESS, is_magnitude) for index in (one.value,) if index is not None]
        used += [(index, Role.ERROR, is_magnitude) for index in (one.error,) if index is not None]
    for index, role, is_magnitude in used:
        if columns.table.names[index] not in columns.options.columns:
            ucds.check(columns.table, index, role, is_magnitude=is_magnitude, filters=filters)


def _named_f(columns: Columns) -> int | None:
    """Return a column ``F`` of filters, as ATLAS and what is made of it name them."""
    for index in columns.free():
        if columns.table.names[index] == "F" and {*columns.table.cells(index)} <= bands.BANDS:
            return index
    return None


def _check_other_filters(columns: Columns, bandpass: int | None) -> None:
    """Refuse a second column of filters, by whatever name, that tells others than the one that is used."""
    used = None if bandpass is None else columns.table.cells(bandpass)
    for index in columns.free() if used is not None else ():
        cells = columns.table.cells(index)
        is_named = bool(re.search(r"filt|band", columns.table.names[index], re.IGNORECASE))
        if is_named and any(cells) and {*cells} <= bands.BANDS | {""} and cells != used and bandpass is not None:
            raise columns.unclear(bandpass, index, Role.BANDPASS)


def _check_bands(columns: Columns, series: Sequence[Series], texts: dict[Role, int]) -> str:
    """Return the bandpass in the file's head where only that tells it; refuse a table that tells none, or two."""
    column = texts.get(Role.BANDPASS)
    if column is None:
        if any(not one.band for one in series) and "bandpass" not in columns.options.given:
            if told := headbands.told(columns.table):
                return told
            raise lacking.bandpass(columns)
        return ""
    cells = {cell for cell in columns.table.cells(column) if cell}
    if number := next((cell for cell in sorted(cells) if NUMBER.fullmatch(cell)), None):
        name = columns.table.names[column]
        raise ValueError(
            f"column {name!r} tells filters by numbers ({number}); write their names, or, where all rows are of one "
            f"filter, say --columns extra={name} --bandpass and its name"
        )
    if shifted := next((cell for cell in sorted(cells) if bands.is_shifted(cell)), None):
        raise ValueError(
            f"column {columns.table.names[column]!r} says {shifted!r}: magnitudes shifted for a plot? Write them as "
            "observed, and the filter alone"
        )
    other = next((cell for cell in sorted(cells) if bands.is_other(cell)), None)
    if other and columns.said(Role.BANDPASS) is None:
        name = columns.table.names[column]
        raise ValueError(
            f"column {name!r} says {other!r}: a colour, a limit, or no magnitude as observed? Write the filter alone, "
            f"or say --columns bandpass={name}"
        )
    if cells and all(cell.isdigit() for cell in cells):
        raise ValueError(
            f"column {columns.table.names[column]!r} holds numbers; write the names of the filters, as g or V"
        )
    for one in series:
        said = one.value is not None and columns.said(Role.BRIGHTNESS) == one.value
        if len(series) > 1 or (one.band and not said and any(one.band.lower() not in cell.lower() for cell in cells)):
            raise ValueError(
                f"the brightness in {columns.table.names[one.value or 0]!r} and column "
                f"{columns.table.names[column]!r} tell "
                "different filters; keep one"
            )
    return ""


def _exposure_factor(columns: Columns, exposure: int | None) -> float:
    if exposure is None:
        return 1.0
    told = [text for text in (columns.table.columns[exposure].unit, *columns.names[exposure].said) if text]
    try:
        factors = {units.seconds(text) for text in told}
    except ValueError as error:
        raise ValueError(f"column {columns.table.names[exposure]!r} {error}") from None
    if len(factors) > 1:
        raise ValueError(f"column {columns.table.names[exposure]!r} tells two units; keep one")
    columns.taken[exposure] = f"exposure time, {told[0] if told else 's'}"
    return factors.pop() if factors else 1.0


def _check_time_unit(columns: Columns) -> None:
    """Refuse a column that says how times are written, unless it says what is understood."""
    index = columns.one(Role.TIME_UNIT)
    if index is None:
        return
    said = {cell.strip().lower() for cell in columns.table.cells(index)} - {""}
    if not said <= {"mjd", "jd", "utc", "iso", "isot", "mjd utc", "jd utc"} or len(said) > 1:
        raise ValueError(
            f"column {columns.table.names[index]!r} says that times are in {', '.join(sorted(said))[:60]}; write "
            "them as MJD or "
            "JD in UTC"
        )
    wanted = said & {"mjd", "jd"}
    for name in columns.names:
        form = forms.form_of(name, "", "")
        if wanted and isinstance(form, forms.Form) and form.count.lower() not in (*wanted, "time"):
            raise ValueError(
                f"columns {name.whole!r} and {columns.table.names[index]!r} disagree on how times are written"
            )
    columns.taken[index] = "further value"
