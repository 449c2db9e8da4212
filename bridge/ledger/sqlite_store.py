"""The SQLite file of a ledger in use: its connection, its transactions, and whose it is."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from bridge.clock import CLOCK, Clock
from bridge.errors import IdentityError, LedgerAwayError
from bridge.ledger.sqlite_schema import check_version, open_file, translating


class SqliteStore:
    """A ledger's file, made where there is none; a file that was put in its place meanwhile is used from then on."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0, clock: Clock = CLOCK) -> None:
        self._path = path
        self._clock = clock
        self._busy_timeout_s = busy_timeout_s
        self._tom_identity: str | None = None
        self._connection, self._file = self._open()
        self.installation = UUID(_identities(self._connection)[0])

    def _open(self) -> tuple[sqlite3.Connection, tuple[int, int]]:
        return open_file(self._path, self._busy_timeout_s), _file_identity(self._path)

    def _current(self) -> sqlite3.Connection:
        """Return a connection to the file that has the ledger's name now."""
        # A backup put back while this runs is another file; what went on into the old one would be in none.
        if _file_identity(self._path) != self._file:
            connection, file = self._open()
            installation, tom_identity = _identities(connection)
            other_tom = None not in {tom_identity, self._tom_identity} and tom_identity != self._tom_identity
            if UUID(installation) != self.installation or other_tom:
                connection.close()
                raise IdentityError(
                    f"the ledger was replaced by one of installation {installation} and TOM {tom_identity}",
                    where=str(self._path),
                    mend=f"Put back that of installation {self.installation}, then start again",
                )
            self._connection.close()
            self._connection, self._file = connection, file
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that holds the write lock from its start."""
        with translating(self._path):
            connection = self._current()
            connection.execute("BEGIN IMMEDIATE")
            try:
                check_version(connection, self._path)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Return what a query finds."""
        with translating(self._path):
            return self._current().execute(query, values).fetchall()

    def bind(self, tom_identity: str) -> None:
        """Tie the ledger to a TOM at the first call; raise IdentityError where it is tied to another."""
        with self.transaction() as connection:
            connection.execute("UPDATE ledger SET tom_identity = ? WHERE tom_identity IS NULL", (tom_identity,))
            found = connection.execute("SELECT tom_identity FROM ledger").fetchone()[0]
        if found != tom_identity:
            raise IdentityError(
                f"this ledger belongs to the TOM {found}, not to {tom_identity}",
                where=str(self._path),
                mend="Give each TOM a ledger of its own",
            )
        self._tom_identity = tom_identity

    def installations(self) -> frozenset[UUID]:
        """Return this installation and those that were accepted as former ones of this TOM."""
        return frozenset((self.installation, *(UUID(row[0]) for row in self.rows("SELECT installation FROM former"))))

    def accept_installation(self, installation: UUID) -> None:
        """Take ``installation`` for a former one of this TOM."""
        with self.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO former VALUES (?)", (str(installation),))

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


def _file_identity(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise LedgerAwayError(
            "the ledger's file has gone", where=str(path), mend="Put it, or a backup, back"
        ) from error
    return found.st_dev, found.st_ino


def _identities(connection: sqlite3.Connection) -> tuple[str, str | None]:
    """Return the installation and the TOM that the ledger is tied to."""
    installation, tom_identity = connection.execute("SELECT installation, tom_identity FROM ledger").fetchone()
    return installation, tom_identity
