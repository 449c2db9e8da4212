"""What every ledger promises of what waits and what is dead: the contract of :mod:`bridge.ledger.port`."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from parts.entries import (
    PARTITION,
    STARTED,
    TOPIC_ID,
    Arrival,
    SetClock,
    die,
    offsets,
    park,
    record,
    to_keep,
)
from parts.ledgers import Open

from bridge.ledger.port import Filter, Ledger, Line, Outcome, Reason, Sums, ToKeep, Witness
from bridge.ledger.rules import BAD_IN_ITSELF, FREE_DETAIL_BYTES, HEAD_BYTES, LONGEST_PUT_OFF
from bridge.stream.port import Partition

# -- what is kept of a record ----------------------------------------------------------------------------------------


def test_what_is_parked_is_kept_whole(ledger: Ledger) -> None:
    arrival = Arrival(value=bytes(range(256)) * 100)
    park(ledger, arrival, to_keep("m31", "ngc224", due=STARTED))
    (parked,) = ledger.parked()
    kept = ledger.raw([parked.entry.place])[arrival.place]
    assert (kept.record, kept.size, kept.whole) == (arrival.record, 25_600, True)
    assert kept.sha256 == hashlib.sha256(arrival.value).hexdigest()
    assert (parked.entry.event_id, parked.member, parked.reason) == (arrival.event_id, "", Reason.NO_TARGET)
    assert parked.names == {"m31", "ngc224"}
    assert parked.detail == {"message": "kept: no target"}
    assert (parked.due_at, parked.looks, parked.tries) == (STARTED, 0, 0)
    assert ledger.kept_bytes() >= len(arrival.value)


def test_a_record_without_a_key_or_headers_is_kept_as_such(ledger: Ledger) -> None:
    arrival = Arrival()
    raw = replace(arrival.record, key=None, headers=())
    die(ledger, arrival, Reason.UNDECODABLE, raw)
    assert ledger.raw([arrival.place])[arrival.place].record == raw


@pytest.mark.parametrize("reason", sorted(BAD_IN_ITSELF))
def test_of_a_record_that_is_bad_in_itself_the_beginning_is_kept_and_what_tells_the_whole(
    ledger: Ledger, reason: Reason
) -> None:
    arrival = Arrival(value=bytes(range(256)) * 1000)
    die(ledger, arrival, reason)
    kept = ledger.raw([arrival.place])[arrival.place]
    assert (kept.record, kept.size, kept.whole) == (
        replace(arrival.record, value=arrival.value[:HEAD_BYTES]), len(arrival.value), False
    )  # fmt: skip
    assert kept.sha256 == hashlib.sha256(arrival.value).hexdigest()
    assert ledger.kept_bytes() < 2 * HEAD_BYTES


def test_a_flood_of_bad_records_does_not_fill_a_ledger(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.ledger.rules.HEADS_UP_TO", 10_000)
    value = bytes(range(256)) * 1000
    flood = [Arrival(offset=offset, value=value) for offset in range(10)]
    for one in flood:
        die(ledger, one, Reason.UNDECODABLE)
    assert ledger.kept_bytes() < 10_000 + 2 * HEAD_BYTES
    told = ledger.raw([one.place for one in flood])
    assert {(kept.size, kept.sha256, kept.whole) for kept in told.values()} == {
        (len(value), hashlib.sha256(value).hexdigest(), False)
    }
    assert len(told[flood[0].place].record.value) == HEAD_BYTES
    assert told[flood[-1].place].record.value == b""
    refused = Arrival(offset=10, value=value)
    die(ledger, refused, Reason.REJECTED)
    assert ledger.raw([refused.place])[refused.place].record == refused.record


@pytest.mark.parametrize("reason", [Reason.REJECTED, Reason.INTERNAL, Reason.UNFINISHED])
def test_a_dead_letter_that_may_be_tried_again_is_kept_whole(ledger: Ledger, reason: Reason) -> None:
    arrival = Arrival(value=bytes(range(256)) * 1000)
    die(ledger, arrival, reason)
    kept = ledger.raw([arrival.place])[arrival.place]
    assert (kept.record, kept.whole) == (arrival.record, True)


def test_a_short_record_is_whole_whatever_is_wrong_with_it_but_for_one_that_came_in_part(ledger: Ledger) -> None:
    short, part = Arrival(offset=0), Arrival(offset=1)
    die(ledger, short, Reason.UNDECODABLE)
    die(ledger, part, Reason.UNREADABLE, replace(part.record, problem="a header's name is no UTF-8", headers=()))
    kept = ledger.raw([short.place, part.place])
    assert [kept[one.place].whole for one in (short, part)] == [True, False]


@pytest.mark.parametrize("long", ["key", "headers"])
def test_neither_long_keys_nor_long_headers_fill_a_ledger(ledger: Ledger, long: str) -> None:
    arrival = Arrival()
    big = {"key": b"k" * 1_000_000, "headers": (("x", b"h" * 1_000_000),)}
    die(ledger, arrival, Reason.INVALID, replace(arrival.record, **{long: big[long]}))
    assert not ledger.raw([arrival.place])[arrival.place].whole
    assert ledger.kept_bytes() < 2 * HEAD_BYTES


def test_a_record_is_kept_as_whole_as_the_neediest_of_its_events_asks(ledger: Ledger) -> None:
    value = bytes(range(256)) * 1000
    bad, good = Arrival(number=0, value=value), Arrival(number=1, value=value)
    die(ledger, bad, Reason.INVALID)
    assert not ledger.raw([bad.place])[bad.place].whole
    park(ledger, good, to_keep("m31"))
    assert [kept.whole for kept in ledger.raw([bad.place, good.place]).values()] == [True, True]
    die(ledger, bad, Reason.INVALID)
    assert ledger.raw([good.place])[good.place].whole
    record(ledger, good)
    assert not ledger.raw([bad.place])[bad.place].whole
    assert ledger.kept_bytes() < 2 * HEAD_BYTES
    record(ledger, bad)
    assert ledger.raw([bad.place, good.place]) == {}
    assert ledger.kept_bytes() == 0


def test_what_was_parked_and_turns_out_bad_in_itself_is_kept_no_longer_whole(ledger: Ledger) -> None:
    arrival = Arrival(value=bytes(range(256)) * 1000)
    park(ledger, arrival, to_keep(reason=Reason.NEWER_VERSION))
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.DEAD, Reason.INVALID), keep=[to_keep(reason=Reason.INVALID)])
    kept = ledger.raw([arrival.place])[arrival.place]
    assert (kept.whole, kept.size, kept.sha256) == (False, 256_000, hashlib.sha256(arrival.value).hexdigest())


def test_a_parked_event_that_dies_is_parked_no_more_and_keeps_its_bytes(ledger: Ledger) -> None:
    arrival = Arrival()
    park(ledger, arrival, to_keep("m31"))
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.DEAD, Reason.REJECTED), keep=[to_keep(reason=Reason.REJECTED)])
    assert ledger.parked() == []
    assert offsets(ledger.dead()) == [0]
    assert ledger.raw([arrival.place])[arrival.place].record == arrival.record


@pytest.mark.parametrize("reason", [Reason.NO_TARGET, Reason.REJECTED, Reason.INVALID])
def test_what_may_be_tried_again_is_not_recorded_without_its_bytes(ledger: Ledger, reason: Reason) -> None:
    outcome = Outcome.PARKED if reason is Reason.NO_TARGET else Outcome.DEAD
    with pytest.raises(ValueError, match="record is missing"), ledger.unit() as unit:
        unit.record(Arrival().entry(outcome, reason), keep=[to_keep(reason=reason)])
    assert ledger.recorded([Arrival().place]) == {}


def test_a_beginning_is_not_enough_for_what_may_be_tried_again(ledger: Ledger) -> None:
    arrival = Arrival(value=bytes(range(256)) * 1000)
    die(ledger, arrival, Reason.INVALID)
    with pytest.raises(ValueError, match="record is missing"), ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.PARKED, Reason.NO_TARGET), keep=[to_keep("m31")])
    assert ledger.parked() == []
    park(ledger, arrival, to_keep("m31"))
    assert ledger.raw([arrival.place])[arrival.place].whole


@pytest.mark.parametrize("outcome", [Outcome.APPLIED, Outcome.DUPLICATE, Outcome.IGNORED])
def test_nothing_is_kept_of_a_parked_event_that_found_its_end(ledger: Ledger, outcome: Outcome) -> None:
    arrival = Arrival()
    park(ledger, arrival, to_keep("m31"))
    record(ledger, arrival, outcome)
    assert ledger.parked() == []
    assert ledger.raw([arrival.place]) == {}
    assert ledger.sought() == []
    assert ledger.sums() == Sums()


@pytest.mark.parametrize(
    ("outcome", "keep"),
    [
        (Outcome.PARKED, []),
        (Outcome.PARKED, [to_keep(reason=Reason.INVALID)]),
        (Outcome.PARKED, [to_keep(member="M 31", reason=Reason.REJECTED)]),
        (Outcome.DEAD, []),
        (Outcome.DEAD, [to_keep("m31")]),
        (Outcome.DEAD, [to_keep("m31", member="M 31")]),
        (Outcome.APPLIED, [to_keep("m31")]),
        (Outcome.DUPLICATE, [to_keep(reason=Reason.INVALID)]),
        (Outcome.IGNORED, [to_keep("m31", member="M 31")]),
    ],
)
def test_an_outcome_and_what_is_kept_do_not_contradict_each_other(
    ledger: Ledger, outcome: Outcome, keep: list[object]
) -> None:
    arrival = Arrival()
    with pytest.raises(ValueError, match=f"is {outcome}, but of it is kept"), ledger.unit() as unit:
        unit.record(arrival.entry(outcome), keep=keep, raw=arrival.record)  # type: ignore[arg-type]
    assert ledger.recorded([arrival.place]) == {}


def test_the_sums_say_how_much_is_kept_for_which_reason(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0), to_keep("m31"))
    park(ledger, Arrival(offset=1), to_keep(reason=Reason.AMBIGUOUS))
    park(ledger, Arrival(offset=2), to_keep("a", member="A"), to_keep("b", member="B"))
    die(ledger, Arrival(offset=3), Reason.INVALID)
    with ledger.unit() as unit:
        arrival = Arrival(offset=4)
        keep = [to_keep(reason=Reason.REJECTED, member=name) for name in "AB"]
        unit.record(arrival.entry(Outcome.APPLIED), keep=keep, raw=arrival.record)
    sums = ledger.sums()
    assert sums.parked == {Reason.NO_TARGET: 3, Reason.AMBIGUOUS: 1}
    assert sums.dead == {Reason.INVALID: 1, Reason.REJECTED: 2}
    assert sums.bytes == ledger.kept_bytes() > 0


def test_long_details_count_as_kept_until_they_go(ledger: Ledger) -> None:
    arrival = Arrival()
    long = {"differs": [f"field {number}: one, not another" for number in range(1000)]}
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED, detail={"differs": ["epoch"]}))
        unit.record(arrival.at(1).entry(Outcome.APPLIED, detail=long))
    one = ledger.kept_bytes()
    assert 25_000 < one < 60_000
    with ledger.unit() as unit:
        unit.record(arrival.at(1).entry(Outcome.APPLIED, detail=long))
    assert ledger.kept_bytes() == one
    keep = [replace(to_keep("m31"), detail=long)]
    with ledger.unit() as unit:
        unit.record(arrival.at(2).entry(Outcome.PARKED), keep=keep, raw=arrival.at(2).record)
    assert 2 * one - FREE_DETAIL_BYTES < ledger.kept_bytes() < 2 * one + 2 * FREE_DETAIL_BYTES
    park(ledger, arrival.at(2), to_keep("m31"))
    assert ledger.kept_bytes() < one + FREE_DETAIL_BYTES
    with ledger.unit() as unit:
        keep = [replace(to_keep(reason=Reason.REJECTED), detail=long)]
        unit.record(arrival.at(2).entry(Outcome.DEAD), keep=keep)
    assert ledger.kept_bytes() > 2 * one - FREE_DETAIL_BYTES
    record(ledger, arrival.at(2))
    assert ledger.kept_bytes() == one
    assert ledger.forget(PARTITION, TOPIC_ID, 2) == 2
    assert ledger.kept_bytes() == 0


def test_what_others_send_does_not_fill_a_ledger_by_its_texts(ledger: Ledger) -> None:
    long = "x" * 1_000_000
    with ledger.unit() as unit:
        fields = dict.fromkeys(("origin", "origin_name", "kind", "subject", "shared_by", "title"), long)
        unit.record(Arrival().entry(Outcome.APPLIED, detail={"message": long, long: long}, key=long.encode(), **fields))
    (entry,) = ledger.entries(Filter())
    assert len(str(entry)) < 8_000


def test_a_flood_of_what_is_bad_in_itself_takes_little_a_record_and_nothing_of_the_quota(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.ledger.rules.HEADS_UP_TO", 0)
    long = "\N{DUCK}" * 10_000
    fields = dict.fromkeys(("origin", "origin_name", "kind", "subject", "shared_by", "title"), long)
    bad = Arrival(value=long.encode())
    keep = [ToKeep(reason=Reason.UNDECODABLE, detail={"message": long})]
    with ledger.unit() as unit:
        entry = bad.entry(Outcome.DEAD, Reason.UNDECODABLE, detail={"message": long}, key=long.encode(), **fields)
        unit.record(entry, keep=keep, raw=replace(bad.record, key=long.encode()))
    ((letter,), kept) = ledger.dead(), ledger.raw([bad.place])[bad.place]
    assert len(str(letter.entry).encode()) < 5_000
    assert str(letter.detail["message"]).startswith("\N{DUCK}" * 50)
    assert (ledger.kept_bytes(), kept.size) == (len("[]"), len(bad.value))


# -- what waits ------------------------------------------------------------------------------------------------------


def test_what_is_parked_is_listed_page_by_page_in_the_order_of_parking(ledger: Ledger) -> None:
    for offset in (5, 3, 8):
        park(ledger, Arrival(offset=offset), to_keep("m31"))
    first = ledger.parked(most=2)
    assert offsets(first) == [5, 3]
    assert offsets(ledger.parked(after=first[-1].id)) == [8]
    ids = [one.id for one in ledger.parked()]
    assert offsets(ledger.parked(ids=[ids[2], ids[0], 10**9])) == [5, 8]
    assert ledger.parked(ids=[]) == []


def test_what_is_parked_is_filtered_and_a_target_is_also_a_member_of_a_list(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0, subject="M 31"), to_keep("m31"))
    park(ledger, Arrival(offset=1, subject="Galaxies", kind="list"), to_keep("m31", "ngc224", member="M 31"))
    park(ledger, Arrival(offset=2, subject="M 31", origin="south"), to_keep(reason=Reason.AMBIGUOUS))
    assert offsets(ledger.parked(Filter(target="NGC 224"))) == [1]
    assert offsets(ledger.parked(Filter(target="m31", kind="photometry"))) == [0, 2]
    assert offsets(ledger.parked(Filter(target="M 31"))) == [0, 1, 2]
    assert offsets(ledger.parked(Filter(reason=Reason.AMBIGUOUS))) == [2]
    assert offsets(ledger.parked(Filter(origin="south"))) == [2]
    assert offsets(ledger.parked(Filter(topic="asteroids"))) == []
    assert offsets(
        ledger.parked(Filter(since=STARTED + timedelta(seconds=1), until=STARTED + timedelta(seconds=2)))
    ) == [1]


def test_what_is_parked_again_keeps_its_place_and_counts_the_looks_for_its_reason(ledger: Ledger) -> None:
    first, second = Arrival(offset=0), Arrival(offset=1)
    park(ledger, first, to_keep("m31"))
    park(ledger, second, to_keep("m31"))
    before = [parked.id for parked in ledger.parked()]
    for looks in (1, 2):
        park(ledger, first, to_keep("m31"))
        assert ledger.parked()[0].looks == looks
    park(ledger, first, to_keep("ngc224", reason=Reason.AMBIGUOUS, due=STARTED))
    after = ledger.parked()
    assert [parked.id for parked in after] == before
    assert (after[0].reason, after[0].names, after[0].looks) == (Reason.AMBIGUOUS, {"ngc224"}, 0)
    assert after[0].due_at == STARTED
    assert offsets(ledger.named(["m31"], STARTED)) == [1]


def test_an_id_of_something_parked_or_dead_is_never_used_again(ledger: Ledger) -> None:
    arrival = Arrival()
    park(ledger, arrival, to_keep("m31"))
    die(ledger, arrival.at(1))
    ids = ledger.parked()[0].id, ledger.dead()[0].id
    record(ledger, arrival)
    record(ledger, arrival.at(1))
    park(ledger, arrival.at(2), to_keep("m31"))
    die(ledger, arrival.at(3))
    assert ledger.parked()[0].id > ids[0]
    assert ledger.dead()[0].id > ids[1]


def test_what_is_due_comes_the_longest_due_first_and_nothing_before_its_time(ledger: Ledger) -> None:
    for offset, seconds in enumerate((30, 10, 20, None, 90)):
        due = None if seconds is None else STARTED + timedelta(seconds=seconds)
        park(ledger, Arrival(offset=offset), to_keep(reason=Reason.AMBIGUOUS, due=due))
    now = STARTED + timedelta(seconds=30)
    assert offsets(ledger.due(now)) == [1, 2, 0]
    assert offsets(ledger.due(now, most=2)) == [1, 2]
    assert offsets(ledger.due(STARTED)) == []


def test_what_is_put_off_for_longer_than_anything_ever_is_is_due_as_the_clock_was_set_back(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0), to_keep("m31", due=STARTED + LONGEST_PUT_OFF))
    park(ledger, Arrival(offset=1), to_keep("m31", due=STARTED + LONGEST_PUT_OFF + timedelta(seconds=1)))
    assert offsets(ledger.due(STARTED)) == [1]
    assert offsets(ledger.named(["m31"], STARTED)) == [1]


def test_what_is_put_off_is_due_later_and_its_looks_are_counted(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0), to_keep(reason=Reason.AMBIGUOUS, due=STARTED))
    park(ledger, Arrival(offset=1), to_keep(reason=Reason.AMBIGUOUS, due=STARTED))
    first, second = ledger.parked()
    later = STARTED + timedelta(hours=1)
    with ledger.unit() as unit:
        unit.look_again({first.id: later, 10**9: STARTED})
        unit.look_again({second.id: None}, looked=False)
    assert [(one.due_at, one.looks) for one in ledger.parked()] == [(later, 1), (None, 0)]
    assert ledger.due(STARTED) == []
    assert offsets(ledger.due(later)) == [0]


def test_what_is_put_off_for_longer_than_anything_ever_is_is_due(ledger: Ledger) -> None:
    """The clock was set back since."""
    park(ledger, Arrival(offset=0), to_keep(reason=Reason.AMBIGUOUS, due=STARTED))
    park(ledger, Arrival(offset=1), to_keep("m31", due=STARTED))
    assert offsets(ledger.due(STARTED - LONGEST_PUT_OFF)) == []
    before = STARTED - LONGEST_PUT_OFF - timedelta(seconds=1)
    assert offsets(ledger.due(before)) == [0, 1]
    assert offsets(ledger.named(["m31"], before)) == [1]


def test_a_look_that_ends_without_a_word_leaves_the_next_one_when_it_was(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0), to_keep(reason=Reason.AMBIGUOUS, due=STARTED))
    (parked,) = ledger.parked()
    ledger.begin_parked({parked.id: 1})
    with ledger.unit() as unit:
        unit.look_again({parked.id: STARTED + timedelta(hours=1)}, ended=False)  # by another process
    ledger.end_parked([parked.id, 10**9])
    assert [(one.due_at, one.tries) for one in ledger.parked()] == [(STARTED + timedelta(hours=1), 0)]


def test_what_is_put_off_after_a_failure_counts_its_tries_on(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0), to_keep("m31"))
    (parked,) = ledger.parked()
    ledger.begin_parked({parked.id: 1})
    with ledger.unit() as unit:
        unit.look_again({parked.id: STARTED}, ended=False)
    assert [(one.tries, one.looks) for one in ledger.parked()] == [(1, 1)]


def test_a_list_of_which_members_are_kept_is_not_witnessed_as_done(ledger: Ledger) -> None:
    arrival = Arrival(kind="list")
    park(ledger, arrival, to_keep("m31", member="M 31"), to_keep("m33", member="M 33"))
    for name, done in (("M 31", False), ("M 33", True)):
        with ledger.unit() as unit:
            unit.record(arrival.entry(Outcome.APPLIED), of=[name])
            unit.witness([arrival.ref])
        assert (ledger.known([arrival.ref])[arrival.ref].witness is not None) is done


def test_the_row_of_a_list_as_a_whole_is_taken_out_by_its_empty_name(ledger: Ledger) -> None:
    arrival = Arrival(kind="list")
    park(ledger, arrival, to_keep(reason=Reason.NEWER_VERSION))
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED), keep=[to_keep("m31", member="M 31")], of=["M 31", "M 33"])
    assert [one.member for one in ledger.parked()] == ["", "M 31"]
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED), of=["M 35", ""])
    assert [one.member for one in ledger.parked()] == ["M 31"]


def test_names_are_sought_in_their_order_page_by_page_each_once(ledger: Ledger) -> None:
    park(ledger, Arrival(offset=0), to_keep("m33", "m31"))
    park(ledger, Arrival(offset=1), to_keep("m31", "m32"))
    park(ledger, Arrival(offset=2), to_keep("m34", reason=Reason.AMBIGUOUS))
    park(ledger, Arrival(offset=3, kind="list"), to_keep("m35", member="M 35"))
    assert ledger.sought() == ["m31", "m32", "m33", "m35"]
    assert ledger.sought(most=2) == ["m31", "m32"]
    assert ledger.sought(after="m32") == ["m33", "m35"]


def test_what_waits_is_found_by_any_of_its_names_unless_it_is_put_off(ledger: Ledger) -> None:
    later = STARTED + timedelta(hours=1)
    park(ledger, Arrival(offset=4), to_keep("m31", "ngc224"))
    park(ledger, Arrival(offset=1), to_keep("m33"))
    park(ledger, Arrival(offset=2), to_keep("m31", due=later))
    park(ledger, Arrival(offset=3), to_keep("m31", reason=Reason.POSITION_DISAGREES))
    assert offsets(ledger.named(["ngc224", "m31", "x"], STARTED)) == [4]
    assert offsets(ledger.named(["m33", "m31"], STARTED)) == [1, 4]
    assert offsets(ledger.named(["m33", "m31"], later)) == [1, 2, 4]
    assert offsets(ledger.named(["m33", "m31"], later, most=2)) == [1, 2]
    assert ledger.named([], later) == []


def test_a_line_has_whole_events_of_one_key_partition_and_topic_by_offset(ledger: Ledger) -> None:
    first = Arrival(offset=7)
    park(ledger, first, to_keep("m31"))
    park(ledger, first.at(3), to_keep("m31"))  # an earlier one, replayed later
    for number in (2, 1):
        park(ledger, replace(first.at(5), number=number), to_keep(reason=Reason.WAITS_BEHIND))
    south = Arrival(offset=4, origin="south")
    elsewhere = Arrival(offset=4, partition=Partition(PARTITION.topic, 1))
    again = Arrival(offset=4, topic_id="second")
    for arrival in (south, elsewhere, again):
        park(ledger, arrival, to_keep("m31"))
    nobody = Line(TOPIC_ID, 0, b"nobody")
    wanted = [first.line, south.line, elsewhere.line, again.line, nobody]
    found = ledger.lines(wanted, most=9)
    places = [one.entry.place[2:] for one in found[first.line]]
    assert places == [(3, 0), (5, 1), (5, 2), (7, 0)]
    assert {line: len(of_line) for line, of_line in found.items()} == {
        first.line: 4, south.line: 1, elsewhere.line: 1, again.line: 1
    }  # fmt: skip
    assert [one.entry.place[2:] for one in ledger.lines(wanted)[first.line]] == [(3, 0)]
    assert [one.entry.place[2:] for one in ledger.lines(wanted, most=3)[first.line]] == places[:3]
    assert ledger.lines([]) == {}


def test_a_line_may_be_asked_for_some_kinds_alone(ledger: Ledger) -> None:
    for offset, kind in enumerate(("photometry", "target", "photometry")):
        park(ledger, Arrival(offset=offset, kind=kind), to_keep("m31"))
    line = Arrival().line
    assert offsets(ledger.lines([line], kinds=["target"])[line]) == [1]
    assert offsets(ledger.lines([line], kinds=["photometry"], most=5)[line]) == [0, 2]
    assert ledger.lines([line], kinds=[]) == {}


def test_members_and_what_awaits_an_upgrade_hold_nothing_back(ledger: Ledger) -> None:
    members, newer = Arrival(offset=0), Arrival(offset=1)
    park(ledger, members, to_keep("m31", member="M 31"))
    park(ledger, newer, to_keep(reason=Reason.NEWER_VERSION))
    assert ledger.lines([members.line]) == {}


def test_what_awaited_an_upgrade_stands_in_the_line_of_its_event_when_that_is_read(ledger: Ledger) -> None:
    unread = Arrival()
    entry = unread.entry(Outcome.PARKED, Reason.NEWER_VERSION, key=b"", event_id=None)
    with ledger.unit() as unit:
        unit.record(entry, keep=[to_keep(reason=Reason.NEWER_VERSION)], raw=unread.record)
    park(ledger, unread, to_keep("m31"))
    assert offsets(ledger.lines([unread.line])[unread.line]) == [0]


@pytest.mark.parametrize("way", ["applied", "dead", "ignored", "members", "newer version"])
def test_what_waits_behind_something_is_due_when_that_leaves_its_line(open_ledger: Open, way: str) -> None:
    clock = SetClock()
    ledger = open_ledger(clock)
    head, behind, other = Arrival(offset=0), Arrival(offset=1), Arrival(offset=4, origin="south")
    again = Arrival(offset=1, topic_id="second")
    park(ledger, head, to_keep("m31"))
    for arrival in (behind, behind.at(2), other, again):
        park(ledger, arrival, to_keep(reason=Reason.WAITS_BEHIND))
    park(ledger, behind.at(3), to_keep(reason=Reason.AMBIGUOUS))
    assert ledger.due(clock.go_on(hours=1)) == []
    with ledger.unit() as unit:
        match way:
            case "applied":
                unit.record(head.entry(Outcome.APPLIED))
            case "dead":
                unit.record(head.entry(Outcome.DEAD), keep=[to_keep(reason=Reason.REJECTED)])
            case "ignored":
                unit.record(head.entry(Outcome.IGNORED, Reason.DROPPED))
            case "members":
                unit.record(head.entry(Outcome.APPLIED), keep=[to_keep("m31", member="M 31")])
            case _:
                unit.record(head.entry(Outcome.PARKED), keep=[to_keep(reason=Reason.NEWER_VERSION)])
    due = ledger.due(clock.now())
    assert [one.entry.place for one in due] == [behind.place, behind.at(2).place]
    assert {one.due_at for one in due} == {clock.now()}


def test_what_is_due_already_keeps_its_time(open_ledger: Open) -> None:
    clock = SetClock()
    ledger = open_ledger(clock)
    park(ledger, Arrival(offset=0), to_keep("m31"))
    park(ledger, Arrival(offset=1), to_keep(reason=Reason.WAITS_BEHIND, due=STARTED))
    clock.go_on(hours=1)
    record(ledger, Arrival(offset=0))
    assert [one.due_at for one in ledger.parked()] == [STARTED]


def test_nothing_is_due_while_what_it_waits_behind_stays(open_ledger: Open) -> None:
    clock = SetClock()
    ledger = open_ledger(clock)
    park(ledger, Arrival(offset=0), to_keep("m31"))
    park(ledger, Arrival(offset=1), to_keep(reason=Reason.WAITS_BEHIND))
    park(ledger, Arrival(offset=0), to_keep("m31", reason=Reason.AMBIGUOUS))
    record(ledger, Arrival(offset=5))
    assert ledger.due(clock.go_on(days=1)) == []


# -- members ---------------------------------------------------------------------------------------------------------


def test_members_of_a_list_are_parked_one_by_one_and_share_the_bytes(ledger: Ledger) -> None:
    arrival = Arrival(kind="list", subject="Galaxies")
    with ledger.unit() as unit:
        keep = [to_keep("m31", member="M 31"), to_keep("m33", member="M 33")]
        unit.record(arrival.entry(Outcome.APPLIED), keep=keep, raw=arrival.record)
    kept = ledger.kept_bytes()
    m31, m33 = ledger.members([arrival.place])[arrival.place]
    assert (m31.member, m33.member) == ("M 31", "M 33")
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED), of=["M 31"])
    assert [(one.id, one.looks) for one in ledger.parked()] == [(m33.id, 0)]
    assert ledger.kept_bytes() == kept
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED), of=["M 33", "M 35"])
    assert ledger.members([arrival.place]) == {}
    assert ledger.kept_bytes() == 0


def test_members_that_are_not_kept_any_more_are_taken_out_and_the_others_stay(ledger: Ledger) -> None:
    arrival = Arrival(kind="list")
    park(ledger, arrival, to_keep("m31", member="M 31"), to_keep("m33", member="M 33"))
    _, m33 = ledger.parked()
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED), keep=[to_keep("m33", member="M 33")])
    (left,) = ledger.parked()
    assert left.id == m33.id
    assert ledger.raw([arrival.place])[arrival.place].record == arrival.record


def test_a_member_dies_alone_and_comes_back_alone(ledger: Ledger) -> None:
    arrival = Arrival(kind="list")
    names = [f"M {number}" for number in range(31, 34)]
    park(ledger, arrival, *(to_keep(member=name) for name in names))
    before = {one.member: one.id for one in ledger.parked()}
    with ledger.unit() as unit:
        keep = [to_keep(member="M 31", reason=Reason.REJECTED)]
        unit.record(arrival.entry(Outcome.PARKED, Reason.NO_TARGET), keep=keep, of=["M 31"])
    assert {one.member: one.id for one in ledger.parked()} == {name: before[name] for name in names[1:]}
    (dead,) = ledger.dead()
    assert (dead.member, dead.reason, dead.detail) == ("M 31", Reason.REJECTED, {"message": f"kept: {Reason.REJECTED}"})
    assert ledger.dead_letter(dead.id) == dead
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED), of=["M 31", "M 32"])
    assert ledger.dead() == []
    assert [one.member for one in ledger.parked()] == ["M 33"]


def test_a_list_is_not_witnessed_while_single_members_of_it_are_kept(ledger: Ledger) -> None:
    waits, dead, through = (Arrival(offset=offset, kind="list") for offset in range(3))
    keep = {waits: to_keep(member="M 31"), dead: to_keep(member="M 31", reason=Reason.REJECTED)}
    for arrival, kept in keep.items():  # as another process left it
        with ledger.unit() as unit:
            unit.record(arrival.entry(Outcome.APPLIED), keep=[kept], raw=arrival.record)
    for arrival in (waits, dead, through):
        with ledger.unit() as unit:
            unit.record(arrival.entry(Outcome.APPLIED), of=["M 33"])
            unit.witness([arrival.ref])
    known = ledger.known([arrival.ref for arrival in (waits, dead, through)])
    assert {ref for ref, one in known.items() if one.witness} == {through.ref}
    with ledger.unit() as unit:
        unit.record(waits.entry(Outcome.APPLIED), of=["M 31"])
        unit.witness([waits.ref])
    assert ledger.known([waits.ref])[waits.ref].witness is Witness.DONE


def test_members_of_many_events_are_told_at_once_and_never_whole_events(ledger: Ledger) -> None:
    one, other, whole = Arrival(offset=0), Arrival(offset=1), Arrival(offset=2)
    park(ledger, one, to_keep(member="A"), to_keep(member="B"))
    park(ledger, other, to_keep(member="A"))
    park(ledger, whole, to_keep("m31"))
    found = ledger.members([one.place, other.place, whole.place, Arrival(offset=3).place])
    assert {place: [each.member for each in members] for place, members in found.items()} == {
        one.place: ["A", "B"],
        other.place: ["A"],
    }


def test_tries_of_what_is_parked_are_counted_before_each_and_taken_back_by_an_end(open_ledger: Open) -> None:
    ledger = open_ledger()
    park(ledger, Arrival(offset=0), to_keep("m31"))
    park(ledger, Arrival(offset=1), to_keep("m31"))
    first, second = ledger.parked()
    ledger.begin_parked({first.id: 1, second.id: 1, 10**9: 1})
    ledger.begin_parked({first.id: 2})
    assert [one.tries for one in open_ledger().parked()] == [2, 1]
    park(ledger, Arrival(offset=0), to_keep("m31"))
    assert [one.tries for one in ledger.parked()] == [0, 1]
    with ledger.unit() as unit:
        unit.look_again({second.id: STARTED}, looked=False, ended=False)
    assert [one.tries for one in ledger.parked()] == [0, 1]
    with ledger.unit() as unit:
        unit.look_again({second.id: STARTED}, looked=False)
    assert [one.tries for one in ledger.parked()] == [0, 0]


# -- dead letters ----------------------------------------------------------------------------------------------------


def test_a_dead_letter_is_shown_by_its_number(ledger: Ledger) -> None:
    arrival = Arrival(value=b"\xffno event")
    die(ledger, arrival, Reason.UNDECODABLE)
    (dead,) = ledger.dead()
    assert (dead.reason, dead.member, dead.detail) == (Reason.UNDECODABLE, "", {"message": "kept: undecodable"})
    assert dead.entry.reason is Reason.UNDECODABLE
    assert ledger.dead_letter(dead.id) == dead
    assert ledger.dead_letter(dead.id + 1) is None


def test_dead_letters_are_listed_in_the_order_in_which_they_died(ledger: Ledger) -> None:
    for offset, reason in ((4, Reason.INVALID), (2, Reason.REJECTED), (3, Reason.INVALID)):
        die(ledger, Arrival(offset=offset, origin=f"tom{offset}"), reason)
    assert offsets(ledger.dead()) == [4, 2, 3]
    assert offsets(ledger.dead(most=1)) == [4]
    assert offsets(ledger.dead(after=ledger.dead()[0].id)) == [2, 3]
    assert offsets(ledger.dead(Filter(origin="tom3"))) == [3]
    assert offsets(ledger.dead(Filter(reason=Reason.INVALID))) == [4, 3]
    assert offsets(ledger.dead(Filter(target="SN 2026 ABC"))) == [4, 2, 3]


def test_a_dead_letter_that_dies_again_keeps_its_number(ledger: Ledger) -> None:
    first = Arrival(offset=0)
    die(ledger, first)
    die(ledger, first.at(1))
    before = [dead.id for dead in ledger.dead()]
    die(ledger, first, Reason.INVALID)
    assert [dead.id for dead in ledger.dead()] == before
    assert ledger.dead()[0].reason is Reason.INVALID


def test_a_dead_letter_that_is_applied_after_all_is_none_any_more(ledger: Ledger) -> None:
    arrival = Arrival()
    die(ledger, arrival)
    record(ledger, arrival)
    assert ledger.dead() == []
    assert ledger.kept_bytes() == 0
