"""What the SQLite ledger does of what it holds: as much with many outcomes as with few."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from parts.entries import PARTITION, TOPIC_ID, Arrival

from bridge.ledger.port import Outcome
from bridge.ledger.sqlite import SqliteLedger

FEW, MANY = 50, 2_000
STEP = 50
"""Instructions of SQLite's machine at a time."""


def arrival(offset: int) -> Arrival:
    return Arrival(offset=offset, event_id=UUID(int=offset))


@contextmanager
def filled(path: Path, count: int) -> Iterator[SqliteLedger]:
    """A ledger with outcomes of one origin, a share each."""
    with closing(SqliteLedger(path)) as ledger:
        with ledger.unit() as unit:
            for offset in range(count):
                unit.record(arrival(offset).entry(Outcome.APPLIED))
            unit.move(PARTITION, TOPIC_ID, None, count)
        yield ledger


def steps_of(ledger: SqliteLedger, what: str) -> int:
    """Return how many instructions of SQLite's machine something takes, in steps."""
    counted = [0]

    def count() -> None:
        counted[0] += 1

    ledger._current().set_progress_handler(count, STEP)
    match what:
        case "known":
            assert not ledger.known([arrival(1).ref])
        case "recorded":
            assert ledger.recorded([arrival(1).place])
        case "forgotten":
            assert ledger.forget(PARTITION, TOPIC_ID, 2) == 2
        case "due":
            assert not ledger.due(datetime.now(UTC))
    ledger._current().set_progress_handler(None, 0)
    return counted[0]


@pytest.mark.parametrize("what", ["known", "recorded", "forgotten", "due"])
def test_what_is_asked_for_each_record_costs_the_same_however_much_came_of_its_origin(
    tmp_path: Path, what: str
) -> None:
    with filled(tmp_path / "few", FEW) as few, filled(tmp_path / "many", MANY) as many:
        assert steps_of(many, what) <= steps_of(few, what) + 3
