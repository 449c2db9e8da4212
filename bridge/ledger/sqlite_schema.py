"""The file of the SQLite ledger: what tells it from others, and what a new one holds."""

import hashlib
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from bridge import sqlite_file
from bridge.errors import LedgerAwayError
from bridge.ledger.sqlite_tables import STEPS
from bridge.origins import name_key
from bridge.sqlite_file import Format, Step


def open_file(path: Path, busy_timeout_s: float, steps: Sequence[Step] = STEPS) -> sqlite3.Connection:
    """Return a connection to the ledger at ``path``: see :func:`bridge.sqlite_file.open_file`."""
    return sqlite_file.open_file(path, replace(LEDGER, steps=steps), busy_timeout_s)


def _prepare(connection: sqlite3.Connection) -> None:
    connection.create_function("sha256", 1, _sha256, deterministic=True)
    connection.create_function("name_key", 1, name_key, deterministic=True)
    connection.create_function("from_hex", 1, bytes.fromhex, deterministic=True)


def _sha256(value: bytes) -> str:
    return hashlib.sha256(value).hexdigest()


def _first(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO ledger (one, installation) VALUES (1, ?)", (str(uuid4()),))


LEDGER = Format(
    what="the ledger",
    where="ledger",
    application_id=0x54424C47,  # TBLG
    steps=STEPS,
    away=LedgerAwayError,
    mend="Put back a backup of it; it will catch up",
    prepare=_prepare,
    first=_first,
)
