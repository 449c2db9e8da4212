"""The SQLite file of a ledger in use: whose it is."""

import sqlite3
from pathlib import Path
from uuid import UUID

from bridge.clock import CLOCK, Clock
from bridge.errors import IdentityError
from bridge.ledger.sqlite_schema import LEDGER
from bridge.sqlite_file import SqliteFile


class SqliteStore(SqliteFile):
    """A ledger's file, made where there is none; a file that was put in its place meanwhile is used from then on."""

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0, clock: Clock = CLOCK) -> None:
        self._clock = clock
        self._tom_identity: str | None = None
        super().__init__(path, LEDGER, busy_timeout_s=busy_timeout_s)
        self.installation = UUID(_identities(self._connection)[0])

    def _accept(self, connection: sqlite3.Connection) -> None:
        installation, tom_identity = _identities(connection)
        other_tom = None not in {tom_identity, self._tom_identity} and tom_identity != self._tom_identity
        if UUID(installation) != self.installation or other_tom:
            raise IdentityError(
                f"the ledger was replaced by one of installation {installation} and TOM {tom_identity}",
                where=str(self._path),
                mend=f"Put back that of installation {self.installation}, then start again",
            )

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
        return frozenset((self.installation, *(UUID(row[0]) for row in self.query("SELECT installation FROM former"))))

    def accept_installation(self, installation: UUID) -> None:
        """Take ``installation`` for a former one of this TOM."""
        with self.transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO former VALUES (?)", (str(installation),))


def _identities(connection: sqlite3.Connection) -> tuple[str, str | None]:
    """Return the installation and the TOM that the ledger is tied to."""
    installation, tom_identity = connection.execute("SELECT installation, tom_identity FROM ledger").fetchone()
    return installation, tom_identity
