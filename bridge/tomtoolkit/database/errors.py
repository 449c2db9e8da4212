"""What the TOM's database and the TOM's own code raise, as errors of the bridge: who is away, what is refused."""

import signal
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, OperationalError

from bridge.errors import BridgeError, RejectedError, StopError, TomAwayError

# SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNMIGRATED = {"42P01", "42703"}
"""undefined_table, undefined_column."""
_FORBIDDEN = "42501"
"""insufficient_privilege."""
_DAMAGED = {"XX001", "XX002"}
"""data_corrupted, index_corrupted."""
_MENDS = {
    # read_only_sql_transaction
    "25006": "It takes no writes: see whether it is a standby since a failover",
    # lock_not_available: what lock_timeout ends
    "55P03": "Somebody else holds a lock (pg_locks tells who); its end is waited for",
}
_ENDED = {"25P03", "25P04"}
"""idle_in_transaction_session_timeout, transaction_timeout: the server has closed the connection."""
_LIMITS = "54"
"""The class of what is too large or too complex, which lies in what was written."""

_SQLITE_NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


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
    if isinstance(error, BridgeError):
        return str(error)
    messages = getattr(error, "message_dict", None)
    if messages:
        return "; ".join(f"{name}: {' '.join(told)}" for name, told in messages.items())
    text = " ".join(getattr(error, "messages", None) or [str(error)]).strip()
    return " ".join(text.split()) if isinstance(error, DatabaseError) else f"{type(error).__name__}: {text}"


def meaning(error: Exception, using: str) -> BridgeError | None:
    """Return what an error of the database means to the bridge; None where it belongs to what was written."""
    where = f"database {using!r}"
    if isinstance(error, InterfaceError):
        return _away(error, where)
    if isinstance(error.__cause__, sqlite3.Error):
        return _meaning_of_sqlite(error, error.__cause__, where)
    return _meaning_of_postgresql(error, getattr(error.__cause__, "sqlstate", None) or "", where)


def _meaning_of_sqlite(error: Exception, cause: sqlite3.Error, where: str) -> BridgeError | None:
    code = getattr(cause, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return _damaged(error, where)
    if "no such table" in str(error) or "no such column" in str(error) or "has no column named" in str(error):
        return _unmigrated(error, where)
    if primary in _SQLITE_NOT_WRITABLE:
        return _away(
            error, where, mend="Let the account of this process write the file, those beside it and its folder"
        )
    away = isinstance(error, OperationalError) and primary not in {sqlite3.SQLITE_ERROR, None}
    away = away or (isinstance(cause, sqlite3.ProgrammingError) and "closed" in str(error))
    return _away(error, where) if away else None


def _meaning_of_postgresql(error: Exception, state: str, where: str) -> BridgeError | None:
    if state in _UNMIGRATED:
        return _unmigrated(error, where)
    if state in _DAMAGED:
        return _damaged(error, where)
    if state == _FORBIDDEN:
        mend = "Let the TOM's account of the database own its tables, or grant it all rights on them"
        return StopError(f"the TOM's database refuses its account ({_line(error)})", where=where, mend=mend)
    lost = state in {*_MENDS, *_ENDED} or (isinstance(error, OperationalError) and not state.startswith(_LIMITS))
    return _away(error, where, mend=_MENDS.get(state, "")) if lost else None


def _away(error: Exception, where: str, *, mend: str = "") -> TomAwayError:
    return TomAwayError(f"the TOM's database can't be used now: {_line(error)}", where=where, mend=mend)


def _damaged(error: Exception, where: str) -> StopError:
    return StopError(f"the TOM's database is damaged ({_line(error)})", where=where, mend="Put back a backup of it")


def _unmigrated(error: Exception, where: str) -> StopError:
    told = f"the TOM's database lacks a table or a column of it ({_line(error)})"
    return StopError(told, where=where, mend="Run: python manage.py migrate")


def _line(error: Exception) -> str:
    told = str(error).strip().splitlines()
    return told[0] if told else repr(error)
