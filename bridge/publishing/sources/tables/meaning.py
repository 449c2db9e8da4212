"""What each column of a table means, by the general rules; refused where that is not clear.

Nothing is dropped: a column is used, or it is kept as a further value after :mod:`leftovers` has made sure that it
can't bear on the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.publishing.sources.tables import leftovers, limits, names, times, timing, units
from bridge.publishing.sources.tables.cells import is_empty, is_no_magnitude, number_of, split_error, split_mark
from bridge.publishing.sources.tables.names import Name, Role
from bridge.publishing.sources.tables.options import Options, check_names
from bridge.publishing.sources.tables.table import Table
from bridge.publishing.sources.tables.timing import Timing
from bridge.publishing.sources.tables.units import Scale


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
    taken: tuple[tuple[str, str], ...]
    """What each column was taken for, in the table's order."""


class Understanding:
    """The work of finding out what the columns of a table are: one role after the other, one a column."""

    def __init__(self, table: Table, options: Options) -> None:
        self.table = table
        self.options = options
        self.names = [names.parsed(column.name) for column in table.columns]
        self.taken: dict[int, str] = {}

    def so_far(self) -> tuple[tuple[str, str], ...]:
        """Return what each column has been taken for by now."""
        return tuple((name, self.taken.get(index, "not clear")) for index, name in enumerate(self.table.names))

    def _check_names(self) -> None:
        table, options = self.table, self.options
        if twice := next((name for name in table.names if name and table.names.count(name) > 1), None):
            raise ValueError(f"two columns are named {twice!r}; rename one")
        check_names(options.columns, table.names)

    # -- what is asked of one column --------------------------------------------------------------------------------

    def _free(self) -> list[int]:
        said = self.options.columns
        return [index for index, name in enumerate(self.table.names) if index not in self.taken and name not in said]

    def _take(self, index: int, what: str) -> int:
        self.taken[index] = what
        return index

    def _said(self, role: Role) -> int | None:
        found = self.options.named(role)
        return self.table.names.index(found[0]) if found else None

    def _one(self, role: Role) -> int | None:
        """Return the column that holds ``role``; ValueError where two may, and their cells differ."""
        if (said := self._said(role)) is not None:
            return self._take(said, role.value)
        found = [index for index in self._free() if names.role_of(self.names[index]) is role]
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
                raise self._unclear(found[0], index, role)
            self._take(index, "further value")
        return self._take(found[0], role.value)

    def _unclear(self, one: int, other: int, role: Role) -> ValueError:
        first, second = self.table.names[one], self.table.names[other]
        return ValueError(
            f"columns {first!r} and {second!r} may both be the {role.value}; say --columns {role.value}={first}"
            f",extra={second}"
        )

    def _numeric(self, index: int) -> bool:
        held = [cell for cell in self.table.cells(index) if not is_empty(cell)]
        return bool(held) and all(number_of(split_error(split_mark(cell)[1])[0]) is not None for cell in held)

    # -- all of it --------------------------------------------------------------------------------------------------

    def meaning(self) -> Meaning:
        """Return what the columns are. ValueError says what is not clear, and what to do."""
        self._check_names()
        for name in self.options.named(Role.EXTRA):
            self._take(self.table.names.index(name), "further value")
        series = self._series()
        texts = {role: index for role in names.TEXTS if (index := self._one(role)) is not None}
        unit, system, zero_point = self._one(Role.UNIT), self._one(Role.SYSTEM), self._one(Role.ZERO_POINT)
        exposure = self._one(Role.EXPOSURE)
        self._check_time_unit()
        when = timing.find(self.table, self.names, self.options, frozenset(self.taken))
        when = leftovers.with_keywords(self.table, when)
        for index in when.columns:
            self._take(index, f"time: {when.form.text}")
        series = [self._with_scale(one, unit=unit, system=system, zero_point=zero_point) for one in series]
        zero_point = self._check_zero_point(series, zero_point, system)
        self._check_bands(series, texts)
        factor = self._exposure_factor(exposure)
        has_limits = any(one.marks or one.limit is not None or one.detections or self._is_marked(one) for one in series)
        for index in self._free():
            if self.table.names[index] or any(self.table.cells(index)):
                leftovers.check_column(self.table, index, self.names[index], has_limits=has_limits)
                self._take(index, "further value")
        fluxes = any(one.scale is None or not one.scale.is_magnitude for one in series)
        leftovers.check_remarks(
            self.table,
            self.names,
            when,
            has_limits=has_limits,
            is_flux=fluxes,
            has_exposure=exposure is not None and factor == 1.0,
        )
        return Meaning(
            timing=when,
            series=tuple(series),
            texts=texts,
            unit=unit,
            system=system,
            zero_point=zero_point,
            exposure=exposure,
            exposure_factor=factor,
            extra=tuple(index for index, what in self.taken.items() if what == "further value"),
            taken=tuple((name, self.taken.get(index, "nothing")) for index, name in enumerate(self.table.names)),
        )

    # -- brightnesses -----------------------------------------------------------------------------------------------

    def _series(self) -> list[Series]:
        values = self._values()
        if not values:
            limit, marks, detections = self._limits([None], "")
            if limit is None:
                raise self._no_brightness("no column holds a brightness or a limit")
            self._check_nothing_looks_like_a_brightness()
            return [Series(value=None, scale=None, limit=limit, marks=marks, detections=detections)]
        found = []
        for index, band in values:
            self._take(index, f"brightness{f' in {band}' if band else ''}")
        for index, band in values:
            error = self._error(index, band, alone=len(values) == 1)
            limit, marks, detections = self._limits(values, band)
            found.append(
                Series(value=index, scale=None, band=band, error=error, limit=limit, marks=marks, detections=detections)
            )
        return found

    def _no_brightness(self, what: str) -> ValueError:
        found = ", ".join(self.table.names)
        return ValueError(f"{what} (found: {found}); name one 'magnitude', or say --columns brightness=...")

    def _values(self) -> list[tuple[int, str]]:
        """Return the columns of brightnesses, each with the band that its name tells."""
        if (said := self._said(Role.BRIGHTNESS)) is not None:
            found = names.band_of_value(self.table.names[said])
            return [(said, found[0] if found else "")]
        free = self._free()
        primary = [index for index in free if names.is_magnitude(self.names[index])]
        bands = [(index, found) for index in free if (found := names.band_of_value(self.table.names[index]))]
        named = [(index, band) for index, (band, is_named) in bands if is_named and index not in primary]
        numeric = [(index, band) for index, band in named if self._numeric(index) or not any(self.table.cells(index))]
        if primary:
            for index in (*primary[1:], *(index for index, _ in numeric)):
                raise self._unclear(primary[0], index, Role.BRIGHTNESS)
            found_in_name = names.band_of_value(self.table.names[primary[0]])
            return [(primary[0], found_in_name[0] if found_in_name else "")]
        if numeric:
            return numeric
        fluxes = [index for index in free if names.flux_unit(self.names[index]) is not None]
        if fluxes:
            for other in fluxes[1:]:
                raise self._unclear(fluxes[0], other, Role.BRIGHTNESS)
            return [(fluxes[0], "")]
        bare = [(index, band) for index, (band, is_named) in bands if not is_named and self._is_bare(index)]
        errors = {names.band_of_error(self.table.names[index]) for index in free}
        alone = any(names.is_error(self.names[index], of_flux=False) for index in free)
        if len(bare) == 1 and not alone and bare[0][1] not in errors:
            return []
        return bare

    def _is_bare(self, index: int) -> bool:
        """Return whether a column named by a band alone holds magnitudes."""
        if self.table.names[index].lower() == "y" and any(name.lower() == "x" for name in self.table.names):
            return False
        held = [split_error(split_mark(cell)[1])[0] for cell in self.table.cells(index) if not is_no_magnitude(cell)]
        numbers = [number_of(cell) for cell in held]
        return bool(numbers) and all(number is not None and 0 < number < 30 for number in numbers)

    def _error(self, value: int, band: str, *, alone: bool) -> int | None:
        if alone and (said := self._said(Role.ERROR)) is not None:
            return self._take(said, "error")
        is_flux = names.flux_unit(self.names[value]) is not None or self._is_in_flux(value)
        free = self._free()
        own = [index for index in free if band and names.band_of_error(self.table.names[index]) == band]
        own += [index for index in free if self._is_error_of(index, value) and index not in own]
        general = [
            index
            for index in free
            if index not in own
            and names.is_error(self.names[index], of_flux=is_flux)
            and not names.is_one_sided(self.names[index])
        ]
        if general and not alone:
            raise ValueError(
                f"column {self.table.names[general[0]]!r} is an error, and nothing says of which brightness; rename it"
            )
        found = own + general
        for index in found[1:]:
            if self.table.cells(index) != self.table.cells(found[0]):
                raise self._unclear(found[0], index, Role.ERROR)
            self._take(index, "further value")
        return self._take(found[0], f"error{f' in {band}' if band else ''}") if found else None

    def _is_error_of(self, index: int, value: int) -> bool:
        """Return whether a column is named after the brightness: ``e_X``, ``X_err``."""
        name, of = self.names[index].flat, self.names[value].flat
        return name in {
            f"e{of}",
            f"err{of}",
            f"sigma{of}",
            f"{of}err",
            f"{of}error",
            f"{of}unc",
            f"{of}sigma",
            f"d{of}",
        }

    def _is_in_flux(self, index: int) -> bool:
        for said in (self.table.columns[index].unit, *self.names[index].said):
            try:
                if said and not units.brightness(said).is_magnitude:
                    return True
            except ValueError:
                continue
        return "unit" in self.options.given and not _is_magnitude_unit(self.options.given["unit"])

    # -- limits -----------------------------------------------------------------------------------------------------

    def _limits(
        self, values: Sequence[tuple[int, str] | None], band: str
    ) -> tuple[int | None, tuple[int, ...], tuple[int, ...]]:
        """Return the column of limits, the columns of marks, and those of detections, of the series in ``band``."""
        alone = len(values) == 1
        limit: int | None = None
        marks: list[int] = []
        detections: list[int] = []
        said = {role: self._said(role) for role in (Role.LIMIT, Role.IS_LIMIT, Role.IS_DETECTION)}
        if alone:
            for role, index in said.items():
                if index is None:
                    continue
                cells = self.table.cells(index)
                if role is Role.LIMIT and not limits.are_marks(cells):
                    limit = self._take(index, "limit")
                elif role is Role.IS_DETECTION:
                    detections.append(self._take(index, "whether it is a detection"))
                else:
                    marks.append(self._take(index, "whether it is a limit"))
        for index in self._free():
            what = self._kind_of_mark(index, values, band)
            if what is Role.IS_LIMIT:
                marks.append(self._mark(index))
            elif what is Role.IS_DETECTION:
                detections.append(self._take(index, "whether it is a detection"))
            elif what is Role.LIMIT:
                if limit is not None:
                    raise self._unclear(limit, index, Role.LIMIT)
                limit = self._take(index, "limit")
        return limit, tuple(marks), tuple(detections)

    def _kind_of_mark(self, index: int, values: Sequence[tuple[int, str] | None], band: str) -> Role | None:
        """Return whether a column marks the limits of the series in ``band``, or holds them."""
        name, cells = self.names[index], self.table.cells(index)
        alone = len(values) == 1
        of_band = names.band_of_mark(name.whole)
        if of_band is not None and (of_band == band or (alone and not band)):
            return Role.IS_LIMIT
        role = names.role_of(name) if alone else None
        is_mark = role is Role.IS_LIMIT or (alone and (limits.are_signs(cells) or self._is_named_mark(name, values[0])))
        if role is Role.LIMIT and not is_mark:
            if any(cells) and limits.are_marks(cells) and not self._is_numeric_flag(index, name):
                return Role.IS_LIMIT
            return Role.LIMIT if any(not is_empty(cell) for cell in cells) else None
        return Role.IS_LIMIT if is_mark else (role if role is Role.IS_DETECTION else None)

    def _is_named_mark(self, name: Name, value: tuple[int, str] | None) -> bool:
        """Return whether a column is named as VizieR names the marks of the brightness: ``l_`` and its name."""
        return value is not None and name.whole.lower().startswith("l_") and self._marks(name, value[0])

    def _is_numeric_flag(self, index: int, name: Name) -> bool:
        """Return whether a column of limits holds only 0 and 1, and its name does not say that they are flags."""
        if not limits.are_flags(self.table.cells(index)):
            return False
        if name.flat in ("ul", "uplim", "upperlim", "upperlimit", "ulim", "upperlimits"):
            return False
        raise ValueError(f"column {name.whole} holds only 0 and 1; name it 'is_limit' if it marks limits")

    def _marks(self, name: Name, value: int) -> bool:
        return name.whole[2:].lower() == self.table.names[value].lower() or name.flat in ("lmag", "lmagnitude", "lflux")

    def _mark(self, index: int) -> int:
        for row in self.table.rows:
            if limits.is_limit(row.cells[index]) is None:
                raise ValueError(
                    f"{row.place}, column {self.table.names[index]}: {row.cells[index][:40]!r} says neither limit nor "
                    "detection; write < or nothing, true or false"
                )
        return self._take(index, "whether it is a limit")

    def _is_marked(self, series: Series) -> bool:
        if series.value is None:
            return False
        return any(split_mark(cell)[0] for cell in self.table.cells(series.value))

    def _check_nothing_looks_like_a_brightness(self) -> None:
        """Refuse limits alone where a column of numbers may be the brightness."""
        for index in self._free():
            name = self.names[index]
            known = (
                names.role_of(name) is not None or names.is_error(name, of_flux=False) or leftovers.is_harmless(name)
            )
            when = bool(names.TIME_WORDS.search(name.whole)) and not names.band_of_value(name.whole)
            if not known and not when and self._numeric(index):
                raise self._no_brightness(f"column {name.whole!r} may be the brightness")

    # -- units ------------------------------------------------------------------------------------------------------

    def _with_scale(self, series: Series, *, unit: int | None, system: int | None, zero_point: int | None) -> Series:
        """Return ``series`` with its scale and the units of error and limit. ValueError where they don't agree."""
        scale = self._scale(series, unit=unit, zero_point=zero_point)
        if series.value is not None and system is None and scale is not None:
            self.taken[series.value] += f", {scale.name or ('magnitudes' if scale.is_magnitude else '')}".rstrip(", ")
        error_unit = self._unit_of(series.error) if series.error is not None else ""
        limit_unit = self._unit_of(series.limit) if series.limit is not None else ""
        if series.limit is not None and series.value is not None and not limit_unit:
            flat = self.names[series.limit].flat
            if (scale is None or not scale.is_magnitude) and unit is None:
                kind = "may be in magnitudes" if "mag" not in flat else "is in magnitudes"
                raise ValueError(
                    f"column {self.table.names[series.limit]!r} {kind}, the brightness is a flux; write its unit "
                    "in brackets, "
                    f"or say --columns extra={self.table.names[series.limit]}"
                )
        for told, index, what in ((error_unit, series.error, "error"), (limit_unit, series.limit, "limit")):
            if told and index is not None and scale is not None:
                try:
                    scale.factor_of(told)
                except ValueError as error:
                    raise ValueError(f"column {self.table.names[index]!r} {error}") from None
                self.taken[index] = f"{what}, from {told}"
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

    def _unit_of(self, index: int) -> str:
        """Return the unit that a column's description or name tells; ValueError where they differ."""
        told = [text for text in (self.table.columns[index].unit, *self.names[index].said) if text]
        told = [text for text in told if text not in names.BANDS]
        scales = {text: self._brightness(text, index) for text in told}
        if len({(scale.name, scale.factor) for scale in scales.values()}) > 1 and len(told) > 1:
            systems = {text: scale for text, scale in scales.items() if scale.is_magnitude and scale.name}
            plain = [text for text in told if text not in systems]
            if len(systems) == 1 and all(scales[text].is_magnitude for text in plain):
                return next(iter(systems))  # "mag" as unit, AB in the name
            raise ValueError(f"column {self.table.names[index]!r} tells two units, {' and '.join(told)}; keep one")
        return told[0] if told else ""

    def _brightness(self, text: str, index: int) -> Scale:
        try:
            return units.brightness(text)
        except ValueError as error:
            raise ValueError(f"column {self.table.names[index]!r} {error}") from None

    def _scale(self, series: Series, *, unit: int | None, zero_point: int | None) -> Scale | None:
        given = self.options.given.get("unit", "")
        if given and zero_point is not None:
            raise ValueError(
                "the table has zero points, so its fluxes are in no unit that --unit could name; leave it out"
            )
        index = series.value
        if index is None:
            if series.limit is not None and (told := self._unit_of(series.limit)):
                return self._brightness(told, series.limit)
            return units.brightness(given) if given else (None if unit is not None else units.MAGNITUDES)
        name = self.names[index]
        told = self._unit_of(index) or names.flux_unit(name) or ""
        is_flux = names.flux_unit(name) is not None
        if told:
            scale = self._brightness(told, index)
            is_clear = name.flat == "brightness" or self._said(Role.BRIGHTNESS) == index
            if scale.is_magnitude == is_flux and not is_clear:
                raise ValueError(f"column {name.whole!r} is in {told!r} by its unit, and something else by its name")
            return scale
        if unit is not None or (is_flux and zero_point is not None):
            return None
        if given:
            scale = units.brightness(given)
            if scale.is_magnitude == is_flux and name.flat != "brightness" and self._said(Role.BRIGHTNESS) != index:
                raise ValueError(f"column {name.whole!r} can't be in {given!r}; mend --unit")
            return scale
        if is_flux:
            raise ValueError(
                f"column {name.whole} is a flux without a unit; write it in the header, as in 'flux (uJy)', add a "
                "column "
                "'unit', or say --unit uJy if that is its unit"
            )
        return units.MAGNITUDES

    def _check_zero_point(self, series: Sequence[Series], zero_point: int | None, system: int | None) -> int | None:
        """Return the column of zero points where fluxes need it; ValueError where nothing says what to make of it."""
        if zero_point is None:
            return None
        name = self.table.names[zero_point]
        used = [one for one in series if one.scale is None and one.value is not None]
        if not used:
            has_flux = any(names.flux_unit(self.names[index]) is not None for index in self._free())
            if has_flux or self._said(Role.ZERO_POINT) is not None:
                self.taken[zero_point] = "further value"
                return None
            raise ValueError(
                f"column {name!r} is a zero point, and nothing says whether the magnitudes have it; say --columns "
                f"extra={name} if they do"
            )
        if system is None:
            raise ValueError(
                f"column {name!r} is a zero point of an unknown system; add a column 'magsys' (ab), or publish "
                "magnitudes"
            )
        if any(one.limit is not None for one in used):
            raise ValueError("the table has fluxes with zero points beside limits; publish magnitudes")
        return zero_point

    # -- the rest ---------------------------------------------------------------------------------------------------

    def _check_bands(self, series: Sequence[Series], texts: dict[Role, int]) -> None:
        """Refuse a table that tells no bandpass, or two."""
        column = texts.get(Role.BANDPASS)
        if column is None:
            if any(not one.band for one in series) and "bandpass" not in self.options.given:
                raise ValueError(
                    f"no column holds the filter (found: {', '.join(self.table.names)}); name one 'filter', or "
                    "say --bandpass"
                )
            return
        cells = {cell for cell in self.table.cells(column) if cell}
        if cells and all(cell.isdigit() for cell in cells):
            raise ValueError(
                f"column {self.table.names[column]!r} holds numbers; write the names of the filters, as g or V"
            )
        for one in series:
            said = one.value is not None and self._said(Role.BRIGHTNESS) == one.value
            if len(series) > 1 or (
                one.band and not said and any(one.band.lower() not in cell.lower() for cell in cells)
            ):
                raise ValueError(
                    f"the brightness in {self.table.names[one.value or 0]!r} and column "
                    f"{self.table.names[column]!r} tell "
                    "different filters; keep one"
                )

    def _exposure_factor(self, exposure: int | None) -> float:
        if exposure is None:
            return 1.0
        told = [text for text in (self.table.columns[exposure].unit, *self.names[exposure].said) if text]
        try:
            factors = {units.seconds(text) for text in told}
        except ValueError as error:
            raise ValueError(f"column {self.table.names[exposure]!r} {error}") from None
        if len(factors) > 1:
            raise ValueError(f"column {self.table.names[exposure]!r} tells two units; keep one")
        self.taken[exposure] = f"exposure time, {told[0] if told else 's'}"
        return factors.pop() if factors else 1.0

    def _check_time_unit(self) -> None:
        """Refuse a column that says how times are written, unless it says what is understood."""
        index = self._one(Role.TIME_UNIT)
        if index is None:
            return
        said = {cell.strip().lower() for cell in self.table.cells(index)} - {""}
        if not said <= {"mjd", "jd", "utc", "iso", "isot", "mjd utc", "jd utc"} or len(said) > 1:
            raise ValueError(
                f"column {self.table.names[index]!r} says that times are in {', '.join(sorted(said))[:60]}; write "
                "them as MJD or "
                "JD in UTC"
            )
        wanted = said & {"mjd", "jd"}
        for name in self.names:
            form = times.form_of(name, "", "")
            if wanted and isinstance(form, times.Form) and form.count.lower() not in (*wanted, "time"):
                raise ValueError(
                    f"columns {name.whole!r} and {self.table.names[index]!r} disagree on how times are written"
                )
        self.taken[index] = "further value"


def _is_magnitude_unit(text: str) -> bool:
    try:
        return units.brightness(text).is_magnitude
    except ValueError:
        return False
