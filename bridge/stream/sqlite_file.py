"""The file behind a SQLite stream: opened, told apart from any other file, carried over from older releases.

The file says what it is (``application_id``) and its version (``user_version``). An older version is copied beside,
then migrated; a newer one is refused; a file that is not ours is never touched.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from bridge.errors import BridgeError, ConfigurationError, NewerFileError, StopError, StreamAwayError

log = structlog.get_logger(__name__)

APPLICATION_ID = 0x544F4D42  # "TOMB"
BUSY_TIMEOUT_S = 10.0
_ASKS_EVERY_S = 0.003

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        # ``next`` outlives the records, so that no offset is ever used again; ``last_us`` keeps time from going back.
        """CREATE TABLE topics (
            number INTEGER PRIMARY KEY AUTOINCREMENT,
            name TEXT NOT NULL UNIQUE,
            identity TEXT NOT NULL,
            compacted INTEGER NOT NULL,
            next INTEGER NOT NULL DEFAULT 0,
            last_us INTEGER NOT NULL DEFAULT 0
        )""",
        """CREATE TABLE records (
            topic INTEGER NOT NULL REFERENCES topics (number) ON DELETE CASCADE,
            position INTEGER NOT NULL,
            timestamp_us INTEGER NOT NULL,
            key BLOB,
            headers TEXT NOT NULL,
            value BLOB NOT NULL,
            PRIMARY KEY (topic, position)
        )""",
        "CREATE INDEX records_by_time ON records (topic, timestamp_us, position)",
        # What groups told of their positions to early releases; nobody looks at it.
        """CREATE TABLE committed (
            member_group TEXT NOT NULL,
            topic INTEGER NOT NULL REFERENCES topics (number) ON DELETE CASCADE,
            next INTEGER NOT NULL,
            PRIMARY KEY (member_group, topic)
        )""",
    ),
)
"""What takes a file from version 0 (empty) to 1, from 1 to 2, and so on."""

_AWAY_CODES = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
}
_DENIED_CODES = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH}


def prepare(path: Path) -> tuple[int, int]:
    """Make or migrate the file at ``path`` and return its identity (device and inode).

    Raises ConfigurationError where the folder or the file can't be used or the file is something else, and
    NewerFileError where a newer release wrote it.
    """
    if not path.parent.is_dir():
        raise ConfigurationError(
            f"the folder {path.parent} does not exist", where="stream.url", mend=f"Create it: mkdir -p {path.parent}"
        )
    if path.is_dir():
        raise ConfigurationError(f"{path} is a folder", where="stream.url", mend="Name a file in it")
    if not os.access(path if path.exists() else path.parent, os.W_OK) or not os.access(path.parent, os.W_OK):
        raise ConfigurationError(
            f"{path} can't be written by this user",
            where="stream.url",
            mend=f"Give the user write permission on {path.parent} and the file in it, or name another file",
        )
    db = connect(path)
    try:
        with translating(path):
            _bring_up_to_date(db, path)
    finally:
        db.close()
    return inode(path)


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection whose commits are on the disk when they return, without implicit transactions."""
    with translating(path):
        db = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        return db


def begin(db: sqlite3.Connection, wait_s: float) -> None:
    """Open a transaction that holds the write lock from its start; raise SQLITE_BUSY where others have it for longer.

    Asked for more often than SQLite does by itself, which soon looks ten times a second alone: of several processes
    that publish, most slept while the lock was free.
    """
    deadline = time.monotonic() + wait_s
    db.execute("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                db.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(_ASKS_EVERY_S)
            else:
                return
    finally:
        db.execute(f"PRAGMA busy_timeout={int(BUSY_TIMEOUT_S * 1000)}")


def inode(path: Path) -> tuple[int, int]:
    """Return what tells this file from another one under the same name."""
    try:
        found = path.stat()
    except FileNotFoundError:
        raise _replaced(path) from None
    return found.st_dev, found.st_ino


def check_same(path: Path, identity: tuple[int, int]) -> None:
    """Raise StopError where the file was removed or replaced: SQLite would go on in the old one, which nobody reads."""
    if inode(path) != identity:
        raise _replaced(path)


def _replaced(path: Path) -> StopError:
    return StopError(
        "the stream's file was removed or replaced while it was open",
        where=str(path),
        mend="Put it back, or restart what uses it",
    )


@contextlib.contextmanager
def translating(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours: away where the same call may succeed later, else for a person."""
    try:
        yield
    except sqlite3.Error as error:
        raise translated(error, path) from error


def translated(error: sqlite3.Error, path: Path) -> BridgeError:
    """Return ``error`` as ours, without what was in the statement."""
    code = primary_code(error)
    where = str(path)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return StreamAwayError(
            "the stream's file is locked by another process", where=where, mend="End what holds a lock on it"
        )
    if code == sqlite3.SQLITE_FULL:
        return StreamAwayError("the disk is full", where=where, mend="Make room")
    if code in _AWAY_CODES:
        return StreamAwayError(f"the stream's file can't be used now ({error})", where=where)
    if code in _DENIED_CODES:
        return ConfigurationError(
            f"{where} can't be written ({error})", where="stream.url", mend="Give the user write permission on it"
        )
    if code == sqlite3.SQLITE_NOTADB:
        return _not_ours(path)
    return damaged(path, str(error))


def damaged(path: Path, how: str) -> StopError:
    """Return the error for a file in which SQLite finds what can't be."""
    return StopError(
        f"the stream's file is damaged or not what it should be ({how})",
        where=str(path),
        mend="End what uses it, and put a copy of it back or save what can be read (docs/streams.md, A damaged file)",
    )


def quick_check(db: sqlite3.Connection, path: Path) -> None:
    """Raise StopError where SQLite finds damage in the file; it reads all of it."""
    with translating(path):
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise damaged(path, " ".join(str(found).split()))


def primary_code(error: sqlite3.Error) -> int:
    """Return SQLite's primary result code (the extended ones carry it in their low byte)."""
    return int(getattr(error, "sqlite_errorcode", 0) or 0) & 0xFF


def _not_ours(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path} is not a stream of TOM Bridge", where="stream.url", mend="Name another file; this one was not touched"
    )


def _bring_up_to_date(db: sqlite3.Connection, path: Path) -> None:
    # The two numbers are looked at before anything is written: somebody else's database stays as it is.
    if version_of(db, path) == len(MIGRATIONS):
        return
    _write_ahead(db)
    db.execute("BEGIN IMMEDIATE")
    try:
        version = version_of(db, path)
        if 0 < version < len(MIGRATIONS):
            _copy(path, version)
        for step in MIGRATIONS[version:]:
            for statement in step:
                db.execute(statement)
        db.execute(f"PRAGMA application_id={APPLICATION_ID}")
        db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _write_ahead(db: sqlite3.Connection) -> None:
    # SQLite doesn't wait by itself for this one statement when several processes make the file at the same time.
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def version_of(db: sqlite3.Connection, path: Path) -> int:
    """Return the file's version, 0 for an empty one; raise NewerFileError and ConfigurationError as ``prepare``."""
    (application,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (objects,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION_ID and (objects or application or version):
        raise _not_ours(path)
    if version > len(MIGRATIONS):
        raise NewerFileError(
            f"the stream's file has version {version}; this release knows {len(MIGRATIONS)}",
            where=str(path),
            mend="Upgrade TOM Bridge",
        )
    return int(version)


def _copy(path: Path, version: int) -> None:
    """Copy the file beside itself; the caller holds the write lock, so that nothing is added meanwhile."""
    target = path.with_name(f"{path.name}.version-{version}.backup")
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    source, copy = sqlite3.connect(path), sqlite3.connect(part)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    part.replace(target)
    log.info("stream.file_copied", path=str(path), copy=str(target), version=version)
