"""What the bridge wrote is noted as runs of keys, each row with its event, its number and a digest."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts.creating import new_targets
from parts.django_tom import InProcessTom
from parts.entries import STARTED

from bridge.events import EventRef, Point, uuid7
from bridge.tom.port import NewDatum, Provenance

NORTH, SOUTH = EventRef("north", uuid7()), EventRef("south", uuid7())


def runs() -> list[tuple[int, int, str, int | None, bytes]]:
    """Return what is noted: first and last key, origin, number and digests of each part of a run."""
    from bridge.tomtoolkit import models
    from bridge.tomtoolkit.rows.noted import parts_of

    found = []
    for run in models.Written.objects.order_by("model", "first"):
        first = run.first
        for part in parts_of(run):
            digests = bytes(run.digests)[4 * (first - run.first) :][: 4 * part.rows]
            found.append((first, first + part.rows - 1, part.event.origin, part.number, digests))
            first += part.rows
        assert first == run.last + 1
    return found


def note(keys: Iterable[int], event: EventRef = NORTH, number: int = 0, digest: bytes = b"") -> None:
    from bridge.tomtoolkit.receiving import written

    noted = [(key, event, number + index, digest or b"%04d" % key) for index, key in enumerate(keys)]
    written.note("default", photometry(), noted)


def photometry() -> Any:
    from tom_dataproducts.models import PhotometryReducedDatum

    return PhotometryReducedDatum


def keys_written(among: Iterable[int]) -> set[int]:
    from bridge.tomtoolkit.receiving import written

    return {key for key in among if written.is_written("default", photometry(), key)}


# -- runs ------------------------------------------------------------------------------------------------------------


def test_neighbouring_keys_of_an_event_are_one_run_and_what_others_wrote_between_is_none_of_it(
    orm_tom: InProcessTom,
) -> None:
    note([11, 12, 13, 15, 16])
    assert runs() == [(11, 13, "north", 0, b"001100120013"), (15, 16, "north", 3, b"00150016")]
    assert keys_written(range(8, 20)) == {11, 12, 13, 15, 16}


def test_data_of_different_events_are_different_runs(orm_tom: InProcessTom) -> None:
    note([1, 2], NORTH)
    note([3, 4], SOUTH)
    note([5], SOUTH, number=7)
    assert [run[:4] for run in runs()] == [(1, 2, "north", 0), (3, 4, "south", 0), (5, 5, "south", 7)]


def test_many_small_events_that_are_written_together_share_a_run(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import Written
    from bridge.tomtoolkit.receiving import written

    noted = [(1, NORTH, 0, b"aaaa"), (2, NORTH, 1, b"bbbb"), (3, SOUTH, 0, b"cccc"), (4, NORTH, 3, b"dddd")]
    written.note("default", photometry(), noted)
    assert [run[:4] for run in runs()] == [(1, 2, "north", 0), (3, 3, "south", 0), (4, 4, "north", 3)]
    assert Written.objects.count() == 1
    events = [EventRef("north", uuid7()) for _ in range(300)]
    many = [(100 + number, events[number // 3], number % 3, b"abcd") for number in range(900)]
    written.note("default", photometry(), many)
    assert list(Written.objects.order_by("first").values_list("first", "last")) == [(1, 4), (100, 600), (601, 999)]
    assert [run[:4] for run in runs()[3:]] == [
        (100 + 3 * number, 102 + 3 * number, "north", 0) for number in range(300)
    ]


def test_rows_are_told_with_the_events_that_they_came_with(orm_tom: InProcessTom) -> None:
    from tom_targets.models import Target

    from bridge.tomtoolkit.rows.noted import event_of, events_of_rows, run_of

    target = Target.objects.create(name="SN 2026abc", type="SIDEREAL", ra=1.0, dec=2.0)
    rows = [photometry().objects.create(target=target, timestamp=STARTED, bandpass=str(number)) for number in range(4)]
    keys = [row.pk for row in rows]
    note(keys[:2], NORTH)
    note(keys[2:3], SOUTH)
    assert events_of_rows("default", photometry(), keys) == {NORTH, SOUTH}
    assert events_of_rows("default", photometry(), keys[1:2]) == {NORTH}
    assert events_of_rows("default", photometry(), keys[3:]) == set()
    run = run_of("default", photometry(), keys[2])
    assert run is not None
    assert event_of(run, keys[2]) == SOUTH


def test_a_row_of_another_model_is_another_row(orm_tom: InProcessTom) -> None:
    from tom_targets.models import TargetList

    from bridge.tomtoolkit.receiving import written

    note([7])
    assert not written.is_written("default", TargetList, 7)


def test_a_run_is_split_where_rows_of_it_go(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.receiving import written

    note(range(1, 8))
    written.forget("default", photometry(), [1, 4, 5, 99])
    assert runs() == [(2, 3, "north", 1, b"00020003"), (6, 7, "north", 5, b"00060007")]
    written.forget("default", photometry(), range(1, 8))
    assert runs() == []
    written.forget("default", photometry(), [])


def test_a_row_that_is_noted_again_belongs_to_the_later_event(orm_tom: InProcessTom) -> None:
    note(range(1, 6))
    note([3, 4], SOUTH)
    assert [run[:4] for run in runs()] == [(1, 2, "north", 0), (3, 4, "south", 0), (5, 5, "north", 4)]


KEYS = st.sets(st.integers(1, 30))


@pytest.mark.parametrize("vendor", ["sqlite"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.sampled_from(["north", "south", "forget"]), KEYS), max_size=8))
def test_whatever_is_noted_and_forgotten_runs_say_of_each_key_what_is_true(
    shared_tom: InProcessTom, vendor: str, steps: list[tuple[str, set[int]]]
) -> None:
    from bridge.tomtoolkit import models
    from bridge.tomtoolkit.receiving import written

    models.Written.objects.all().delete()
    truth: dict[int, str] = {}
    for what, keys in steps:
        if what == "forget":
            written.forget("default", photometry(), keys)
            truth = {key: origin for key, origin in truth.items() if key not in keys}
        else:
            note(sorted(keys), NORTH if what == "north" else SOUTH)
            truth |= dict.fromkeys(keys, what)
    found: dict[int, str] = {}
    for first, last, origin, _, digests in runs():
        assert digests == b"".join(b"%04d" % key for key in range(first, last + 1))
        assert not found.keys() & range(first, last + 1)
        found |= dict.fromkeys(range(first, last + 1), origin)
    assert found == truth
    assert keys_written(range(35)) == truth.keys()


@pytest.fixture(scope="module")
def shared_tom(request: pytest.FixtureRequest) -> Any:
    from parts.django_fixtures import process_with

    with process_with(request, "sqlite").tom("sqlite") as tom:
        yield tom


# -- which rows came -------------------------------------------------------------------------------------------------


def test_rows_that_came_and_those_of_a_product_that_came_are_left_out_and_all_others_stay(
    orm_tom: InProcessTom,
) -> None:
    from tom_dataproducts.models import DataProduct
    from tom_targets.models import Target

    from bridge.tomtoolkit.receiving import written
    from bridge.tomtoolkit.rows.bodies import own, received

    target = Target.objects.create(name="SN 2026abc", type="SIDEREAL", ra=1.0, dec=2.0)
    ours, theirs = (DataProduct.objects.create(target=target, product_id=name, data=name) for name in ("a", "b"))
    written.note("default", DataProduct, written.notes([theirs], NORTH))
    rows = [
        photometry().objects.create(target=target, timestamp=STARTED, bandpass=str(number), data_product=product)
        for number, product in enumerate((None, ours, theirs, None, None))
    ]
    note([rows[3].pk])
    everything = photometry().objects.all()
    assert [row.bandpass for row in own(everything).order_by("pk")] == ["0", "1", "4"]
    assert [row.bandpass for row in received(everything).order_by("pk")] == ["2", "3"]
    assert list(own(DataProduct.objects.all())) == [ours]
    assert list(received(DataProduct.objects.all())) == [theirs]


def test_targets_and_lists_that_came_are_told_from_our_own(orm_tom: InProcessTom) -> None:
    from tom_targets.base_models import BaseTarget
    from tom_targets.models import Target, TargetList

    from bridge.tomtoolkit.receiving import written
    from bridge.tomtoolkit.rows.bodies import is_own_list, own_targets

    ours, theirs, later = (Target.objects.create(name=name, type="SIDEREAL", ra=1.0, dec=2.0) for name in "ABC")
    lists = [TargetList.objects.create(name=name) for name in ("mine", "came")]
    written.note("default", BaseTarget, written.notes([theirs], NORTH, BaseTarget))
    written.note("default", TargetList, written.notes(lists[1:], NORTH))
    assert own_targets([ours.pk, theirs.pk, later.pk]) == {ours.pk, later.pk}
    assert [is_own_list(one) for one in lists] == [True, False]


# -- digests ---------------------------------------------------------------------------------------------------------


def test_what_was_written_is_as_it_was_until_somebody_changes_it(orm_tom: InProcessTom, tom: Any) -> None:
    from tom_targets.models import Target

    from bridge.tomtoolkit.receiving import written

    target = Target.objects.create(name="SN 2026abc", type="SIDEREAL", ra=1.0, dec=2.0)
    provenance = Provenance(event=NORTH, origin_name="North")
    odd = {"flux": 1e16, "ratio": 2.0, "zero": -0.0, "note": "α", "list": [1.0, None, True], "more": {"a": 1e-300}}
    points = [
        Point(
            timestamp=STARTED + timedelta(seconds=number, microseconds=number),
            bandpass="r",
            brightness=18.0 + number,
            brightness_error=-0.0 if number else 0.1,
            exposure_time=30,
            extra=odd if number == 2 else {},
        )
        for number in range(5)
    ]
    new = [
        NewDatum(target_pk=target.pk, datum=point, provenance=provenance, number=40 + number)
        for number, point in enumerate(points)
    ]
    tom.add_datums(new)
    assert [(last - first, origin, number) for first, last, origin, number, _ in runs()] == [(4, "north", 40)]
    rows = list(photometry().objects.order_by("pk"))
    assert [written.is_changed("default", row) for row in rows] == [False] * 5
    changed = rows[3]
    changed.brightness += 0.001
    changed.save()
    assert [written.is_changed("default", row) for row in photometry().objects.order_by("pk")] == [
        False, False, False, True, False
    ]  # fmt: skip
    other = photometry().objects.create(target=target, timestamp=STARTED, bandpass="i")
    assert written.is_changed("default", other) is None


def test_a_target_that_came_is_as_it_was_until_somebody_changes_it(
    orm_tom: InProcessTom, tom: Any, provenance: Provenance
) -> None:
    from tom_targets.base_models import BaseTarget

    from bridge.events import Target, TargetType
    from bridge.tomtoolkit.receiving import written

    wanted = [Target(name=name, type=TargetType.SIDEREAL, ra=10.25, dec=-5.0, pm_ra=-0.0) for name in ("A", "B")]
    tom.create_targets(new_targets(wanted, [], provenance))
    first, second = BaseTarget.objects.order_by("pk")
    first.save()  # which changes when it was saved, and nothing else
    second.dec = -5.5
    second.save()
    changed = [written.is_changed("default", row, BaseTarget) for row in BaseTarget.objects.order_by("pk")]
    assert changed == [False, True]
