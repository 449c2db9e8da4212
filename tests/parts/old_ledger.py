"""A ledger as the release before wrote it, as large as one likes: the same entries for the file and for the app.

Of every hundred entries 80 are applied, 5 were found there, 5 "came before", 6 are parked (one a list whose members
wait), 2 are dead and 2 ignored. The topic ``asteroids`` was removed and made again.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from bridge.events import EventRef
from bridge.ledger.sqlite_rows import to_microseconds
from bridge.ledger.sqlite_schema import open_file
from bridge.ledger.sqlite_tables import STEPS
from bridge.names import simplify

STARTED = datetime(2026, 1, 1, tzinfo=UTC)
BEFORE = "this event came before"
TOPIC, TOPIC_ID, PARTITIONS = "supernovae.public", "id of supernovae.public", 3
AGAIN, AGAIN_ID, AGAIN_RECORDS = "asteroids", "id of asteroids", 40
VALUE = b"bytes of a record " * 20
INSTALLATION = UUID("0190aaaa-0000-7000-8000-000000000001")
NEXT_IDS = 10_000_000
"""What is parked or dead next gets an id above this: some were there and went."""


@dataclass(frozen=True, kw_only=True)
class OldEntry:
    """One entry, and what was kept beside it."""

    id: int
    topic: str = TOPIC
    partition: int
    offset: int
    published_at: datetime
    outcome: str
    reason: str | None = None
    detail: str
    event_id: UUID | None
    origin: str = "north"
    kind: str = "Photometry"
    subject: str
    raw: bytes | None = None
    parked: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """Member, reason, names."""
    dead: bool = False

    @property
    def key(self) -> bytes:
        return f"{self.origin}/{self.subject}".encode()

    @property
    def origin_name(self) -> str:
        """``south`` calls itself as ``north`` does."""
        return {"south": "NORTH"}.get(self.origin, self.origin.title())

    @property
    def is_done(self) -> bool:
        """Whether a witness is to say so."""
        return self.outcome in {"applied", "duplicate"} and BEFORE not in self.detail and not self.parked

    @property
    def headers(self) -> str:
        return json.dumps([["ce_id", str(self.event_id).encode().hex()]])


def entries(count: int) -> Iterator[OldEntry]:
    """Yield ``count`` entries, and those of the topic that was made again."""
    for number in range(count):
        yield _entry(number)
    for number in range(AGAIN_RECORDS):
        for again in (False, True):
            if again and number >= AGAIN_RECORDS // 2:
                continue  # the topic that was made again has come half as far
            yield OldEntry(
                id=count + 2 * number + again + 1,
                topic=AGAIN,
                partition=0,
                offset=number,
                published_at=STARTED + timedelta(seconds=number, days=again),
                outcome="applied",
                detail="{}",
                event_id=UUID(int=(2 + again) * 10**12 + number),
                origin="south" if again else "north",
                subject=f"asteroid {number}",
            )


def _entry(number: int) -> OldEntry:
    place: dict[str, Any] = {
        "id": number + 1,
        "partition": number % PARTITIONS,
        "offset": number // PARTITIONS,
        "published_at": STARTED + timedelta(seconds=number),
        "event_id": UUID(int=10**12 + number),
        "subject": f"SN {number % 1000}",
    }
    return OldEntry(**place | _fate(number, place["event_id"]))


_PARKED = ("no target", "waits behind an earlier event", "ambiguous", "newer version", "no target")


def _fate(number: int, event_id: UUID) -> dict[str, Any]:
    """Return what became of an entry, and what differs by that."""
    fate: dict[str, Any] = {"outcome": "applied", "detail": '{"points": {"new": 2}}'}
    match number % 100:
        case part if 80 <= part < 85:
            fate = {"outcome": "duplicate", "detail": '{"points": {"duplicate": 2}}'}
        case part if 85 <= part < 90:
            earlier = UUID(int=event_id.int - 80) if part < 88 else event_id
            fate = {"outcome": "duplicate", "detail": json.dumps({"message": BEFORE}), "event_id": earlier}
        case part if 90 <= part < 95:
            reason = _PARKED[part - 90]
            names = (f"sn{number % 1000}", f"alias{number}") if reason == "no target" else ()
            fate = {"outcome": "parked", "reason": reason, "detail": "{}", "raw": VALUE}
            fate["parked"] = (("", reason, names),)
        case 95:
            waits = (("M 31", "no target", ("m31",)), ("M 33", "ambiguous", ()))
            fate = {"kind": "TargetList", "subject": f"list {number}", "outcome": "applied", "detail": "{}"}
            fate |= {"raw": VALUE, "parked": waits}
        case 96:
            fate = {"outcome": "dead", "reason": "rejected by the TOM", "detail": "{}", "raw": VALUE, "dead": True}
        case 97:
            fate = {"event_id": None, "origin": "", "kind": "", "subject": "", "outcome": "dead", "dead": True}
            fate |= {"reason": "undecodable", "detail": json.dumps({"message": "no event"}), "raw": VALUE}
        case part if part > 97:
            fate = {"outcome": "ignored", "reason": "ours", "detail": "{}", "origin": "here"}
    return fate


def positions(count: int) -> dict[tuple[str, int], tuple[str, int]]:
    """Return the next offsets with the identity of their topic."""
    found = {(TOPIC, one): (TOPIC_ID, (count - one + PARTITIONS - 1) // PARTITIONS) for one in range(PARTITIONS)}
    return found | {(AGAIN, 0): (AGAIN_ID, AGAIN_RECORDS // 2)}


def tallies(count: int) -> Counter[tuple[str, str, str, str]]:
    """Return how many entries of a topic, origin and kind had each outcome."""
    return Counter((one.topic, one.origin, one.kind, one.outcome) for one in entries(count))


def intents() -> dict[UUID, str]:
    """Return what was begun, by the id of its event: of one that is dead, and of one that is not recorded."""
    return {UUID(int=10**12 + 96): "point 1", UUID(int=5): "target"}


LISTS = {("north", "Supernovae"): "17", ("south", "Supernovae"): "18"}


def refs(count: int, *, done: bool) -> Iterator[EventRef]:
    """Yield the events that are done, or those that are not."""
    finished = {one.event_id for one in entries(count) if one.is_done}
    for one in entries(count):
        if one.event_id is not None and (one.event_id in finished) == done:
            yield EventRef(one.origin, one.event_id)


WRITTEN_MODEL = "tom_dataproducts.photometryreduceddatum"


def written(count: int) -> Iterator[tuple[int, UUID]]:
    """Yield keys of rows that were written, with their event: two an event, which are no neighbours of every third."""
    for number in range(count):
        one = _entry(number)
        if one.outcome == "applied" and one.kind == "Photometry" and one.event_id is not None:
            yield 10 * number + 1, one.event_id
            yield 10 * number + (3 if number % 3 == 0 else 2), one.event_id


PRODUCT_RUNS = {UUID(int=10**12 + 96): "north", UUID(int=7): ""}
"""Of a dead event, and of one that is not recorded: whose they are."""


def fill_file(path: Path, count: int) -> None:
    """Make the SQLite file of a ledger as the release before left it."""
    with closing(open_file(path, 10.0, STEPS[:1])) as file:
        file.execute("PRAGMA synchronous = OFF")
        file.execute("BEGIN")
        file.execute("UPDATE ledger SET installation = ?, tom_identity = 'tom'", [str(INSTALLATION)])
        at = [(*place, *told) for place, told in positions(count).items()]
        file.executemany("INSERT INTO position VALUES (?, ?, ?, ?)", at)
        file.executemany("INSERT INTO intent VALUES (?, ?)", [(str(one), step) for one, step in intents().items()])
        file.executemany("INSERT INTO list VALUES (?, ?, ?)", [(*one, handle) for one, handle in LISTS.items()])
        for one in entries(count):
            _write(file, one)
        file.execute("UPDATE sqlite_sequence SET seq = ? WHERE name IN ('parked', 'dead')", [NEXT_IDS])
        file.execute("COMMIT")


def _write(file: sqlite3.Connection, one: OldEntry) -> None:
    at = to_microseconds(one.published_at)
    event_id = None if one.event_id is None else str(one.event_id)
    simple = simplify(one.subject)
    file.execute(
        f"INSERT INTO entry VALUES ({', '.join('?' * 19)})",
        (one.id, one.topic, one.partition, one.offset, at, at, one.outcome, one.reason, one.detail, event_id, event_id,
         one.origin, one.origin_name, one.kind, one.subject, simple, "ada", "a title", one.key),
    )  # fmt: skip
    if one.raw is not None:
        size = len(one.key) + len(one.raw) + len(one.headers)
        file.execute("INSERT INTO raw VALUES (?, ?, ?, ?, ?)", (one.id, one.key, one.raw, one.headers, size))
    for member, reason, names in one.parked:
        values = (one.id, member, reason, "{}", one.key)
        columns = "(entry_id, member, reason, detail, record_key)"
        parked = file.execute(f"INSERT INTO parked {columns} VALUES (?, ?, ?, ?, ?)", values).lastrowid
        file.executemany("INSERT INTO parked_name VALUES (?, ?)", [(name, parked) for name in names])
    if one.dead:
        file.execute("INSERT INTO dead (entry_id) VALUES (?)", (one.id,))


def fill_app(apps: Any, count: int) -> None:
    """Fill the app's tables as the release before left them; ``apps`` are the models of its last migration."""

    def rows(name: str) -> Any:
        return apps.get_model("tom_bridge", name).objects

    def fill(name: str, values: Iterable[dict[str, Any]]) -> None:
        model, left = rows(name).model, iter(values)
        while chunk := list(islice(left, 2000)):
            rows(name).bulk_create([model(**each) for each in chunk])

    everything = lambda: entries(count)  # noqa: E731
    of_record = [one for one in everything() if one.raw is not None]
    total = sum(len(one.key) + len(one.raw or b"") + len(one.headers) for one in of_record)
    rows("Installation").all().delete()
    rows("Installation").create(one=1, installation=INSTALLATION, tom_identity="tom", kept_bytes=total)
    names = ("topic", "origin", "kind", "outcome")
    fill("Tally", (dict(zip(names, key, strict=True)) | {"records": many} for key, many in tallies(count).items()))
    fill("Position", (
        {"topic": at[0], "partition": at[1], "topic_id": topic_id, "next_offset": following}
        for at, (topic_id, following) in positions(count).items()
    ))  # fmt: skip
    fill("Intent", ({"event_id": event_id, "step": step} for event_id, step in intents().items()))
    fill("List", ({"origin": key[0], "name": key[1], "handle": handle} for key, handle in LISTS.items()))
    fill("Entry", map(_columns, everything()))
    fill("Raw", (
        {"entry_id": one.id, "record_key": one.key, "value": one.raw, "headers": one.headers,
         "bytes": len(one.key) + len(one.raw or b"") + len(one.headers)} for one in of_record
    ))  # fmt: skip
    parked = [(one, *each) for one in everything() for each in one.parked]
    fill("Parked", (
        {"id": number, "entry_id": one.id, "member": member, "reason": reason, "detail": "{}", "key_digest": "x"}
        for number, (one, member, reason, _) in enumerate(parked, 1)
    ))  # fmt: skip
    fill("ParkedName", (
        {"simple": name, "parked_id": number}
        for number, (*_, simple) in enumerate(parked, 1) for name in simple
    ))  # fmt: skip
    fill("Dead", ({"entry_id": one.id} for one in everything() if one.dead))
    for name in ("Parked", "Dead"):  # some went, so that the next id is not that after what is there
        _count_up(rows(name).model._meta.db_table)
    fill("Written", ({"model": WRITTEN_MODEL, "key": key, "event_id": one} for key, one in written(count)))
    fill("ProductRun", ({"event_id": one, "product_id": f"product {one}", "file": "a"} for one in PRODUCT_RUNS))


def _count_up(table: str) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, NEXT_IDS])
        else:
            cursor.execute("UPDATE sqlite_sequence SET seq = %s WHERE name = %s", [NEXT_IDS, table])


def _columns(one: OldEntry) -> dict[str, Any]:
    return {
        "id": one.id,
        "topic": one.topic,
        "partition": one.partition,
        "record_offset": one.offset,
        "published_at": one.published_at,
        "recorded_at": one.published_at,
        "outcome": one.outcome,
        "reason": one.reason,
        "detail": one.detail,
        "event_id": one.event_id,
        "share_id": one.event_id,
        "origin": one.origin,
        "origin_name": one.origin_name,
        "kind": one.kind,
        "subject": one.subject,
        "simple_subject": simplify(one.subject),
        "shared_by": "ada",
        "title": "a title",
        "record_key": one.key,
    }
