"""Times of tables: whatever a cell says, it is a time in UTC, or a text says what is wrong with it."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.publishing.sources.tables.forms import Count, Form
from bridge.publishing.sources.tables.times import read_times

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
