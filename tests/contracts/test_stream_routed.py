"""Several streams as one: what one of them does is no other's business, and everything bears its label."""

import threading
import time
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from parts.kafka import KafkaBroker, free_ports
from parts.streams import SqliteLab, fill, is_away, numbered, poll_until, problem_of, routed, starting_at, unique
from parts.wait import wait_until

from bridge.errors import (
    ConfigurationError,
    NotDeliveredError,
    StreamAwayError,
    TopicMissingError,
)
from bridge.stream import Fetched, Partition, Subscription, routed_subscription
from bridge.stream.routed import RoutedStream


@pytest.fixture
def labs(tmp_path: Path) -> dict[str, SqliteLab]:
    return {label: SqliteLab(tmp_path / f"{label}.db") for label in ("", "other")}


def both(labs: Mapping[str, SqliteLab]) -> RoutedStream:
    return routed({label: lab.url for label, lab in labs.items()})


# -- names ----------------------------------------------------------------------------------------------------------


def test_a_topic_is_on_the_stream_whose_label_it_bears_and_told_with_it(labs: dict[str, SqliteLab]) -> None:
    with closing(both(labs)) as stream, closing(labs["other"].open()) as alone:
        made = stream.create_topic("other:events")
        assert made.name == "other:events"
        assert list(alone.topics()) == ["events"]
        fill(stream, "other:events", [b"v"])
        (partition,) = stream.ends("other:events")
        (record,) = stream.read(partition, 0)
        assert (str(partition), record.where) == ("other:events[0]", "other:events[0]@0")
        assert record.topic_id == alone.identity("events") == stream.identity("other:events")
        assert stream.topics().keys() == {"other:events"}
        assert stream.parts()["other"].topic("other:events") == made


def test_a_label_that_is_not_configured_is_told_with_those_that_are(labs: dict[str, SqliteLab]) -> None:
    with closing(both(labs)) as stream:
        for ask in (stream.ends, stream.topic, lambda topic: stream.publish(topic, key=b"", value=b"")):
            with pytest.raises(ConfigurationError, match=r"no stream 'another'.*\[streams\.another\].*other"):
                ask("another:events")


def test_what_goes_wrong_names_the_stream(labs: dict[str, SqliteLab]) -> None:
    with closing(both(labs)) as stream:
        with pytest.raises(TopicMissingError, match=r"'other:no\.such'.*topics create other:no\.such"):
            stream.ends("other:no.such")
        stream.create_topic("kept")
        stream.create_topic("other:lost")
        with closing(stream.subscribe(["kept", "other:lost"], unique("group"), starting_at(0))) as member:
            wait_until(lambda: (member.poll(1, 0.1), len(member.assignment()) == 2)[1])
            labs["other"].delete_topic("lost")
            assert "'other:lost'" in str(problem_of(member, "other:lost", TopicMissingError))
            stream.create_topic("other:lost")
        stream.publish("other:lost", key=b"k", value=b"v")
        labs["other"].delete_topic("lost")
        with pytest.raises(NotDeliveredError) as told:
            stream.flush(1)
        assert told.value.undelivered == (("other:lost", b"k"),)


# -- what can't be opened -------------------------------------------------------------------------------------------


def test_a_stream_that_can_not_be_opened_is_a_problem_of_its_topics_until_it_can(
    labs: dict[str, SqliteLab], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routed_subscription, "_JOIN_AGAIN_S", 0.0)
    afar = tmp_path / "afar"
    with (
        closing(routed({"": labs[""].url, "afar": f"sqlite:///{afar}/share.db"})) as stream,
        closing(stream.subscribe(["events", "afar:events"], unique("group"), starting_at(0))) as member,
    ):
        fill(stream, stream.create_topic("events").name, numbered(1))
        poll_until(member, 1)
        problem = str(problem_of(member, "afar:events", ConfigurationError))
        assert problem.startswith(f"streams.afar.url: the folder {afar} does not exist")
        with pytest.raises(ConfigurationError, match=r"streams\.afar\.url"):
            stream.identity("afar:events")
        afar.mkdir()
        fill(stream, stream.create_topic("afar:events").name, numbered(1))
        (record,) = poll_until(member, 1)
        assert str(record.partition) == "afar:events[0]"
        assert not timed_poll(member).problems


def test_one_stream_alone_that_can_not_be_opened_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"streams\.afar\.url: the folder"):
        routed({"afar": f"sqlite:///{tmp_path}/afar/share.db"})


# -- frozen brokers -------------------------------------------------------------------------------------------------

POLL_S = 1.0


def timed_poll(member: Subscription) -> Fetched:
    began = time.monotonic()
    fetched = member.poll(100, POLL_S)
    assert time.monotonic() - began < POLL_S + 2
    return fetched


@pytest.mark.waits
@pytest.mark.kafka
def test_a_frozen_broker_keeps_no_other_stream_waiting_whichever_it_is(
    own_kafka: KafkaBroker, kafka_broker: str
) -> None:
    live = f"kafka://{kafka_broker}"
    for urls in ({"": live, "frozen": own_kafka.url}, {"": own_kafka.url, "live": live}):
        with closing(routed(urls)) as stream:
            flowing, still = (
                stream.create_topic(f"{label}:{unique('events')}" if label else unique("events")).name
                for label in sorted(urls, key=lambda label: urls[label] != live)
            )
            for topic in (flowing, still):
                fill(stream, topic, numbered(3))
            own_kafka.freeze()
            try:
                # A member that begins while one broker is frozen.
                with closing(stream.subscribe([flowing, still], unique("group"), starting_at(0))) as member:
                    poll_until(member, 3)
                    for number in range(5):
                        stream.publish(flowing, key=b"k", value=b"%d" % number)
                        stream.flush(30)
                        assert wait_until(lambda: timed_poll(member).records)[0].partition.topic == flowing
                    problem = problem_of(member, still, StreamAwayError)
                    label = still.rpartition(":")[0]
                    assert label in str(problem)
                    stream.publish(still, key=b"k", value=b"later")
                    stream.publish(flowing, key=b"k", value=b"now")
                    with pytest.raises(NotDeliveredError) as told:
                        stream.flush(1)
                    assert {topic for topic, _ in told.value.undelivered} == {still}
                    assert wait_until(lambda: timed_poll(member).records)[-1].value == b"now"
                    own_kafka.thaw()
                    stream.flush(30)
                    assert [one.value for one in poll_until(member, 4)] == [*numbered(3), b"later"]
                    assert still not in timed_poll(member).problems
            finally:
                own_kafka.thaw()


@pytest.mark.kafka
def test_what_goes_to_one_stream_is_durable_while_another_is_waited_for_without_end(
    own_kafka: KafkaBroker, tmp_path: Path
) -> None:
    with closing(routed({"": own_kafka.url, "lite": f"sqlite:///{tmp_path}/share.db"})) as stream:
        for topic in ("events", "lite:events"):
            stream.create_topic(topic)
            fill(stream, topic, [b"before"])
        own_kafka.freeze()
        try:
            for topic in ("events", "lite:events"):
                stream.publish(topic, key=b"k", value=b"after")
            waiting = threading.Thread(target=stream.flush)
            waiting.start()
            wait_until(lambda: stream.ends("lite:events")[Partition("lite:events", 0)].next == 2)
            assert waiting.is_alive()
            with pytest.raises(StreamAwayError):
                stream.parts()[""].reach(1)
            stream.parts()["lite"].reach(1)
        finally:
            own_kafka.thaw()
        waiting.join(60)
        assert stream.ends("events")[Partition("events", 0)].next == 2


@pytest.mark.kafka
def test_the_stream_is_away_where_all_of_its_parts_are(kafka_broker: str) -> None:
    nobody = {label: f"kafka://127.0.0.1:{port}" for label, port in zip(("", "twin"), free_ports(2), strict=True)}
    with (
        closing(routed(nobody)) as stream,
        closing(stream.subscribe(["one", "twin:two"], "group", starting_at(0))) as member,
    ):
        wait_until(lambda: is_away(member), timeout_s=60)
    half = nobody | {"twin": f"kafka://{kafka_broker}"}
    with closing(routed(half)) as stream:
        topic = stream.create_topic(f"twin:{unique('events')}").name
        with closing(stream.subscribe(["one", topic], unique("group"), starting_at(0))) as member:
            problem_of(member, "one", StreamAwayError)
            fill(stream, topic, numbered(1))
            poll_until(member, 1)
