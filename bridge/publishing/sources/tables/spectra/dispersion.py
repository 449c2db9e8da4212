"""The wavelengths of a FITS image's first axis: linear, logarithmic, or IRAF's multispec of one linear spectrum.

Sources: FITS paper III (Greisen et al. 2006, A&A 446, 747) for ``WAVE`` and ``WAVE-LOG``; IRAF's help of ``specwcs``
for ``DC-FLAG`` and ``multispec``, whose ``spec1`` is *aperture beam type start step length redshift low high*, of type
0 (linear) or 1 (log10).
"""

import math
import re
from collections.abc import Mapping
from typing import Any

_LINEAR = ("", "WAVE", "AWAV", "LINEAR", "LAMBDA", "WAVELENGTH", "MULTISPE")
_LOGARITHMIC = ("WAVE-LOG", "AWAV-LOG")
_SAME = 1e-6
_CARD = 68
"""Characters of a card's value, to which IRAF fills all cards of an attribute but the last."""


def wavelengths_of(header: Mapping[str, Any], keywords: Mapping[str, str], length: int) -> list[float]:
    """Return the wavelengths of ``length`` pixels, in the unit of the axis. Raises ValueError where none are told."""
    kind = str(header.get("CTYPE1", "")).strip().upper()
    if kind == "MULTISPE" and (told := _multispec(keywords)):
        return _of_multispec(told, length)
    step = header.get("CD1_1", header.get("CDELT1"))
    other = header.get("CDELT1", step)
    if step and (abs(float(other) - float(step)) > abs(_SAME * float(step)) or header.get("PC1_1", 1.0) != 1.0):
        raise ValueError(
            "the header tells two steps of the wavelengths (CD1_1, CDELT1, PC1_1); keep CD1_1, or CDELT1 alone"
        )
    start, pixel = header.get("CRVAL1"), float(header.get("CRPIX1", 1.0))
    if start is None or not step or kind not in (*_LINEAR, *_LOGARITHMIC):
        raise ValueError(
            f"the header tells no wavelengths, linear or logarithmic (CTYPE1 = {kind or 'missing'}, CRVAL1, CDELT1 or "
            "CD1_1); save the spectrum as a table of wavelengths and fluxes"
        )
    start, steps = float(start), [(index + 1 - pixel) * float(step) for index in range(length)]
    if kind in _LOGARITHMIC:
        if start <= 0:
            raise ValueError(f"the wavelengths can't be logarithmic from CRVAL1 = {start:g} on; mend the header")
        return [start * math.exp(one / start) for one in steps]
    return (
        _from_logarithms([start + one for one in steps]) if _is_logarithm(keywords) else [start + one for one in steps]
    )


def _is_logarithm(keywords: Mapping[str, str]) -> bool:
    return str(keywords.get("DC-FLAG", "0")) not in ("0", "0.0", "-1")


def _from_logarithms(values: list[float]) -> list[float]:
    if not all(abs(value) < 30 for value in values):
        raise ValueError(f"DC-FLAG says that wavelengths are logarithms, and one is {max(values):g}; mend the header")
    return [10.0**value for value in values]


def _multispec(keywords: Mapping[str, str]) -> str:
    """Return IRAF's attributes of the second axis, whose cards end where a number may go on."""
    cards = [keywords[name] for number in range(1, 100) if (name := f"WAT2_{number:03}") in keywords]
    return "".join(card.ljust(_CARD) for card in cards)


def _of_multispec(told: str, length: int) -> list[float]:
    found = re.findall(r'spec\d+\s*=\s*"([^"]*)"', told)
    if not found:
        raise ValueError("the wavelengths are in IRAF's multispec form, which tells none; save the spectrum as a table")
    parts = found[0].split()
    if len(found) != 1 or len(parts) < 9 or parts[2] not in ("0", "1") or len(parts) > 9:
        raise ValueError(
            "the wavelengths are in IRAF's multispec form, of several spectra or not linear; save the spectrum as a "
            "table of wavelengths and fluxes"
        )
    start, step, count, redshift = (float(part) for part in parts[3:7])
    if count != length or redshift:
        raise ValueError(
            f"the header's spec1 tells {count:g} pixels, the image has {length}; mend the header"
            if not redshift
            else f"the header's spec1 tells a redshift of {redshift:g}: publish wavelengths as observed"
        )
    values = [start + index * step for index in range(length)]
    return _from_logarithms(values) if parts[2] == "1" else values
