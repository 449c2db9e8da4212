"""The ledger of a TOM that is written over REST: a SQLite file of its own, for several processes of one host."""

import contextlib
import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from bridge.errors import IdentityError, TomAwayError
from bridge.events import EventRef
from bridge.ledger.port import Count, Dead, Entry, Filter, Outcome, Parked, Position, Reason
from bridge.ledger.sqlite_rows import (
    ENTRY_COLUMNS,
    PARKED_COLUMNS,
    RAW_COLUMNS,
    Conditions,
    as_list,
    from_microseconds,
    to_dead,
    to_entry,
    to_microseconds,
    to_parked,
    to_record,
)
from bridge.ledger.sqlite_schema import check_version, errors_told, open_file
from bridge.ledger.sqlite_unit import SqliteUnit
from bridge.stream.port import Partition, Record

# Parked before duplicate: one that came again while it is parked is a duplicate, and still has to be applied.
_PRECEDENCE = (Outcome.APPLIED, Outcome.PARKED, Outcome.DUPLICATE, Outcome.DEAD, Outcome.IGNORED)
_FORGOTTEN_AT_ONCE = 10_000
_AT_ONCE = 500

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608


class SqliteLedger:
    """A ledger in the SQLite file ``path``, made where there is none. Not thread-safe; use one instance a thread.

    A file that was put in its place meanwhile (a backup that was restored) is used from the next call on. Raises
    ConfigurationError where the path can't be a ledger and NewerFileError where a newer release made it. Every method
    raises TomAwayError while the file is locked for longer than ``busy_timeout_s`` or lost.
    """

    def __init__(self, path: Path, *, busy_timeout_s: float = 10.0) -> None:
        self._path = path
        self._busy_timeout_s = busy_timeout_s
        self._tom_identity: str | None = None
        self._connection, self._file = self._open()
        self.installation = UUID(_identities(self._connection)[0])

    def _open(self) -> tuple[sqlite3.Connection, tuple[int, int]]:
        return open_file(self._path, self._busy_timeout_s), _file_identity(self._path)

    def _current(self) -> sqlite3.Connection:
        """Return a connection to the file that has the ledger's name now."""
        # A backup put back while this runs is another file; what went on into the old one would be in none.
        if _file_identity(self._path) != self._file:
            connection, file = self._open()
            installation, tom_identity = _identities(connection)
            other_tom = None not in {tom_identity, self._tom_identity} and tom_identity != self._tom_identity
            if UUID(installation) != self.installation or other_tom:
                connection.close()
                raise IdentityError(
                    f"the ledger was replaced by one of installation {installation} and TOM {tom_identity}",
                    where=str(self._path),
                    mend=f"Put back that of installation {self.installation}, then start again",
                )
            self._connection.close()
            self._connection, self._file = connection, file
        return self._connection

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with errors_told(self._path):
            connection = self._current()
            connection.execute("BEGIN IMMEDIATE")
            try:
                check_version(connection, self._path)
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        with errors_told(self._path):
            return self._current().execute(query, values).fetchall()

    def bind(self, tom_identity: str) -> None:
        """Tie the ledger to a TOM at the first call; raise IdentityError where it is tied to another."""
        with self._transaction() as connection:
            connection.execute("UPDATE ledger SET tom_identity = ? WHERE tom_identity IS NULL", (tom_identity,))
            found = connection.execute("SELECT tom_identity FROM ledger").fetchone()[0]
        if found != tom_identity:
            raise IdentityError(
                f"this ledger belongs to the TOM {found}, not to {tom_identity}",
                where=str(self._path),
                mend="Give each TOM a ledger of its own",
            )
        self._tom_identity = tom_identity

    @contextmanager
    def unit(self) -> Iterator[SqliteUnit]:
        """Collect what is written, and write it in one transaction at the end of the block."""
        unit = SqliteUnit()
        yield unit
        if unit.writes:
            with self._transaction() as connection:
                for write in unit.writes:
                    write(connection)

    def positions(self) -> dict[Partition, Position]:
        """Return all positions."""
        rows = self._rows("SELECT topic, partition, topic_id, next_offset FROM position")
        return {Partition(row[0], row[1]): Position(row[2], row[3]) for row in rows}

    def set_position(self, partition: Partition, position: Position) -> None:
        """Set a position by command, whatever it was."""
        with self._transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO position (topic, partition, topic_id, next_offset) VALUES (?, ?, ?, ?)",
                (partition.topic, partition.number, position.topic_id, position.next),
            )

    def outcomes(self, event_ids: Collection[UUID]) -> dict[UUID, Outcome]:
        """Return what became of these events: applied before parked, duplicate, dead and ignored."""
        rows = self._rows(
            "SELECT event_id, outcome FROM entry WHERE event_id IN (SELECT value FROM json_each(?))",
            (as_list([str(event_id) for event_id in event_ids]),),
        )
        found: dict[UUID, Outcome] = {}
        for row in rows:
            event_id, outcome = UUID(row["event_id"]), Outcome(row["outcome"])
            found[event_id] = min(outcome, found.get(event_id, outcome), key=_PRECEDENCE.index)
        return found

    def entries(self, wanted: Filter) -> list[Entry]:
        """Return outcomes, newest (by the stream's time) first."""
        where = Conditions(wanted)
        rows = self._rows(
            f"SELECT {ENTRY_COLUMNS} FROM entry WHERE {where} ORDER BY published_at DESC, id DESC LIMIT ?",
            [*where.values, wanted.most],
        )
        return [to_entry(row) for row in rows]

    def entry(self, partition: Partition, offset: int, published_at: datetime | None = None) -> Entry | None:
        """Return the outcome of one record (of that stream time, or the newest of that place), or None."""
        where = Conditions()
        where.add("topic = ? AND partition = ? AND record_offset = ?", partition.topic, partition.number, offset)
        if published_at is not None:
            where.add("published_at = ?", to_microseconds(published_at))
        rows = self._rows(
            f"SELECT {ENTRY_COLUMNS} FROM entry WHERE {where} ORDER BY published_at DESC LIMIT 1", where.values
        )
        return to_entry(rows[0]) if rows else None

    def recorded(self, records: Collection[Record]) -> list[Entry]:
        """Return the outcomes of these very records, as far as there are any."""
        offsets: dict[Partition, list[int]] = {}
        for record in records:
            offsets.setdefault(record.partition, []).append(record.offset)
        found = [
            to_entry(row)
            for partition, wanted in offsets.items()
            for row in self._rows(
                f"SELECT {ENTRY_COLUMNS} FROM entry WHERE topic = ? AND partition = ?"
                " AND record_offset IN (SELECT value FROM json_each(?))",
                (partition.topic, partition.number, json.dumps(wanted)),
            )
        ]
        places = {(record.partition, record.offset, record.timestamp) for record in records}
        return [entry for entry in found if (entry.partition, entry.offset, entry.published_at) in places]

    def waiting(self, keys: Collection[bytes]) -> frozenset[bytes]:
        """Return of which of these keys anything is parked."""
        wanted = list(keys)
        found: set[bytes] = set()
        for first in range(0, len(wanted), _AT_ONCE):
            some = wanted[first : first + _AT_ONCE]
            places = ", ".join("?" * len(some))
            rows = self._rows(f"SELECT DISTINCT record_key FROM parked WHERE record_key IN ({places})", some)
            found.update(row[0] for row in rows)
        return frozenset(found)

    def counts(self) -> list[Count]:
        """Return the number of records by topic, origin, kind and outcome."""
        rows = self._rows("SELECT topic, origin, kind, outcome, records FROM tally WHERE records > 0")
        return [
            Count(topic=row[0], origin=row[1], kind=row[2], outcome=Outcome(row[3]), records=row[4]) for row in rows
        ]

    def last_success(self) -> dict[str, datetime]:
        """Return for each topic when an event was last applied or a duplicate."""
        return {row[0]: from_microseconds(row[1]) for row in self._rows("SELECT topic, at FROM success")}

    def parked(
        self,
        *,
        names: Collection[str] | None = None,
        key: bytes | None = None,
        wanted: Filter | None = None,
        after: int = 0,
        most: int = 1000,
    ) -> list[Parked]:
        """Return parked things in the order of parking, those with an id above ``after``."""
        where = Conditions(wanted, parked=True)
        where.add("parked.id > ?", after)
        if names is not None:
            by_name = "SELECT parked_id FROM parked_name WHERE simple IN (SELECT value FROM json_each(?))"
            where.add(f"parked.id IN ({by_name})", as_list(names))
        if key is not None:
            where.add("parked.record_key = ?", key)
        rows = self._rows(
            f"SELECT {PARKED_COLUMNS}, {ENTRY_COLUMNS} FROM parked CROSS JOIN entry ON entry.id = parked.entry_id"
            f" WHERE {where} ORDER BY parked.id LIMIT ?",
            [*where.values, most],
        )
        return [to_parked(row) for row in rows]

    def first_in_line(self, key: bytes, *, before: int | None, kinds: Collection[str] | None) -> Parked | None:
        """Return the first whole event parked of ``key`` that holds back later ones; None where there is none."""
        where = Conditions()
        where.add(
            "parked.record_key = ? AND parked.member = '' AND parked.reason != ?", key, Reason.NEWER_VERSION.value
        )
        if before is not None:
            where.add("parked.id < ?", before)
        if kinds is not None:
            where.add("entry.kind IN (SELECT value FROM json_each(?))", as_list(kinds))
        rows = self._rows(
            f"SELECT {PARKED_COLUMNS}, {ENTRY_COLUMNS} FROM parked CROSS JOIN entry ON entry.id = parked.entry_id"
            f" WHERE {where} ORDER BY parked.id LIMIT 1",
            where.values,
        )
        return to_parked(rows[0]) if rows else None

    def raw(self, entry: Entry) -> Record | None:
        """Return the record that was kept of a parked event or dead letter; None where none is kept (any more)."""
        rows = self._rows(
            f"SELECT {ENTRY_COLUMNS}, {RAW_COLUMNS} FROM entry CROSS JOIN raw ON raw.entry_id = entry.id"
            " WHERE topic = ? AND partition = ? AND record_offset = ? AND published_at = ?",
            (entry.partition.topic, entry.partition.number, entry.offset, to_microseconds(entry.published_at)),
        )
        return to_record(rows[0]) if rows else None

    def dead(self, wanted: Filter | None = None, *, most: int = 1000) -> list[Dead]:
        """Return dead letters in the order in which they died."""
        return self._dead(Conditions(wanted), most)

    def dead_letter(self, dead_id: int) -> Dead | None:
        """Return one dead letter, or None."""
        where = Conditions()
        where.add("dead.id = ?", dead_id)
        return next(iter(self._dead(where, 1)), None)

    def _dead(self, where: Conditions, most: int) -> list[Dead]:
        rows = self._rows(
            f"SELECT dead.id AS dead_id, {ENTRY_COLUMNS} FROM dead CROSS JOIN entry ON entry.id = dead.entry_id"
            f" WHERE {where} ORDER BY dead.id LIMIT ?",
            [*where.values, most],
        )
        return [to_dead(row) for row in rows]

    def kept_bytes(self) -> int:
        """Return the bytes of all raw records kept."""
        return int(self._rows("SELECT kept_bytes FROM ledger")[0][0])

    def list_handle(self, origin: str, name: str) -> str | None:
        """Return which local list belongs to the list ``name`` of ``origin``, where one was remembered."""
        rows = self._rows("SELECT handle FROM list WHERE origin = ? AND name = ?", (origin, name))
        return str(rows[0][0]) if rows else None

    def list_handles(self) -> frozenset[str]:
        """Return all local lists that belong to a shared one."""
        return frozenset(row[0] for row in self._rows("SELECT handle FROM list"))

    @property
    def intents(self) -> "SqliteLedger":
        """The intents of this ledger."""
        return self

    def begin(self, event: EventRef, steps: Collection[str]) -> frozenset[str]:
        """Durably note that ``steps`` of an event are about to be asked for; return those of them begun before.

        Without ``steps`` nothing is noted and all begun before are returned.
        """
        if not steps:
            return frozenset(
                row[0] for row in self._rows("SELECT step FROM intent WHERE event_id = ?", [str(event.id)])
            )
        with self._transaction() as connection:
            rows = connection.execute("SELECT step FROM intent WHERE event_id = ?", (str(event.id),))
            begun = frozenset(row[0] for row in rows) & frozenset(steps)
            connection.executemany(
                "INSERT OR IGNORE INTO intent (event_id, step) VALUES (?, ?)",
                [(str(event.id), step) for step in steps if step not in begun],
            )
        return begun

    def forget(self, partition: Partition, before: int) -> int:
        """Forget outcomes of records that the stream no longer keeps (parked and dead stay); return how many."""
        forgotten = 0
        while True:
            with self._transaction() as connection:  # in pieces, so that nobody waits long for the file
                removed = connection.execute(
                    "DELETE FROM entry WHERE id IN (SELECT id FROM entry"
                    " WHERE topic = ? AND partition = ? AND record_offset < ?"
                    " AND id NOT IN (SELECT entry_id FROM raw) LIMIT ?)",
                    (partition.topic, partition.number, before, _FORGOTTEN_AT_ONCE),
                ).rowcount
            forgotten += removed
            if removed < _FORGOTTEN_AT_ONCE:
                return forgotten

    def close(self) -> None:
        """Release the file."""
        self._connection.close()


def _file_identity(path: Path) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116
    except OSError as error:
        raise TomAwayError("the ledger's file has gone", where=str(path), mend="Put it, or a backup, back") from error
    return found.st_dev, found.st_ino


def _identities(connection: sqlite3.Connection) -> tuple[str, str | None]:
    """Return the installation and the TOM that the ledger is tied to."""
    installation, tom_identity = connection.execute("SELECT installation, tom_identity FROM ledger").fetchone()
    return installation, tom_identity
