"""Values as people write them into cells: limits in words, exposures of stacks, clocks of 12 hours, 80 columns."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts.tables import points, problems

from bridge.events import Position
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.cells import split_mark
from bridge.publishing.sources.tables.elements.exposures import seconds_of
from bridge.publishing.sources.tables.positions import read_positions

WORDS = ["UL", "u.l.", "limit", "(limit)", "upper limit", "lim", "3-sigma limit"]
MPC = "     K24A01B  C2024 02 01.25000 14 03 38.56 +54 18 41.9          18.2 V      703"


@given(st.decimals(10, 25, places=2), st.sampled_from([*WORDS, "fainter than", "["]), st.booleans())
def test_a_limit_in_words_is_a_limit_wherever_they_stand(value: object, word: str, is_before: bool) -> None:
    is_before = (is_before and "(" not in word) or word in ("fainter than", "[")
    cell = f"{word} {value}".replace("[ ", "[") if is_before else f"{value} {word}"
    assert split_mark(cell) == ("UL", str(value))


@pytest.mark.parametrize("word", [*WORDS, "fainter than"])
def test_a_limit_in_words_is_published_as_one(tmp_path: Path, word: str) -> None:
    cell = f"{word} 20.5" if word.startswith("f") else f"20.5 {word}"
    seen, unseen = points(tmp_path, f"mjd,mag,err,filter\n60341.2,18.2,0.1,r\n60342.2,{cell},,r\n")
    assert (seen.brightness, seen.limit) == (18.2, None)
    assert (unseen.brightness, unseen.limit) == (None, 20.5)


@pytest.mark.parametrize("word", ["UL", "limit", "upper limit", "nd"])
def test_a_word_in_place_of_the_error_says_that_the_value_is_a_limit(tmp_path: Path, word: str) -> None:
    (point,) = points(tmp_path, f"mjd,mag,err,filter\n60342.2,20.5,{word},r\n")
    assert (point.brightness, point.limit) == (None, 20.5)
    (told,) = problems(tmp_path, f"mjd,mag,err,is_limit,filter\n60342.2,20.5,{word},no,r\n")
    assert "another column says it is no limit" in told


@pytest.mark.parametrize("cell", ["15.234mag", "15.234(21)", "15.234 AB", "18.2*", "20.5 limited"])
def test_no_advice_on_a_cell_with_a_number_is_to_empty_it(tmp_path: Path, cell: str) -> None:
    (told,) = problems(tmp_path, f"mjd,mag,err,filter\n60342.2,{cell},0.1,r\n")
    assert "columns of their own" in told
    assert "empty" not in told


@pytest.mark.parametrize(
    ("cell", "factor", "seconds"),
    [
        ("180", 1.0, 180.0),
        ("3x60", 1.0, 180.0),
        ("3 x 60 s", 1.0, 180.0),
        ("60*30", 1.0, 1800.0),
        ("5 min", 1.0, 300.0),
        ("2x5", 60.0, 600.0),
        ("2x5min", 60.0, 600.0),
        ("1.5h", 1.0, 5400.0),
    ],
)
def test_an_exposure_is_in_seconds_and_of_the_whole_stack(cell: str, factor: float, seconds: float) -> None:
    assert seconds_of(cell, factor) == seconds


@pytest.mark.parametrize(("cell", "factor"), [("60s", 60.0), ("3x", 1.0), ("long", 1.0), ("-60", 1.0), ("60 mag", 1.0)])
def test_an_exposure_that_is_none_or_in_two_units_is_refused(cell: str, factor: float) -> None:
    with pytest.raises(ValueError, match=r"exposure time|another unit|no unit of time"):
        seconds_of(cell, factor)


def test_a_colour_excess_is_no_error(tmp_path: Path) -> None:
    (point,) = points(tmp_path, "mjd,mag,err,E(B-V),filter\n60342.2,18.2,0.1,0.04,r\n")
    assert (point.brightness_error, point.extra) == (0.1, {"E(B-V)": 0.04})


@given(st.datetimes(datetime(2000, 1, 13), datetime(2025, 12, 28)))
def test_a_clock_of_twelve_hours_in_its_own_column_is_right(
    tmp_path_factory: pytest.TempPathFactory, moment: datetime
) -> None:
    moment = moment.replace(day=max(moment.day, 13), microsecond=0, tzinfo=UTC)
    text = f"Date,Time UT,mag,err,filter\n{moment:%m/%d/%Y},{moment:%I:%M:%S %p},18.2,0.1,r\n"
    (point,) = points(tmp_path_factory.mktemp("clock"), text)
    assert point.timestamp == moment


def test_observations_in_80_columns_are_positions_and_points(tmp_path: Path) -> None:
    (path := tmp_path / "mpc.txt").write_text(f"{MPC}\n{MPC.replace('01.25000', '01.26000')}\n")
    first, second = read_positions(path).datums
    assert isinstance(first, Position)
    assert (first.ra, first.dec) == (pytest.approx(210.910667, abs=1e-6), pytest.approx(54.311639, abs=1e-6))
    assert first.timestamp == datetime(2024, 2, 1, 6, tzinfo=UTC)
    assert second.timestamp - first.timestamp == timedelta(minutes=14, seconds=24)
    (point, _) = points(tmp_path, path.read_text())
    assert (point.brightness, point.bandpass, point.brightness_error) == (18.2, "V", None)


def test_an_observation_by_other_rules_in_80_columns_is_refused(tmp_path: Path) -> None:
    for kind in "SsRVvA":
        (path := tmp_path / "mpc.txt").write_text(f"{MPC[:14]}{kind}{MPC[15:]}\n")
        with pytest.raises(SourceError, match="of kind"):
            read_positions(path)
    (path := tmp_path / "mpc.txt").write_text(MPC + "\n" + MPC.replace("K24A01B", "K24A02C") + "\n")
    with pytest.raises(SourceError) as error:
        read_positions(path)
    assert "names 2 objects" in error.value.problems[0]


def test_lines_on_who_observed_and_a_discovery_stand_above_80_columns(tmp_path: Path) -> None:
    head = "COD 703\nOBS A. Doe\nMEA A. Doe\nTEL 0.5-m reflector + CCD\nACK test\nNET Gaia-DR2\n"
    found = f"{MPC[:12]}*{MPC[13:70]} {MPC[71:]}"
    (path := tmp_path / "mpc.txt").write_text(f"{head}{MPC}\n{found.replace('01.25000', '01.26000')}\n")
    assert len(read_positions(path).datums) == 2
    path.write_text(f"{head}COM magnitudes are of the host galaxy\n{MPC}\n")
    with pytest.raises(SourceError) as error:
        read_positions(path)
    assert "host" in error.value.problems[0]
