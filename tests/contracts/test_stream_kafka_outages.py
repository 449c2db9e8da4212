"""What goes on beside a broker that is closed or frozen, a member that is killed or frozen, and after them.

With the options that a bridge has unless somebody sets others, but where a test says so.
"""

import signal
import subprocess
import sys
import time
from contextlib import closing
from functools import partial

import pytest
from confluent_kafka.admin import NewTopic
from parts.kafka import KafkaBroker
from parts.streams import (
    KafkaLab,
    fill,
    is_away,
    numbered,
    poll_until,
    problem_of,
    starting_at,
    unique,
)
from parts.wait import wait_until

from bridge.errors import StreamAwayError
from bridge.stream import Partition, Stream, Subscription, kafka_subscription, open_stream

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400), pytest.mark.waits]

LONGEST_S = 2.0
"""How long a poll of 0.5 s may take at most, on a busy machine."""


@pytest.fixture
def lab(kafka_broker: str) -> KafkaLab:
    return KafkaLab(kafka_broker)


def longest_poll(member: Subscription, for_s: float) -> float:
    """Poll for a while; return how long the longest poll (or the wait of a consumer that is told "away") took."""
    longest, until = 0.0, time.monotonic() + for_s
    while time.monotonic() < until:
        began = time.monotonic()
        is_away(member)
        member.keep_alive()
        member.commit({Partition("led.by.2", 0): 1, Partition("led.by.1", 0): 1})
        longest = max(longest, time.monotonic() - began)
    return longest


# -- paused partitions ----------------------------------------------------------------------------------------------


@pytest.fixture
def much_stands_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing at all be so much that who keeps alive pauses its partitions."""
    monkeypatch.setattr(kafka_subscription, "MOST_BYTES", 0)


def test_who_pauses_because_much_stands_ready_loses_and_doubles_nothing(
    stream: Stream, much_stands_ready: None
) -> None:
    topic = stream.create_topic(unique("much")).name
    fill(stream, topic, numbered(1_000))
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        offsets: list[int] = []

        def all_read() -> bool:
            offsets.extend(record.offset for record in member.poll(150, 1.0).records)
            member.keep_alive()
            return len(offsets) >= 1_000

        wait_until(all_read, timeout_s=60)
        assert offsets == list(range(1_000))


def test_what_comes_to_a_member_that_keeps_alive_comes_as_soon_as_to_one_that_need_not(
    stream: Stream,
) -> None:
    topic = stream.create_topic(unique("soon")).name
    took = {False: 0.0, True: 0.0}
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        fill(stream, topic, [b"first"])
        poll_until(member, 1)
        for number in range(60):
            keeps_alive = number % 2 == 0
            if keeps_alive:
                member.keep_alive()
            began = time.monotonic()
            fill(stream, topic, [b"%d" % number])
            poll_until(member, 1)
            took[keeps_alive] += time.monotonic() - began
    assert took[True] < 2.0 + 2 * took[False]


def test_a_partition_that_was_taken_away_while_paused_goes_on_when_it_comes_back(
    stream: Stream, much_stands_ready: None
) -> None:
    topic = stream.create_topic(unique("paused"), partitions=2).name
    group = unique("group")
    with closing(stream.subscribe([topic], group, starting_at(0))) as member:
        ended: dict[Partition, int] = {}
        wait_until(lambda: (ended.update(member.poll(10, 0.2).read_to), len(ended) == 2)[1])
        member.keep_alive()
        with closing(stream.subscribe([topic], group, starting_at(0))) as standby:
            wait_until(lambda: (member.keep_alive(), standby.poll(1, 0.1), len(standby.assignment()) == 1)[2])
        wait_until(lambda: (member.poll(10, 0.2), len(member.assignment()) == 2)[1], timeout_s=60)
        for number in range(200):
            stream.publish(topic, key=b"%d" % number, value=b"%d" % number)
        stream.flush(60)
        assert {int(record.value) for record in poll_until(member, 200)} == set(range(200))


def test_members_go_on_after_an_outage_that_outlasts_their_sessions(own_kafka: KafkaBroker) -> None:
    with closing(open_stream(own_kafka.url)) as stream:
        topic = stream.create_topic("outage", partitions=2).name
        fill(stream, topic, numbered(5))
        with (
            closing(stream.subscribe([topic], "polls", starting_at(0))) as polling,
            closing(stream.subscribe([topic], "waits", starting_at(0))) as waiting,
        ):
            members = (polling, waiting)
            for member in members:
                poll_until(member, 5)
            own_kafka.kill()
            down_at = time.monotonic()
            for member in members:
                wait_until(partial(is_away, member), timeout_s=30, what="the outage is told")
            # Longer than the session of 45 s: the broker has forgotten the members, and these their partitions.
            while time.monotonic() - down_at < 55:
                is_away(polling)
                waiting.keep_alive()  # as a consumer that waits between its attempts, its partitions paused
            own_kafka.start()
            for member in members:
                wait_until(lambda member=member: not is_away(member), timeout_s=60, what="the end of the outage")
            fill(stream, topic, numbered(100, "after "))
            for member in members:
                records = poll_until(member, 100)
                while not _has(records, "after ", 100):
                    records += poll_until(member, 1)


def _has(records: list, prefix: str, count: int) -> bool:  # type: ignore[type-arg]
    return set(numbered(count, prefix)) <= {record.value for record in records}


# -- members that are killed or frozen ------------------------------------------------------------------------------

_MEMBER = """
import sys
import structlog
from bridge.stream import open_stream
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
url, topic, group, *options = sys.argv[1:]
stream = open_stream(url, dict(one.split("=") for one in options))
at = {}
member = stream.subscribe([topic], group, lambda partitions: {one: at.get(one, 0) for one in partitions})
while True:
    for record in member.poll(10, 0.2).records:
        at[record.partition] = record.offset + 1
        print(record.value.decode(), flush=True)
    member.keep_alive()
"""


def _member(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", _MEMBER, *arguments], stdout=subprocess.PIPE, text=True)


def test_a_member_that_was_frozen_beyond_its_session_goes_on(lab: KafkaLab, stream: Stream) -> None:
    topic = stream.create_topic(unique("frozen"), partitions=2).name
    fill(stream, topic, [b"before"])
    process = _member(lab.url, topic, unique("group"), "session.timeout.ms=6000")
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "before\n"
        for number in range(3):
            process.send_signal(signal.SIGSTOP)
            time.sleep(8)  # the session's 6 s and some
            process.send_signal(signal.SIGCONT)
            fill(stream, topic, [b"after %d" % number])
            line = ""
            while line != f"after {number}\n":
                line = process.stdout.readline()
                assert line
    finally:
        process.kill()
        process.communicate()


def test_who_comes_after_a_member_that_was_killed_says_what_it_waits_for_and_how_long(
    lab: KafkaLab, stream: Stream
) -> None:
    topic = stream.create_topic(unique("killed")).name
    fill(stream, topic, numbered(1))
    group = unique("group")
    process = _member(lab.url, topic, group)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.communicate()
    with closing(stream.subscribe([topic], group, starting_at(0))) as member:
        wait_until(lambda: (member.poll(1, 0.5), member.waits_for)[1], timeout_s=20)
        assert "45 s" in member.waits_for
        assert group in member.waits_for
        assert [record.offset for record in poll_until(member, 1)] == [0]
        assert member.waits_for == ""


# -- a broker that is frozen ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["freeze", "kill"])
def test_a_broker_that_does_not_answer_keeps_no_topic_of_another_waiting(
    two_kafkas: tuple[KafkaBroker, KafkaBroker], how: str
) -> None:
    first, second = two_kafkas
    lab = KafkaLab(first.address)
    topics = [NewTopic(f"led.by.{node}", 1, replica_assignment=[[node]]) for node in (1, 2)]
    for future in lab.admin.create_topics(topics).values():
        future.result(30)
    with closing(lab.open()) as stream:
        wait_until(lambda: {"led.by.1", "led.by.2"} <= stream.topics().keys())
        for topic in ("led.by.1", "led.by.2"):  # both known to the producer, whose first question may go to either
            fill(stream, topic, [b"before"])
        with closing(stream.subscribe(["led.by.1", "led.by.2"], "group", starting_at(0))) as member:
            poll_until(member, 2)
            getattr(second, how)()
            assert problem_of(member, "led.by.2", StreamAwayError, timeout_s=40)
            fill(stream, "led.by.1", [b"beside"])
            assert [record.value for record in poll_until(member, 1)] == [b"beside"]
            assert longest_poll(member, 12) < LONGEST_S
            assert list(member.poll(1, 0.5).problems) == ["led.by.2"]
            second.thaw() if how == "freeze" else second.start()
            wait_until(lambda: not member.poll(1, 0.5).problems, timeout_s=60, what="the end of the problem")
            fill(stream, "led.by.2", [b"after"])
            assert b"after" in [record.value for record in poll_until(member, 1)]


def test_the_only_broker_frozen_is_away_and_keeps_no_poll_waiting(own_kafka: KafkaBroker) -> None:
    with closing(open_stream(own_kafka.url)) as stream:
        topic = stream.create_topic("frozen").name
        fill(stream, topic, numbered(3))
        with closing(stream.subscribe([topic], "group", starting_at(0))) as member:
            poll_until(member, 3)
            own_kafka.freeze()
            wait_until(lambda: is_away(member), timeout_s=40, what="the freeze is told")
            assert longest_poll(member, 15) < LONGEST_S
            own_kafka.thaw()
            wait_until(lambda: not is_away(member), timeout_s=60)
            fill(stream, topic, [b"after"])
            assert b"after" in [record.value for record in poll_until(member, 1)]
            own_kafka.freeze()
            began = time.monotonic()
        assert time.monotonic() - began < 5
        own_kafka.thaw()
