"""What waits and what is dead, as the SQLite ledger finds it."""

from collections.abc import Collection, Mapping
from datetime import datetime

from bridge.ledger.model import Dead, Filter, Kept, Line, Parked, Place, Reason, Sums
from bridge.ledger.rules import LONGEST_PUT_OFF
from bridge.ledger.sqlite_rows import (
    EVENT_COLUMNS,
    EVENT_OF_PLACE,
    LETTER_COLUMNS,
    WAITING_COLUMNS,
    Conditions,
    as_list,
    lines_as_list,
    places_as_list,
    to_dead,
    to_kept,
    to_parked,
)
from bridge.ledger.sqlite_store import SqliteStore
from bridge.microseconds import to_microseconds

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608

_WAITING = f"SELECT {WAITING_COLUMNS}, {EVENT_COLUMNS} FROM waiting CROSS JOIN event ON event.id = waiting.event"
_IN_LINE = "waiting.topic_id, waiting.partition, waiting.record_offset, waiting.number, waiting.id"


class SqliteKept(SqliteStore):
    """What a ledger keeps of events until their reason is gone; see :class:`bridge.ledger.port.Ledger`."""

    def parked(
        self, wanted: Filter | None = None, *, ids: Collection[int] | None = None, after: int = 0, most: int = 1000
    ) -> list[Parked]:
        """Return what is parked by its id, those with an id above ``after``."""
        where = Conditions(wanted, kept_in="waiting")
        where.add("waiting.id > ?", after)
        if ids is not None:
            where.add("waiting.id IN (SELECT value FROM json_each(?))", _numbers(ids))
        return [
            to_parked(row)
            for row in self.query(f"{_WAITING} WHERE {where} ORDER BY waiting.id LIMIT ?", [*where.values, most])
        ]

    def due(self, now: datetime, *, most: int = 1000) -> list[Parked]:
        """Return what is due by itself, the longest due first."""
        rows = self.query(
            f"{_WAITING} WHERE waiting.due_at <= ? OR waiting.due_at > ? ORDER BY waiting.due_at, {_IN_LINE} LIMIT ?",
            (to_microseconds(now), to_microseconds(now + LONGEST_PUT_OFF), most),
        )
        return [to_parked(row) for row in rows]

    def sought(self, *, after: str = "", most: int = 5000) -> list[str]:
        """Return simplified names that something without a target waits for, in their order, those after ``after``."""
        rows = self.query(
            "SELECT DISTINCT simple FROM waiting_name CROSS JOIN waiting ON waiting.id = waiting_name.waiting"
            " WHERE simple > ? AND waiting.reason = ? ORDER BY simple LIMIT ?",
            (after, Reason.NO_TARGET.value, most),
        )
        return [row[0] for row in rows]

    def named(self, names: Collection[str], now: datetime, *, most: int = 1000) -> list[Parked]:
        """Return what waits for one of these simplified names and is not put off until after ``now``."""
        by_name = "SELECT waiting FROM waiting_name WHERE simple IN (SELECT value FROM json_each(?))"
        rows = self.query(
            f"{_WAITING} WHERE waiting.id IN ({by_name}) AND waiting.reason = ?"
            " AND (waiting.due_at IS NULL OR waiting.due_at <= ? OR waiting.due_at > ?)"
            f" ORDER BY {_IN_LINE} LIMIT ?",
            (
                as_list(names),
                Reason.NO_TARGET.value,
                to_microseconds(now),
                to_microseconds(now + LONGEST_PUT_OFF),
                most,
            ),
        )
        return [to_parked(row) for row in rows]

    def lines(
        self, lines: Collection[Line], *, kinds: Collection[str] | None = None, most: int = 1
    ) -> dict[Line, list[Parked]]:
        """Return the first ``most`` whole events that wait in each of these lines and hold back others."""
        of_kinds = "" if kinds is None else " AND kind IN (SELECT value FROM json_each(?))"
        first = (  # of each line by its index, however long it is
            "SELECT one.id FROM waiting AS one CROSS JOIN event ON event.id = one.event"
            " WHERE one.topic_id = json_extract(wanted.value, '$[0]')"
            " AND one.partition = json_extract(wanted.value, '$[1]')"
            f" AND one.record_key = from_hex(json_extract(wanted.value, '$[2]')) AND one.holds{of_kinds}"
            " ORDER BY one.record_offset, one.number LIMIT ?"
        )
        rows = self.query(
            f"SELECT {WAITING_COLUMNS}, {EVENT_COLUMNS} FROM json_each(?) AS wanted CROSS JOIN waiting"
            f" ON waiting.id IN ({first}) CROSS JOIN event ON event.id = waiting.event"
            " ORDER BY waiting.record_offset, waiting.number",
            (lines_as_list(set(lines)), *(() if kinds is None else (as_list(kinds),)), most),
        )
        found: dict[Line, list[Parked]] = {}
        for row in rows:
            parked = to_parked(row)
            found.setdefault(parked.entry.line, []).append(parked)
        return found

    def members(self, places: Collection[Place]) -> dict[Place, list[Parked]]:
        """Return the list members that are parked of these events."""
        rows = self.query(
            f"SELECT {WAITING_COLUMNS}, {EVENT_COLUMNS} FROM json_each(?) AS wanted"
            f" CROSS JOIN event ON {EVENT_OF_PLACE}"
            " CROSS JOIN waiting ON waiting.event = event.id WHERE waiting.member != '' ORDER BY waiting.id",
            (places_as_list(set(places)),),
        )
        found: dict[Place, list[Parked]] = {}
        for row in rows:
            parked = to_parked(row)
            found.setdefault(parked.entry.place, []).append(parked)
        return found

    def begin_parked(self, numbers: Mapping[int, int]) -> None:
        """Durably note of what is parked that it is begun for the so-manieth time, before it is."""
        with self.transaction() as connection:
            connection.executemany(
                "UPDATE waiting SET tries = max(tries, ?) WHERE id = ?",
                [(number, waiting) for waiting, number in numbers.items()],
            )

    def end_parked(self, ids: Collection[int]) -> None:
        """Note that looks at what is parked have come to an end."""
        with self.transaction() as connection:
            connection.execute(
                "UPDATE waiting SET tries = 0 WHERE id IN (SELECT value FROM json_each(?))", (_numbers(ids),)
            )

    def dead(self, wanted: Filter | None = None, *, after: int = 0, most: int = 1000) -> list[Dead]:
        """Return dead letters in the order in which they died, those with an id above ``after``."""
        where = Conditions(wanted, kept_in="letter")
        where.add("letter.id > ?", after)
        return self._dead(where, most)

    def dead_letter(self, dead_id: int) -> Dead | None:
        """Return one dead letter, or None."""
        where = Conditions()
        where.add("letter.id = ?", dead_id)
        return next(iter(self._dead(where, 1)), None)

    def _dead(self, where: Conditions, most: int) -> list[Dead]:
        rows = self.query(
            f"SELECT {LETTER_COLUMNS}, {EVENT_COLUMNS} FROM letter CROSS JOIN event ON event.id = letter.event"
            f" WHERE {where} ORDER BY letter.id LIMIT ?",
            [*where.values, most],
        )
        return [to_dead(row) for row in rows]

    def raw(self, places: Collection[Place]) -> dict[Place, Kept]:
        """Return the records that are kept of these events."""
        rows = self.query(
            "SELECT kept.* FROM json_each(?) AS wanted CROSS JOIN kept"
            " ON kept.topic_id = json_extract(wanted.value, '$[0]')"
            " AND kept.partition = json_extract(wanted.value, '$[1]')"
            " AND kept.record_offset = json_extract(wanted.value, '$[2]')",
            (places_as_list({place._replace(number=0) for place in places}),),
        )
        found = {(row["topic_id"], row["partition"], row["record_offset"]): to_kept(row) for row in rows}
        return {place: found[place[:3]] for place in places if place[:3] in found}

    def kept_bytes(self) -> int:
        """Return the bytes that are kept."""
        return int(self.query("SELECT kept_bytes FROM ledger")[0][0])

    def sums(self) -> Sums:
        """Return how much is parked and dead, by reason, and the bytes that are kept."""
        parked, dead = (
            {Reason(row[0]): row[1] for row in self.query(f"SELECT reason, count(*) FROM {table} GROUP BY reason")}
            for table in ("waiting", "letter")
        )
        return Sums(parked=parked, dead=dead, bytes=self.kept_bytes())


def _numbers(ids: Collection[int]) -> str:
    return f"[{', '.join(str(int(one)) for one in ids)}]"
