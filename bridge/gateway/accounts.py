"""Who may publish by the gateway: one account a TOM, which is one origin and its topics.

A secret is made here, long and random, so that a cheap hash of it is enough: a slow one would cost a quarter of a
second a request.
"""

import hashlib
import hmac
import json
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from bridge.errors import ConfigurationError
from bridge.sqlite_file import SqliteFile

_NOBODYS = hashlib.sha256(secrets.token_bytes(32)).hexdigest()


@dataclass(frozen=True, kw_only=True)
class Account:
    """A TOM that publishes here."""

    name: str
    """The user name in the TOM's ``DATA_SHARING``."""
    origin: str
    display_name: str
    installation: UUID
    topics: tuple[str, ...]
    secret_sha256: str = field(repr=False)


def add(
    file: SqliteFile, *, name: str, origin: str, display_name: str, installation: UUID, topics: Sequence[str]
) -> str:
    """Add an account, and return its secret, which is not kept.

    Raises ConfigurationError where it is there, or was another TOM's, whose targets are remembered under its name.
    """
    secret = secrets.token_urlsafe(32)
    with file.transaction() as connection:
        taken = connection.execute(
            "SELECT name FROM account WHERE NOT removed AND (name = ? OR origin = ?)", (name, origin)
        ).fetchone()
        if taken is not None:
            mend = f"Remove it first (tom-bridge gateway accounts remove {taken[0]}), or name another"
            raise ConfigurationError(f"the account {taken[0]!r} is there", where=f"account {name!r}", mend=mend)
        before = connection.execute("SELECT origin FROM account WHERE name = ?", (name,)).fetchone()
        if before is not None and before[0] != origin:
            what = f"the account {name!r} was that of {before[0]!r}, and what it shared is remembered"
            raise ConfigurationError(what, where=f"account {name!r}", mend="Give this TOM another user name")
        connection.execute(
            "INSERT OR REPLACE INTO account VALUES (?, ?, ?, ?, ?, ?, 0)",
            (name, origin, display_name, str(installation), _hash(secret), json.dumps(list(topics))),
        )
    return secret


def remove(file: SqliteFile, name: str) -> bool:
    """Let nobody publish by an account any more; return whether there was one. What it has shared stays known."""
    with file.transaction() as connection:
        removed = connection.execute("UPDATE account SET removed = 1 WHERE name = ? AND NOT removed", (name,))
        return bool(removed.rowcount)


def every(file: SqliteFile) -> list[Account]:
    """Return all accounts that may publish, by name."""
    return [_account(row) for row in file.query("SELECT * FROM account WHERE NOT removed ORDER BY name")]


def named(file: SqliteFile, name: str) -> Account:
    """Return the account of that name, also one that was removed: what it gave before is published."""
    return _account(file.query("SELECT * FROM account WHERE name = ?", (name,))[0])


def whose(file: SqliteFile, name: str, secret: str) -> Account | None:
    """Return the account of that name, where the secret is its own; takes as long where there is none."""
    rows = file.query("SELECT * FROM account WHERE name = ? AND NOT removed", (name,))
    kept = str(rows[0]["secret_sha256"]) if rows else _NOBODYS
    right = hmac.compare_digest(_hash(secret), kept)
    return _account(rows[0]) if rows and right else None


def of_token(file: SqliteFile, token: str) -> Account | None:
    """Return the account whose secret this is: found by its hash, which tells nothing of a secret that is near it."""
    rows = file.query("SELECT * FROM account WHERE secret_sha256 = ? AND NOT removed", (_hash(token),))
    return _account(rows[0]) if rows else None


def _account(row: sqlite3.Row) -> Account:
    return Account(
        name=row["name"],
        origin=row["origin"],
        display_name=row["display_name"],
        installation=UUID(row["installation"]),
        topics=tuple(json.loads(row["topics"])),
        secret_sha256=row["secret_sha256"],
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
