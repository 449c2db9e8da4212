"""What ``status --check`` calls well, and following a topic."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from parts.events import event

from bridge.codec import Decoder, Schemas
from bridge.ledger.port import Heartbeat, Reason, Sums
from bridge.ledger.sqlite import SqliteLedger
from bridge.operations.status import (
    PartitionStatus,
    ProcessStatus,
    Status,
    Thresholds,
    TopicStatus,
    Verdict,
    judge,
    ledgers_problems,
)
from bridge.operations.tailing import tail
from bridge.publishing.publisher import Publisher
from bridge.stream import Stream, open_stream

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(hours=1)
JUST_NOW = NOON - timedelta(seconds=5)
TOPIC = TopicStatus(topic="t", lag=7, waiting_since=LONG_AGO, last_success=None, last_outcome=None, partitions=())
ALIVE = ProcessStatus(
    process="here:1", started_at=LONG_AGO, at=JUST_NOW, ended=False, troubles={}, moved={"t[0]": JUST_NOW}, held={}
)
WELL = Status(
    stream="sqlite:///s.db",
    stream_problem="",
    topics=(replace(TOPIC, lag=0, waiting_since=None),),
    counts=(),
    outcomes={},
    sums=Sums(),
    parked=3,
    dead=2,
    kept_bytes=10,
    kept_bytes_limit=100,
    processes=(ALIVE,),
)
BROKEN = PartitionStatus(topic="t", partition=0, position=1, first=5, end=9, lag=4, problem="position 1 is gone")


def test_nothing_that_waits_is_well() -> None:
    assert judge(WELL, Thresholds(), at=NOON).well


@pytest.mark.parametrize(
    "topic",
    [replace(TOPIC, waiting_since=JUST_NOW, last_outcome=LONG_AGO), replace(TOPIC, last_outcome=JUST_NOW)],
    ids=["just arrived", "being applied"],
)
def test_what_has_just_come_or_is_being_applied_is_well(topic: TopicStatus) -> None:
    assert judge(replace(WELL, topics=(topic,)), Thresholds(), at=NOON).well


@pytest.mark.parametrize(
    ("now", "limits", "told"),
    [
        (
            replace(WELL, topics=(replace(TOPIC, last_outcome=LONG_AGO),)),
            Thresholds(),
            "nothing was applied for 1:00:00",
        ),
        (replace(WELL, topics=(TOPIC,)), Thresholds(), "though 7 records wait"),
        (replace(WELL, topics=(replace(TOPIC, waiting_since=JUST_NOW),)), Thresholds(lag=6), "more than 6"),
        (replace(WELL, topics=(replace(TOPIC, waiting_since=None, partitions=(BROKEN,)),)), Thresholds(), "is gone"),
        (WELL, Thresholds(parked=2), "3 parked, more than 2"),
        (WELL, Thresholds(dead=0), "2 dead, more than 0"),
        (replace(WELL, kept_bytes=95), Thresholds(), "95 of 100 bytes"),
        (replace(WELL, stream_problem="the broker is away"), Thresholds(), "the broker is away"),
    ],
)
def test_what_is_not_well_is_told(now: Status, limits: Thresholds, told: str) -> None:
    verdict = judge(now, limits, at=NOON)
    assert not verdict.well
    assert told in verdict.problems[0]


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    opened = open_stream(f"sqlite:///{tmp_path}/stream.db")
    opened.create_topic("tom-bridge.schemas", compacted=True)
    opened.create_topic("t")
    yield opened
    opened.close()


def test_a_topic_is_followed_from_now_on(stream: Stream) -> None:
    publisher = Publisher(stream, "t")
    before, after = event(), event()
    publisher.publish(before)
    publisher.flush()

    def arrive(_seconds: float) -> None:
        publisher.publish(after)
        publisher.flush()

    seen = tail(stream, Decoder(Schemas(stream)), "t", only_new=True, follow=True, wait=arrive)
    assert next(seen).event == after


def test_what_can_not_be_decoded_is_shown_with_the_reason(stream: Stream) -> None:
    stream.publish("t", key=b"k", value=b"no event")
    stream.flush()
    (one,) = tail(stream, Decoder(Schemas(stream)), "t")
    assert one.event is None
    assert "t[0]@0" in one.problem


def lagging(process: ProcessStatus, *, lag: int = 4) -> Status:
    behind = PartitionStatus(topic="t", partition=0, position=5, first=0, end=5 + lag, lag=lag)
    topic = replace(TOPIC, lag=lag, last_outcome=JUST_NOW, partitions=(behind,))
    return replace(WELL, topics=(topic,), processes=(process,))


def test_a_partition_that_has_records_and_stands_still_is_not_well() -> None:
    stuck = replace(ALIVE, moved={"t[0]": LONG_AGO}, held={"t[0]": "answers 414"})
    (problem,) = judge(lagging(stuck), Thresholds(), at=NOON).problems
    assert problem.startswith("t[0]: records wait, and nothing has moved since")
    assert "answers 414" in problem
    assert judge(lagging(ALIVE), Thresholds(), at=NOON).well


def test_records_that_wait_while_nobody_says_that_it_lives_are_not_well() -> None:
    for process in (replace(ALIVE, at=LONG_AGO), replace(ALIVE, ended=True)):
        (problem,) = judge(lagging(process), Thresholds(), at=NOON).problems
        assert "no process has said" in problem
    assert judge(replace(WELL, processes=()), Thresholds(), at=NOON).well


def test_what_needs_a_person_is_said_at_once_and_what_is_waited_for_after_a_while() -> None:
    def troubled(since: datetime, whose: str, *, person: bool) -> Verdict:
        trouble = {"what": "it is not there", "since": since.isoformat(), "needs_a_person": person}
        return judge(replace(WELL, processes=(replace(ALIVE, troubles={whose: trouble}),)), Thresholds(), at=NOON)

    assert "t since" in troubled(JUST_NOW, "t", person=True).problems[0]
    assert troubled(JUST_NOW, "[tom]", person=False).well
    assert "it is not there" in troubled(LONG_AGO, "[tom]", person=False).problems[0]
    assert troubled(LONG_AGO, "[group]", person=False).well  # it stands by


def test_another_installation_of_our_origin_is_not_well() -> None:
    (problem,) = judge(replace(WELL, sums=Sums(dead={Reason.ANOTHERS: 3})), Thresholds(), at=NOON).problems
    assert "another installation publishes as this TOM: 3 events" in problem


def beat(at: datetime, *, moved_at: datetime = LONG_AGO, waits: int = 0, ended: bool = False) -> Heartbeat:
    partition = {"moved_at": moved_at.isoformat(), "waits": waits, "held": "answers 414"}
    state = {"topics": {"t": {"partitions": {"0": partition}}}}
    return Heartbeat(process="here:1", started_at=LONG_AGO, at=at, state=state, ended=ended)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (beat(JUST_NOW, moved_at=JUST_NOW, waits=3), ""),
        (beat(JUST_NOW), ""),  # nothing is at hand
        (beat(JUST_NOW, waits=3), "t[0]: records wait, and nothing has moved since 11:00:00 UTC: answers 414"),
        (beat(LONG_AGO), "the consumer (here:1) has not said since 2026-11-22 11:00:00 UTC that it lives"),
        (beat(LONG_AGO, waits=3, ended=True), ""),  # a person has ended it
    ],
)
def test_what_stands_or_lives_no_more_is_told_without_asking_the_stream(
    tmp_path: Path, said: Heartbeat, told: str
) -> None:
    with closing(SqliteLedger(tmp_path / "ledger.sqlite")) as ledger:
        assert ledgers_problems(ledger, at=NOON) == []
        ledger.beat(said)
        assert ledgers_problems(ledger, at=NOON) == ([told] if told else [])
