"""Datums as columns are valid where each of them is, are the same datums, and are what each of them is told to be."""

import copy
import json
import math
import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from parts import strategies
from parts.events import event, point, target
from pydantic import ValidationError

from bridge.events import (
    BODIES,
    KINDS,
    Column,
    Datum,
    Datums,
    Event,
    Photometry,
    Point,
    Position,
    ReducedDatum,
    Spectrum,
)
from bridge.events.columns import Many, once, transposed
from bridge.events.fields import Model

DATUMS: dict[type[Datum], st.SearchStrategy[Any]] = {
    Point: strategies.points(),
    Spectrum: strategies.spectra(),
    Position: strategies.positions(),
    ReducedDatum: strategies.data(),
}
ODD: list[Any] = [
    None, "", " ", "x" * 300, "x" * 3_000, "a\x00b", "a\x1f", "\ud800", "photometry", "1.5", "2026-01-31T12:00:00Z",
    "2026-01-31T12:00:00", math.nan, math.inf, -0.0, 0, 1, True, 10**400, 360.5, -91.0, [], (), [1.0], (1.0, 2.0),
    [1.0, math.nan], {}, {"a": math.nan}, {"a": "\x00"}, {"a": "\ud800"}, {"a": "x" * 70_000}, {1: 2}, {"a": object()},
    datetime(2026, 1, 1), datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC),
    datetime(3000, 12, 31, 23, tzinfo=UTC), datetime(3001, 1, 1, tzinfo=UTC), datetime(999, 12, 31, 23, tzinfo=UTC),
    datetime(3000, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))), datetime(2026, 1, 1, tzinfo=UTC), b"a",
]  # fmt: skip


NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
BY_TYPE: dict[type[Datum], Datum] = {
    Point: Point(timestamp=NOON, bandpass="r", brightness=1.0, limit=2.0),
    Spectrum: Spectrum(timestamp=NOON, wavelength=(1.0, 2.0), flux=(3.0, 4.0)),
    Position: Position(timestamp=NOON, ra=1.0, dec=2.0),
    ReducedDatum: ReducedDatum(timestamp=NOON, data_type="x"),
}


def one_by_one(of: type[Datum], rows: list[dict[str, Any]]) -> list[Datum] | None:
    try:
        return [of.model_validate(row) for row in rows]
    except (ValidationError, OverflowError, RecursionError):
        return None


@st.composite
def rows(draw: st.DrawFn) -> tuple[type[Datum], list[dict[str, Any]]]:
    """Draw datums of one type, and some odd values among theirs."""
    of = draw(st.sampled_from(list(DATUMS)))
    found = [one.model_dump() for one in draw(st.lists(DATUMS[of], min_size=1, max_size=4))]
    for _ in range(draw(st.integers(0, 2))):
        draw(st.sampled_from(found))[draw(st.sampled_from(list(of.model_fields)))] = draw(st.sampled_from(ODD))
    return of, found


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows())
def test_columns_are_valid_exactly_where_each_datum_is_and_are_the_same(
    drawn: tuple[type[Datum], list[dict[str, Any]]],
) -> None:
    of, found = drawn
    checked = Datums.checked(of, transposed(found, tuple(of.model_fields)))
    expected = one_by_one(of, found)
    assert (checked is None) == (expected is None)
    if checked is not None and expected is not None:
        assert [repr(one) for one in checked] == [repr(one) for one in expected]
        assert list(checked) == expected


@pytest.mark.parametrize("of", DATUMS)
@pytest.mark.parametrize(
    "name", Point.model_fields.keys() | Spectrum.model_fields.keys() | Position.model_fields.keys()
)
def test_each_odd_value_of_each_field_is_judged_as_in_a_datum_alone(of: type[Datum], name: str) -> None:
    if name not in of.model_fields:
        return
    good = BY_TYPE[of].model_dump()
    for odd in ODD:
        found = [good, good | {name: odd}, good]
        checked = Datums.checked(of, transposed(found, tuple(of.model_fields)))
        expected = one_by_one(of, found)
        assert (None if checked is None else list(map(repr, checked))) == (
            None if expected is None else list(map(repr, expected))
        ), (name, odd)


# -- what a sequence of datums is ------------------------------------------------------------------------------------


def columns(count: int) -> dict[str, Column]:
    return transposed([point(number).model_dump() for number in range(count)], tuple(Point.model_fields))


def test_datums_are_a_sequence_that_is_equal_however_it_is_kept() -> None:
    models = tuple(point(number) for number in range(9))
    kept = Datums.checked(Point, columns(9))
    assert kept is not None
    assert kept == models
    assert models == kept
    assert kept == Datums(Point, {}, models)
    assert kept != Datums(Point, {}, models[1:])
    assert (kept[2], kept[-1], tuple(kept[2:4]), len(kept)) == (models[2], models[-1], models[2:4], 9)
    assert copy.deepcopy(kept) == kept
    assert pickle.loads(pickle.dumps(kept[1:])) == kept[1:]
    assert list(kept.having(unit=["mJy"] * 9).column("unit")) == ["mJy"] * 9
    assert [one.unit for one in kept.having(unit=["mJy"] * 9)] == ["mJy"] * 9
    assert kept[0].unit == models[0].unit


def test_an_event_with_columns_is_the_one_with_datums() -> None:
    kept = Datums.checked(Point, columns(7))
    models = tuple(point(number) for number in range(7))
    ref = target().reference
    mine, theirs = (Photometry(target=ref, points=points) for points in (kept, models))
    assert mine == theirs
    assert mine.model_dump() == theirs.model_dump()
    assert mine.model_dump()["points"] == tuple(one.model_dump() for one in models)
    assert mine.model_dump(mode="json", exclude_defaults=True) == theirs.model_dump(mode="json", exclude_defaults=True)
    told = event(mine)
    assert Event.checked(told.model_dump_json()) == told
    assert pickle.loads(pickle.dumps(told)) == told


@pytest.mark.parametrize("exclude_none", [False, True])
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows())
def test_columns_are_written_as_their_datums_are(exclude_none: bool, drawn: tuple[type[Datum], Any]) -> None:
    of, found = drawn
    kept = Datums.checked(of, transposed(found, tuple(of.model_fields)))
    assume(kept is not None)
    body = next(body for kind, body in BODIES.items() if KINDS[of] is kind)
    models = tuple(of.model_validate(row) for row in found)
    for mode in ("json", "python"):
        mine, theirs = (body(target=target().reference, **{body.ITEMS: each}) for each in (kept[:], models))
        assert mine.model_dump(mode=mode, exclude_none=exclude_none) == theirs.model_dump(
            mode=mode, exclude_none=exclude_none
        )
    mine, theirs = (body(target=target().reference, **{body.ITEMS: each}) for each in (kept[:], models))
    assert json.loads(mine.model_dump_json()) == json.loads(theirs.model_dump_json())


@given(strategies.events())
def test_an_event_is_written_as_pydantic_writes_it(drawn: Event) -> None:
    assert json.loads(drawn.as_json()) == json.loads(drawn.model_dump_json())
    assert Event.checked(drawn.as_json()) == drawn


@pytest.mark.parametrize("count", [0, 4])
def test_the_bounds_hold_for_columns_too(count: int) -> None:
    class Few(Model):
        points: Annotated[Datums[Point], Many(Point, 3)]

    models = tuple(point(number) for number in range(count))
    told = []
    for given_ in (models, Datums(Point, {}, models)):
        with pytest.raises(ValidationError) as error:
            Few(points=given_)
        told.append([(one["type"], one["loc"], one["msg"]) for one in error.value.errors()])
    assert told[0] == told[1]


def test_of_equal_rows_one_is_made() -> None:
    same, other = {"a": 1}, {"a": 1}
    made = []
    found = once(lambda value, text: made.append(text) or [value, text], [same, other, same], ["x", "x", "x"])
    assert found == [[same, "x"]] * 3
    assert len(made) == 2
