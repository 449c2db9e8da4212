"""Where so much dies that the fault is hardly the events': in a run, or too many of the last; whoever sent them."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from parts.events import event, record_of
from simulation.holdings import Holdings
from simulation.tom import SimulatedTom

from bridge.errors import TooManyDeadError
from bridge.ledger.model import Outcome, Reason
from bridge.ledger.sqlite import SqliteLedger
from bridge.receiving.arrival import Arrival
from bridge.receiving.progress import Limits, Progress
from bridge.receiving.result import Result, dead

APPLIED = Result(outcome=Outcome.APPLIED)
COUNTED = (Reason.REJECTED, Reason.INTERNAL, Reason.UNFINISHED)


@pytest.fixture
def progress(tmp_path: Path) -> Iterator[Progress]:
    with closing(SqliteLedger(tmp_path / "ledger.sqlite")) as ledger:
        yield Progress(ledger, SimulatedTom(Holdings()), Limits(dead_in_a_run=20, dead_ratio=0.5))


def note(progress: Progress, *results: Result) -> None:
    """Take note of outcomes of events of one origin."""
    one = event()
    progress.note([Arrival(record=record_of(one), event=one)] * len(results), results)


def test_a_run_of_one_origin_is_enough_whatever_of_these_they_die_of(progress: Progress) -> None:
    for number in range(19):
        note(progress, dead(COUNTED[number % 3], "no"))
    with pytest.raises(TooManyDeadError, match=r"20 events in a run have become dead letters \(tom\.a\)"):
        note(progress, dead(Reason.INTERNAL, "no"))


def test_too_large_a_part_of_the_last_ones_stops_without_any_run(progress: Progress) -> None:
    for _ in range(66):
        note(progress, dead(Reason.REJECTED, "no"), APPLIED, dead(Reason.REJECTED, "no"))
    with pytest.raises(TooManyDeadError, match="of the last 200 events"):
        note(progress, APPLIED, dead(Reason.REJECTED, "no"))
    note(progress, dead(Reason.REJECTED, "no"))  # a person has looked: it is counted anew


def test_half_of_the_last_ones_and_what_is_bad_in_itself_stop_nobody(progress: Progress) -> None:
    for _ in range(200):
        note(progress, dead(Reason.REJECTED, "no"), APPLIED, dead(Reason.UNDECODABLE, "no"), dead(Reason.INVALID, "no"))
