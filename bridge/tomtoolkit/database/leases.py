"""Leases: what only one process of the TOM does at a time, by a row that says which one, and until when.

The row is renewed in the background while the lease is held. A process that was killed or frozen renews it no more, so
that another one can take it when it lapses; at once where both are on one machine and the holder is seen to be gone.
Neither a session's lock nor a file's would do: behind PgBouncer, or in psycopg's pool, one connection serves several
processes in turn, and a file that an administrator made keeps out the service's account.

A process that was frozen may work on for a moment when another has taken over. What is done under a lease has to bear
that.
"""

import os
import socket
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import structlog
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections
from django.db.models.functions import Now

from bridge.errors import BridgeError
from bridge.tomtoolkit.database.transactions import translating, writing
from bridge.tomtoolkit.models import Lease as Row

log = structlog.get_logger(__name__)

LASTS_S = 30.0
"""Seconds for which a lease is given, and renewed when a third of them is over."""
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class Lease:
    """A lease of this process on ``name``, to be taken and released by one thread.

    In a database in memory nobody else is there, and it is always free.
    """

    def __init__(self, name: str, using: str = DEFAULT_DB_ALIAS, *, lasts_s: float = LASTS_S) -> None:
        self.name = name
        self._using = using
        self._lasts_s = lasts_s
        self._id = uuid4()
        self._until = 0.0
        """When it lapses, by the monotonic clock; not after the row says so."""
        self._ended = threading.Event()
        self._renewing: threading.Thread | None = None
        self.holder = ""
        """Who had it when it was last asked for in vain, for people."""

    @property
    def is_held(self) -> bool:
        """Whether this process has the lease, as far as it knows; asks nothing of the database."""
        return time.monotonic() < self._until

    def take(self) -> bool:
        """Return whether this process has the lease: still, or from now on. Raises AwayError and StopError."""
        wrapper = connections[self._using]
        if self.is_held or (wrapper.vendor == "sqlite" and wrapper.is_in_memory_db()):
            return True
        asked_at = time.monotonic()
        row, now = self._row()
        longest = now + timedelta(seconds=2 * max(self._lasts_s, LASTS_S))  # one for longer: the clock was set back
        if row.holder != self._id and now < row.until < longest and not _is_gone(row):
            self.holder = row.process
            return False
        if not self._replace(row, now + timedelta(seconds=self._lasts_s)):
            return False
        self._until = asked_at + self._lasts_s
        self._renew_in_background()
        return True

    def release(self) -> None:
        """Let others have it; a database that is away keeps it until it lapses."""
        self._ended.set()
        if self._renewing is not None:
            self._renewing.join()
            self._renewing = None
        if self._until:
            self._until = 0.0
            try:
                with writing(self._using):
                    self._mine().update(until=_LONG_AGO)
            except (BridgeError, DatabaseError) as error:
                log.info("lease.left", lease=self.name, message=str(error))

    # -- the row ------------------------------------------------------------------------------------------------------

    def _rows(self) -> Any:
        return Row.objects.using(self._using).filter(name=self.name)

    def _mine(self) -> Any:
        return self._rows().filter(holder=self._id)

    def _row(self) -> tuple[Row, datetime]:
        """Return the row, made where there is none, and the database's time."""
        with translating(self._using):
            row = self._rows().annotate(now=Now()).first()
        if row is None:
            free = Row(name=self.name, holder=self._id, until=_LONG_AGO, process="", machine="", pid=0)
            with writing(self._using):
                Row.objects.using(self._using).bulk_create([free], ignore_conflicts=True)
            with translating(self._using):
                row = self._rows().annotate(now=Now()).get()
        return row, row.now

    def _replace(self, seen: Row, until: datetime) -> bool:
        """Take the row as it was seen; return False where somebody else was faster."""
        with writing(self._using):
            as_seen = self._rows().filter(holder=seen.holder, until=seen.until)
            taken = as_seen.update(
                holder=self._id, until=until, process=_process(), machine=_machine(), pid=os.getpid()
            )
        return bool(taken)

    # -- in the background --------------------------------------------------------------------------------------------

    def _renew_in_background(self) -> None:
        if self._renewing is None or not self._renewing.is_alive():
            self._ended = threading.Event()
            name = f"tom-bridge-lease-{self.name}"
            self._renewing = threading.Thread(target=self._renew, args=(self._ended,), name=name, daemon=True)
            self._renewing.start()

    def _renew(self, ended: threading.Event) -> None:
        while not ended.wait(self._lasts_s / 3):
            asked_at = time.monotonic()
            try:
                with writing(self._using):
                    kept = self._mine().update(until=Now() + timedelta(seconds=self._lasts_s))
            except Exception as error:  # the database is away: so it is for the others
                log.info("lease.not_renewed", lease=self.name, message=str(error))
                continue
            finally:
                connections[self._using].close()
            if not kept:
                log.warning("lease.lost", lease=self.name)
                self._until = 0.0
                return
            self._until = asked_at + self._lasts_s


def _is_gone(row: Row) -> bool:
    """Return whether the holder's process is seen to be gone: it was of this running system."""
    if not row.machine or row.machine != _machine():
        return False
    try:
        os.kill(row.pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False


@cache
def _machine() -> str:
    """Return which running system this is: its kernel's boot, and the namespace of its process ids; empty elsewhere."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
