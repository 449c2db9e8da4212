"""The file of the SQLite ledger: how it is opened, its version, and what its errors mean."""

import contextlib
import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from bridge.errors import ConfigurationError, LedgerAwayError, NewerFileError, StopError
from bridge.ledger.sqlite_tables import STEPS, Step
from bridge.origins import name_key

APPLICATION_ID = 0x54424C47
"""``TBLG``: what tells a ledger from any other SQLite file."""

_PASSES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}
"""Primary codes of what is no fault of the path that was configured."""
_LACKS = ("no such table", "no such column")
_MENDS: dict[int | None, str] = {
    sqlite3.SQLITE_BUSY: "Another process writes into it; its end is waited for",
    sqlite3.SQLITE_FULL: "Make room on its disk",
    sqlite3.SQLITE_IOERR: "Its disk fails: see the system's log",
    sqlite3.SQLITE_READONLY: "Let the account of this process write the file, those beside it and its folder",
    sqlite3.SQLITE_CANTOPEN: "Let the account of this process write the file, those beside it and its folder",
}


def open_file(path: Path, busy_timeout_s: float, steps: Sequence[Step] = STEPS) -> sqlite3.Connection:
    """Return a connection to the ledger at ``path``, made or migrated where needed.

    Before a migration the file is copied to ``<name>.v<N>.bak``. Raises ConfigurationError where the path can't be
    written or holds something else, NewerFileError where a newer release made it, LedgerAwayError where it is locked or
    its disk is full or failing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
        connection.row_factory = sqlite3.Row
        connection.create_function("sha256", 1, _sha256, deterministic=True)
        connection.create_function("name_key", 1, name_key, deterministic=True)
        connection.create_function("from_hex", 1, bytes.fromhex, deterministic=True)
        _set_up(connection, busy_timeout_s)
        _bring_up_to_date(connection, path, steps)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.DatabaseError):
            if _primary_code(error) in _PASSES:
                raise _away(path, error) from error
            raise _unusable(path, str(error)) from error
        raise
    return connection


def check_version(connection: sqlite3.Connection, path: Path, known: int = len(STEPS)) -> None:
    """Raise NewerFileError where a newer release has migrated the file, be it while this one has it open."""
    found = _version(connection)
    if found > known:
        raise NewerFileError(
            f"the ledger has version {found}, this release knows {known}",
            where=str(path),
            mend="Upgrade TOM Bridge, or go back to the copy that was made before the migration",
        )


@contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn what SQLite raises while the ledger is in use into LedgerAwayError, or StopError where it is damaged."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = _primary_code(error)
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or str(error).startswith(_LACKS):
            raise StopError(
                f"the ledger is damaged ({error})", where=str(path), mend="Put back a backup of it; it will catch up"
            ) from error
        if isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR:
            raise _away(path, error) from error
        raise


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def _set_up(connection: sqlite3.Connection, busy_timeout_s: float) -> None:
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")
    deadline = time.monotonic() + busy_timeout_s
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            # While another process makes the same file, SQLite refuses this at once, whatever the timeout.
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, steps: Sequence[Step]) -> None:
    connection.execute("BEGIN IMMEDIATE")  # so that of several processes one does it, and a read-only file shows
    try:
        check_version(connection, path, len(steps))
        version = _version(connection)
        _check_is_ledger(connection, path)
        if 0 < version < len(steps):
            _copy(path, path.with_name(f"{path.name}.v{version}.bak"))
        for step in steps[version:]:
            for statement in step:
                connection.execute(statement)
        if version == 0:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("INSERT INTO ledger (one, installation) VALUES (1, ?)", (str(uuid4()),))
        if version < len(steps):
            connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _copy(path: Path, copy: Path) -> None:
    """Copy the ledger as it was before the open transaction; ``copy`` is whole or not there."""
    unfinished = copy.with_name(f"{copy.name}.tmp")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.replace(copy)


def _check_is_ledger(connection: sqlite3.Connection, path: Path) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise _unusable(path, "it is a database of something else")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _primary_code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _unusable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} can't be used as a ledger: {why}",
        where="ledger",
        mend="Name a file, new or made by TOM Bridge, in a folder that may be written",
    )


def _away(path: Path, error: sqlite3.Error) -> LedgerAwayError:
    mend = _MENDS.get(_primary_code(error), "")
    return LedgerAwayError(f"the ledger can't be used now: {error}", where=str(path), mend=mend)
