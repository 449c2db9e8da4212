"""What every ledger promises: the contract of :mod:`bridge.ledger.port`."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from parts.django_tom import ALIASES
from parts.entries import PARTITION, STARTED, Arrival, to_park

from bridge.errors import IdentityError, PositionLostError
from bridge.events import EventRef, uuid7
from bridge.ledger.port import Count, Entry, Filter, Ledger, Outcome, Position, Reason, ToPark
from bridge.ledger.sqlite import SqliteLedger
from bridge.stream.port import Partition

Open = Callable[[], Ledger]


@pytest.fixture(params=["file", "django-sqlite", "django-postgresql"])
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens one and the same ledger, as another process would."""
    opened: list[Ledger] = []

    def open_another() -> Ledger:
        if request.param == "file":
            opened.append(SqliteLedger(tmp_path / "ledger.sqlite"))
        else:
            from bridge.tomtoolkit.ledger.store import DjangoLedger

            opened.append(DjangoLedger(ALIASES[len(opened) % 2]))
        return opened[-1]

    if request.param != "file":
        request.getfixturevalue("make_orm_tom")(request.param.removeprefix("django-"))
    yield open_another
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: Open) -> Ledger:
    return open_ledger()


def record(ledger: Ledger, arrival: Arrival, outcome: Outcome = Outcome.APPLIED, reason: Reason | None = None) -> None:
    with ledger.unit() as unit:
        raw = arrival.record if outcome is Outcome.DEAD else None
        unit.record(arrival.entry(outcome, reason), raw=raw)


def park(ledger: Ledger, arrival: Arrival, *wanted: ToPark) -> None:
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.PARKED, wanted[0].reason), park=wanted, raw=arrival.record)


# -- identity --------------------------------------------------------------------------------------------------------


def test_the_installation_is_the_same_whoever_opens_the_ledger(open_ledger: Open) -> None:
    assert open_ledger().installation == open_ledger().installation


def test_a_ledger_belongs_to_the_first_tom_it_was_tied_to(open_ledger: Open) -> None:
    open_ledger().bind("https://north.example")
    open_ledger().bind("https://north.example")
    with pytest.raises(IdentityError, match=r"https://north\.example.*https://south\.example"):
        open_ledger().bind("https://south.example")


def test_the_outcomes_of_many_records_are_told_at_once_and_never_those_of_a_topic_made_again(ledger: Ledger) -> None:
    arrivals = [Arrival(offset=offset) for offset in range(3)]
    for arrival in arrivals[:2]:
        record(ledger, arrival)
    again = Arrival(offset=0, published_at=STARTED + timedelta(days=1))
    found = ledger.recorded([*(arrival.record for arrival in arrivals), again.record])
    assert {entry.offset for entry in found} == {0, 1}
    assert {entry.event_id for entry in found} == {arrival.event_id for arrival in arrivals[:2]}


def test_a_ledger_tells_of_many_keys_which_have_something_parked(ledger: Ledger) -> None:
    waits, done = Arrival(offset=1, subject="M 31"), Arrival(offset=2, subject="M 33")
    park(ledger, waits, to_park("m31"))
    record(ledger, done)
    assert ledger.waiting({waits.key, done.key, b"north/nothing"}) == {waits.key}
    assert ledger.waiting(()) == frozenset()


# -- units and positions ---------------------------------------------------------------------------------------------


def test_a_new_ledger_has_no_position(ledger: Ledger) -> None:
    assert ledger.positions() == {}


def test_a_unit_is_seen_by_nobody_before_its_end_and_by_all_afterwards(open_ledger: Open) -> None:
    writer, reader = open_ledger(), open_ledger()
    arrival = Arrival()
    with writer.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED))
        unit.move(PARTITION, "first", None, 1)
        assert reader.positions() == {}
        assert reader.entry(PARTITION, 0) is None
    assert reader.positions() == {PARTITION: Position("first", 1)}
    assert reader.entry(PARTITION, 0) is not None


def test_an_exception_undoes_the_whole_unit(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.unit() as unit:
            unit.record(Arrival().entry(Outcome.APPLIED))
            unit.move(PARTITION, "first", None, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert ledger.positions() == {}
    assert ledger.counts() == []


def test_who_lost_the_position_writes_nothing(open_ledger: Open) -> None:
    frozen, other = open_ledger(), open_ledger()
    with frozen.unit() as unit:
        unit.move(PARTITION, "first", None, 5)
    with other.unit() as unit:
        unit.move(PARTITION, "first", 5, 6)

    def wake_up() -> None:
        with frozen.unit() as unit:
            unit.record(Arrival(offset=5).entry(Outcome.APPLIED))
            unit.remember_list("north", "Supernovae", "17")
            unit.move(PARTITION, "first", 5, 6)
            unit.record(Arrival(offset=6).entry(Outcome.APPLIED))

    with pytest.raises(PositionLostError, match=r"supernovae\.public\[0\]"):
        wake_up()
    assert frozen.positions() == {PARTITION: Position("first", 6)}
    assert frozen.counts() == []
    assert frozen.list_handle("north", "Supernovae") is None


def test_a_position_that_is_there_is_not_set_as_if_it_were_the_first(ledger: Ledger) -> None:
    ledger.set_position(PARTITION, Position("first", 0))
    with pytest.raises(PositionLostError), ledger.unit() as unit:
        unit.move(PARTITION, "first", None, 1)


def test_a_position_that_is_not_there_can_not_be_expected(ledger: Ledger) -> None:
    with pytest.raises(PositionLostError), ledger.unit() as unit:
        unit.move(PARTITION, "first", 0, 1)


def test_who_reads_a_topic_that_was_made_again_meanwhile_has_lost_the_position(ledger: Ledger) -> None:
    ledger.set_position(PARTITION, Position("second", 0))
    with pytest.raises(PositionLostError), ledger.unit() as unit:
        unit.move(PARTITION, "first", 0, 1)
    assert ledger.positions() == {PARTITION: Position("second", 0)}


def test_a_unit_may_move_a_position_several_times(ledger: Ledger) -> None:
    other = Partition("supernovae.public", 1)
    with ledger.unit() as unit:
        unit.move(PARTITION, "first", None, 3)
        unit.move(PARTITION, "first", 3, 9)
        unit.move(other, "first", None, 0)
    assert ledger.positions() == {PARTITION: Position("first", 9), other: Position("first", 0)}


def test_a_command_sets_a_position_whatever_it_was(ledger: Ledger) -> None:
    ledger.set_position(PARTITION, Position("first", 9))
    ledger.set_position(PARTITION, Position("second", 2))
    assert ledger.positions() == {PARTITION: Position("second", 2)}


# -- outcomes --------------------------------------------------------------------------------------------------------


def test_an_entry_comes_back_as_it_was_written(ledger: Ledger) -> None:
    written = Arrival(subject="α Cen (B)").entry(
        Outcome.IGNORED,
        Reason.KIND_NOT_SUBSCRIBED,
        detail={"message": "not 'photometry'", "points": {"new": 0, "conflicting": 0.0}, "names": ["α Cen", None]},
        shared_by="Ángel",
        title="Two points",
    )
    before = datetime.now(UTC)
    with ledger.unit() as unit:
        unit.record(written)
    found = ledger.entry(PARTITION, 0)
    assert found is not None
    assert found.recorded_at is not None
    assert before <= found.recorded_at <= datetime.now(UTC)
    assert Entry(**{**vars(found), "recorded_at": None}) == written


def test_an_entry_of_bytes_that_told_nothing_comes_back_empty(ledger: Ledger) -> None:
    raw = Arrival().record
    with ledger.unit() as unit:
        unit.record(
            Entry(
                partition=PARTITION,
                offset=0,
                published_at=raw.timestamp,
                outcome=Outcome.DEAD,
                reason=Reason.UNDECODABLE,
            ),
            raw=raw,
        )
    found = ledger.entry(PARTITION, 0)
    assert found is not None
    assert (found.event_id, found.share_id, found.subject, found.key) == (None, None, "", b"")


def test_text_that_no_encoding_can_hold_costs_no_unit(ledger: Ledger) -> None:
    odd = Arrival(subject="x", origin="north").entry(
        Outcome.APPLIED, title="\ud800 and \x00", detail={"names": frozenset({"\ud800"}), "id": uuid7()}
    )
    with ledger.unit() as unit:
        unit.record(odd)
    assert ledger.entry(PARTITION, 0) is not None


def test_what_is_recorded_again_takes_the_place_of_what_was(ledger: Ledger) -> None:
    arrival = Arrival()
    record(ledger, arrival, Outcome.IGNORED, Reason.ORIGIN_NOT_ACCEPTED)
    record(ledger, arrival)
    (found,) = ledger.entries(Filter())
    assert (found.outcome, found.reason) == (Outcome.APPLIED, None)


def test_records_of_a_topic_that_was_made_again_are_told_from_those_before(ledger: Ledger) -> None:
    before = Arrival(offset=0, subject="Before")
    after = Arrival(offset=0, subject="After", published_at=STARTED + timedelta(days=1))
    park(ledger, before, to_park("before"))
    record(ledger, after)
    assert [entry.subject for entry in ledger.entries(Filter())] == ["After", "Before"]
    newest = ledger.entry(PARTITION, 0)
    assert newest is not None
    assert newest.subject == "After"
    for arrival in (before, after):
        found = ledger.entry(PARTITION, 0, arrival.record.timestamp)
        assert found is not None
        assert found.subject == arrival.subject
    assert ledger.entry(PARTITION, 0, STARTED - timedelta(days=1)) is None
    (parked,) = ledger.parked()
    assert ledger.raw(parked.entry) == before.record
    record(ledger, before)  # its target has appeared
    assert ledger.parked() == []
    assert ledger.outcomes([before.event_id, after.event_id]) == {
        before.event_id: Outcome.APPLIED,
        after.event_id: Outcome.APPLIED,
    }


@pytest.mark.parametrize(
    ("one", "other", "wins"),
    [
        (Outcome.APPLIED, Outcome.DUPLICATE, Outcome.APPLIED),
        (Outcome.DEAD, Outcome.APPLIED, Outcome.APPLIED),
        (Outcome.PARKED, Outcome.DUPLICATE, Outcome.PARKED),
        (Outcome.DEAD, Outcome.PARKED, Outcome.PARKED),
        (Outcome.IGNORED, Outcome.DEAD, Outcome.DEAD),
    ],
)
def test_an_event_that_came_twice_has_the_better_outcome(
    ledger: Ledger, one: Outcome, other: Outcome, wins: Outcome
) -> None:
    event_id = uuid7()
    for offset, outcome in enumerate((one, other)):
        arrival = Arrival(offset=offset, event_id=event_id)
        if outcome is Outcome.PARKED:
            park(ledger, arrival, to_park("x"))
        else:
            record(ledger, arrival, outcome)
    assert ledger.outcomes([event_id, uuid7()]) == {event_id: wins}


def test_entries_are_listed_newest_first_and_not_more_than_wanted(ledger: Ledger) -> None:
    for offset in (3, 1, 2):
        record(ledger, Arrival(offset=offset))
    assert [entry.offset for entry in ledger.entries(Filter(most=2))] == [3, 2]


@pytest.mark.parametrize(
    ("wanted", "offsets"),
    [
        (Filter(target="sn-2026 ABC"), [2, 0]),
        (Filter(target="2026abc"), []),
        (Filter(origin="south"), [1]),
        (Filter(kind="target"), [2]),
        (Filter(topic="asteroids"), [2]),
        (Filter(outcome=Outcome.DEAD), [1]),
        (Filter(since=STARTED + timedelta(seconds=1)), [2, 1]),
        (Filter(until=STARTED + timedelta(seconds=1)), [0]),
        (Filter(target="SN 2026abc", origin="north", kind="photometry"), [0]),
    ],
)
def test_entries_are_filtered(ledger: Ledger, wanted: Filter, offsets: list[int]) -> None:
    record(ledger, Arrival(offset=0))
    record(ledger, Arrival(offset=1, origin="south", subject="M 31"), Outcome.DEAD, Reason.INVALID)
    record(ledger, Arrival(partition=Partition("asteroids", 3), offset=2, kind="target"))
    assert [entry.offset for entry in ledger.entries(wanted)] == offsets


def test_counts_follow_every_change_of_an_outcome(ledger: Ledger) -> None:
    first = Arrival(offset=0)
    record(ledger, first, Outcome.DEAD, Reason.REJECTED)
    record(ledger, first.at(1))
    record(ledger, first)
    record(ledger, Arrival(offset=2, origin="south"), Outcome.DUPLICATE)

    def count(origin: str, outcome: Outcome, records: int) -> Count:
        return Count(topic=PARTITION.topic, origin=origin, kind="photometry", outcome=outcome, records=records)

    assert ledger.counts() == [count("north", Outcome.APPLIED, 2), count("south", Outcome.DUPLICATE, 1)]


def test_the_last_success_is_that_of_an_applied_or_duplicate_event(ledger: Ledger) -> None:
    record(ledger, Arrival(partition=Partition("asteroids", 0)), Outcome.DEAD, Reason.INVALID)
    assert ledger.last_success() == {}
    before = datetime.now(UTC)
    record(ledger, Arrival(offset=1), Outcome.DUPLICATE)
    success = ledger.last_success()
    assert list(success) == [PARTITION.topic]
    assert before <= success[PARTITION.topic] <= datetime.now(UTC)
    record(ledger, Arrival(offset=2), Outcome.IGNORED, Reason.OURS)
    assert ledger.last_success() == success


def test_outcomes_of_records_that_the_stream_no_longer_keeps_are_forgotten(ledger: Ledger) -> None:
    other = Arrival(partition=Partition(PARTITION.topic, 1))
    for arrival in (Arrival(offset=0), Arrival(offset=3), other):
        record(ledger, arrival)
    record(ledger, Arrival(offset=1), Outcome.DEAD, Reason.INVALID)
    park(ledger, Arrival(offset=2), to_park("m31"))
    assert ledger.forget(PARTITION, 3) == 1
    assert sorted(entry.offset for entry in ledger.entries(Filter()) if entry.partition == PARTITION) == [1, 2, 3]
    assert ledger.entry(other.partition, 0) is not None
    assert sum(count.records for count in ledger.counts()) == 4
    assert len(ledger.parked()) == len(ledger.dead()) == 1


# -- parked ----------------------------------------------------------------------------------------------------------


def test_what_is_parked_is_kept_whole(ledger: Ledger) -> None:
    arrival = Arrival(value=bytes(range(256)))
    park(ledger, arrival, to_park("m31", "ngc224"))
    (parked,) = ledger.parked()
    assert ledger.raw(parked.entry) == arrival.record
    assert (parked.entry.event_id, parked.member, parked.reason) == (arrival.event_id, "", Reason.NO_TARGET)
    assert parked.names == {"m31", "ngc224"}
    assert parked.detail == {"message": "no target of that name"}
    assert ledger.kept_bytes() >= len(arrival.value)


def test_a_record_without_a_key_or_headers_is_kept_as_such(ledger: Ledger) -> None:
    arrival = Arrival()
    raw = type(arrival.record)(**{**vars(arrival.record), "key": None, "headers": ()})
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.DEAD, Reason.UNDECODABLE), raw=raw)
    assert ledger.raw(ledger.dead()[0].entry) == raw


def test_what_is_parked_is_found_by_any_of_its_names(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0), to_park("m31", "ngc224"))
    park(ledger, Arrival(offset=1), to_park("m33"))
    assert [parked.entry.offset for parked in ledger.parked(names=["ngc224", "m31", "x"])] == [0]
    assert [parked.entry.offset for parked in ledger.parked(names=["m33", "m31"])] == [0, 1]
    assert ledger.parked(names=[]) == []


def test_what_is_parked_is_found_by_its_key(ledger: Ledger) -> None:
    north, south = Arrival(offset=0), Arrival(offset=1, origin="south")
    for arrival in (north, south, north.at(2)):
        park(ledger, arrival, to_park("m31"))
    assert [parked.entry.offset for parked in ledger.parked(key=north.key)] == [0, 2]


def test_what_is_parked_is_filtered_and_a_target_is_also_a_member_of_a_list(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0, subject="M 31"), to_park("m31"))
    park(ledger, Arrival(offset=1, subject="Galaxies", kind="list"), to_park("m31", "ngc224", member="M 31"))
    assert [parked.entry.offset for parked in ledger.parked(wanted=Filter(target="NGC 224"))] == [1]
    assert [parked.entry.offset for parked in ledger.parked(wanted=Filter(target="m31", kind="photometry"))] == [0]
    assert [parked.entry.offset for parked in ledger.parked(wanted=Filter(target="M 31"))] == [0, 1]


def test_what_is_parked_is_listed_page_by_page_in_the_order_of_parking(ledger: Ledger) -> None:
    for offset in (5, 3, 8):
        park(ledger, Arrival(offset=offset), to_park("m31"))
    first = ledger.parked(most=2)
    assert [parked.entry.offset for parked in first] == [5, 3]
    assert [parked.entry.offset for parked in ledger.parked(after=first[-1].id)] == [8]


def test_what_is_parked_again_for_another_reason_keeps_its_place(ledger: Ledger) -> None:
    first, second = Arrival(offset=0), Arrival(offset=1)
    park(ledger, first, to_park("m31"))
    park(ledger, second, to_park("m31"))
    before = [parked.id for parked in ledger.parked()]
    park(ledger, first, to_park("ngc224", reason=Reason.AMBIGUOUS))
    after = ledger.parked()
    assert [parked.id for parked in after] == before
    assert (after[0].reason, after[0].names) == (Reason.AMBIGUOUS, {"ngc224"})
    assert [parked.id for parked in ledger.parked(names=["m31"])] == before[1:]


def test_the_first_in_line_is_the_earliest_whole_event_of_a_key(ledger: Ledger) -> None:
    first, south = Arrival(offset=0), Arrival(offset=1, origin="south")
    second, third = first.at(2), Arrival(offset=3, kind="target")
    for arrival in (first, south, second, third):
        park(ledger, arrival, to_park("m31"))
    ids = {parked.entry.offset: parked.id for parked in ledger.parked()}

    def first_id(*, before: int | None = None, kinds: list[str] | None = None, key: bytes = first.key) -> int | None:
        found = ledger.first_in_line(key, before=before, kinds=kinds)
        return None if found is None else found.id

    assert first_id() == ids[0]
    assert first_id(before=ids[0]) is None
    assert first_id(before=ids[2]) == ids[0]
    assert first_id(kinds=["target"]) == ids[3]
    assert first_id(kinds=["target"], before=ids[3]) is None
    assert first_id(kinds=[]) is None
    assert first_id(key=south.key) == ids[1]
    assert first_id(key=b"nobody") is None


def test_members_and_what_awaits_an_upgrade_hold_nothing_back(ledger: Ledger) -> None:
    members, newer = Arrival(offset=0), Arrival(offset=1)
    park(ledger, members, to_park("m31", member="M 31"))
    park(ledger, newer, to_park(reason=Reason.NEWER_VERSION))
    assert ledger.first_in_line(members.key, before=None, kinds=None) is None


def test_an_id_of_something_parked_is_never_used_again(ledger: Ledger) -> None:
    arrival = Arrival()
    park(ledger, arrival, to_park("m31"))
    (first,) = ledger.parked()
    record(ledger, arrival)
    park(ledger, arrival.at(1), to_park("m31"))
    assert ledger.parked()[0].id > first.id


def test_members_of_a_list_are_parked_one_by_one_and_share_the_bytes(ledger: Ledger) -> None:
    arrival = Arrival(kind="list", subject="Galaxies")
    with ledger.unit() as unit:
        unit.record(
            arrival.entry(Outcome.APPLIED),
            park=[to_park("m31", member="M 31"), to_park("m33", member="M 33")],
            raw=arrival.record,
        )
    kept = ledger.kept_bytes()
    m31, m33 = ledger.parked()
    assert (m31.member, m33.member) == ("M 31", "M 33")
    with ledger.unit() as unit:
        unit.release(m31.id)
    assert [parked.id for parked in ledger.parked()] == [m33.id]
    assert ledger.kept_bytes() == kept
    with ledger.unit() as unit:
        unit.release(m33.id)
        unit.release(m33.id)
    assert ledger.parked() == []
    assert ledger.kept_bytes() == 0
    assert ledger.outcomes([arrival.event_id]) == {arrival.event_id: Outcome.APPLIED}


def test_members_that_are_not_parked_any_more_are_taken_out_and_the_others_stay(ledger: Ledger) -> None:
    arrival = Arrival(kind="list")
    park(ledger, arrival, to_park("m31", member="M 31"), to_park("m33", member="M 33"))
    _, m33 = ledger.parked()
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED), park=[to_park("m33", member="M 33")])
    (left,) = ledger.parked()
    assert (left.id, ledger.raw(left.entry)) == (m33.id, arrival.record)


@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.DUPLICATE, Outcome.IGNORED])
def test_nothing_is_kept_of_a_parked_event_that_found_its_end(ledger: Ledger, outcome: Outcome) -> None:
    arrival = Arrival()
    park(ledger, arrival, to_park("m31"))
    (parked,) = ledger.parked()
    record(ledger, arrival, outcome)
    assert ledger.parked() == []
    assert ledger.raw(parked.entry) is None
    assert ledger.parked(names=["m31"]) == []
    assert ledger.kept_bytes() == 0


def test_an_event_is_not_parked_without_saying_until_when(ledger: Ledger) -> None:
    arrival = Arrival()
    with pytest.raises(ValueError, match="until when"), ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.PARKED, Reason.NO_TARGET), raw=arrival.record)


@pytest.mark.parametrize("outcome", [Outcome.PARKED, Outcome.DEAD])
def test_what_may_be_tried_again_is_not_recorded_without_its_bytes(ledger: Ledger, outcome: Outcome) -> None:
    arrival = Arrival()
    with pytest.raises(ValueError, match="raw record is missing"), ledger.unit() as unit:
        unit.record(arrival.entry(outcome), park=[to_park("m31")] if outcome is Outcome.PARKED else ())
    assert ledger.entry(PARTITION, 0) is None


# -- dead letters ----------------------------------------------------------------------------------------------------


def test_a_dead_letter_is_kept_whole_and_shown_by_its_number(ledger: Ledger) -> None:
    arrival = Arrival(value=b"\xffno event")
    record(ledger, arrival, Outcome.DEAD, Reason.UNDECODABLE)
    (dead,) = ledger.dead()
    assert ledger.raw(dead.entry) == arrival.record
    assert dead.entry.reason is Reason.UNDECODABLE
    assert ledger.dead_letter(dead.id) == dead
    assert ledger.dead_letter(dead.id + 1) is None


def test_dead_letters_are_listed_in_the_order_in_which_they_died(ledger: Ledger) -> None:
    for offset in (4, 2, 3):
        record(ledger, Arrival(offset=offset, origin=f"tom{offset}"), Outcome.DEAD, Reason.INVALID)
    assert [dead.entry.offset for dead in ledger.dead()] == [4, 2, 3]
    assert [dead.entry.offset for dead in ledger.dead(most=1)] == [4]
    assert [dead.entry.offset for dead in ledger.dead(Filter(origin="tom3"))] == [3]


def test_a_dead_letter_that_dies_again_keeps_its_number(ledger: Ledger) -> None:
    first = Arrival(offset=0)
    record(ledger, first, Outcome.DEAD, Reason.REJECTED)
    record(ledger, first.at(1), Outcome.DEAD, Reason.REJECTED)
    before = [dead.id for dead in ledger.dead()]
    record(ledger, first, Outcome.DEAD, Reason.INVALID)
    assert [dead.id for dead in ledger.dead()] == before


def test_a_dead_letter_that_is_applied_after_all_is_none_any_more(ledger: Ledger) -> None:
    arrival = Arrival()
    record(ledger, arrival, Outcome.DEAD, Reason.REJECTED)
    record(ledger, arrival)
    assert ledger.dead() == []
    assert ledger.kept_bytes() == 0


def test_a_parked_event_that_dies_is_parked_no_more_and_keeps_its_bytes(ledger: Ledger) -> None:
    arrival = Arrival()
    park(ledger, arrival, to_park("m31"))
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.DEAD, Reason.REJECTED))
    assert ledger.parked() == []
    assert [ledger.raw(dead.entry) for dead in ledger.dead()] == [arrival.record]


# -- lists and intents -----------------------------------------------------------------------------------------------


def test_a_list_is_remembered_by_origin_and_name(ledger: Ledger) -> None:
    with ledger.unit() as unit:
        unit.remember_list("north", "Supernovae", "Supernovae")
        unit.remember_list("south", "Supernovae", "Supernovae (from South)")
        unit.remember_list("north", "Supernovae", "17")
    assert ledger.list_handle("north", "Supernovae") == "17"
    assert ledger.list_handle("south", "Supernovae") == "Supernovae (from South)"
    assert ledger.list_handle("west", "Supernovae") is None
    assert ledger.list_handles() == {"17", "Supernovae (from South)"}


def test_an_intent_is_seen_by_whoever_comes_after_a_crash(open_ledger: Open) -> None:
    event_id = EventRef("north", uuid7())
    assert open_ledger().intents.begin(event_id, ["target", "point 1"]) == frozenset()
    after = open_ledger().intents
    assert after.begin(event_id, ["point 1", "point 2"]) == {"point 1"}
    assert after.begin(event_id, ["target", "point 1", "point 2"]) == {"target", "point 1", "point 2"}
    assert after.begin(EventRef("north", uuid7()), ["target"]) == frozenset()
    assert after.begin(event_id, []) == {"target", "point 1", "point 2"}
    assert after.begin(EventRef("north", uuid7()), []) == frozenset()


@pytest.mark.parametrize(
    ("outcome", "reason", "found"),
    [
        (Outcome.APPLIED, None, False),
        (Outcome.DUPLICATE, None, False),
        (Outcome.IGNORED, Reason.DROPPED, False),
        (Outcome.DEAD, Reason.REJECTED, True),
        (Outcome.PARKED, Reason.NO_TARGET, True),
    ],
)
def test_intents_live_until_the_event_found_its_end(
    ledger: Ledger, outcome: Outcome, reason: Reason | None, found: bool
) -> None:
    arrival, other = Arrival(), Arrival(offset=1)
    for event in (arrival, other):
        ledger.intents.begin(event.ref, ["target"])
    if outcome is Outcome.PARKED:
        park(ledger, arrival, to_park("m31"))
    else:
        record(ledger, arrival, outcome, reason)
    assert ledger.intents.begin(arrival.ref, ["target"]) == (frozenset({"target"}) if found else frozenset())
    assert ledger.intents.begin(other.ref, ["target"]) == {"target"}


def test_intents_of_a_unit_that_failed_stay(ledger: Ledger) -> None:
    arrival = Arrival()
    ledger.intents.begin(arrival.ref, ["target"])

    def fail() -> None:
        with ledger.unit() as unit:
            unit.record(arrival.entry(Outcome.APPLIED))
            unit.move(PARTITION, "first", 4, 5)

    with pytest.raises(PositionLostError):
        fail()
    assert ledger.intents.begin(arrival.ref, ["target"]) == {"target"}
