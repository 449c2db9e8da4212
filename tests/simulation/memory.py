"""The real SQLite ledger in memory: one file that is never written, which all processes of a world share."""

import sqlite3
from pathlib import Path

from simulation.universe import OUR_INSTALLATION

from bridge.clock import Clock
from bridge.ledger.model import Position
from bridge.ledger.sqlite import SqliteLedger
from bridge.ledger.sqlite_schema import open_file
from bridge.stream.port import Partition


class Memory:
    """The connection that stands for the file. To open a file and read its tables costs more than a whole history."""

    def __init__(self) -> None:
        self.connection = open_file(Path(":memory:"), busy_timeout_s=0.0)
        last_first = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY rowid DESC"  # as they refer back
        tables = self.connection.execute(last_first).fetchall()
        self.positions: tuple[int, dict[Partition, Position]] = (-1, {})
        """What they were last, and how many changes there had been then."""
        self._clear = [f"DELETE FROM {row[0]}" for row in tables]

    def clear(self) -> None:
        """Empty every table: the ledger is as when it was made."""
        execute = self.connection.execute
        execute("BEGIN")
        for statement in self._clear:
            execute(statement)
        execute("INSERT INTO ledger (one, installation) VALUES (1, ?)", (str(OUR_INSTALLATION),))
        execute("COMMIT")


class MemoryLedger(SqliteLedger):
    """The ledger as one process opens it.

    Processes change over between the calls of ports alone, and no transaction lasts longer than one call. So they see
    of each other what they would see with a connection each; where a transaction does last longer, this says so.
    """

    def __init__(self, memory: Memory, *, clock: Clock) -> None:
        self._memory = memory
        self._is_open = True
        super().__init__(Path(":memory:"), clock=clock)

    def _open(self) -> tuple[sqlite3.Connection, tuple[int, int]]:
        return self._memory.connection, (0, 0)

    def _current(self) -> sqlite3.Connection:
        assert self._is_open, "a process that has ended uses its ledger"
        assert not self._connection.in_transaction, "a transaction is open while another call is made"
        return self._connection

    def positions(self) -> dict[Partition, Position]:
        """Return all positions; they are asked for at every turn, and read anew where anything was written since."""
        if self._memory.positions[0] != self._current().total_changes:
            self._memory.positions = (self._connection.total_changes, super().positions())
        return dict(self._memory.positions[1])

    def close(self) -> None:
        self._is_open = False
