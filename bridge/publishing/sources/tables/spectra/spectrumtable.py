"""A spectrum in a table: columns of wavelengths, fluxes and errors, or two columns without a header."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bridge.publishing.sources.tables.elements import languages, names, units
from bridge.publishing.sources.tables.elements.cells import NUMBER, is_empty, number_of
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.options import Options, check_names
from bridge.publishing.sources.tables.elements.table import Column, Row, Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.files import reading
from bridge.publishing.sources.tables.files.headings import names_in
from bridge.publishing.sources.tables.roles import leftovers, quality
from bridge.publishing.sources.tables.spectra import uncertainties
from bridge.publishing.sources.tables.spectra.fitsimage import Found
from bridge.publishing.sources.tables.texts import neutral, remarks, statements, wordings
from bridge.publishing.sources.tables.when import forms

RELATIVE = "relative"
"""What ``--flux-unit`` says of fluxes that have no unit."""
_WAVELENGTHS = (
    words(
        "wavelength wave wavelengths lambda lam wl wlen wav wavel wvl wavelengthair wavelengthvac "
        "wavelengthvacuum airwavelength vacwavelength obswavelength wavelengthobs obswave waveobs spectralaxis"
    )
    | languages.WAVELENGTHS
)
_FLUXES = words("flux fluxes fluxdensity flam flambda fnu fluxlambda calflux fluxcal") | languages.FLUXES
_ERRORS = words(
    "error err fluxerr fluxerror eflux sigma uncertainty unc fluxunc fluxuncertainty sigmaflux errflux "
    "dflux errors fluxsigma fluxe noise stdev"
)
_HEADERS = (
    _WAVELENGTHS | _FLUXES | words("x y lambdas counts intensity velocity pixel frequency freq energy wavenumber mag")
)
"""What makes two words of a comment above two columns their header."""
_LOGARITHM = "loglam"
"""log10 of the wavelength in Angstrom: https://data.sdss.org/datamodel/files/BOSS_SPECTRO_REDUX/"""
_MASKS = words("and_mask or_mask")
"""Of the SDSS, whose ``ivar`` is 0 where they mark a pixel as bad."""
_REST = words("rest restframe norm normalized normalised log logwave dered dereddened")
_NEUTRAL = words(
    "wavelength wavelengths lambda angstrom angstroms air vacuum flambda erg cm resolution dispersion grating grism "
    "slit order arm arms red blue telluric extracted extraction pixel pixels resampled rebinned lines lamp ccds width "
    "parallactic angle uploaded"
)
"""Words on spectra that change none of the values, beside those of all tables."""
_TOLD = re.compile(
    r"\bphase\W{1,3}[-+]?\d+(?:\.\d+)? ?d(?:ays?)?(?: (?:from|after|before|since|past) (?:b-?band )?(?:max\w*|peak))?|"
    r"\bat [-+]?\d+(?:\.\d+)? ?d(?:ays?)?\b|\btelluric (?:lines |features |bands )?(?:not )?(?:removed|corrected)|"
    r"\b(?:helio|bary)centric (?:velocity )?correct\w*(?: applied)?|\babsolute flux calibrat\w+|\bsky residuals",
    re.IGNORECASE,
)
"""What titles tell of a spectrum as it is: its phase, and whether the air's lines are in it."""
_RELATIVE = re.compile(r"\b(?:relative|arbitrary) (?:fluxes|flux|units?)(?: units?)?", re.IGNORECASE)
"""What the person says too who says that fluxes are in no unit."""
_WAVELENGTH_UNIT = re.compile(
    r"\b(?:wave\w*|lam\w*|wl)\b[^\w\u00c5]*(?:in |units?:? )?[^\w\u00c5]*"
    r"(nm|nanometers?|microns?|um|[\u00b5\u03bc]m|angstroms?|ang|\u00c5|A)\b",
    re.IGNORECASE,
)
_SAID = re.compile(r"\s*([A-Za-z][\w-]*)\s*[:=]\s*'?((?:[^'/]|/(?! ))*)'?.*")


def read(path: Path, options: Options) -> Found:
    """Return the spectrum in a table."""
    table = (None if options.are_numbered else _headerless(path)) or reading.read(path, options)
    check_names(options.columns, table.names)
    parsed = [names.parsed(column.name) for column in table.columns]
    flux = _one(table, parsed, options, Role.BRIGHTNESS, _FLUXES)
    own_errors = frozenset() if flux is None else names.errors_of(parsed[flux].flat)
    roles = {
        "wavelength": _one(table, parsed, options, Role.WAVELENGTH, _WAVELENGTHS | {_LOGARITHM}),
        "flux": flux,
        "error": _one(table, parsed, options, Role.ERROR, _ERRORS | own_errors),
    }
    for what in ("wavelength", "flux"):
        if roles[what] is None:
            _check_names(parsed)
            found = ", ".join(table.names)
            raise ValueError(
                f"{table.header_place}: no column holds the {what} (found: {found}); say --columns {what}=..."
            )
    told_units = {what: _unit(table, parsed, index) for what, index in roles.items() if index is not None}
    keywords = {**_said(table.remarks), **table.keywords}
    if not told_units["flux"] and "flux_unit" not in options.given:
        told_units["flux"] = keywords.get("BUNIT", "")
    own_unit = told_units["flux"] or options.given.get("flux_unit", "")
    errors = uncertainties.find(
        table, parsed, roles["error"], flux_unit=own_unit, error_unit=told_units.get("error", ""), said=options.columns
    )
    roles["error"] = errors.index if errors else None
    free = [
        index for index, name in enumerate(table.names) if index not in roles.values() and name not in options.columns
    ]
    if logarithm := parsed[roles["wavelength"] or 0].flat == _LOGARITHM:
        free = [index for index in free if table.names[index] not in _MASKS]
    _check_one_spectrum(table, parsed, free)
    marked = quality.find(table, parsed, options, free)
    if marked.rows:
        table = replace(table, rows=[row for number, row in enumerate(table.rows) if number not in marked.rows])
    values = {what: numbers(table, index) for what, index in roles.items() if index is not None}
    used = {
        index: f"{what}, {told_units.get(what) or 'unit as said'}" for what, index in roles.items() if index is not None
    }
    if errors:
        values["error"] = errors.errors(values["error"])
        used[errors.index] = errors.told
    if logarithm:
        values["wavelength"] = _from_logarithms(table, values["wavelength"], told_units["wavelength"])
        used[roles["wavelength"] or 0] = "log10 of the wavelength in Angstrom"
    taken = tuple(
        (name, used.get(index) or marked.taken.get(index, "left out")) for index, name in enumerate(table.names)
    )
    left = [name for index, name in enumerate(table.names) if index not in used and index not in marked.taken and name]
    for index in free:
        if index not in marked.taken and index not in used:
            leftovers.check_column(table, index, parsed[index], has_limits=True)
    wavelengths = [value for value in values["wavelength"] if value is not None]
    if len(wavelengths) != len(table.rows):
        raise ValueError("a row has no wavelength; one each is needed")
    _check_remarks(table.remarks, parsed, told_units, options)
    _check_kind(parsed[roles["flux"] or 0], own_unit)
    _check_told_unit(keywords.get("BUNIT", ""), own_unit)
    return Found(
        wavelength=wavelengths,
        flux=values["flux"],
        error=values.get("error"),
        wavelength_unit="Angstrom" if logarithm else told_units["wavelength"],
        flux_unit=told_units["flux"] or None,
        keywords=keywords,
        format=table.format,
        taken=taken,
        remarks=table.remarks,
        left_out=[
            *quality.told(marked.rows),
            *([f"column{'s' if len(left) > 1 else ''} left out: {', '.join(left)}"] if left else []),
        ],
    )


def _check_one_spectrum(table: Table, parsed: Sequence[names.Name], free: Sequence[int]) -> None:
    """Refuse a column of times, which the spectrum has one of, and one of several epochs. Raises ValueError."""
    for index in free:
        cells = {cell for cell in table.cells(index) if not is_empty(cell)}
        is_time = isinstance(forms.form_of(parsed[index], table.columns[index].unit, ""), forms.Form)
        is_epoch = bool(parsed[index].tokens & {"epoch", "night", "visit"})
        if (is_time and cells) or (is_epoch and len(cells) > 1):
            raise ValueError(
                f"column {table.names[index]!r} tells times or epochs: publish one spectrum a file, with its time in a "
                f"comment '# DATE-OBS = 2024-02-01T06:00:00', or say --columns extra={table.names[index]}"
            )


def _from_logarithms(table: Table, values: Sequence[float | None], unit: str) -> list[float | None]:
    """Return the wavelengths, in Angstrom, whose log10 SDSS writes as ``loglam``. Raises ValueError."""
    if unit and units.unit_of(unit) is not None and str(units.unit_of(unit)) not in ("Angstrom", "dex(Angstrom)"):
        raise ValueError(
            f"{table.header_place}: loglam is log10 of Angstrom, and its unit is said to be {unit}; mend it"
        )
    if not all(value is None or 3.0 <= value <= 5.0 for value in values):
        raise ValueError(f"{table.header_place}: loglam is log10 of Angstrom, from 3 to 5, and a value is not; mend it")
    return [None if value is None else 10.0**value for value in values]


def _check_kind(name: names.Name, unit: str) -> None:
    """Refuse a flux density by frequency in a unit by wavelength, or the other way. Raises ValueError."""
    from astropy import units as u

    by_frequency = (found := units.unit_of(unit)) is not None and found.is_equivalent(u.Jy)
    by_wavelength = found is not None and found.is_equivalent(u.erg / u.s / u.cm**2 / u.AA)
    if (name.flat == "fnu" and by_wavelength) or (name.flat in ("flambda", "flam") and by_frequency):
        raise ValueError(f"column {name.whole!r} can't be in {unit!r}; mend the unit or the name")


def _check_told_unit(told: str, unit: str) -> None:
    """Refuse a unit of the fluxes that differs from the one in the file's head. Raises ValueError."""
    if told and unit and unit.lower() != RELATIVE and units.unit_of(told) != units.unit_of(unit):
        raise ValueError(f"the header says BUNIT = {told}, and the unit of the fluxes is said to be {unit}; mend one")


def _check_remarks(
    comments: Sequence[str], parsed: Sequence[names.Name], told_units: dict[str, str], options: Options
) -> None:
    """Refuse a table whose comments say of its values what is not published with them. Raises ValueError."""
    flux_unit = told_units["flux"] or options.given.get("flux_unit", "")
    wavelength_unit = told_units["wavelength"] or options.given.get("wavelength_unit", "")
    told = frozenset(re.findall(r"[^\W\d_]+", f"{flux_unit} {wavelength_unit}".lower()))
    known = _NEUTRAL | told | frozenset(token for name in parsed for token in name.tokens)
    for comment in comments:
        remark = _RELATIVE.sub("", comment) if flux_unit.lower() == RELATIVE else comment
        text = remark.lower()
        if wordings.is_no_spectrum(text) or remarks.is_intrinsic(text):
            raise _remarked(remark, "publish what was observed")
        # Cards of a FITS header, as WISeREP keeps them, are looked at by their names.
        is_card = bool((said := _SAID.fullmatch(remark)) and said[1].isupper()) or text.startswith("history")
        if not is_card and (doubt := wordings.first_doubt(remark)):
            raise _remarked(remark, f"{doubt} as they are read; publish such")
        is_of_flux = "flux" in text and not remarks.FACTOR.search(flux_unit.lower())
        if is_of_flux and remarks.FACTOR.search(text) and flux_unit.lower() != RELATIVE:
            raise _remarked(remark, "write the factor in the unit, as --flux-unit '1e-15 erg / (s cm2 Angstrom)'")
        said = _WAVELENGTH_UNIT.search(remark)
        if said and wavelength_unit and units.unit_of(said[1]) != units.unit_of(wavelength_unit):
            raise _remarked(remark, f"mend the unit, which is said to be {wavelength_unit}")
        bare = _TOLD.sub("", remark)
        if flux_unit.lower() == RELATIVE or remarks.FACTOR.search(flux_unit.lower()):
            bare = remarks.FACTOR.sub("", bare)
        if not is_card and (word := statements.stated(bare) or neutral.not_understood(bare, known)):
            raise _remarked(remark, f"{word!r} may say that values are not what their columns say; publish such as are")


def _remarked(remark: str, mend: str) -> ValueError:
    return ValueError(f"a comment says {remark[:60]!r}; {mend}, or remove the comment if it is not so")


def _one(table: Table, parsed: Sequence[names.Name], options: Options, role: Role, known: frozenset[str]) -> int | None:
    if said := options.named(role):
        _check_names([parsed[table.names.index(said[0])]])
        return table.names.index(said[0])
    found = [
        index for index, name in enumerate(parsed) if name.flat in known and table.names[index] not in options.columns
    ]
    _check_names([parsed[index] for index in found])
    if len(found) > 1:
        first, second = table.names[found[0]], table.names[found[1]]
        raise ValueError(
            f"columns {first!r} and {second!r} may both be the {role.value}; say --columns {role.value}={first}"
        )
    return found[0] if found else None


def _check_names(parsed: Sequence[names.Name]) -> None:
    """Refuse columns that are no spectrum as observed by their names. Raises ValueError."""
    for name in parsed:
        if name.tokens & _REST:
            raise ValueError(
                f"column {name.whole!r} is at rest, normalised, corrected or a logarithm; publish what was observed"
            )


def _unit(table: Table, parsed: Sequence[names.Name], index: int) -> str:
    told = [text for text in (table.columns[index].unit, *parsed[index].said) if text]
    if len({str(units.unit_of(text)) for text in told}) > 1:
        raise ValueError(f"column {table.names[index]!r} tells two units, {' and '.join(told)}; keep one")
    return told[0] if told else ""


def numbers(table: Table, index: int) -> list[float | None]:
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
    rows, comments = [], []
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("#"):
            comments.append(line.strip("# "))
        elif cells := line.replace(",", " ").split():
            rows.append(Row(place=f"line {number}", cells=tuple(cells)))
    header = names_in(comments[-1], "," if "," in comments[-1] else " ", 2) if comments and rows else []
    named = len(header) == 2 and names.parsed(header[0]).flat in _HEADERS
    if not rows or named or any(len(row.cells) != 2 or not all(map(NUMBER.fullmatch, row.cells)) for row in rows):
        return None
    return Table(
        format="two columns",
        columns=(Column(name="wavelength"), Column(name="flux")),
        rows=rows,
        remarks=tuple(comments),
    )


def _said(comments: Sequence[str]) -> dict[str, str]:
    """Return what comments say as ``NAME: value`` or ``NAME = value``."""
    found = (_SAID.fullmatch(comment) for comment in comments)
    return {said[1].upper(): said[2].strip() for said in found if said}
