"""An outbox in a SQLite file: of its own, or in one that holds more, so that one transaction accepts and remembers."""

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import AwayError
from bridge.publishing.outbox import Queued, Row, State, Waiting
from bridge.publishing.packing import Packed
from bridge.sqlite_file import Format, SqliteFile, Step

_AT_ONCE = 500

TABLES: Step = (
    # Times are ISO 8601 (UTC). The id is the place in the order: a transaction that writes holds the lock from its
    # start, so that ids are committed in their order.
    """CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        share_id TEXT NOT NULL,
        event_id TEXT NOT NULL UNIQUE,
        topic TEXT NOT NULL,
        record_key BLOB NOT NULL,
        kind TEXT NOT NULL,
        subject TEXT NOT NULL,
        items INTEGER NOT NULL,
        format TEXT NOT NULL,
        payload BLOB,
        state TEXT NOT NULL DEFAULT 'queued',
        reason TEXT NOT NULL DEFAULT '',
        created TEXT NOT NULL,
        sent_at TEXT)""",
    "CREATE INDEX outbox_queued ON outbox (topic, id) WHERE state = 'queued'",
    "CREATE INDEX outbox_refused ON outbox (id) WHERE state = 'refused'",
    "CREATE INDEX outbox_kept ON outbox (sent_at) WHERE state = 'sent' AND payload IS NOT NULL",
)
"""What a file needs to hold an outbox."""

OUTBOX = Format(
    what="the outbox",
    where="state",
    application_id=0x54424F42,  # TBOB
    steps=(TABLES,),
    away=AwayError,
    mend="Put back a backup of it, or move it away: what it had not sent is lost then",
)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How far an outbox has come."""

    queued: int
    oldest: datetime | None
    """Since when the oldest of them waits."""
    waits_for: dict[str, str]
    """What the topics wait for, of which that is known."""
    refused: int
    refusals: tuple[tuple[str, str], ...]
    """The last of them: what, and why."""
    sent: int


def put(connection: sqlite3.Connection, topic: str, rows: Sequence[Packed]) -> None:
    """Accept ``rows`` to be published on ``topic``, in the transaction that is open."""
    accepted = _now()
    connection.executemany(
        "INSERT INTO outbox (share_id, event_id, topic, record_key, kind, subject, items, format, payload, created)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                str(row.share_id),
                str(row.id),
                topic,
                row.key,
                row.kind,
                row.subject,
                row.items,
                row.format,
                row.payload,
                accepted,
            )
            for row in rows
        ],
    )


class SqliteOutbox(SqliteFile):
    """The outbox in the file ``path``: see :class:`bridge.publishing.outbox.Outbox`."""

    def __init__(self, path: Path, form: Format = OUTBOX, *, busy_timeout_s: float = 10.0) -> None:
        super().__init__(path, form, busy_timeout_s=busy_timeout_s)

    def accept(self, topic: str, rows: Sequence[Packed]) -> None:
        """Accept ``rows`` to be published on ``topic``: durable when this returns."""
        with self.transaction() as connection:
            put(connection, topic, rows)

    def waiting(self, stream: str, *, without: Collection[str], most: int) -> list[Waiting]:
        """Return the first ``most`` queued rows for the stream of this label, but for topics in ``without``."""
        rows = self.query(
            "SELECT id, topic, record_key, length(payload) FROM outbox WHERE state = 'queued'"
            " AND CASE ?1 WHEN '' THEN instr(topic, ':') = 0 ELSE substr(topic, 1, length(?1) + 1) = ?1 || ':' END"
            " AND topic NOT IN (SELECT value FROM json_each(?2)) ORDER BY id LIMIT ?3",
            (stream, json.dumps(list(without)), most),
        )
        return [Waiting(id=row[0], topic=row[1], key=row[2], size=row[3] or 0) for row in rows]

    def rows(self, ids: Collection[int]) -> list[Row]:
        """Return these rows, those of them that are queued, in order."""
        found = self.query(
            "SELECT id, topic, record_key, payload, format FROM outbox WHERE state = 'queued'"
            " AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (json.dumps(list(ids)),),
        )
        return [Row(id=row[0], topic=row[1], key=row[2], payload=row[3] or b"", format=row[4]) for row in found]

    def topics(self) -> set[str]:
        """Return the topics of all that is queued."""
        return {row[0] for row in self.query("SELECT DISTINCT topic FROM outbox WHERE state = 'queued'")}

    def queued(self) -> Queued:
        """Return how much waits to be sent."""
        events, oldest = self.query("SELECT count(*), min(created) FROM outbox WHERE state = 'queued'")[0]
        return Queued(events=events, oldest=datetime.fromisoformat(oldest) if oldest else None)

    def mark_sent(self, ids: Sequence[int]) -> None:
        """Note that the stream has these rows."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE outbox SET state = 'sent', sent_at = ?, reason = '' WHERE state = 'queued'"
                " AND id IN (SELECT value FROM json_each(?))",
                (_now(), json.dumps(list(ids))),
            )

    def mark_refused(self, row: int, reason: str) -> None:
        """Note that the stream will never take this row."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE outbox SET state = 'refused', reason = ? WHERE state = 'queued' AND id = ?", (reason, row)
            )

    def wait_for(self, topic: str, reason: str) -> None:
        """Note what the queued rows of ``topic`` wait for."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE outbox SET reason = ?1 WHERE state = 'queued' AND topic = ?2 AND reason != ?1", (reason, topic)
            )

    def clean(self, before: datetime) -> None:
        """Forget the content of what was sent before that moment."""
        long_ago = "SELECT id FROM outbox WHERE state = 'sent' AND payload IS NOT NULL AND sent_at < ? LIMIT ?"
        while ids := [row[0] for row in self.query(long_ago, (before.isoformat(), _AT_ONCE))]:
            with self.transaction() as connection:
                connection.execute(
                    "UPDATE outbox SET payload = NULL WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)
                )

    def summary(self, most: int = 10) -> Summary:
        """Return how far all has come, with the last ``most`` that were refused."""
        numbers = {row[0]: row[1] for row in self.query("SELECT state, count(*) FROM outbox GROUP BY state")}
        queued = self.queued()
        reasons = self.query("SELECT DISTINCT topic, reason FROM outbox WHERE state = 'queued' AND reason != ''")
        refused = self.query(
            "SELECT kind, subject, topic, reason FROM outbox WHERE state = 'refused' ORDER BY id DESC LIMIT ?", (most,)
        )
        return Summary(
            queued=queued.events,
            oldest=queued.oldest,
            waits_for={row[0]: row[1] for row in reasons},
            refused=numbers.get(State.REFUSED, 0),
            refusals=tuple((f"{row[0]} of {row[1]} to {row[2]}", row[3]) for row in refused),
            sent=numbers.get(State.SENT, 0),
        )

    def rest(self) -> None:
        """Nothing grows old here."""


def _now() -> str:
    return datetime.now(UTC).isoformat()
