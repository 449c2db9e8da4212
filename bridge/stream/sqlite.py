"""The embedded stream: one SQLite file, several processes on one host.

What is promised rests on SQLite: a ``flush`` is one transaction with ``synchronous=FULL`` in WAL mode. Each topic has
one partition. Within a group one member is active, who holds the lock on a file beside the database; the others
stand by. The operating system frees the lock when the holder dies, however it dies.
"""

import sqlite3
import threading
import time
import uuid
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from bridge.errors import AwayError, ConfigurationError, NotDeliveredError, TooLargeError
from bridge.microseconds import to_microseconds
from bridge.stream import sqlite_file, sqlite_rows
from bridge.stream.names import LARGEST_VALUE, check_topic_name, gone, missing
from bridge.stream.port import Ends, Headers, Partition, Record, StartAt, Topic
from bridge.stream.sqlite_group import SqliteSubscription

log = structlog.get_logger(__name__)

_QUEUE_BYTES = 64 * 1024 * 1024
_QUEUE_RECORDS = 10_000
_CHUNK = 500


class SqliteStream:
    """A stream in one SQLite file; see :class:`bridge.stream.port.Stream`."""

    def __init__(self, url: str) -> None:
        """Open the file at ``url`` (``sqlite:///relative.db``, ``sqlite:////absolute.db``), made where it is absent."""
        self.url = url
        name = url.removeprefix("sqlite:///")
        if not name or name == ":memory:":
            raise ConfigurationError(
                f"{url!r} names no file",
                where="stream.url",
                mend="Write sqlite:///share.db or sqlite:////var/lib/share.db",
            )
        self.path = Path(name).absolute()
        self._identity = sqlite_file.prepare(self.path)
        self._db = sqlite_file.connect(self.path)
        self._db_lock = threading.RLock()
        self._writer = sqlite_file.connect(self.path)
        self._queue: list[sqlite_rows.Queued] = []
        self._queued_bytes = 0
        self._queued_topics: set[str] = set()

    # -- writing ----------------------------------------------------------------------------------------------------

    def account(self, topic: str) -> str:  # noqa: ARG002
        """Nobody logs in to a file."""
        return ""

    def publish(self, topic: str, *, key: bytes, value: bytes, headers: Headers = ()) -> None:
        """Keep one record for the next ``flush``; a full queue is flushed at once."""
        if len(value) > LARGEST_VALUE:
            raise TooLargeError(
                f"a value of {len(value)} bytes is too large", where=topic, mend=f"{LARGEST_VALUE} are the most"
            )
        if topic not in self._queued_topics:  # asked once a flush, which tells what has gone
            with sqlite_file.translating(self.path):
                if sqlite_rows.topic_row(self._writer, topic) is None:
                    raise missing(topic)
            self._queued_topics.add(topic)
        self._queue.append(sqlite_rows.Queued(topic, key, value, headers))
        self._queued_bytes += len(value)
        if self._queued_bytes > _QUEUE_BYTES or len(self._queue) >= _QUEUE_RECORDS:
            self.flush()

    def flush(self, timeout_s: float | None = None) -> None:
        """Commit all queued records in one transaction."""
        if not self._queue:
            return
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            try:
                left = sqlite_file.BUSY_TIMEOUT_S if deadline is None else max(deadline - time.monotonic(), 0)
                gone = self._commit_queue(left)
                break
            except sqlite3.Error as error:
                if deadline is None and sqlite_file.primary_code(error) == sqlite3.SQLITE_BUSY:
                    log.warning("stream.waits_for_lock", path=str(self.path))
                    continue
                told = sqlite_file.translated(error, self.path)
                if isinstance(told, AwayError):
                    raise self._not_delivered(self._queue, str(told)) from error
                raise told from error
        self._queue = gone
        self._queued_topics = set()
        self._queued_bytes = sum(len(queued.value) for queued in gone)
        if gone:
            topics = ", ".join(sorted({queued.topic for queued in gone}))
            raise self._not_delivered(gone, f"the topic has gone: {topics}")

    def _commit_queue(self, wait_s: float) -> list[sqlite_rows.Queued]:
        """Write the queue in one transaction and return what has no topic any more."""
        sqlite_file.check_same(self.path, self._identity)
        db = self._writer
        sqlite_file.begin(db, wait_s)
        try:
            # A newer release may have migrated the file while this process had it open.
            sqlite_file.version_of(db, self.path)
            by_topic: dict[str, list[sqlite_rows.Queued]] = {}
            for queued in self._queue:
                by_topic.setdefault(queued.topic, []).append(queued)
            gone = [
                queued
                for topic, of_topic in by_topic.items()
                if not sqlite_rows.append(db, topic, of_topic)
                for queued in of_topic
            ]
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return gone

    def _not_delivered(self, queued: Sequence[sqlite_rows.Queued], why: str) -> NotDeliveredError:
        return NotDeliveredError(
            f"{len(queued)} records are not in {self.path}: {why}",
            undelivered=[(one.topic, one.key) for one in queued],
        )

    # -- reading ----------------------------------------------------------------------------------------------------

    def subscribe(
        self, topics: Sequence[str], group: str, start_at: StartAt, *, missing_ok: bool = False
    ) -> SqliteSubscription:
        """Join ``group``; its one active member has all topics, the others stand by."""
        if not missing_ok and not self.topics().keys() & set(topics):
            raise missing(topics[0])
        return SqliteSubscription(self.path, self._identity, topics, group, start_at)

    def read(
        self, partition: Partition, first: int, until: int | None = None, *, follow: bool = False
    ) -> Iterator[Record]:
        """Yield records of ``partition`` from ``first`` on; ``first`` is checked at once."""
        ends = self._ends_of(partition)
        identity = self.identity(partition.topic)
        if first < ends.first or (follow and first > ends.next):
            raise gone(partition, first, ends)
        last = until if follow else min(ends.next, ends.next if until is None else until)
        return self._records(partition, identity, first, last)

    def _records(self, partition: Partition, identity: str, first: int, until: int | None) -> Iterator[Record]:
        db = sqlite_file.connect(self.path)
        try:
            while until is None or first < until:
                sqlite_file.check_same(self.path, self._identity)
                # Read in pieces: a reader that holds a transaction open would keep the write-ahead log from shrinking.
                with sqlite_file.translating(self.path):
                    version = sqlite_rows.data_version(db)
                    row = sqlite_rows.same_topic(db, partition.topic, identity)
                    ends = sqlite_rows.ends_of(db, row)
                    if first < ends.first:
                        raise gone(partition, first, ends)
                    records = sqlite_rows.fetch(db, partition, row, first, until=until, most=_CHUNK)
                yield from records
                if records:
                    first = records[-1].offset + 1
                elif until is not None and until <= row.next:
                    return  # what is left up to there are holes
                else:
                    with sqlite_file.translating(self.path):
                        sqlite_rows.wait_for_change(db, version, None)
        finally:
            db.close()

    def _ends_of(self, partition: Partition) -> Ends:
        ends = self.ends(partition.topic)
        if partition not in ends:
            raise ConfigurationError(
                f"{partition} does not exist",
                where="partition",
                mend="Topics of a SQLite stream have the partition 0 alone",
            )
        return ends[partition]

    # -- topics -----------------------------------------------------------------------------------------------------

    def reach(self, within_s: float) -> None:  # noqa: ARG002
        """Return when the file has been read: nothing that others do to it takes long."""
        self.topics()

    def identity(self, topic: str) -> str:
        """Return a topic's identity."""
        return self._row(topic).identity

    def _row(self, topic: str) -> sqlite_rows.TopicRow:
        with self._db_lock, sqlite_file.translating(self.path):
            sqlite_file.check_same(self.path, self._identity)
            row = sqlite_rows.topic_row(self._db, topic)
        if row is None:
            raise missing(topic)
        return row

    def topic(self, name: str) -> Topic:
        """Return one topic."""
        row = self._row(name)
        return Topic(name=name, id=row.identity, partitions=1, compacted=row.compacted)

    def topics(self) -> dict[str, Topic]:
        """Return all topics by name."""
        with self._db_lock, sqlite_file.translating(self.path):
            sqlite_file.check_same(self.path, self._identity)
            rows = self._db.execute("SELECT name, identity, compacted FROM topics ORDER BY name").fetchall()
        return {
            name: Topic(name=name, id=id_, partitions=1, compacted=bool(compacted)) for name, id_, compacted in rows
        }

    def create_topic(self, name: str, *, partitions: int = 1, compacted: bool = False) -> Topic:
        """Make a topic; it has one partition whatever ``partitions`` says, as all of this stream."""
        check_topic_name(name)
        if partitions != 1:
            log.info("stream.one_partition", topic=name, asked_for=partitions)
        with self._db_lock, sqlite_file.translating(self.path):
            sqlite_file.check_same(self.path, self._identity)
            self._db.execute(
                "INSERT INTO topics (name, identity, compacted) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (name, str(uuid.uuid4()), compacted),
            )
        return self.topic(name)

    def ends(self, topic: str) -> dict[Partition, Ends]:
        """Return what the topic's one partition holds."""
        row = self._row(topic)
        with self._db_lock, sqlite_file.translating(self.path):
            return {Partition(topic, 0): sqlite_rows.ends_of(self._db, row)}

    def offsets_at(self, topic: str, moment: datetime) -> dict[Partition, int]:
        """Return the offset of the first record at or after ``moment``."""
        row = self._row(topic)
        with self._db_lock, sqlite_file.translating(self.path):
            (found,) = self._db.execute(
                "SELECT min(position) FROM records WHERE topic = ? AND timestamp_us >= ?",
                (row.number, to_microseconds(moment)),
            ).fetchone()
        return {Partition(topic, 0): row.next if found is None else int(found)}

    def largest_value(self, topic: str) -> int:
        """Return the bytes that a value may have; the same for all topics."""
        self._row(topic)
        return LARGEST_VALUE

    def lacking(self, topic: str, wanted: Collection[str], group: str | None = None) -> list[str]:  # noqa: ARG002
        """Return nothing: whoever may write the file may do everything."""
        return []

    def check(self) -> None:
        """Let SQLite look through the whole file."""
        with self._db_lock:
            sqlite_file.quick_check(self._db, self.path)

    def close(self) -> None:
        """Close the file; subscriptions are closed by those who made them."""
        with self._db_lock:
            self._db.close()
            self._writer.close()
