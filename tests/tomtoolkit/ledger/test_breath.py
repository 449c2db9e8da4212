"""While a long list or backlog is applied, others who write to the TOM's SQLite file have their turn."""

import threading

import pytest
from parts.django_fixtures import MakeOrmTom

from bridge.clock import Clock


class Noted(Clock):
    """A clock that a test moves, and that notes for how long was waited."""

    def __init__(self) -> None:
        self.at = 1000.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.at

    def wait(self, stopped: threading.Event, seconds: float) -> bool:
        self.at += seconds
        self.waits.append(seconds)
        return False


@pytest.mark.parametrize(
    ("vendor", "takes_s", "between_s", "waits"),
    [
        ("sqlite", 0.4, 0.0, 3),  # after each third of them
        ("sqlite", 2.0, 0.01, 9),
        ("sqlite", 0.4, 0.2, 0),  # there is time between them already
        ("sqlite", 0.05, 0.0, 0),
        ("postgresql", 2.0, 0.0, 0),
    ],
)
def test_units_that_follow_each_other_leave_others_a_turn_each_second(
    make_orm_tom: MakeOrmTom, vendor: str, takes_s: float, between_s: float, waits: int
) -> None:
    make_orm_tom(vendor)
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    clock = Noted()
    ledger = DjangoLedger(clock=clock)
    for _ in range(9):
        with ledger.unit(), ledger.unit():
            clock.at += takes_s
        clock.at += between_s
    assert len(clock.waits) == waits
    assert all(wait > 0.1 for wait in clock.waits)  # longer than SQLite lets who waits sleep
    ledger.close()
