"""What a datum is beside the rows of a TOM."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parts.events import datum, position, spectrum

from bridge.events import Datum, Kind, Point
from bridge.tom.compare import as_existing, fate
from bridge.tom.port import ExistingDatum, Fate
from bridge.tom.values import WORDS

HIDDEN = WORDS[Kind.PHOTOMETRY].hidden
T0 = datetime(2024, 5, 1, tzinfo=UTC)


def a_point(**fields: Any) -> Point:
    return Point(**{"timestamp": T0, "bandpass": "r", "brightness": 0.0, "telescope": "T", "instrument": "I", **fields})


def a_row(*, hidden: frozenset[str] = frozenset(), **fields: Any) -> ExistingDatum:
    values = as_existing(a_point(**fields)).values
    return ExistingDatum(kind=Kind.PHOTOMETRY, values={**values, **dict.fromkeys(hidden)}, hidden=hidden)


def test_a_point_beside_nothing_may_be_written() -> None:
    assert fate(a_point(), []) is None


def test_an_equal_point_is_a_duplicate_even_beside_conflicting_ones() -> None:
    assert fate(a_point(), [a_row(brightness=1.0), a_row()]) is Fate.DUPLICATE


@pytest.mark.parametrize(
    "other", [{"brightness": 0.1}, {"brightness_error": 0.1}, {"limit": 20.0}, {"unit": "Jy"}, {"exposure_time": 0.0}]
)
def test_another_value_at_the_same_place_is_conflicting(other: dict[str, Any]) -> None:
    assert fate(a_point(**other), [a_row()]) is Fate.CONFLICTING


@pytest.mark.parametrize(
    "other", [{"timestamp": T0 + timedelta(microseconds=1)}, {"bandpass": "R"}, {"instrument": "J"},
              {"reduction_version": "2"}, {"telescope": "U", "brightness": 1.0}]
)  # fmt: skip
def test_another_place_is_another_point(other: dict[str, Any]) -> None:
    assert fate(a_point(**other), [a_row()]) is None


def test_another_telescope_with_the_same_brightness_has_no_room_in_the_tom() -> None:
    assert fate(a_point(telescope="U"), [a_row()]) is Fate.CONFLICTING


def test_a_row_that_looks_equal_but_hides_something_is_for_the_tom_to_judge() -> None:
    hidden = a_row(hidden=HIDDEN)
    assert fate(a_point(), [hidden]) is None
    assert fate(a_point(), [hidden, a_row(brightness=1.0)]) is None


def test_another_brightness_beside_a_hidden_version_is_conflicting_unless_the_point_has_a_version() -> None:
    hidden = a_row(hidden=HIDDEN)
    assert fate(a_point(brightness=1.0), [hidden]) is Fate.CONFLICTING
    assert fate(a_point(brightness=1.0, reduction_version="2"), [hidden]) is None


# -- the other kinds -------------------------------------------------------------------------------------------------

NEW, DUPLICATE, CONFLICTING = None, Fate.DUPLICATE, Fate.CONFLICTING


def beside(there: Datum, *hidden: str, **fields: Any) -> Fate | None:
    """Return what a datum like ``there``, but for ``fields``, is beside it."""
    row = as_existing(there)
    values = {**row.values, **dict.fromkeys(hidden, "")}
    new = there.model_copy(update=fields)
    return fate(new, [ExistingDatum(kind=row.kind, values=values, hidden=frozenset(hidden))])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, DUPLICATE),
        ({"extra": {"a": 1}}, DUPLICATE),
        ({"flux": (1.0, 2.0, 3.0)}, CONFLICTING),
        ({"error": ()}, CONFLICTING),
        ({"exposure_time": 0.0}, CONFLICTING),
        ({"flux": (1.0, 2.0, 3.0), "setup": "blue arm"}, NEW),
        ({"flux": (1.0, 2.0), "wavelength": (1.0, 2.0)}, NEW),
        ({"reduction_version": "2"}, NEW),
        ({"instrument": "J"}, NEW),
        ({"setup": "blue arm"}, CONFLICTING),
    ],
    ids=str,
)
def test_a_spectrum_beside_another(fields: dict[str, Any], expected: Fate | None) -> None:
    assert beside(spectrum(3), **fields) is expected


def test_what_is_hidden_of_a_spectrum_is_left_to_the_tom_where_it_could_tell_two_apart() -> None:
    hidden = WORDS[Kind.SPECTROSCOPY].hidden
    assert beside(spectrum(3), *hidden) is None
    assert beside(spectrum(3), *hidden, flux=(1.0, 2.0, 3.0)) is CONFLICTING
    assert beside(spectrum(3), *hidden, flux=(1.0, 2.0, 3.0), setup="blue arm") is None


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, DUPLICATE),
        ({"ra": 10.1}, CONFLICTING),
        ({"ra_error": 0.0}, CONFLICTING),
        ({"ra": 10.1, "reduction_version": "2"}, NEW),
        ({"ra": 10.1, "telescope": "T"}, NEW),
    ],
    ids=str,
)
def test_a_position_beside_another(fields: dict[str, Any], expected: Fate | None) -> None:
    assert beside(position(), **fields) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, DUPLICATE),
        ({"data_type": "Polarimetry"}, DUPLICATE),
        ({"value": {"u": 1, "q": 0.0, "original_source_name": "ZTF"}}, DUPLICATE),
        ({"value": {"q": 0.1, "u": 1}}, NEW),
        ({"data_type": "radio"}, NEW),
        ({"telescope": "T"}, CONFLICTING),
    ],
    ids=str,
)
def test_a_datum_of_another_type_beside_another(fields: dict[str, Any], expected: Fate | None) -> None:
    assert beside(datum(), **fields) is expected


def test_a_value_under_a_reserved_name_is_the_one_that_the_tom_keeps_under_another() -> None:
    there = datum(value={"shared_target": 1})
    assert beside(there, value={"target": 1}) is DUPLICATE


def test_datums_of_two_kinds_have_nothing_to_do_with_each_other() -> None:
    assert fate(position(), [as_existing(spectrum())]) is None
