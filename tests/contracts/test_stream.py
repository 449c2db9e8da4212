"""The contract of streams (:mod:`bridge.stream.port`), on every implementation."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from parts.streams import (
    KafkaLab,
    Lab,
    SqliteLab,
    everything,
    fill,
    numbered,
    poll_until,
    starting_at,
    unique,
)
from parts.wait import wait_until

from bridge.errors import (
    ConfigurationError,
    HistoryGoneError,
    TomAwayError,
    TooLargeError,
    TopicMissingError,
    TopicReplacedError,
)
from bridge.stream import Ends, Partition, Stream, open_stream


@pytest.fixture(params=["sqlite", pytest.param("kafka", marks=pytest.mark.kafka)])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    if request.param == "sqlite":
        return SqliteLab(tmp_path / "share.db")
    return KafkaLab(request.getfixturevalue("kafka_broker"))


@pytest.fixture
def stream(lab: Lab) -> Iterator[Stream]:
    with closing(open_stream(lab.url)) as opened:
        yield opened


@pytest.fixture
def topic(stream: Stream) -> str:
    return stream.create_topic(unique("events")).name


# -- publishing -----------------------------------------------------------------------------------------------------


def test_what_flush_returned_for_is_read_by_another_stream(lab: Lab, stream: Stream, topic: str) -> None:
    headers = (("ce_id", b"1"), ("ce_id", b"2"), ("bytes", b"\x00\xff"), ("empty", b""))
    stream.publish(topic, key=b"\xffkey", value=b"\x00value", headers=headers)
    stream.flush()
    (record,) = everything(lab.url, topic)
    assert (record.key, record.value, record.headers) == (b"\xffkey", b"\x00value", headers)
    assert (record.partition, record.offset) == (Partition(topic, 0), 0)
    assert record.header("ce_id") == b"2"
    assert abs(record.timestamp - datetime.now(UTC)) < timedelta(minutes=5)
    assert record.where == f"{topic}[0]@0"


def test_an_empty_key_and_an_empty_value_stay_empty(lab: Lab, stream: Stream, topic: str) -> None:
    stream.publish(topic, key=b"", value=b"")
    stream.flush()
    (record,) = everything(lab.url, topic)
    assert (record.key, record.value, record.headers) == (b"", b"", ())


def test_records_of_one_key_keep_the_order_of_publish(lab: Lab, stream: Stream) -> None:
    topic = stream.create_topic(unique("ordered"), partitions=3).name
    for number in range(3_000):
        stream.publish(topic, key=b"key %d" % (number % 7), value=b"%d" % number)
    stream.flush()
    records = everything(lab.url, topic)
    assert len(records) == 3_000
    for key in {record.key for record in records}:
        of_key = [record for record in records if record.key == key]
        numbers = [int(record.value) for record in of_key]
        assert numbers == sorted(numbers)
        assert len({record.partition for record in of_key}) == 1


def test_record_times_never_go_back(lab: Lab, stream: Stream, topic: str) -> None:
    for _ in range(5):
        fill(stream, topic, numbered(20))
    times = [record.timestamp for record in everything(lab.url, topic)]
    assert times == sorted(times)


def test_publishing_to_a_missing_topic_says_so_and_works_when_it_was_made(lab: Lab, stream: Stream) -> None:
    name = unique("later")
    with pytest.raises(TopicMissingError, match=name):
        stream.publish(name, key=b"k", value=b"v")
    assert name not in stream.topics()
    stream.create_topic(name)
    fill(stream, name, [b"v"])
    assert [record.value for record in everything(lab.url, name)] == [b"v"]


def test_the_largest_value_goes_and_a_larger_one_is_refused(lab: Lab, stream: Stream, topic: str) -> None:
    largest = stream.largest_value(topic)
    assert largest >= 8 * 1024 * 1024 + 100_000
    value = bytes(range(256)) * (largest // 256)
    with pytest.raises(TooLargeError, match=str(largest)):
        stream.publish(topic, key=b"k", value=value + bytes(largest - len(value) + 1))
    stream.publish(topic, key=b"k" * 250, value=value, headers=(("ce_type", b"x" * 1000),))
    stream.flush()
    assert [record.value == value for record in everything(lab.url, topic)] == [True]


def test_flush_with_nothing_to_do_returns(stream: Stream) -> None:
    stream.flush()
    stream.flush(0)


# -- processes ------------------------------------------------------------------------------------------------------

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


# -- groups ---------------------------------------------------------------------------------------------------------


def test_a_subscription_starts_where_start_at_says(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(10))
    start = starting_at(4)
    with closing(stream.subscribe([topic], unique("group"), start)) as member:
        records = poll_until(member, 6)
        assert [record.offset for record in records] == [4, 5, 6, 7, 8, 9]
        assert start.asked == [(Partition(topic, 0),)]
        assert member.assignment() == {Partition(topic, 0)}


def test_poll_returns_no_more_than_asked_for_and_nothing_where_nothing_is(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(10))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        first = wait_until(lambda: member.poll(3, 1.0))
        assert len(first) <= 3
        poll_until(member, 10 - len(first), most=3)
        assert member.poll(3, 0.2) == []


def test_what_is_published_while_subscribed_arrives(stream: Stream, topic: str) -> None:
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        wait_until(lambda: member.poll(10, 0.2) or member.assignment())
        fill(stream, topic, numbered(3))
        assert [record.value for record in poll_until(member, 3)] == numbered(3)


def test_several_topics_are_served_and_each_in_order(stream: Stream) -> None:
    topics = [stream.create_topic(unique(name)).name for name in ("one", "two")]
    for topic in topics:
        fill(stream, topic, numbered(50))
    with closing(stream.subscribe(topics, unique("group"), starting_at(0))) as member:
        records = poll_until(member, 100, most=7)
    for topic in topics:
        assert [r.value for r in records if r.partition.topic == topic] == numbered(50)


def test_subscribing_to_a_missing_topic_says_so_at_once(stream: Stream, topic: str) -> None:
    with pytest.raises(TopicMissingError, match=r"no\.such\.topic"):
        stream.subscribe([topic, "no.such.topic"], unique("group"), starting_at(0))


def test_seek_goes_back_and_forth(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(20))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        poll_until(member, 20)
        member.seek(Partition(topic, 0), 5)
        assert [record.offset for record in poll_until(member, 15)] == list(range(5, 20))
        member.seek(Partition(topic, 0), 18)
        assert [record.offset for record in poll_until(member, 2)] == [18, 19]
        member.seek(Partition("another", 0), 3)


def test_a_seek_in_the_middle_of_a_batch_hands_out_nothing_twice(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(300))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        wait_until(lambda: member.poll(10, 1.0))
        member.seek(Partition(topic, 0), 200)
        assert [record.offset for record in poll_until(member, 100, most=9)] == list(range(200, 300))


def test_the_second_member_takes_over_when_the_first_closes(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(10))
    group = unique("group")
    first = stream.subscribe([topic], group, starting_at(0))
    assert len(poll_until(first, 10)) == 10
    second_start = starting_at(7)
    with closing(stream.subscribe([topic], group, second_start)) as second:
        # Both poll, as two daemons would; the one partition stays with one of them at a time.
        for _ in range(5):
            holders = [member for member in (first, second) if (member.poll(10, 0.2), member.assignment())[1]]
            assert len(holders) <= 1
        first.close()
        if not second_start.asked:
            assert [record.offset for record in poll_until(second, 3)] == [7, 8, 9]
        wait_until(lambda: second.poll(10, 0.2) or second.assignment() == {Partition(topic, 0)})


_MEMBER = """
import sys
import structlog
from bridge.stream import open_stream
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
url, topic, group = sys.argv[1:]
member = open_stream(url, {"session.timeout.ms": 6000} if url.startswith("kafka") else None).subscribe(
    [topic], group, lambda partitions: dict.fromkeys(partitions, 0))
while True:
    for record in member.poll(10, 1.0):
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


def test_an_error_of_start_at_comes_out_of_poll_and_is_tried_again(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(3))
    away = [TomAwayError("the ledger is away")]
    start = starting_at(1)

    def start_at(partitions):  # type: ignore[no-untyped-def]
        if away:
            raise away.pop()
        return start(partitions)

    with closing(stream.subscribe([topic], unique("group"), start_at)) as member:
        with pytest.raises(TomAwayError, match="the ledger is away"):
            wait_until(lambda: member.poll(10, 0.5))
        assert [record.offset for record in poll_until(member, 2)] == [1, 2]


def test_keep_alive_loses_and_doubles_nothing(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(2_000))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        offsets: list[int] = []

        def all_read() -> bool:
            offsets.extend(record.offset for record in member.poll(150, 1.0))
            for _ in range(3):
                member.keep_alive()
            return len(offsets) >= 2_000

        wait_until(all_read, timeout_s=60)
        assert offsets == list(range(2_000))


def test_a_seek_between_keep_alives_is_heeded(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(50))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        poll_until(member, 50)
        member.keep_alive()
        member.seek(Partition(topic, 0), 45)
        member.keep_alive()
        assert [record.offset for record in poll_until(member, 5)] == list(range(45, 50))


def test_commit_moves_nobody_and_never_raises(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(10))
    group = unique("group")
    with closing(stream.subscribe([topic], group, starting_at(0))) as member:
        poll_until(member, 10)
        member.commit({Partition(topic, 0): 10, Partition("taken.away", 3): 5})
        member.poll(1, 0.2)
    with closing(stream.subscribe([topic], group, starting_at(2))) as member:
        assert poll_until(member, 8)[0].offset == 2


# -- history --------------------------------------------------------------------------------------------------------


def test_read_yields_a_range_and_moves_nobody(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(1_200))
    partition = Partition(topic, 0)
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        seen = len(wait_until(lambda: member.poll(5, 1.0)))
        assert [record.offset for record in stream.read(partition, 1_190)] == list(range(1_190, 1_200))
        assert [record.offset for record in stream.read(partition, 3, 6)] == [3, 4, 5]
        assert list(stream.read(partition, 6, 6)) == []
        assert list(stream.read(partition, 1_200)) == []
        assert len(list(stream.read(partition, 0, 9_999))) == 1_200
        assert member.poll(1, 5.0)[0].offset == seen


def test_read_ends_at_the_end_that_was_there_when_it_began(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(3))
    reading = stream.read(Partition(topic, 0), 0)
    fill(stream, topic, numbered(3))
    assert [record.offset for record in reading] == [0, 1, 2]


def test_read_follows_what_comes(lab: Lab, stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(2))
    reading = stream.read(Partition(topic, 0), 0, 4, follow=True)
    assert [next(reading).offset, next(reading).offset] == [0, 1]
    with closing(open_stream(lab.url)) as other:
        later = threading.Thread(target=fill, args=(other, topic, numbered(5)))
        later.start()
        assert [record.offset for record in reading] == [2, 3]
        later.join()


def test_ends_tell_first_and_next_of_each_partition(lab: Lab, stream: Stream, topic: str) -> None:
    partition = Partition(topic, 0)
    assert stream.ends(topic) == {partition: Ends(0, 0)}
    fill(stream, topic, numbered(5))
    assert stream.ends(topic) == {partition: Ends(0, 5)}
    lab.lose(partition, 3)
    assert stream.ends(topic) == {partition: Ends(3, 5)}
    lab.lose(partition, 5)
    assert stream.ends(topic) == {partition: Ends(5, 5)}
    fill(stream, topic, [b"next"])
    assert [record.offset for record in everything(lab.url, topic)] == [5]


def test_offsets_at_find_the_first_record_at_or_after_a_moment(lab: Lab, stream: Stream, topic: str) -> None:
    partition = Partition(topic, 0)

    def another_is_later() -> bool:
        fill(stream, topic, [b"v"])
        return len({record.timestamp for record in everything(lab.url, topic)}) >= 3

    wait_until(another_is_later)
    records = everything(lab.url, topic)
    for record in records:
        first = next(one for one in records if one.timestamp >= record.timestamp)
        assert stream.offsets_at(topic, record.timestamp) == {partition: first.offset}
    assert stream.offsets_at(topic, records[0].timestamp - timedelta(days=400)) == {partition: 0}
    assert stream.offsets_at(topic, records[-1].timestamp + timedelta(days=1)) == {partition: len(records)}


def test_history_that_is_gone_is_told_by_read(lab: Lab, stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(10))
    lab.lose(Partition(topic, 0), 6)
    with pytest.raises(HistoryGoneError, match=r"offset 2 .* holds 6 to 10"):
        stream.read(Partition(topic, 0), 2)


@pytest.mark.parametrize(("start", "told"), [(2, r"2 is no longer in .* 6 to 10"), (15, r"15 is beyond .* 6 to 10")])
def test_a_position_that_the_stream_does_not_hold_is_told_by_poll_again_and_again(
    lab: Lab, stream: Stream, topic: str, start: int, told: str
) -> None:
    fill(stream, topic, numbered(10))
    lab.lose(Partition(topic, 0), 6)
    position = starting_at(start)
    with closing(stream.subscribe([topic], unique("group"), position)) as member:
        for _ in range(2):
            with pytest.raises(HistoryGoneError, match=told) as error:
                wait_until(lambda: member.poll(10, 1.0))
            assert error.value.where == f"{topic}[0]"
        member.seek(Partition(topic, 0), 8)
        position.offset = 8
        assert [record.offset for record in poll_until(member, 2)] == [8, 9]


# -- topics ---------------------------------------------------------------------------------------------------------


def test_topics_are_listed_with_what_they_are(stream: Stream, topic: str) -> None:
    schemas = stream.create_topic(unique("schemas"), compacted=True)
    found = stream.topics()
    assert found[topic].partitions == 1
    assert not found[topic].compacted
    assert found[schemas.name] == schemas
    assert schemas.compacted
    assert not [name for name in found if name.startswith("__")]


def test_creating_a_topic_that_is_there_returns_it(stream: Stream, topic: str) -> None:
    fill(stream, topic, [b"kept"])
    assert stream.create_topic(topic, partitions=5) == stream.topics()[topic]
    assert stream.ends(topic) == {Partition(topic, 0): Ends(0, 1)}


@pytest.mark.parametrize("name", ["", "with blank", "ümlaut", "a/b", "x" * 250, ".", ".."])
def test_a_name_that_kafka_would_refuse_is_refused(stream: Stream, name: str) -> None:
    with pytest.raises(ConfigurationError, match="is no name of a topic"):
        stream.create_topic(name)


def test_a_topic_made_again_has_another_identity(lab: Lab, stream: Stream, topic: str) -> None:
    before = stream.topics()[topic].id
    fill(stream, topic, numbered(3))
    lab.delete_topic(topic)
    assert topic not in stream.topics()
    for ask in (stream.ends, stream.largest_value, lambda name: stream.offsets_at(name, datetime.now(UTC))):
        with pytest.raises(TopicMissingError, match=topic):
            ask(topic)
    again = stream.create_topic(topic)
    assert again.id != before
    assert stream.ends(topic) == {Partition(topic, 0): Ends(0, 0)}


def test_a_topic_that_goes_while_it_is_subscribed_is_told(lab: Lab, stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(3))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        poll_until(member, 3)
        lab.delete_topic(topic)
        with pytest.raises((TopicMissingError, TopicReplacedError), match=topic):
            wait_until(lambda: member.poll(10, 1.0), timeout_s=90)


def test_another_topic_made_while_subscribed_disturbs_nobody(stream: Stream, topic: str) -> None:
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        other = stream.create_topic(unique("other")).name
        fill(stream, other, numbered(3))
        fill(stream, topic, numbered(3))
        assert {record.partition.topic for record in poll_until(member, 3)} == {topic}


def test_the_calls_that_may_come_from_any_thread_do(lab: Lab, stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(20))
    results: list[object] = []

    def ask() -> None:
        for _ in range(5):
            results.append(
                (len(list(stream.read(Partition(topic, 0), 0))), stream.ends(topic)[Partition(topic, 0)].next)
            )

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [(20, 20)] * 20


def test_close_waits_for_nothing_that_is_not_flushed(lab: Lab, topic: str) -> None:
    other = open_stream(lab.url)
    other.publish(topic, key=b"k", value=b"v")
    other.close()
    fresh = everything(lab.url, topic)
    assert [record.value for record in fresh] in ([], [b"v"])
