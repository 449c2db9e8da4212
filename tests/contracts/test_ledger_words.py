"""What every ledger promises of what was said of shares, and of display names: the contract of bridge.ledger.port."""

from dataclasses import replace

import pytest
from parts.entries import PARTITION, TOPIC_ID, Arrival, park, record, to_keep
from parts.ledgers import Open

from bridge.events import LONGEST_MESSAGE, MAX_REFERENCES, ShareRef, uuid7
from bridge.ledger import rules
from bridge.ledger.port import Filter, Ledger, Outcome, ShareWords
from bridge.ledger.rules import FREE_DETAIL_BYTES

SAID = ShareWords(
    message="Ünknown\n<b>transient</b>", acknowledgement="Thank NOT & ESO", references=("10.1000/1", "https://a.org")
)
LONG = ShareWords(message="x" * (FREE_DETAIL_BYTES + 500))


def one_share(*offsets: int, origin: str = "north", share: ShareRef | None = None) -> tuple[ShareRef, list[Arrival]]:
    """Return a share with an event at each of these offsets."""
    events = [Arrival(origin=origin, offset=offset) for offset in offsets]
    return share or ShareRef(origin, uuid7()), events


def say(ledger: Ledger, share: ShareRef, words: ShareWords, *events: Arrival) -> None:
    """Record events of a share, with what was said of it."""
    with ledger.unit() as unit:
        for event in events:
            unit.record(event.entry(Outcome.APPLIED, share_id=share.id))
            unit.keep_words({share: words})


def fail(ledger: Ledger, share: ShareRef) -> None:
    with ledger.unit() as unit:
        unit.keep_words({share: LONG})
        unit.claim_names({"north": "north.org"})
        raise RuntimeError("the TOM says no")


# -- what was said ---------------------------------------------------------------------------------------------------


def test_what_was_said_of_a_share_comes_back_as_it_was_whatever_asks_for_it(open_ledger: Open) -> None:
    share, events = one_share(0, 1, 2)
    other, more = one_share(3)
    ledger = open_ledger()
    say(ledger, share, SAID, *events)
    say(ledger, other, LONG, *more)
    unknown = ShareRef("north", uuid7())
    assert open_ledger().words([share, other, unknown]) == {share: SAID, other: LONG}
    assert ledger.words([]) == {}


def test_the_first_words_of_a_share_stay_and_another_origin_has_words_of_its_own(ledger: Ledger) -> None:
    share, (first, second) = one_share(0, 1)
    stranger, events = one_share(2, origin="evil", share=ShareRef("evil", share.id))
    say(ledger, share, SAID, first)
    say(ledger, share, replace(SAID, message="something else"), second)
    say(ledger, stranger, LONG, *events)
    assert ledger.words([share, stranger]) == {share: SAID, stranger: LONG}
    assert ledger.words([share]) == {share: SAID}
    assert ledger.forget(PARTITION, TOPIC_ID, 2) == 2
    assert ledger.words([share, stranger]) == {stranger: LONG}


def test_nothing_is_kept_of_a_share_of_which_nothing_was_said(ledger: Ledger) -> None:
    share, events = one_share(0)
    say(ledger, share, ShareWords(), *events)
    assert ledger.words([share]) == {}


def test_a_unit_that_failed_keeps_no_words_and_claims_no_names(ledger: Ledger) -> None:
    share, _ = one_share(0)
    with pytest.raises(RuntimeError):
        fail(ledger, share)
    assert (ledger.words([share]), ledger.name_owners(["north"]), ledger.kept_bytes()) == ({}, {}, 0)


def test_words_go_with_the_last_outcome_of_their_share_wherever_its_events_came(ledger: Ledger) -> None:
    share, (first, second, third) = one_share(0, 1, 2)
    elsewhere = Arrival(topic_id="second")
    say(ledger, share, SAID, first, second, elsewhere)
    with ledger.unit() as unit:  # of which something is kept, so that it isn't forgotten
        unit.record(
            third.entry(Outcome.PARKED, to_keep().reason, share_id=share.id), keep=[to_keep()], raw=third.record
        )
    assert ledger.forget(PARTITION, TOPIC_ID, 9) == 2
    assert ledger.words([share]) == {share: SAID}
    record(ledger, third)  # as if it was of no share any more
    ledger.forget(PARTITION, TOPIC_ID, 9)
    assert ledger.words([share]) == {share: SAID}
    assert ledger.forget(PARTITION, "second", 9) == 1
    assert ledger.words([share]) == {}


def test_long_words_count_as_kept_once_for_all_events_and_no_more_once_they_are_gone(open_ledger: Open) -> None:
    ledger, another = open_ledger(), open_ledger()
    share, events = one_share(*range(5))
    say(ledger, share, LONG, *events[:3])
    say(another, share, LONG, *events[3:])
    short, few = one_share(5)
    say(ledger, short, ShareWords(message="short"), *few)
    counted = rules.counted_bytes(rules.words_text(LONG))
    assert 500 <= counted < 700
    assert ledger.kept_bytes() == another.sums().bytes == counted
    ledger.forget(PARTITION, TOPIC_ID, 6)
    assert ledger.kept_bytes() == 0


def test_a_thousand_shares_are_kept_and_forgotten_at_once(ledger: Ledger) -> None:
    shares = {ShareRef(("north", "south")[number % 2], uuid7()): Arrival(offset=number) for number in range(1000)}
    with ledger.unit() as unit:
        for share, event in shares.items():
            unit.record(event.entry(Outcome.APPLIED, origin=share.origin, share_id=share.id))
        unit.keep_words(dict.fromkeys(shares, LONG))
    assert ledger.words(shares.keys()) == dict.fromkeys(shares, LONG)
    ledger.forget(PARTITION, TOPIC_ID, 999)
    last = list(shares)[-1]
    assert ledger.words(shares.keys()) == {last: LONG}
    assert ledger.kept_bytes() == rules.counted_bytes(rules.words_text(LONG))


@pytest.mark.parametrize("odd", ["\ud800", "\x00", "α" * 100_000, "\U0010ffff" * 30_000])
def test_words_that_no_database_can_hold_cost_no_event(ledger: Ledger, odd: str) -> None:
    share = ShareRef(odd, uuid7())
    said = ShareWords(message=odd, acknowledgement=odd, references=(odd,) * 100)
    with ledger.unit() as unit:
        unit.record(Arrival().entry(Outcome.APPLIED, origin=odd, share_id=share.id))
        unit.keep_words({share: said})
    (kept,) = ledger.words([share]).values()
    assert 0 < len(kept.message) <= LONGEST_MESSAGE
    assert len(kept.references) == MAX_REFERENCES
    assert len(ledger.entries(Filter())) == 1


# -- display names ---------------------------------------------------------------------------------------------------


def test_a_name_belongs_to_whoever_claimed_it_first_for_ever(open_ledger: Open) -> None:
    ledger = open_ledger()
    with ledger.unit() as unit:
        unit.claim_names({"north": "north.org", "south": "south.org"})
    with open_ledger().unit() as unit:
        unit.claim_names({"north": "evil.org", "evil": "evil.org"})
    event = Arrival(origin="north.org")
    record(ledger, event)
    ledger.forget(PARTITION, TOPIC_ID, 9)
    assert ledger.name_owners(["north", "evil", "nobody"]) == {"north": "north.org", "evil": "evil.org"}
    assert ledger.name_owners([]) == {}


def test_what_is_parked_keeps_its_words_until_it_goes(ledger: Ledger) -> None:
    event = Arrival()
    share = ShareRef(event.origin, event.event_id)
    park(ledger, event, to_keep("m31"))
    with ledger.unit() as unit:
        unit.keep_words({share: SAID})
    ledger.forget(PARTITION, TOPIC_ID, 9)
    assert ledger.words([share]) == {share: SAID}
    record(ledger, event)
    ledger.forget(PARTITION, TOPIC_ID, 9)
    assert ledger.words([share]) == {}
