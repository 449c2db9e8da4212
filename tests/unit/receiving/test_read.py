"""Which records are written together."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from parts.events import event, one_of_each, photometry, record_of, share, spectroscopy, spectrum, target

from bridge.budget import Budget
from bridge.codec import Decoder, Schemas, peek
from bridge.events import Event, uuid7
from bridge.ledger.port import Reason
from bridge.receiving import backlog
from bridge.receiving.backlog import Backlog
from bridge.receiving.company import Most
from bridge.receiving.read import Reader, Rules
from bridge.stream import Record


def reader() -> Reader:
    return Reader(Decoder(Schemas()).decode, peek, origin="beta", ours=frozenset, rules={})


def units(*events: Event, targets: int = 1) -> list[int]:
    """Return how many records each unit has."""
    records = [replace(record_of(each), offset=offset) for offset, each in enumerate(events)]
    backlog = Backlog(reader(), records)
    found = []
    while len(backlog):
        unit = backlog.unit(Most(datums=500, targets=targets), Budget())
        found.append(len(unit))
        backlog.drop_before(unit[-1].record.offset + 1)
    return found


def test_datums_of_all_kinds_go_together_up_to_a_bound_and_anything_else_alone() -> None:
    small = [event(photometry(200)), event(spectroscopy(spectrum(100))), event(photometry(200))]
    assert units(*small, event(photometry(200)), event(target()), event(photometry(1))) == [3, 1, 1, 1]


def test_targets_go_together_up_to_a_bound_of_their_own_and_with_nothing_else() -> None:
    some = [event(target(name)) for name in ("A", "B", "C", "D")]
    point, of_a_list = event(photometry(1)), one_of_each()[1]
    assert units(*some, point, some[0], point, of_a_list, targets=3) == [3, 1, 1, 1, 1, 1]
    assert units(*some) == [1, 1, 1, 1]


def test_large_spectra_fill_a_unit_sooner_than_points() -> None:
    long = [event(spectroscopy(spectrum(20_000))) for _ in range(4)]
    assert units(*long) == [2, 2]


def test_small_events_end_a_unit_by_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "UNIT_RECORDS", 2)
    assert units(*(event(photometry(1)) for _ in range(5))) == [2, 2, 1]


def test_a_unit_has_the_events_of_one_record_at_least_however_little_time_is_left() -> None:
    spent = Budget(0.0)
    backlog = Backlog(reader(), [replace(record_of(event(photometry(200))), offset=offset) for offset in range(3)])
    assert len(backlog.unit(Most(datums=500), spent)) == 1


def test_no_record_is_read_twice() -> None:
    numbers = []
    decoder = Decoder(Schemas())

    def decode(record):  # type: ignore[no-untyped-def]
        numbers.append(record.offset)
        return decoder.decode(record)

    counting = Reader(decode, peek, origin="beta", ours=frozenset, rules={})
    records = [replace(record_of(event(photometry(300))), offset=offset) for offset in range(3)]
    backlog = Backlog(counting, records)
    while len(backlog):
        backlog.drop_before(backlog.unit(Most(datums=500), Budget())[-1].record.offset + 1)
    assert numbers == [0, 1, 2]


def test_whatever_fails_in_a_decoder_is_that_records_fault() -> None:
    def decode(record):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("oops")

    broken = Reader(decode, peek, origin="beta", ours=frozenset, rules={})
    (arrival,) = broken.read(record_of(event(photometry(1))))
    assert arrival.settled is not None
    assert arrival.settled.reason == "undecodable"


# -- origins ---------------------------------------------------------------------------------------------------------

OURS = uuid7()
NEWER = b"of another time"


def accepting(*origins: str, decode: Callable[[Record], Sequence[Event]] | None = None) -> Reader:
    """Return a reader of the TOM ``beta`` that accepts these origins."""
    rules = {"supernovae": Rules(origins=frozenset(origins))}
    return Reader(decode or Decoder(Schemas()).decode, peek, origin="beta", ours=lambda: {OURS}, rules=rules)


def outcome(reader: Reader, given: Record) -> tuple[str, str | None] | None:
    (arrival,) = reader.read(given)
    settled = arrival.settled
    return None if settled is None else (settled.outcome, settled.reason)


def told_of(origin: str) -> dict[str, Record]:
    """Return records of all that can come, which say that they are of ``origin`` by their headers, or key alone."""
    good = record_of(share(origin=origin).event(photometry()))
    by_key = replace(good, headers=())
    newer = (*(one for one in good.headers if one[0] == "ce_source"), ("ce_type", b"tom_bridge.v2.Spectroscopy"))
    return {
        "good": good,
        "good by its key": by_key,
        "newer": replace(good, value=NEWER, headers=newer),
        "newer by its key": replace(good, value=NEWER, headers=newer[1:]),
        "garbage": replace(good, value=b"garbage"),
        "garbage by its key": replace(by_key, value=b"garbage"),
        "empty": replace(good, value=b""),
        "unreadable": replace(good, problem="its headers can't be read"),
        "of an unknown schema": replace(good, value=good.value[:2] + b"12345678" + good.value[10:]),
        "invalid": replace(good, value=good.value[:-4]),
    }


@pytest.mark.parametrize("what", told_of("gamma"))
def test_who_is_not_accepted_is_ignored_before_anything_else(what: str) -> None:
    def refuse(_: Record) -> Sequence[Event]:
        raise AssertionError("it was decoded")

    record = told_of("gamma")[what]
    assert outcome(accepting("tom.a", decode=refuse), record) == ("ignored", Reason.ORIGIN_NOT_ACCEPTED)


@pytest.mark.parametrize("what", told_of("gamma"))
def test_who_is_accepted_is_read_as_everybody_is_where_all_are(what: str) -> None:
    record = told_of("gamma")[what]
    everybody = Reader(Decoder(Schemas()).decode, peek, origin="beta", ours=lambda: {OURS}, rules={})
    assert outcome(accepting("gamma"), record) == outcome(everybody, record)


def test_who_names_an_accepted_origin_and_is_another_is_not_accepted() -> None:
    record = replace(told_of("gamma")["good by its key"], key=b"tom.a/sn2024abc")
    assert outcome(accepting("tom.a"), record) == ("ignored", Reason.ORIGIN_NOT_ACCEPTED)


def test_what_names_nobody_is_read_and_is_dead_or_left_out_where_it_can_not_be() -> None:
    records = {what: replace(one, key=None, headers=()) for what, one in told_of("gamma").items()}
    assert outcome(accepting("gamma"), records["good"]) is None
    assert outcome(accepting("tom.a"), records["good"]) == ("ignored", Reason.ORIGIN_NOT_ACCEPTED)
    assert outcome(accepting("tom.a"), records["garbage"]) == ("dead", Reason.UNDECODABLE)
    newer = replace(records["newer"], headers=(("ce_type", b"tom_bridge.v2.Spectroscopy"),))
    assert outcome(accepting("tom.a"), newer) == ("ignored", Reason.ORIGIN_NOT_ACCEPTED)


def test_who_uses_our_origin_is_told_of_whoever_is_accepted() -> None:
    ours = record_of(share(origin="beta", installation=OURS).event(photometry()))
    anothers = record_of(share(origin="beta").event(photometry()))
    assert outcome(accepting("tom.a"), ours) == ("ignored", Reason.OURS)
    assert outcome(accepting("tom.a"), anothers) == ("dead", Reason.ANOTHERS)


@pytest.mark.parametrize(("ignored", "outcome_of_test"), [(True, ("ignored", Reason.TEST)), (False, None)])
def test_test_messages_are_ignored_undecoded_unless_they_are_asked_for(
    ignored: bool, outcome_of_test: tuple[str, Reason] | None
) -> None:
    given = record_of(event(target()))
    asking = Reader(
        Decoder(Schemas()).decode,
        peek,
        origin="beta",
        ours=frozenset,
        rules={given.partition.topic: Rules(ignore_tests=ignored)},
    )
    (plain,) = asking.read(given)
    (test,) = asking.read(replace(given, headers=(*given.headers, ("_test", b"true"))))
    assert plain.settled is None
    assert (test.settled and (str(test.settled.outcome), test.settled.reason)) == outcome_of_test
    assert (test.event is None) is ignored
