"""A SQLite file of ours that several processes of one host use: made, versioned, migrated, and what its errors mean.

What a file is for says its :class:`Format`. A file's version is the number of steps that made it; those that have been
released stay as they are. Every commit is on the disk when it returns.
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bridge.errors import AwayError, ConfigurationError, NewerFileError, StopError

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

_CACHED_STATEMENTS = 512
"""More than a program ever has: one that is prepared anew costs ten times as much."""

Step = Sequence[str]
"""Statements that take a file from one version to the next."""


def _nothing(connection: sqlite3.Connection) -> None:
    del connection


@dataclass(frozen=True, kw_only=True)
class Format:
    """What tells one sort of file from any other, and how it is made."""

    what: str
    """What it is for people, with its article: ``the ledger``."""
    where: str
    """The setting that names it."""
    application_id: int
    """Four letters, which tell it from any other SQLite file."""
    steps: Sequence[Step]
    away: type[AwayError] = AwayError
    """What is raised where it can't be used now."""
    mend: str
    """What to do where it is damaged."""
    prepare: Callable[[sqlite3.Connection], object] = _nothing
    """Gives each connection what the steps need."""
    first: Callable[[sqlite3.Connection], object] = _nothing
    """Fills a new file, in the transaction that makes it."""


def open_file(path: Path, form: Format, busy_timeout_s: float) -> sqlite3.Connection:
    """Return a connection to the file at ``path``, made or migrated where needed.

    Before a migration the file is copied to ``<name>.v<N>.bak``. Raises ConfigurationError where the path can't be
    written or holds something else, NewerFileError where a newer release made it, and the format's AwayError where it
    is locked or its disk is full or failing.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(path, form, error.strerror or str(error)) from error
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(
            path,
            timeout=busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=_CACHED_STATEMENTS,
        )
        connection.row_factory = sqlite3.Row
        form.prepare(connection)
        _set_up(connection, busy_timeout_s)
        _bring_up_to_date(connection, path, form)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.DatabaseError):
            if _primary_code(error) in _PASSES:
                raise _away(path, form, error) from error
            raise _unusable(path, form, str(error)) from error
        raise
    return connection


def check_version(connection: sqlite3.Connection, path: Path, form: Format) -> None:
    """Raise NewerFileError where a newer release has migrated the file, be it while this one has it open."""
    found, known = _version(connection), len(form.steps)
    if found > known:
        raise NewerFileError(
            f"{form.what} has version {found}, this release knows {known}",
            where=str(path),
            mend="Upgrade TOM Bridge, or go back to the copy that was made before the migration",
        )


class translating:  # noqa: N801 (used as the function that it could be: but it is at each call, and this is cheaper)
    """Turn what SQLite raises in use into the format's AwayError, or StopError where the file is damaged."""

    __slots__ = ("_form", "_path")

    def __init__(self, path: Path, form: Format) -> None:
        self._path = path
        self._form = form

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if not isinstance(error, sqlite3.DatabaseError):
            return
        code = _primary_code(error)
        if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB} or str(error).startswith(_LACKS):
            told = f"{self._form.what} is damaged ({error})"
            raise StopError(told, where=str(self._path), mend=self._form.mend) from error
        if isinstance(error, sqlite3.OperationalError) and code != sqlite3.SQLITE_ERROR:
            raise _away(self._path, self._form, error) from error


class SqliteFile:
    """A file in use, made where there is none; one that was put in its place meanwhile is used from then on.

    Not thread-safe: one instance a thread. Errors are those of :func:`open_file` and :func:`translating`.
    """

    def __init__(self, path: Path, form: Format, *, busy_timeout_s: float = 10.0) -> None:
        self._path = path
        self._form = form
        self._busy_timeout_s = busy_timeout_s
        self._connection, self._file = self._open()

    def _open(self) -> tuple[sqlite3.Connection, tuple[int, int]]:
        return open_file(self._path, self._form, self._busy_timeout_s), self._identity()

    def _accept(self, connection: sqlite3.Connection) -> None:
        """Raise where a file that was put in the place of this one is not to be used."""

    def _current(self) -> sqlite3.Connection:
        """Return a connection to the file that has the name now."""
        # A backup put back while this runs is another file; what went on into the old one would be in none.
        if self._identity() != self._file:
            connection, file = self._open()
            try:
                self._accept(connection)
            except BaseException:
                connection.close()
                raise
            self._connection.close()
            self._connection, self._file = connection, file
        return self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction that holds the write lock from its start."""
        with translating(self._path, self._form):
            connection = self._current()
            connection.execute("BEGIN IMMEDIATE")
            try:
                check_version(connection, self._path, self._form)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def query(self, sql: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Return what a query finds."""
        with translating(self._path, self._form):
            return self._current().execute(sql, values).fetchall()

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self._path)  # noqa: PTH116
        except OSError as error:
            what = f"{self._form.what}'s file has gone"
            raise self._form.away(what, where=str(self._path), mend="Put it, or a backup, back") from error
        return found.st_dev, found.st_ino


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


def _bring_up_to_date(connection: sqlite3.Connection, path: Path, form: Format) -> None:
    connection.execute("BEGIN IMMEDIATE")  # so that of several processes one does it, and a read-only file shows
    try:
        check_version(connection, path, form)
        version, newest = _version(connection), len(form.steps)
        _check_is_ours(connection, path, form)
        if 0 < version < newest:
            _copy(path, path.with_name(f"{path.name}.v{version}.bak"))
        for step in form.steps[version:]:
            for statement in step:
                connection.execute(statement)
        if version == 0:
            connection.execute(f"PRAGMA application_id = {form.application_id}")
            form.first(connection)
        if version < newest:
            connection.execute(f"PRAGMA user_version = {newest}")
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")
        raise


def _copy(path: Path, copy: Path) -> None:
    """Copy the file as it was before the open transaction; ``copy`` is whole or not there."""
    unfinished = copy.with_name(f"{copy.name}.tmp")
    unfinished.unlink(missing_ok=True)
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(unfinished)) as target:
        source.backup(target)
    unfinished.replace(copy)


def _check_is_ours(connection: sqlite3.Connection, path: Path, form: Format) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables and connection.execute("PRAGMA application_id").fetchone()[0] != form.application_id:
        raise _unusable(path, form, "it is a database of something else")


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _primary_code(error: sqlite3.Error) -> int | None:
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _unusable(path: Path, form: Format, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"{path} can't be used as {form.what}: {why}",
        where=form.where,
        mend="Name a file, new or made by TOM Bridge, in a folder that may be written",
    )


def _away(path: Path, form: Format, error: sqlite3.Error) -> AwayError:
    mend = _MENDS.get(_primary_code(error), "")
    return form.away(f"{form.what} can't be used now: {error}", where=str(path), mend=mend)
