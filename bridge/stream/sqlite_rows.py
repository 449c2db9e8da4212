"""The rows of a SQLite stream: topics, records appended and fetched, and waiting for another process's commit."""

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from json.encoder import encode_basestring
from typing import NamedTuple

from bridge.microseconds import EPOCH
from bridge.stream.names import missing, replaced
from bridge.stream.port import MOST_BYTES, NO_TIME, Ends, Headers, Partition, Record

WATCH_S = 0.05
"""How often a waiting reader looks whether something was committed, in seconds."""
_KEPT, _KEPT_BYTES = 2_000, 200
"""So many headers, and none that are larger, are kept as they are written."""
_read = json.JSONDecoder().decode


class Queued(NamedTuple):
    topic: str
    key: bytes
    value: bytes
    headers: Headers


@dataclass(frozen=True)
class TopicRow:
    number: int
    identity: str
    compacted: bool
    next: int


def append(db: sqlite3.Connection, topic: str, queued: Sequence[Queued]) -> bool:
    """Write ``queued`` at the topic's end and return whether the topic exists."""
    found = db.execute("SELECT number, compacted, next, last_us FROM topics WHERE name = ?", (topic,)).fetchone()
    if found is None:
        return False
    number, compacted, first, last_us = found
    now_us = max(time.time_ns() // 1000, last_us)
    db.executemany(
        "INSERT INTO records (topic, position, timestamp_us, key, headers, value) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (number, first + index, now_us, one.key, _headers_text(one.headers), one.value)
            for index, one in enumerate(queued)
        ),
    )
    following = first + len(queued)
    db.execute("UPDATE topics SET next = ?, last_us = ? WHERE number = ?", (following, now_us, number))
    if compacted:
        db.execute(
            "DELETE FROM records WHERE topic = ?1 AND EXISTS (SELECT 1 FROM records AS newer WHERE newer.topic = ?1 "
            "AND newer.key = records.key AND newer.position > records.position AND newer.position >= ?2)",
            (number, first),
        )
    return True


def topic_row(db: sqlite3.Connection, topic: str) -> TopicRow | None:
    found = db.execute("SELECT number, identity, compacted, next FROM topics WHERE name = ?", (topic,)).fetchone()
    return None if found is None else TopicRow(found[0], found[1], bool(found[2]), found[3])


def same_topic(db: sqlite3.Connection, topic: str, identity: str) -> TopicRow:
    row = topic_row(db, topic)
    if row is None:
        raise missing(topic)
    if row.identity != identity:
        raise replaced(topic)
    return row


def ends_of(db: sqlite3.Connection, row: TopicRow) -> Ends:
    # A compacted topic starts at 0, as with Kafka: what is not there was replaced, not lost.
    if row.compacted:
        return Ends(0, row.next)
    (first,) = db.execute("SELECT min(position) FROM records WHERE topic = ?", (row.number,)).fetchone()
    return Ends(row.next if first is None else first, row.next)


def fetch(
    db: sqlite3.Connection,
    partition: Partition,
    row: TopicRow,
    first: int,
    *,
    until: int | None,
    most: int,
    most_bytes: int = MOST_BYTES,
) -> list[Record]:
    """Return up to ``most`` records, of up to ``most_bytes`` bytes (one at least)."""
    cursor = db.execute(
        "SELECT position, timestamp_us, key, value, CAST(headers AS BLOB) FROM records "
        "WHERE topic = ? AND position >= ? AND position < ? ORDER BY position LIMIT ?",
        (row.number, first, row.next if until is None else until, most),
    )
    records: list[Record] = []
    size = 0
    for position, timestamp_us, key, value, headers in cursor:
        size += len(value)
        if records and size > most_bytes:
            break
        problem, moment, read = "", NO_TIME, Headers()
        try:
            moment = EPOCH + timedelta(microseconds=timestamp_us)
            read = _headers(headers)
        except (OverflowError, ValueError, TypeError, AttributeError) as error:
            problem = f"its row is not what the bridge writes ({type(error).__name__}: {error})"
        records.append(
            Record(
                partition=partition,
                offset=position,
                timestamp=moment,
                key=key,
                value=value,
                headers=read,
                topic_id=row.identity,
                problem=problem,
            )
        )
    cursor.close()
    return records


def _headers_text(headers: Headers) -> str:
    # Most headers are those of the record before: with each written once, a record costs a third.
    return f"[{', '.join([_pair(*one) if len(one[1]) < _KEPT_BYTES else _written(*one) for one in headers])}]"


def _written(name: str, value: bytes) -> str:
    # Latin-1 maps each byte to one character: nothing is lost, and what is text stays readable in the file.
    return f"[{encode_basestring(name)}, {encode_basestring(value.decode('latin-1'))}]"


_pair = lru_cache(_KEPT)(_written)


def _headers(text: bytes) -> Headers:
    return tuple([(name, value.encode("latin-1")) for name, value in _read(text.decode())])


def data_version(db: sqlite3.Connection) -> int:
    """Return a number that changes when another connection has committed."""
    return int(db.execute("PRAGMA data_version").fetchone()[0])


def wait_for_change(db: sqlite3.Connection, version: int, timeout_s: float | None) -> None:
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    while data_version(db) == version:
        left = WATCH_S if deadline is None else min(WATCH_S, deadline - time.monotonic())
        if left <= 0:
            return
        time.sleep(left)
