"""The bridge and the TOM's database: transactions that wait instead of failing, errors that say who is away."""

import errno
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    connections,
    transaction,
)

from bridge.errors import BridgeError, RejectedError, StopError, TomAwayError

MANY = 500
"""How many values go into one query."""
_CREATING_LOCK = 0x544F4D42
"""The advisory lock (PostgreSQL) of whoever is about to give a name to a target."""
_PROCESSING_LOCK = 0x544F4D43
_RELAYING_LOCK = 0x544F4D44

_files: WeakKeyDictionary[Any, tuple[Any, tuple[int, int]]] = WeakKeyDictionary()


@contextmanager
def told(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Turn what the database raises into TomAwayError, or StopError where a person has to do something.

    A connection that failed is closed, so that the next call makes a new one.
    """
    wrapper = connections[using]
    _follow_file(wrapper)
    try:
        yield
    except TomAwayError:
        _drop(wrapper)
        raise
    except DatabaseError as error:
        meant = _meaning(error, using)
        if meant is None:
            raise
        _drop(wrapper)
        raise meant from error
    except InterfaceError as error:
        _drop(wrapper)
        raise TomAwayError(f"the TOM's database can't be used now: {error}", where=f"database {using!r}") from error


def _drop(wrapper: Any) -> None:
    if not wrapper.in_atomic_block:
        with suppress(Exception):
            wrapper.close()


@contextmanager
def writing(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Open a transaction, or a savepoint within one; errors are told.

    On SQLite the transaction takes the write lock at its start: one that reads before it writes would fail at once
    where another process wrote in between, whatever the time-out.
    """
    wrapper = connections[using]
    with told(using):
        if wrapper.in_atomic_block:
            with transaction.atomic(using=using):
                yield
            return
        wrapper.ensure_connection()
        before = getattr(wrapper, "transaction_mode", None)
        if wrapper.vendor == "sqlite":
            wrapper.transaction_mode = "IMMEDIATE"
        try:
            with transaction.atomic(using=using):
                yield
        finally:
            if wrapper.vendor == "sqlite":
                wrapper.transaction_mode = before


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """Turn what the TOM's own code raises (validation, a constraint, a hook) into RejectedError."""
    try:
        yield
    except BridgeError:
        raise
    except Exception as error:
        raise RejectedError(words(error), where=where) from error


def words(error: Exception) -> str:
    """Return an error as one line for people."""
    messages = getattr(error, "message_dict", None)
    if messages:
        return "; ".join(f"{name}: {' '.join(told)}" for name, told in messages.items())
    text = " ".join(getattr(error, "messages", None) or [str(error)]).strip()
    return " ".join(text.split()) if isinstance(error, DatabaseError) else f"{type(error).__name__}: {text}"


def among(using: str, values: Iterable[object]) -> tuple[str, object]:
    """Return SQL for "is one of ``values``" with one parameter, however many there are, and that parameter."""
    if connections[using].vendor == "postgresql":
        return "= ANY(%s)", list(values)
    return "IN (SELECT value FROM json_each(%s))", json.dumps(list(values))


def lock_creation(using: str) -> None:
    """Let no other bridge give names to targets until the end of this transaction.

    On SQLite nobody else writes during a transaction of ours anyway.
    """
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CREATING_LOCK])


@contextmanager
def processing(using: str) -> Iterator[None]:
    """Be the only process that runs a data processor for the bridge; raise TomAwayError where another one does.

    The lock goes with its process, however that ends.
    """
    with alone(using, _PROCESSING_LOCK, ".tom-bridge.lock") as mine:
        if not mine:
            told = "another process of the bridge runs a data processor in this TOM"
            raise TomAwayError(told, mend="Its end is waited for")
        yield


@contextmanager
def relaying(using: str) -> Iterator[bool]:
    """Be the only relay of this TOM for a block; yield False where another process is it.

    The lock goes with its process, however that ends.
    """
    with alone(using, _RELAYING_LOCK, ".tom-bridge-relay.lock") as mine:
        yield mine


@contextmanager
def alone(using: str, number: int, suffix: str) -> Iterator[bool]:
    """Hold the lock ``number`` (a file beside SQLite's with this ``suffix``) for a block; yield whether it was free."""
    wrapper = connections[using]
    if wrapper.vendor == "postgresql":
        mine = _postgresql_lock(using, "pg_try_advisory_lock", number)
        try:
            yield mine
        finally:
            if mine:
                with suppress(DatabaseError, InterfaceError):  # a connection that broke has lost its locks
                    _postgresql_lock(using, "pg_advisory_unlock", number)
        return
    if wrapper.is_in_memory_db():
        yield True
        return
    import fcntl  # noqa: PLC0415 (not on Windows, where no TOM is served)

    descriptor = os.open(f"{wrapper.settings_dict['NAME']}{suffix}", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EWOULDBLOCK, errno.EAGAIN}:
                raise
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def _postgresql_lock(using: str, function: str, number: int) -> bool:
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [number])
        return bool(cursor.fetchone()[0])


def _meaning(error: Exception, using: str) -> BridgeError | None:
    """Return what an error of the database means to the bridge; None where it belongs to what was written."""
    cause = error.__cause__
    where = f"database {using!r}"
    if isinstance(cause, sqlite3.Error):
        code = getattr(cause, "sqlite_errorcode", None)
        primary = None if code is None else code & 0xFF
        if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
            return StopError(f"the TOM's database is damaged ({error})", where=where, mend="Put back a backup of it")
        if "no such table" in str(error) or "no such column" in str(error):
            return _unmigrated(error, where)
        away = isinstance(error, OperationalError) and primary not in {sqlite3.SQLITE_ERROR, None}
        away = away or (isinstance(cause, sqlite3.ProgrammingError) and "closed" in str(error))
        return TomAwayError(f"the TOM's database can't be used now: {error}", where=where) if away else None
    state = getattr(cause, "sqlstate", None) or ""
    if state in {"42P01", "42703"}:
        return _unmigrated(error, where)
    if isinstance(error, OperationalError) and not state.startswith("54"):
        told = str(error).strip().splitlines()
        return TomAwayError(f"the TOM's database can't be used now: {told[0] if told else error!r}", where=where)
    return None


def _unmigrated(error: Exception, where: str) -> StopError:
    told = str(error).strip().splitlines()[0]
    return StopError(f"the TOM's database lacks a table ({told})", where=where, mend="Run: python manage.py migrate")


def _follow_file(wrapper: Any) -> None:
    """Go on in the file that has the database's name now: a backup may have been put in its place.

    A connection stays with the file it opened, and what went on into the old one would be in none.
    """
    if wrapper.vendor != "sqlite" or wrapper.in_atomic_block or wrapper.is_in_memory_db():
        return
    path = str(wrapper.settings_dict["NAME"])
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise TomAwayError("the TOM's database has gone", where=path, mend="Put it, or a backup, back") from error
    identity = (found.st_dev, found.st_ino)
    if wrapper.connection is not None and _files.get(wrapper, (None, identity))[0] is wrapper.connection:
        if _files[wrapper][1] == identity:
            return
        wrapper.close()
    if wrapper.connection is None:
        try:
            wrapper.connect()
        except OperationalError as error:
            raise TomAwayError(f"the TOM's database can't be opened now: {error}", where=path) from error
    _files[wrapper] = (wrapper.connection, identity)
