"""The ledger in memory that all processes of simulated worlds share."""

from pathlib import Path

import pytest
from simulation.histories import history
from simulation.memory import MemoryLedger
from simulation.playing import play
from simulation.universe import OUR_INSTALLATION
from simulation.world import World, a_world

from bridge.ledger.sqlite import SqliteLedger


def rows_of(ledger: SqliteLedger) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all tables."""
    tables = [row[0] for row in ledger.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {table: [tuple(row) for row in ledger.query(f"SELECT * FROM {table}")] for table in tables}


def opened(world: World) -> MemoryLedger:
    return MemoryLedger(world.memory, clock=world.clock)


def test_a_world_begins_with_the_ledger_of_a_new_file_whatever_was_played_before(tmp_path: Path) -> None:
    made = SqliteLedger(tmp_path / "new.sqlite")
    with made.transaction() as connection:
        connection.execute("UPDATE ledger SET installation = ?", (str(OUR_INSTALLATION),))
    for seed in range(4):
        steps, over_rest = history(seed)
        played = play(*steps, over_rest=over_rest)
        assert rows_of(opened(played)) != rows_of(made)
        with a_world() as world:
            assert rows_of(world.ledger) == rows_of(made)
            assert world.ledger.positions() == {}
    made.close()


def test_a_transaction_that_is_open_while_another_call_is_made_is_told() -> None:
    with a_world() as world:
        other = opened(world)
        with pytest.raises(AssertionError, match="while another call is made"), world.ledger.transaction():
            other.known([])


def test_a_process_that_has_ended_uses_its_ledger_no_more() -> None:
    with a_world() as world:
        ended = opened(world)
        ended.close()
        with pytest.raises(AssertionError, match="has ended"):
            ended.positions()
