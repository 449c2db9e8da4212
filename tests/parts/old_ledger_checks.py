"""What a migrated ledger must tell of what the release before wrote into it, whatever its store."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TypeVar

from parts import old_ledger as old
from parts.entries import Arrival, die, park, to_keep

from bridge.events import EventRef
from bridge.ledger.port import Filter, Known, Ledger, Outcome, Place, Position, Witness
from bridge.origins import name_key
from bridge.stream.port import Partition

_One = TypeVar("_One")
_AT_ONCE = 500


def check(ledger: Ledger, count: int) -> None:
    """Compare all that was written with what the ledger says now."""
    assert ledger.installation == old.INSTALLATION
    ledger.bind("tom")
    assert {(at.topic, at.number): (one.topic_id, one.next) for at, one in ledger.positions().items()} == (
        old.positions(count)
    )
    told = Counter({(one.topic, one.origin, one.kind, one.outcome.value): one.events for one in ledger.counts()})
    assert told == old.tallies(count)
    assert {key: ledger.list_handle(*key) for key in old.LISTS} == old.LISTS
    _check_words_and_names(ledger)
    _check_outcomes(ledger, count)
    _check_parked(ledger, count)
    _check_dead(ledger, count)
    _check_bytes(ledger, count)
    _check_known(ledger, count)
    _check_intents(ledger)
    _check_new_ids(ledger)


def place_of(one: old.OldEntry) -> Place:
    """Return where an entry is found now."""
    if one.topic == old.TOPIC:
        return Place(old.TOPIC_ID, one.partition, one.offset)
    first_time = (one.published_at - old.STARTED).days == 0
    if first_time and one.offset < old.AGAIN_RECORDS // 2:
        return Place(f"before {one.id} {old.AGAIN}", one.partition, one.offset)
    return Place(old.AGAIN_ID, one.partition, one.offset)


def _check_outcomes(ledger: Ledger, count: int) -> None:
    for chunk in _chunks(old.entries(count)):
        places = {place_of(one): one for one in chunk}
        found = ledger.recorded(list(places))
        assert found.keys() == places.keys()
        for place, one in places.items():
            entry = found[place]
            assert (entry.partition, entry.published_at) == (Partition(one.topic, one.partition), one.published_at)
            assert (entry.outcome, entry.reason, entry.event_id) == (one.outcome, one.reason, one.event_id)
            assert (entry.origin, entry.kind, entry.subject, entry.key) == (one.origin, one.kind, one.subject, one.key)
            assert (entry.shared_by, entry.title, entry.share_id) == ("ada", "a title", one.event_id)


def _check_words_and_names(ledger: Ledger) -> None:
    """Nothing is known to have been said; a name is that of the first who used it, and did not come to be ignored."""
    shares = [entry.share_ref for entry in ledger.entries(Filter(most=10)) if entry.share_ref is not None]
    assert ledger.words(shares) == {}
    assert ledger.name_owners([name_key(name) for name in ("north", "here")]) == {name_key("North"): "north"}


def _check_parked(ledger: Ledger, count: int) -> None:
    wanted = ((one, member) for one in old.entries(count) for member in one.parked)
    after = 0
    while page := ledger.parked(after=after):
        for parked in page:
            one, (member, reason, names) = next(wanted)
            assert (parked.entry.place, parked.member, parked.reason) == (place_of(one), member, reason)
            assert parked.names == set(names)
            assert (parked.due_at is None) == (reason in {"no target", "waits behind an earlier event"})
        after = page[-1].id
    assert next(wanted, None) is None


def _check_dead(ledger: Ledger, count: int) -> None:
    wanted = (one for one in old.entries(count) if one.dead)
    after = 0
    while page := ledger.dead(after=after):
        for dead in page:
            one = next(wanted)
            assert (dead.entry.place, dead.member, dead.reason) == (place_of(one), "", one.reason)
        after = page[-1].id
    assert next(wanted, None) is None


def _check_bytes(ledger: Ledger, count: int) -> None:
    total = 0
    for chunk in _chunks(one for one in old.entries(count) if one.raw is not None):
        kept = ledger.raw([place_of(one) for one in chunk])
        for one in chunk:
            record = kept[place_of(one)].record
            assert (record.value, record.key, kept[place_of(one)].whole) == (one.raw, one.key, True)
            assert record.header("ce_id") == str(one.event_id).encode()
            total += len(one.key) + len(one.raw or b"") + len(one.headers)
    assert ledger.kept_bytes() == total


def _check_known(ledger: Ledger, count: int) -> None:
    for chunk in _chunks(old.refs(count, done=True)):
        assert ledger.known(chunk) == {ref: Known(witness=Witness.DONE) for ref in chunk}
    for chunk in _chunks(old.refs(count, done=False)):
        assert not any(known.witness for known in ledger.known(chunk).values())
    waits = next(one for one in old.entries(count) if one.parked)
    assert waits.event_id is not None
    ref = EventRef(waits.origin, waits.event_id)
    assert ledger.known([ref]) == {ref: Known(waits_at=frozenset({place_of(waits)}))}


def _check_intents(ledger: Ledger) -> None:
    for event_id, step in old.intents().items():
        assert ledger.intents.begin(EventRef("north", event_id), []) == {step}
    recorded, unrecorded = old.intents()
    assert ledger.intents.begin(EventRef("south", recorded), []) == frozenset()
    assert ledger.intents.begin(EventRef("south", unrecorded), []) == {"target"}
    with ledger.unit() as unit:
        unit.witness([EventRef("north", event_id) for event_id in old.intents()])
    for event_id in old.intents():
        assert ledger.intents.begin(EventRef("north", event_id), []) == frozenset()


def _check_new_ids(ledger: Ledger) -> None:
    """What is parked or dead next gets an id that nothing ever had, and the sums go on."""
    before = sum(one.events for one in ledger.counts())
    arrival = Arrival(topic_id="another")
    park(ledger, arrival, to_keep("m31"))
    die(ledger, arrival.at(1))
    wanted = Filter(topic=arrival.partition.topic, outcome=Outcome.PARKED, origin="north")
    assert max(one.id for one in ledger.parked(wanted, after=old.NEXT_IDS)) > old.NEXT_IDS
    assert max(one.id for one in ledger.dead(after=old.NEXT_IDS)) > old.NEXT_IDS
    assert sum(one.events for one in ledger.counts()) == before + 2
    at = Partition(old.TOPIC, 0)
    position = ledger.positions()[at]
    with ledger.unit() as unit:
        unit.move(at, position.topic_id, position.next, position.next + 1)
    assert ledger.positions()[at] == Position(old.TOPIC_ID, position.next + 1)


def _chunks(ones: Iterator[_One]) -> Iterator[list[_One]]:
    while chunk := list(islice(ones, _AT_ONCE)):
        yield chunk
