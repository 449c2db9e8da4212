"""Transactions of the TOM's database that wait instead of failing, in the file that has its name now."""

import json
import os
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

from bridge.errors import TomAwayError
from bridge.tomtoolkit.database.errors import meaning

MANY = 500
"""How many values go into one query."""

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
        meant = meaning(error, using)
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
