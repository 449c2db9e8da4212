"""What the SQLite ledger writes in one transaction: outcomes, what waits, dead letters, witnesses and positions."""

import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache, partial

from bridge.clock import Clock
from bridge.events import EventRef, Kind, ShareRef
from bridge.ledger import rules
from bridge.ledger.lost import check_outcome, position_lost
from bridge.ledger.model import Entry, Line, Place, ShareWords, ToKeep, Witness
from bridge.ledger.sqlite_keeping import About, holds, keep_record, move_up, write_kept
from bridge.ledger.sqlite_rows import EVENT_COLUMNS, event_values, key_of, moment_or_none, to_entry
from bridge.microseconds import to_microseconds
from bridge.stream.port import Partition, Record

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608

Write = Callable[[sqlite3.Connection], None]
_OF_PLACE = "topic_id = ? AND partition = ? AND record_offset = ? AND number = ?"
"""The condition that a row is of the event of a :class:`~bridge.ledger.model.Place`."""


class SqliteUnit:
    """What is to be written in one transaction, in order; see :class:`bridge.ledger.port.Unit`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._writes: list[Write] = []
        self._left: set[Line] = set()
        """Lines that something has left."""
        self._lists: dict[EventRef, Entry] = {}
        """Lists that were recorded."""
        self._words: dict[ShareRef, ShareWords] = {}

    def write(self, connection: sqlite3.Connection) -> None:
        """Write it all, in the transaction that is open."""
        for write in self._writes:
            write(connection)
        _keep_words(connection, self._words)
        if self._left:
            move_up(connection, self._left, to_microseconds(self._clock.now()))

    def __bool__(self) -> bool:
        return bool(self._writes or self._words)

    def expect(self, place: Place, entry: Entry | None) -> None:
        """Let the unit's end raise OutcomeLostError where something else is recorded of this event by then."""
        self._writes.append(partial(_expect, place=place, entry=entry))

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
        about = About(tuple(keep), None if of is None else frozenset(of), raw, now)
        self._writes.append(partial(_record, entry=rules.fitting(entry), about=about, left=self._left))
        if entry.ref is not None and entry.kind == Kind.LIST:
            self._lists[entry.ref] = entry

    def witness(self, events: Collection[EventRef]) -> None:
        """Note for ever that these events are done."""
        self._writes.append(partial(_witness, events=tuple(events), recorded=self._lists))

    def reopen(self, events: Collection[EventRef]) -> None:
        """Take back that these events are done."""
        self._writes.append(partial(_reopen, events=tuple(events)))

    def keep_words(self, said: Mapping[ShareRef, ShareWords]) -> None:
        """Keep what was said of shares, where nothing is kept yet."""
        for share, words in said.items():
            if words:
                self._words.setdefault(share, words)

    def claim_names(self, names: Mapping[str, str]) -> None:
        """Let display names belong to these origins, where nobody has them."""
        self._writes.append(partial(_claim_names, names=dict(names)))

    def look_again(self, due: Mapping[int, datetime | None], *, looked: bool = True, ended: bool = True) -> None:
        """Say when parked things are to be looked at again."""
        self._writes.append(partial(_look_again, due=dict(due), looked=looked, ended=ended))

    def remember_list(self, origin: str, name: str, handle: str) -> None:
        """Remember which local list belongs to the list ``name`` of ``origin``."""
        self._writes.append(partial(_remember_list, origin=origin, name=name, handle=handle))

    def move(
        self, partition: Partition, topic_id: str, expected: int | None, next_offset: int, *, begun: bool = False
    ) -> None:
        """Set the position, where it is still ``expected``; else the unit's end raises PositionLostError."""
        began_at = to_microseconds(self._clock.now()) if begun else None
        self._writes.append(
            partial(
                _move,
                partition=partition,
                topic_id=topic_id,
                expected=expected,
                next_offset=next_offset,
                began_at=began_at,
            )
        )


def _expect(connection: sqlite3.Connection, *, place: Place, entry: Entry | None) -> None:
    row = connection.execute(f"SELECT {EVENT_COLUMNS} FROM event WHERE {_OF_PLACE}", place).fetchone()
    check_outcome(place, None if row is None else to_entry(row), entry)


def _record(connection: sqlite3.Connection, *, entry: Entry, about: About, left: set[Line]) -> None:
    values = event_values(entry, about.now)
    known = connection.execute(f"SELECT id FROM event WHERE {_OF_PLACE}", entry.place).fetchone()
    insert, update = _statements(tuple(values))
    if known is None:
        event = connection.execute(insert, values).lastrowid
        assert event is not None
    else:
        event = known["id"]
        connection.execute(update, {**values, "id": event})
    if known is not None or about.keep:
        held = holds(connection, event)
        write_kept(connection, event, entry, about)
        keep_record(connection, entry, about.raw)
        if held and not holds(connection, event):
            left.add(entry.line)
    if entry.ref is not None and rules.ends_intents(entry):
        _end_intents(connection, [entry.ref])


@cache
def _statements(columns: tuple[str, ...]) -> tuple[str, str]:
    """Return what inserts an event, and what updates one."""
    places = ", ".join(f":{column}" for column in columns)
    settings = ", ".join(f"{column} = :{column}" for column in columns)
    return (
        f"INSERT INTO event ({', '.join(columns)}) VALUES ({places})",
        f"UPDATE event SET {settings} WHERE id = :id",
    )


def _witness(connection: sqlite3.Connection, *, events: Sequence[EventRef], recorded: Mapping[EventRef, Entry]) -> None:
    done = [event for event in events if event not in recorded or not _keeps_members(connection, recorded[event])]
    connection.executemany(
        f"INSERT INTO done VALUES (?, ?, '{Witness.DONE}') ON CONFLICT DO NOTHING",
        [key_of(event) for event in done],
    )
    _end_intents(connection, done)


def _reopen(connection: sqlite3.Connection, *, events: Sequence[EventRef]) -> None:
    connection.executemany(
        f"DELETE FROM done WHERE origin = ? AND event_id = ? AND witness = '{Witness.DONE}'",
        [key_of(event) for event in events],
    )


def _keeps_members(connection: sqlite3.Connection, entry: Entry) -> bool:
    """Return whether single members of an event are kept."""
    of_event = f"SELECT id FROM event WHERE {_OF_PLACE}"
    found = connection.execute(
        f"SELECT 1 FROM waiting WHERE event = ({of_event}) AND member != ''"
        f" UNION ALL SELECT 1 FROM letter WHERE event = ({of_event}) AND member != '' LIMIT 1",
        (*entry.place, *entry.place),
    )
    return found.fetchone() is not None


def _end_intents(connection: sqlite3.Connection, events: Sequence[EventRef]) -> None:
    """Forget what was begun for these events, also under an earlier release, which did not note whose they were."""
    connection.executemany(
        "DELETE FROM begun WHERE origin IN (?, '') AND event_id = ?", [key_of(event) for event in events]
    )


def _keep_words(connection: sqlite3.Connection, said: Mapping[ShareRef, ShareWords]) -> None:
    texts = {share: rules.words_text(words) for share, words in said.items()}
    connection.executemany(
        "INSERT OR IGNORE INTO words (origin, share_id, said, counted) VALUES (?, ?, ?, ?)",
        [(*key_of(share), text, rules.counted_bytes(text)) for share, text in texts.items()],
    )


def _claim_names(connection: sqlite3.Connection, *, names: Mapping[str, str]) -> None:
    connection.executemany("INSERT OR IGNORE INTO origin_name (simple, origin) VALUES (?, ?)", list(names.items()))


def _look_again(
    connection: sqlite3.Connection, *, due: Mapping[int, datetime | None], looked: bool, ended: bool
) -> None:
    connection.executemany(
        "UPDATE waiting SET due_at = ?, looks = looks + ?, tries = tries * ? WHERE id = ?",
        [(moment_or_none(moment), int(looked), int(not ended), waiting) for waiting, moment in due.items()],
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
    following = (next_offset, int(began_at is not None), began_at)
    if expected is None:
        moved = connection.execute(
            "INSERT OR IGNORE INTO position (next_offset, tries, tries_since, topic, partition, topic_id)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*following, *place, topic_id),
        )
    else:
        moved = connection.execute(
            "UPDATE position SET next_offset = ?, tries = ?, tries_since = ?"
            " WHERE topic = ? AND partition = ? AND topic_id = ? AND next_offset = ?",
            (*following, *place, topic_id, expected),
        )
    if moved.rowcount != 1:
        raise position_lost(partition, expected)
