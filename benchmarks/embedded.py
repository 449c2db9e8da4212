"""The embedded stream with one and four processes at once, beside bare inserts of the same rows into SQLite.

A row holds what a record holds. The bare side writes as many in a transaction as the stream does at one ``flush``, in a
file with the same promises (WAL, ``synchronous=FULL``), in as many processes.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.stage import Stage
from benchmarks.timing import Effort, Goal, Row, in_turns, rates
from bridge.stream import open_stream

RECORDS = 20_000
"""A turn, over all processes."""
FLUSHED = 500
"""Records between two flushes."""
VALUE = b"x" * 400
TOPIC = "embedded"

_PROGRAM = """
import json, sys, time
how, path, number, name = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
from benchmarks.embedded import bare, consume, publish
work = {"publish": publish, "consume": consume, "bare": bare}[how](path, number, name)
next(work)
print("ready", flush=True)
sys.stdin.readline()
started = time.time()
next(work, None)
print(json.dumps([started, time.time()]), flush=True)
"""


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for publishing and consuming, by each number of processes."""
    folder = stage.folder("embedded")
    for processes in (1, 4):
        number = effort.of(RECORDS // processes, least=10)
        sides = ("publish", "consume", "bare")
        times = in_turns(
            {
                how: lambda turn, how=how, processes=processes, number=number: _together_s(
                    how, folder, f"{turn}-{processes}", processes, number
                )
                for how in sides
            },
            effort,
        )
        made = number * processes
        bare = rates(made, times["bare"])
        for how, word in (("publish", "publishing to"), ("consume", "consuming from")):
            yield Row(
                what=f"{word} the embedded stream, {processes} process{'es' if processes > 1 else ''}",
                unit="records/s",
                ours=rates(made, times[how]),
                beside="bare inserts into SQLite",
                theirs=bare,
                goal=Goal(least=0.7),
            )


def _together_s(how: str, folder: Path, name: str, processes: int, number: int) -> float:
    """Return how many seconds so many processes take together, from their common start to the end of the last."""
    path = folder / f"{how}-{name}.db"
    if how != "bare":
        with closing(open_stream(f"sqlite:///{path}")) as stream:
            for one in range(processes):
                stream.create_topic(f"{TOPIC}{one}")
                for done in range(number if how == "consume" else 0):
                    stream.publish(f"{TOPIC}{one}", key=b"origin/sn2026abc", value=VALUE)
                    if done % FLUSHED == FLUSHED - 1:
                        stream.flush()
            stream.flush()
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, how, str(path), str(number), str(one)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        for one in range(processes)
    ]
    for one in running:
        assert one.stdout is not None
        while one.stdout.readline() not in ("", "ready\n"):
            pass  # a line of its log
    for one in running:
        assert one.stdin is not None
        one.stdin.write("\n")
        one.stdin.flush()
    told = [json.loads(one.communicate(timeout=300)[0].splitlines()[-1]) for one in running]
    return float(max(end for _, end in told) - min(start for start, _ in told))


# -- in the processes -------------------------------------------------------------------------------------------------


def publish(path: str, number: int, name: str) -> Iterator[None]:
    """Publish, and flush after each so many records."""
    with closing(open_stream(f"sqlite:///{path}")) as stream:
        stream.topics()
        yield
        for done in range(number):
            stream.publish(f"{TOPIC}{name}", key=b"origin/sn2026abc", value=VALUE)
            if done % FLUSHED == FLUSHED - 1:
                stream.flush()
        stream.flush()


def consume(path: str, number: int, name: str) -> Iterator[None]:
    """Poll all, as the one member of a group."""
    topic = f"{TOPIC}{name}"
    with closing(open_stream(f"sqlite:///{path}")) as stream:
        start = dict.fromkeys(stream.topic(topic).each_partition(), 0)
        with closing(stream.subscribe([topic], f"group{name}", lambda _partitions: start)) as subscription:
            yield
            seen = 0
            while seen < number:
                seen += len(subscription.poll(FLUSHED, 1.0).records)


def bare(path: str, number: int, name: str) -> Iterator[None]:
    """Insert as many rows, in transactions of as many as are flushed at once."""
    import sqlite3  # noqa: PLC0415 (for this process alone)

    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS records (id INTEGER PRIMARY KEY, topic TEXT, at REAL, key BLOB, value BLOB,"
            " headers BLOB)"
        )
        yield
        rows = [(name, 0.0, b"origin/sn2026abc", VALUE, b"[]")] * number
        for first in range(0, number, FLUSHED):
            database.execute("BEGIN IMMEDIATE")
            database.executemany(
                "INSERT INTO records (topic, at, key, value, headers) VALUES (?, ?, ?, ?, ?)",
                rows[first : first + FLUSHED],
            )
            database.execute("COMMIT")
