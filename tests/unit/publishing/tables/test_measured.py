"""Numbers that tables write where nothing was measured, and signals too weak: never published as detections."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from parts.tables import points, problems

from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.spectrum import read_spectrum

TIME = datetime(2023, 5, 20, 1, 2, 3, tzinfo=UTC)


def table(cells: list[str], name: str = "mag") -> str:
    rows = [f"{60000 + number}.5,{cell},0.02,r" for number, cell in enumerate(cells)]
    return "\n".join([f"mjd,{name},err,filter", *rows, ""])


def beside(name: str, *cells: object, error: str = "0.02") -> str:
    rows = [f"{60000 + number}.5,18.{number}1,{error},r,{cell}" for number, cell in enumerate(cells)]
    return "\n".join([f"mjd,mag,err,filter,{name}", *rows, ""])


# -- numbers that stand for nothing ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cells",
    [
        ["22.222"], ["33.333"], ["9.999"], ["19.999"], ["-1.000"], ["22.22", "22.22"], ["30.00", "30.00"],
        ["25", "25"], ["19.99", "19.99"], ["0.0"], ["0"], ["40"],
    ],
)  # fmt: skip
def test_a_number_that_looks_typed_and_lies_far_from_all_others_is_no_magnitude(
    tmp_path: Path, cells: list[str]
) -> None:
    text = table(["15.831", "16.117", "16.744", *cells])
    (problem,) = problems(tmp_path, text)
    assert f"{cells[0]!r} is far from all other magnitudes" in problem
    assert len(points(tmp_path, text, columns="brightness=mag")) == 3 + len(cells)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(["22.222", "19.999", "20.00", "19.99", "33.33"]), st.floats(-0.9, 0.9).filter(bool))
def test_a_number_near_others_is_measured_however_it_looks(
    tmp_path_factory: pytest.TempPathFactory, cell: str, by: float
) -> None:
    folder = tmp_path_factory.mktemp("near")
    assert len(points(folder, table([cell, cell, f"{float(cell) + by:.3f}"]))) == 3


@pytest.mark.parametrize("cells", [["10.0", "10.0", "12.4"], ["12", "12", "15"], ["18.123", "25.1", "25.1"]])
def test_coarse_magnitudes_are_measured(tmp_path: Path, cells: list[str]) -> None:
    assert len(points(tmp_path, table(cells))) == 3


@pytest.mark.parametrize("error", ["1.0857", "1.086", "1.085736"])
def test_the_error_of_a_signal_as_large_as_its_noise_is_that_of_no_measurement(tmp_path: Path, error: str) -> None:
    (problem,) = problems(tmp_path, f"mjd,mag,err,filter\n60000.5,20.1,{error},r\n")
    assert "no error of a measurement" in problem


# -- weak signals, and values of no image ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["SNR", "snr_psf", "S/N", "significance", "nsigma", "det_sig", "TS"])
def test_a_magnitude_of_no_signal_is_no_detection(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, beside(name, 40, 1.8, 30))
    assert "line 3" in problem
    assert "no detection" in problem
    assert len(points(tmp_path, beside(name, 40, 1.8, 30), columns=f"extra={name}")) == 3
    assert len(points(tmp_path, beside(name, 40, 18, 30))) == 3


def test_a_weak_signal_that_its_error_shows_is_published_with_it(tmp_path: Path) -> None:
    assert len(points(tmp_path, beside("snr", 40, 1.8, 30, error="0.6"))) == 3


def test_a_weak_signal_that_is_marked_as_a_limit_is_one(tmp_path: Path) -> None:
    text = "mjd,mag,is_limit,snr,filter\n60000.5,18.1,0,30,r\n60001.5,19.1,1,1.2,r\n"
    assert [point.limit for point in points(tmp_path, text)] == [None, 19.1]


@pytest.mark.parametrize("name", ["n_obs", "nobs", "n", "N_det", "nimages", "num_exp", "ncoadd", "r_n"])
def test_a_magnitude_of_no_image_is_none(tmp_path: Path, name: str) -> None:
    assert "of no image" in problems(tmp_path, beside(name, 3, 0, 3))[0]
    assert len(points(tmp_path, beside(name, 3, 1, 3))) == 3
    assert len(points(tmp_path, beside("n", 0, 1, 2))) == 3  # numbers of rows


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("conf", ("high", "none", "high")), ("confidence", ("good", "low", "good")), ("c7", ("ok", "nok", "ok")),
        ("c7", ("1", "-1", "1")), ("time_std", ("BJD_TDB",) * 3), ("remarks", ("", "bad column", "")),
        ("source", ("obs", "interp", "obs")), ("epoch_ok", ("1", "0", "1")), ("V_sys", ("AB",) * 3),
        ("marker", ("o", "v", "o")),
        ("note_id", ("", "2", "")), ("p_det", ("0.99", "0.01", "0.99")),
    ],
)  # fmt: skip
def test_what_a_column_says_of_a_value_is_never_passed_over(tmp_path: Path, name: str, cells: tuple[str, ...]) -> None:
    assert name in problems(tmp_path, beside(name, *cells))[0]


@pytest.mark.parametrize("band", ["V0", "Vlim", "V_ext", "V err", "log V", "mean V", "V dered", "avg", 'V"', "true"])
def test_a_filter_with_a_word_more_tells_another_thing(tmp_path: Path, band: str) -> None:
    assert "Write the filter alone" in problems(tmp_path, f"mjd\tmag\tfilter\n60000.5\t18.1\t{band}\n")[0]


def test_the_noise_of_a_flux_is_its_error(tmp_path: Path) -> None:
    (point,) = points(tmp_path, "mjd,flux (mJy),rms (mJy),band\n60000.5,1.2,0.1,C\n")
    assert (point.brightness, point.brightness_error) == (1.2, 0.1)


@pytest.mark.parametrize("unit", ["dex(Jy)", "1e-17"])
def test_a_logarithm_or_a_bare_factor_is_no_unit_of_a_brightness(tmp_path: Path, unit: str) -> None:
    assert "no unit of a brightness" in problems(tmp_path, f"mjd,flux ({unit}),band\n60000.5,1.2,C\n")[0]


# -- spectra -----------------------------------------------------------------------------------------------------------

CGS = "erg / (s cm2 Angstrom)"


def spectrum_refused(tmp_path: Path, fluxes: list[float], *, unit: str = CGS, waves: list[float] | None = None) -> str:
    waves = waves or [5000.0 + 3 * number for number in range(len(fluxes))]
    rows = [f"{wave!r} {flux!r}" for wave, flux in zip(waves, fluxes, strict=True)]
    (tmp_path / "s.txt").write_text("\n".join(["# DATE-OBS = 2023-05-20T01:02:03", *rows, ""]))
    try:
        read_spectrum(tmp_path / "s.txt", Options(given={"wavelength_unit": "Angstrom", "flux_unit": unit}))
    except Exception as error:
        return " ".join([str(error), *getattr(error, "problems", ())])
    return ""


SEEN = [2.1e-15, 2.2e-15, 2.0e-15, 1.9e-15, 2.3e-15, 2.4e-15]


@pytest.mark.parametrize(
    ("fluxes", "what"),
    [
        ([2.1, 2.2, 2.0, 1.9], "brighter than any star"), ([1200.0, 1300.0, 1250.0], "brighter than any star"),
        ([-14.7, -14.6, -14.5], "brighter than any star"), ([*SEEN, 0.0, 0.0], "fluxes are 0"),
        ([-flux for flux in SEEN], "below 0"), ([*SEEN, -1.0], "there is none"), ([*SEEN, 1e30], "there is none"),
    ],
)  # fmt: skip
def test_fluxes_that_no_target_has_are_refused(tmp_path: Path, fluxes: list[float], what: str) -> None:
    assert what in spectrum_refused(tmp_path, fluxes)


def test_fluxes_that_a_target_has_are_none_of_these(tmp_path: Path) -> None:
    assert not spectrum_refused(tmp_path, SEEN)
    assert not spectrum_refused(tmp_path, [2.1, 2.2, 2.0], unit="1e-15 erg / (s cm2 Angstrom)")
    assert not spectrum_refused(tmp_path, [3.1e-15, 2e-17, 0.0, 2.2e-15, 2.4e-15])  # noise about zero
    assert not spectrum_refused(tmp_path, [3.0, 0.0, 2.0, 1.0], unit="ct")
    assert not spectrum_refused(tmp_path, [3000.0, 2900.0, 3100.0], unit="Jy")


def test_pixels_and_natural_logarithms_are_no_wavelengths(tmp_path: Path) -> None:
    assert "numbers of pixels" in spectrum_refused(tmp_path, SEEN, waves=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert "logarithms" in spectrum_refused(tmp_path, SEEN, waves=[8.51, 8.52, 8.53, 8.54, 8.55, 8.56])


def test_errors_far_above_all_fluxes_are_none(tmp_path: Path) -> None:
    text = "# DATE-OBS = 2023-05-20T01:02:03\nwavelength,flux,err\n5000,1e-15,1\n5003,2e-15,1\n"
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(Exception, match="1 problem") as caught:
        read_spectrum(tmp_path / "s.csv", Options(given={"wavelength_unit": "Angstrom", "flux_unit": CGS}))
    assert "an error is 1" in caught.value.problems[0]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "cards",
    [
        {"CD1_1": 1.5}, {"PC1_1": 0.5}, {"CUNIT1": "Hz"}, {"SCALE": 1e-15}, {"FLUXSC": 1e15}, {"OBJECT": "SKY"},
        {"IMAGETYP": "standard"}, {"DERED": "yes"}, {"STOKES": "Q"}, {"SKYSUB": False}, {"SIMULATE": True},
        {"OBJECT": "Telluric HIP1234"}, {"OBJECT": "STD,FLUX"}, {"HIERARCH ESO DPR TYPE": "STD,FLUX"},
        {"HIERARCH ESO PRO CATG": "SKY_SPECTRUM"}, {"SPECREF": "REST"}, {"CONTNORM": True}, {"RESTFRM": "T"},
        {"CNAME1": "rest wavelength"}, {"EXPTIME": -1.0}, {"EXTNAME": "CONT"}, {"HDUCLAS2": "ERROR"},
        {"OBJECT": "HgArNe"},
        {"OBJECT": "SN2022xyz_sky"}, {"OBJECT": "host of SN2022xyz"}, {"COMMENT": "flux is F_lambda * lambda"},
        {"HISTORY": "flux * 1e15"}, {"UT": "05:30:00"}, {"TIME-OBS": "05:30:00"}, {"MJD-OBS": 60085.0431},
    ],
)  # fmt: skip
def test_a_header_of_a_spectrum_that_says_two_things_is_refused(tmp_path: Path, cards: dict[str, object]) -> None:
    axis: dict[str, object] = {"CTYPE1": "WAVE", "CRVAL1": 5000.0, "CDELT1": 3.0, "CUNIT1": "Angstrom", "BUNIT": CGS}
    for said in ({}, cards):
        binary = BytesIO()
        header = fits.Header({**axis, "DATE-OBS": "2023-05-20T01:02:03", "EXPTIME": 600.0, **said})
        fits.PrimaryHDU(SEEN, header=header).writeto(binary)
        (tmp_path / "s.fits").write_bytes(binary.getvalue())
        if not said:
            read_spectrum(tmp_path / "s.fits")
    with pytest.raises(Exception, match="1 problem"):
        read_spectrum(tmp_path / "s.fits")


@pytest.mark.parametrize(
    ("name", "cells"), [("mjd", ("59000.5", "59000.5")), ("date", ("2021-01-01",) * 2), ("epoch", ("1", "2"))]
)
def test_a_spectrum_with_times_of_its_own_rows_is_refused(tmp_path: Path, name: str, cells: tuple[str, str]) -> None:
    (tmp_path / "s.csv").write_text(f"wave,flux,{name}\n5000,1e-15,{cells[0]}\n5003,2e-15,{cells[1]}\n")
    with pytest.raises(SourceError) as caught:
        read_spectrum(tmp_path / "s.csv", Options(time=TIME, given={"wavelength_unit": "Angstrom", "flux_unit": CGS}))
    assert "one spectrum a file" in caught.value.problems[0]


def test_an_error_to_one_side_is_not_the_error(tmp_path: Path) -> None:
    (point,) = points(tmp_path, "mjd,mag,err+,err-,filter\n60000.5,18.1,0.02,0.05,r\n")
    assert (point.brightness_error, point.extra) == (None, {"err+": 0.02, "err-": 0.05})


@pytest.mark.parametrize("tag", ["del", "s", "strike"])
def test_a_value_that_is_struck_out_is_not_published(tmp_path: Path, tag: str) -> None:
    head = "<tr><th>mjd</th><th>mag</th><th>filter</th></tr>"
    cells = ("60000.5", "18.1"), ("60001.5", f"<{tag}>12.0</{tag}>")
    rows = "".join(f"<tr><td>{mjd}</td><td>{mag}</td><td>r</td></tr>" for mjd, mag in cells)
    with pytest.raises(SourceError, match="struck out"):
        points(tmp_path, f"<html><table>{head}{rows}</table></html>", name="t.html")


def test_the_faintest_magnitude_twice_without_an_error_is_a_limit(tmp_path: Path) -> None:
    text = "mjd,mag,err,filter\n60000.5,18.1,0.02,r\n60001.5,19.5,,r\n60002.5,19.5,,r\n"
    assert "Write limits in a column 'limit'" in problems(tmp_path, text)[0]
    assert len(points(tmp_path, text, columns="brightness=mag")) == 3
    assert len(points(tmp_path, text.replace("18.1", "20.1"))) == 3
    assert len(points(tmp_path, text.replace("19.5,,r\n60002", "19.6,,r\n60002"))) == 3


@pytest.mark.parametrize("name", ["R", "I", "H"])
def test_small_numbers_in_a_column_named_by_a_band_are_an_index(tmp_path: Path, name: str) -> None:
    text = f"mjd,V,err,{name}\n60000.5,15.8,0.02,1.1\n60001.5,15.9,0.02,1.2\n"
    assert "an index or magnitudes" in problems(tmp_path, text)[0]


@pytest.mark.parametrize("mark", ["\u200b", "\u00ad", "\u2060"])
def test_marks_that_nobody_sees_hide_no_word_and_change_no_number(tmp_path: Path, mark: str) -> None:
    assert "HJD" in problems(tmp_path, f"# H{mark}JD times\n{table(['18.1'])}")[0]
    (point,) = points(tmp_path, table([f"18{mark}.1"]))
    assert point.brightness == 18.1


def test_marks_that_turn_the_order_of_digits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="turn the order"):
        points(tmp_path, table(["\u202e61.61"]))
