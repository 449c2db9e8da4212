"""What only one process of the bridge does at a time in a TOM."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

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


def let_in(using: str, models: Iterable[Any]) -> None:
    """Raise where somebody keeps writers out of the table of one of ``models``; to be called within a transaction.

    Takes what a statement that writes takes of a table, which keeps no other writer out
    (https://www.postgresql.org/docs/current/explicit-locking.html). On SQLite there is one lock for all.
    """
    if connections[using].vendor == "postgresql":
        with connections[using].cursor() as cursor:
            tables = ", ".join(connections[using].ops.quote_name(model._meta.db_table) for model in models)
            cursor.execute(f"LOCK TABLE {tables} IN ROW EXCLUSIVE MODE")


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
