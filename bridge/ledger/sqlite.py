"""The ledger of a TOM that is written over REST: a SQLite file of its own, for several processes of one host."""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from bridge.events import EventRef, ShareRef
from bridge.ledger import rules
from bridge.ledger.lost import position_lost
from bridge.ledger.model import (
    Count,
    Entry,
    Filter,
    Heartbeat,
    Known,
    Outcome,
    Place,
    Position,
    ShareWords,
    Tries,
    Witness,
)
from bridge.ledger.sqlite_kept import SqliteKept
from bridge.ledger.sqlite_rows import (
    EVENT_COLUMNS,
    EVENT_OF_PLACE,
    Conditions,
    as_list,
    key_of,
    places_as_list,
    to_entry,
)
from bridge.ledger.sqlite_unit import SqliteUnit
from bridge.microseconds import from_microseconds, to_microseconds
from bridge.stream.port import Partition

_FORGOTTEN_AT_ONCE = 10_000
_SILENT = timedelta(days=1)

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608


class SqliteLedger(SqliteKept):
    """A ledger in the SQLite file ``path``, made where there is none. Not thread-safe; use one instance a thread.

    A file that was put in its place meanwhile (a backup that was restored) is used from the next call on. Raises
    ConfigurationError where the path can't be a ledger and NewerFileError where a newer release made it. Every method
    raises LedgerAwayError while the file is locked for longer than ``busy_timeout_s`` or lost.
    """

    @contextmanager
    def unit(self) -> Iterator[SqliteUnit]:
        """Collect what is written, and write it in one transaction at the end of the block."""
        unit = SqliteUnit(self._clock)
        yield unit
        if unit:
            with self.transaction() as connection:
                unit.write(connection)

    # -- positions and tries ------------------------------------------------------------------------------------------

    def positions(self) -> dict[Partition, Position]:
        """Return all positions."""
        rows = self.query("SELECT topic, partition, topic_id, next_offset FROM position")
        return {Partition(row[0], row[1]): Position(row[2], row[3]) for row in rows}

    def set_position(self, partition: Partition, position: Position) -> None:
        """Set a position by command, whatever it was."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO position (topic, partition, topic_id, next_offset) VALUES (?, ?, ?, ?)",
                (partition.topic, partition.number, position.topic_id, position.next),
            )

    def rename_topic(self, topic_id: str, old: str, new: str) -> None:
        """Call the topic of this identity ``new`` where it is called ``old``."""
        with self.transaction() as connection:
            rename = "UPDATE {} SET topic = ? WHERE topic = ? AND topic_id = ?"
            if not connection.execute(rename.format("position"), (new, old, topic_id)).rowcount:
                return
            for table in ("event", "kept"):  # the counts by topic follow the events
                connection.execute(rename.format(table), (new, old, topic_id))
            connection.execute(
                "INSERT INTO success SELECT ?, at FROM success WHERE topic = ?"
                " ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
                (new, old),
            )
            connection.execute("DELETE FROM success WHERE topic = ?", (old,))

    def tries(self) -> dict[Partition, Tries]:
        """Return for each position how often what stands there was begun."""
        rows = self.query("SELECT topic, partition, next_offset, tries, tries_since, alone_before FROM position")
        return {Partition(row[0], row[1]): _tries(row[2:]) for row in rows}

    def begin_try(self, partition: Partition, at: Position, number: int, *, alone_before: int = 0) -> Tries:
        """Durably note that what stands at the position ``at`` is begun for the ``number``-th time, before it is."""
        with self.transaction() as connection:
            place = (partition.topic, partition.number, at.topic_id, at.next)
            counted = connection.execute(
                "UPDATE position SET tries = max(tries, ?), tries_since = coalesce(tries_since, ?),"
                " alone_before = max(alone_before, ?)"
                " WHERE topic = ? AND partition = ? AND topic_id = ? AND next_offset = ?",
                (number, to_microseconds(self._clock.now()), alone_before, *place),
            )
            if counted.rowcount != 1:
                raise position_lost(partition, at.next)
            row = connection.execute(
                "SELECT next_offset, tries, tries_since, alone_before FROM position WHERE topic = ? AND partition = ?",
                place[:2],
            ).fetchone()
        return _tries(tuple(row))

    def end_try(self, partition: Partition, at: Position) -> None:
        """Take back the last try."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE position SET tries_since = CASE WHEN tries > 1 THEN tries_since END, tries = max(tries - 1, 0)"
                " WHERE topic = ? AND partition = ? AND topic_id = ? AND next_offset = ?",
                (partition.topic, partition.number, at.topic_id, at.next),
            )

    # -- events -------------------------------------------------------------------------------------------------------

    def known(self, events: Collection[EventRef]) -> dict[EventRef, Known]:
        """Return what is known of these events, for those of which anything is."""
        wanted = {key_of(event): event for event in events}
        asked = json.dumps(list(wanted))
        rows = self.query(
            "SELECT origin, event_id, witness FROM json_each(?) AS wanted CROSS JOIN done"
            " ON origin = json_extract(wanted.value, '$[0]') AND event_id = json_extract(wanted.value, '$[1]')",
            (asked,),
        )
        found = {wanted[row[0], row[1]]: Known(witness=Witness(row[2])) for row in rows}
        rows = self.query(
            "SELECT event.origin, event.event_id, event.topic_id, event.partition, event.record_offset, event.number"
            " FROM json_each(?) AS wanted CROSS JOIN event ON event.event_id = json_extract(wanted.value, '$[1]')"
            # The plus keeps SQLite from going through all that ever came of the origin.
            " AND +event.origin = json_extract(wanted.value, '$[0]')"
            " WHERE EXISTS (SELECT 1 FROM waiting WHERE waiting.event = event.id)",
            (asked,),
        )
        for row in rows:
            event = wanted[row[0], row[1]]
            known = found.get(event, Known())
            found[event] = Known(witness=known.witness, waits_at=known.waits_at | {Place(*row[2:])})
        return found

    def entries(self, wanted: Filter) -> list[Entry]:
        """Return outcomes, newest (by the stream's time) first."""
        counted = Conditions(wanted.as_counted)
        if not self.query(f"SELECT 1 FROM tally AS event WHERE {counted} AND events > 0 LIMIT 1", counted.values):
            return []  # or all of them would be looked through
        where = Conditions(wanted)
        rows = self.query(
            f"SELECT {EVENT_COLUMNS} FROM event WHERE {where} ORDER BY published_at DESC, id DESC LIMIT ?",
            [*where.values, wanted.most],
        )
        return [to_entry(row) for row in rows]

    def recorded(self, places: Collection[Place]) -> dict[Place, Entry]:
        """Return the outcomes of these very events, as far as there are any."""
        rows = self.query(
            f"SELECT {EVENT_COLUMNS} FROM json_each(?) AS wanted CROSS JOIN event ON {EVENT_OF_PLACE}",
            (places_as_list(set(places)),),
        )
        return {entry.place: entry for entry in map(to_entry, rows)}

    def words(self, shares: Collection[ShareRef]) -> dict[ShareRef, ShareWords]:
        """Return what was said of these shares, of those of which anything is kept."""
        wanted = {key_of(share): share for share in shares}
        rows = self.query(
            "SELECT words.origin, words.share_id, said FROM json_each(?) AS wanted CROSS JOIN words"
            " ON words.origin = json_extract(wanted.value, '$[0]')"
            " AND words.share_id = json_extract(wanted.value, '$[1]')",
            (json.dumps(list(wanted)),),
        )
        return {wanted[row[0], row[1]]: rules.words_of(row[2]) for row in rows}

    def name_owners(self, names: Collection[str]) -> dict[str, str]:
        """Return to which origins these display names belong, where to any."""
        rows = self.query(
            "SELECT simple, origin FROM origin_name WHERE simple IN (SELECT value FROM json_each(?))",
            (as_list(names),),
        )
        return {row[0]: row[1] for row in rows}

    def counts(self) -> list[Count]:
        """Return the number of events by topic, origin, kind and outcome."""
        rows = self.query("SELECT topic, origin, kind, outcome, events FROM tally WHERE events > 0")
        return [Count(topic=row[0], origin=row[1], kind=row[2], outcome=Outcome(row[3]), events=row[4]) for row in rows]

    def last_success(self) -> dict[str, datetime]:
        """Return for each topic when an event was last applied or a duplicate."""
        return {row[0]: from_microseconds(row[1]) for row in self.query("SELECT topic, at FROM success")}

    def last_outcomes(self) -> dict[str, datetime]:
        """Return for each topic with a position when the outcome of the last record of a partition was recorded."""
        rows = self.query(
            "SELECT position.topic, (SELECT recorded_at FROM event WHERE event.topic_id = position.topic_id"
            " AND event.partition = position.partition ORDER BY record_offset DESC, number DESC LIMIT 1) AS at"
            " FROM position ORDER BY at"
        )
        # Of several partitions the latest stays.
        return {row[0]: from_microseconds(row[1]) for row in rows if row[1] is not None}

    def forget(self, partition: Partition, topic_id: str, before: int) -> int:
        """Forget outcomes of records that the stream no longer keeps; return how many."""
        forgotten = 0
        while True:
            with self.transaction() as connection:  # in pieces, so that nobody waits long for the file
                removed = connection.execute(
                    "DELETE FROM event WHERE id IN (SELECT id FROM event"
                    " WHERE topic_id = ? AND partition = ? AND record_offset < ?"
                    " AND NOT EXISTS (SELECT 1 FROM waiting WHERE waiting.event = event.id)"
                    " AND NOT EXISTS (SELECT 1 FROM letter WHERE letter.event = event.id) LIMIT ?)"
                    " RETURNING origin, share_id",
                    (topic_id, partition.number, before, _FORGOTTEN_AT_ONCE),
                ).fetchall()
                connection.executemany(
                    "DELETE FROM words WHERE origin = ? AND share_id = ? AND NOT EXISTS (SELECT 1 FROM event"
                    " WHERE event.share_id = words.share_id AND +event.origin = words.origin)",  # see above
                    {tuple(row) for row in removed},
                )
                connection.execute("DELETE FROM tally WHERE events <= 0")
            forgotten += len(removed)
            if len(removed) < _FORGOTTEN_AT_ONCE:
                return forgotten

    # -- the rest -----------------------------------------------------------------------------------------------------

    def list_handle(self, origin: str, name: str) -> str | None:
        """Return which local list belongs to the list ``name`` of ``origin``, where one was remembered."""
        rows = self.query("SELECT handle FROM list WHERE origin = ? AND name = ?", (origin, name))
        return str(rows[0][0]) if rows else None

    @property
    def intents(self) -> "SqliteLedger":
        """The intents of this ledger."""
        return self

    def begin(self, event: EventRef, steps: Collection[str]) -> frozenset[str]:
        """Durably note that ``steps`` of an event are about to be asked for; return those of them begun before.

        Without ``steps`` nothing is noted and all begun before are returned.
        """
        # Without an origin: begun under an earlier release by a process that was killed.
        begun_before = "SELECT step FROM begun WHERE origin IN (?, '') AND event_id = ?"
        whose = key_of(event)
        if not steps:
            return frozenset(row[0] for row in self.query(begun_before, whose))
        these = f"{begun_before} AND step IN (SELECT value FROM json_each(?))"  # of a long list not all, at each
        with self.transaction() as connection:
            begun = frozenset(row[0] for row in connection.execute(these, (*whose, as_list(steps))))
            connection.execute(
                "INSERT OR IGNORE INTO begun (origin, event_id, step) SELECT ?, ?, value FROM json_each(?)",
                (*whose, as_list([step for step in steps if step not in begun])),
            )
        return begun

    def note_written(self, digests: Collection[bytes]) -> None:
        """Durably note rows that were written."""
        if digests:
            with self.transaction() as connection:
                connection.executemany("INSERT OR IGNORE INTO wrote VALUES (?)", [(digest,) for digest in digests])

    def has_written(self, digest: bytes) -> bool:
        """Return whether the row of this digest was written by the bridge."""
        return bool(self.query("SELECT 1 FROM wrote WHERE digest = ?", (digest,)))

    def beat(self, heartbeat: Heartbeat) -> None:
        """Write down what the consuming process says of itself."""
        with self.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO heartbeat VALUES (?, ?, ?, ?, ?)",
                (
                    heartbeat.process,
                    to_microseconds(heartbeat.started_at),
                    to_microseconds(heartbeat.at),
                    rules.detail_text(heartbeat.state),
                    heartbeat.ended,
                ),
            )
            connection.execute("DELETE FROM heartbeat WHERE at < ?", (to_microseconds(heartbeat.at - _SILENT),))

    def heartbeats(self) -> list[Heartbeat]:
        """Return what the processes that consume said last, the newest first."""
        rows = self.query("SELECT process, started_at, at, state, ended FROM heartbeat ORDER BY at DESC")
        return [
            Heartbeat(
                process=row[0],
                started_at=from_microseconds(row[1]),
                at=from_microseconds(row[2]),
                state=json.loads(row[3]),
                ended=bool(row[4]),
            )
            for row in rows
        ]


def _tries(row: tuple[int, int, int | None, int]) -> Tries:
    next_offset, tries, since, alone_before = row
    return Tries(
        next=next_offset,
        tries=tries,
        since=None if since is None else from_microseconds(since),
        alone_before=alone_before,
    )
