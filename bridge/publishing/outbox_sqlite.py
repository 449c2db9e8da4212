"""An outbox in a SQLite file: of its own, or in one that holds more, so that one transaction accepts and remembers."""

# ruff: noqa: S608 (what is put into statements is ours)

import json
import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import AwayError
from bridge.publishing.outbox import Queued, Row, State, Stuck, Unclear, Waiting
from bridge.publishing.packing import Packed
from bridge.sqlite_file import Format, SqliteFile, Step

_AT_ONCE = 500
_OF_STREAM = "CASE ?1 WHEN '' THEN instr(topic, ':') = 0 ELSE substr(topic, 1, length(?1) + 1) = ?1 || ':' END"
"""What is for the stream of the label that is the first parameter."""

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
UNCLEAR: Step = ("CREATE INDEX outbox_unclear ON outbox (id) WHERE state = 'unclear'",)
"""And since there are rows that are unclear, of which ``sent_at`` is when they were tried."""

OUTBOX = Format(
    what="the outbox",
    where="state",
    application_id=0x54424F42,  # TBOB
    steps=(TABLES, UNCLEAR),
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
    """The last of these, and of those below: what, and why."""
    unclear: int
    """Of how many it isn't known whether they were taken, without what is being sent now."""
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
            f"SELECT id, topic, record_key, length(payload) FROM outbox WHERE state = 'queued' AND {_OF_STREAM}"
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
                "UPDATE outbox SET state = 'sent', sent_at = ?, reason = '' WHERE state IN ('queued', 'unclear')"
                " AND id IN (SELECT value FROM json_each(?))",
                (_now(), json.dumps(list(ids))),
            )

    def mark_refused(self, row: int, reason: str) -> None:
        """Note that the stream will never take this row."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE outbox SET state = 'refused', reason = ? WHERE state IN ('queued', 'unclear') AND id = ?",
                (reason, row),
            )

    def mark_unclear(self, row: int, reason: str = "") -> None:
        """Note that this row is being sent, or that it isn't known whether it was taken."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE outbox SET sent_at = CASE state WHEN 'unclear' THEN sent_at ELSE ?1 END, state = 'unclear',"
                " reason = ?2 WHERE state IN ('queued', 'unclear') AND id = ?3",
                (_now(), reason, row),
            )

    def explain(self, row: int, reason: str) -> None:
        """Note why this row is unclear, where it still is."""
        with self.transaction() as connection:
            connection.execute("UPDATE outbox SET reason = ? WHERE state = 'unclear' AND id = ?", (reason, row))

    def unclear(self, stream: str, *, without: Collection[int], most: int) -> list[Unclear]:
        """Return the first ``most`` unclear rows for the stream of this label, but for those in ``without``."""
        rows = self.query(
            "SELECT id, topic, record_key, payload, format, sent_at, reason"
            f" FROM outbox WHERE state = 'unclear' AND {_OF_STREAM}"
            " AND id NOT IN (SELECT value FROM json_each(?2)) ORDER BY id LIMIT ?3",
            (stream, json.dumps(list(without)), most),
        )
        return [
            Unclear(
                id=row[0],
                topic=row[1],
                key=row[2],
                payload=row[3] or b"",
                format=row[4],
                tried_at=_moment(row[5]),
                reason=row[6],
            )
            for row in rows
        ]

    def stuck(self, most: int) -> list[Stuck]:
        """Return the rows that go no further by themselves, the newest first."""
        rows = self.query(
            "SELECT id, state, topic, kind, subject, reason, created, sent_at FROM outbox"
            " WHERE state = 'refused' OR state = 'unclear' AND reason != '' ORDER BY id DESC LIMIT ?",
            (most,),
        )
        return [
            Stuck(
                id=row[0],
                state=State(row[1]),
                topic=row[2],
                kind=row[3],
                subject=row[4],
                reason=row[5],
                accepted_at=_moment(row[6]),
                tried_at=_moment(row[7]) if row[7] and row[1] == State.UNCLEAR else None,
            )
            for row in rows
        ]

    def send_again(self, ids: Collection[int]) -> int:
        """Queue what is refused or unclear of these again."""
        with self.transaction() as connection:
            return connection.execute(
                "UPDATE outbox SET state = 'queued', reason = '', sent_at = NULL"
                " WHERE state IN ('refused', 'unclear') AND payload IS NOT NULL"
                " AND id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(ids)),),
            ).rowcount

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
            "SELECT kind, subject, topic, reason FROM outbox WHERE state IN ('refused', 'unclear') AND reason != ''"
            " ORDER BY id DESC LIMIT ?",
            (most,),
        )
        return Summary(
            queued=queued.events,
            oldest=queued.oldest,
            waits_for={row[0]: row[1] for row in reasons},
            refused=numbers.get(State.REFUSED, 0),
            refusals=tuple((f"{row[0]} of {row[1]} to {row[2]}", row[3]) for row in refused),
            unclear=self.query("SELECT count(*) FROM outbox WHERE state = 'unclear' AND reason != ''")[0][0],
            sent=numbers.get(State.SENT, 0),
        )

    def last_accepted(self) -> int:
        """Return the id of the row that was accepted last, 0 where there is none."""
        return self.query("SELECT coalesce(max(id), 0) FROM outbox")[0][0]  # type: ignore[no-any-return]

    def rest(self) -> None:
        """Nothing grows old here."""


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _now() -> str:
    return datetime.now(UTC).isoformat()
