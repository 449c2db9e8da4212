"""From an event to the stream, and what is said where that can't be."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parts.events import event, one_of_each, photometry, target

from bridge.codec import SCHEMA_TOPIC, Decoder, Schemas, encode
from bridge.errors import ConfigurationError, InvalidEventError, TooLargeError, TopicMissingError
from bridge.events import DataProduct, Event
from bridge.publishing.publisher import Publisher
from bridge.stream import Record, Stream, open_stream

TOPIC = "supernovae"


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    stream = open_stream(f"sqlite:///{tmp_path}/stream.db")
    for name in (TOPIC, SCHEMA_TOPIC):
        stream.create_topic(name, compacted=name == SCHEMA_TOPIC)
    yield stream
    stream.close()


def records(stream: Stream, topic: str = TOPIC) -> list[Record]:
    return [record for partition in stream.topics()[topic].each_partition() for record in stream.read(partition, 0)]


def events(stream: Stream) -> list[Event]:
    decoder = Decoder(Schemas(stream))
    return [event for record in records(stream) for event in decoder.decode(record)]


def publish_a_good_and_a_bad_one(publisher: Publisher) -> None:
    publisher.publish(event())
    publisher.publish(event(target().model_copy(update={"dec": 91.0})))


def test_what_is_published_is_on_the_topic_under_its_key_when_flush_has_returned(stream: Stream) -> None:
    given = one_of_each()
    publisher = Publisher(stream, TOPIC)
    for each in given:
        assert publisher.publish(each) == [each]
    publisher.flush()
    assert events(stream) == given
    assert [record.key for record in records(stream)] == [each.key for each in given]


def test_the_schema_is_announced_before_the_first_event(stream: Stream) -> None:
    publisher = Publisher(stream, TOPIC)
    publisher.publish(event())
    (announced,) = records(stream, SCHEMA_TOPIC)  # durable although nothing was flushed by us
    assert announced.key == encode(event()).schema.sha256.encode()


def test_leaving_the_block_flushes_and_an_exception_does_not_wait(stream: Stream) -> None:
    with Publisher(stream) as publisher:
        publisher.publish(event(), TOPIC)
    assert len(events(stream)) == 1
    with pytest.raises(InvalidEventError), Publisher(stream, TOPIC) as publisher:
        publish_a_good_and_a_bad_one(publisher)
    assert len(events(stream)) == 1


def test_a_large_event_is_published_in_parts_that_are_returned(stream: Stream) -> None:
    given = event(photometry(40_000))
    with Publisher(stream, TOPIC) as publisher:
        parts = publisher.publish(given)
    assert len(parts) > 1
    assert events(stream) == parts
    assert all(len(record.value) <= 900_000 for record in records(stream))


def test_a_product_may_be_as_large_as_the_topic_takes(stream: Stream) -> None:
    body = DataProduct.of(
        bytes(8 * 1024 * 1024), target=target().reference, filename="a.fits", data_product_type="image"
    )
    given = event(body)
    with Publisher(stream, TOPIC) as publisher:
        assert publisher.publish(given) == [given]
    assert events(stream) == [given]


def test_without_a_topic_it_says_what_to_do(stream: Stream) -> None:
    with pytest.raises(ConfigurationError, match=r"no topic .*publish\(event, "):
        Publisher(stream).publish(event())


def test_a_topic_that_does_not_exist_is_told_before_anything_is_published(stream: Stream) -> None:
    with pytest.raises(TopicMissingError, match="nowhere"):
        Publisher(stream, "nowhere").publish(event())
    assert records(stream, SCHEMA_TOPIC) == []


def test_a_missing_schema_topic_is_told_before_anything_is_published(stream: Stream) -> None:
    with pytest.raises(TopicMissingError, match=r"other.schemas: .*topics create"):
        Publisher(stream, TOPIC, schema_topic="other.schemas").publish(event())
    stream.flush()
    assert records(stream) == []


def test_an_event_that_was_changed_past_its_checks_is_refused(stream: Stream) -> None:
    given = event(target())
    wrong = given.model_copy(update={"body": target().model_copy(update={"ra": 400.0})})
    with pytest.raises(InvalidEventError, match=r"ra: .*360"):
        Publisher(stream, TOPIC).publish(wrong)


def test_so_is_one_of_whose_points_one_was_changed(stream: Stream) -> None:
    given = photometry(3)
    *others, last = given.points
    wrong = given.model_copy(update={"points": (*others, last.model_copy(update={"brightness": float("nan")}))})
    for each in (event(wrong), event(photometry(3)).model_copy(update={"body": wrong})):
        with pytest.raises(InvalidEventError, match=r"points\[2\].brightness: .*finite"):
            Publisher(stream, TOPIC).publish(each)


def test_so_is_one_with_a_further_value_that_was_changed_in_place(stream: Stream) -> None:
    given = event(photometry(2, extra={"seeing": 1.2}))
    given.body.points[1].extra["seeing"] = float("nan")
    with pytest.raises(InvalidEventError, match=r"points\[1\].extra"):
        Publisher(stream, TOPIC).publish(given)


def test_an_event_too_large_for_the_topic_is_refused_before_anything_is_published(stream: Stream) -> None:
    given = event(target(extras={str(number): "x" * 10_000 for number in range(100)}))
    with pytest.raises(TooLargeError, match="900000 are the most"):
        Publisher(stream, TOPIC).publish(given)
    assert records(stream, SCHEMA_TOPIC) == []
