"""What the TOM's database and the TOM's own code raise, as errors of the bridge: who is away, what is refused."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, OperationalError

from bridge.errors import BridgeError, RejectedError, StopError, TomAwayError

_READ_ONLY = "25006"
"""SQLSTATE of a write where PostgreSQL only reads, as a standby does after a failover."""


@contextmanager
def refusing(where: str) -> Iterator[None]:
    """Turn what the TOM's own code raises (validation, a constraint, a hook) into RejectedError.

    SystemExit too, which would end the daemon as if all was well; but not a person's Ctrl-C.
    """
    try:
        yield
    except BridgeError:
        raise
    except BaseException as error:
        if is_a_persons(error):
            raise
        raise RejectedError(words(error), where=where) from error


def is_a_persons(error: BaseException) -> bool:
    """Return whether this is a person's Ctrl-C: one that nobody handles, as the daemons do."""
    return isinstance(error, KeyboardInterrupt) and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def words(error: BaseException) -> str:
    """Return an error as one line for people."""
    messages = getattr(error, "message_dict", None)
    if messages:
        return "; ".join(f"{name}: {' '.join(told)}" for name, told in messages.items())
    text = " ".join(getattr(error, "messages", None) or [str(error)]).strip()
    return " ".join(text.split()) if isinstance(error, DatabaseError) else f"{type(error).__name__}: {text}"


def meaning(error: Exception, using: str) -> BridgeError | None:
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
    if state == _READ_ONLY or (isinstance(error, OperationalError) and not state.startswith("54")):
        told = str(error).strip().splitlines()
        return TomAwayError(f"the TOM's database can't be used now: {told[0] if told else error!r}", where=where)
    return None


def _unmigrated(error: Exception, where: str) -> StopError:
    told = str(error).strip().splitlines()[0]
    return StopError(f"the TOM's database lacks a table ({told})", where=where, mend="Run: python manage.py migrate")
