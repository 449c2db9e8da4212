"""Locks of the bridge in the TOM's database: they go with their process, however that ends."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.db import DatabaseError, InterfaceError, connections

from bridge.errors import TomAwayError

_CREATING_LOCK = 0x544F4D42
"""The advisory lock (PostgreSQL) of whoever is about to give a name to a target."""
_PROCESSING_LOCK = 0x544F4D43
_RELAYING_LOCK = 0x544F4D44


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
