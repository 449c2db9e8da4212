"""What every ledger promises of positions, outcomes and witnesses: the contract of :mod:`bridge.ledger.port`."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from parts.entries import PARTITION, STARTED, TOPIC_ID, Arrival, SetClock, die, park, record, to_keep
from parts.ledgers import Open

from bridge.errors import IdentityError, OutcomeLostError, PositionLostError
from bridge.events import EventRef, uuid7
from bridge.ledger.port import Count, Entry, Filter, Heartbeat, Known, Ledger, Outcome, Position, Reason, Tries, Witness
from bridge.stream.port import Partition

OTHER = Partition("supernovae.public", 1)


# -- whose it is -----------------------------------------------------------------------------------------------------


def test_the_installation_is_the_same_whoever_opens_the_ledger(open_ledger: Open) -> None:
    assert open_ledger().installation == open_ledger().installation


def test_a_ledger_belongs_to_the_first_tom_it_was_tied_to(open_ledger: Open) -> None:
    open_ledger().bind("https://north.example")
    open_ledger().bind("https://north.example")
    with pytest.raises(IdentityError, match=r"https://north\.example.*https://south\.example"):
        open_ledger().bind("https://south.example")


def test_a_former_installation_is_ours_once_it_was_accepted(open_ledger: Open) -> None:
    ledger, former = open_ledger(), uuid4()
    assert ledger.installations() == {ledger.installation}
    ledger.accept_installation(former)
    ledger.accept_installation(former)
    assert open_ledger().installations() == {ledger.installation, former}


# -- units and positions ---------------------------------------------------------------------------------------------


def test_a_new_ledger_has_no_position(ledger: Ledger) -> None:
    assert ledger.positions() == {}
    assert ledger.tries() == {}


def test_a_unit_is_seen_by_nobody_before_its_end_and_by_all_afterwards(open_ledger: Open) -> None:
    writer, reader = open_ledger(), open_ledger()
    arrival, parked = Arrival(), Arrival(offset=1)
    with writer.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED))
        unit.record(parked.entry(Outcome.PARKED, Reason.NO_TARGET), keep=[to_keep("m31")], raw=parked.record)
        unit.witness([arrival.ref])
        unit.move(PARTITION, TOPIC_ID, None, 2)
        assert reader.positions() == {}
        assert reader.recorded([arrival.place]) == {}
        assert reader.known([arrival.ref]) == {}
        assert reader.parked() == []
        assert reader.counts() == []
    assert reader.positions() == {PARTITION: Position(TOPIC_ID, 2)}
    assert list(reader.recorded([arrival.place])) == [arrival.place]
    assert list(reader.known([arrival.ref])) == [arrival.ref]
    assert len(reader.parked()) == 1


def test_an_exception_undoes_the_whole_unit(ledger: Ledger) -> None:
    arrival = Arrival()

    def fail() -> None:
        with ledger.unit() as unit:
            unit.record(arrival.entry(Outcome.APPLIED))
            unit.witness([arrival.ref])
            unit.move(PARTITION, TOPIC_ID, None, 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert ledger.positions() == {}
    assert ledger.counts() == []
    assert ledger.known([arrival.ref]) == {}


def test_who_lost_the_position_writes_nothing(open_ledger: Open) -> None:
    frozen, other = open_ledger(), open_ledger()
    with frozen.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, None, 5)
    with other.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, 5, 6)
    arrival = Arrival(offset=5)
    frozen.intents.begin(arrival.ref, ["target"])

    def wake_up() -> None:
        with frozen.unit() as unit:
            unit.record(arrival.entry(Outcome.APPLIED))
            unit.witness([arrival.ref])
            unit.remember_list("north", "Supernovae", "17")
            unit.move(PARTITION, TOPIC_ID, 5, 6)
            unit.record(Arrival(offset=6).entry(Outcome.APPLIED))

    with pytest.raises(PositionLostError, match=r"supernovae\.public\[0\]"):
        wake_up()
    assert frozen.positions() == {PARTITION: Position(TOPIC_ID, 6)}
    assert frozen.counts() == []
    assert frozen.known([arrival.ref]) == {}
    assert frozen.list_handle("north", "Supernovae") is None
    assert frozen.intents.begin(arrival.ref, []) == {"target"}


@pytest.mark.parametrize("known", [True, False])
def test_who_builds_on_an_outcome_that_another_has_changed_writes_nothing(open_ledger: Open, known: bool) -> None:
    slow, quick = open_ledger(), open_ledger()
    list_, other = Arrival(kind="list"), Arrival(offset=1)

    def write(ledger: Ledger, joined: int, read: Entry | None) -> None:
        with ledger.unit() as unit:
            unit.expect(list_.place, read)
            unit.record(list_.entry(Outcome.APPLIED, detail={"members": {"joined": joined}}))
            unit.record(other.entry(Outcome.APPLIED))

    if known:
        write(slow, 1, None)
    read = slow.recorded([list_.place]).get(list_.place)
    write(quick, 2, read)
    with pytest.raises(OutcomeLostError):
        write(slow, 3, read)
    there = slow.recorded([list_.place])[list_.place]
    assert there.detail == {"members": {"joined": 2}}
    write(slow, 3, there)
    assert quick.recorded([list_.place])[list_.place].detail == {"members": {"joined": 3}}


def test_a_position_that_is_there_is_not_set_as_if_it_were_the_first(ledger: Ledger) -> None:
    ledger.set_position(PARTITION, Position(TOPIC_ID, 0))
    with pytest.raises(PositionLostError), ledger.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, None, 1)


def test_a_position_that_is_not_there_can_not_be_expected(ledger: Ledger) -> None:
    with pytest.raises(PositionLostError), ledger.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, 0, 1)


def test_who_reads_a_topic_that_was_made_again_meanwhile_has_lost_the_position(ledger: Ledger) -> None:
    ledger.set_position(PARTITION, Position("second", 0))
    with pytest.raises(PositionLostError), ledger.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, 0, 1)
    assert ledger.positions() == {PARTITION: Position("second", 0)}


def test_a_unit_may_move_a_position_several_times(ledger: Ledger) -> None:
    with ledger.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, None, 3)
        unit.move(PARTITION, TOPIC_ID, 3, 9)
        unit.move(OTHER, TOPIC_ID, None, 0)
    assert ledger.positions() == {PARTITION: Position(TOPIC_ID, 9), OTHER: Position(TOPIC_ID, 0)}


def test_a_command_sets_a_position_whatever_it_was(ledger: Ledger) -> None:
    ledger.set_position(PARTITION, Position(TOPIC_ID, 9))
    ledger.set_position(PARTITION, Position("second", 2))
    assert ledger.positions() == {PARTITION: Position("second", 2)}


# -- tries -----------------------------------------------------------------------------------------------------------


def test_a_try_is_counted_before_it_is_begun_and_seen_by_whoever_comes_after_a_crash(open_ledger: Open) -> None:
    clock = SetClock()
    ledger, at = open_ledger(clock), Position(TOPIC_ID, 5)
    ledger.set_position(PARTITION, at)
    assert ledger.tries() == {PARTITION: Tries(next=5)}
    assert ledger.begin_try(PARTITION, at, 1) == Tries(next=5, tries=1, since=STARTED)
    clock.go_on(seconds=10)
    told = open_ledger(clock).begin_try(PARTITION, at, 2, alone_before=9)
    assert told == Tries(next=5, tries=2, since=STARTED, alone_before=9)
    assert open_ledger().tries() == {PARTITION: told}


def test_a_try_counts_once_however_often_it_is_noted(ledger: Ledger) -> None:
    """The answer was lost, and it is noted again."""
    at = Position(TOPIC_ID, 5)
    ledger.set_position(PARTITION, at)
    park(ledger, Arrival(offset=0), to_keep("m31"))
    (parked,) = ledger.parked()
    for _ in range(3):
        ledger.begin_try(PARTITION, at, 1)
        ledger.begin_parked({parked.id: 1})
    assert ledger.tries()[PARTITION].tries == 1
    assert [one.tries for one in ledger.parked()] == [1]


def test_a_try_that_did_not_fail_is_taken_back(ledger: Ledger) -> None:
    at = Position(TOPIC_ID, 5)
    ledger.set_position(PARTITION, at)
    since = ledger.begin_try(PARTITION, at, 1).since
    ledger.begin_try(PARTITION, at, 2)
    ledger.end_try(PARTITION, at)
    assert ledger.tries()[PARTITION] == Tries(next=5, tries=1, since=since)
    for _ in range(2):
        ledger.end_try(PARTITION, at)
        assert ledger.tries()[PARTITION] == Tries(next=5)


def test_what_lies_ahead_of_a_move_is_untried_or_begun_at_once(open_ledger: Open) -> None:
    clock = SetClock()
    ledger = open_ledger(clock)
    with ledger.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, None, 5, begun=True)
    assert ledger.tries()[PARTITION] == Tries(next=5, tries=1, since=STARTED)
    ledger.begin_try(PARTITION, Position(TOPIC_ID, 5), 1, alone_before=7)
    now = clock.go_on(seconds=10)
    with ledger.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, 5, 6, begun=True)
    assert ledger.tries()[PARTITION] == Tries(next=6, tries=1, since=now, alone_before=7)
    with ledger.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, 6, 7)
    assert ledger.tries()[PARTITION] == Tries(next=7, alone_before=7)


def test_up_to_where_records_are_tried_alone_never_goes_back_but_by_command(ledger: Ledger) -> None:
    at = Position(TOPIC_ID, 5)
    ledger.set_position(PARTITION, at)
    ledger.begin_try(PARTITION, at, 1, alone_before=9)
    assert ledger.begin_try(PARTITION, at, 2, alone_before=6).alone_before == 9
    assert ledger.begin_try(PARTITION, at, 3).alone_before == 9
    ledger.set_position(PARTITION, at)
    assert ledger.tries()[PARTITION] == Tries(next=5)


@pytest.mark.parametrize("at", [Position(TOPIC_ID, 4), Position("second", 5)])
def test_nothing_is_tried_where_the_position_is_not(ledger: Ledger, at: Position) -> None:
    ledger.set_position(PARTITION, Position(TOPIC_ID, 5))
    with pytest.raises(PositionLostError):
        ledger.begin_try(PARTITION, at, 1)
    ledger.begin_try(PARTITION, Position(TOPIC_ID, 5), 1)
    ledger.end_try(PARTITION, at)
    assert ledger.tries()[PARTITION].tries == 1
    with pytest.raises(PositionLostError):
        ledger.begin_try(OTHER, Position(TOPIC_ID, 5), 1)


# -- outcomes --------------------------------------------------------------------------------------------------------


def test_an_entry_comes_back_as_it_was_written(open_ledger: Open) -> None:
    clock = SetClock()
    ledger = open_ledger(clock)
    written = Arrival(subject="α Cen (B)", number=3).entry(
        Outcome.IGNORED,
        Reason.KIND_NOT_SUBSCRIBED,
        detail={"message": "not 'photometry'", "points": {"new": 0, "conflicting": 0.0}, "names": ["α Cen", None]},
        shared_by="Ángel",
        title="Two points",
    )
    now = clock.go_on(hours=1)
    with ledger.unit() as unit:
        unit.record(written)
    assert ledger.recorded([written.place]) == {written.place: replace(written, recorded_at=now)}


def test_an_entry_of_bytes_that_told_nothing_comes_back_empty(ledger: Ledger) -> None:
    raw = Arrival().record
    written = Entry(
        partition=PARTITION,
        topic_id=TOPIC_ID,
        offset=0,
        published_at=raw.timestamp,
        outcome=Outcome.DEAD,
        reason=Reason.UNDECODABLE,
    )
    with ledger.unit() as unit:
        unit.record(written, keep=[to_keep(reason=Reason.UNDECODABLE)], raw=raw)
    found = ledger.recorded([written.place])[written.place]
    assert (found.ref, found.share_id, found.subject, found.key) == (None, None, "", b"")


@pytest.mark.parametrize("odd", ["\ud800", "\x00", "α" * 100_000, "\udfff\x00" * 5_000, "\U0010ffff" * 3_000])
def test_text_that_no_database_can_hold_costs_no_event(ledger: Ledger, odd: str) -> None:
    arrival = Arrival()
    names = ("origin", "origin_name", "kind", "subject", "shared_by", "title")
    entry = arrival.entry(
        Outcome.PARKED,
        Reason.NO_TARGET,
        **dict.fromkeys(names, odd),
        key=odd.encode("utf-8", "surrogatepass"),
        detail={odd: odd, "names": frozenset({odd}), "id": uuid7(), "value": float("nan")},
    )
    keep = to_keep(odd[:300], member=odd[:300])
    raw = replace(arrival.record, headers=((odd, b"x"),))
    with ledger.unit() as unit:
        unit.record(entry, keep=[keep], raw=raw)
        unit.record(arrival.at(1).entry(Outcome.APPLIED, origin=odd, detail={"differs": [odd] * 3}))
        unit.witness([EventRef(odd, arrival.event_id)])
    ledger.intents.begin(EventRef(odd, arrival.event_id), ["target"])
    assert len(ledger.entries(Filter())) == 2
    assert len(ledger.parked()) == 1
    assert sum(count.events for count in ledger.counts()) == 2
    assert list(ledger.known([EventRef(odd, arrival.event_id)])) == [EventRef(odd, arrival.event_id)]
    assert ledger.recorded([arrival.place])[arrival.place].title[:499] == odd[:499].replace("\x00", "?").replace(
        "\ud800", "?"
    ).replace("\udfff", "?")


def test_what_is_recorded_again_takes_the_place_of_what_was(ledger: Ledger) -> None:
    arrival = Arrival()
    record(ledger, arrival, Outcome.IGNORED, Reason.ORIGIN_NOT_ACCEPTED)
    record(ledger, arrival)
    (found,) = ledger.entries(Filter())
    assert (found.outcome, found.reason) == (Outcome.APPLIED, None)


def test_a_record_may_bring_several_events_each_with_its_own_outcome(ledger: Ledger) -> None:
    first, second, third = (Arrival(number=number, value=b"all of it") for number in range(3))
    with ledger.unit() as unit:
        unit.record(first.entry(Outcome.APPLIED))
        unit.record(second.entry(Outcome.PARKED, Reason.NO_TARGET), keep=[to_keep("m31")], raw=second.record)
        unit.record(third.entry(Outcome.DUPLICATE))
    found = ledger.recorded([first.place, second.place, third.place])
    assert [found[one.place].outcome for one in (first, second, third)] == ["applied", "parked", "duplicate"]
    assert sum(count.events for count in ledger.counts()) == 3
    record(ledger, second)
    assert [entry.outcome for entry in ledger.recorded([first.place, second.place]).values()] == ["applied"] * 2


def test_the_outcomes_of_many_events_are_told_at_once_and_never_those_of_a_topic_made_again(ledger: Ledger) -> None:
    arrivals = [Arrival(offset=offset) for offset in range(3)]
    for arrival in arrivals[:2]:
        record(ledger, arrival)
    again = Arrival(offset=0, topic_id="second")
    elsewhere = Arrival(offset=0, partition=OTHER)
    found = ledger.recorded([one.place for one in (*arrivals, again, elsewhere)])
    assert {place: entry.event_id for place, entry in found.items()} == {
        one.place: one.event_id for one in arrivals[:2]
    }
    assert ledger.recorded([]) == {}


def test_events_of_a_topic_that_was_made_again_are_told_from_those_before(ledger: Ledger) -> None:
    before = Arrival(offset=0, subject="Before")
    after = Arrival(offset=0, subject="After", topic_id="second", published_at=STARTED + timedelta(days=1))
    park(ledger, before, to_keep("before"))
    record(ledger, after)
    assert [entry.subject for entry in ledger.entries(Filter())] == ["After", "Before"]
    assert ledger.raw([before.place])[before.place].record == before.record
    record(ledger, before)  # its target has appeared
    assert ledger.parked() == []
    assert [entry.outcome for entry in ledger.entries(Filter())] == [Outcome.APPLIED, Outcome.APPLIED]


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
        (Filter(reason=Reason.INVALID), [1]),
        (Filter(reason=Reason.REJECTED), []),
        (Filter(since=STARTED + timedelta(seconds=1)), [2, 1]),
        (Filter(until=STARTED + timedelta(seconds=1)), [0]),
        (Filter(target="SN 2026abc", origin="north", kind="photometry"), [0]),
    ],
)
def test_entries_are_filtered(ledger: Ledger, wanted: Filter, offsets: list[int]) -> None:
    record(ledger, Arrival(offset=0))
    die(ledger, Arrival(offset=1, origin="south", subject="M 31"), Reason.INVALID)
    record(ledger, Arrival(partition=Partition("asteroids", 3), offset=2, kind="target"))
    assert [entry.offset for entry in ledger.entries(wanted)] == offsets


def test_counts_follow_every_change_of_an_outcome(ledger: Ledger) -> None:
    first = Arrival(offset=0)
    die(ledger, first)
    record(ledger, first.at(1))
    record(ledger, first)
    record(ledger, Arrival(offset=2, origin="south"), Outcome.DUPLICATE)

    def count(origin: str, outcome: Outcome, events: int) -> Count:
        return Count(topic=PARTITION.topic, origin=origin, kind="photometry", outcome=outcome, events=events)

    told = sorted(ledger.counts(), key=lambda one: one.origin)
    assert told == [count("north", Outcome.APPLIED, 2), count("south", Outcome.DUPLICATE, 1)]


def test_the_last_outcome_of_a_topic_is_that_of_its_last_records_in_the_topic_as_it_is_now(open_ledger: Open) -> None:
    clock = SetClock()
    ledger = open_ledger(clock)
    ledger.set_position(PARTITION, Position(TOPIC_ID, 0))
    ledger.set_position(Partition("asteroids", 0), Position("theirs", 0))
    assert ledger.last_outcomes() == {}
    now = clock.go_on(hours=1)
    record(ledger, Arrival(offset=5), Outcome.IGNORED, Reason.OURS)
    for earlier in (Arrival(offset=4), Arrival(topic_id="before", offset=9), Arrival(partition=OTHER, offset=9)):
        clock.go_on(hours=1)
        record(ledger, earlier)
    assert ledger.last_outcomes() == {PARTITION.topic: now}
    ledger.set_position(OTHER, Position(TOPIC_ID, 10))
    assert ledger.last_outcomes() == {PARTITION.topic: clock.now()}


def test_what_is_counted_nowhere_is_not_listed_and_what_is_counted_is(ledger: Ledger) -> None:
    north, south = Arrival(), Arrival(offset=1, origin="south", kind="target")
    for arrival in (north, south):
        record(ledger, arrival)
    for wanted in (Filter(origin="south"), Filter(kind="target"), Filter(origin="south", outcome=Outcome.APPLIED)):
        assert [entry.place for entry in ledger.entries(wanted)] == [south.place]
    for wanted in (Filter(origin="south", kind="photometry"), Filter(topic="nowhere"), Filter(outcome=Outcome.DEAD)):
        assert ledger.entries(wanted) == []


def test_the_last_success_is_that_of_an_applied_or_duplicate_event(open_ledger: Open) -> None:
    clock = SetClock()
    ledger = open_ledger(clock)
    die(ledger, Arrival(partition=Partition("asteroids", 0)))
    assert ledger.last_success() == {}
    for offset, outcome in enumerate((Outcome.APPLIED, Outcome.DUPLICATE)):
        now = clock.go_on(hours=1)
        record(ledger, Arrival(offset=offset), outcome)
        assert ledger.last_success() == {PARTITION.topic: now}
    clock.go_on(hours=1)
    record(ledger, Arrival(offset=2), Outcome.IGNORED, Reason.OURS)
    assert ledger.last_success() == {PARTITION.topic: now}


def test_outcomes_that_the_stream_no_longer_keeps_are_forgotten_and_witnesses_never(ledger: Ledger) -> None:
    done = [Arrival(offset=offset) for offset in range(5)]
    with ledger.unit() as unit:
        for arrival in done:
            unit.record(arrival.entry(Outcome.APPLIED))
        unit.witness([arrival.ref for arrival in done])
    others = [Arrival(partition=OTHER), Arrival(topic_id="second"), Arrival(offset=3, number=1), Arrival(offset=9)]
    for arrival in others:
        record(ledger, arrival)
    dead, parked, members = Arrival(offset=5), Arrival(offset=6), Arrival(offset=7)
    die(ledger, dead, Reason.INVALID)
    park(ledger, parked, to_keep("m31"))
    with ledger.unit() as unit:
        unit.record(members.entry(Outcome.APPLIED), keep=[to_keep("m33", member="M 33")], raw=members.record)
    assert ledger.forget(PARTITION, TOPIC_ID, 9) == 6
    left = {entry.place for entry in ledger.entries(Filter())}
    assert left == {one.place for one in (others[0], others[1], others[3], dead, parked, members)}
    assert sum(count.events for count in ledger.counts()) == 6
    assert (len(ledger.parked()), len(ledger.dead())) == (2, 1)
    assert ledger.known([arrival.ref for arrival in done]) == {
        arrival.ref: Known(witness=Witness.DONE) for arrival in done
    }
    assert ledger.forget(PARTITION, TOPIC_ID, 9) == 0


def test_an_origin_is_not_counted_any_more_once_all_that_it_sent_is_forgotten(
    ledger: Ledger, tmp_path: Path, store: str
) -> None:
    for offset in range(3):
        record(ledger, Arrival(offset=offset, origin=f"stranger{offset}"), Outcome.IGNORED, Reason.OURS)
    record(ledger, Arrival(offset=9))
    ledger.forget(PARTITION, TOPIC_ID, 9)
    assert [(count.origin, count.events) for count in ledger.counts()] == [("north", 1)]
    assert sums_kept(tmp_path, store) == 1


def sums_kept(folder: Path, store: str) -> int:
    """Return how many rows there are of sums by origin."""
    if store == "file":
        with closing(sqlite3.connect(folder / "ledger.sqlite")) as connection:
            return int(connection.execute("SELECT count(*) FROM tally").fetchone()[0])
    from bridge.tomtoolkit.models import Tally

    return int(Tally.objects.count())


# -- what is known of an event ---------------------------------------------------------------------------------------


def test_an_event_is_done_where_that_was_witnessed_whatever_its_outcomes_say(ledger: Ledger) -> None:
    done, applied, before = Arrival(offset=0), Arrival(offset=1), Arrival(offset=2)
    record(ledger, applied)
    record(ledger, before, Outcome.DUPLICATE)
    with ledger.unit() as unit:
        unit.record(done.entry(Outcome.DUPLICATE))
        unit.witness([done.ref])
        unit.witness([done.ref])
    assert ledger.known([done.ref, applied.ref, before.ref, Arrival().ref]) == {done.ref: Known(witness=Witness.DONE)}
    assert ledger.known([]) == {}


def test_an_event_that_is_open_again_is_done_only_once_that_is_witnessed_anew(ledger: Ledger) -> None:
    one, other = Arrival(offset=0), Arrival(offset=1)
    theirs = EventRef("south", one.event_id)
    with ledger.unit() as unit:
        unit.witness([one.ref, other.ref, theirs])
    with ledger.unit() as unit:
        unit.reopen([one.ref, Arrival(offset=2).ref])
    assert ledger.known([one.ref, other.ref, theirs]).keys() == {other.ref, theirs}
    with ledger.unit() as unit:
        unit.reopen([one.ref])
        unit.witness([one.ref])
    assert ledger.known([one.ref]) == {one.ref: Known(witness=Witness.DONE)}


def test_an_event_whose_outcome_stays_is_open_again_and_done_again_as_any_other(ledger: Ledger) -> None:
    one, other = Arrival(offset=0), Arrival(offset=1)
    record_done(ledger, one, other)
    with ledger.unit() as unit:
        unit.reopen([one.ref, other.ref])
    assert ledger.known([one.ref, other.ref]) == {}
    with ledger.unit() as unit:
        unit.record(one.entry(Outcome.DUPLICATE))
        unit.reopen([one.ref])
        unit.witness([one.ref])
        unit.record(other.entry(Outcome.DUPLICATE))
    assert ledger.known([one.ref, other.ref]) == {one.ref: Known(witness=Witness.DONE)}


def test_an_event_is_done_for_ever_though_another_takes_its_place(ledger: Ledger) -> None:
    first, second, third = (Arrival(offset=0) for _ in range(3))
    for arrival in (first, second):
        record_done(ledger, arrival)
    record(ledger, third)
    done = Known(witness=Witness.DONE)
    assert ledger.known([first.ref, second.ref, third.ref]) == {first.ref: done, second.ref: done}
    assert [entry.event_id for entry in ledger.entries(Filter())] == [third.event_id]


def record_done(ledger: Ledger, *arrivals: Arrival) -> None:
    """Record events that are done."""
    with ledger.unit() as unit:
        for arrival in arrivals:
            unit.record(arrival.entry(Outcome.APPLIED))
        unit.witness([arrival.ref for arrival in arrivals])


def test_an_id_of_another_origin_is_another_event(ledger: Ledger) -> None:
    ours = Arrival()
    theirs = EventRef("south", ours.event_id)
    ledger.intents.begin(theirs, ["target"])
    with ledger.unit() as unit:
        unit.record(ours.entry(Outcome.APPLIED))
        unit.witness([ours.ref])
    park(ledger, Arrival(offset=1, event_id=ours.event_id, origin="west"), to_keep("m31"))
    assert ledger.known([theirs, ours.ref]) == {ours.ref: Known(witness=Witness.DONE)}
    assert ledger.intents.begin(theirs, []) == {"target"}


def test_where_an_event_waits_is_known_wherever_it_came(ledger: Ledger) -> None:
    first = Arrival(offset=1)
    second, member = replace(first, offset=4), replace(first, offset=2, topic_id="second", number=1)
    park(ledger, first, to_keep("m31"))
    park(ledger, second, to_keep("m31"))
    park(ledger, member, to_keep("m31", member="M 31"), to_keep("m33", member="M 33"))
    assert ledger.known([first.ref]) == {
        first.ref: Known(waits_at=frozenset({first.place, second.place, member.place}))
    }
    with ledger.unit() as unit:
        unit.record(second.entry(Outcome.APPLIED))
        unit.witness([second.ref])
    assert ledger.known([first.ref]) == {
        first.ref: Known(witness=Witness.DONE, waits_at=frozenset({first.place, member.place}))
    }


# -- lists, intents, heartbeats --------------------------------------------------------------------------------------


def test_a_list_is_remembered_by_origin_and_name(ledger: Ledger) -> None:
    with ledger.unit() as unit:
        unit.remember_list("north", "Supernovae", "Supernovae")
        unit.remember_list("south", "Supernovae", "Supernovae (from South)")
        unit.remember_list("north", "Supernovae", "17")
    assert ledger.list_handle("north", "Supernovae") == "17"
    assert ledger.list_handle("south", "Supernovae") == "Supernovae (from South)"
    assert ledger.list_handle("west", "Supernovae") is None


def test_an_intent_is_seen_by_whoever_comes_after_a_crash(open_ledger: Open) -> None:
    event = EventRef("north", uuid7())
    assert open_ledger().intents.begin(event, ["target", "point 1"]) == frozenset()
    after = open_ledger().intents
    assert after.begin(event, ["point 1", "point 2"]) == {"point 1"}
    assert after.begin(event, ["target", "point 1", "point 2"]) == {"target", "point 1", "point 2"}
    assert after.begin(EventRef("north", uuid7()), ["target"]) == frozenset()
    assert after.begin(EventRef("south", event.id), ["target"]) == frozenset()
    assert after.begin(event, []) == {"target", "point 1", "point 2"}
    assert after.begin(EventRef("north", uuid7()), []) == frozenset()


def test_intents_live_until_the_event_is_done_or_dropped(ledger: Ledger) -> None:
    arrivals = {name: Arrival(offset=offset) for offset, name in enumerate(["done", "dropped", "dead", "parked", "x"])}
    for arrival in arrivals.values():
        ledger.intents.begin(arrival.ref, ["target"])
    with ledger.unit() as unit:
        unit.record(arrivals["done"].entry(Outcome.APPLIED))
        unit.witness([arrivals["done"].ref])
    record(ledger, arrivals["dropped"], Outcome.IGNORED, Reason.DROPPED)
    die(ledger, arrivals["dead"])
    park(ledger, arrivals["parked"], to_keep("m31"))
    left = {name for name, arrival in arrivals.items() if ledger.intents.begin(arrival.ref, [])}
    assert left == {"dead", "parked", "x"}


def test_intents_of_a_unit_that_failed_stay(ledger: Ledger) -> None:
    arrival = Arrival()
    ledger.intents.begin(arrival.ref, ["target"])

    def fail() -> None:
        with ledger.unit() as unit:
            unit.witness([arrival.ref])
            unit.move(PARTITION, TOPIC_ID, 4, 5)

    with pytest.raises(PositionLostError):
        fail()
    assert ledger.intents.begin(arrival.ref, ["target"]) == {"target"}


def test_the_newest_heartbeat_is_told_first_and_old_ones_go(ledger: Ledger) -> None:
    def beat(process: str, hours: float, **more: object) -> Heartbeat:
        at = STARTED + timedelta(hours=hours)
        told = Heartbeat(process=process, started_at=STARTED, at=at, state={"topics": {"x": "away"}}, **more)
        ledger.beat(told)
        return told

    assert ledger.heartbeats() == []
    beat("host:1", 0)
    first = beat("host:1", 1)
    second = beat("host:2", 2, ended=True)
    assert ledger.heartbeats() == [second, first]
    third = beat("host:3", 25.5)
    assert ledger.heartbeats() == [third, second]


# -- a topic that is called otherwise --------------------------------------------------------------------------------


def test_a_topic_that_is_renamed_keeps_position_outcomes_and_counts(ledger: Ledger) -> None:
    one, two, parked, dead = (Arrival(offset=number) for number in range(4))
    record(ledger, one, Outcome.APPLIED)
    record(ledger, two, Outcome.APPLIED)
    park(ledger, parked, to_keep("sn2024abc"))
    die(ledger, dead)
    with ledger.unit() as unit:
        unit.move(PARTITION, TOPIC_ID, None, 4)
        unit.move(Partition("another.topic", 0), "another-id", None, 7)
    succeeded = ledger.last_success()[PARTITION.topic]
    renamed = Partition(f"hop:{PARTITION.topic}", PARTITION.number)
    ledger.rename_topic(TOPIC_ID, PARTITION.topic, renamed.topic)
    assert ledger.positions() == {
        renamed: Position(TOPIC_ID, 4),
        Partition("another.topic", 0): Position("another-id", 7),
    }
    assert {entry.partition for entry in ledger.entries(Filter())} == {renamed}
    assert sorted((count.topic, count.outcome, count.events) for count in ledger.counts()) == [
        (renamed.topic, Outcome.APPLIED, 2),
        (renamed.topic, Outcome.DEAD, 1),
        (renamed.topic, Outcome.PARKED, 1),
    ]
    assert ledger.last_success() == {renamed.topic: succeeded}
    assert [one.entry.partition for one in (*ledger.parked(), *ledger.dead())] == [renamed, renamed]
    with ledger.unit() as unit:
        unit.move(renamed, TOPIC_ID, 4, 5)
    assert ledger.positions()[renamed].next == 5


def test_renaming_what_is_not_there_changes_nothing(ledger: Ledger) -> None:
    record(ledger, Arrival(offset=0), Outcome.APPLIED)
    before = (ledger.counts(), ledger.last_success(), ledger.positions())
    ledger.rename_topic("another-id", PARTITION.topic, "hop:other")
    assert (ledger.counts(), ledger.last_success(), ledger.positions()) == before
