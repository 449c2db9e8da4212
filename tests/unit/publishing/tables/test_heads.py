"""Heads of files that say another thing than the columns: bands, days, systems, kinds, and words for machines."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from astropy.io import fits
from astropy.table import Table
from parts.tables import points, problems

from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.positions import read_positions

ROWS = "mjd,mag,err,filter\n59876.1875,15.83,0.02,V\n59877.25,15.9,0.02,V\n"


@pytest.mark.parametrize(
    "comment",
    [
        "R band", "All in R", "Filter = r", "B photometry", "observed in J", "in the z band", "Bandpass 'i'",
        "Observed on 2023-01-05",
        "UT date 2022-12-24", "MJD 59999", "The star is the comparison", "Light curve of the comparison star",
        "of the comparison", "magnitudes in units of the standard", "mid-time of the run", "UTC of the next day",
        "last two: B", "filter V (R for the last)", "with A_V=0.3", "E(B-V)=0.1 applied", "FWHM errors", "summer time",
        "magnitude zero 20", "-0.3", "15.9 = no data", "limits are given where no error is listed",
        "magnitudes of the two stars", "the time is of the last image", "All is in the other band",
        "filters: see below",
        "days of the year 2022", "units: hours", "unit of time: second", "magnitude per arcsec", "one month averages",
        "total light", "Sky mag", "catalogue values", "standard star magnitudes", "comparison", "Comparison stars",
        "secondary star", "both stars", "name: star 3", "Star: check", "errors: three sigma", "errors are double",
        "sigma = 3", "error in the last two digits", "Title: twice", "Site: plus one", "Software: inverted",
        "Author: 3 sigma", "Credit: of the comparison", "two rows are of the comparison", "no calibration",
        "to be observed", "0.1 mag units", "1/err", "err = FWHM", "dB", "All magnitudes from the second camera in R",
        "Columns: mjd, err, mag, filter",
    ],
)  # fmt: skip
def test_a_comment_that_says_another_thing_than_the_columns_is_refused(tmp_path: Path, comment: str) -> None:
    assert "comment" in problems(tmp_path, f"# {comment}\n{ROWS}")[0]


@pytest.mark.parametrize(
    "comment",
    [
        "V band photometry", "All in V", "filter = V", "Observed on 2022-10-25", "MJD 59877", "E(B-V) = 0.031",
        "v band", "2022-10-24", "Columns: mjd, mag, err, filter", "All magnitudes are in V", "Comparison stars:",
        "Title: SN 2022xyz", "Site: La Palma", "1 sigma errors", "units: mag",
        "Light curve of SN 2022xyz", "first two columns",
    ],
)  # fmt: skip
def test_a_comment_that_says_the_same_is_no_hindrance(tmp_path: Path, comment: str) -> None:
    assert len(points(tmp_path, f"# {comment}\n{ROWS}")) == 2


def test_times_that_begin_anew_below_an_empty_line_are_of_another_filter(tmp_path: Path) -> None:
    text = "mjd,mag,err\n59876.1,15.8,.02\n59877.1,15.9,.02\n\n59876.1,16.4,.02\n59877.1,16.6,.02\n"
    assert "begin anew below an empty line" in problems(tmp_path, text, given={"bandpass": "V"})[0]
    assert (
        len(
            points(
                tmp_path,
                text.replace("\n\n59876.1", "\n\n59878.1").replace("59877.1,16", "59879.1,16"),
                given={"bandpass": "V"},
            )
        )
        == 4
    )


# -- keywords ----------------------------------------------------------------------------------------------------------


def fits_file(**cards: object) -> bytes:
    columns = {"mjd": [59876.1875, 59877.25], "mag": [15.83, 15.9], "err": [0.02, 0.02], "filter": ["V", "V"]}
    hdu = fits.table_to_hdu(Table(columns))
    hdu.header.update(cards)
    binary = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(binary)
    return binary.getvalue()


@pytest.mark.parametrize(
    "card",
    [
        ("TIMEZERO", 0.5), ("OBJECT", "FLAT"), ("OBSTYPE", "STANDARD"), ("EXTNAME", "COMPSTAR"), ("BARYCORR", "DONE"),
        ("HELCOR", True), ("CLOCKOFF", 3600), ("DIFFMAG", True), ("EXTCORR", "DONE"), ("NORMALIZ", True),
        ("KIND", "MODEL"), ("SIGMA", 3), ("MAGSYS", "instrumental"), ("HISTORY", "added 0.2 mag to V"),
    ],
)  # fmt: skip
def test_a_keyword_that_says_another_thing_than_the_columns_is_refused(
    tmp_path: Path, card: tuple[str, object]
) -> None:
    assert problems(tmp_path, fits_file(**dict([card])))
    assert len(points(tmp_path, fits_file(OBJECT="SN 2022xyz", BARYCORR=12.3, SIGMA=1))) == 2


@pytest.mark.parametrize(("said", "unit"), [("AB", "AB"), ("Vega", "Vega"), ("vegamag", "Vega"), ("", "")])
def test_the_magnitude_system_of_the_head_is_the_unit_of_all_magnitudes(tmp_path: Path, said: str, unit: str) -> None:
    assert {point.unit for point in points(tmp_path, fits_file(MAGSYS=said))} == {unit}


def votable(mjd: str = "time.epoch", mag: str = "phot.mag", err: str = "stat.error;phot.mag", inside: str = "") -> str:
    fields = "".join(
        f'<FIELD name="{name}" datatype="double" unit="{unit}" ucd="{ucd}"/>'
        for name, unit, ucd in (("mjd", "d", mjd), ("mag", "mag", mag), ("err", "mag", err))
    )
    return (
        f'<?xml version="1.0"?><VOTABLE version="1.4" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>'
        f'{inside}{fields}<FIELD name="filter" datatype="char" arraysize="*"/><DATA><TABLEDATA><TR><TD>59876.1875</TD>'
        "<TD>15.83</TD><TD>0.02</TD><TD>V</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>"
    )


@pytest.mark.parametrize(
    "ucds",
    [
        {"mag": "phot.color"}, {"mag": "phot.mag;arith.diff"}, {"mag": "phot.mag;meta.modelled"},
        {"mag": "phot.mag.sb"},
        {"mag": "phot.mag;em.opt.B"}, {"mag": "stat.error;phot.mag"}, {"mag": "phot.mag.reddFree"},
        {"mag": "phot.flux.density"}, {"mjd": "time.processing"}, {"mjd": "time.end"}, {"mjd": "time.release"},
        {"mjd": "time.epoch;stat.max"}, {"err": "stat.variance;phot.mag"}, {"err": "stat.snr"},
        {"err": "stat.error;phot.mag;arith.ratio"},
    ],
)  # fmt: skip
def test_a_column_that_is_another_thing_by_its_ucd_is_refused(tmp_path: Path, ucds: dict[str, str]) -> None:
    assert "UCD" in problems(tmp_path, votable(**ucds))[0]


@pytest.mark.parametrize("mag", ["phot.mag", "phot.mag;em.opt.V", "phot.mag;em.opt", "phot.mag;stat.mean;meta.main"])
def test_a_column_that_is_the_same_by_its_ucd_is_used(tmp_path: Path, mag: str) -> None:
    assert len(points(tmp_path, votable(mag=mag, mjd="time.start;obs.exposure", err="stat.stdev"))) == 1


def test_the_groups_of_a_votable_tell_the_magnitude_system(tmp_path: Path) -> None:
    param = '<PARAM name="magnitudeSystem" datatype="char" arraysize="*" value="AB"/>'
    (point,) = points(tmp_path, votable(inside=f'<GROUP name="photcal">{param}</GROUP>'))
    assert point.unit == "AB"


# -- times -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("columns", "cells"),
    [
        ("mjd,UT", "59876.1875,06:54"),
        ("mjd,sec", "59876,16200"),
        ("jd,UTC", "2459876.5,04:30:00"),
        ("mjd,UT", "59876.0,04:30"),
    ],
)
def test_a_time_of_day_beside_the_day_is_never_passed_over(tmp_path: Path, columns: str, cells: str) -> None:
    assert problems(tmp_path, f"{columns},mag,filter\n{cells},15.83,V\n")
    assert len(points(tmp_path, "mjd,UT,mag,filter\n59876.1875,04:30,15.83,V\n")) == 1


# -- positions ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def refused(tmp_path: Path) -> Callable[[str], str]:
    def of(text: str) -> str:
        (tmp_path / "p.csv").write_text(text)
        with pytest.raises(SourceError) as caught:
            read_positions(tmp_path / "p.csv", Options())
        return " ".join([str(caught.value), *caught.value.problems])

    return of


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("ref_epoch", "2016.0"), ("source", "ephemeris"), ("is_detection", "0"), ("limit", "1"), ("hemisphere", "S"),
        ("refraction_corrected", "no"), ("aberration", "not corrected"), ("stellar aberration", "applied"),
        ("light_time", "corrected"), ("plx_corr", "yes"), ("coord_type", "apparent"), ("eqnx", "B1950"), ("NS", "S"),
        ("site", "geocenter"), ("cat_epoch", "2000.0"), ("limit", "x"), ("epoch", "2016.0"),
    ],
)  # fmt: skip
def test_a_column_by_which_positions_are_no_measured_ones_is_refused(
    tmp_path: Path, refused: Callable[[str], str], name: str, cell: str
) -> None:
    rows = "".join(f"5987{number}.25,201.11452,0.52113,{cell}\n" for number in (1, 2))
    assert "say --columns extra=" in refused(f"mjd,ra,dec,{name}\n{rows}")
    (tmp_path / "p.csv").write_text("mjd,ra,dec,ref_epoch,parallax\n59876.25,201.1,0.5,2022.8,1.2\n")
    assert len(read_positions(tmp_path / "p.csv", Options()).datums) == 1


@pytest.mark.parametrize(
    "comment",
    [
        "catalogue position",
        "ra in hours",
        "ra in seconds",
        "decimal hours",
        "arcmin",
        "calculated",
        "JPL Horizons",
        "pixel",
        "mirror image",
    ],
)
def test_a_comment_by_which_positions_are_no_measured_ones_is_refused(
    refused: Callable[[str], str], comment: str
) -> None:
    assert comment in refused(f"# {comment}\nmjd,ra,dec\n59876.25,201.11452,0.52113\n")


def test_a_right_ascension_in_degrees_minutes_and_seconds_is_not_taken_for_hours(refused: Callable[[str], str]) -> None:
    assert "in degrees" in refused("mjd,RA (d:m:s),Dec (d:m:s)\n59876.25,013:24:27.4,-00:31:16.1\n")
    assert "no ra" in refused("mjd,RA,Dec\n59876.25,13:60:27.4,-00:31:16.1\n")


def test_positions_of_two_objects_of_the_minor_planet_center_are_refused(refused: Callable[[str], str]) -> None:
    head = "permID |stn |obsTime |ra |dec\n"
    rows = "".join(f"{name}|568|2022-10-24T04:30:00Z|201.114|0.521\n" for name in ("1234", "1235"))
    assert "names 2 objects" in refused(head + rows)


def test_a_declination_that_lost_its_sign_is_refused(refused: Callable[[str], str]) -> None:
    rows = "59876.25,201.114,-0.521\n59877.25,201.115,0.521\n59878.25,201.116,-0.521\n"
    assert "line 3: the declination has another sign" in refused(f"mjd,ra,dec\n{rows}")


def test_positions_of_two_objects_far_apart_are_refused(refused: Callable[[str], str]) -> None:
    assert "degrees from the row before" in refused("mjd,ra,dec\n59876.25,201.1,-0.5\n59876.26,11.2,40.0\n")


def test_a_second_place_in_a_row_is_never_passed_over(refused: Callable[[str], str]) -> None:
    assert "tell different places" in refused("mjd,ra,dec,ra_2000\n59876.25,201.114,-0.521,201.124\n")


@pytest.mark.parametrize("error", ["99.99", "40000"])
def test_an_error_that_no_position_has_is_refused(refused: Callable[[str], str], error: str) -> None:
    rows = f"59876.25,201.114,-0.521,0.1,0.1\n59877.25,201.1,-0.5,{error},0.1\n"
    assert "no error of a position" in refused(f"mjd,ra,dec,ra_err (arcsec),dec_err (arcsec)\n{rows}")
