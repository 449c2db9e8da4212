"""The file of the SQLite ledger: its tables, its version, and how it is opened.

A file's version is the number of steps that made it. To change the tables, add a step to :data:`STEPS`; those that
have been released stay as they are.
"""

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import uuid4

from bridge.errors import ConfigurationError, NewerFileError, StopError, TomAwayError

APPLICATION_ID = 0x54424C47
"""``TBLG``: what tells a ledger from any other SQLite file."""

Step = Sequence[str]

# Times are microseconds since 1970 (UTC). A record is told by its place and the stream's time of it: a topic that was
# removed and made again counts its offsets from 0 once more. Triggers keep the sums, so that no row can be missed.
_FIRST: Step = (
    """CREATE TABLE ledger (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        installation TEXT NOT NULL,
        tom_identity TEXT,
        kept_bytes INTEGER NOT NULL DEFAULT 0)""",
    """CREATE TABLE position (
        topic TEXT NOT NULL,
        partition INTEGER NOT NULL,
        topic_id TEXT NOT NULL,
        next_offset INTEGER NOT NULL,
        PRIMARY KEY (topic, partition)) WITHOUT ROWID""",
    """CREATE TABLE entry (
        id INTEGER PRIMARY KEY,
        topic TEXT NOT NULL,
        partition INTEGER NOT NULL,
        record_offset INTEGER NOT NULL,
        published_at INTEGER NOT NULL,
        recorded_at INTEGER NOT NULL,
        outcome TEXT NOT NULL,
        reason TEXT,
        detail TEXT NOT NULL,
        event_id TEXT,
        share_id TEXT,
        origin TEXT NOT NULL,
        origin_name TEXT NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        simple_subject TEXT NOT NULL,
        shared_by TEXT NOT NULL,
        title TEXT NOT NULL,
        record_key BLOB NOT NULL,
        UNIQUE (topic, partition, record_offset, published_at))""",
    "CREATE INDEX entry_by_event ON entry (event_id) WHERE event_id IS NOT NULL",
    "CREATE INDEX entry_by_time ON entry (published_at)",
    "CREATE INDEX entry_by_subject ON entry (simple_subject, published_at)",
    """CREATE TABLE raw (
        entry_id INTEGER PRIMARY KEY REFERENCES entry (id),
        record_key BLOB,
        value BLOB NOT NULL,
        headers TEXT NOT NULL,
        bytes INTEGER NOT NULL)""",
    """CREATE TABLE parked (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        entry_id INTEGER NOT NULL REFERENCES entry (id),
        member TEXT NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        record_key BLOB NOT NULL,
        UNIQUE (entry_id, member))""",
    "CREATE INDEX parked_by_key ON parked (record_key, id)",
    """CREATE TABLE parked_name (
        simple TEXT NOT NULL,
        parked_id INTEGER NOT NULL REFERENCES parked (id) ON DELETE CASCADE,
        PRIMARY KEY (simple, parked_id)) WITHOUT ROWID""",
    "CREATE INDEX parked_name_by_parked ON parked_name (parked_id)",
    """CREATE TABLE dead (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        entry_id INTEGER NOT NULL UNIQUE REFERENCES entry (id))""",
    """CREATE TABLE intent (
        event_id TEXT NOT NULL,
        step TEXT NOT NULL,
        PRIMARY KEY (event_id, step)) WITHOUT ROWID""",
    """CREATE TABLE list (
        origin TEXT NOT NULL,
        name TEXT NOT NULL,
        handle TEXT NOT NULL,
        PRIMARY KEY (origin, name)) WITHOUT ROWID""",
    """CREATE TABLE tally (
        topic TEXT NOT NULL,
        origin TEXT NOT NULL,
        kind TEXT NOT NULL,
        outcome TEXT NOT NULL,
        records INTEGER NOT NULL,
        PRIMARY KEY (topic, origin, kind, outcome)) WITHOUT ROWID""",
    "CREATE TABLE success (topic TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TRIGGER entry_added AFTER INSERT ON entry BEGIN
        INSERT INTO tally VALUES (new.topic, new.origin, new.kind, new.outcome, 1)
            ON CONFLICT DO UPDATE SET records = records + 1;
    END""",
    """CREATE TRIGGER entry_changed AFTER UPDATE ON entry BEGIN
        UPDATE tally SET records = records - 1
            WHERE topic = old.topic AND origin = old.origin AND kind = old.kind AND outcome = old.outcome;
        INSERT INTO tally VALUES (new.topic, new.origin, new.kind, new.outcome, 1)
            ON CONFLICT DO UPDATE SET records = records + 1;
    END""",
    """CREATE TRIGGER entry_removed AFTER DELETE ON entry BEGIN
        UPDATE tally SET records = records - 1
            WHERE topic = old.topic AND origin = old.origin AND kind = old.kind AND outcome = old.outcome;
    END""",
    """CREATE TRIGGER entry_succeeded AFTER INSERT ON entry WHEN new.outcome IN ('applied', 'duplicate') BEGIN
        INSERT INTO success VALUES (new.topic, new.recorded_at)
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at);
    END""",
    """CREATE TRIGGER entry_succeeded_later AFTER UPDATE ON entry WHEN new.outcome IN ('applied', 'duplicate') BEGIN
        INSERT INTO success VALUES (new.topic, new.recorded_at)
            ON CONFLICT DO UPDATE SET at = max(at, excluded.at);
    END""",
    """CREATE TRIGGER raw_added AFTER INSERT ON raw BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes + new.bytes;
    END""",
    """CREATE TRIGGER raw_removed AFTER DELETE ON raw BEGIN
        UPDATE ledger SET kept_bytes = kept_bytes - old.bytes;
    END""",
)

STEPS: Sequence[Step] = (_FIRST,)
"""What makes a file of version n + 1 from one of version n (0: an empty file), as SQL statements."""


def open_file(path: Path, busy_timeout_s: float, steps: Sequence[Step] = STEPS) -> sqlite3.Connection:
    """Return a connection to the ledger at ``path``, made or migrated where needed.

    Before a migration the file is copied to ``<name>.v<N>.bak``. Raises ConfigurationError where the path can't be
    written or holds something else, NewerFileError where a newer release made it, TomAwayError where it is locked.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=busy_timeout_s, isolation_level=None)
        connection.row_factory = sqlite3.Row
        _set_up(connection, busy_timeout_s)
        _bring_up_to_date(connection, path, steps)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.DatabaseError):
            if _primary_code(error) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
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
def errors_told(path: Path) -> Iterator[None]:
    """Turn what SQLite raises while the ledger is in use into TomAwayError, or StopError where it is damaged."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = _primary_code(error)
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            raise StopError(
                f"the ledger is damaged ({error})", where=str(path), mend="Put back a backup of it; it will catch up"
            ) from error
        if isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR:
            raise _away(path, error) from error
        raise


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


def _away(path: Path, error: sqlite3.Error) -> TomAwayError:
    return TomAwayError(f"the ledger can't be used now: {error}", where=str(path))
