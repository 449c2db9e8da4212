"""Units as tables write them, by astropy: magnitudes, fluxes, times of exposure."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_MAGNITUDE = re.compile(
    r"\(?(?P<milli>m(?:illi)?-?)?mag(?:nitudes?|s)?\)?[ _]*[\[(]?(?P<system>ab|vega|st)?[\])]?"
    r"|(?P<before>ab|vega|st)[ _-]*(?:mag(?:nitudes?|s)?)?",
    re.IGNORECASE,
)
_SYSTEMS = {"ab": "AB", "vega": "Vega", "st": "ST"}
_WORDS = {
    "jansky": "Jy", "janskys": "Jy", "jy": "Jy", "mjy": "mJy", "ujy": "uJy", "njy": "nJy", "mujy": "uJy",
    "microjy": "uJy", "micro-jy": "uJy", "millijy": "mJy", "nanojy": "nJy", "microjansky": "uJy", "microjanskys": "uJy",
    "millijansky": "mJy", "nanojansky": "nJy", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "mins": "min",
    "minute": "min", "minutes": "min", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "days": "d", "day": "d",
    "counts": "ct", "count": "ct", "cts": "ct", "counts/s": "ct / s", "counts/sec": "ct / s", "cts/s": "ct / s",
    "c/s": "ct / s", "cps": "ct / s", "e-/s": "electron / s", "angstroms": "Angstrom", "ang": "Angstrom",
    "\u00e5": "Angstrom", "\u212b": "Angstrom", "a": "Angstrom", "microns": "micron", "nanometers": "nm",
    "nanometer": "nm", "percent": "%", "degrees": "deg", "degree": "deg", "milliarcsec": "mas", "arcseconds": "arcsec",
}  # fmt: skip
_AS_WRITTEN = frozenset({"MJy", "MJY"})
"""Megajansky, and what can't be told from it."""
LONGEST = 32
"""Characters of a unit in a point."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """The unit in which a brightness is published, and how a column's numbers get there."""

    name: str
    """Empty or a system (``AB``) for magnitudes, else a unit as astropy writes it."""
    factor: float = 1.0
    is_magnitude: bool = False
    unit: Any = None
    """astropy's unit of ``name``, for fluxes."""

    def factor_of(self, text: str) -> float:
        """Return what an error or limit in the unit ``text`` is multiplied by. ValueError: it is of another kind."""
        other = brightness(text)
        if other.is_magnitude and self.is_magnitude:
            return other.factor
        if other.is_magnitude or self.is_magnitude:
            raise ValueError(f"is in {text!r}, the brightness in {self.name or 'magnitudes'}; write both alike")
        try:
            return float(other.unit.to(self.unit)) * other.factor
        except Exception:  # astropy's errors of units share no base that is its own
            raise ValueError(f"is in {text!r}, which is no {self.name}; write both alike") from None


MAGNITUDES = Scale(name="", is_magnitude=True)


def system_of(text: str) -> str | None:
    """Return the magnitude system that ``text`` names (``AB``, ``Vega``, ``ST``), or None."""
    found = text.strip().lower().removesuffix("mag").removesuffix("system").strip(" _-")
    return _SYSTEMS.get(found)


@lru_cache(maxsize=1_000)
def brightness(text: str) -> Scale:
    """Return the scale that a brightness in the unit ``text`` is published in. ValueError where it can't be one."""
    if found := _MAGNITUDE.fullmatch(text.strip()):
        system = found["system"] or found["before"] or ""
        return Scale(name=_SYSTEMS.get(system.lower(), ""), factor=0.001 if found["milli"] else 1.0, is_magnitude=True)
    if re.fullmatch(r"(?:n|nano)-?(?:mgy|magg(?:y|ies?))s?|magg(?:y|ies?)", text.strip(), re.IGNORECASE):
        raise ValueError(
            f"is in {text!r}, which are of AB magnitudes in some surveys and of Vega's in others; multiply nanomaggies "
            "of AB by 3.63078 and write uJy"
        )
    unit = unit_of(text)
    if unit is None or not _is_flux(unit) or not hasattr(unit, "bases"):  # a logarithm has none
        raise ValueError(
            f"is in {text!r}, which is no unit of a brightness; write mag, Jy, mJy, uJy, nJy or erg / (s cm2)"
        )
    from astropy.units import CompositeUnit

    factor = float(getattr(unit, "scale", 1.0))
    plain = CompositeUnit(1, unit.bases, unit.powers) if factor != 1 else unit
    name = str(plain.to_string())
    if len(name) > LONGEST:
        raise ValueError(f"is in {text!r}, which takes more than {LONGEST} characters; convert it")
    return Scale(name=name, factor=factor, unit=plain)


def _is_flux(unit: Any) -> bool:
    from astropy import units as u

    energies = (
        u.Jy,
        u.erg / u.s / u.cm**2,
        u.erg / u.s / u.cm**2 / u.AA,
        u.ph / u.s / u.cm**2,
        u.ph / u.s / u.cm**2 / u.AA,
    )
    counts = (u.ct, u.ct / u.s, u.electron, u.electron / u.s, u.adu, u.adu / u.s, u.ph / u.s)
    return any(unit.is_equivalent(known) for known in (*energies, *counts))


@lru_cache(maxsize=1_000)
def unit_of(text: str) -> Any:
    """Return astropy's unit that ``text`` means, or None: its own spelling, the CDS's, or a usual word."""
    from astropy import units as u

    text = text.strip().replace("\u03bc", "u").replace("\u00b5", "u").replace("**", "^")
    if not text or text in _AS_WRITTEN:
        return None
    if (word := _WORDS.get(text.lower())) is not None:
        return u.Unit(word)
    # Powers of ten before a unit, as papers write them: 10^-16 erg/s/cm^2/A
    text = re.sub(r"^(?:1(?:\.0)?\s*[x*]\s*)?10\s*\^?\s*\(?(-\d+)\)?\s*\*?", r"1e\1 ", text)
    text = re.sub(r"\bergs\b", "erg", re.sub(r"(?<![A-Za-z])A(ng(?:stroms?)?)?(?![a-zA-Z])", "Angstrom", text))
    for written in (None, "cds", "vounit"):
        try:
            return u.Unit(text, format=written)
        except Exception:  # noqa: S112 (each spelling says no by errors of its own)
            continue
    return None


def is_unit_word(text: str) -> bool:
    """Return whether ``text`` can stand in a row of units: a unit, or a word such as ``string`` or ``JD``."""
    lowered = text.lower()
    if lowered in {"string", "str", "char", "text", "float", "double", "int", "none", "bool"} | _TIME_WORDS:
        return True
    return bool(_MAGNITUDE.fullmatch(text)) or (not text[:1].isdigit() and unit_of(text) is not None)


_TIME_WORDS = {"mjd", "jd", "hjd", "bjd", "utc", "ut", "tt", "tdb", "tai", "iso", "yyyy-mm-dd", "yyyy-mm-ddthh:mm:ss"}


def seconds(text: str) -> float:
    """Return how many seconds are one ``text``. ValueError where it is no unit of time."""
    from astropy import units as u

    unit = unit_of(text)
    if unit is None or not unit.is_equivalent(u.s):
        raise ValueError(f"is in {text!r}, which is no unit of time; write s, min or h")
    return float(unit.to(u.s))
