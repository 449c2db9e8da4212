"""Photometry tables as astronomers have them, read as points, and what is said of a wrong one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from parts.tables import points, problems, reading

from bridge.events import Point
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.when.forms import Count, Form
from bridge.publishing.sources.tables.when.times import read_times

TOOLKIT_CSV = "time,filter,magnitude,error\n55959.06999999983,r,15.582,0.005\n55960.06999999983,V,15.676,0.007\n"
ATLAS = """\
###MJD          m      dm   uJy   duJy F err chi/N     RA       Dec        x        y     maj  min   phi  apfit mag5sig Sky   Obs
60316.142545  17.349  0.089   417   37 o  0  28.03  65.00165 -54.93795  9674.06  2072.74 2.51 1.85  76.9 -0.504 19.34 20.82 04a60316o0180o
60316.145763 -17.672  0.077  -310   24 c  0  29.48  65.00165 -54.93795  9692.04  2109.54 2.83 2.47 -29.0 -0.366 19.39 20.93 04a60316o0187o
"""  # noqa: E501
ECSV = """\
# %ECSV 1.0
# ---
# datatype:
# - {name: jd, unit: d, datatype: float64}
# - {name: flux, unit: uJy, datatype: float64}
# - {name: flux_err, unit: uJy, datatype: float64}
# - {name: band, datatype: string}
# schema: astropy-2.0
jd flux flux_err band
2460341.75 0.0 1.5 "g prime"
2460341.76 -3.5 1.5 g
"""


def test_the_csv_that_tom_toolkit_reads_is_read(tmp_path: Path) -> None:
    first, second = points(tmp_path, TOOLKIT_CSV)
    assert first.timestamp == datetime(2012, 2, 2, 1, 40, 48, tzinfo=UTC)
    assert (second.bandpass, second.brightness, second.brightness_error) == ("V", 15.676, 0.007)
    assert second.extra == {}


def test_the_atlas_table_is_read_with_noise_as_limits_and_the_rest_as_extra_values(tmp_path: Path) -> None:
    seen, unseen = points(tmp_path, ATLAS)
    assert (seen.brightness, seen.brightness_error, seen.limit, seen.bandpass) == (17.349, 0.089, None, "o")
    assert unseen.brightness is None
    assert unseen.limit == pytest.approx(19.2567, abs=1e-3)  # 23.9 - 2.5 log10(3 * 24)
    assert unseen.telescope == unseen.source_name == "ATLAS"
    assert unseen.extra["uJy"] == -310
    assert unseen.extra["Obs"] == "04a60316o0187o"


def test_an_ecsv_table_is_read_with_its_units_and_a_flux_of_zero_is_a_value(tmp_path: Path) -> None:
    first, second = points(tmp_path, ECSV)
    assert (first.brightness, first.unit, first.bandpass) == (0.0, "uJy", "g prime")
    assert (second.brightness, second.brightness_error) == (-3.5, 1.5)


def test_a_magnitude_of_zero_is_a_value(tmp_path: Path) -> None:
    (vega,) = points(tmp_path, "mjd,mag,band\n60341,0.0,V\n")
    assert vega.brightness == 0.0


def test_every_field_of_a_point_has_its_column(tmp_path: Path) -> None:
    (point,) = points(
        tmp_path,
        "MJD;Mag;e_mag;Lim_Mag;Filter;Unit;ExpTime;Telescope;Instrument;Reduction Version;Source;seeing;id no\n"
        "60341.5;18.1;0.02;20.5;r;AB;300;NOT;ALFOSC;v2;my pipeline;1.2;007\n",
    )
    assert point == Point(
        timestamp=datetime(2024, 2, 1, 12, tzinfo=UTC),
        bandpass="r",
        brightness=18.1,
        brightness_error=0.02,
        limit=20.5,
        unit="AB",
        exposure_time=300,
        telescope="NOT",
        instrument="ALFOSC",
        reduction_version="v2",
        source_name="my pipeline",
        extra={"seeing": 1.2, "id no": "007"},
    )


@pytest.mark.parametrize("cell", [">20.5", "<20.5", "> 20.5", "<=20.5"])
def test_a_marked_magnitude_is_a_limit(tmp_path: Path, cell: str) -> None:
    (point,) = points(tmp_path, f"mjd,mag,magerr,band\n60341,{cell},0.3,V\n")
    assert (point.brightness, point.brightness_error, point.limit) == (None, None, 20.5)
    assert point.extra == {"magerr": 0.3}


@pytest.mark.parametrize("column", ["is_limit", "upper_limit"])
def test_a_flag_makes_a_magnitude_a_limit(tmp_path: Path, column: str) -> None:
    flagged, plain = points(tmp_path, f"mjd,mag,band,{column}\n60341,20.5,V,true\n60342,19,V,False\n")
    assert (flagged.brightness, flagged.limit) == (None, 20.5)
    assert (plain.brightness, plain.limit) == (19, None)


@pytest.mark.parametrize("cell", ["", "nan", "99.99", "-99.0", "--"])
def test_a_magnitude_that_was_not_measured_leaves_the_limit_alone(tmp_path: Path, cell: str) -> None:
    (point,) = points(tmp_path, f"mjd,mag,limit,band\n60341,{cell},20.5,V\n")
    assert (point.brightness, point.limit) == (None, 20.5)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("60341.25", Count.MJD),
        ("60341.25", Count.ANY),
        ("2460341.75", Count.JD),
        ("2460341.75", Count.ANY),
        ("2024-02-01T06:00:00", Count.ANY),
        ("2024-02-01 06:00:00.000 UTC", Count.ANY),
        ("2024/02/01 06:00:00", Count.ANY),
        ("2024-02-01T07:00:00+01:00", Count.ANY),
        ("2024-02-01.25", Count.ANY),
    ],
)
def test_a_time_is_told_by_its_column_and_its_range(text: str, count: Count) -> None:
    assert read_times([text], Form(count=count)) == [datetime(2024, 2, 1, 6, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("text", "count", "mend"),
    [
        ("2460341.75", Count.MJD, "name the column jd"),
        ("60341.25", Count.JD, "write the full JD"),
        ("8003.52", Count.MJD, "write the full MJD"),
        ("20240201", Count.ANY, "name the column mjd or jd"),
        ("2023-05-21/22", Count.ANY, "is no time"),
        ("05/06/2023 06:15", Count.ANY, "day or its month first"),
        ("2023-05-21", Count.ANY, "has no time of day"),
        ("2024.5", Count.ANY, "is no time"),
        ("1706767200", Count.ANY, "may be anything"),
        ("yesterday", Count.ANY, "is no time"),
    ],
)
def test_a_time_that_means_nothing_is_refused_with_what_would_be_right(text: str, count: Count, mend: str) -> None:
    (told,) = read_times([text], Form(count=count))
    assert isinstance(told, str)
    assert mend in told


def test_a_long_identifier_is_not_rounded(tmp_path: Path) -> None:
    (point,) = points(tmp_path, "mjd,mag,band,candid\n60341,19,V,2459999012345678901\n")
    assert point.extra == {"candid": "2459999012345678901"}


def test_a_header_in_the_last_comment_is_found(tmp_path: Path) -> None:
    (point,) = points(tmp_path, "# from my pipeline\n# mjd mag err band\n\n60341  19.0 0.1  V\n")
    assert (point.brightness, point.brightness_error) == (19.0, 0.1)


def test_what_the_table_lacks_can_be_given(tmp_path: Path) -> None:
    (point,) = points(tmp_path, "mjd,mag\n60341,19\n", given={"bandpass": "V", "telescope": "NOT"})
    assert (point.bandpass, point.telescope) == ("V", "NOT")


def test_every_wrong_row_is_told_with_line_and_column(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        "mjd,mag,magerr,band\n60341,bright,0.1,V\nlong ago,19,0.1,V\n\n60341,,,V\n60341,19,,\n60341,19,0.1,V\n",
    )
    assert told == [
        "line 2, column mag: 'bright' is no number; write one, or leave the cell empty if nothing was measured",
        "line 3, column mjd: 'long ago' is no time; write an MJD (60341.25), a JD (2460341.75) or 2024-02-01T06:00:00",
        "line 5: holds no value; a point needs a brightness or a limit (or say --skip-empty)",
        "line 6, column band: is empty; fill it in",
    ]


def test_rows_of_another_width_are_all_told(tmp_path: Path) -> None:
    assert problems(tmp_path, "mjd,mag,band\n60341,19\n60341,19,V\n60341,19,V,1\n") == [
        "line 2: has 2 columns, the header has 3",
        "line 4: has 4 columns, the header has 3",
    ]


@pytest.mark.parametrize("error", ["-3", "-1", "0", "0.0", "inf", "99.99", "9.999", "12"])
def test_what_is_no_error_is_never_advised_away(tmp_path: Path, error: str) -> None:
    """Such errors often mark limits: a cell left empty would make detections of them."""
    (told,) = problems(tmp_path, f"mjd,mag,magerr,band\n60341,19,{error},V\n")
    assert told.startswith("line 2, column magerr: ")
    assert "often mark limits" in told


def test_no_more_than_twenty_wrong_rows_are_told(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "mjd,mag,band\n" + "x,1,V\n" * 30)) == 20


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("mag,band\n19,V\n", "name one 'mjd', 'jd' or 'timestamp'"),
        ("bjd,mag,band\n2460341.75,19,V\n", "in UTC"),
        ("mjd,mag\n60341,19\n", "--bandpass"),
        ("mjd,seeing,band\n60341,19,V\n", "name one 'magnitude'"),
        ("mjd,flux,band\n60341,19,V\n", "flux (uJy)"),
        ("mjd,mag,mag,band\n60341,19,18,V\n", "rename one"),
        ("mjd,mag,limit,band\n60341,19,1,V\n60341,19,0,V\n", "is_limit"),
    ],
)
def test_a_header_that_is_not_enough_is_refused_with_what_would_be_right(tmp_path: Path, text: str, mend: str) -> None:
    (told,) = problems(tmp_path, text)
    assert told.startswith("line 1: ")
    assert mend in told


@pytest.mark.parametrize("content", [b"", b"mjd,mag,band\n", b"60341,19,V\n", b"\xff\xfe\x00"])
def test_a_file_that_is_no_table_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(SourceError, match=r"table\.csv"):
        reading(tmp_path, content)


@pytest.mark.parametrize("name", ["inst_mag", "filter_mag", "source_s", "telescope_min", "band_mag"])
def test_a_number_is_never_taken_for_a_text(tmp_path: Path, name: str) -> None:
    (point,) = points(tmp_path, f"mjd,mag,{name},filter\n60341.5,18.1,6.9,V\n")
    assert (point.instrument, point.telescope, point.source_name, point.bandpass) == ("", "", "", "V")
    assert point.extra == {name: 6.9}


def test_a_column_that_is_named_by_a_band_alone_is_a_brightness_where_its_cells_have_errors(tmp_path: Path) -> None:
    first, second = points(tmp_path, "MJD\tr\n60341.2\t17.123(0.023)\n60342.2\t>19.5\n")
    assert (first.bandpass, first.brightness, first.brightness_error) == ("r", 17.123, 0.023)
    assert (second.bandpass, second.brightness, second.limit) == ("r", None, 19.5)


def test_a_value_with_half_an_error_is_refused(tmp_path: Path) -> None:
    assert "'18.2±' is no number" in problems(tmp_path, "mjd,mag,filter\n60341.2,18.2±,V\n")[0]


def test_columns_of_bands_are_all_brightnesses_or_none_is(tmp_path: Path) -> None:
    text = "MJD,B,V\n60341.2,17.1 (0.02),16.4 (0.02)\n60342.2,17.2 (0.02),faint\n"
    assert "no column holds a brightness" in problems(tmp_path, text)[0]
    found = points(tmp_path, text.replace("faint", ""))
    assert [(point.bandpass, point.brightness) for point in found] == [("B", 17.1), ("V", 16.4), ("B", 17.2)]
