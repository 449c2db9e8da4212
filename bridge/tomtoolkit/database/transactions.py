"""Transactions of the TOM's database that wait instead of failing, in the file that has its name now."""

import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from weakref import WeakKeyDictionary

from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
    transaction,
)

from bridge.errors import TomAwayError
from bridge.tomtoolkit.database.errors import meaning

MANY = 500
"""How many values go into one query."""
LONGEST_LOCK_S = 5
"""Seconds for which a statement waits for a lock on PostgreSQL; whoever waits for longer says so and hears a stop."""
_BOUND = f"SET LOCAL lock_timeout = '{LONGEST_LOCK_S}s'"

_ASKS_EVERY_S = 0.003
"""So often a lock of SQLite's is asked for that others hold.

SQLite itself soon asks every tenth of a second alone (``sqliteDefaultBusyCallback``): beside a TOM that writes all the
time the relay waited for four seconds.
"""
_CLOSES_EVERY_S = 1.0
_closed = threading.local()
_files: WeakKeyDictionary[Any, tuple[Any, tuple[int, int]]] = WeakKeyDictionary()


@contextmanager
def translating(using: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Turn what the database raises into TomAwayError, or StopError where a person has to do something.

    A connection that failed is closed, so that the next call makes a new one. On PostgreSQL no statement waits longer
    than :data:`LONGEST_LOCK_S` for a lock that somebody else holds, in a transaction or not.
    """
    wrapper = connections[using]
    _follow_file(wrapper)
    with ExitStack() as stack:
        if wrapper.vendor == "postgresql" and _bounded not in wrapper.execute_wrappers:
            stack.enter_context(wrapper.execute_wrapper(_bounded))
        try:
            yield
        except TomAwayError:
            _drop(wrapper)
            raise
        except (DatabaseError, InterfaceError) as error:
            meant = meaning(error, using)
            if meant is None:
                raise
            _drop(wrapper)
            raise meant from error


def _drop(wrapper: Any) -> None:
    if not wrapper.in_atomic_block:
        with suppress(Exception):
            wrapper.close()


@contextmanager
def writing(using: str = DEFAULT_DB_ALIAS, *, patience_s: float = 0.0) -> Iterator[None]:
    """Open a transaction, or a savepoint within one, as :func:`immediate` does; errors are told."""
    with translating(using), immediate(using, patience_s=patience_s):
        yield


@contextmanager
def immediate(using: str = DEFAULT_DB_ALIAS, *, patience_s: float = 0.0) -> Iterator[None]:
    """Open a transaction that may read before it writes, or a savepoint within one; Django's own errors are raised.

    On SQLite it takes the write lock at its start: a transaction that reads first would fail at once where another
    process wrote in between, whatever the time-out. Others are waited for as long as the time-out of the TOM's
    database says (``OPTIONS: timeout``, 5 s by default), and for ``patience_s`` in any case.
    On PostgreSQL none of its statements waits longer than :data:`LONGEST_LOCK_S` for a lock.
    """
    wrapper = connections[using]
    outermost = not wrapper.in_atomic_block
    with ExitStack() as stack:
        if outermost and wrapper.vendor == "sqlite":
            _begin_immediate(stack, wrapper, patience_s)
        else:
            stack.enter_context(transaction.atomic(using=using))
            if outermost and wrapper.vendor == "postgresql":
                _bound_waits(wrapper)
        yield


def _begin_immediate(stack: ExitStack, wrapper: Any, patience_s: float) -> None:
    wrapper.ensure_connection()
    connection, before = wrapper.connection, wrapper.transaction_mode
    (waits_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    deadline = time.monotonic() + max(patience_s, waits_ms / 1000)
    wrapper.transaction_mode = "IMMEDIATE"
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                stack.enter_context(transaction.atomic(using=wrapper.alias))
            except OperationalError as error:
                code = getattr(error.__cause__, "sqlite_errorcode", 0) & 0xFF
                if code != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                    raise
                time.sleep(_ASKS_EVERY_S)
            else:
                return
    finally:
        connection.execute(f"PRAGMA busy_timeout = {waits_ms}")
        wrapper.transaction_mode = before


def _bounded(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Execute one statement (a wrapper of Django's ``execute_wrapper``); one outside of a transaction gets its own.

    A setting of the session would stay with the server's connection, which a pooler gives to others afterwards. Both go
    in one message where the cursor can send them so, which is a transaction to the server; else in four.
    """
    wrapper, cursor = context["connection"], context["cursor"]
    if wrapper.in_atomic_block:
        return execute(sql, params, many, context)
    if not many and isinstance(cursor.cursor, getattr(wrapper.Database, "ClientCursor", ())):  # psycopg 3's
        executed = execute(f"{_BOUND}; {sql}", params, many, context)
        cursor.nextset()  # to what the statement itself gives
        return executed
    with transaction.atomic(using=wrapper.alias):
        _bound_waits(wrapper)
        return execute(sql, params, many, context)


def _bound_waits(wrapper: Any) -> None:
    with wrapper.cursor() as cursor:
        cursor.execute(_BOUND)


def close_old() -> None:
    """Close this thread's connections that have grown old, as Django does between requests, but once a second at most.

    Without ``CONN_MAX_AGE``, which is Django's default, each is old at once, and to make one anew takes PostgreSQL
    longer than to write an event.
    """
    now = time.monotonic()
    if now - getattr(_closed, "at", -math.inf) >= _CLOSES_EVERY_S:
        _closed.at = now
        close_old_connections()


def chunks(values: Sequence[Any], size: int = MANY) -> Iterator[Sequence[Any]]:
    """Yield ``values`` in runs of ``size``."""
    return (values[first : first + size] for first in range(0, len(values), size))


def among(using: str, values: Iterable[object]) -> tuple[str, object]:
    """Return SQL for "is one of ``values``" with one parameter, however many there are, and that parameter."""
    if connections[using].vendor == "postgresql":
        return "= ANY(%s)", list(values)
    return "IN (SELECT value FROM json_each(%s))", json.dumps(list(values))


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
