"""Units of events in Hermes' words, which are closed lists, and by what a number is multiplied on the way there.

Source: what Hermes' ``submit_message/`` takes (LCOGT/hermes 6708389), tried.
"""

import re

from bridge.hermes.values import ANGSTROM, ANGSTROM_SIGN, text

AB_MAG, VEGA_MAG, MJY = "AB mag", "Vega mag", "mJy"
PER_ANGSTROM = f"erg / s / cm² / {ANGSTROM_SIGN}"
BRIGHTNESS = (AB_MAG, VEGA_MAG, MJY, PER_ANGSTROM)
FLUX = (MJY, PER_ANGSTROM)
WAVELENGTH = (ANGSTROM_SIGN, "nm", "µm", "Hz", "GHz", "THz")
ANGLE = ("degrees", "mas", "arcsec", "arcmin")

_OURS = {
    AB_MAG: "AB",
    VEGA_MAG: "Vega",
    PER_ANGSTROM.replace(ANGSTROM_SIGN, ANGSTROM): "erg / (Angstrom s cm2)",
    ANGSTROM: "Angstrom",
}
"""Hermes' words as astropy, tables and TOMs write them, so that what comes by two ways is one."""
_JANSKYS = {"Jy": 1e3, "mJy": 1.0, "uJy": 1e-3, "µJy": 1e-3, "\u03bcJy": 1e-3, "nJy": 1e-6}
_SYSTEMS = {"": AB_MAG, "ab": AB_MAG, "vega": VEGA_MAG}
_PER_ANGSTROM = frozenset({
    "erg/s/cm2/A", "erg/cm2/s/A", "erg/s/A/cm2", "erg/scm2A", "erg/sAcm2", "erg/Ascm2", "erg/Acm2s", "erg/cm2sA",
    "ergs-1cm-2A-1", "ergcm-2s-1A-1", "ergA-1cm-2s-1",
})  # fmt: skip
_LENGTHS = {
    "A": ANGSTROM_SIGN, "AA": ANGSTROM_SIGN, "angstrom": ANGSTROM_SIGN, "angstroms": ANGSTROM_SIGN,
    "nanometer": "nm", "nanometers": "nm", "um": "µm", "\u03bcm": "µm", "micron": "µm", "microns": "µm", "hertz": "Hz",
}  # fmt: skip
_ANGLES = {"": "degrees", "deg": "degrees", "degree": "degrees", '"': "arcsec", "'": "arcmin"}


def ours(value: object) -> str:
    """Return a unit of Hermes as events have it: any other is as it was said. Both Angstroms are one."""
    said = text(value).replace(ANGSTROM_SIGN, ANGSTROM)
    return _OURS.get(said, said)


def brightness(unit: str) -> tuple[str, float]:
    """Return a brightness' unit as Hermes writes it, and the factor. ValueError: Hermes has none such.

    No unit, and a magnitude of no system, is Hermes' default: its readers need one.
    """
    if unit in BRIGHTNESS:
        return unit, 1.0
    system = _system(unit)
    if system in _SYSTEMS:
        return _SYSTEMS[system], 1.0
    return flux(unit)


def says_no_system(unit: str) -> bool:
    """Return whether a brightness' unit is none, or a magnitude of no system."""
    return _system(unit) == ""


def _system(unit: str) -> str:
    return re.sub(r"mag(nitudes?)?|[\s_()\[\]-]", "", unit.lower())


def flux(unit: str) -> tuple[str, float]:
    """Return a flux' unit as Hermes writes it, and the factor. ValueError: Hermes has none such."""
    if (factor := _JANSKYS.get(unit.strip())) is not None:
        return MJY, factor
    plain = re.sub(rf"[Aa]ngstroms?\b|AA\b|[{ANGSTROM}{ANGSTROM_SIGN}]", "A", unit).replace("²", "2")
    plain = re.sub(r"[\s()^*.]", "", plain)
    if plain in _PER_ANGSTROM:
        return PER_ANGSTROM, 1.0
    raise _no_such("flux", unit, FLUX)


def wavelength(unit: str) -> str:
    """Return a wavelength's unit as Hermes writes it. ValueError: Hermes has none such."""
    plain = unit.strip().replace(ANGSTROM, ANGSTROM_SIGN)
    found = plain if plain in WAVELENGTH else _LENGTHS.get(plain, _LENGTHS.get(plain.lower()))
    if found is None:
        raise _no_such("wavelength", unit, WAVELENGTH)
    return found


def angle(unit: str) -> str:
    """Return an error's unit as Hermes writes it. ValueError: Hermes has none such."""
    plain = unit.strip()
    found = plain if plain in ANGLE else _ANGLES.get(plain)
    if found is None:
        raise _no_such("error of a position", unit, ANGLE)
    return found


def _no_such(what: str, unit: str, known: tuple[str, ...]) -> ValueError:
    said = f"{unit[:40]!r} is no unit" if unit else "nothing is said of the unit"
    return ValueError(f"{said} of a {what} that Hermes knows: {', '.join(known)}")
