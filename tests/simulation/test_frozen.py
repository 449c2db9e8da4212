"""A simulated broker that is frozen is to readers what a real one is: see ``test_stream_kafka_outages.py``."""

from contextlib import closing

import pytest
from simulation.clock import SimulatedClock
from simulation.stream import ANSWER_S, SESSION_S, UNHEARD_S, Broker, SimulatedStream

from bridge.errors import StreamAwayError
from bridge.stream import Fetched, Partition, Subscription

ONE = Partition("one", 0)


@pytest.fixture
def broker() -> Broker:
    made = Broker(SimulatedClock())
    made.create("one")
    return made


def member_of(broker: Broker) -> Subscription:
    stream = SimulatedStream(broker)
    return stream.subscribe(["one"], "group", lambda partitions: dict.fromkeys(partitions, 0))


def write(broker: Broker, *values: bytes) -> None:
    for value in values:
        broker.append("one", b"key", value)


def values(fetched: Fetched) -> list[bytes]:
    return [record.value for record in fetched.records]


def timed_poll(broker: Broker, member: Subscription, most: int = 10) -> Fetched:
    began = broker.clock.monotonic()
    try:
        return member.poll(most, 1.0)
    finally:
        assert broker.clock.monotonic() - began <= 1.0


def test_what_was_at_hand_still_comes_then_nothing_and_then_it_is_away(broker: Broker) -> None:
    write(broker, b"1", b"2")
    with closing(member_of(broker)) as member:
        assert values(timed_poll(broker, member, 1)) == [b"1"]
        broker.freeze()
        write(broker, b"3")
        assert values(timed_poll(broker, member)) == [b"2"]
        frozen_at = broker.clock.monotonic()
        while broker.clock.monotonic() - frozen_at < UNHEARD_S - 1:
            assert timed_poll(broker, member) == Fetched()
        for _ in range(3):
            with pytest.raises(StreamAwayError):
                timed_poll(broker, member)
        broker.thaw()
        assert values(timed_poll(broker, member)) == [b"3"]


def test_a_question_is_given_up_when_its_time_is_over_or_answered_when_it_goes_on(broker: Broker) -> None:
    stream = SimulatedStream(broker)
    broker.freeze()
    began = broker.clock.monotonic()
    for ask in (stream.topics, lambda: stream.ends("one"), lambda: stream.identity("one"), lambda: member_of(broker)):
        with pytest.raises(StreamAwayError):
            ask()
    assert broker.clock.monotonic() - began == 4 * ANSWER_S
    assert broker.unanswered == 4
    broker.thaw()
    assert stream.topics().keys() == {"one"}


@pytest.mark.parametrize("outlasts", [False, True], ids=["shorter than a session", "longer"])
def test_a_member_keeps_its_place_as_long_as_a_session_lasts(broker: Broker, outlasts: bool) -> None:
    with closing(member_of(broker)) as member, closing(member_of(broker)) as other:
        timed_poll(broker, member)
        broker.freeze()
        broker.clock.advance(SESSION_S + 1 if outlasts else SESSION_S - 1)  # type: ignore[attr-defined]
        broker.thaw()
        other.keep_alive()
        timed_poll(broker, other)
        assert bool(other.assignment()) is outlasts
        timed_poll(broker, member)
        assert len(member.assignment()) + len(other.assignment()) == 1


def test_who_leaves_meanwhile_is_not_waited_for_without_end(broker: Broker) -> None:
    member = member_of(broker)
    timed_poll(broker, member)
    broker.freeze()
    began = broker.clock.monotonic()
    member.close()
    assert broker.clock.monotonic() - began < 5
    broker.thaw()
    with closing(member_of(broker)) as other:
        timed_poll(broker, other)
        assert not other.assignment()
        broker.clock.advance(SESSION_S)  # type: ignore[attr-defined]
        timed_poll(broker, other)
        assert other.assignment()
