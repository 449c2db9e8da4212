"""A table of measured positions: right ascension and declination with their times, and errors where it has them."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.events import Position
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements import names, places, units
from bridge.publishing.sources.tables.elements.astro import astropy_at_hand
from bridge.publishing.sources.tables.elements.cells import is_empty, is_no_magnitude, number_of, typed
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.options import Options, check_names
from bridge.publishing.sources.tables.elements.table import Row, Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.files import reading
from bridge.publishing.sources.tables.outcome import Reading, told_columns
from bridge.publishing.sources.tables.roles import frames, leftovers, quality, reference, timing
from bridge.publishing.sources.tables.texts import remarks

_NAMES = {
    Role.RA: places.RIGHT_ASCENSIONS,
    Role.DEC: places.DECLINATIONS,
    Role.RA_ERROR: words(
        "raerr raerror era sigmara raunc rasigma raerrs errra eraj2000 rmsra radeviation dra raerrdeg eradeg "
        "rarms racosdecerr raerrcosdec erajdeg sigra raerror rastd"
    ),
    Role.DEC_ERROR: words(
        "decerr decerror edec ede sigmadec decunc decsigma errdec edej2000 edecj2000 rmsdec ddec decerrdeg deerr "
        "ededeg "
        "decrms sigdec decstd edecdeg"
    ),
}
_ADES = frozenset({"stn", "obsTime", "ra", "dec"})
"""The Minor Planet Center's format (https://minorplanetcenter.net/iau/info/ADES.html), whose errors are in arcsec."""
_OF_BRIGHTNESS = (Role.LIMIT, Role.IS_LIMIT, Role.IS_DETECTION)
"""Roles of columns beside positions that bear on brightnesses alone."""
_SHIFTS = words("bias offset off shift cor corr correction")
_OTHER_FRAME = re.compile(r"1950|^[gG]?(?:l|b|lon|lat|long)$|^(?:gl|el)(?:on|at)|app(?:arent)?$|galactic|ecliptic")
_DEGREES = words("d:m:s dms dd:mm:ss")
_ERROR_UNITS = words("deg arcmin arcsec mas uas rad s")


def read_positions(path: Path, options: Options | None = None) -> Reading:
    """Return the positions of the table in ``path``, in its order. Raises SourceError, ConfigurationError."""
    with astropy_at_hand():
        return _Positions(path, options or Options()).reading()


class _Positions:
    """The work of :func:`read_positions`."""

    def __init__(self, path: Path, options: Options) -> None:
        self.path = path
        self.options = options
        self.problems: list[str] = []
        self.positions: list[Position] = []
        self.path_on_sky: list[tuple[float, float, str]] = []
        self.taken: dict[int, str] = {}

    def reading(self) -> Reading:
        table = reading.read(self.path, self.options)
        try:
            table = places.with_positions(reference.with_mjd(table))
            self._understand(table)
        except ValueError as error:
            told = told_columns(
                tuple((name, self.taken.get(index, "not clear")) for index, name in enumerate(table.names))
            )
            what = str(error) if str(error).startswith(("line ", "row ")) else f"{table.header_place}: {error}"
            raise SourceError.of(str(self.path), [what], preview=told) from None
        taken = tuple((name, self.taken.get(index, "further value")) for index, name in enumerate(table.names))
        empty = 0
        for number, row in enumerate(table.rows):
            if number in self.bad:
                continue
            if self.options.skip_empty and all(is_empty(row.cells[self.columns[role]]) for role in (Role.RA, Role.DEC)):
                empty += 1
                continue
            self._row(table, number, row)
        try:
            frames.check_path(self.path_on_sky)
        except ValueError as error:
            self.problems.append(str(error))
        if self.problems or not self.positions:
            raise SourceError.of(
                str(self.path), self.problems or ["no row holds a position"], preview=told_columns(taken)
            )
        told = (*quality.told(self.bad), *((f"{empty} rows left out: no position",) if empty else ()))
        return Reading(format=table.format, datums=tuple(self.positions), taken=taken, left_out=told)

    def _understand(self, table: Table) -> None:
        """Find out what the columns are. ValueError says what is not clear."""
        check_names(self.options.columns, table.names)
        parsed = [names.parsed(column.name) for column in table.columns]
        self.columns = {role: index for role in _NAMES if (index := self._one(table, parsed, role)) is not None}
        for role in (Role.RA, Role.DEC):
            if role not in self.columns:
                if other := next((name for name in table.names if _OTHER_FRAME.search(name)), None):
                    raise ValueError(f"column {other!r} is not in ICRS or J2000 by its name; convert positions to ICRS")
                found = ", ".join(table.names)
                raise ValueError(f"no column holds the {role.value} (found: {found}); say --columns {role.value}=...")
        frames.check_equinox(table, [self.columns[role] for role in (Role.RA, Role.DEC)])
        for index, column in enumerate(table.columns):
            if index not in self.taken and {*table.cells(index)} <= {"+", "-"}:
                raise ValueError(f"column {column.name!r} holds signs; write them before the declinations")
        self.forms = {role: self._form(table, parsed, role) for role in (Role.RA, Role.DEC)}
        self.error_units = {
            role: self._error_unit(table, parsed, role)
            for role in (Role.RA_ERROR, Role.DEC_ERROR)
            if role in self.columns
        }
        self.texts = {
            role: index
            for role in names.TEXTS
            if role is not Role.BANDPASS
            if (index := self._text(table, parsed, role)) is not None
        }
        said = frozenset(index for index, name in enumerate(table.names) if name in self.options.columns)
        extra = {table.names.index(name) for name in self.options.named(Role.EXTRA)}
        found_time = timing.find(table, parsed, self.options, frozenset({*self.taken} | extra | (said - extra)))
        self.timing = leftovers.with_keywords(table, found_time)
        for index in self.timing.columns:
            self.taken[index] = f"time: {self.timing.form.text}{', whole days' if self.timing.is_whole_days else ''}"
        free = [index for index in range(len(parsed)) if index not in self.taken | dict.fromkeys(extra | said)]
        marked = quality.find(table, parsed, self.options, free)
        self.taken |= marked.taken
        self.bad = marked.rows
        years = [moment.year for moment in self.timing.moments if isinstance(moment, datetime)]
        for index in {*free, *self.texts.values()} - {*extra, *said}:
            frames.check_column(table, index, parsed[index], years)
        frames.check_twice(table, parsed, {role: self.columns[role] for role in (Role.RA, Role.DEC)}, free)
        for index in free:
            if parsed[index].tokens & _SHIFTS and parsed[index].tokens & {"ra", "dec"}:
                raise ValueError(
                    f"column {table.names[index]!r} may shift the positions, and nothing says how; say --columns "
                    f"extra={table.names[index]} if they are as measured"
                )
            if index not in self.taken and names.role_of(parsed[index]) not in _OF_BRIGHTNESS:
                leftovers.check_column(table, index, parsed[index], has_limits=True)
        if Role.RA not in self.options.columns.values():
            frames.check_comments(table, in_hours=self.forms[Role.RA] in ("hourangle", "sexagesimal"))
        remarks.check_remarks(
            table,
            parsed,
            self.timing,
            named=frozenset(self.options.columns.values()),
            has_limits=True,
            has_detections=False,
            is_flux=False,
            has_exposure=False,
            value=Role.RA,
        )

    def _one(self, table: Table, parsed: Sequence[names.Name], role: Role) -> int | None:
        if said := self.options.named(role):
            found = [table.names.index(said[0])]
        else:
            found = [
                index
                for index, name in enumerate(parsed)
                if name.flat in _NAMES[role] and table.names[index] not in self.options.columns
            ]
        if len(found) > 1:
            first, second = (table.names[index] for index in found[:2])
            raise ValueError(
                f"columns {first!r} and {second!r} may both be the {role.value}; say --columns {role.value}={first}"
            )
        if found:
            self.taken[found[0]] = role.value
        return found[0] if found else None

    def _text(self, table: Table, parsed: Sequence[names.Name], role: Role) -> int | None:
        said = [table.names.index(name) for name in self.options.named(role)]
        found = said or [
            index
            for index, name in enumerate(parsed)
            if index not in self.taken
            and names.role_of(name) is role
            and table.names[index] not in self.options.columns
        ]
        if found:
            self.taken[found[0]] = role.value
        return found[0] if found else None

    def _form(self, table: Table, parsed: Sequence[names.Name], role: Role) -> str:
        """Return how a coordinate is written: ``deg``, ``rad``, ``hourangle``, or ``sexagesimal``."""
        index = self.columns[role]
        cells = [cell for cell in table.cells(index) if not is_empty(cell)]
        are_sexagesimal = bool(cells) and all(places.SEXAGESIMAL.fullmatch(cell) for cell in cells)
        told = [
            text
            for text in (table.columns[index].unit, *parsed[index].said)
            if text and text.upper() not in ("J2000", "ICRS")
        ]
        if parsed[index].flat.endswith("deg"):
            told.append("deg")
        forms = {places.angle_of(text, table.names[index]) for text in told}
        if are_sexagesimal:
            if role is Role.RA and "deg" in forms:
                raise ValueError(
                    f"column {table.names[index]!r} is in degrees by its name, and in hours by its cells; mend one"
                )
            if role is Role.RA and any(text.lower().strip('"') in _DEGREES for text in told):
                raise ValueError(
                    f"column {table.names[index]!r} is in degrees, minutes and seconds by its name, and so written are "
                    "hours in most tables; write degrees, or hours under the name 'ra (h:m:s)'"
                )
            return "sexagesimal"
        if len(forms) > 1:
            raise ValueError(f"column {table.names[index]!r} tells two units; keep one")
        if forms:
            return forms.pop()
        if parsed[index].flat.endswith(("hms", "dms")):
            raise ValueError(f"column {table.names[index]!r} holds no sexagesimal positions, as 10:11:12.3")
        numbers = [number_of(cell) for cell in cells]
        if role is Role.RA and numbers and all(number is None or 0 <= number < 24 for number in numbers):
            raise ValueError(
                f"column {table.names[index]!r} may be in hours or degrees; write its unit, 'ra (deg)' or 'ra (h)'"
            )
        return "deg"

    def _error_unit(self, table: Table, parsed: Sequence[names.Name], role: Role) -> str:
        index = self.columns[role]
        told = [text for text in (table.columns[index].unit, *parsed[index].said) if text]
        unit = units.unit_of(told[0]) if told else None
        if unit is None and table.names[index] in ("rmsRA", "rmsDec") and set(table.names) >= _ADES:
            unit = units.unit_of("arcsec")
        if parsed[index].flat.endswith("deg") and unit is None:
            unit = units.unit_of("deg")
        if unit is None or str(unit) not in _ERROR_UNITS:
            name = table.names[index]
            raise ValueError(
                f"column {name!r} is an error without a unit of angle; write '{name} (arcsec)' or '{name} (mas)'"
            )
        return str(unit)

    def _row(self, table: Table, number: int, row: Row) -> None:
        """Add the position of one row, or what is wrong with it."""
        wrong: list[str] = []
        fields: dict[str, Any] = {
            name: text for name, text in self.options.given.items() if name in ("telescope", "instrument")
        }
        fields |= {role.value: row.cells[index] for role, index in self.texts.items() if not is_empty(row.cells[index])}
        moment = self.timing.moments[number]
        if not isinstance(moment, datetime):
            wrong.append(f"column {table.names[self.timing.columns[0]]}: {moment or 'is empty; write the time'}")
        for role in (Role.RA, Role.DEC):
            index = self.columns[role]
            degrees = places.degrees(row.cells[index], self.forms[role], is_hours=role is Role.RA)
            if degrees is None:
                wrong.append(f"column {table.names[index]}: {row.cells[index][:40]!r} is no {role.value}")
            fields[role.value] = degrees
        for role, unit in self.error_units.items():
            index = self.columns[role]
            if not is_empty(row.cells[index]):
                error = number_of(row.cells[index])
                if error is None or error <= 0 or is_no_magnitude(row.cells[index]) or places.is_too_large(error, unit):
                    wrong.append(
                        f"column {table.names[index]}: {row.cells[index][:40]!r} is no error of a position; write a "
                        f"number above 0"
                    )
                fields |= {role.value: error, f"{role.value}_units": unit}
        used = {*self.taken}
        fields["extra"] = {
            name: typed(row.cells[index])
            for index, name in enumerate(table.names)
            if index not in used and name and not is_empty(row.cells[index])
        }
        if wrong:
            self.problems += [f"{row.place}, {what}" for what in wrong]
            return
        try:
            position = Position.model_validate({**fields, "timestamp": moment})
            self.positions.append(position)
            self.path_on_sky.append((position.ra, position.dec, row.place))
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in problem["loc"])
            self.problems.append(f"{row.place}, {place}: {str(problem['msg']).removeprefix('Value error, ')}")
