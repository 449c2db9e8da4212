"""What only one process of the bridge does at a time in a TOM."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connections

from bridge.errors import TomAwayError
from bridge.tomtoolkit.database.leases import Lease

_CREATING_LOCK = 0x544F4D42
"""The advisory lock (PostgreSQL) of whoever is about to give a name to a target."""


def lock_creation(using: str) -> None:
    """Let no other bridge give names to targets until the end of this transaction.

    On SQLite nobody else writes during a transaction of ours anyway.
    """
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CREATING_LOCK])


@contextmanager
def processing(using: str) -> Iterator[None]:
    """Be the only process that runs a data processor for the bridge; raise TomAwayError where another one does."""
    lease = Lease("processor", using)
    if not lease.take():
        told = f"another process of the bridge runs a data processor in this TOM ({lease.holder})"
        raise TomAwayError(told, mend="Its end is waited for")
    try:
        yield
    finally:
        lease.release()
