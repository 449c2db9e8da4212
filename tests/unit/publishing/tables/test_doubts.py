"""Tables as people have them whose meaning is in doubt: what can be read in two ways is refused, the rest is right."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from parts.tables import points, problems, reading

from bridge.events import Point
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.spectrum import read_spectrum

HEAD = "MJD,mag,err,filter\n"
DETECTION = "60001.1,18.2,0.1,g\n"
ZTF = "oid,expid,hjd,mjd,mag,magerr,catflags,filtercode,ra,dec\n"
ECSV = """# %ECSV 1.0
# ---
# datatype:
# - {{name: mjd, unit: d, datatype: float64, description: {}}}
# - {{name: mag, unit: mag, datatype: float64, description: {}}}
# - {{name: band, datatype: string}}
# meta: {{TIMESYS: TT}}
# schema: astropy-2.0
mjd mag band
"""
UNITS = {"wavelength_unit": "Angstrom", "flux_unit": "mJy"}


def refused(tmp_path: Path, text: str | bytes, **options: object) -> str:
    with pytest.raises(SourceError) as caught:
        points(tmp_path, text, **options)
    return f"{caught.value} {caught.value.problems}"


def fits_table(*columns: fits.Column) -> bytes:
    file = BytesIO()
    fits.BinTableHDU.from_columns(columns).writeto(file)
    return file.getvalue()


def only(tmp_path: Path, text: str | bytes, **options: object) -> Point:
    (point,) = points(tmp_path, text, **options)
    return point


# -- letters of names --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("letter", ["\u00b5", "\u03bc"])
@pytest.mark.parametrize("names", ["{}Jy,d{}Jy", "{}Jy,{}Jy_err", "flux_{}Jy,fluxerr_{}Jy", "flux ({}Jy),err ({}Jy)"])
def test_a_flux_in_microjanskys_is_not_one_in_janskys(tmp_path: Path, letter: str, names: str) -> None:
    point = only(tmp_path, f"MJD,{names.replace('{}', letter)},filter\n60341.2,12.5,3.1,g\n")
    assert (point.brightness, point.brightness_error, point.unit) == (12.5, 3.1, "uJy")


@pytest.mark.parametrize("name", ["\u0394mag", "\u2206mag", "\u03b4 mag", "mag\u00b2", "\u00e9mag"])
def test_a_letter_that_is_not_latin_is_a_letter_of_the_name(tmp_path: Path, name: str) -> None:
    assert "no column holds a brightness" in refused(tmp_path, f"MJD,{name},err,filter\n60341.2,1.2,0.1,g\n")


@pytest.mark.parametrize("name", ["\u00b1", "+/-", "\u03c3", "\u03c3_mag", "\u03c3(mag)", "Fehler", "erreur", "rmsMag"])
def test_an_error_by_another_name_is_the_error(tmp_path: Path, name: str) -> None:
    assert only(tmp_path, f"MJD,mag,{name},filter\n60341.2,18.2,0.1,g\n").brightness_error == 0.1
    assert "no error of a measurement" in refused(tmp_path, f"MJD,mag,{name},filter\n60341.2,18.2,-1,g\n")


def test_a_primed_band_keeps_its_prime(tmp_path: Path) -> None:
    found = points(tmp_path, "MJD,g',g'_err,r',r'_err\n60001.1,18.2,0.1,18.0,0.2\n")
    assert [(one.bandpass, one.brightness, one.brightness_error) for one in found] == [
        ("g'", 18.2, 0.1),
        ("r'", 18.0, 0.2),
    ]


def test_quotes_around_a_name_are_none_of_it(tmp_path: Path) -> None:
    assert only(tmp_path, "'MJD','mag','filter'\n60001.1,18.2,g\n").brightness == 18.2


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Date", "DateTime (UT)", "time", "timestamp"])
def test_a_date_as_spreadsheets_count_it_is_no_mjd(tmp_path: Path, name: str) -> None:
    assert "45323.25 may be a date of a spreadsheet" in refused(
        tmp_path, f"{name},mag,err,filter\n45323.25,18.2,0.1,V\n"
    )


@pytest.mark.parametrize("clock", ["Local Time", "LT", "JST", "CET", "LST", "Heure", "Uhrzeit (MEZ)", "Time (CET)"])
def test_a_time_of_day_by_an_unknown_clock_is_never_utc(tmp_path: Path, clock: str) -> None:
    text = f"Date,{clock},mag,err,filter\n2024-02-01,21:00:00,18.2,0.1,g\n"
    assert refused(tmp_path, text)
    both = text.replace("Date,", "MJD,Date,").replace("2024-02-01,", "60341.2,2024-02-01,")
    assert only(tmp_path, both).extra[clock] == "21:00:00"


@pytest.mark.parametrize(
    "comment",
    ["Times are local time", "time zone: CET", "Dates are in JST", "time system: tai", "TIMESYS: tt", "dates in TAI"],
)
def test_a_comment_on_the_clock_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    assert "times are UTC" in refused(tmp_path, f"# {comment}\nDate,mag,err,filter\n2024-02-01 21:00:00,18.2,0.1,g\n")


@pytest.mark.parametrize(("name", "cell"), [("JD", "2.46034E+06"), ("MJD", "6.03E+04"), ("time", "6.0341e4")])
def test_a_time_that_a_spreadsheet_rounded_to_days_is_none(tmp_path: Path, name: str, cell: str) -> None:
    assert "lost its part of a day" in refused(tmp_path, f"{name},mag,filter\n{cell},18.2,g\n")


def test_a_time_of_day_is_right_without_its_zeros(tmp_path: Path) -> None:
    point = only(tmp_path, "Date,UT,mag,filter\n2024-01-31,1:5:7.25,18.2,g\n")
    assert point.timestamp.isoformat() == "2024-01-31T01:05:07.250000+00:00"


def test_a_time_with_an_exponent_and_all_its_digits_is_right(tmp_path: Path) -> None:
    assert only(tmp_path, "MJD,mag,filter\n6.034125E+04,18.2,g\n").timestamp.hour == 6


@pytest.mark.parametrize(("name", "number"), [("MJD", 60341.25), ("JD", 2460341.75), ("TIME", 60341.25)])
def test_a_time_of_32_bits_is_none(tmp_path: Path, name: str, number: float) -> None:
    times = fits.Column(name=name, format="E", array=np.array([number]))
    magnitudes = fits.Column(name="MAG", format="E", array=np.array([18.2]))
    bands = fits.Column(name="FILTER", format="1A", array=np.array(["g"]))
    whole = fits.Column(name=name, format="D", array=np.array([number]))
    assert "32 bits" in refused(tmp_path, fits_table(times, magnitudes, bands))
    assert only(tmp_path, fits_table(whole, magnitudes, bands)).timestamp.hour == 6


def test_the_scale_in_the_head_of_an_ecsv_file_is_used(tmp_path: Path) -> None:
    point = only(tmp_path, ECSV.format("'MJD'", "Magnitude") + "60341.0 12.5 g\n")
    assert point.timestamp.isoformat() == "2024-01-31T23:58:50.816000+00:00"


# -- numbers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", ["1", "2", "3"])
def test_an_error_of_whole_last_digits_is_none_of_magnitudes(tmp_path: Path, error: str) -> None:
    assert "err (mmag)" in refused(tmp_path, f"{HEAD}60001.1,15.234,{error},V\n")
    assert only(tmp_path, f"{HEAD}60001.1,15.234,{error}.0,V\n").brightness_error == float(error)


@pytest.mark.parametrize(
    "comment",
    [
        "errors in units of 0.001 mag",
        "err: hundredths of a magnitude",
        "uncertainties of the last digits",
        "errors in units of 10^-3 mag",
    ],
)
def test_a_comment_on_the_unit_of_errors_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    assert "errors are in magnitudes" in refused(tmp_path, f"# {comment}\n{HEAD}60001.1,18.21,2.0,V\n")


def test_a_comma_that_may_stand_between_thousands_is_no_point(tmp_path: Path) -> None:
    head = "MJD;flux (uJy);err;filter\n"
    assert "thousands" in refused(tmp_path, f"{head}60341;1,234;12;g\n60342;-1,334;12;g\n")
    assert only(tmp_path, f"{head}60341,25;1,234;12;g\n").brightness == 1.234


@pytest.mark.parametrize("nothing", ["0", "0.000", "-1", "-1.0"])
def test_a_number_for_nothing_measured_is_no_magnitude(tmp_path: Path, nothing: str) -> None:
    text = f"MJD,mag_g,mag_r\n60001.1,18.2,{nothing}\n60002.1,18.2,17.1\n"
    assert "nothing was measured" in refused(tmp_path, text)
    bright = f"MJD,mag,err,filter\n60001.1,{nothing},0.02,V\n60002.1,{nothing},,V\n"
    assert [one.brightness for one in points(tmp_path, bright)] == [float(nothing)] * 2


@pytest.mark.parametrize(
    "comment",
    ["Magnitudes corrected for Galactic extinction", "dereddened", "absolute magnitudes", "K-corrected"],
)
def test_values_that_a_comment_calls_corrected_are_not_published(tmp_path: Path, comment: str) -> None:
    assert "a comment says" in refused(tmp_path, f"# {comment}\n{HEAD}{DETECTION}")


@pytest.mark.parametrize("comment", ["not corrected for extinction", "no K-corrected values", "Uncorrected values"])
def test_values_that_a_comment_calls_uncorrected_are_published(tmp_path: Path, comment: str) -> None:
    assert only(tmp_path, f"# {comment}\n{HEAD}{DETECTION}").brightness == 18.2


@pytest.mark.parametrize("note", ["Instrumental magnitude", "corrected for Galactic extinction", "Absolute magnitude"])
def test_values_that_a_description_calls_other_than_observed_are_not_published(tmp_path: Path, note: str) -> None:
    text = ECSV.format("'MJD'", note) + "60341.0 12.5 g\n"
    assert "is described as" in refused(tmp_path, text)
    assert only(tmp_path, text, columns="brightness=mag").brightness == 12.5


@pytest.mark.parametrize("nothing", ["-99", "-99.99", "-999", "-9999.0"])
def test_a_number_for_nothing_measured_is_no_flux(tmp_path: Path, nothing: str) -> None:
    text = f"MJD,flux (uJy),err,filter\n60341.2,{nothing},,g\n"
    assert "nothing was measured" in refused(tmp_path, text)
    assert only(tmp_path, text.replace(",,", ",12.1,")).brightness == float(nothing)


@pytest.mark.parametrize("name", ["f_mag", "u_mag"])
def test_a_flag_as_vizier_names_it_is_never_passed_over(tmp_path: Path, name: str) -> None:
    assert "may say what the values mean" in refused(tmp_path, f"MJD,mag,{name},filter\n60001.1,18.2,U,g\n")


def test_the_limit_of_the_only_band_is_its_limit(tmp_path: Path) -> None:
    point = only(tmp_path, "MJD,g,g_err,g_lim\n60341.2,18.2,0.1,20.1\n")
    assert (point.bandpass, point.brightness, point.limit) == ("g", 18.2, 20.1)


@pytest.mark.parametrize("head", ["# MJD mag err filter exptime\n", "MJD mag err filter exptime\n"])
def test_units_in_a_comment_below_the_header_are_used(tmp_path: Path, head: str) -> None:
    point = only(tmp_path, f"{head}# d mag mmag - min\n60001.1 18.2 12 g 2\n")
    assert (point.brightness_error, point.exposure_time) == (0.012, 120.0)


def test_a_row_of_units_may_begin_and_end_with_empty_cells(tmp_path: Path) -> None:
    text = "SN\tMJD\tVmag\te_Vmag\tl_Vmag\n \td\tmag\tmmag\t \n--\t---\t---\t---\t-\n11fe\t55800.2\t15.2\t12\t \n"
    assert only(tmp_path, text).brightness_error == 0.012


def test_a_column_that_pandas_renamed_is_never_passed_over(tmp_path: Path) -> None:
    assert "'mag.1' may have had the name of another" in refused(
        tmp_path, "MJD,mag,mag.1,filter\n60341.2,18.2,18.3,g\n"
    )


@pytest.mark.parametrize("mark", ["~", "=", "~>"])
def test_a_mark_that_is_not_understood_is_never_passed_over(tmp_path: Path, mark: str) -> None:
    assert "is no number" in refused(tmp_path, f"{HEAD}60001.1,{mark}18.2,,g\n")


def test_a_redshift_beside_bands_is_no_magnitude(tmp_path: Path) -> None:
    text = "MJD,g,g_err,z\n60341.2,18.2,0.1,0.05\n"
    assert "redshift" in refused(tmp_path, text)
    assert only(tmp_path, text, columns="extra=z").extra["z"] == 0.05
    assert len(points(tmp_path, text.replace("0.05", "17.9"))) == 2


# -- several targets in a file -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "places",
    [
        ("150.1,2.1", "150.1,2.11"),
        ("150.1,2.1", "150.11,2.1"),
        ("10:00:24.0,+02:06:00", "10:00:25.0,+02:06:00"),
        ("359.9999,2.1", "0.01,2.1"),
    ],
)
def test_rows_of_several_places_are_never_those_of_one_target(tmp_path: Path, places: tuple[str, str]) -> None:
    rows = "".join(f"6000{number}.1,18.2,g,{place}\n" for number, place in enumerate(places))
    assert "several places" in refused(tmp_path, f"mjd,mag,filter,ra,dec\n{rows}")
    assert len(points(tmp_path, f"mjd,mag,filter,ra,dec\n{rows}", columns="extra=ra")) == 2


@pytest.mark.parametrize("place", ["359.9999,2.1", "0.0005,2.1003"])
def test_rows_of_one_place_may_scatter(tmp_path: Path, place: str) -> None:
    assert len(points(tmp_path, f"mjd,mag,filter,ra,dec\n60001.1,18.2,g,0.0001,2.1\n60002.1,18.2,g,{place}\n")) == 2


def test_neighbours_in_a_cone_of_ztf_are_not_the_target(tmp_path: Path) -> None:
    row = "{},45150123,2458202.79,58202.2871412,19.482,0.124,0,{},{}\n"
    target = row.format("686103400067717", "zg", "255.57780,12.28390")
    in_red = row.format("686203400067718", "zr", "255.57785,12.28392")
    neighbour = row.format("686103400106565", "zg", "255.58980,12.28950")
    assert [one.bandpass for one in points(tmp_path, ZTF + target + in_red)] == ["zg", "zr"]
    assert "several places" in refused(tmp_path, ZTF + target + neighbour)


@pytest.mark.parametrize("name", ["Supernova", "TIC", "src", "MasterID", "InputID"])
def test_more_names_of_columns_name_the_object(tmp_path: Path, name: str) -> None:
    text = f"{name},MJD,mag,filter\n12345,60001.1,18.2,g\n12346,60002.1,15.2,g\n"
    assert "names 2 objects" in refused(tmp_path, text)


@pytest.mark.parametrize("name", ["ID", "source", "Transient"])
@pytest.mark.parametrize(
    "objects", [("SN 2023ixf", "AT2024abc"), ("ZTF18aaaaaaa", "ZTF18aaaaaab"), ("Gaia24abc", "SN2024a")]
)
def test_names_of_several_objects_are_known_in_any_column(tmp_path: Path, name: str, objects: tuple[str, str]) -> None:
    text = f"{name},MJD,mag,filter\n{objects[0]},60001.1,18.2,g\n{objects[1]},60002.1,15.2,g\n"
    assert "names 2 objects" in refused(tmp_path, text)
    assert len(points(tmp_path, text.replace(objects[1], objects[0]))) == 2
    assert len(points(tmp_path, text, columns=f"extra={name}")) == 2


def test_several_surveys_are_no_objects(tmp_path: Path) -> None:
    found = points(tmp_path, "source,MJD,mag,filter\nATLAS,60001.1,18.2,o\nZTF DR20,60002.1,15.2,g\n")
    assert [one.source_name for one in found] == ["ATLAS", "ZTF DR20"]


@pytest.mark.parametrize("comment", ["# SN 2023b", "# r band", "# mjd mag err filter", "! night of 3 May"])
def test_a_comment_between_rows_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    text = f"mjd mag err filter\n60001.1 18.2 0.1 g\n{comment}\n60002.1 15.2 0.1 g\n"
    assert "line 3: the comment" in refused(tmp_path, text)


@pytest.mark.parametrize("comment", ["#60001.5 18.9 0.1 g", "# 60001.5 18.9 0.1 g", "#", "# -----"])
def test_a_row_that_somebody_took_out_is_out(tmp_path: Path, comment: str) -> None:
    text = f"mjd mag err filter\n60001.1 18.2 0.1 g\n{comment}\n60002.1 15.2 0.1 g\n# end\n"
    assert [one.brightness for one in points(tmp_path, text)] == [18.2, 15.2]


# -- spectra -----------------------------------------------------------------------------------------------------------


def spectrum(tmp_path: Path, comment: str, **given: str) -> None:
    file = tmp_path / "spectrum.txt"
    file.write_text(f"# {comment}\n# MJD: 60341.25\nwavelength,flux\n4000.0,1.2\n4001.0,1.1\n")
    read_spectrum(file, Options(given={**UNITS, **given}))


@pytest.mark.parametrize(
    "comment",
    [
        "rest-frame wavelengths",
        "dereddened with E(B-V) = 0.1",
        "continuum normalised",
        "flux in units of 1e-15 erg/s/cm2/A",
        "flux x 10^15",
        "wavelength in nm",
        "Wavelength (microns)",
    ],
)
def test_a_comment_that_changes_a_spectrum_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    with pytest.raises(SourceError) as caught:
        spectrum(tmp_path, comment)
    assert "a comment says" in caught.value.problems[0]


@pytest.mark.parametrize(
    "comment", ["wavelength in Angstrom", "not corrected for extinction", "wavelengths in air", "flux calibrated"]
)
def test_a_comment_that_changes_nothing_of_a_spectrum_is_no_hindrance(tmp_path: Path, comment: str) -> None:
    spectrum(tmp_path, comment)


def test_a_factor_in_the_unit_is_the_factor_of_the_comment(tmp_path: Path) -> None:
    spectrum(tmp_path, "flux in 1e-15 erg/s/cm2/A", flux_unit="1e-15 erg / (s cm2 Angstrom)")


@pytest.mark.parametrize(("unit", "start"), [("Angstrom", 3.58), ("nm", 2.58)])
def test_logarithms_of_wavelengths_are_no_wavelengths(tmp_path: Path, unit: str, start: float) -> None:
    image = fits.PrimaryHDU(np.array([1.0, 2.0, 3.0]))
    image.header.update({"CRVAL1": start, "CDELT1": 1e-4, "CUNIT1": unit, "BUNIT": "Jy", "MJD-OBS": 60341.25})
    image.writeto(tmp_path / "logarithms.fits")
    with pytest.raises(SourceError) as caught:
        read_spectrum(tmp_path / "logarithms.fits")
    assert "may be their logarithms" in caught.value.problems[0]


@pytest.mark.parametrize(
    ("name", "unit"), [("wave_um", "um"), ("wavelength_nm", "nm"), ("lambda_Angstrom", "Angstrom")]
)
def test_the_unit_behind_the_name_of_wavelengths_is_used(tmp_path: Path, name: str, unit: str) -> None:
    file = tmp_path / "spectrum.csv"
    file.write_text(f"# MJD: 60341.25\n{name},flux_mJy\n400.0,1.2\n401.0,1.1\n")
    (found,) = read_spectrum(file).datums
    assert (found.wavelength_unit, found.flux_unit) == (unit, "mJy")


@pytest.mark.parametrize("band", ["r+0.5", "g - 1", "V+2.0"])
def test_magnitudes_shifted_for_a_plot_are_not_published(tmp_path: Path, band: str) -> None:
    (problem,) = problems(tmp_path, f"mjd,filter,mag,err\n60000.5,{band},18.1,0.05\n")
    assert "shifted for a plot" in problem


def test_variable_comparison_and_check_star_are_no_bands(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "jd,V,C,K\n2460000.75,12.1,11.1,11.5\n")
    assert "comparison star" in problem


def test_a_night_s_whole_mjd_is_told_as_such(tmp_path: Path) -> None:
    found = reading(tmp_path, "mjd,filter,mag,err\n60000,r,18.1,0.05\n60001,r,18.2,0.05\n")
    assert found.taken[0] == ("mjd", "time: MJD, UTC, whole days")
    found = reading(tmp_path, "mjd,filter,mag,err\n60000,r,18.1,0.05\n60001.5,r,18.2,0.05\n")
    assert found.taken[0] == ("mjd", "time: MJD, UTC")


@pytest.mark.parametrize("note", ["3 sigma upper limit", "limits where not detected", "phot.mag;stat.max"])
def test_a_description_that_calls_values_limits_is_never_passed_over(tmp_path: Path, note: str) -> None:
    text = (
        "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: mjd, datatype: float64}\n"
        f"# - {{name: mag, datatype: float64, description: '{note}'}}\n# - {{name: band, datatype: string}}\n"
        "mjd mag band\n60000.5 20.1 r\n"
    )
    (problem,) = problems(tmp_path, text)
    assert "limit=mag" in problem
    assert points(tmp_path, text, columns="brightness=mag")[0].brightness == 20.1


def test_a_censored_value_is_a_limit(tmp_path: Path) -> None:
    first, second = points(tmp_path, "mjd,filter,mag,censored\n60000.5,r,18.1,0\n60001.5,r,20.1,1\n")
    assert (first.brightness, second.limit) == (18.1, 20.1)


@pytest.mark.parametrize(("name", "unit"), [("fnu", "erg / (Angstrom s cm2)"), ("flambda", "mJy")])
def test_a_flux_density_is_in_its_own_kind_of_unit(tmp_path: Path, name: str, unit: str) -> None:
    said = _spectrum_refused(tmp_path, f"wavelength,{name}\n4000,1\n4001,2\n", flux_unit=unit)
    assert "mend the unit or the name" in said


def test_the_unit_in_a_spectrum_s_comment_is_never_passed_over(tmp_path: Path) -> None:
    text = "# BUNIT = 1E-17 erg/cm^2/s/Angstrom\nwavelength,flux\n4000,1\n4001,2\n"
    assert "BUNIT" in _spectrum_refused(tmp_path, text, flux_unit="erg / (Angstrom s cm2)")


def test_microns_are_no_angstroms(tmp_path: Path) -> None:
    assert "microns" in _spectrum_refused(tmp_path, "wavelength,flux\n0.4,1\n0.5,2\n", flux_unit="Jy")


def _spectrum_refused(folder: Path, text: str, *, flux_unit: str) -> str:
    file = folder / "spectrum.csv"
    file.write_text(text)
    given = {"wavelength_unit": "Angstrom", "flux_unit": flux_unit}
    with pytest.raises(SourceError) as caught:
        read_spectrum(file, Options(given=given, time=datetime(2023, 5, 20, 1, tzinfo=UTC)))
    return "\n".join((str(caught.value), *caught.value.problems))


@pytest.mark.parametrize(
    "comment",
    [
        "all times are local (UTC+2)", "UTC offset: +2h", "dates in local", "add 0.05 mag to all",
        "uncalibrated magnitudes", "E(B-V)=0.05, magnitudes corrected", "magnitudes are corrected", "err is in percent",
        "subtract 0.3 for AB", "errors: relative", "extinction_corrected: true",
    ],
)  # fmt: skip
def test_a_comment_that_tells_other_values_or_times_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    (problem,) = problems(tmp_path, f"# {comment}\nmjd,filter,mag,err\n60000.5,r,18.1,0.05\n")
    assert "a comment says" in problem


@pytest.mark.parametrize("comment", ["times in UTC+0", "errors are 1 sigma (68%)", "extinction_corrected: false"])
def test_a_comment_that_tells_what_is_assumed_anyway_is_no_hindrance(tmp_path: Path, comment: str) -> None:
    assert points(tmp_path, f"# {comment}\nmjd,filter,mag,err\n60000.5,r,18.1,0.05\n")


@pytest.mark.parametrize(
    "text",
    [
        '{"extinction_corrected": true, "data": [{"mjd": 60000.5, "filter": "r", "mag": 18.1}]}',
        '{"time_system": "BJD_TDB", "data": [{"time": 60000.5, "filter": "r", "mag": 18.1}]}',
        '{"meta": {"note": "upper limits"}, "data": [{"mjd": 60000.5, "filter": "r", "mag": 18.1}]}',
    ],
)
def test_what_stands_beside_the_records_of_json_is_never_passed_over(tmp_path: Path, text: str) -> None:
    assert "a comment says" in problems(tmp_path, text)[0]


def test_a_key_that_an_object_has_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="'mag' twice"):
        points(tmp_path, '[{"mjd": 60000.5, "filter": "r", "mag": 18.1, "mag": 17.0}]')


def test_a_clock_of_twelve_hours_in_two_columns_is_refused(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, "date,time,ampm,filter,mag\n2023-05-21,06:00:00,PM,r,18.1\n")
    assert "AM and PM" in problem


@pytest.mark.parametrize("clock", ["6,75,0", "24,0,0", "6,15,300", "6.5,15,0"])
def test_parts_of_a_time_that_are_none_are_refused(tmp_path: Path, clock: str) -> None:
    assert problems(tmp_path, f"year,month,day,hour,minute,second,filter,mag\n2023,5,21,{clock},r,18.1\n")


def test_a_least_value_is_no_minutes(tmp_path: Path) -> None:
    text = "year,month,day,hour,filter,mag,min,max\n2023,5,21,6,r,18.1,18.0,18.2\n"
    assert "least value" in problems(tmp_path, text)[0]
    (point,) = points(tmp_path, text, columns="extra=min")
    assert point.timestamp == datetime(2023, 5, 21, 6, tzinfo=UTC)


def test_a_band_s_own_times_must_agree_with_the_common_one(tmp_path: Path) -> None:
    text = "mjd,mjd_g,mag_g,mjd_r,mag_r\n60000.0,60000.{}5,18.3,60000.0,18.1\n"
    assert "different times" in problems(tmp_path, text.format(2))[0]


@pytest.mark.parametrize("word", ["all", "various", "none", "Mixed"])
def test_a_word_that_names_no_filter_is_none(tmp_path: Path, word: str) -> None:
    assert "no column holds the filter" in problems(tmp_path, f"# filter: {word}\nmjd mag\n60000.5 18.1\n")[0]


@pytest.mark.parametrize("card", [("HISTORY", "corrected for extinction"), ("TTYPE2", ("MAG", "dereddened magnitude"))])
def test_what_a_fits_table_s_header_says_is_never_passed_over(tmp_path: Path, card: tuple[str, object]) -> None:
    columns = [
        fits.Column(name="MJD", format="D", array=np.array([60000.5])),
        fits.Column(name="MAG", format="D", array=np.array([18.1])),
        fits.Column(name="FILTER", format="1A", array=np.array(["r"])),
    ]
    table = fits.BinTableHDU.from_columns(columns)
    table.header[card[0]] = card[1]
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "table.fits")
    assert problems(tmp_path, (tmp_path / "table.fits").read_bytes())


@pytest.mark.parametrize("said", [{"flux_unit": "Jy"}, {"wavelength_unit": "nm"}, {"flux_unit": "relative"}])
def test_a_unit_that_the_person_says_otherwise_than_the_file_is_refused(tmp_path: Path, said: dict[str, str]) -> None:
    file = tmp_path / "spectrum.csv"
    file.write_text("wavelength (Angstrom),flux (erg/s/cm2/A)\n4000,1\n4001,2\n")
    with pytest.raises(SourceError) as caught:
        read_spectrum(file, Options(given=said, time=datetime(2023, 5, 20, 1, tzinfo=UTC)))
    assert "leave the option out" in "\n".join((str(caught.value), *caught.value.problems))


@pytest.mark.parametrize("error", ["-1", "0"])
def test_an_error_of_a_spectrum_is_above_0(tmp_path: Path, error: str) -> None:
    text = f"wavelength,flux,error\n4000,1,0.1\n4001,2,{error}\n"
    assert "no error above 0" in _spectrum_refused(tmp_path, text, flux_unit="Jy")


@pytest.mark.parametrize("cell", ["''", "-", "--", "."])
def test_a_mark_of_repetition_is_no_filter(tmp_path: Path, cell: str) -> None:
    (problem,) = problems(tmp_path, f"mjd,filter,mag\n60000.5,r,18.1\n60001.5,{cell},18.2\n")
    assert problem == "line 3, column filter: is empty; fill it in"


@pytest.mark.parametrize("name", ["err_2sigma", "err95", "rel_err", "err_percent", "fractional_uncertainty"])
def test_an_error_of_another_kind_is_never_passed_over(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, f"mjd,filter,mag,{name}\n60000.5,r,18.1,0.1\n")
    assert "may be an error of several sigmas" in problem


@pytest.mark.parametrize(
    "head",
    [
        "Table: Photometry of the supernova,\n       corrected for Milky Way extinction\n{}",
        "Table: Photometry\n{}Note (1):\n    Times are barycentric (BJD).\n" + "-" * 80 + "\n",
        "Table: Photometry\n{}Note (1): Errors are\n    3 sigma upper limits.\n" + "-" * 80 + "\n",
    ],
)
def test_what_a_machine_readable_table_s_head_says_is_never_passed_over(tmp_path: Path, head: str) -> None:
    line = "-" * 80
    described = (
        f"{'=' * 80}\nByte-by-byte Description of file: t.txt\n{line}\n"
        f"   Bytes Format Units   Label   Explanations\n{line}\n"
        "   1-  7 F7.1   d       MJD     Modified Julian Date\n   9- 12 F4.1   mag     mag     Apparent magnitude\n"
        f"  14- 14 A1     ---     Filter  Filter used\n{line}\n"
    )
    title = "Title: A supernova\nAuthors: Doe J.\n"
    assert points(tmp_path, f"{title}Table: Photometry\n{described}60000.5 18.1 r\n")
    assert problems(tmp_path, f"{title}{head.format(described)}60000.5 18.1 r\n")


@pytest.mark.parametrize("name", ["mag_dered", "absmag", "mag_kcorr", "dered_r", "mag_extcorr"])
def test_no_advice_leads_to_publish_corrected_magnitudes(tmp_path: Path, name: str) -> None:
    (problem,) = problems(tmp_path, f"mjd,filter,{name},err\n60000.5,r,17.1,0.05\n")
    assert "publish what was observed" in problem
    assert "--columns" not in problem


@pytest.mark.parametrize("name", ["rest_wavelength", "wave_rest"])
def test_no_advice_and_no_option_leads_to_publish_wavelengths_at_rest(tmp_path: Path, name: str) -> None:
    file = tmp_path / "spectrum.csv"
    file.write_text(f"{name},flux\n4000,1\n4001,2\n")
    given = {"wavelength_unit": "Angstrom", "flux_unit": "Jy"}
    for columns in ({}, {name: Role.WAVELENGTH}):
        with pytest.raises(SourceError) as caught:
            read_spectrum(file, Options(given=given, columns=columns, time=datetime(2023, 5, 20, 1, tzinfo=UTC)))
        said = "\n".join((str(caught.value), *caught.value.problems))
        assert "publish what was observed" in said


@pytest.mark.parametrize("unit", ["nanomaggies", "nMgy", "nmgy", "maggies"])
def test_maggies_are_refused_with_what_they_may_be(tmp_path: Path, unit: str) -> None:
    (problem,) = problems(tmp_path, f"mjd,filter,flux ({unit}),err\n60000.5,r,10,1\n")
    assert "of Vega's in others" in problem


def test_a_unit_with_slashes_in_a_comment_is_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "spectrum.csv"
    file.write_text("# DATE-OBS = 21/05/2023 06:00:00\n# BUNIT = 1E-17 erg/cm2/s/A\nwavelength,flux\n4000,1\n4001,2\n")
    (found,) = read_spectrum(
        file, Options(given={"wavelength_unit": "Angstrom", "flux_unit": "1e-17 erg / (s cm2 A)"})
    ).datums
    assert found.timestamp == datetime(2023, 5, 21, 6, tzinfo=UTC)
