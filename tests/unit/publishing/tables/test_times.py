"""Times of tables: whatever a cell says, it is a time in UTC, or a text says what is wrong with it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.publishing.sources.tables.when.forms import Count, Form
from bridge.publishing.sources.tables.when.times import read_times

ZONES = ["", "Z", "+14:00", "-14:00", "+0530", "+99:99", "-24:00"]
WRITTEN = st.builds(
    lambda year, month, day, clock, zone: f"{year:04}-{month:02}-{day:02}T{clock}{zone}",
    st.sampled_from([0, 1, 2, 999, 1000, 2024, 9998, 9999]),
    st.integers(0, 13),
    st.integers(0, 32),
    st.sampled_from(["00:00:00", "23:59:59.9999", "23:59:60", "24:00:00", "12:00"]),
    st.sampled_from(ZONES),
)
NUMBERS = st.one_of(st.floats().map(repr), st.decimals(allow_nan=True).map(str), st.integers().map(str))
FORMS = st.builds(
    Form,
    count=st.sampled_from(Count),
    scale=st.sampled_from(["utc", "tt", "tai", "tdb"]),
    offset=st.sampled_from([None, Decimal(2_400_000), Decimal("2400000.5"), Decimal(2_450_000)]),
)


@settings(deadline=None)  # astropy is imported in one of them
@given(st.lists(st.one_of(WRITTEN, NUMBERS, st.text(max_size=30)), max_size=4), FORMS)
@example(["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"], Form(count=Count.ANY))
@example(["9999-12-31T23:59:59.9999"], Form(count=Count.ANY, scale="tt"))
@example(["1e999999", "-1e-999999", "5e5000000"], Form(count=Count.MJD))
def test_whatever_a_cell_says_is_a_time_or_is_told(cells: list[str], form: Form) -> None:
    found = read_times(cells, form)
    assert len(found) == len(cells)
    for moment in found:
        assert moment is None or isinstance(moment, str | datetime)
        assert not isinstance(moment, datetime) or moment.tzinfo is UTC


@pytest.mark.parametrize("cell", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_leaves_the_calendar_in_utc_is_named(cell: str) -> None:
    (told,) = read_times([cell], Form(count=Count.ANY))
    assert cell in str(told)


MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
WAYS = {
    "2024 02 01 06:15:00": lambda day: f"{day:%Y %m %d %H:%M:%S}",
    "2024.02.01 06:15:00": lambda day: f"{day:%Y.%m.%d %H:%M:%S}",
    "2024-02-01_06:15:00": lambda day: f"{day:%Y-%m-%d_%H:%M:%S}",
    "2024-02-01 06:15:00,000": lambda day: f"{day:%Y-%m-%d %H:%M:%S},000",
    "20240201T061500": lambda day: f"{day:%Y%m%dT%H%M%S}",
    "1 Feb 2024 06:15:00": lambda day: f"{day.day} {MONTHS[day.month - 1]} {day:%Y %H:%M:%S}",
    "01-Feb-2024 06:15:00": lambda day: f"{day:%d}-{MONTHS[day.month - 1]}-{day:%Y %H:%M:%S}",
    "Feb 1, 2024 06:15:00 AM": lambda day: f"{MONTHS[day.month - 1]} {day.day}, {day:%Y %I:%M:%S} {_half(day)}",
    "Thu, 01 Feb 2024 06:15:00 GMT": lambda day: f"Thu, {day:%d} {MONTHS[day.month - 1]} {day:%Y %H:%M:%S} GMT",
    "Thu Feb 1 06:15:00 2024": lambda day: f"Thu {MONTHS[day.month - 1]} {day.day} {day:%H:%M:%S %Y}",
}


def _half(day: datetime) -> str:
    return "PM" if day.hour >= 12 else "AM"


@given(
    day=st.datetimes(datetime(1900, 1, 1), datetime(2025, 12, 31)).map(lambda day: day.replace(microsecond=0)),
    way=st.sampled_from(sorted(WAYS)),
)
def test_a_date_is_right_in_each_way_in_which_its_order_is_certain(day: datetime, way: str) -> None:
    assert read_times([WAYS[way](day)], Form(count=Count.ANY)) == [day.replace(tzinfo=UTC)]


@given(day=st.datetimes(datetime(1900, 1, 1), datetime(2025, 12, 31)), mark=st.sampled_from("/.-"))
def test_a_year_that_is_last_is_right_or_refused_whatever_comes_first(day: datetime, mark: str) -> None:
    day = day.replace(microsecond=0)
    (european,) = read_times([f"{day.day}{mark}{day.month}{mark}{day:%Y %H:%M:%S}"], Form(count=Count.ANY))
    (american,) = read_times([f"{day.month}{mark}{day.day}{mark}{day:%Y %H:%M:%S}"], Form(count=Count.ANY))
    right = day.replace(tzinfo=UTC)
    assert european == right or ("day or its month first" in str(european) and day.day <= 12)
    assert american == right or isinstance(american, str)


def test_one_date_of_a_column_tells_the_order_of_all() -> None:
    cells = ["05/06/2023 06:00", "21/06/2023 06:00"]
    assert read_times(cells, Form(count=Count.ANY))[0] == datetime(2023, 6, 5, 6, tzinfo=UTC)
    cells = ["05/06/2023 06:00", "06/21/2023 06:00"]
    assert read_times(cells, Form(count=Count.ANY))[0] == datetime(2023, 5, 6, 6, tzinfo=UTC)
    cells = ["05/06/2023 06:00", "06/21/2023 06:00", "21/06/2023 06:00"]
    assert isinstance(read_times(cells, Form(count=Count.ANY))[0], str)


def test_a_compact_date_with_a_part_of_a_day_is_one() -> None:
    assert read_times(["20230521.25"], Form(count=Count.ANY)) == [datetime(2023, 5, 21, 6, tzinfo=UTC)]
    assert isinstance(read_times(["20230521.25"], Form(count=Count.JD))[0], str)
