"""What the SQLite ledger keeps beside outcomes: what waits, what is dead, and the records of these alone."""

import sqlite3
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.ledger import rules
from bridge.ledger.cut import cut, has_to_change
from bridge.ledger.model import Entry, Line, Reason, ToKeep
from bridge.ledger.sqlite_rows import as_list, kept_values, moment_or_none, to_kept
from bridge.stream.port import Record

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608


@dataclass(frozen=True)
class About:
    """What is kept beside an outcome."""

    keep: Sequence[ToKeep]
    of: Collection[str] | None
    raw: Record | None
    now: int
    """Microseconds since 1970."""


def holds(connection: sqlite3.Connection, event: int) -> bool:
    """Return whether an event holds back others of its line."""
    return bool(connection.execute("SELECT max(holds) FROM waiting WHERE event = ?", (event,)).fetchone()[0])


def write_kept(connection: sqlite3.Connection, event: int, entry: Entry, about: About) -> None:
    """Let wait what is to wait, and list what is dead."""
    wait = [one for one in about.keep if rules.is_parked(one.reason)]
    letters = [one for one in about.keep if not rules.is_parked(one.reason)]
    _take_out(connection, "waiting", event, about.of, [one.member for one in wait])
    _take_out(connection, "letter", event, about.of, [one.member for one in letters])
    for one in wait:
        _let_wait(connection, event, entry, one)
    details = [rules.detail_text(one.detail, one.reason) for one in letters]
    connection.executemany(
        "INSERT INTO letter (event, member, reason, detail, counted) VALUES (?, ?, ?, ?, ?) ON CONFLICT (event, member)"
        " DO UPDATE SET reason = excluded.reason, detail = excluded.detail, counted = excluded.counted",
        [
            (event, rules.storable(one.member), one.reason.value, detail, rules.counted_bytes(detail))
            for one, detail in zip(letters, details, strict=True)
        ],
    )


def _take_out(
    connection: sqlite3.Connection, table: str, event: int, of: Collection[str] | None, stay: Collection[str]
) -> None:
    """Remove what is no longer kept of an event."""
    where = "event = ? AND member NOT IN (SELECT value FROM json_each(?))"
    values: list[object] = [event, as_list(stay)]
    if of is not None:
        where += " AND member IN (SELECT value FROM json_each(?))"
        values.append(as_list(of))
    connection.execute(f"DELETE FROM {table} WHERE {where}", values)


def _let_wait(connection: sqlite3.Connection, event: int, entry: Entry, one: ToKeep) -> None:
    """Let one thing wait, or give it another reason in the place that it has."""
    member = rules.storable(one.member)
    detail = rules.detail_text(one.detail, one.reason)
    connection.execute(
        "INSERT INTO waiting (event, member, reason, detail, counted, topic_id, partition, record_offset, number,"
        " record_key, holds, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event, member)"
        " DO UPDATE SET looks = CASE WHEN reason = excluded.reason THEN looks + 1 ELSE 0 END, tries = 0,"
        " reason = excluded.reason, detail = excluded.detail, counted = excluded.counted,"
        " record_key = excluded.record_key, holds = excluded.holds, due_at = excluded.due_at",
        (
            event,
            member,
            one.reason.value,
            detail,
            rules.counted_bytes(detail),
            entry.topic_id,
            entry.partition.number,
            entry.offset,
            entry.number,
            entry.key,
            rules.holds_back(one.reason, member),
            moment_or_none(one.due_at),
        ),
    )
    (waiting,) = connection.execute("SELECT id FROM waiting WHERE event = ? AND member = ?", (event, member)).fetchone()
    names = as_list(sorted(one.names))
    connection.execute(
        "DELETE FROM waiting_name WHERE waiting = ? AND simple NOT IN (SELECT value FROM json_each(?))",
        (waiting, names),
    )
    connection.execute(
        "INSERT OR IGNORE INTO waiting_name (simple, waiting) SELECT value, ? FROM json_each(?)", (waiting, names)
    )


def keep_record(connection: sqlite3.Connection, entry: Entry, raw: Record | None) -> None:
    """Keep as much of the record as its events need; nothing of it where none of them does any more."""
    place = (entry.topic_id, entry.partition.number, entry.offset)
    at = "topic_id = ? AND partition = ? AND record_offset = ?"
    reasons = connection.execute(
        f"SELECT reason FROM waiting WHERE {at} UNION SELECT letter.reason FROM event CROSS JOIN letter"
        f" ON letter.event = event.id WHERE {at}",
        place * 2,
    )
    wanted = rules.kept([Reason(row[0]) for row in reasons])
    there = connection.execute(f"SELECT whole, bytes FROM kept WHERE {at}", place).fetchone()
    if wanted is rules.Keep.NOTHING and there is not None:
        connection.execute(f"DELETE FROM kept WHERE {at}", place)
    if not has_to_change(wanted, *((bool(there["whole"]), there["bytes"]) if there else (None, 0))):
        return
    if raw is None and there is not None and there["whole"]:
        raw = to_kept(connection.execute(f"SELECT * FROM kept WHERE {at}", place).fetchone()).record
    if raw is None:
        raise ValueError(f"{entry.where} is {entry.outcome}, but its record is missing")
    connection.execute(f"DELETE FROM kept WHERE {at}", place)
    (kept_bytes,) = connection.execute("SELECT kept_bytes FROM ledger").fetchone()
    columns = kept_values(entry, cut(raw, wanted, kept_bytes))
    connection.execute(f"INSERT INTO kept VALUES ({', '.join('?' * len(columns))})", columns)


def move_up(connection: sqlite3.Connection, lines: Collection[Line], now: int) -> None:
    """Make due what waits behind another in these lines."""
    connection.executemany(
        "UPDATE waiting SET due_at = ? WHERE topic_id = ? AND partition = ? AND record_key = ? AND holds"
        " AND reason = ? AND coalesce(due_at > ?, true)",
        [(now, line.topic_id, line.partition, line.key, Reason.WAITS_BEHIND.value, now) for line in lines],
    )
