"""Small tables as people really have them, each with what is right: read so, or refused with what to do."""

from datetime import UTC, datetime
from typing import Any

import pytest
from parts.tables import DATA

from bridge.events import Point
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.photometry import read_photometry

FEBRUARY = datetime(2023, 2, 25, 12, tzinfo=UTC)


def points(name: str, **given: str) -> tuple[Point, ...]:
    found = read_photometry(DATA / name, Options(given=given)).datums
    return tuple(point for point in found if isinstance(point, Point))


def said(point: Point, *names: str) -> list[Any]:
    return [getattr(point, name) for name in names]


@pytest.mark.parametrize("name", ["01_limit_mark_in_UL_column.csv", "01b_limit_mark_in_limit_column.csv"])
def test_a_limit_is_never_taken_for_a_detection(name: str) -> None:
    limit, seen = points(name)
    assert said(limit, "brightness", "limit") == [None, 19.5]
    assert said(seen, "brightness", "brightness_error", "limit") == [18.2, 0.05, None]


@pytest.mark.parametrize(
    "name",
    [
        "04_ztf_forced_photometry_commented_header.txt",
        "04b_ztf_forced_photometry_real_header.txt",
        "04c_ztf_forced_photometry.csv",
    ],
)
def test_a_detection_of_ztf_is_never_taken_for_a_limit(name: str) -> None:
    seen, unseen = points(name)
    assert seen.brightness == pytest.approx(18.2598, abs=1e-4)  # 26.20 - 2.5 log10(1500)
    assert seen.brightness_error == pytest.approx(0.0362, abs=1e-4)  # 1.0857 / 30
    assert said(seen, "bandpass", "limit") == ["ZTF_g", None]
    assert seen.timestamp == datetime(2025, 10, 2, 6, tzinfo=UTC)
    assert said(unseen, "bandpass", "brightness") == ["ZTF_r", None]
    assert unseen.limit == pytest.approx(20.5474, abs=1e-4)  # 26.30 - 2.5 log10(5 * 40)


def test_a_brightness_named_by_its_band_is_not_lost_beside_its_limit() -> None:
    (point,) = points("05_unknown_brightness_column_known_limit.csv")
    assert said(point, "bandpass", "brightness", "brightness_error", "limit") == ["V", 18.0, 0.1, 21.0]


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("06_date_and_ut_columns.csv", datetime(2023, 5, 21, 6, 15, tzinfo=UTC)),
        ("06b_dateobs_timeobs.csv", datetime(2023, 5, 21, 23, 45, 10, tzinfo=UTC)),
        ("08_time_jd_minus_2400000.csv", datetime(2017, 9, 7, 0, 28, 48, tzinfo=UTC)),
        ("22_aavso_before_1899.csv", datetime(1866, 5, 22, 18, 5, 45, 600_000, tzinfo=UTC)),
    ],
)
def test_a_time_is_what_the_table_says(name: str, moment: datetime) -> None:
    (point,) = points(name)
    assert point.timestamp == moment


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("07_time_in_seconds.csv", "'Time (s)' is in 's': a span of time, not a time"),
        ("09_time_bjd_in_brackets.csv", "'Time [BJD]' is no UTC at the observatory"),
        ("09b_mjd_tdb_in_brackets.csv", "'MJD (TDB)' says TDB"),
        ("10_aavso_extended_DATE_HJD.txt", "#DATE=HJD"),
        ("16_spectrum_DATE-OBS.fits", "holds no tables"),
        ("17_wiserep.ascii", "has no header"),
        ("17b_headerless_two_columns.txt", "has no header"),
    ],
)
def test_what_is_no_time_of_the_observatory_is_refused(name: str, told: str) -> None:
    with pytest.raises(SourceError) as caught:
        points(name)
    assert told in "\n".join((str(caught.value), *caught.value.problems))


def test_a_flux_in_brackets_is_no_magnitude() -> None:
    (point,) = points("12_brightness_mJy_in_brackets.csv")
    assert said(point, "brightness", "brightness_error", "unit") == [4.448, 0.477, "mJy"]


def test_units_in_brackets_are_converted() -> None:
    (error,) = points("13_error_mmag_in_brackets.csv")
    assert error.brightness_error == pytest.approx(0.012)
    (exposure,) = points("13b_exposure_minutes_in_brackets.csv")
    assert exposure.exposure_time == 300


def test_the_sample_of_tom_toolkit_has_all_its_rows_and_sources() -> None:
    found = points("14_tomtoolkit_photometry_sample.csv")
    assert [point.source_name for point in found] == ["ZTF", "CSS", "Las Cumbres", "DLT40"]
    assert said(found[3], "brightness", "limit", "bandpass") == [None, 18.0, "B"]


def test_an_error_of_minus_one_marks_a_limit_of_bhtom() -> None:
    seen, limit = points("18_bhtom_error_minus_1.csv")
    assert said(seen, "brightness", "brightness_error", "telescope") == [18.2, 0.05, "ZTF"]
    assert said(limit, "brightness", "limit", "brightness_error") == [None, 20.4, None]


def test_the_date_in_ut_is_used_where_the_julian_date_is_heliocentric() -> None:
    seen, limit = points("19_asassn_hjd_and_ut_date.csv")
    assert seen.timestamp == datetime(2017, 9, 3, 23, 18, 15, 895_000, tzinfo=UTC)
    assert said(seen, "brightness", "brightness_error", "limit", "bandpass") == [14.839, 0.117, 15.518, "V"]
    assert said(limit, "brightness", "limit") == [None, 14.814]


def test_what_gaia_does_not_trust_is_told_and_left_out() -> None:
    found = read_photometry(DATA / "20_gaia_alerts.csv", Options(given={"bandpass": "G"}))
    (point,) = found.datums
    assert isinstance(point, Point)
    assert said(point, "brightness", "bandpass") == [19.12, "G"]
    assert point.timestamp == datetime(2014, 8, 2, 20, 49, 51, tzinfo=UTC)
    assert found.left_out == ("1 row left out: untrusted, by Gaia", "1 row left out: null, by Gaia")


def test_a_band_that_is_not_known_is_told_as_it_is() -> None:
    first, second = points("23_aavso_band_NA.csv")
    assert said(first, "bandpass", "brightness") == ["N/A", 14.7]
    assert said(second, "bandpass", "brightness", "limit") == ["Vis.", None, 13.4]


def test_mag_as_unit_and_no_unit_are_one() -> None:
    assert points("25a_unit_mag.ecsv") == points("25b_unit_none.csv")


def test_a_flux_with_a_zero_point_is_never_microjanskys_as_it_stands() -> None:
    (point,) = points("27_flux_with_zp.csv")
    assert point.unit == "uJy"
    assert point.brightness == pytest.approx(11251.2, abs=0.1)
    assert point.brightness_error == pytest.approx(134.71, abs=0.01)
    with pytest.raises(SourceError) as caught:
        points("27_flux_with_zp.csv", unit="uJy")
    assert "leave it out" in caught.value.problems[0]


def test_an_ipac_table_is_read() -> None:
    (point,) = points("28_ipac_table.tbl")
    assert said(point, "timestamp", "brightness", "brightness_error", "bandpass") == [FEBRUARY, 18.1, 0.05, "zg"]
