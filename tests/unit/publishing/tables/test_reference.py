"""Times in FITS tables that count from a moment in the header: right where they are at the observatory, or refused."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.time import Time
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.events import Point
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.elements.table import Column, Row, Table
from bridge.publishing.sources.tables.photometry import read_photometry
from bridge.publishing.sources.tables.roles.reference import with_mjd

HERE = {"MJDREFI": 51910, "MJDREFF": 7.428703703703703e-4, "TIMESYS": "TT", "TIMEREF": "LOCAL"}


def read(tmp_path: Path, seconds: float, *, form: str = "D", unit: str = "s", **cards: object) -> Point:
    columns = [
        fits.Column(name="TIME", format=form, unit=unit, array=np.array([seconds])),
        fits.Column(name="RATE", format="D", unit="ct/s", array=np.array([1.5])),
        fits.Column(name="ERROR", format="D", unit="ct/s", array=np.array([0.1])),
    ]
    header = fits.Header({name: value for name, value in cards.items() if value is not None})
    binary = BytesIO()
    fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns, header=header)]).writeto(binary)
    (path := tmp_path / "lightcurve.fits").write_bytes(binary.getvalue())
    (point,) = read_photometry(path, Options(given={"bandpass": "0.3-10 keV"})).datums
    assert isinstance(point, Point)
    return point


def test_times_that_count_from_the_headers_moment_are_right(tmp_path: Path) -> None:
    moment = datetime(2023, 5, 20, 1, 2, 3, 500_000, tzinfo=UTC)
    start = Time(51910, 7.428703703703703e-4, format="mjd", scale="tt")
    seconds = (Time(moment.replace(tzinfo=None), scale="utc").tt - start).sec
    point = read(tmp_path, seconds, **HERE)
    assert abs((point.timestamp - moment).total_seconds()) <= 0.001
    assert (point.brightness, point.unit) == (1.5, "ct / s")
    in_days = read(tmp_path, seconds / 86_400, unit="d", **HERE)
    assert abs((in_days.timestamp - moment).total_seconds()) <= 0.001
    shifted = read(tmp_path, seconds - 100, **HERE, TIMEZERO=100.0)
    assert abs((shifted.timestamp - moment).total_seconds()) <= 0.001


@pytest.mark.parametrize(
    "cards",
    [
        {**HERE, "TIMEREF": "SOLARSYSTEM"},
        {**HERE, "TIMEREF": None},
        {**HERE, "TREFPOS": "BARYCENTER"},
        {**HERE, "TREFPOS": "GEOCENTER"},
        {**HERE, "TIMESYS": "TDB"},
        {**HERE, "TIMESYS": None},
        {**HERE, "MJDREFI": None, "MJDREFF": None},
        {**HERE, "MJDREFI": 0},
    ],
)
def test_times_of_which_the_header_does_not_tell_all_are_refused(tmp_path: Path, cards: dict[str, object]) -> None:
    with pytest.raises(SourceError):
        read(tmp_path, 7e8, **cards)


def test_times_of_32_bits_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        read(tmp_path, 7e8, form="E", **HERE)


@settings(max_examples=50)
@given(st.floats(5e8, 8e8), st.sampled_from(["s", "d", "h", "ms"]))
def test_any_unit_of_time_gives_the_same_moment(seconds: float, unit: str) -> None:
    per = {"s": 1.0, "d": 86_400.0, "h": 3_600.0, "ms": 1e-3}[unit]
    table = Table(
        format="FITS",
        columns=(Column(name="TIME", unit=unit),),
        rows=[Row(place="row 1", cells=(repr(seconds / per),))],
        keywords={name: str(value) for name, value in HERE.items()},
    )
    found = with_mjd(table)
    expected = 51910 + 7.428703703703703e-4 + seconds / 86_400
    assert float(found.cells(0)[0]) == pytest.approx(expected, abs=2e-9)
    assert "MJDREFI" not in found.keywords


@pytest.mark.parametrize("band", ["2", "1", "5.5"])
def test_a_filter_that_is_a_number_is_never_published(tmp_path: Path, band: str) -> None:
    (path := tmp_path / "table.csv").write_text(f"mjd,mag,err,filterID\n60341.2,18.2,0.1,{band}\n")
    with pytest.raises(SourceError) as error:
        read_photometry(path)
    assert "extra=filterID --bandpass" in error.value.problems[0]


@given(
    st.datetimes(datetime(1996, 1, 1), datetime(2025, 12, 31)),
    st.sampled_from(["unix", "Unix time", "unix_time", "POSIX"]),
)
def test_unix_times_are_right_by_their_names(
    tmp_path_factory: pytest.TempPathFactory, moment: datetime, name: str
) -> None:
    moment = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    path = tmp_path_factory.mktemp("unix") / "table.csv"
    path.write_text(f"{name},mag,err,filter\n{moment.timestamp():.3f},18.2,0.1,V\n")
    (point,) = read_photometry(path).datums
    assert point.timestamp == moment


def test_seconds_by_any_other_name_are_refused(tmp_path: Path) -> None:
    for name in ("timestamp", "time", "gps", "t", "epoch"):
        (path := tmp_path / "table.csv").write_text(f"{name},mag,err,filter\n1687932372,18.2,0.1,V\n")
        with pytest.raises(SourceError):
            read_photometry(path)


def test_of_start_and_end_by_the_clock_the_start_is_used(tmp_path: Path) -> None:
    (path := tmp_path / "table.csv").write_text(
        "Date,UT start,UT end,mag,err,filter\n2024-02-01,06:00:00,06:10:00,18.2,0.1,V\n"
    )
    (point,) = read_photometry(path).datums
    assert point.timestamp == datetime(2024, 2, 1, 6, tzinfo=UTC)
    path.write_text("Date,UT mid,UT start,mag,err,filter\n2024-02-01,06:05:00,06:00:00,18.2,0.1,V\n")
    (point,) = read_photometry(path).datums
    assert point.timestamp == datetime(2024, 2, 1, 6, 5, tzinfo=UTC)
    path.write_text("Date,UT,Time UT,mag,err,filter\n2024-02-01,06:05:00,06:00:00,18.2,0.1,V\n")
    with pytest.raises(SourceError):
        read_photometry(path)
