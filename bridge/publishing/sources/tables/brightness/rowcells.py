"""The cells of one brightness in one row of a table, as fields of a point."""

import re
from dataclasses import replace
from typing import Any

from bridge.publishing.sources.tables.brightness.meaning import Meaning
from bridge.publishing.sources.tables.brightness.series import Series
from bridge.publishing.sources.tables.elements import limits, names, units
from bridge.publishing.sources.tables.elements.cells import (
    BRIGHTEST,
    FAINTEST,
    WORDED,
    is_empty,
    is_no_magnitude,
    number_of,
    scaled,
    split_error,
    split_mark,
    typed,
)
from bridge.publishing.sources.tables.elements.table import Row, Table
from bridge.publishing.sources.tables.elements.units import MAGNITUDES, Scale

_LARGEST_ERROR = 3.0
"""Magnitudes."""
_LIMIT_SIGNS = (WORDED, "<", ">", "\u2264", "\u2265", "\u2272", "\u2273")
_NO_SIGNAL = re.compile(r"1\.08(?:57\d*|6)")
"""2.5 / ln 10 magnitudes: the error of a signal that is as large as its noise, which programs write for none."""
_ZERO_POINT_UJY = 23.9
"""AB magnitude of one microjansky."""


class RowCells:
    """The cells of one brightness in one row, as fields of a point."""

    def __init__(self, table: Table, found: Meaning, row: Row, series: Series, wrong: list[tuple[str, str]]) -> None:
        self.table = table
        self.found = found
        self.row = row
        self.series = series
        self.wrong = wrong

    def _cell(self, index: int | None) -> str:
        return "" if index is None else self.row.cells[index]

    def _say(self, index: int | None, what: str) -> None:
        self.wrong.append((self.table.names[index] if index is not None else "", what))

    def fields(self) -> dict[str, Any]:
        """Return the fields, empty where nothing was measured; what is wrong is said."""
        series, before = self.series, len(self.wrong)
        scale = self._scale()
        if scale is None:
            return {}
        mark, rest = split_mark(self._cell(series.value))
        if mark and not mark.startswith(_LIMIT_SIGNS):
            self._say(series.value, f"{self._cell(series.value)[:40]!r} is no number; write one, with its error")
        text, error_text = split_error(rest)
        value = self._number(series.value, text, scale, scale.factor)
        limit = self._limit(scale)
        is_limit = self._is_limit(mark, scale, self._cell(series.error))
        fields: dict[str, Any] = {"unit": scale.name}
        if is_limit and value is not None:
            if limit is not None and limit != value:
                self._say(series.value, f"the row has two limits, {limit:g} and {value:g}; keep one")
            fields["limit"] = value
        elif not is_limit and value is not None:
            fields["brightness"] = value
            if limit == value and not self._is_measured(scale) and not error_text:
                self._say(
                    series.value,
                    "is the limit too, and has no error: a measurement or a limit? Write it in one of both",
                )
            fields |= {} if limit is None else {"limit": limit}
        elif limit is not None:
            fields["limit"] = limit
        error_cell = error_text or self._cell(series.error)
        own_error = self._cell(series.error)
        if error_text and not is_empty(own_error) and number_of(own_error) != number_of(error_text):
            self._say(series.value, f"has {error_text} beside the value, and another error, {own_error[:20]}; keep one")
        if "brightness" in fields:
            self._put_error(error_cell, scale, fields)
            if self.found.zero_point is not None and len(self.wrong) == before:
                self._calibrate(fields)
        elif "limit" in fields and series.error is not None and not is_empty(error_cell):
            fields["extra"] = {self.table.names[series.error]: typed(error_cell)}
        return fields if len(fields) > 1 and len(self.wrong) == before else {}

    def _scale(self) -> Scale | None:
        """Return the scale of the row, by its own unit and system where it tells them; None where it can't be used."""
        told = self._told_scale()
        if told is None or self.found.system is None:
            return told
        system = self._cell(self.found.system)
        named = units.system_of(system)
        if is_empty(system):
            return told
        if named is None:
            name = self.table.names[self.found.system]
            self._say(
                self.found.system, f"{system[:40]!r} is no magnitude system that is known; say --columns extra={name}"
            )
        elif told.is_magnitude and told.name not in ("", named):
            self._say(self.found.system, f"says {system!r}, the unit {told.name}; keep one")
        else:
            return replace(told, name=named) if told.is_magnitude else told
        return None

    def _told_scale(self) -> Scale | None:
        """Return the scale by the row's own unit, else by the header; None where neither can be used."""
        scale = self.series.scale
        if self.found.unit is not None and not is_empty(self._cell(self.found.unit)):
            return self._scale_of_row(self._cell(self.found.unit))
        if scale is None and self.found.zero_point is not None:
            return Scale(name="zero point")
        if scale is None and not is_empty(self._cell(self.series.value)) and self._is_flux_column():
            self._say(self.found.unit, "is empty; a flux needs its unit")
            return None
        return scale or MAGNITUDES

    def _scale_of_row(self, unit: str) -> Scale | None:
        """Return the scale by the row's own unit, None where it can't be used or the header says otherwise."""
        scale = self.series.scale
        try:
            told = units.brightness(unit)
        except ValueError as error:
            self._say(self.found.unit, str(error))
            return None
        if scale is not None and (scale.name, scale.factor) != (told.name, told.factor):
            self._say(self.found.unit, f"says {unit!r}, the header {scale.name or 'magnitudes'}; keep one")
            return None
        return told

    def _is_flux_column(self) -> bool:
        return (
            self.series.value is not None
            and names.flux_unit(names.parsed(self.table.names[self.series.value])) is not None
        )

    def _number(self, index: int | None, text: str, scale: Scale, factor: float) -> float | None:
        if index is None or (is_no_magnitude(text) if scale.is_magnitude else is_empty(text)):
            return None
        number = number_of(text)
        if number is None:
            mend = "one alone, and its error, unit or mark in columns of their own"
            if not any(mark.isdigit() for mark in text):
                mend = "one, or leave the cell empty if nothing was measured"
            self._say(index, f"{text[:40]!r} is no number; write {mend}")
            return None
        number = scaled(number, factor)
        if scale.is_magnitude and scale.factor != 1.0 and abs(number) < 1:
            self._say(index, f"{text[:40]} millimagnitudes are no apparent magnitude: a difference, or in another unit")
            return None
        if scale.is_magnitude and not BRIGHTEST <= number <= FAINTEST:
            self._say(index, f"{number:g} is no apparent magnitude; if it is a flux, write its unit in the header")
            return None
        return number

    def _limit(self, scale: Scale) -> float | None:
        if self.series.limit is None:
            return None
        mark, text = split_mark(self._cell(self.series.limit))
        factor = scale.factor_of(self.series.limit_unit) if self.series.limit_unit else scale.factor
        if mark and not text:
            return None
        if not scale.is_magnitude and mark.startswith((">", "\u2265")):
            self._say(self.series.limit, f"{mark} marks a lower limit of a flux, which can't be published")
        return self._number(self.series.limit, text, scale, factor)

    def _is_limit(self, mark: str, scale: Scale, error: str) -> bool:
        """Return whether a mark before the value, a column of marks or a word for its error says that it is a limit."""
        said = [limits.is_limit(self._cell(index)) for index in self.series.marks]
        empty = [is_empty(self._cell(index)) for index in self.series.marks]
        for index in self.series.detections:
            word = limits.is_detection(self._cell(index))
            if word is None:
                self._say(index, f"{self._cell(index)[:40]!r} is neither true nor false; write one")
            elif not word and self._is_measured(scale):
                name = self.table.names[index]
                self._say(
                    index,
                    "is no detection, and the value has an error: is it a limit or a measurement? Write limits "
                    "in a column "
                    f"'limit', or say --columns extra={name} to publish what was measured",
                )
            else:
                said.append(not word)
                empty.append(False)
        is_marked = mark.startswith(_LIMIT_SIGNS) or limits.is_worded(error)
        if not scale.is_magnitude:
            lower = [index for index in self.series.marks if self._cell(index).startswith((">", "\u2265"))]
            if mark.startswith((">", "\u2265", "\u2273")) or lower:
                self._say(self.series.value, "a lower limit of a flux can't be published")
            if any(said) and not scale.is_magnitude and self._is_measured(scale) and not is_marked:
                self._say(
                    self.series.value, "is marked as a limit and has an error; write the limit in a column 'limit'"
                )
        told = [word for word, nothing in zip(said, empty, strict=True) if not nothing]
        if is_marked and any(word is False for word in told):
            self._say(self.series.value, f"the value is marked {mark or error}, and another column says it is no limit")
        return is_marked or any(word is True for word in told)

    def _is_measured(self, scale: Scale) -> bool:
        """Return whether the value has an error as measurements have."""
        number = number_of(self._cell(self.series.error))
        return number is not None and number > 0 and (not scale.is_magnitude or number * scale.factor <= _LARGEST_ERROR)

    def _put_error(self, cell: str, scale: Scale, fields: dict[str, Any]) -> None:
        index = self.series.error if self.series.error is not None else self.series.value
        if is_empty(cell):
            return
        cell = cell.removeprefix("\u00b1").removeprefix("+/-").removeprefix("+-").strip()
        number = number_of(cell)
        factor = scale.factor_of(self.series.error_unit) if self.series.error_unit else scale.factor
        advice = (
            "such errors often mark limits. Write a limit in a column 'limit', or mark it in a column "
            "'is_limit'; leave empty only "
            "the error of a measurement whose error nobody knows"
        )
        if number is None or number <= 0 or (scale.is_magnitude and _NO_SIGNAL.fullmatch(cell)):
            self._say(index, f"{cell[:40]!r} is no error of a measurement, and {advice}")
        elif scale.is_magnitude and (number * factor > _LARGEST_ERROR or self._counts_digits(cell)):
            self._say(
                index, f"an error of {cell[:40]} magnitudes is none (millimagnitudes? write 'err (mmag)'), and {advice}"
            )
        else:
            fields["brightness_error"] = scaled(number, factor)

    def _counts_digits(self, cell: str) -> bool:
        """Return whether an error is a whole number beside a value with decimals: 2 of the last digit, not 2 mag."""
        return cell.isdigit() and not self.series.error_unit and "." in self._cell(self.series.value)

    def _calibrate(self, fields: dict[str, Any]) -> None:
        """Turn a flux with an AB zero point into microjanskys: 23.9 is the AB magnitude of one."""
        zero_point = number_of(self._cell(self.found.zero_point))
        system = units.system_of(self._cell(self.found.system))
        if zero_point is None:
            self._say(self.found.zero_point, f"{self._cell(self.found.zero_point)[:40]!r} is no zero point")
        elif system != "AB":
            self._say(self.found.system, "only fluxes with an AB zero point can be published; publish magnitudes")
        else:
            factor = 10 ** (-0.4 * (zero_point - _ZERO_POINT_UJY))
            fields["unit"] = "uJy"
            for name in ("brightness", "brightness_error"):
                if name in fields:
                    fields[name] = scaled(fields[name], factor)
