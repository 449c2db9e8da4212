"""What the gateway remembers, in the transaction in which it accepts: targets, what was seen, what is to be sent."""

import json
import sqlite3
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from bridge.events import Target, uuid7
from bridge.gateway.names import firsts, written
from bridge.gateway.tables import FILE, GATEWAY
from bridge.publishing.outbox_sqlite import SqliteOutbox, put
from bridge.publishing.packing import Packing

_MOST_QUESTIONS = 1_000
"""Questions that are kept; the oldest are forgotten first."""
_MOST_REASONS = 500


@dataclass(frozen=True, kw_only=True)
class Known:
    """A target that a TOM has shared in full to a topic."""

    token: str
    body: Target
    toms_key: int | None
    """Its primary key in the TOM, where that was told."""
    came: bool
    """Whether it came to the TOM over the bridge: then its data may be shared, and it itself may not."""


@dataclass(frozen=True, kw_only=True)
class Pending:
    """Something that was accepted and is to become part of an event."""

    id: int
    token: str
    sort: str
    """``target``, ``again``, ``list``, or a kind of data (:class:`bridge.events.Kind`)."""
    body: str
    share_id: UUID
    shared_by: str
    at: float


class Desk:
    """What one account does on one topic, in an open transaction."""

    def __init__(self, connection: sqlite3.Connection, account: str, topic: str, share_s: float) -> None:
        self._db = connection
        self._whose = (account, topic)
        self._share_s = share_s
        self._now = time.time()

    # -- targets ------------------------------------------------------------------------------------------------------

    def by_token(self, token: str) -> Known | None:
        """Return the target of that token."""
        row = self._db.execute(
            "SELECT * FROM target WHERE account = ? AND topic = ? AND token = ?", (*self._whose, token)
        ).fetchone()
        return None if row is None else _known(row)

    def asked_for(self, asked: str) -> Known | None:
        """Return the target that is meant by names as they arrive; None where none is known, or more than one."""
        found = self._written(0, [asked])
        for first in firsts(asked):
            found = found or self._written(1, [first])
        return found[0] if len(found) == 1 else None

    def same(self, body: Target, toms_key: int | None) -> Known | None:
        """Return the target that this one is: by its name, or by the TOM's key where a name is the same."""
        rows = self._db.execute(
            "SELECT * FROM target WHERE account = ? AND topic = ? AND (name = ? OR toms_key = ?) ORDER BY name != ?",
            (*self._whose, body.name, toms_key, body.name),
        ).fetchall()
        return next((one for one in map(_known, rows) if set(one.body.names) & set(body.names)), None)

    def remember(self, body: Target, toms_key: int | None, *, came: bool, before: Known | None) -> str:
        """Remember a target that was shared in full, in place of what it was before; return its token."""
        token = before.token if before is not None else uuid4().hex
        self._db.execute(
            "INSERT INTO target VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (token) DO UPDATE SET name = excluded.name,"
            " toms_key = excluded.toms_key, body = excluded.body, came = excluded.came,"
            " shared_at = excluded.shared_at",
            (token, *self._whose, body.name, toms_key, body.model_dump_json(), came, self._now),
        )
        self._db.execute("DELETE FROM written_as WHERE token = ?", (token,))
        rows = [(name, 0) for name in written(body.names)] + [(name, 1) for name in written([body.name])]
        self._db.executemany(
            "INSERT INTO written_as VALUES (?, ?, ?, ?, ?)",
            [(token, *self._whose, name, first) for name, first in rows],
        )
        self._db.executemany(
            "DELETE FROM question WHERE account = ? AND topic = ? AND asked = ?",
            [(*self._whose, name) for name in written(body.names)],
        )
        return token

    def _written(self, first: int, names: Sequence[str]) -> list[Known]:
        rows = self._db.execute(
            "SELECT DISTINCT target.* FROM written_as JOIN target USING (token) WHERE written_as.account = ?"
            " AND written_as.topic = ? AND first = ? AND written IN (SELECT value FROM json_each(?))",
            (*self._whose, first, json.dumps(list(names))),
        ).fetchall()
        return [_known(row) for row in rows]

    def note_question(self, asked: str) -> None:
        """Note that a target was asked for which was never shared in full."""
        self._db.execute(
            "INSERT INTO question VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET times = times + 1,"
            " last_at = excluded.last_at",
            (*self._whose, asked[:500], self._now),
        )
        self._forget_questions()

    def _forget_questions(self) -> None:
        oldest = self._db.execute(
            "SELECT last_at FROM question ORDER BY last_at DESC LIMIT 1 OFFSET ?", (_MOST_QUESTIONS,)
        ).fetchone()
        if oldest is not None:
            self._db.execute("DELETE FROM question WHERE last_at <= ?", oldest)

    # -- what is accepted ---------------------------------------------------------------------------------------------

    def accept(self, line: str, token: str, sort: str, body: str, *, shared_by: str | None = None) -> None:
        """Keep something that is to be published: durable when the transaction ends."""
        share_id, by = self._share(shared_by)
        self._db.execute(
            "INSERT INTO pending (account, topic, line, token, sort, body, share_id, shared_by, at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*self._whose, line, token, sort, body, share_id, by, self._now),
        )

    def publish(self, packing: Packing) -> None:
        """Put what is complete in the outbox, when the transaction ends, and count what has no place there."""
        put(self._db, self._whose[1], packing.rows)
        for what, number in packing.assumed.items():
            self.count("data", "assumed", what, number)
        for why, number in packing.left_out.items():
            self.count("data", "left out", why, number)

    def drop(self, ids: Collection[int]) -> None:
        """Take out what has become events."""
        self._db.execute("DELETE FROM pending WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))

    def is_new(self, token: str, digest: bytes) -> bool:
        """Return whether nothing equal was accepted of this target before, and note it."""
        return bool(self._db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (token, digest)).rowcount)

    def count(self, what: str, outcome: str, reason: str = "", number: int = 1) -> None:
        """Count what was done with requests, or with data of them, for ``status``."""
        reasons = "SELECT count(*) FROM tally WHERE account = ? AND topic = ?"
        known = self._db.execute(reasons, self._whose).fetchone()[0]
        self._db.execute(
            "INSERT INTO tally VALUES (?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET number = number + excluded.number, last_at = excluded.last_at",
            (*self._whose, what, outcome, reason[:200] if known < _MOST_REASONS else "", number, self._now),
        )

    def _share(self, shared_by: str | None) -> tuple[str, str]:
        """Return the share that this belongs to, and who shares: what comes without a pause is one share."""
        row = self._db.execute("SELECT * FROM share WHERE account = ? AND topic = ?", self._whose).fetchone()
        if row is not None and 0 <= self._now - row["at"] <= self._share_s:
            share_id, by = row["share_id"], row["shared_by"] if shared_by is None else shared_by
        else:
            share_id, by = str(uuid7()), shared_by or ""
        self._db.execute("INSERT OR REPLACE INTO share VALUES (?, ?, ?, ?, ?)", (*self._whose, share_id, by, self._now))
        return str(share_id), by


class Store(SqliteOutbox):
    """The gateway's file in the folder ``state``: an outbox, and all that is beside it. Not thread-safe."""

    def __init__(self, state: Path) -> None:
        super().__init__(state / FILE, GATEWAY)

    @contextmanager
    def desk(self, account: str, topic: str, share_s: float = 0.0) -> Iterator[Desk]:
        """Open a transaction for one account and topic; what comes within ``share_s`` seconds is one share."""
        with self.transaction() as connection:
            yield Desk(connection, account, topic, share_s)

    def lines(self) -> list[tuple[str, str, str]]:
        """Return account, topic and line of all that is pending, the longest waiting first."""
        rows = self.query("SELECT account, topic, line, min(id) FROM pending GROUP BY 1, 2, 3 ORDER BY 4")
        return [(row[0], row[1], row[2]) for row in rows]

    def pending(self, line: tuple[str, str, str], most: int) -> list[Pending]:
        """Return what is first in a line."""
        rows = self.query(
            "SELECT * FROM pending WHERE account = ? AND topic = ? AND line = ? ORDER BY id LIMIT ?", (*line, most)
        )
        return [
            Pending(
                id=row["id"],
                token=row["token"],
                sort=row["sort"],
                body=row["body"],
                share_id=UUID(row["share_id"]),
                shared_by=row["shared_by"],
                at=row["at"],
            )
            for row in rows
        ]

    def newest(self, account: str, topic: str) -> int:
        """Return the last thing that was accepted on a topic, of what is pending."""
        return int(
            self.query("SELECT coalesce(max(id), 0) FROM pending WHERE account = ? AND topic = ?", (account, topic))[0][
                0
            ]
        )

    def known(self, token: str) -> Known | None:
        """Return a target by its token."""
        rows = self.query("SELECT * FROM target WHERE token = ?", (token,))
        return _known(rows[0]) if rows else None

    def beat(self, address: str) -> None:
        """Note that the service lives."""
        with self.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO service VALUES (1, ?, ?)", (address, time.time()))

    def told(self, query: str) -> list[dict[str, Any]]:
        """Return rows as dictionaries, for ``status``."""
        return [dict(row) for row in self.query(query)]


def _known(row: sqlite3.Row) -> Known:
    return Known(
        token=row["token"],
        body=Target.model_validate_json(row["body"]),
        toms_key=row["toms_key"],
        came=bool(row["came"]),
    )
