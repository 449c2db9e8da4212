"""Publishing, announcing and learning of schemas on a real Kafka, as on the embedded stream."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from parts.events import event, one_of_each, photometry, read_again, record_of
from parts.schema_versions import changed

from bridge.codec import Decoder, Schemas
from bridge.codec.writing import MARKER
from bridge.errors import TopicMissingError, UnknownSchemaError
from bridge.events import Kind
from bridge.publishing.publisher import Publisher
from bridge.stream import Record, Stream, open_stream

pytestmark = pytest.mark.kafka


@pytest.fixture
def stream(kafka_broker: str) -> Iterator[Stream]:
    stream = open_stream(f"kafka://{kafka_broker}")
    yield stream
    stream.close()


@pytest.fixture
def topic(stream: Stream) -> str:
    return stream.create_topic(f"supernovae.{uuid4()}").name


@pytest.fixture
def schema_topic(stream: Stream) -> str:
    return stream.create_topic(f"schemas.{uuid4()}", compacted=True).name


def records(stream: Stream, topic: str) -> list[Record]:
    return [record for partition in stream.topics()[topic].each_partition() for record in stream.read(partition, 0)]


def test_what_is_published_is_read_and_each_schema_is_announced_once(
    stream: Stream, topic: str, schema_topic: str
) -> None:
    given = one_of_each()
    large = event(photometry(40_000))
    for _ in range(2):
        with Publisher(stream, topic, schema_topic=schema_topic) as publisher:
            published = [part for each in [*given, large] for part in publisher.publish(each)]
    decoder = Decoder(Schemas(stream, schema_topic))
    assert len(published) > len(given) + 1
    assert [event for record in records(stream, topic) for event in decoder.decode(record)] == published * 2
    announced = [record.key for record in records(stream, schema_topic)]
    assert len(set(announced)) == len(announced) == len(Kind)


def test_a_missing_schema_topic_is_told_with_its_mend(stream: Stream, topic: str) -> None:
    with pytest.raises(TopicMissingError, match=r"not-there: .*topics create"):
        Publisher(stream, topic, schema_topic="not-there").publish(event())


def test_a_reader_learns_a_schema_that_is_announced_later(stream: Stream, schema_topic: str) -> None:
    def add_a_field(definition: dict[str, list[object]]) -> None:
        definition["fields"].append({"name": "later", "type": "string", "default": "", "doc": "No unit."})

    later = changed(Kind.PHOTOMETRY, add_a_field)
    given = event()
    written = record_of(given, {"tom_bridge_schema_sha256": later.sha256.encode()})
    record = type(written)(**{**vars(written), "value": MARKER + later.fingerprint + written.value[10:] + b"\x02x"})
    decoder = Decoder(Schemas(stream, schema_topic))
    with pytest.raises(UnknownSchemaError):
        decoder.decode(record)
    Schemas(stream, schema_topic).announce(later)
    assert decoder.decode(read_again(record)) == (given,)
