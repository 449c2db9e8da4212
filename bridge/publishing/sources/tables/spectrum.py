"""A file with one spectrum: a table with wavelengths and fluxes, or a one-dimensional FITS image.

Units come from the file or from the person who publishes; the time from the header or from that person. Nothing is
assumed of either.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.events import Spectrum
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables import fitsimage, leftovers, names, reading, times, units
from bridge.publishing.sources.tables.astro import astropy_at_hand
from bridge.publishing.sources.tables.cells import NUMBER, is_empty, number_of
from bridge.publishing.sources.tables.fitsimage import Found
from bridge.publishing.sources.tables.forms import Count, Form
from bridge.publishing.sources.tables.names import SCALES, Role
from bridge.publishing.sources.tables.options import Options, check_names
from bridge.publishing.sources.tables.outcome import Reading, Taken, told_columns
from bridge.publishing.sources.tables.table import Column, Row, Table
from bridge.publishing.sources.tables.words import words

RELATIVE = "relative"
"""What ``--flux-unit`` says of fluxes that have no unit."""
_WAVELENGTHS = words(
    "wavelength wave wavelengths lambda lam wl wlen wav wavel wvl wavelengthair wavelengthvac "
    "wavelengthvacuum airwavelength vacwavelength obswavelength wavelengthobs waveobs spectralaxis"
)
_FLUXES = words("flux fluxes fluxdensity flam flambda fnu fluxlambda calflux fluxcal")
_ERRORS = words(
    "error err fluxerr fluxerror eflux sigma uncertainty unc fluxunc fluxuncertainty sigmaflux errflux "
    "dflux errors fluxsigma fluxe noise stdev"
)
_REST = words("rest restframe norm normalized normalised log")
_NOT_AS_OBSERVED = re.compile(r"rest[- ]?(?:frame|wave)|de-?redshift|normali[sz]ed|continuum[- ]subtracted")
_LOGARITHMS = {"Angstrom": (3.0, 4.7), "nm": (2.0, 3.7)}
"""From 1000 to 50,000 Angstrom."""
_WAVELENGTH_UNIT = re.compile(
    r"\b(?:wave\w*|lam\w*|wl)\b[^\w\u00c5]*(?:in |units?:? )?[^\w\u00c5]*"
    r"(nm|nanometers?|microns?|um|[\u00b5\u03bc]m|angstroms?|ang|\u00c5|A)\b",
    re.IGNORECASE,
)
_DATES = (
    "DATE-OBS",
    "DATE_OBS",
    "DATEOBS",
    "OBSDATE",
    "OBS_DATE",
    "OBS-DATE",
    "UTC-DATE",
    "DATE-AVG",
    "DATE-BEG",
    "UTDATE",
)
_CLOCKS = (
    "TIME-OBS",
    "TIME_OBS",
    "TIMEOBS",
    "UTSTART",
    "UT-TIME",
    "UTC-TIME",
    "UTTIME",
    "UT",
    "UTC",
    "UT-START",
    "EXPSTART",
)
_MJDS = ("MJD-OBS", "MJD_OBS", "MJDOBS", "MJD")
_KEPT = ("OBJECT", "OBSERVER", "AIRMASS", "GRATING", "GRISM", "SLIT", "SLITW", "APERWID", "PROPID")
_SAID = re.compile(r"\s*([A-Za-z][\w-]*)\s*[:=]\s*'?([^'/]*)'?.*")


def read_spectrum(path: Path, options: Options | None = None) -> Reading:
    """Return the spectrum in ``path``. Raises SourceError, and ConfigurationError where astropy is missing."""
    options = options or Options()
    with astropy_at_hand():
        taken: Taken = ()
        try:
            found = fitsimage.read(path) or _columns(path, options)
            taken = found.taken
            spectrum, told = _spectrum(found, options)
        except ValidationError as error:
            problem = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in problem["loc"])
            what = str(problem["msg"]).removeprefix("Value error, ")
            raise SourceError.of(str(path), [f"{place}: {what}"], preview=told_columns(taken)) from None
        except ValueError as error:
            raise SourceError.of(str(path), [str(error)], preview=told_columns(taken)) from None
    return Reading(format=found.format, datums=(spectrum,), taken=found.taken, left_out=(*found.left_out, *told))


def _spectrum(found: Found, options: Options) -> tuple[Spectrum, list[str]]:
    """Return the spectrum with its units and its time, and what was left out of it."""
    given, told = options.given, []
    wavelength_unit = _wavelength_unit(found.wavelength_unit or given.get("wavelength_unit", ""))
    flux_unit = found.flux_unit if found.flux_unit else given.get("flux_unit")
    if flux_unit is None:
        raise ValueError(
            "the fluxes have no unit; say --flux-unit, as in 'erg / (s cm2 Angstrom)', or --flux-unit relative "
            "if they are in none"
        )
    flux_unit = "" if flux_unit.lower() == RELATIVE else _flux_unit(flux_unit)
    rows = list(zip(found.wavelength, found.flux, found.error or [None] * len(found.flux), strict=True))
    whole = [row for row in rows if row[1] is not None and (found.error is None or row[2] is not None)]
    if missing := len(rows) - len(whole):
        if not options.skip_empty:
            raise ValueError(
                f"{missing} of {len(rows)} wavelengths have no flux or no error; leave them out with --skip-empty"
            )
        told.append(f"{missing} wavelengths left out: no flux or no error")
    if not whole:
        raise ValueError("no wavelength has a flux")
    _check_order([row[0] for row in whole])
    _check_logarithms([row[0] for row in whole], wavelength_unit)
    fields: dict[str, Any] = {
        name: text for name, text in given.items() if name in ("telescope", "instrument", "exposure_time", "setup")
    }
    for name, keyword in (("telescope", "TELESCOP"), ("instrument", "INSTRUME"), ("exposure_time", "EXPTIME")):
        if name not in fields and not is_empty(found.keywords.get(keyword, "")):
            fields[name] = found.keywords[keyword]
    spectrum = Spectrum.model_validate(
        {
            **fields,
            "timestamp": _time(found.keywords, options),
            "wavelength": tuple(row[0] for row in whole),
            "flux": tuple(row[1] for row in whole),
            "error": tuple(row[2] for row in whole) if found.error is not None else (),
            "wavelength_unit": wavelength_unit,
            "flux_unit": flux_unit,
            "extra": {name: found.keywords[name] for name in _KEPT if found.keywords.get(name)},
        }
    )
    return spectrum, told


def _wavelength_unit(text: str) -> str:
    from astropy import units as u

    if not text:
        raise ValueError("the wavelengths have no unit; say --wavelength-unit, as in Angstrom")
    unit = units.unit_of(text)
    if unit is None or not any(unit.is_equivalent(known) for known in (u.AA, u.Hz, u.eV)):
        raise ValueError(f"{text!r} is no unit of a wavelength; write Angstrom, nm or micron (--wavelength-unit)")
    return str(unit.to_string())


def _flux_unit(text: str) -> str:
    unit = units.unit_of(text)
    if unit is None:
        raise ValueError(f"{text!r} is no unit of a flux; write 'erg / (s cm2 Angstrom)', Jy or ct (--flux-unit)")
    return str(unit.to_string())


def _check_order(wavelengths: Sequence[float]) -> None:
    steps = [later - earlier for earlier, later in pairwise(wavelengths)]
    if any(wavelength <= 0 for wavelength in wavelengths):
        raise ValueError("a wavelength is 0 or less")
    if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        raise ValueError("the wavelengths neither rise nor fall all through: one spectrum a file is needed")


def _check_logarithms(wavelengths: Sequence[float], unit: str) -> None:
    """Refuse what may be logarithms of optical wavelengths: many headers name the unit and forget to say so."""
    lowest, highest = _LOGARITHMS.get(unit, (0.0, 0.0))
    if all(lowest <= wavelength <= highest for wavelength in wavelengths):
        raise ValueError(
            f"the wavelengths are from {min(wavelengths):g} to {max(wavelengths):g} {unit}, which may be their "
            "logarithms; write the wavelengths themselves, those of X-rays in keV"
        )


# -- when -------------------------------------------------------------------------------------------------------------


def _time(keywords: dict[str, str], options: Options) -> datetime:
    """Return when the spectrum was taken, as the person says, else by the header."""
    if options.time is not None:
        return options.time
    mend = "say --time 2024-02-01T06:00:00"
    system = keywords.get("TIMESYS", "UTC").upper()
    if system not in ("UTC", "UT", "TT", "TAI", ""):
        raise ValueError(f"the header says TIMESYS = {system}; {mend} in UTC at the observatory")
    form = Form(count=Count.ANY, scale=SCALES.get(system.lower() or "utc", "utc"))
    found: list[tuple[str, datetime]] = []
    date = next((name for name in _DATES if keywords.get(name)), None)
    if date is not None:
        text = keywords[date].strip()
        if times.is_day([text]):
            clock = next((name for name in _CLOCKS if times.is_clock([keywords.get(name, "")])), None)
            if clock is None:
                raise ValueError(f"{date} = {text} has no time of day; {mend}")
            text = times.joined(text, keywords[clock])
        moment = times.read_times([text], form)[0]
        if not isinstance(moment, datetime):
            raise ValueError(f"{date}: {moment}; or {mend}")
        found.append((date, moment))
    mjd = next((name for name in _MJDS if keywords.get(name)), None)
    if mjd is not None:
        moment = times.read_times([keywords[mjd].strip()], replace(form, count=Count.MJD))[0]
        if not isinstance(moment, datetime):
            raise ValueError(f"{mjd}: {moment}; or {mend}")
        found.append((mjd, moment))
    if not found:
        raise ValueError(f"nothing says when the spectrum was taken; {mend}")
    if len(found) == 2 and abs((found[0][1] - found[1][1]).total_seconds()) > 86_400:
        raise ValueError(f"{found[0][0]} and {found[1][0]} tell different times; {mend}")
    return found[0][1]


# -- tables -----------------------------------------------------------------------------------------------------------


def _columns(path: Path, options: Options) -> Found:
    """Return the spectrum in a table."""
    table = _headerless(path) or reading.read(path)
    check_names(options.columns, table.names)
    parsed = [names.parsed(column.name) for column in table.columns]
    roles = {
        "wavelength": _one(table, parsed, options, Role.WAVELENGTH, _WAVELENGTHS),
        "flux": _one(table, parsed, options, Role.BRIGHTNESS, _FLUXES),
        "error": _one(table, parsed, options, Role.ERROR, _ERRORS),
    }
    for what in ("wavelength", "flux"):
        if roles[what] is None:
            found = ", ".join(table.names)
            raise ValueError(
                f"{table.header_place}: no column holds the {what} (found: {found}); say --columns {what}=..."
            )
    told_units = {what: _unit(table, parsed, index) for what, index in roles.items() if index is not None}
    if told_units.get("error") and told_units["error"] != told_units["flux"]:
        raise ValueError(
            f"the error is in {told_units['error']}, the flux in {told_units['flux'] or 'no unit'}; write both alike"
        )
    values = {what: _numbers(table, index) for what, index in roles.items() if index is not None}
    used = {index: what for what, index in roles.items() if index is not None}
    taken = tuple(
        (name, f"{used[index]}, {told_units[used[index]] or 'unit as said'}" if index in used else "left out")
        for index, name in enumerate(table.names)
    )
    left = [name for index, name in enumerate(table.names) if index not in used and name]
    wavelengths = [value for value in values["wavelength"] if value is not None]
    if len(wavelengths) != len(table.rows):
        raise ValueError("a row has no wavelength; one each is needed")
    _check_remarks(table.remarks, told_units, options)
    keywords = {**_said(table.remarks), **table.keywords}
    return Found(
        wavelength=wavelengths,
        flux=values["flux"],
        error=values.get("error"),
        wavelength_unit=told_units["wavelength"],
        flux_unit=told_units["flux"] or None,
        keywords=keywords,
        format=table.format,
        taken=taken,
        left_out=[f"column{'s' if len(left) > 1 else ''} left out: {', '.join(left)}"] if left else [],
    )


def _check_remarks(remarks: Sequence[str], told_units: dict[str, str], options: Options) -> None:
    """Refuse a table whose comments say of its values what is not published with them. Raises ValueError."""
    flux_unit = told_units["flux"] or options.given.get("flux_unit", "")
    wavelength_unit = told_units["wavelength"] or options.given.get("wavelength_unit", "")
    for remark in remarks:
        text = remark.lower()
        if (_NOT_AS_OBSERVED.search(text) and not leftovers.is_denied(text)) or leftovers.is_intrinsic(text):
            raise _remarked(remark, "publish what was observed")
        is_of_flux = "flux" in text and not leftovers.FACTOR.search(flux_unit.lower())
        if is_of_flux and leftovers.FACTOR.search(text) and flux_unit.lower() != RELATIVE:
            raise _remarked(remark, "write the factor in the unit, as --flux-unit '1e-15 erg / (s cm2 Angstrom)'")
        said = _WAVELENGTH_UNIT.search(remark)
        if said and wavelength_unit and units.unit_of(said[1]) != units.unit_of(wavelength_unit):
            raise _remarked(remark, f"mend the unit, which is said to be {wavelength_unit}")


def _remarked(remark: str, mend: str) -> ValueError:
    return ValueError(f"a comment says {remark[:60]!r}; {mend}, or remove the comment if it is not so")


def _one(table: Table, parsed: Sequence[names.Name], options: Options, role: Role, known: frozenset[str]) -> int | None:
    if said := options.named(role):
        return table.names.index(said[0])
    found = [
        index for index, name in enumerate(parsed) if name.flat in known and table.names[index] not in options.columns
    ]
    for index in found:
        if parsed[index].tokens & _REST:
            raise ValueError(
                f"column {table.names[index]!r} is at rest, normalised or a logarithm; publish what was observed"
            )
    if len(found) > 1:
        first, second = table.names[found[0]], table.names[found[1]]
        raise ValueError(
            f"columns {first!r} and {second!r} may both be the {role.value}; say --columns {role.value}={first}"
        )
    return found[0] if found else None


def _unit(table: Table, parsed: Sequence[names.Name], index: int) -> str:
    told = [text for text in (table.columns[index].unit, *parsed[index].said) if text]
    if len({str(units.unit_of(text)) for text in told}) > 1:
        raise ValueError(f"column {table.names[index]!r} tells two units, {' and '.join(told)}; keep one")
    return told[0] if told else ""


def _numbers(table: Table, index: int) -> list[float | None]:
    found: list[float | None] = []
    for row in table.rows:
        cell = row.cells[index]
        number = None if is_empty(cell) or cell.lower() in ("inf", "-inf") else number_of(cell)
        if number is None and not is_empty(cell) and cell.lower() not in ("inf", "-inf"):
            raise ValueError(f"{row.place}, column {table.names[index]}: {cell[:40]!r} is no number")
        found.append(number)
    return found


def _headerless(path: Path) -> Table | None:
    """Return two columns of numbers without a header as wavelength and flux; None where the file is anything else."""
    try:
        text = reading.decoded(path.read_bytes()[: reading.MAX_TABLE_BYTES])
    except (OSError, ValueError):
        return None
    rows, remarks = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#"):
            remarks.append(line.strip("# "))
        elif cells := line.replace(",", " ").split():
            rows.append(Row(place=f"line {number}", cells=tuple(cells)))
    named = remarks and rows and len(re.split(r"[\s,]+", remarks[-1])) == len(rows[0].cells) and ":" not in remarks[-1]
    if not rows or named or any(len(row.cells) != 2 or not all(map(NUMBER.fullmatch, row.cells)) for row in rows):
        return None
    return Table(
        format="two columns",
        columns=(Column(name="wavelength"), Column(name="flux")),
        rows=rows,
        remarks=tuple(remarks),
    )


def _said(remarks: Sequence[str]) -> dict[str, str]:
    """Return what comments say as ``NAME: value`` or ``NAME = value``."""
    found = (_SAID.fullmatch(remark) for remark in remarks)
    return {said[1].upper(): said[2].strip() for said in found if said}
