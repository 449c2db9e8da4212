"""A file with one spectrum: a table with wavelengths and fluxes, or a one-dimensional FITS image.

Units come from the file or from the person who publishes; the time from the header or from that person. Nothing is
assumed of either.
"""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.events import Spectrum
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements import units
from bridge.publishing.sources.tables.elements.astro import astropy_at_hand
from bridge.publishing.sources.tables.elements.cells import is_empty, number_of
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.outcome import Reading, Taken, told_columns
from bridge.publishing.sources.tables.spectra import fitsimage, observed, plausible, spectrumtable
from bridge.publishing.sources.tables.spectra.fitsimage import Found
from bridge.publishing.sources.tables.spectra.spectrumtable import RELATIVE
from bridge.publishing.sources.tables.texts import cards, dated

_KEPT = ("OBJECT", "OBSERVER", "AIRMASS", "GRATING", "GRISM", "SLIT", "SLITW", "APERWID", "PROPID")


def read_spectrum(path: Path, options: Options | None = None) -> Reading:
    """Return the spectrum in ``path``. Raises SourceError, and ConfigurationError where astropy is missing."""
    options = options or Options()
    with astropy_at_hand():
        taken: Taken = ()
        try:
            found = fitsimage.read(path) or spectrumtable.read(path, options)
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
    for what, own in (("wavelength_unit", found.wavelength_unit), ("flux_unit", found.flux_unit)):
        _check_said(what, own or "", given.get(what, ""))
    wavelength_unit = _wavelength_unit(found.wavelength_unit or given.get("wavelength_unit", ""))
    flux_unit = found.flux_unit if found.flux_unit else given.get("flux_unit")
    if flux_unit is None:
        raise ValueError(
            "the fluxes have no unit; say --flux-unit, as in 'erg / (s cm2 Angstrom)', or --flux-unit relative "
            "if they are in none"
        )
    flux_unit = "" if flux_unit.lower() == RELATIVE else _flux_unit(flux_unit)
    cards.check(found.keywords, flux_unit=flux_unit)
    plausible.check_fluxes(found.flux, flux_unit)
    rows = list(zip(found.wavelength, found.flux, found.error or [None] * len(found.flux), strict=True))
    whole = [row for row in rows if row[1] is not None and (found.error is None or (row[2] is not None and row[2] > 0))]
    if missing := len(rows) - len(whole):
        if not options.skip_empty:
            raise ValueError(
                f"{missing} of {len(rows)} wavelengths have no flux, or no error above 0; leave them out with "
                "--skip-empty, or say --columns extra=... of the errors"
            )
        told.append(f"{missing} wavelengths left out: no flux, or no error above 0")
    if not whole:
        raise ValueError("no wavelength has a flux")
    plausible.check_wavelengths([row[0] for row in whole], wavelength_unit)
    if found.error is not None:
        plausible.check_errors([row[1] for row in whole], [row[2] for row in whole])
    moment = observed.time_of(found.keywords, options)
    dated.check(found.remarks, [moment])
    fields: dict[str, Any] = {
        name: text for name, text in given.items() if name in ("telescope", "instrument", "exposure_time", "setup")
    }
    for name, keyword in (("telescope", "TELESCOP"), ("instrument", "INSTRUME"), ("exposure_time", "EXPTIME")):
        if name not in fields and not is_empty(found.keywords.get(keyword, "")):
            fields[name] = found.keywords[keyword]
    if (exposure := number_of(str(fields.get("exposure_time", "")))) is not None and exposure < 0:
        raise ValueError(f"the exposure time is {exposure:g}; mend EXPTIME, or say --exposure-time")
    spectrum = Spectrum.model_validate(
        {
            **fields,
            "timestamp": moment,
            "wavelength": tuple(row[0] for row in whole),
            "flux": tuple(row[1] for row in whole),
            "error": tuple(row[2] for row in whole) if found.error is not None else (),
            "wavelength_unit": wavelength_unit,
            "flux_unit": flux_unit,
            "extra": {name: found.keywords[name] for name in _KEPT if found.keywords.get(name)},
        }
    )
    return spectrum, told


def _check_said(what: str, own: str, said: str) -> None:
    """Refuse a unit that the person says otherwise than the file. Raises ValueError."""
    if own and said and (said.lower() == RELATIVE or units.unit_of(own) != units.unit_of(said)):
        option = f"--{what.replace('_', '-')}"
        raise ValueError(f"the file says {own!r}, and {option} {said!r}; leave the option out, or mend the file")


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
    if unit is None or unit.physical_type == "dimensionless":
        raise ValueError(f"{text!r} is no unit of a flux; write 'erg / (s cm2 Angstrom)', Jy or ct (--flux-unit)")
    return str(unit.to_string())
