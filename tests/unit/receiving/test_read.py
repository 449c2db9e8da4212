"""Which records are written together."""

from dataclasses import replace

from parts.events import event, photometry, record_of, spectroscopy, spectrum, target

from bridge.budget import Budget
from bridge.codec import Decoder, Schemas, peek
from bridge.events import Event
from bridge.receiving.read import Backlog, Reader


def reader() -> Reader:
    return Reader(Decoder(Schemas()).decode, peek, origin="beta", ours=frozenset, rules={})


def units(*events: Event, batch_datums: int = 500) -> list[int]:
    """Return how many records each unit has."""
    records = [replace(record_of(each), offset=offset) for offset, each in enumerate(events)]
    backlog = Backlog(reader(), records)
    found = []
    while len(backlog):
        unit = backlog.unit(batch_datums, Budget())
        found.append(len(unit))
        backlog.drop_before(unit[-1].record.offset + 1)
    return found


def test_datums_of_all_kinds_go_together_up_to_a_bound_and_anything_else_alone() -> None:
    small = [event(photometry(200)), event(spectroscopy(spectrum(100))), event(photometry(200))]
    assert units(*small, event(photometry(200)), event(target()), event(photometry(1))) == [3, 1, 1, 1]


def test_large_spectra_fill_a_unit_sooner_than_points() -> None:
    long = [event(spectroscopy(spectrum(20_000))) for _ in range(4)]
    assert units(*long) == [2, 2]


def test_a_unit_has_the_events_of_one_record_at_least_however_little_time_is_left() -> None:
    spent = Budget(0.0)
    backlog = Backlog(reader(), [replace(record_of(event(photometry(200))), offset=offset) for offset in range(3)])
    assert len(backlog.unit(500, spent)) == 1


def test_no_record_is_read_twice() -> None:
    read = []
    decoder = Decoder(Schemas())

    def decode(record):  # type: ignore[no-untyped-def]
        read.append(record.offset)
        return decoder.decode(record)

    counting = Reader(decode, peek, origin="beta", ours=frozenset, rules={})
    records = [replace(record_of(event(photometry(300))), offset=offset) for offset in range(3)]
    backlog = Backlog(counting, records)
    while len(backlog):
        backlog.drop_before(backlog.unit(500, Budget())[-1].record.offset + 1)
    assert read == [0, 1, 2]


def test_whatever_fails_in_a_decoder_is_that_records_fault() -> None:
    def decode(record):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("oops")

    broken = Reader(decode, peek, origin="beta", ours=frozenset, rules={})
    (arrival,) = broken.read(record_of(event(photometry(1))))
    assert arrival.settled is not None
    assert arrival.settled.reason == "undecodable"
