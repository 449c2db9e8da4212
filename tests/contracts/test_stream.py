"""The contract of streams (:mod:`bridge.stream.port`), on every implementation."""

import re
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from parts.streams import (
    LABS,
    Lab,
    fill,
    lab_of,
    numbered,
    poll_until,
    problem_of,
    seen_anew,
    starting_at,
    unique,
)
from parts.wait import wait_until

from bridge.errors import (
    ConfigurationError,
    HistoryGoneError,
    StreamAwayError,
    TomAwayError,
    TooLargeError,
    TopicMissingError,
    TopicReplacedError,
)
from bridge.stream import Ends, Fetched, Partition, Record, Stream, Subscription


@pytest.fixture(params=LABS)
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    return lab_of(request, tmp_path)


@pytest.fixture
def topic(lab: Lab, stream: Stream) -> str:
    return stream.create_topic(lab.named("events")).name


# -- publishing -----------------------------------------------------------------------------------------------------


def test_what_flush_returned_for_is_read_by_another_stream(lab: Lab, stream: Stream, topic: str) -> None:
    headers = (("ce_id", b"1"), ("ce_id", b"2"), ("bytes", b"\x00\xff"), ("empty", b""))
    stream.publish(topic, key=b"\xffkey", value=b"\x00value", headers=headers)
    stream.flush()
    (record,) = seen_anew(lab, topic)
    assert (record.key, record.value, record.headers) == (b"\xffkey", b"\x00value", headers)
    assert (record.partition, record.offset) == (Partition(topic, 0), 0)
    assert record.header("ce_id") == b"2"
    assert abs(record.timestamp - datetime.now(UTC)) < timedelta(minutes=5)
    assert record.where == f"{topic}[0]@0"


def test_an_empty_key_and_an_empty_value_stay_empty(lab: Lab, stream: Stream, topic: str) -> None:
    stream.publish(topic, key=b"", value=b"")
    stream.flush()
    (record,) = seen_anew(lab, topic)
    assert (record.key, record.value, record.headers) == (b"", b"", ())


def test_records_of_one_key_keep_the_order_of_publish(lab: Lab, stream: Stream) -> None:
    topic = stream.create_topic(lab.named("ordered"), partitions=3).name
    for number in range(3_000):
        stream.publish(topic, key=b"key %d" % (number % 7), value=b"%d" % number)
    stream.flush()
    records = seen_anew(lab, topic)
    assert len(records) == 3_000
    for key in {record.key for record in records}:
        of_key = [record for record in records if record.key == key]
        numbers = [int(record.value) for record in of_key]
        assert numbers == sorted(numbers)
        assert len({record.partition for record in of_key}) == 1


def test_record_times_never_go_back(lab: Lab, stream: Stream, topic: str) -> None:
    for _ in range(5):
        fill(stream, topic, numbered(20))
    times = [record.timestamp for record in seen_anew(lab, topic)]
    assert times == sorted(times)


def test_publishing_to_a_missing_topic_says_so_and_works_when_it_was_made(lab: Lab, stream: Stream) -> None:
    name = lab.named("later")
    with pytest.raises(TopicMissingError, match=name):
        stream.publish(name, key=b"k", value=b"v")
    assert name not in stream.topics()
    stream.create_topic(name)
    fill(stream, name, [b"v"])
    assert [record.value for record in seen_anew(lab, name)] == [b"v"]


def test_the_largest_value_goes_and_a_larger_one_is_refused(lab: Lab, stream: Stream, topic: str) -> None:
    largest = stream.largest_value(topic)
    assert largest >= 8 * 1024 * 1024 + 100_000
    value = bytes(range(256)) * (largest // 256)
    with pytest.raises(TooLargeError, match=str(largest)):
        stream.publish(topic, key=b"k", value=value + bytes(largest - len(value) + 1))
    stream.publish(topic, key=b"k" * 250, value=value, headers=(("ce_type", b"x" * 1000),))
    stream.flush()
    assert [record.value == value for record in seen_anew(lab, topic)] == [True]


def test_flush_with_nothing_to_do_returns(stream: Stream) -> None:
    stream.flush()
    stream.flush(0)


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
        first = wait_until(lambda: member.poll(3, 1.0).records)
        assert len(first) <= 3
        poll_until(member, 10 - len(first), most=3)
        assert member.poll(3, 0.2).records == ()


def test_what_is_published_while_subscribed_arrives(stream: Stream, topic: str) -> None:
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        wait_until(lambda: member.poll(10, 0.2).records or member.assignment())
        fill(stream, topic, numbered(3))
        assert [record.value for record in poll_until(member, 3)] == numbered(3)


def test_several_topics_are_served_and_each_in_order(lab: Lab, stream: Stream) -> None:
    topics = [stream.create_topic(lab.named(name)).name for name in ("one", "two")]
    for topic in topics:
        fill(stream, topic, numbered(50))
    with closing(stream.subscribe(topics, unique("group"), starting_at(0))) as member:
        records = poll_until(member, 100, most=7)
    for topic in topics:
        assert [r.value for r in records if r.partition.topic == topic] == numbered(50)


def test_subscribing_to_what_does_not_exist_at_all_says_so_at_once(stream: Stream) -> None:
    with pytest.raises(TopicMissingError, match=r"no\.such\.topic"):
        stream.subscribe(["no.such.topic"], unique("group"), starting_at(0))


def test_records_say_from_which_topic_they_are_by_its_identity(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(2))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        polled = poll_until(member, 2)
    assert {record.topic_id for record in [*polled, *stream.read(Partition(topic, 0), 0)]} == {stream.identity(topic)}
    assert [record.problem for record in polled] == ["", ""]


def test_the_bytes_handed_out_at_once_are_bounded_and_one_record_always_comes(stream: Stream, topic: str) -> None:
    fill(stream, topic, [bytes([number]) * 1_000 for number in range(20)])
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        for most_bytes, fit in ((3_500, 3), (1, 1)):
            for _ in range(3):
                batch = wait_until(lambda most=most_bytes: member.poll(100, 1.0, most).records)
                assert 1 <= len(batch) <= fit
        member.seek(Partition(topic, 0), 0)
        assert [record.offset for record in poll_until(member, 20)] == list(range(20))


def test_reaching_the_end_of_a_partition_is_told_with_its_offset(stream: Stream, topic: str) -> None:
    partition = Partition(topic, 0)
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        assert _read_to(member, partition, 0) == []
        for end in (5, 8):
            fill(stream, topic, numbered(end))
            records = _read_to(member, partition, stream.ends(topic)[partition].next)
            assert [record.value for record in records] == numbered(end)


def _read_to(member: Subscription, partition: Partition, end: int) -> list[Record]:
    """Return what comes until ``member`` says that it has read ``partition`` to ``end``."""
    records: list[Record] = []

    def reached() -> bool:
        fetched = member.poll(3, 1.0)
        records.extend(fetched.records)
        return fetched.read_to.get(partition) == end

    wait_until(reached, timeout_s=60, what=f"the end of {partition}")
    return records


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
        wait_until(lambda: member.poll(10, 1.0).records)
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
        wait_until(lambda: second.poll(10, 0.2).records or second.assignment() == {Partition(topic, 0)})


def test_keep_alive_loses_and_doubles_nothing(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(2_000))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        offsets: list[int] = []

        def all_read() -> bool:
            offsets.extend(record.offset for record in member.poll(150, 1.0).records)
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


def test_a_member_that_has_nothing_says_what_it_waits_for(stream: Stream, topic: str) -> None:
    group = unique("group")
    with (
        closing(stream.subscribe([topic], group, starting_at(0))) as first,
        closing(stream.subscribe([topic], group, starting_at(0))) as second,
    ):

        def one_waits() -> list[Subscription]:
            for member in (first, second):
                member.poll(10, 0.2)
            return [member for member in (first, second) if member.waits_for]

        (waiting,) = wait_until(one_waits, timeout_s=60)
        assert group in waiting.waits_for
        assert "member" in waiting.waits_for
        assert not waiting.assignment()
        other = first if waiting is second else second
        assert (len(other.assignment()), other.waits_for) == (1, "")


# -- states of single topics ----------------------------------------------------------------------------------------


class Two:
    """A member that reads two topics, and what came of each."""

    def __init__(self, lab: Lab, stream: Stream) -> None:
        self.stream = stream
        self.good, self.odd = (stream.create_topic(lab.named(name)).name for name in ("good", "odd"))
        self.start = starting_at(0)
        self.got: dict[str, list[bytes]] = {self.good: [], self.odd: []}
        self.problems: list[dict[str, object]] = []

    def join(self) -> Subscription:
        self.member = self.stream.subscribe([self.good, self.odd], unique("group"), self.start)
        return self.member

    def poll(self) -> Fetched:
        fetched = self.member.poll(100, 0.5)
        for record in fetched.records:
            self.got[record.partition.topic].append(record.value)
        return fetched

    def goes_on(self, topic: str, *values: bytes) -> None:
        """Publish on ``topic`` and wait until it has come."""
        fill(self.stream, topic, values)
        wait_until(
            lambda: (self.poll(), self.got[topic][-len(values) :] == list(values))[1], what=f"{values!r} on {topic}"
        )


@pytest.fixture
def two(lab: Lab, stream: Stream) -> Two:
    return Two(lab, stream)


def test_a_topic_that_is_missing_keeps_no_other_waiting_and_comes_when_it_is_made(lab: Lab, two: Two) -> None:
    lab.delete_topic(two.odd)
    with closing(two.join()) as member:
        two.goes_on(two.good, b"1")
        assert two.odd in str(problem_of(member, two.odd, TopicMissingError))
        two.goes_on(two.good, b"2")
        assert isinstance(two.poll().problems[two.odd], TopicMissingError)
        two.stream.create_topic(two.odd)
        two.goes_on(two.odd, b"made")
        assert two.poll().problems == {}


def test_a_topic_that_goes_and_is_made_again_is_told_while_others_go_on(lab: Lab, two: Two) -> None:
    with closing(two.join()) as member:
        two.goes_on(two.odd, b"old 1", b"old 2")
        old = two.stream.identity(two.odd)
        lab.delete_topic(two.odd)
        problem_of(member, two.odd, TopicMissingError)
        two.goes_on(two.good, b"1")
        two.start.errors[two.odd] = TopicReplacedError("made again", where=two.odd)
        two.stream.create_topic(two.odd)
        fill(two.stream, two.odd, [b"new 1", b"new 2", b"new 3"])
        problem_of(member, two.odd, TopicReplacedError)
        two.goes_on(two.good, b"2")
        assert two.got[two.odd] == [b"old 1", b"old 2"]
        del two.start.errors[two.odd]  # as by "position set"
        records = poll_until(member, 3)
        assert [record.value for record in records] == [b"new 1", b"new 2", b"new 3"]
        assert {record.topic_id for record in records} == {two.stream.identity(two.odd)} != {old}


@pytest.mark.parametrize("waiting", [False, True], ids=["while records come", "while the member waits"])
def test_a_topic_made_again_within_a_moment_is_noticed_within_seconds(
    lab: Lab, stream: Stream, topic: str, waiting: bool
) -> None:
    start = starting_at(0)
    with closing(stream.subscribe([topic], unique("group"), start)) as member:
        fill(stream, topic, numbered(5))
        poll_until(member, 5)
        start.errors[topic] = TopicReplacedError("made again", where=topic)
        lab.delete_topic(topic)
        stream.create_topic(topic)
        fill(stream, topic, numbered(20, "new "))

        def noticed() -> bool:
            if waiting:
                member.keep_alive()
            fill(stream, topic, [b"it stays busy"])
            return isinstance(member.poll(100, 0.2).problems.get(topic), (TopicReplacedError, TopicMissingError))

        wait_until(noticed, timeout_s=30)
        problem_of(member, topic, TopicReplacedError)
        del start.errors[topic]
        assert [record.value for record in poll_until(member, 20)][:20] == numbered(20, "new ")


@pytest.mark.parametrize(("start", "told"), [(2, r"2 is no longer in .* 6 to 10"), (15, r"15 is beyond .* 6 to 10")])
def test_a_position_that_the_stream_does_not_hold_is_told_again_and_again_and_asked_for_anew(
    lab: Lab, two: Two, start: int, told: str
) -> None:
    fill(two.stream, two.odd, numbered(10))
    lab.lose(Partition(two.odd, 0), 6)
    two.start.offsets[two.odd] = start
    with closing(two.join()) as member:
        for number in range(3):
            problem = problem_of(member, two.odd, HistoryGoneError)
            assert problem.where == f"{two.odd}[0]"
            assert re.search(told, str(problem))
            two.goes_on(two.good, b"%d" % number)
        two.start.offsets[two.odd] = 8
        assert [record.offset for record in poll_until(member, 2)] == [8, 9]
        assert member.poll(10, 0.5).problems == {}


@pytest.mark.parametrize("kind", [StreamAwayError, ConfigurationError, TopicReplacedError])
def test_an_error_of_start_at_is_a_problem_of_that_topic_alone(two: Two, kind: type[Exception]) -> None:
    two.start.errors[two.odd] = kind("not now")  # type: ignore[assignment]
    fill(two.stream, two.odd, [b"later"])
    with closing(two.join()) as member:
        assert problem_of(member, two.odd, kind) is two.start.errors[two.odd]  # type: ignore[arg-type]
        two.goes_on(two.good, b"1")
        assert two.got[two.odd] == []
        del two.start.errors[two.odd]
        wait_until(lambda: (two.poll(), two.got[two.odd] == [b"later"])[1])
    assert {len(asked) for asked in two.start.asked} == {1}


def test_a_ledger_that_is_away_is_raised_and_loses_nothing_of_what_came(two: Two) -> None:
    away = TomAwayError("the ledger is away")
    fill(two.stream, two.good, numbered(300))
    fill(two.stream, two.odd, numbered(300))
    with closing(two.join()):
        two.start.errors[two.odd] = away
        raised = []

        def poll() -> None:
            try:
                two.poll()
            except TomAwayError as error:
                raised.append(error)

        wait_until(lambda: (poll(), len(two.got[two.good]) == 300 and raised)[1])
        assert set(raised) == {away}
        del two.start.errors[two.odd]
        wait_until(lambda: (poll(), len(two.got[two.odd]) == 300)[1])
    assert two.got == {two.good: numbered(300), two.odd: numbered(300)}


# -- history --------------------------------------------------------------------------------------------------------


def test_read_yields_a_range_and_moves_nobody(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(1_200))
    partition = Partition(topic, 0)
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        seen = len(wait_until(lambda: member.poll(5, 1.0).records))
        assert [record.offset for record in stream.read(partition, 1_190)] == list(range(1_190, 1_200))
        assert [record.offset for record in stream.read(partition, 3, 6)] == [3, 4, 5]
        assert list(stream.read(partition, 6, 6)) == []
        assert list(stream.read(partition, 1_200)) == []
        assert len(list(stream.read(partition, 0, 9_999))) == 1_200
        assert poll_until(member, 1, most=1)[0].offset == seen


def test_read_ends_at_the_end_that_was_there_when_it_began(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(3))
    reading = stream.read(Partition(topic, 0), 0)
    fill(stream, topic, numbered(3))
    assert [record.offset for record in reading] == [0, 1, 2]


def test_read_follows_what_comes(lab: Lab, stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(2))
    reading = stream.read(Partition(topic, 0), 0, 4, follow=True)
    assert [next(reading).offset, next(reading).offset] == [0, 1]
    with closing(lab.open()) as other:
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
    assert [record.offset for record in seen_anew(lab, topic)] == [5]


def test_offsets_at_find_the_first_record_at_or_after_a_moment(lab: Lab, stream: Stream, topic: str) -> None:
    partition = Partition(topic, 0)

    def another_is_later() -> bool:
        fill(stream, topic, [b"v"])
        return len({record.timestamp for record in seen_anew(lab, topic)}) >= 3

    wait_until(another_is_later)
    records = seen_anew(lab, topic)
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


# -- topics ---------------------------------------------------------------------------------------------------------


def test_topics_are_listed_with_what_they_are(lab: Lab, stream: Stream, topic: str) -> None:
    schemas = stream.create_topic(lab.named("schemas"), compacted=True)
    stream.reach(30)
    found = stream.topics()
    assert found[topic].partitions == 1
    assert not found[topic].compacted
    assert (found[topic].append_time, found[topic].kept) == (True, True)
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
    before = stream.identity(topic)
    assert before == stream.topics()[topic].id
    fill(stream, topic, numbered(3))
    lab.delete_topic(topic)
    assert topic not in stream.topics()
    for ask in (
        stream.ends,
        stream.identity,
        stream.largest_value,
        lambda name: stream.offsets_at(name, datetime.now(UTC)),
    ):
        with pytest.raises(TopicMissingError, match=topic):
            ask(topic)
    again = stream.create_topic(topic)
    assert again.id == stream.identity(topic) != before
    assert stream.ends(topic) == {Partition(topic, 0): Ends(0, 0)}


def test_another_topic_made_while_subscribed_disturbs_nobody(lab: Lab, stream: Stream, topic: str) -> None:
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        other = stream.create_topic(lab.named("other")).name
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
    other = lab.open()
    other.publish(topic, key=b"k", value=b"v")
    other.close()
    fresh = seen_anew(lab, topic)
    assert [record.value for record in fresh] in ([], [b"v"])
