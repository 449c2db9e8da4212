"""Groups on a SQLite stream: one active member, by a lock of the operating system."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import structlog

from bridge.errors import (
    AwayError,
    BridgeError,
    StopError,
    StreamAwayError,
    TomAwayError,
    TopicMissingError,
)
from bridge.file_lock import FileLock
from bridge.stream import sqlite_file, sqlite_rows
from bridge.stream.names import gone, missing, replaced
from bridge.stream.port import MOST_BYTES, Fetched, Partition, Record, StartAt

log = structlog.get_logger(__name__)

_AGAIN_S = 3.0
_SAY_AFTER_S = 3.0


@dataclass
class _Place:
    """Where this member stands in one topic, which has one partition."""

    partition: Partition
    identity: str = ""
    """Of the topic, when ``start_at`` was last asked; empty before."""
    next: int | None = None
    """None while there is no place to start."""
    end: int | None = None
    """The topic's end, where the last look has reached it."""
    told_to: int | None = None
    """The end that was last told as reached."""
    problem: BridgeError | None = None
    again_at: float = 0.0

    def lose(self, problem: BridgeError) -> None:
        """Have no place any more, for this reason; ``start_at`` is asked again after a few seconds."""
        self.next, self.told_to, self.problem = None, None, problem
        self.again_at = time.monotonic() + _AGAIN_S


class SqliteSubscription:
    """A member of a group on a SQLite stream; see :class:`bridge.stream.port.Subscription`.

    A member whose process is stopped (SIGSTOP) keeps its lock, and the others go on standing by.
    """

    def __init__(
        self, path: Path, identity: tuple[int, int], topics: Sequence[str], group: str, start_at: StartAt
    ) -> None:
        self._path = path
        self._identity = identity
        self._group = group
        self._start_at = start_at
        self._db = sqlite_file.connect(path)
        self._lock = _lock_of(path, group)
        self._places = [_Place(Partition(topic, 0)) for topic in dict.fromkeys(topics)]
        self._failures: list[BridgeError] = []
        self._began = time.monotonic()
        self._said = False

    def poll(self, most: int, timeout_s: float, most_bytes: int = MOST_BYTES) -> Fetched:
        """Return records as soon as this member is the active one and there are any."""
        deadline = time.monotonic() + timeout_s
        while True:
            if self._failures:
                raise self._failures.pop(0)
            sqlite_file.check_same(self._path, self._identity)
            with sqlite_file.translating(self._path):
                version = sqlite_rows.data_version(self._db)
            fetched = self._fetched(most, most_bytes) if self._lock.take() else Fetched()
            left = deadline - time.monotonic()
            if fetched.records or fetched.read_to or (left <= 0 and not self._failures):
                return fetched
            if not self._failures:
                self._wait(version, left)

    def _wait(self, version: int, timeout_s: float) -> None:
        if self.waits_for and not self._said:
            self._said = True
            log.info("stream.waits", group=self._group, for_what=self.waits_for)
        # One that stands by looks at the lock as often as the active one looks at the file.
        slice_s = sqlite_rows.WATCH_S if not self._lock.held else _AGAIN_S
        with sqlite_file.translating(self._path):
            sqlite_rows.wait_for_change(self._db, version, min(timeout_s, slice_s))

    def _fetched(self, most: int, most_bytes: int) -> Fetched:
        records: list[Record] = []
        read_to: dict[Partition, int] = {}
        for place in list(self._places):
            left = most_bytes - sum(len(record.value) for record in records)
            if records and (len(records) >= most or left <= 0):
                break
            try:
                taken = self._take(place, most - len(records), left)
            except BridgeError as error:
                self._failures = [error]  # raised by the next call: what was taken is handed out first
                continue
            if taken:
                # What was served comes last in the next round, so that a busy topic doesn't starve the others.
                self._places.remove(place)
                self._places.append(place)
                records += taken
            if place.end not in (None, place.told_to):
                place.told_to = read_to[place.partition] = place.end
        problems = {place.partition.topic: place.problem for place in self._places if place.problem is not None}
        return Fetched(tuple(records), read_to, problems)

    def _take(self, place: _Place, most: int, most_bytes: int) -> list[Record]:
        """Return what comes next in one topic, and note where its end is reached; nothing where there is a problem."""
        place.end = None
        row = self._topic(place)
        if row is not None and place.next is None and time.monotonic() >= place.again_at:
            self._start(place, row)
            row = self._topic(place)  # what ``start_at`` says may be newer than what was known before
        if row is None or place.next is None:
            return []
        with sqlite_file.translating(self._path):
            ends = sqlite_rows.ends_of(self._db, row)
            if not ends.first <= place.next <= ends.next:
                place.lose(gone(place.partition, place.next, ends))
                return []
            place.problem = None
            records = sqlite_rows.fetch(
                self._db, place.partition, row, place.next, until=None, most=most, most_bytes=most_bytes
            )
        place.next = records[-1].offset + 1 if records else row.next
        place.end = row.next if place.next == row.next else None
        return records

    def _topic(self, place: _Place) -> sqlite_rows.TopicRow | None:
        """Return the topic as it is now; where it is missing or was made again, the place in it is lost."""
        topic = place.partition.topic
        with sqlite_file.translating(self._path):
            row = sqlite_rows.topic_row(self._db, topic)
        if row is None:
            if not isinstance(place.problem, TopicMissingError):
                place.lose(missing(topic))
        elif place.identity not in ("", row.identity):
            place.lose(replaced(topic))
            place.identity = row.identity
        return row

    def _start(self, place: _Place, row: sqlite_rows.TopicRow) -> None:
        """Ask ``start_at`` where to begin."""
        place.identity = row.identity
        try:
            place.next = self._start_at([place.partition])[place.partition]
        except TomAwayError:
            raise
        except (AwayError, StopError) as error:
            place.lose(error)
            return
        log.info("stream.assigned", group=self._group, partition=str(place.partition), offset=place.next)

    @property
    def waits_for(self) -> str:
        """What this member waits for while another one is active."""
        if self._lock.held or time.monotonic() - self._began < _SAY_AFTER_S:
            return ""
        return f"the active member of the group {self._group}: another process holds the lock {self._lock.path}"

    def keep_alive(self) -> None:
        """Do nothing: the lock lives as long as the process."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on at ``offset``."""
        for place in self._places:
            if place.partition == partition and place.next is not None:
                place.next, place.told_to = offset, None

    def assignment(self) -> frozenset[Partition]:
        """Return all partitions where this member is the active one, else none."""
        return frozenset(place.partition for place in self._places) if self._lock.held else frozenset()

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Do nothing: no lag tool looks at this file, and the position is the ledger's."""

    def close(self) -> None:
        """Free the lock and leave."""
        self._lock.release()
        self._db.close()


def _lock_of(path: Path, group: str) -> FileLock:
    """Return the lock that one member of a group holds."""
    name = quote(group, safe="")
    if len(name) > 100:
        name = hashlib.sha256(group.encode()).hexdigest()
    return FileLock(path.with_name(f"{path.name}.{name}.lock"), where="stream.url", away=StreamAwayError)
