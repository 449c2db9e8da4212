"""The contract of streams where several processes use one: writers that die, writers beside each other, members."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from parts.streams import SHARED_LABS, Lab, everything, fill, lab_of, numbered, poll_until, starting_at, unique

from bridge.stream import Stream


@pytest.fixture(params=SHARED_LABS)
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    return lab_of(request, tmp_path)


@pytest.fixture
def topic(stream: Stream) -> str:
    return stream.create_topic(unique("events")).name


_PUBLISHER = """
import sys
import structlog
from bridge.stream import open_stream
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
url, topic, name, count, batch = sys.argv[1:]
stream = open_stream(url)
for number in range(int(count)):
    stream.publish(topic, key=name.encode(), value=f"{name} {number}".encode())
    if number % int(batch) == int(batch) - 1:
        stream.flush()
        print(number, flush=True)
stream.flush()
"""


def _publisher(url: str, topic: str, name: str, count: int, batch: int) -> "subprocess.Popen[str]":
    arguments = [sys.executable, "-c", _PUBLISHER, url, topic, name, str(count), str(batch)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_what_flush_returned_for_survives_sigkill(lab: Lab, stream: Stream, topic: str) -> None:
    process = _publisher(lab.url, topic, "killed", 1_000_000, 10)
    assert process.stdout is not None
    for _ in range(20):
        confirmed = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    confirmed = max([confirmed, *(int(line) for line in rest.splitlines() if line)])
    values = [record.value for record in everything(lab.url, topic)]
    assert values[: confirmed + 1] == numbered(confirmed + 1, "killed ")
    assert values == numbered(len(values), "killed ")


def test_several_processes_write_at_once_and_each_keeps_its_order(lab: Lab, stream: Stream, topic: str) -> None:
    processes = [_publisher(lab.url, topic, name, 200, 5) for name in ("a", "b", "c")]
    for process in processes:
        process.communicate(timeout=120)
        assert process.returncode == 0
    records = everything(lab.url, topic)
    assert len(records) == 600
    assert [record.timestamp for record in records] == sorted(record.timestamp for record in records)
    for name in ("a", "b", "c"):
        assert [r.value for r in records if r.key == name.encode()] == numbered(200, f"{name} ")


_MEMBER = """
import sys
import structlog
from bridge.stream import open_stream
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
url, topic, group = sys.argv[1:]
member = open_stream(url, {"session.timeout.ms": 6000} if url.startswith("kafka") else None).subscribe(
    [topic], group, lambda partitions: dict.fromkeys(partitions, 0))
while True:
    for record in member.poll(10, 1.0).records:
        print(record.offset, flush=True)
"""


def test_a_member_takes_over_from_one_that_was_killed(lab: Lab, stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(3))
    group = unique("group")
    process = subprocess.Popen(
        [sys.executable, "-c", _MEMBER, lab.url, topic, group], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "0\n"
    with closing(stream.subscribe([topic], group, starting_at(1))) as second:
        process.kill()
        process.communicate()
        assert [record.offset for record in poll_until(second, 2)] == [1, 2]
