"""What the SQLite ledger writes in one transaction: outcomes, parked events, dead letters and positions."""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from bridge.errors import PositionLostError
from bridge.ledger.port import Entry, Outcome, Reason, ToPark
from bridge.ledger.sqlite_rows import as_list, entry_values, raw_values, to_json, to_microseconds
from bridge.stream.port import Partition, Record

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608


class SqliteUnit:
    """What is to be written in one transaction, in order."""

    def __init__(self) -> None:
        self.writes: list[Callable[[sqlite3.Connection], None]] = []

    def record(self, entry: Entry, *, park: Sequence[ToPark] = (), raw: Record | None = None) -> None:
        """Write the outcome of a record in place of what was recorded for it before.

        Raises ValueError for a parked entry without anything to park; the unit's end raises it where ``raw`` is needed
        and neither given nor kept.
        """
        if entry.outcome is Outcome.PARKED and not park:
            raise ValueError(f"{entry.partition}@{entry.offset} is to be parked, but nothing says until when")
        self.writes.append(partial(_record, entry=entry, park=tuple(park), raw=raw))

    def release(self, parked_id: int) -> None:
        """Take one parked thing out; the raw record goes with the last one of it."""
        self.writes.append(partial(_release, parked_id=parked_id))

    def remember_list(self, origin: str, name: str, handle: str) -> None:
        """Remember which local list belongs to the list ``name`` of ``origin``."""
        self.writes.append(partial(_remember_list, origin=origin, name=name, handle=handle))

    def move(self, partition: Partition, topic_id: str, expected: int | None, next_offset: int) -> None:
        """Set the position, where it is still ``expected``; else the unit's end raises PositionLostError."""
        self.writes.append(
            partial(_move, partition=partition, topic_id=topic_id, expected=expected, next_offset=next_offset)
        )


def _record(connection: sqlite3.Connection, *, entry: Entry, park: Sequence[ToPark], raw: Record | None) -> None:
    values = entry_values(entry, to_microseconds(datetime.now(UTC)))
    known = connection.execute(
        "SELECT id FROM entry WHERE topic = :topic AND partition = :partition"
        " AND record_offset = :record_offset AND published_at = :published_at",
        values,
    ).fetchone()
    if known is None:
        columns = ", ".join(values)
        places = ", ".join(f":{column}" for column in values)
        entry_id = connection.execute(f"INSERT INTO entry ({columns}) VALUES ({places})", values).lastrowid
        assert entry_id is not None
    else:
        entry_id = known["id"]
        settings = ", ".join(f"{column} = :{column}" for column in values)
        connection.execute(f"UPDATE entry SET {settings} WHERE id = :id", {**values, "id": entry_id})
    if known is not None or park or entry.outcome is Outcome.DEAD:
        _keep(connection, entry_id, entry, park, raw)
    if entry.event_id is not None and _settled(entry):
        connection.execute("DELETE FROM intent WHERE event_id = ?", (str(entry.event_id),))


def _settled(entry: Entry) -> bool:
    """Return whether nothing of the event will be asked of the TOM again, unless by replay.

    What is parked or dead may be tried later and has to find what it had begun.
    """
    return entry.outcome in {Outcome.APPLIED, Outcome.DUPLICATE} or entry.reason is Reason.DROPPED


def _keep(
    connection: sqlite3.Connection, entry_id: int, entry: Entry, park: Sequence[ToPark], raw: Record | None
) -> None:
    """Park what is to be parked of a record, list it as dead where it is, and keep the raw bytes for these alone."""
    members = as_list([wanted.member for wanted in park])
    connection.execute(
        "DELETE FROM parked WHERE entry_id = ? AND member NOT IN (SELECT value FROM json_each(?))",
        (entry_id, members),
    )
    if raw is not None and (park or entry.outcome is Outcome.DEAD):
        connection.execute("DELETE FROM raw WHERE entry_id = ?", (entry_id,))
        connection.execute(
            "INSERT INTO raw (entry_id, record_key, value, headers, bytes) VALUES (?, ?, ?, ?, ?)",
            raw_values(entry_id, raw),
        )
    for wanted in park:
        _park(connection, entry_id, entry.key, wanted)
    if entry.outcome is Outcome.DEAD:
        connection.execute("INSERT OR IGNORE INTO dead (entry_id) VALUES (?)", (entry_id,))
    else:
        connection.execute("DELETE FROM dead WHERE entry_id = ?", (entry_id,))
    _drop_raw(connection, entry_id)
    if park or entry.outcome is Outcome.DEAD:
        kept = connection.execute("SELECT 1 FROM raw WHERE entry_id = ?", (entry_id,)).fetchone()
        if kept is None:
            raise ValueError(f"{entry.partition}@{entry.offset} is {entry.outcome}, but its raw record is missing")


def _park(connection: sqlite3.Connection, entry_id: int, key: bytes, wanted: ToPark) -> None:
    """Park one thing, or give it another reason in the place that it has: its order is that of its first parking."""
    values = (wanted.reason.value, to_json(wanted.detail), key, entry_id, wanted.member)
    known = "SELECT id FROM parked WHERE entry_id = ? AND member = ?"
    if connection.execute(known, values[-2:]).fetchone() is None:
        connection.execute(
            "INSERT INTO parked (reason, detail, record_key, entry_id, member) VALUES (?, ?, ?, ?, ?)", values
        )
    else:
        connection.execute(
            "UPDATE parked SET reason = ?, detail = ?, record_key = ? WHERE entry_id = ? AND member = ?", values
        )
    parked_id = connection.execute(known, values[-2:]).fetchone()["id"]
    connection.execute("DELETE FROM parked_name WHERE parked_id = ?", (parked_id,))
    connection.executemany(
        "INSERT INTO parked_name (simple, parked_id) VALUES (?, ?)", [(name, parked_id) for name in wanted.names]
    )


def _release(connection: sqlite3.Connection, *, parked_id: int) -> None:
    row = connection.execute("SELECT entry_id FROM parked WHERE id = ?", (parked_id,)).fetchone()
    if row is not None:  # another process may have taken it out
        connection.execute("DELETE FROM parked WHERE id = ?", (parked_id,))
        _drop_raw(connection, row["entry_id"])


def _drop_raw(connection: sqlite3.Connection, entry_id: int) -> None:
    """Remove the raw bytes of a record of which nothing is parked and which isn't dead."""
    connection.execute(
        "DELETE FROM raw WHERE entry_id = ?1 AND NOT EXISTS (SELECT 1 FROM parked WHERE entry_id = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM dead WHERE entry_id = ?1)",
        (entry_id,),
    )


def _remember_list(connection: sqlite3.Connection, *, origin: str, name: str, handle: str) -> None:
    connection.execute("INSERT OR REPLACE INTO list (origin, name, handle) VALUES (?, ?, ?)", (origin, name, handle))


def _move(
    connection: sqlite3.Connection, *, partition: Partition, topic_id: str, expected: int | None, next_offset: int
) -> None:
    place = (partition.topic, partition.number)
    if expected is None:
        moved = connection.execute(
            "INSERT OR IGNORE INTO position (topic, partition, topic_id, next_offset) VALUES (?, ?, ?, ?)",
            (*place, topic_id, next_offset),
        )
    else:
        moved = connection.execute(
            "UPDATE position SET next_offset = ?"
            " WHERE topic = ? AND partition = ? AND topic_id = ? AND next_offset = ?",
            (next_offset, *place, topic_id, expected),
        )
    if moved.rowcount != 1:
        raise PositionLostError(
            f"the position is no longer {'unset' if expected is None else expected}, as this process left it",
            where=str(partition),
            mend="Another process goes on from there",
        )
