"""What a point is beside the rows of a TOM."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridge.events import Point
from bridge.tom.compare import as_existing, fate
from bridge.tom.port import ExistingPoint, PointFate
from bridge.tom.toolkit_versions import HIDDEN_SINCE_3_1

T0 = datetime(2024, 5, 1, tzinfo=UTC)


def a_point(**fields: Any) -> Point:
    return Point(**{"timestamp": T0, "bandpass": "r", "brightness": 0.0, "telescope": "T", "instrument": "I", **fields})


def a_row(*, hidden: frozenset[str] = frozenset(), **fields: Any) -> ExistingPoint:
    shown = as_existing(a_point(**fields)).__dict__
    return ExistingPoint(**shown | dict.fromkeys(hidden) | {"hidden": hidden})


def test_a_point_beside_nothing_may_be_written() -> None:
    assert fate(a_point(), []) is None


def test_an_equal_point_is_a_duplicate_even_beside_conflicting_ones() -> None:
    assert fate(a_point(), [a_row(brightness=1.0), a_row()]) is PointFate.DUPLICATE


@pytest.mark.parametrize(
    "other", [{"brightness": 0.1}, {"brightness_error": 0.1}, {"limit": 20.0}, {"unit": "Jy"}, {"exposure_time": 0.0}]
)
def test_another_value_at_the_same_place_is_conflicting(other: dict[str, Any]) -> None:
    assert fate(a_point(**other), [a_row()]) is PointFate.CONFLICTING


@pytest.mark.parametrize(
    "other", [{"timestamp": T0 + timedelta(microseconds=1)}, {"bandpass": "R"}, {"instrument": "J"},
              {"reduction_version": "2"}, {"telescope": "U", "brightness": 1.0}]
)  # fmt: skip
def test_another_place_is_another_point(other: dict[str, Any]) -> None:
    assert fate(a_point(**other), [a_row()]) is None


def test_another_telescope_with_the_same_brightness_has_no_room_in_the_tom() -> None:
    assert fate(a_point(telescope="U"), [a_row()]) is PointFate.CONFLICTING


def test_a_row_that_looks_equal_but_hides_something_is_for_the_tom_to_judge() -> None:
    hidden = a_row(hidden=HIDDEN_SINCE_3_1)
    assert fate(a_point(), [hidden]) is None
    assert fate(a_point(), [hidden, a_row(brightness=1.0)]) is None


def test_another_brightness_beside_a_hidden_version_is_conflicting_unless_the_point_has_a_version() -> None:
    hidden = a_row(hidden=HIDDEN_SINCE_3_1)
    assert fate(a_point(brightness=1.0), [hidden]) is PointFate.CONFLICTING
    assert fate(a_point(brightness=1.0, reduction_version="2"), [hidden]) is None
