"""Spectra of surveys: logarithmic wavelengths, inverse variances, errors in extensions; right, or refused."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from bridge.events import Spectrum
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.spectrum import read_spectrum

TIME = datetime(2023, 5, 20, 1, 2, 3, tzinfo=UTC)
DATE = {"DATE-OBS": "2023-05-20T01:02:03"}
FLAM = "1e-15 erg / (s cm2 Angstrom)"
FLUX = np.array([1.0, 1.5, 2.0, 1.2])
ERROR = np.array([0.1, 0.2, 0.1, 0.4])
LOGS = 3.6 + 1e-3 * np.arange(4)
WAT1 = {"WAT1_001": "wtype=multispec label=Wavelength units=angstroms"}


def read(tmp_path: Path, *hdus: Any, **given: str) -> Spectrum:
    binary = BytesIO()
    fits.HDUList([*hdus]).writeto(binary)
    (path := tmp_path / "spectrum.fits").write_bytes(binary.getvalue())
    (found,) = read_spectrum(path, Options(given=given)).datums
    assert isinstance(found, Spectrum)
    return found


def refused(tmp_path: Path, *hdus: Any, **given: str) -> str:
    with pytest.raises(SourceError) as error:
        read(tmp_path, *hdus, **given)
    return error.value.problems[0]


def image(flux: Any = FLUX, **cards: object) -> fits.PrimaryHDU:
    axis: dict[str, object] = {"CTYPE1": "WAVE", "CRVAL1": 4000.0, "CDELT1": 2.0, "CRPIX1": 1.0, "BUNIT": FLAM}
    return fits.PrimaryHDU(flux, header=fits.Header({**axis, "CUNIT1": "Angstrom", **DATE, **cards}))


def table(columns: dict[str, tuple[Any, str]], **cards: object) -> tuple[fits.PrimaryHDU, fits.BinTableHDU]:
    made = [fits.Column(name=name, format="D", array=cells, unit=unit) for name, (cells, unit) in columns.items()]
    return fits.PrimaryHDU(header=fits.Header({**DATE, **cards})), fits.BinTableHDU.from_columns(made)


def multispec(spec: str, **cards: object) -> fits.PrimaryHDU:
    told = f'wtype=multispec spec1 = "{spec}"'.ljust(68)
    parts = {f"WAT2_00{number + 1}": told[68 * number :][:68] for number in range(-(-len(told) // 68))}
    return image(FLUX[None, :], CTYPE1="MULTISPE", WCSDIM=2, **WAT1, **parts, **cards)


def test_logarithmic_wavelengths_of_fits_are_right(tmp_path: Path) -> None:
    found = read(tmp_path, image(CTYPE1="WAVE-LOG"))
    assert found.wavelength == pytest.approx(4000 * np.exp(2.0 * np.arange(4) / 4000))
    found = read(tmp_path, image(CTYPE1="LINEAR", CRVAL1=3.6, CDELT1=1e-3, **{"DC-FLAG": 1}))
    assert found.wavelength == pytest.approx(10**LOGS)


@pytest.mark.parametrize("kind", ["FREQ", "FREQ-LOG", "VELO", "VRAD", "ENER", "WAVE-TAB", "AWAV-GRI"])
def test_an_axis_that_holds_no_wavelengths_is_refused(tmp_path: Path, kind: str) -> None:
    assert "save the spectrum as a table" in refused(tmp_path, image(CTYPE1=kind))


def test_a_linear_spectrum_in_iraf_s_multispec_form_is_right(tmp_path: Path) -> None:
    assert read(tmp_path, multispec("1 1 0 4000. 2.5 4 0. 1. 4.")).wavelength == pytest.approx(
        [4000, 4002.5, 4005, 4007.5]
    )
    assert read(tmp_path, multispec("1 1 1 3.6 0.001 4 0. 1. 4.")).wavelength == pytest.approx(10**LOGS)
    # A card is full where a number ends: a blank at its end is not to be lost.
    spec = "1 1 0 " + "4000.".ljust(27, "0") + " 2.5 4 0. 1. 4."
    assert len(f'wtype=multispec spec1 = "{spec}') > 68
    assert read(tmp_path, multispec(spec)).wavelength[1] == pytest.approx(4002.5)


@pytest.mark.parametrize(
    "spec",
    [
        "1 1 2 4000. 2.5 4 0. 1. 4. 1. 0. 1 3 1. 4. 6000. 2000. 10.",
        "1 1 0 4000. 2.5 4 0.02 1. 4.",
        "1 1 0 4000. 2.5 9 0. 1. 4.",
    ],
)
def test_a_multispec_that_is_not_linear_or_not_as_observed_is_refused(tmp_path: Path, spec: str) -> None:
    assert refused(tmp_path, multispec(spec))


def test_a_spectrum_of_sdss_is_right(tmp_path: Path) -> None:
    columns = {"flux": (FLUX, ""), "loglam": (LOGS, ""), "ivar": (ERROR**-2, ""), "and_mask": (np.zeros(4), "")}
    found = read(tmp_path, *table(columns, BUNIT="1E-17 erg/cm^2/s/Ang"))
    assert found.wavelength == pytest.approx(10**LOGS)
    assert (found.wavelength_unit, found.timestamp) == ("Angstrom", TIME)
    assert found.flux == pytest.approx(FLUX)
    assert found.error == pytest.approx(ERROR)
    assert found.flux_unit == "1e-17 erg / (Angstrom s cm2)"


@pytest.mark.parametrize("values", [LOGS + 2, LOGS * 1000, LOGS - 1])
def test_what_is_no_logarithm_of_angstrom_is_refused(tmp_path: Path, values: Any) -> None:
    assert "loglam" in refused(tmp_path, *table({"loglam": (values, ""), "flux": (FLUX, FLAM)}))
    assert "nm" in refused(tmp_path, *table({"loglam": (LOGS, "nm"), "flux": (FLUX, FLAM)}))


@pytest.mark.parametrize(
    ("name", "power", "unit", "factor"),
    [
        ("ivar", -2, "", 1),
        ("IVAR", -2, "10**+34 (s2 cm4 Angstrom2) / erg2", 1),
        ("IVAR", -2, "s2 cm4 Angstrom2 / erg2", 1e-17),
        ("variance", 2, "", 1),
        ("error", 1, FLAM, 1e-2),
    ],
)
def test_errors_are_right_however_they_are_written(
    tmp_path: Path, name: str, power: int, unit: str, factor: float
) -> None:
    written = (ERROR * factor) ** power
    columns = {"wavelength": (10**LOGS, "Angstrom"), "flux": (FLUX, FLAM.replace("15", "17")), name: (written, unit)}
    assert read(tmp_path, *table(columns)).error == pytest.approx(ERROR)


def test_a_wavelength_of_unknown_flux_is_never_published_as_measured(tmp_path: Path) -> None:
    columns = {"wavelength": (10**LOGS, "Angstrom"), "flux": (FLUX, FLAM), "ivar": (np.array([1.0, 0, 1, 1]), "")}
    assert "1 of 4 wavelengths" in refused(tmp_path, *table(columns))
    assert "write both alike" in refused(tmp_path, *table({**columns, "ivar": (ERROR, "mag")}))


def test_errors_in_an_extension_are_taken_by_its_name(tmp_path: Path) -> None:
    assert read(tmp_path, image(), fits.ImageHDU(ERROR, name="ERROR")).error == pytest.approx(ERROR)
    assert "holds 2 images" in refused(tmp_path, image(), fits.ImageHDU(ERROR, name="SKY"))
    other = fits.ImageHDU(ERROR, name="ERROR", header=fits.Header({"BUNIT": "adu"}))
    assert "holds 2 images" in refused(tmp_path, image(), other)


@pytest.mark.parametrize(
    "card",
    [
        {"FLUXSCAL": 1e-16},
        {"COMMENT": "flux multiplied by 1e16"},
        {"HISTORY": "flux scaled to photometry"},
        {"COMMENT": "simulated"},
    ],
)
def test_fluxes_that_may_be_scaled_are_refused(tmp_path: Path, card: dict[str, object]) -> None:
    assert "the header says" in refused(tmp_path, image(**card))
    assert read(tmp_path, image(FLUXSCAL=1.0, HISTORY="bias subtracted, divided by flat 2")).flux == pytest.approx(FLUX)


def test_a_day_as_fits_wrote_it_until_1999_is_right(tmp_path: Path) -> None:
    old = image(**{"DATE-OBS": "28/06/98", "UT": "06:06:12"})
    assert read(tmp_path, old).timestamp == datetime(1998, 6, 28, 6, 6, 12, tzinfo=UTC)
    assert refused(tmp_path, image(**{"DATE-OBS": "28/06/23", "UT": "06:06:12"}))


def test_a_julian_date_in_the_header_is_used_where_it_has_no_other(tmp_path: Path) -> None:
    found = read(tmp_path, image(**{"DATE-OBS": "", "JD": 2460084.75}))
    assert found.timestamp == datetime(2023, 5, 20, 6, tzinfo=UTC)


COMMENTS = ["redshift removed", "best-fit model", "SN template", "log lambda", "simulated", "flux multiplied by 1e16"]
HARMLESS = ["SN 2023abc at +10 d", "host template subtracted", "combined 3 x 600 s", "flux calibrated with BD+28"]


@pytest.mark.parametrize("comment", COMMENTS)
def test_a_comment_that_a_spectrum_is_not_as_observed_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    assert "the header says" in refused(tmp_path, image(COMMENT=comment))
    given = {"wavelength_unit": "Angstrom", "flux_unit": FLAM}
    (path := tmp_path / "spectrum.csv").write_text(f"# {comment}\nwavelength,flux\n4000,1e-15\n4002,2e-15\n")
    with pytest.raises(SourceError) as error:
        read_spectrum(path, Options(given=given, time=TIME))
    assert "a comment says" in error.value.problems[0]


@pytest.mark.parametrize("comment", HARMLESS)
def test_a_comment_that_changes_no_spectrum_is_no_obstacle(tmp_path: Path, comment: str) -> None:
    assert read(tmp_path, image(COMMENT=comment)).flux == pytest.approx(FLUX)
    given = {"wavelength_unit": "Angstrom", "flux_unit": FLAM}
    (path := tmp_path / "spectrum.csv").write_text(f"# {comment}\nwavelength,flux\n4000,1e-15\n4002,2e-15\n")
    assert read_spectrum(path, Options(given=given, time=TIME)).datums


def test_the_spectrum_of_a_file_of_the_sdss_is_found_beside_its_other_tables(tmp_path: Path) -> None:
    _, coadd = table(
        {"flux": (FLUX, ""), "loglam": (LOGS, ""), "ivar": (ERROR**-2, ""), "and_mask": (FLUX * 0 + 4, "")}
    )
    coadd.name = "COADD"
    _, catalogue = table({"PLATE": ([1.0], ""), "Z": ([0.1], "")})
    primary = fits.PrimaryHDU(header=fits.Header({**DATE, "BUNIT": "1E-17 erg/cm^2/s/Ang"}))
    found = read(tmp_path, primary, coadd, catalogue)
    assert found.flux == tuple(FLUX)
    assert found.error == pytest.approx(ERROR)
    assert found.wavelength == pytest.approx(10**LOGS)
    assert found.flux_unit == "1e-17 erg / (Angstrom s cm2)"


@pytest.mark.parametrize("unit", ["", "1e-30 erg2 / (s2 cm4 Angstrom2)"])
def test_variances_and_flags_in_extensions_are_understood(tmp_path: Path, unit: str) -> None:
    variance = fits.ImageHDU(ERROR**2, name="VAR", header=fits.Header({"BUNIT": unit} if unit else {}))
    found = read(tmp_path, image(), variance, fits.ImageHDU(np.zeros(4, "i2"), name="DQ"))
    assert found.error == pytest.approx(ERROR)
    told = refused(tmp_path, image(), variance, fits.ImageHDU(np.array([0, 1, 0, 0], "i2"), name="DQ"))
    assert "1 of 4 wavelengths have no flux" in told
    assert "--skip-empty" in told


def test_variances_in_the_unit_of_the_flux_are_refused(tmp_path: Path) -> None:
    variance = fits.ImageHDU(ERROR**2, name="VAR", header=fits.Header({"BUNIT": FLAM}))
    assert "holds 2 images" in refused(tmp_path, image(), variance)


def test_the_mjd_of_a_night_is_no_time(tmp_path: Path) -> None:
    night = image(MJD=60084)
    del night.header["DATE-OBS"]
    assert "MJD = 60084 has no time of day" in refused(tmp_path, night)
