"""Whether the numbers of a spectrum can be its wavelengths, its fluxes and their errors: units are often told wrong."""

from collections.abc import Sequence
from itertools import pairwise

from bridge.publishing.sources.tables.elements import units

_LOGARITHMS = {"Angstrom": ((3.0, 4.7), (7.9, 9.7)), "nm": ((2.0, 3.7), (5.3, 7.4))}
"""Decimal ones from 1000 to 50,000 Angstrom, and natural ones of the optical and near infrared."""
_STAND_INS = frozenset({-1.0, -99.0, -99.9, -99.99, -999.0, -999.9, -999.99, -9999.0})
_OUTLIER = 1e6
"""Times the median: no line of a spectrum is so strong."""
_BRIGHTEST = {"Jy": 1e6, "erg / (Angstrom s cm2)": 1e-5}
"""Brighter is none but the Sun: Sirius has 1e-8 erg / (s cm2 Angstrom), Cassiopeia A some 1e3 Jy."""
_NEAR_ZERO = 0.05
_LARGEST_ERROR = 1e3
"""Times the largest flux."""


def check_fluxes(fluxes: Sequence[float | None], unit: str) -> None:
    """Refuse fluxes by which tables write that there is none, and such as no target has. Raises ValueError."""
    known = sorted(abs(flux) for flux in fluxes if flux is not None)
    median = known[len(known) // 2] if known else 0.0
    found = next((flux for flux in fluxes if flux in _STAND_INS), None)
    if found is None and median:
        found = next((flux for flux in fluxes if flux is not None and abs(flux) > _OUTLIER * median), None)
    if found is not None and (median < 1 or found not in _STAND_INS):
        raise ValueError(f"a flux is {found:g}, by which tables write that there is none; leave the cell empty (nan)")
    brightest = _brightest(unit)
    if brightest is not None and median > brightest:
        raise ValueError(
            f"the fluxes are about {median:g} {unit}, brighter than any star: a factor (1e-15?) is missing in their "
            f"unit,"
            " or they are counts; mend the unit, or say --flux-unit relative and remove it"
        )
    if brightest is not None and known and all(flux is None or flux < 0 for flux in fluxes):
        raise ValueError("all fluxes are below 0: absorption, logarithms or a sign? Publish fluxes as observed")
    least = min((flux for flux in known if flux), default=0.0)
    zeros = sum(flux == 0 for flux in fluxes)
    if brightest is not None and zeros and least > _NEAR_ZERO * median > 0:
        raise ValueError(
            f"{zeros} fluxes are 0, and no other is near it: tables write so where there is none; leave the cells "
            f"empty "
            "(nan), and those wavelengths out with --skip-empty"
        )


def _brightest(unit: str) -> float | None:
    """Return the largest flux in a unit of flux density, None in any other."""
    from astropy import units as u

    found = units.unit_of(unit) if unit else None
    for name, brightest in _BRIGHTEST.items():
        if found is not None and found.is_equivalent(u.Unit(name)):
            return float((brightest * u.Unit(name)).to_value(found))
    return None


def check_errors(fluxes: Sequence[float | None], errors: Sequence[float | None]) -> None:
    """Refuse errors far above all fluxes: in another unit, or no errors at all. Raises ValueError."""
    largest = max(abs(flux) for flux in fluxes if flux is not None)
    found = next((error for error in errors if error is not None and error > _LARGEST_ERROR * largest > 0), None)
    if found is not None:
        raise ValueError(
            f"an error is {found:g}, and the largest flux {largest:g}: errors have another unit, or are none; mend "
            f"them, "
            "or say --columns extra=... of the errors"
        )


def check_wavelengths(wavelengths: Sequence[float], unit: str) -> None:
    """Refuse what rises and falls, and what may be pixels or logarithms. Raises ValueError."""
    steps = [later - earlier for earlier, later in pairwise(wavelengths)]
    if any(wavelength <= 0 for wavelength in wavelengths):
        raise ValueError("a wavelength is 0 or less")
    if not (all(step > 0 for step in steps) or all(step < 0 for step in steps)):
        raise ValueError("the wavelengths neither rise nor fall all through: one spectrum a file is needed")
    if unit not in _LOGARITHMS:
        return
    if min(wavelengths) < 1:
        raise ValueError(
            f"a wavelength is {min(wavelengths):g} {unit}, which may be in microns; mend the unit, "
            "and write X-rays in keV"
        )
    if wavelengths[0] == 1 and {*steps} == {1.0} and len(steps) > 1:
        raise ValueError(f"the wavelengths are 1, 2, 3, ... {unit}, which may be numbers of pixels; write wavelengths")
    for lowest, highest in _LOGARITHMS[unit]:
        if all(lowest <= wavelength <= highest for wavelength in wavelengths):
            raise ValueError(
                f"the wavelengths are from {min(wavelengths):g} to {max(wavelengths):g} {unit}, which may be their "
                "logarithms; write the wavelengths themselves, those of X-rays in keV"
            )
