"""Which records are written together."""

from uuid import UUID

from parts.events import event, photometry, record_of, spectroscopy, spectrum, target

from bridge.codec import Decoder, Schemas, peek
from bridge.events import Event
from bridge.receiving.read import Reader


def units(*events: Event, batch_datums: int = 500) -> list[int]:
    """Return how many records each unit has."""
    reader = Reader(Decoder(Schemas()).decode, peek, origin="beta", installation=UUID(int=9), rules={})
    return [len(unit) for unit in reader.units([record_of(each) for each in events], batch_datums)]


def test_datums_of_all_kinds_go_together_up_to_a_bound_and_anything_else_alone() -> None:
    small = [event(photometry(200)), event(spectroscopy(spectrum(100))), event(photometry(200))]
    assert units(*small, event(photometry(200)), event(target()), event(photometry(1))) == [3, 1, 1, 1]


def test_large_spectra_fill_a_unit_sooner_than_points() -> None:
    long = [event(spectroscopy(spectrum(20_000))) for _ in range(4)]
    assert units(*long) == [2, 2]
