"""Groups on a SQLite stream: one active member, by a lock of the operating system."""

import fcntl
import hashlib
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import structlog

from bridge.errors import ConfigurationError, StreamAwayError
from bridge.stream import sqlite_file, sqlite_rows
from bridge.stream.names import gone
from bridge.stream.port import Partition, Record, StartAt

log = structlog.get_logger(__name__)


class SqliteSubscription:
    """A member of a group on a SQLite stream; see :class:`bridge.stream.port.Subscription`.

    A member whose process is stopped (SIGSTOP) keeps its lock, and the others go on standing by.
    """

    def __init__(
        self, path: Path, identity: tuple[int, int], topics: Mapping[str, str], group: str, start_at: StartAt
    ) -> None:
        self._path = path
        self._identity = identity
        self._topics = dict(topics)
        self._group = group
        self._start_at = start_at
        self._db = sqlite_file.connect(path)
        self._lock = _GroupLock(path, group)
        self._next: dict[Partition, int] = {}

    def poll(self, most: int, timeout_s: float) -> list[Record]:
        """Return records as soon as this member is the active one and there are any."""
        deadline = time.monotonic() + timeout_s
        while True:
            sqlite_file.check_same(self._path, self._identity)
            with sqlite_file.told(self._path):
                version = sqlite_rows.data_version(self._db)
            if self._placed():
                with sqlite_file.told(self._path):
                    if records := self._take(most):
                        return records
            left = deadline - time.monotonic()
            if left <= 0:
                return []
            with sqlite_file.told(self._path):
                # One that stands by looks at the lock as often as the active one looks at the file.
                sqlite_rows.wait_for_change(
                    self._db, version, min(left, sqlite_rows.WATCH_S) if not self._lock.held else left
                )

    def _placed(self) -> bool:
        """Return whether this member is the active one, with a place to start in each partition."""
        if not self._lock.take():
            return False
        if not self._next:
            partitions = [Partition(topic, 0) for topic in self._topics]
            starts = self._start_at(partitions)
            self._next = {partition: starts[partition] for partition in partitions}
            log.info("stream.assigned", group=self._group, positions={str(p): at for p, at in self._next.items()})
        return True

    def _take(self, most: int) -> list[Record]:
        taken: list[Record] = []
        # What was served comes last in the next round, so that a busy topic doesn't starve the others.
        for partition in list(self._next):
            row = sqlite_rows.same_topic(self._db, partition.topic, self._topics[partition.topic])
            ends = sqlite_rows.ends_of(self._db, row)
            at = self._next[partition]
            if not ends.first <= at <= ends.next:
                if taken:
                    break
                raise gone(partition, at, ends)
            records = sqlite_rows.fetch(self._db, partition, row, at, until=None, most=most - len(taken))
            if records:
                del self._next[partition]
                self._next[partition] = records[-1].offset + 1
                taken += records
            if len(taken) >= most:
                break
        return taken

    def keep_alive(self) -> None:
        """Do nothing: the lock lives as long as the process."""

    def seek(self, partition: Partition, offset: int) -> None:
        """Go on at ``offset``."""
        if partition in self._next:
            self._next[partition] = offset

    def assignment(self) -> frozenset[Partition]:
        """Return all partitions where this member is the active one, else none."""
        return frozenset(self._next)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Write the next offsets down, for lag displays."""
        if not self._lock.held:
            return
        rows = [(self._group, at, partition.topic) for partition, at in offsets.items() if partition in self._next]
        try:
            with sqlite_file.told(self._path):
                self._db.execute("BEGIN IMMEDIATE")
                self._db.executemany(
                    "INSERT INTO committed (member_group, topic, next) "
                    "SELECT ?1, number, ?2 FROM topics WHERE name = ?3 "
                    "ON CONFLICT (member_group, topic) DO UPDATE SET next = excluded.next",
                    rows,
                )
                self._db.execute("COMMIT")
        except StreamAwayError as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            log.warning("stream.commit_failed", group=self._group, reason=str(error))

    def close(self) -> None:
        """Free the lock and leave."""
        self._next.clear()
        self._lock.free()
        self._db.close()


class _GroupLock:
    """The lock that one member of a group holds: on a file that stays, as removing it would let two hold it."""

    def __init__(self, path: Path, group: str) -> None:
        name = quote(group, safe="")
        if len(name) > 100:
            name = hashlib.sha256(group.encode()).hexdigest()
        self._path = path.with_name(f"{path.name}.{name}.lock")
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def take(self) -> bool:
        """Return whether the lock is held, now or already."""
        if self._file is not None:
            return True
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        except OSError as error:
            raise ConfigurationError(
                f"{self._path} can't be opened ({error.strerror})",
                where="stream.url",
                mend="Give the user write permission on it and on its folder",
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError as error:
            os.close(file)
            raise StreamAwayError(
                f"the group's lock can't be taken ({error.strerror})", where=str(self._path)
            ) from error
        self._file = file
        return True

    def free(self) -> None:
        """Let another member have the lock."""
        if self._file is not None:
            with suppress(OSError):
                os.close(self._file)
            self._file = None
