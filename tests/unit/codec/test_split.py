"""Events that are too large travel in parts: whole, in order, the same at every try."""

import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts import strategies
from parts.events import event, photometry, point, share, spectroscopy, spectrum, target

from bridge.codec import encode, runs, split
from bridge.errors import TooLargeError
from bridge.events import Data, DataProduct, Event, Kind, ListMember, Photometry, TargetList


def size(given: Event) -> int:
    return len(encode(given).value)


def items(given: Event) -> tuple[object, ...]:
    assert isinstance(given.body, Data | TargetList)
    return tuple(given.body.datums) if isinstance(given.body, Data) else given.body.members


def test_an_event_that_fits_is_returned_unchanged() -> None:
    given = event(photometry(10))
    assert split(given)[0] is given
    assert split(given, size(given)) == [given]


def test_parts_fit_are_whole_and_in_order_and_nearly_full() -> None:
    given = event(photometry(50_000))
    parts = split(given)
    assert all(size(part) <= 900_000 for part in parts)
    assert all(size(part) > 890_000 for part in parts[:-1])
    assert sum((items(part) for part in parts), ()) == items(given)
    assert len({part.id for part in parts} | {given.id}) == len(parts) + 1
    for part in parts:
        same = part.model_copy(update={"id": given.id, "body": given.body})
        assert same == given


def test_a_large_first_point_does_not_cost_the_other_parts_their_room() -> None:
    large, small = point(0, extra={"a": "x" * 3_000}), tuple(point(number) for number in range(1, 500))
    parts = split(event(Photometry(target=target().reference, points=(large, *small))), 5_000)
    assert all(4_900 < size(part) <= 5_000 for part in parts[:-1])


def test_a_list_is_split_by_its_members() -> None:
    members = tuple(
        ListMember(reference=target(f"T {number}").reference, target=target(f"T {number}")) for number in range(300)
    )
    given = event(TargetList(name="Many", members=members))
    parts = split(given, 5_000)
    assert all(size(part) <= 5_000 for part in parts)
    assert sum((items(part) for part in parts), ()) == members
    assert {part.key for part in parts} == {given.key}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=60), st.integers(0, 3))
def test_datums_of_one_time_stay_together_where_they_fit(repeated: list[int], room_for: int) -> None:
    points = tuple(point(number) for number, times in enumerate(repeated) for _ in range(times + 1))
    given = event(Photometry(target=target().reference, points=points))
    alone = size(event(Photometry(target=target().reference, points=points[:1])))
    each = (size(given) - alone) // max(1, len(points) - 1) + 1
    parts = split(given, alone + each * (5 + room_for) + 20)
    assert sum((items(part) for part in parts), ()) == points
    times = [{point.timestamp for point in part.body.datums} for part in parts]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(times, 2)), "six of one time fit"


@given(st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=40), st.integers(9, 30))
def test_runs_hold_all_in_order_within_the_room(sizes_and_breaks: list[tuple[int, bool]], room: int) -> None:
    hours = list(itertools.accumulate(int(new) for _, new in sizes_and_breaks))
    sizes = [size for size, _ in sizes_and_breaks]
    found = list(runs([point(hour) for hour in hours], sizes, room))
    assert [number for first, end in found for number in range(first, end)] == list(range(len(sizes)))
    assert all(sum(sizes[first:end]) <= room for first, end in found)
    for first, _ in found[1:]:
        if hours[first] == hours[first - 1]:
            of_one_time = sum(size for size, hour in zip(sizes, hours, strict=True) if hour == hours[first])
            assert of_one_time > room, "only what does not fit is divided"


SPLIT = st.one_of(
    strategies.lists, strategies.photometry, strategies.spectroscopy, strategies.astrometry, strategies.reduced_data
)


def split_or_error(given: Event, largest: int) -> list[Event] | TooLargeError:
    try:
        return split(given, largest)
    except TooLargeError as error:
        return error


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.events(SPLIT), st.floats(0.3, 1))
def test_any_data_and_list_are_split_without_loss_or_said_to_be_too_large(given: Event, share_of: float) -> None:
    largest = int(size(given) * share_of)
    parts = split_or_error(given, largest)
    if isinstance(parts, TooLargeError):
        assert str(largest) in str(parts)
        return
    assert all(size(part) <= largest for part in parts)
    assert sum((items(part) for part in parts), ()) == items(given)
    assert split(given, largest) == parts


def test_parts_have_the_same_ids_at_every_try() -> None:
    given = event(photometry(2_000))
    again = Event.checked(given.model_dump_json())
    assert [part.id for part in split(given, 50_000)] == [part.id for part in split(again, 50_000)]


def test_parts_of_another_limit_have_other_ids_unless_they_hold_the_same() -> None:
    given = event(photometry(2_000))
    held: dict[object, tuple[object, ...]] = {}
    for largest in (50_000, 60_000, 70_000):
        for part in split(given, largest):
            assert held.setdefault(part.id, items(part)) == items(part)


def test_a_point_that_is_too_large_alone_is_named() -> None:
    points = (point(0), point(1, extra={"a": "x" * 5_000}))
    given = event(Photometry(target=target().reference, points=points))
    with pytest.raises(TooLargeError, match=rf"event {given.id}: points\[1\] .* takes \d+ bytes; 2000 are the most\. "):
        split(given, 2_000)


def test_spectra_travel_in_parts_of_whole_spectra() -> None:
    given = event(spectroscopy(*(spectrum(2_000, setup=str(number)) for number in range(40))))
    parts = split(given)
    assert len(parts) == 3
    assert all(size(part) <= 900_000 for part in parts)
    assert sum((items(part) for part in parts), ()) == items(given)


def test_one_spectrum_that_is_too_large_is_told_and_may_go_as_a_file() -> None:
    given = event(spectroscopy(spectrum(3), spectrum(50_000)))
    with pytest.raises(TooLargeError, match=r"spectra\[1\] .* 900000 are the most\. Share it as a file"):
        split(given)


def test_a_product_that_is_too_large_is_told_with_size_limit_and_mend() -> None:
    body = DataProduct.of(
        bytes(1_000_000), target=target().reference, filename="a.fits", data_product_type="spectroscopy"
    )
    given = share().event(body)
    assert given.kind is Kind.DATA_PRODUCT
    with pytest.raises(TooLargeError, match=f"takes {size(given)} bytes; 900000 are the most. Publish it on a topic"):
        split(given)


def test_a_list_without_members_that_is_too_large_is_told() -> None:
    with pytest.raises(TooLargeError, match="the list of 'Empty' takes"):
        split(event(TargetList(name="Empty")), 50)
