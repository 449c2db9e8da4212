"""A spectrum in a FITS image: wavelengths in the header, fluxes in the pixels."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bridge.publishing.sources.tables.elements import units
from bridge.publishing.sources.tables.files import fitsfile
from bridge.publishing.sources.tables.outcome import Taken
from bridge.publishing.sources.tables.spectra import dispersion
from bridge.publishing.sources.tables.texts import remarks, wordings

_NOT_AS_OBSERVED = re.compile(
    r"rest[- ]?frame|rest wavelength|\bto rest\b|\bdopcor\b|de-?redshift|redshift[- ]corrected|continuum[- ]subtracted|"
    r"(?:flux\w*|spectr\w+|continuum).*normali[sz]ed|normali[sz]ed.*(?:flux|spectr|continuum)"
)

_VARIANCES = frozenset({"VAR", "VARIANCE"})
_FLAGS = frozenset({"DQ", "QUAL", "QUALITY"})
"""Names of extensions: variances, and flags of pixels, 0 for good ones (DRAGONS, ESO)."""


_TIMES_TEN = re.compile(r"\bflux\w*\b ?[*x] ?1(?:0\^|e)")


@dataclass(kw_only=True)
class Found:
    """A spectrum as the file has it."""

    wavelength: list[float]
    flux: list[float | None]
    error: list[float | None] | None
    wavelength_unit: str
    flux_unit: str | None
    keywords: dict[str, str]
    format: str
    taken: Taken = ()
    left_out: list[str] = field(default_factory=list)
    remarks: tuple[str, ...] = ()
    """Comments of a table."""


def read(path: Path) -> Found | None:
    """Return the spectrum in a FITS image with wavelengths along its first axis; None where the file is none."""
    from astropy.io import fits

    try:
        with path.open("rb") as file:
            if file.read(9) != b"SIMPLE  =":
                return None
        with fits.open(path) as hdus:
            images = [hdu for hdu in hdus if hdu.is_image and hdu.data is not None]
            if not images or any(getattr(hdu, "columns", None) is not None for hdu in hdus):
                return None
            errors = [hdu for hdu in images[1:] if _is_error_of(hdu, images[0])]
            flags = [hdu for hdu in images[1:] if str(hdu.name).upper() in _FLAGS and hdu.shape == images[0].shape]
            if len(images) > 1 + len(errors) + len(flags) or len(errors) > 1 or len(flags) > 1:
                raise ValueError(f"holds {len(images)} images; one spectrum a file, with its errors, is needed")
            header, data = images[0].header, images[0].data
            for hdu in {id(hdus[0]): hdus[0], id(images[0]): images[0]}.values():
                _check_history(hdu.header)
            keywords = {**fitsfile.header_of(hdus[0].header), **fitsfile.header_of(header)}
            return _without_bad(_with_errors(_from_image(header, data, keywords), errors), flags)
    except OSError as error:
        raise ValueError(f"can't be read as FITS: {error}") from None


def _is_error_of(hdu: Any, image: Any) -> bool:
    """Return whether an image holds the errors of another by its name, in the same shape and unit."""
    name, unit = str(hdu.name).upper(), str(hdu.header.get("BUNIT", ""))
    own = str(image.header.get("BUNIT", ""))
    if hdu.data.shape != image.data.shape:
        return False
    if name in _VARIANCES:
        flux, variance = units.unit_of(own), units.unit_of(unit)
        return not unit or (flux is not None and variance == flux**2)
    return unit in ("", own) and name in ("ERR", "ERRS", "ERROR", "ERRORS", "SIGMA", "STDDEV")


def _with_errors(found: Found, errors: Sequence[Any]) -> Found:
    if not errors:
        return found
    if found.error is not None:
        raise ValueError("holds errors twice, in the image and in an extension; keep one")
    taken = (*found.taken, (str(errors[0].name), "error"))
    error = _finite(errors[0].data.reshape(-1))
    if str(errors[0].name).upper() in _VARIANCES:
        error = [None if value is None or value < 0 else math.sqrt(value) for value in error]
    return replace(found, error=error, taken=taken)


def _without_bad(found: Found, flags: Sequence[Any]) -> Found:
    """Return a spectrum without fluxes where an extension of flags marks a pixel by anything but 0."""
    if not flags:
        return found
    bad = [value != 0 for value in _finite(flags[0].data.reshape(-1))]
    flux = [None if is_bad else value for value, is_bad in zip(found.flux, bad, strict=True)]
    return replace(found, flux=flux, taken=(*found.taken, (str(flags[0].name), "which pixels are bad, other than 0")))


def _check_history(header: Any) -> None:
    """Refuse a spectrum that was shifted to rest: IRAF's dopcor says so by keywords, others in words."""
    shifted = next((name for name in header if re.fullmatch(r"(?:DOPCOR|DEREDDEN)\d*", str(name))), None)
    words = [(name, str(text)) for name in ("HISTORY", "COMMENT") for text in header.get(name, ())]
    said = f"{shifted} = {header[shifted]}" if shifted else next((text for _, text in words if _is_other(text)), "")
    said = said or next((text for name, text in words if _may_be_scaled(name, text)), "")
    if said:
        raise ValueError(
            f"the header says {said[:60]!r}: it may be at rest, corrected or scaled; publish what was observed"
        )


def _is_other(text: str) -> bool:
    """Return whether a line of the header says that the spectrum is at rest, normalised or corrected."""
    lowered = text.lower()
    return bool(_NOT_AS_OBSERVED.search(lowered) and not remarks.is_denied(lowered)) or remarks.is_intrinsic(lowered)


def _may_be_scaled(name: str, text: str) -> bool:
    """Return whether a line says that fluxes were changed; histories tell much else that was added or divided."""
    doubts = any(assumed != "all rows are alike" for _, assumed in wordings.doubts(text))
    if (name == "COMMENT" and wordings.is_no_spectrum(text)) or _TIMES_TEN.search(text.lower()):
        return True
    return doubts and (name == "COMMENT" or bool(re.search(r"\bflux\w*\b.*\b(?:scaled|multipl|divided)", text.lower())))


def _from_image(header: Any, data: Any, keywords: dict[str, str]) -> Found:
    flux, error = _bands(data, keywords)
    wavelengths = dispersion.wavelengths_of(header, keywords, len(flux))
    return Found(
        wavelength=wavelengths,
        flux=flux,
        error=error,
        wavelength_unit=_axis_unit(keywords),
        flux_unit=keywords.get("BUNIT") or None,
        keywords=keywords,
        format="FITS image",
        taken=(("first axis", "wavelength"), ("image", "flux"), *((("sigma", "error"),) if error is not None else ())),
    )


def _bands(data: Any, keywords: dict[str, str]) -> tuple[list[float | None], list[float | None] | None]:
    """Return flux and error of an image: its only line, or those that IRAF's BANDID keywords name."""
    shape = [size for size in data.shape if size > 1]
    if len(shape) == 1:
        return _finite(data.reshape(-1)), None
    bands = {number: keywords.get(f"BANDID{number}", "").lower() for number in range(1, data.shape[0] + 1)}
    if len(shape) == 2 and bands[1].startswith("spectrum"):
        lines = data.reshape(data.shape[0], -1)
        sigma = next((number for number, said in bands.items() if said.startswith("sigma")), None)
        return _finite(lines[0]), None if sigma is None else _finite(lines[sigma - 1])
    raise ValueError(
        f"the image has {' x '.join(map(str, data.shape[::-1]))} pixels; one spectrum is needed, in one line"
    )


def _finite(values: Any) -> list[float | None]:
    return [float(value) if math.isfinite(value) else None for value in values]


def _axis_unit(keywords: dict[str, str]) -> str:
    """Return the unit of the wavelengths by IRAF's own attribute, else by CUNIT1 where that is a unit of length."""
    unit = keywords.get("CUNIT1", "")
    axis = units.unit_of(unit)
    if keywords.get("CTYPE1", "")[:4] in ("WAVE", "AWAV") and axis is not None and axis.physical_type != "length":
        raise ValueError(f"the header says CTYPE1 = {keywords['CTYPE1']}, and CUNIT1 = {unit}; mend one")
    if found := re.search(r"units=(\w+)", keywords.get("WAT1_001", "")):
        lengths = [
            known for text in (unit, found[1]) if (known := units.unit_of(text)) and known.physical_type == "length"
        ]
        if len(lengths) == 2 and lengths[0] != lengths[1]:
            raise ValueError(f"the header says CUNIT1 = {unit}, and WAT1_001 units={found[1]}; mend one")
        return found[1]
    return "" if unit.lower() in ("deg", "pixel", "pix") else unit
