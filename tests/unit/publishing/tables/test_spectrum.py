"""A spectrum, from tables and from FITS images: with the units and the time that somebody told, or refused."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import tom_dataproducts
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from parts.tables import DATA

from bridge.events import Spectrum
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options, parse_columns
from bridge.publishing.sources.tables.spectrum import read_spectrum

FLAM = "1e-15 erg / (Angstrom s cm2)"
TIME = datetime(2023, 5, 20, 1, 2, 3, tzinfo=UTC)
UNITS = {"wavelength_unit": "Angstrom", "flux_unit": FLAM}


def spectrum(
    folder: Path,
    content: str | bytes,
    *,
    time: datetime | None = None,
    columns: str = "",
    skip_empty: bool = False,
    **told: str,
) -> Spectrum:
    file = folder / "spectrum"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    said = parse_columns(columns) if columns else {}
    (found,) = read_spectrum(file, Options(given=told, time=time, columns=said, skip_empty=skip_empty)).datums
    assert isinstance(found, Spectrum)
    return found


def refused(folder: Path, content: str | bytes, **told: object) -> str:
    with pytest.raises(SourceError) as caught:
        spectrum(folder, content, **told)  # type: ignore[arg-type]
    return "\n".join((str(caught.value), *caught.value.problems))


def image(data: object = None, **cards: object) -> bytes:
    header = fits.Header({"CRVAL1": 4000.0, "CDELT1": 2.0, "CRPIX1": 1.0, "CTYPE1": "WAVE", **cards})
    binary = BytesIO()
    fits.PrimaryHDU(np.arange(1, 6, dtype="f4") if data is None else data, header=header).writeto(binary)
    return binary.getvalue()


TABLE = (
    f"# DATE-OBS: 2023-05-20T01:02:03\nwavelength (Angstrom),flux ({FLAM}),flux_err\n"
    "4000,1e-15,1e-17\n4002,2e-15,2e-17\n"
)


def test_a_table_with_units_and_a_date_needs_nothing_else(tmp_path: Path) -> None:
    found = spectrum(tmp_path, TABLE)
    assert (found.wavelength, found.flux, found.error) == ((4000, 4002), (1e-15, 2e-15), (1e-17, 2e-17))
    assert (found.wavelength_unit, found.flux_unit, found.timestamp) == ("Angstrom", FLAM, TIME)


def test_the_dates_in_the_header_is_used_and_never_the_time_of_arrival() -> None:
    (found,) = read_spectrum(DATA / "16_spectrum_DATE-OBS.fits", Options(given=UNITS)).datums
    assert isinstance(found, Spectrum)
    assert found.timestamp == TIME
    assert (found.wavelength[0], found.wavelength[1], len(found.flux)) == (4000, 4002, 20)
    assert found.extra == {"OBJECT": "SN 2023ixf"}


@pytest.mark.parametrize("name", ["17_wiserep.ascii", "17b_headerless_two_columns.txt"])
def test_two_columns_without_a_header_are_wavelength_and_flux_in_the_units_that_are_said(name: str) -> None:
    (found,) = read_spectrum(DATA / name, Options(given=UNITS, time=TIME)).datums
    assert isinstance(found, Spectrum)
    assert (found.wavelength[0], found.wavelength[-1], found.flux[0]) == (4000, 5000, 1.2e-15)
    for lacking in ({"wavelength_unit": "Angstrom"}, {"flux_unit": FLAM}):
        with pytest.raises(SourceError, match="1 problem") as caught:
            read_spectrum(DATA / name, Options(given=lacking, time=TIME))
        assert "have no unit; say --" in caught.value.problems[0]
    with pytest.raises(SourceError) as caught:
        read_spectrum(DATA / name, Options(given=UNITS))
    assert "say --time" in caught.value.problems[0]


@pytest.mark.parametrize("fmt", ["fits", "votable", "ascii.ecsv", "ascii.ipac"])
def test_a_table_of_any_format_keeps_its_units(tmp_path: Path, fmt: str) -> None:
    table = Table({"wave": [400.0, 401.0] * u.nm, "flux": [1.0, 2.0] * u.mJy, "err": [0.1, 0.2] * u.mJy})
    table.write(tmp_path / "written", format=fmt)
    found = spectrum(tmp_path, (tmp_path / "written").read_bytes(), time=TIME)
    assert (found.wavelength, found.flux, found.error) == ((400, 401), (1, 2), (0.1, 0.2))
    assert (found.wavelength_unit, found.flux_unit) == ("nm", "mJy")


def test_the_four_lines_of_a_spectrum_of_iraf_are_told_apart(tmp_path: Path) -> None:
    data = np.arange(20, dtype="f4").reshape(4, 1, 5) + 1
    bands = {"BANDID1": "spectrum - background fit", "BANDID2": "raw", "BANDID3": "background", "BANDID4": "sigma"}
    content = image(
        data,
        CTYPE1="LINEAR",
        WAT1_001="wtype=linear label=Wavelength units=angstroms",
        BUNIT="1e-15 erg/cm2/s/A",
        **bands,
    )
    found = spectrum(tmp_path, content, time=TIME)
    assert (found.flux, found.error) == ((1, 2, 3, 4, 5), (16, 17, 18, 19, 20))
    assert (found.wavelength_unit, found.flux_unit) == ("Angstrom", FLAM)
    assert "one spectrum is needed" in refused(tmp_path, image(data), time=TIME, **UNITS)


def test_the_spectrum_of_tom_toolkits_own_tests_is_read() -> None:
    file = Path(tom_dataproducts.__file__).parent / "tests" / "test_data" / "test_spectrum.fits"
    (found,) = read_spectrum(file).datums
    assert isinstance(found, Spectrum)
    assert found.timestamp == datetime(2017, 3, 27, 17, 2, 24, 711_000, tzinfo=UTC)
    assert (found.instrument, found.exposure_time, found.flux_unit) == ("en05", 1200, "erg / (Angstrom s cm2)")
    assert found.wavelength[0] == pytest.approx(3200.4479981)


@settings(max_examples=40, deadline=None)
@given(
    st.floats(1000, 9000), st.floats(0.1, 10), st.integers(-5, 5), st.sampled_from(["CDELT1", "CD1_1"]), st.booleans()
)
def test_wavelengths_are_those_of_the_header(start: float, step: float, pixel: int, key: str, is_log: bool) -> None:
    cards: dict[str, object] = {"CRVAL1": start, "CRPIX1": float(pixel), "CDELT1": step, key: step}
    if is_log:
        cards |= {"CRVAL1": 3.6, "CDELT1": 1e-4, key: 1e-4, "DC-FLAG": 1}
    with TemporaryDirectory() as folder:
        found = spectrum(Path(folder), image(**cards), time=TIME, **UNITS)
    for index, wavelength in enumerate(found.wavelength):
        linear = (3.6 if is_log else start) + (index + 1 - pixel) * (1e-4 if is_log else step)
        assert wavelength == pytest.approx(10**linear if is_log else linear)


@pytest.mark.parametrize(
    ("cards", "moment"),
    [
        ({"DATE-OBS": "2023-05-20", "UT": "01:02:03"}, TIME),
        ({"DATE-OBS": "2023-05-20", "TIME-OBS": "01:02:03.0"}, TIME),
        ({"MJD-OBS": 60084.043090}, datetime(2023, 5, 20, 1, 2, 2, 976_000, tzinfo=UTC)),
        ({"DATE-OBS": "2023-05-20T01:02:03", "MJD-OBS": 60084.0430903}, TIME),
        ({"DATE-OBS": "2023-05-20T01:03:12.184", "TIMESYS": "TT"}, TIME),
    ],
)
def test_the_time_is_told_by_the_header(tmp_path: Path, cards: dict[str, object], moment: datetime) -> None:
    assert spectrum(tmp_path, image(**cards), **UNITS).timestamp == moment


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ({}, "say --time"),
        ({"DATE-OBS": "2023-05-20"}, "has no time of day"),
        ({"DATE-OBS": "20/05/23"}, "DATE-OBS"),
        ({"DATE-OBS": "2023-05-20T01:02:03", "MJD-OBS": 59000.0}, "different times"),
        ({"DATE-OBS": "2023-05-20T01:02:03", "TIMESYS": "TDB"}, "TIMESYS"),
        ({"CTYPE1": "FREQ-LOG", "DATE-OBS": "2023-05-20T01:02:03"}, "tells no wavelengths"),
    ],
)
def test_a_header_that_is_not_enough_is_refused(tmp_path: Path, cards: dict[str, object], told: str) -> None:
    assert told in refused(tmp_path, image(**cards), **UNITS)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wavelength (Angstrom),counts\n1,2\n", "no column holds the flux"),
        ("wavelength (Angstrom),flux (mJy),fluxes (mJy)\n1,2,3\n", "may both be"),
        ("wavelength (s),flux (mJy)\n1,2\n", "no unit of a wavelength"),
        ("wavelength (Angstrom),flux (parrots)\n1,2\n", "no unit of a flux"),
        ("wavelength (Angstrom),flux (mJy),err (mag)\n1,2,3\n", "write both alike"),
        ("rest wavelength (Angstrom),flux (mJy)\n1,2\n", "is at rest"),
        ("wavelength_rest (Angstrom),flux (mJy)\n1,2\n", "is at rest"),
        ("wavelength (Angstrom),flux (mJy)\n1,2\n2,3\n1,4\n", "one spectrum a file"),
        ("wavelength (Angstrom),flux (mJy)\n-1,2\n2,3\n", "0 or less"),
        ("wavelength (Angstrom),flux (mJy)\n1,bright\n", "no number"),
        ("wavelength (Angstrom),flux (mJy)\n1,\n2,3\n", "--skip-empty"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text, time=TIME)


def test_wavelengths_without_a_flux_are_left_out_and_counted_when_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "spectrum").write_text("wavelength (Angstrom),flux (mJy)\n1,\n2,3\n3,nan\n")
    found = read_spectrum(tmp_path / "spectrum", Options(time=TIME, skip_empty=True))
    assert isinstance(found.datums[0], Spectrum)
    assert found.datums[0].flux == (3,)
    assert found.left_out == ("2 wavelengths left out: no flux, or no error above 0",)


def test_columns_can_be_said_and_what_is_not_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "spectrum").write_text("wl2 (Angstrom),f1 (mJy),sky\n1,2,9\n2,3,9\n")
    found = read_spectrum(
        tmp_path / "spectrum", Options(time=TIME, columns=parse_columns("wavelength=wl2 (Angstrom),flux=f1 (mJy)"))
    )
    assert found.left_out == ("column left out: sky",)


def test_fluxes_in_no_unit_are_said_to_be_relative(tmp_path: Path) -> None:
    assert (
        spectrum(tmp_path, "4000 1.0\n4001 2.0\n", time=TIME, wavelength_unit="A", flux_unit="relative").flux_unit == ""
    )


def test_a_spectrum_in_arrays_of_one_row_is_read_as_eso_writes_it(tmp_path: Path) -> None:
    columns = [
        fits.Column(name="WAVE", format="3D", unit="nm", array=[[400.0, 400.1, 400.2]]),
        fits.Column(
            name="FLUX", format="3D", unit="10**(-15) erg cm**(-2) s**(-1) angstrom**(-1)", array=[[1.0, 2.0, 3.0]]
        ),
        fits.Column(name="QUAL", format="3J", array=[[0, 0, 0]]),
    ]
    head = fits.PrimaryHDU()
    head.header["DATE-OBS"] = "2023-05-20T01:02:03"
    fits.HDUList([head, fits.BinTableHDU.from_columns(columns)]).writeto(tmp_path / "eso.fits")
    found = spectrum(tmp_path, (tmp_path / "eso.fits").read_bytes())
    assert (found.wavelength, found.flux, found.wavelength_unit) == ((400.0, 400.1, 400.2), (1, 2, 3), "nm")
    assert u.Unit(found.flux_unit) == u.Unit(FLAM)
    assert found.timestamp == TIME


@pytest.mark.parametrize(
    "header",
    [
        "# wavelength(A)     flux(erg / s cm2 A)",
        "# Wavelength [A]  Flux [erg/s/cm2/A]",
        "# SN 2023ixf\n# wavelength (Angstroms) flux (ergs/s/cm^2/A)",
    ],
)
def test_units_in_a_comment_above_two_columns_are_those_of_the_columns(tmp_path: Path, header: str) -> None:
    found = spectrum(tmp_path, f"{header}\n4000 1e-15\n4002 2e-15\n", time=TIME)
    assert (found.wavelength_unit, found.flux_unit) == ("Angstrom", "erg / (Angstrom s cm2)")
    assert found.flux == (1e-15, 2e-15)


def test_fluxes_that_a_comment_calls_relative_are_read_where_the_person_says_so_too(tmp_path: Path) -> None:
    text = "# relative flux\n4000 1.0\n4002 2.0\n"
    told: dict[str, str] = {"wavelength_unit": "Angstrom", "flux_unit": "relative"}
    assert spectrum(tmp_path, text, time=TIME, **told).flux_unit == ""
    assert "relative flux" in refused(tmp_path, text, time=TIME, **UNITS)


def test_three_columns_without_a_header_need_to_be_named(tmp_path: Path) -> None:
    text = "4000 1e-15 1e-17\n4002 2e-15 2e-17\n"
    assert "wavelength=1,flux=2,error=3" in refused(tmp_path, text, time=TIME, **UNITS)
    found = spectrum(tmp_path, text, time=TIME, columns="wavelength=1,flux=2,error=3", **UNITS)
    assert found.error == (1e-17, 2e-17)


@pytest.mark.parametrize("name", ["flux_lambda_err", "e_flux_lambda", "sigma_flux_lambda", "flux_lambda_unc"])
def test_errors_that_are_named_after_the_flux_are_its_errors(tmp_path: Path, name: str) -> None:
    found = spectrum(tmp_path, f"wave,flux_lambda,{name}\n4000,1.0,0.1\n4002,2.0,0.2\n", time=TIME, **UNITS)
    assert found.error == (0.1, 0.2)
