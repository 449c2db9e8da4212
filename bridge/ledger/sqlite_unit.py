"""What the SQLite ledger writes in one transaction: outcomes, what waits, dead letters, witnesses and positions."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bridge.clock import Clock
from bridge.errors import PositionLostError
from bridge.events import EventRef
from bridge.ledger import rules
from bridge.ledger.model import Entry, Reason, ToKeep
from bridge.ledger.sqlite_rows import (
    as_list,
    event_values,
    kept_values,
    moment_or_none,
    to_microseconds,
)
from bridge.stream.port import Partition, Record

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608

Write = Callable[[sqlite3.Connection], None]


@dataclass(frozen=True)
class _About:
    """What is kept beside an outcome."""

    keep: Sequence[ToKeep]
    of: Collection[str] | None
    raw: Record | None
    now: int
    """Microseconds since 1970."""


class SqliteUnit:
    """What is to be written in one transaction, in order; see :class:`bridge.ledger.port.Unit`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.writes: list[Write] = []

    def record(
        self,
        entry: Entry,
        *,
        keep: Sequence[ToKeep] = (),
        of: Collection[str] | None = None,
        raw: Record | None = None,
    ) -> None:
        """Write the outcome of an event in place of what was recorded for its place before.

        The unit's end raises ValueError where ``raw`` is needed and neither given nor kept.
        """
        rules.check(entry, keep, of_all=of is None)
        now = to_microseconds(self._clock.now())
        about = _About(tuple(keep), None if of is None else frozenset(of), raw, now)
        self.writes.append(partial(_record, entry=entry, about=about))

    def witness(self, events: Collection[EventRef]) -> None:
        """Note for ever that these events are done."""
        self.writes.append(partial(_witness, events=tuple(events)))

    def look_again(self, due: Mapping[int, datetime | None], *, looked: bool = True) -> None:
        """Say when parked things are to be looked at again."""
        self.writes.append(partial(_look_again, due=dict(due), looked=looked))

    def remember_list(self, origin: str, name: str, handle: str) -> None:
        """Remember which local list belongs to the list ``name`` of ``origin``."""
        self.writes.append(partial(_remember_list, origin=origin, name=name, handle=handle))

    def move(
        self, partition: Partition, topic_id: str, expected: int | None, next_offset: int, *, begun: bool = False
    ) -> None:
        """Set the position, where it is still ``expected``; else the unit's end raises PositionLostError."""
        began_at = to_microseconds(self._clock.now()) if begun else None
        self.writes.append(
            partial(
                _move,
                partition=partition,
                topic_id=topic_id,
                expected=expected,
                next_offset=next_offset,
                began_at=began_at,
            )
        )


def _record(connection: sqlite3.Connection, *, entry: Entry, about: _About) -> None:
    values = event_values(entry, about.now)
    known = connection.execute(
        "SELECT id FROM event WHERE topic_id = :topic_id AND partition = :partition"
        " AND record_offset = :record_offset AND number = :number",
        values,
    ).fetchone()
    if known is None:
        columns = ", ".join(values)
        places = ", ".join(f":{column}" for column in values)
        event = connection.execute(f"INSERT INTO event ({columns}) VALUES ({places})", values).lastrowid
        assert event is not None
    else:
        event = known["id"]
        settings = ", ".join(f"{column} = :{column}" for column in values)
        connection.execute(f"UPDATE event SET {settings} WHERE id = :id", {**values, "id": event})
    if known is not None or about.keep:
        _keep(connection, event, entry, about)
    if entry.event_id is not None and rules.ends_intents(entry):
        connection.execute("DELETE FROM begun WHERE event_id = ?", (str(entry.event_id),))


def _keep(connection: sqlite3.Connection, event: int, entry: Entry, about: _About) -> None:
    """Let wait what is to wait, list what is dead, and keep the record for these alone."""
    wait = [one for one in about.keep if rules.is_parked(one.reason)]
    letters = [one for one in about.keep if not rules.is_parked(one.reason)]
    has_left = _take_out(connection, "waiting", event, about.of, [one.member for one in wait])
    _take_out(connection, "letter", event, about.of, [one.member for one in letters])
    for one in wait:
        _let_wait(connection, event, entry, one)
    connection.executemany(
        "INSERT INTO letter (event, member, reason, detail) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (event, member) DO UPDATE SET reason = excluded.reason, detail = excluded.detail",
        [(event, one.member, one.reason.value, rules.detail_text(one.detail)) for one in letters],
    )
    if has_left:
        connection.execute(
            "UPDATE waiting SET due_at = ? WHERE topic_id = ? AND partition = ? AND record_key = ? AND holds"
            " AND reason = ?",
            (about.now, entry.topic_id, entry.partition.number, entry.key, Reason.WAITS_BEHIND.value),
        )
    _keep_record(connection, entry, rules.kept(about.keep), about.raw)


def _take_out(
    connection: sqlite3.Connection, table: str, event: int, of: Collection[str] | None, stay: Collection[str]
) -> bool:
    """Remove what is no longer kept of an event; return whether something has left its line by that."""
    where = "event = ? AND member NOT IN (SELECT value FROM json_each(?))"
    values: list[object] = [event, as_list(stay)]
    if of is not None:
        where += " AND member IN (SELECT value FROM json_each(?))"
        values.append(as_list(of))
    held = 0
    if table == "waiting":
        (held,) = connection.execute(f"SELECT max(holds) FROM waiting WHERE {where}", values).fetchone()
    connection.execute(f"DELETE FROM {table} WHERE {where}", values)
    return bool(held)


def _let_wait(connection: sqlite3.Connection, event: int, entry: Entry, one: ToKeep) -> None:
    """Let one thing wait, or give it another reason in the place that it has."""
    connection.execute(
        "INSERT INTO waiting (event, member, reason, detail, topic_id, partition, record_offset, number, record_key,"
        " holds, due_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event, member) DO UPDATE SET"
        " looks = CASE WHEN reason = excluded.reason THEN looks + 1 ELSE 0 END, tries = 0,"
        " reason = excluded.reason, detail = excluded.detail, holds = excluded.holds, due_at = excluded.due_at",
        (
            event,
            one.member,
            one.reason.value,
            rules.detail_text(one.detail),
            entry.topic_id,
            entry.partition.number,
            entry.offset,
            entry.number,
            entry.key,
            rules.holds_back(one.reason, one.member),
            moment_or_none(one.due_at),
        ),
    )
    (waiting,) = connection.execute(
        "SELECT id FROM waiting WHERE event = ? AND member = ?", (event, one.member)
    ).fetchone()
    connection.execute("DELETE FROM waiting_name WHERE waiting = ?", (waiting,))
    connection.execute(
        "INSERT INTO waiting_name (simple, waiting) SELECT value, ? FROM json_each(?)",
        (waiting, as_list(sorted(one.names))),
    )


def _keep_record(connection: sqlite3.Connection, entry: Entry, wanted: rules.Keep, raw: Record | None) -> None:
    """Keep as much of the record as its events need; nothing of it where none of them does any more."""
    place = (entry.topic_id, entry.partition.number, entry.offset)
    at = "topic_id = ? AND partition = ? AND record_offset = ?"
    if wanted is rules.Keep.NOTHING:
        waits = f"SELECT 1 FROM waiting WHERE {at}"
        dead = f"SELECT 1 FROM letter JOIN event ON event.id = letter.event WHERE {at}"
        connection.execute(f"DELETE FROM kept WHERE {at} AND NOT EXISTS ({waits}) AND NOT EXISTS ({dead})", place * 3)
        return
    there = connection.execute(f"SELECT size = length(value) AS whole FROM kept WHERE {at}", place).fetchone()
    if there is not None and (there["whole"] or wanted is rules.Keep.HEAD or raw is None):
        return
    if raw is None:
        raise ValueError(f"{entry.where} is {entry.outcome}, but its record is missing")
    connection.execute(f"DELETE FROM kept WHERE {at}", place)
    connection.execute(
        "INSERT INTO kept VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        kept_values(raw, rules.HEAD_BYTES if wanted is rules.Keep.HEAD else None),
    )


def _witness(connection: sqlite3.Connection, *, events: Sequence[EventRef]) -> None:
    connection.executemany(
        "INSERT INTO done VALUES (?, ?, 'done') ON CONFLICT DO NOTHING",
        [(event.origin, str(event.id)) for event in events],
    )
    connection.executemany(
        "DELETE FROM begun WHERE event_id = ? AND origin IN (?, '')",
        [(str(event.id), event.origin) for event in events],
    )


def _look_again(connection: sqlite3.Connection, *, due: Mapping[int, datetime | None], looked: bool) -> None:
    connection.executemany(
        "UPDATE waiting SET due_at = ?, looks = looks + ?, tries = 0 WHERE id = ?",
        [(moment_or_none(moment), int(looked), waiting) for waiting, moment in due.items()],
    )


def _remember_list(connection: sqlite3.Connection, *, origin: str, name: str, handle: str) -> None:
    connection.execute("INSERT OR REPLACE INTO list (origin, name, handle) VALUES (?, ?, ?)", (origin, name, handle))


def _move(
    connection: sqlite3.Connection,
    *,
    partition: Partition,
    topic_id: str,
    expected: int | None,
    next_offset: int,
    began_at: int | None,
) -> None:
    place = (partition.topic, partition.number)
    if expected is None:
        moved = connection.execute(
            "INSERT OR IGNORE INTO position (topic, partition, topic_id, next_offset) VALUES (?, ?, ?, ?)",
            (*place, topic_id, next_offset),
        )
    else:
        moved = connection.execute(
            "UPDATE position SET next_offset = ?, tries = ?, tries_since = ?"
            " WHERE topic = ? AND partition = ? AND topic_id = ? AND next_offset = ?",
            (next_offset, int(began_at is not None), began_at, *place, topic_id, expected),
        )
    if moved.rowcount != 1:
        raise position_lost(partition, expected)


def position_lost(partition: Partition, expected: int | None) -> PositionLostError:
    """Return the error for a position that is not where this process left it."""
    return PositionLostError(
        f"the position is no longer {'unset' if expected is None else expected}, as this process left it",
        where=str(partition),
        mend="Another process goes on from there",
    )
