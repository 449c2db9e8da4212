"""What ``status --check`` calls well, and following a topic."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from parts.events import event

from bridge.codec import Decoder, Schemas
from bridge.operations.status import PartitionStatus, Status, Thresholds, TopicStatus, judge
from bridge.operations.tailing import tail
from bridge.publishing.publisher import Publisher
from bridge.stream import Stream, open_stream

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LONG_AGO = NOON - timedelta(hours=1)
JUST_NOW = NOON - timedelta(seconds=5)
TOPIC = TopicStatus(topic="t", lag=7, waiting_since=LONG_AGO, last_success=None, last_outcome=None, partitions=())
WELL = Status(
    stream="sqlite:///s.db",
    stream_problem="",
    topics=(replace(TOPIC, lag=0, waiting_since=None),),
    counts=(),
    outcomes={},
    parked=3,
    dead=2,
    kept_bytes=10,
    kept_bytes_limit=100,
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
