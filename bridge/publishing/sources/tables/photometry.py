"""A file of photometry as points: by the survey that it is from, or by the general rules."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.events import Point
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables import surveys
from bridge.publishing.sources.tables.brightness import meaning
from bridge.publishing.sources.tables.brightness.meaning import Meaning
from bridge.publishing.sources.tables.brightness.rowcells import RowCells
from bridge.publishing.sources.tables.elements import exposures, places
from bridge.publishing.sources.tables.elements.astro import astropy_at_hand
from bridge.publishing.sources.tables.elements.cells import is_empty, typed
from bridge.publishing.sources.tables.elements.columns import Columns
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.elements.table import Row, Table
from bridge.publishing.sources.tables.files import brackets, layouts
from bridge.publishing.sources.tables.files.reading import read
from bridge.publishing.sources.tables.outcome import Reading, told_columns
from bridge.publishing.sources.tables.roles import reference
from bridge.publishing.sources.tables.surveys.survey import Left, Survey, Wrong
from bridge.publishing.sources.tables.texts import remarks

EMPTY_ROW = "holds no value"


def read_photometry(path: Path, options: Options | None = None) -> Reading:
    """Return the points of the table in ``path``, in its order.

    Raises SourceError with every wrong row (the first 20), each with its line and column, and with what each column was
    taken for; ConfigurationError where astropy is missing.
    """
    with astropy_at_hand():
        return _Photometry(path, options or Options()).reading()


class _Photometry:
    """The work of :func:`read_photometry`."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path = path
        self.options = options
        self.problems: list[str] = []
        self.points: list[Point] = []
        self.left: dict[str, int] = {}

    def reading(self) -> Reading:
        table = read(self.path, self.options)
        survey = self._survey(table)
        taken = self._by_survey(table, survey) if survey else self._by_rules(table)
        if self.problems:
            raise SourceError.of(str(self.path), self.problems, preview=told_columns(taken))
        told = tuple(f"{count} row{'s' if count > 1 else ''} left out: {why}" for why, count in self.left.items())
        if not self.points:
            raise SourceError.of(str(self.path), [*told, "no row holds a measurement"], preview=told_columns(taken))
        return Reading(
            format=survey.title if survey else table.format, datums=tuple(self.points), taken=taken, left_out=told
        )

    def _survey(self, table: Table) -> Survey | None:
        try:
            return surveys.find(table, self.options)
        except ValueError as error:
            raise SourceError.of(str(self.path), [str(error)]) from None

    def _by_survey(self, table: Table, survey: Survey) -> tuple[tuple[str, str], ...]:
        given = {**survey.given, **self.options.given}
        try:
            if not survey.has_head:
                remarks.check_survey(table)
            else:
                remarks.check_head(table)
            places.check_one_place(table, frozenset(self.options.columns))
            moments = survey.times(table)
        except ValueError as error:
            raise SourceError.of(str(self.path), [f"{table.header_place}: {error}"]) from None
        for row, moment in zip(table.rows, moments, strict=True):
            cells = dict(zip(table.names, row.cells, strict=True))
            if not isinstance(moment, datetime):
                self.problems.append(f"{row.place}, column {survey.time}: {moment or 'is empty; write the time'}")
                continue
            try:
                for fields, used in survey.points(cells):
                    extra = {
                        name: typed(cell)
                        for name, cell in cells.items()
                        if name not in used and name and not is_empty(cell)
                    }
                    survey.check_fields(fields)
                    self._add(row, {**given, "timestamp": moment, **fields, "extra": extra}, {})
            except Left as left:
                self._leave_out(str(left))
            except Wrong as wrong:
                self.problems.append(f"{row.place}, column {wrong.column}: {wrong.what}")
        return tuple((name, survey.taken(name)) for name in table.names)

    def _by_rules(self, table: Table) -> tuple[tuple[str, str], ...]:
        columns = Columns(table, self.options)
        try:
            table = brackets.written_out(reference.with_mjd(table), self.options.named(Role.BRIGHTNESS))
            table = layouts.arranged(table)
            columns = Columns(table, self.options)
            found = meaning.understand(columns)
        except ValueError as error:
            hint = surveys.hint(table)
            what = str(error) if re.match(r"(line|row|record) \d", str(error)) else f"{table.header_place}: {error}"
            problems = [what, *([hint] if hint else [])]
            raise SourceError.of(str(self.path), problems, preview=told_columns(columns.so_far())) from None
        for number, row in enumerate(table.rows):
            if (why := found.bad.get(number)) is not None:
                self._leave_out(why)
            else:
                self._row(table, found, number, row)
        return found.taken

    def _row(self, table: Table, found: Meaning, number: int, row: Row) -> None:
        """Add the points of one row, or what is wrong with it."""
        named = {role.value: table.names[index] for role, index in found.texts.items()}
        common = self._common(found, row)
        extra = _extra(table, found, row)
        wrong: list[tuple[str, str]] = []
        moment = found.timing.moments[number]
        if not isinstance(moment, datetime):
            wrong.append((table.names[found.timing.columns[0]], moment or "is empty; write the time"))
        if found.exposure is not None and not is_empty(row.cells[found.exposure]):
            try:
                common["exposure_time"] = exposures.seconds_of(row.cells[found.exposure], found.exposure_factor)
            except ValueError as error:
                wrong.append((table.names[found.exposure], str(error)))
        measured = []
        for one in found.series:
            fields = RowCells(table, found, row, one, wrong).fields()
            if fields:
                measured.append((one, fields))
        if wrong:
            self.problems += [f"{row.place}, column {column}: {what}" for column, what in wrong]
        elif not measured:
            if not self.options.skip_empty:
                self.problems.append(
                    f"{row.place}: {EMPTY_ROW}; a point needs a brightness or a limit (or say --skip-empty)"
                )
            else:
                self._leave_out(EMPTY_ROW)
        for one, fields in measured if not wrong else ():
            own = fields.pop("extra", {})
            band = {"bandpass": one.band} if one.band and "bandpass" not in named else {}
            self._add(row, {**common, **band, **fields, "timestamp": moment, "extra": {**extra, **own}}, named)

    def _leave_out(self, why: str) -> None:
        self.left[why] = self.left.get(why, 0) + 1

    def _common(self, found: Meaning, row: Row) -> dict[str, Any]:
        fields: dict[str, Any] = {name: text for name, text in self.options.given.items() if name != "unit"}
        if found.bandpass:
            fields["bandpass"] = found.bandpass
        for role, index in found.texts.items():
            cell = row.cells[index]
            if role is Role.BANDPASS:
                if cell.lower() not in ("", "nan", "none", "null", "masked") and re.search(r"\w", cell):
                    fields[role.value] = cell
            elif not is_empty(cell):
                fields[role.value] = cell
        return fields

    def _add(self, row: Row, fields: Mapping[str, Any], named: Mapping[str, str]) -> None:
        try:
            self.points.append(Point.model_validate(fields))
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                field = str(problem["loc"][0]) if problem["loc"] else ""
                what = "is empty; fill it in" if problem["type"] == "missing" else str(problem["msg"])
                column = f", column {named.get(field, field)}" if field else ""
                self.problems.append(f"{row.place}{column}: {what.removeprefix('Value error, ')}")


def _extra(table: Table, found: Meaning, row: Row) -> dict[str, Any]:
    """Return the further values: numbers as numbers, else text. A unit from outside of a name is put into it."""
    extra = {}
    for index in found.extra:
        column, cell = table.columns[index], row.cells[index]
        if column.name and not is_empty(cell):
            unit = f" ({column.unit})" if column.unit and column.unit not in column.name else ""
            extra[f"{column.name}{unit}"] = typed(cell)
    return extra
