"""The rules of a ledger: pure, and the same whatever comes."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parts.entries import PARTITION, STARTED, Arrival, to_keep

from bridge.ledger import rules
from bridge.ledger.cut import cut, has_to_change, headers_of, headers_text, kept_bytes
from bridge.ledger.model import Entry, Outcome, Reason
from bridge.stream.port import Record

REASONS = st.sampled_from(Reason)
ANY_TEXT = st.text(st.characters(exclude_categories=()))
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.binary() | st.uuids() | st.datetimes(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.frozensets(ANY_TEXT) | st.dictionaries(ANY_TEXT, inner),
    max_leaves=20,
)
OURS = Arrival().event_id
ENTRIES = st.builds(
    lambda outcome, reason, event_id: Arrival().entry(outcome, reason, event_id=event_id),
    st.sampled_from(Outcome),
    st.none() | REASONS,
    st.sampled_from([None, OURS, Arrival().event_id]),
)
RECORDS = st.builds(
    lambda key, value, headers, times: Record(
        partition=PARTITION,
        offset=0,
        timestamp=STARTED,
        key=key,
        value=value * times,
        headers=tuple((name, content * times) for name, content in headers),
    ),
    st.none() | st.binary(),
    st.binary(),
    st.lists(st.tuples(st.text(max_size=5), st.binary())),
    st.sampled_from([1, 1000]),
)


# -- what is kept ----------------------------------------------------------------------------------------------------


@given(st.frozensets(REASONS))
def test_a_record_is_kept_whole_as_soon_as_one_reason_does_not_lie_in_it_alone(reasons: frozenset[Reason]) -> None:
    kept = rules.kept(reasons)
    assert (kept is rules.Keep.NOTHING) == (not reasons)
    assert (kept is rules.Keep.WHOLE) == bool(reasons - rules.BAD_IN_ITSELF)


def test_no_reason_both_passes_and_lies_in_the_record_alone() -> None:
    assert not rules.PASSING & rules.BAD_IN_ITSELF


@given(RECORDS, st.sampled_from([rules.Keep.HEAD, rules.Keep.WHOLE]))
def test_what_is_whole_is_the_record_and_what_is_not_is_short(record: Record, how: rules.Keep) -> None:
    kept = cut(record, how, 0)
    assert kept.size == len(record.value)
    assert not kept.whole or kept.record == record
    assert kept.whole or how is rules.Keep.HEAD
    assert how is rules.Keep.WHOLE or kept_bytes(kept) <= 3 * rules.HEAD_BYTES
    assert record.value.startswith(kept.record.value)


@given(RECORDS, st.sampled_from(rules.Keep), st.sampled_from(rules.Keep))
def test_a_record_is_written_anew_where_it_is_not_kept_as_is_wanted(
    record: Record, there: rules.Keep, wanted: rules.Keep
) -> None:
    kept = None if there is rules.Keep.NOTHING else cut(record, there, 0)
    changes = has_to_change(wanted, *((None, 0) if kept is None else (kept.whole, kept_bytes(kept))))
    if wanted is rules.Keep.NOTHING:
        assert not changes
    elif kept is None:
        assert changes
    elif wanted is rules.Keep.WHOLE:
        assert changes == (not kept.whole)
    else:
        assert changes or cut(kept.record, wanted, 0).record == kept.record


@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00")), st.binary())))
def test_headers_come_back_as_they_were(headers: list[tuple[str, bytes]]) -> None:
    assert headers_of(headers_text(tuple(headers))) == tuple(headers)


@pytest.mark.parametrize("outcome", Outcome)
@given(st.lists(st.builds(lambda reason, member: to_keep(reason=reason, member=member), REASONS, st.just("M 31"))))
def test_members_never_make_an_outcome_of_the_whole_wrong_while_others_stay(outcome: Outcome, keep: list) -> None:
    entry = Arrival().entry(outcome)
    if outcome is Outcome.IGNORED and keep:
        with pytest.raises(ValueError, match="M 31"):
            rules.check(entry, keep, of_all=False)
    else:
        rules.check(entry, keep, of_all=False)


# -- what is recorded ------------------------------------------------------------------------------------------------


@given(ENTRIES, ENTRIES)
def test_what_was_applied_stays_so_unless_a_later_look_of_the_same_event_says_more(there: Entry, new: Entry) -> None:
    stood = rules.stands(there, new)
    assert stood in (there, new)
    assert rules.stands(stood, new) == stood
    if new.event_id is not None and new.event_id != there.event_id:
        assert stood is new
    elif there.outcome is Outcome.APPLIED and new.outcome in {Outcome.DUPLICATE, Outcome.IGNORED}:
        assert stood is there
    if there.outcome not in rules.SUCCESS:
        assert stood is new


def test_an_outcome_is_as_it_is_where_nothing_was_recorded() -> None:
    entry = Arrival().entry(Outcome.IGNORED, Reason.OURS)
    assert rules.stands(None, entry) is entry


@pytest.mark.parametrize("reason", sorted(rules.BAD_IN_ITSELF))
def test_what_was_applied_stays_so_where_its_bytes_can_not_be_read_any_more(reason: Reason) -> None:
    arrival = Arrival()
    there = arrival.entry(Outcome.APPLIED)
    assert rules.stands(there, arrival.entry(Outcome.DEAD, reason)) is there
    assert rules.stands(there, arrival.entry(Outcome.DEAD, reason, event_id=None)) is there
    dead = arrival.entry(Outcome.DEAD, Reason.REJECTED)
    assert rules.stands(there, dead) is dead


@given(ANY_TEXT)
def test_what_is_storable_can_be_encoded_and_is_left_alone_where_it_could(text: str) -> None:
    stored = rules.storable(text)
    assert "\x00" not in stored
    assert len(stored.encode()) >= len(stored)
    if "\x00" not in text and not any(0xD800 <= ord(one) < 0xE000 for one in text):
        assert stored == text


@given(st.dictionaries(ANY_TEXT, ANYTHING))
def test_any_detail_becomes_json(detail: dict[str, object]) -> None:
    text = rules.detail_text(detail)
    json.loads(text, parse_constant=pytest.fail)
    text.encode()
    assert "\\u0000" not in text
    assert rules.detail_text(json.loads(text)) == text


@given(st.dictionaries(ANY_TEXT, ANYTHING))
def test_a_short_detail_is_written_as_any_other(detail: dict[str, object]) -> None:
    assert rules.detail_text(detail) == json.dumps(rules.bounded(detail))


def test_a_plain_detail_comes_back_as_it_was() -> None:
    detail = {"message": "two", "points": {"new": 0, "bad": 0.5}, "names": ["α", None], "right": True}
    assert json.loads(rules.detail_text(detail)) == detail


def test_texts_of_a_detail_are_cut_however_deep_they_are() -> None:
    long = "x" * 100_000
    detail = {"a": [{"b": (long, {long: 1})}], "c": frozenset({long}), "d": long.encode()}
    assert len(rules.detail_text(detail)) < 4_000


@given(st.text())
def test_what_a_detail_takes_beyond_its_free_room_counts(text: str) -> None:
    assert rules.counted_bytes(text) == max(0, len(text.encode()) - rules.FREE_DETAIL_BYTES)


def test_an_entry_that_fits_is_left_as_it_is() -> None:
    entry = Arrival().entry(Outcome.APPLIED, title="α" * rules.LONGEST_TEXT, shared_by="ada")
    assert rules.fitting(entry) == entry
    longer = replace(entry, title="α" * (rules.LONGEST_TEXT + 1), key=b"k" * 2000)
    assert rules.fitting(longer).title == "α" * (rules.LONGEST_TEXT - 1) + "…"
    assert len(rules.fitting(longer).key) == rules.LONGEST_KEY


@given(
    st.lists(
        st.builds(
            lambda entry, title, origin, key, detail: replace(
                entry, title=title, origin=origin, key=key, detail=detail
            ),
            ENTRIES,
            st.sampled_from(["", "α" * 600, "a\x00b", "\ud800"]) | st.text(),
            st.sampled_from(["north", "n" * 150]),
            st.sampled_from([b"north/sn2026abc", b"k" * 2_000]),
            st.sampled_from([{}, {"message": "x" * 2_000}, {"datums": {"new": 1}}]),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_the_columns_of_many_entries_are_those_of_each(entries: list[Entry]) -> None:
    together = rules.columns(entries)
    for row, entry in enumerate(entries):
        fits = rules.fitting(entry)
        assert {name: column[row] for name, column in together.items()} == {
            name: value for name, (value,) in rules.columns([fits]).items()
        }
        assert (together["title"][row], together["record_key"][row]) == (fits.title, fits.key)


# -- when something is looked at again -------------------------------------------------------------------------------


@given(REASONS, st.integers(0, 10_000), st.timedeltas(timedelta(seconds=1), rules.LONGEST_PUT_OFF))
def test_what_is_looked_at_again_by_itself_waits_longer_each_time_and_never_for_more_than_an_hour_or_its_period(
    reason: Reason, looks: int, first: timedelta
) -> None:
    due = rules.due(reason, looks, STARTED, first)
    later = rules.due(reason, looks + 1, STARTED, first)
    if reason is Reason.WAITS_BEHIND:
        assert due == later == STARTED + timedelta(hours=1)
    elif due is None:
        assert (reason, looks) == (Reason.NO_TARGET, 0)
    else:
        assert later is not None
        longest = min(max(first, timedelta(hours=1)), rules.LONGEST_PUT_OFF)
        assert min(first, longest) <= due - STARTED <= later - STARTED <= longest
