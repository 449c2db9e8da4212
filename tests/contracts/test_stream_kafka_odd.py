"""Records and topics as others make them: whatever stands on a topic of Kafka, every reader goes on."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import NewTopic
from parts.events import event, record_of
from parts.raw_kafka import write_raw
from parts.streams import KafkaLab, fill, numbered, poll_until, seen_anew, starting_at, unique
from parts.wait import wait_until

from bridge.codec import Decoder, Schemas
from bridge.codec.schemas import newest
from bridge.errors import UndecodableError
from bridge.events import Kind
from bridge.operations.copying import copy_topic
from bridge.operations.doctor import examine_streams
from bridge.operations.finding import Finding
from bridge.operations.tailing import tail
from bridge.publishing.publisher import Publisher
from bridge.settings import Settings
from bridge.stream import Partition, Record, Stream, open_stream
from bridge.stream.kafka_subscription import KafkaSubscription

pytestmark = pytest.mark.kafka

NO_UTF8 = (b"\xff\xfe", b"v")


@pytest.fixture
def lab(kafka_broker: str) -> KafkaLab:
    return KafkaLab(kafka_broker)


@pytest.fixture
def topic(stream: Stream) -> str:
    return stream.create_topic(unique("odd")).name


def made(lab: KafkaLab, **settings: str) -> str:
    """Return a topic as an administrator may have made it."""
    name = unique("others")
    asked = {key.replace("_", "."): value for key, value in settings.items()}
    lab.admin.create_topics([NewTopic(name, 1, 1, config=asked)])[name].result(30)
    with closing(lab.open()) as stream:
        wait_until(lambda: name in stream.topics())
    return name


def of_any_time(lab: KafkaLab) -> str:
    """Return a topic that takes records of any time."""
    most = str(2**63 - 1)
    return made(
        lab,
        message_timestamp_type="CreateTime",
        message_timestamp_before_max_ms=most,
        message_timestamp_after_max_ms=most,
        retention_ms="-1",
    )


def polled(stream: Stream, topic: str, count: int) -> list[Record]:
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        return poll_until(member, count)


# -- records that can't be handed out whole -------------------------------------------------------------------------


def test_a_header_name_that_is_no_utf8_is_told_in_its_record_and_its_neighbours_come(
    lab: KafkaLab, stream: Stream, topic: str
) -> None:
    for headers in ([(b"good", b"1")], [(b"good", b"1"), NO_UTF8], [(b"good", b"2")]):
        write_raw(lab.address, topic, key=b"key", value=b"value", headers=headers)
    for records in (polled(stream, topic, 3), seen_anew(lab, topic)):
        assert [(record.offset, record.key, record.value) for record in records] == [
            (number, b"key", b"value") for number in range(3)
        ]
        assert [bool(record.problem) for record in records] == [False, True, False]
        assert "no UTF-8" in records[1].problem
        assert abs(records[1].timestamp - datetime.now(UTC)) < timedelta(minutes=5)
        assert [record.headers for record in records] == [(("good", b"1"),), (), (("good", b"2"),)]


def test_a_header_name_that_is_no_utf8_kills_nobody_who_has_read_many_others(
    lab: KafkaLab, stream: Stream, topic: str
) -> None:
    for number in range(200):
        stream.publish(topic, key=b"key", value=b"value", headers=(("good", str(number).encode()),))
    stream.flush()
    write_raw(lab.address, topic, key=b"key", value=b"value", headers=[NO_UTF8])
    records = polled(stream, topic, 201)
    assert [bool(record.problem) for record in records] == [False] * 200 + [True]


@pytest.mark.parametrize("milliseconds", [253_402_300_800_000, 253_402_300_799_999, 2**62, 2**63 - 1])
def test_a_time_that_is_none_is_told_in_its_record_and_its_neighbours_come(
    lab: KafkaLab, stream: Stream, milliseconds: int
) -> None:
    topic = of_any_time(lab)
    for at in (0, milliseconds, 86_400_000):
        write_raw(lab.address, topic, headers=[(b"n", b"v")], timestamp_ms=at)
    for records in (polled(stream, topic, 3), seen_anew(lab, topic)):
        assert [record.problem for record in records][::2] == ["", ""]
        assert str(milliseconds) in records[1].problem
        assert [record.timestamp for record in records] == [datetime(1970, 1, day, tzinfo=UTC) for day in (1, 1, 2)]
        assert {(record.value, record.headers) for record in records} == {(b"value", (("n", b"v"),))}


def test_what_can_not_be_handed_out_whole_is_no_event_and_says_why(lab: KafkaLab, stream: Stream, topic: str) -> None:
    given = event()
    whole = record_of(given)
    headers = [(name.encode(), value) for name, value in whole.headers]
    write_raw(lab.address, topic, key=whole.key or b"", value=whole.value, headers=[*headers, NO_UTF8])
    write_raw(lab.address, topic, key=whole.key or b"", value=whole.value, headers=headers)
    odd, good = seen_anew(lab, topic)
    decoder = Decoder(Schemas())
    assert decoder.decode(good) == (given,)
    with pytest.raises(UndecodableError, match="no UTF-8") as error:
        decoder.decode(odd)
    assert error.value.where == f"{topic}[0]@0"
    tailed = list(tail(stream, decoder, topic))
    assert [(one.event, bool(one.problem)) for one in tailed] == [(None, True), (given, False)]


def test_a_copy_leaves_out_what_it_can_not_read_whole_and_counts_it(
    lab: KafkaLab, stream: Stream, topic: str, tmp_path: Path
) -> None:
    schemas = stream.create_topic(unique("schemas"), compacted=True).name
    for headers in ([], [NO_UTF8], []):
        write_raw(lab.address, topic, headers=headers)
    write_raw(lab.address, schemas, headers=[NO_UTF8])
    with closing(open_stream(f"sqlite:///{tmp_path}/copy.db")) as target:
        for there in (0, 2):
            done = copy_topic(stream, target, topic, "copy", schema_topic=schemas, to_schema_topic=schemas)
            assert (done.records, done.copied, done.there, done.left_out) == (3, 2 - there, there, 1)
        assert len(list(target.read(Partition("copy", 0), 0))) == 2


def test_publishers_and_readers_pass_over_what_is_odd_on_the_schema_topic(lab: KafkaLab, stream: Stream) -> None:
    schemas = stream.create_topic(unique("schemas"), compacted=True).name
    write_raw(lab.address, schemas, headers=[NO_UTF8])
    assert Schemas(stream, schemas).find(b"12345678") is None
    topic = stream.create_topic(unique("events")).name
    with Publisher(stream, topic, schema_topic=schemas) as publisher:
        publisher.publish(event())
    assert newest(Kind.PHOTOMETRY).sha256.encode() in {record.key for record in seen_anew(lab, schemas)}


# -- holes ----------------------------------------------------------------------------------------------------------


def test_a_transactions_marker_at_the_end_is_told_as_read(lab: KafkaLab, stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(2))
    other = Producer({"bootstrap.servers": lab.address, "transactional.id": topic})
    other.init_transactions(60)
    for ends_well in (True, False):
        other.begin_transaction()
        other.produce(topic, value=b"in a transaction")
        other.flush()
        (other.commit_transaction if ends_well else other.abort_transaction)(60)
    partition = Partition(topic, 0)
    end = wait_until(lambda: (found := stream.ends(topic)[partition].next) == 6 and found, what="the last marker")
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        read_to: list[int] = []

        def reached() -> bool:
            read_to.extend(member.poll(100, 0.5).read_to.values())
            return end in read_to

        wait_until(reached)


# -- errors of librdkafka -------------------------------------------------------------------------------------------


class Failing:
    """A consumer of librdkafka that loses what it has fetched to an error, a few times: callbacks can make it."""

    def __init__(self, consumer: Any, times: int) -> None:
        self._consumer = consumer
        self._times = times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    def consume(self, *given: Any) -> Any:
        messages = self._consumer.consume(*given)
        if messages and self._times:
            self._times -= 1
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return messages


def test_an_error_of_librdkafka_in_the_middle_of_a_batch_loses_no_record(stream: Stream, topic: str) -> None:
    fill(stream, topic, numbered(1_000))
    applied: dict[Partition, int] = {}
    got: list[bytes] = []

    def start_at(partitions: Any) -> dict[Partition, int]:
        return {one: applied.get(one, 0) for one in partitions}

    with closing(stream.subscribe([topic], unique("group"), start_at)) as member:
        assert isinstance(member, KafkaSubscription)
        member._reader.consumer = Failing(member._reader.consumer, 3)

        def all_came() -> bool:
            for record in member.poll(100, 0.5).records:
                got.append(record.value)
                applied[record.partition] = record.offset + 1
            return len(got) >= 1_000

        wait_until(all_came)
    assert got == numbered(1_000)


def test_history_that_is_gone_in_one_partition_loses_nothing_of_another(lab: KafkaLab, stream: Stream) -> None:
    topic = stream.create_topic(unique("both"), partitions=2).name
    for number in range(400):
        stream.publish(topic, key=b"%d" % number, value=b"%d" % number)
    stream.flush(60)
    whole = [record.value for record in stream.read(Partition(topic, 1), 0)]
    lab.lose(Partition(topic, 0), 5)
    with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
        assert [record.value for record in poll_until(member, len(whole), most=7)] == whole
        assert "holds 5 to" in str(wait_until(lambda: member.poll(10, 0.5).problems.get(topic)))


# -- what doctor says of a topic ------------------------------------------------------------------------------------


def findings(lab: KafkaLab, stream: Stream, topic: str) -> list[Finding]:
    schemas = stream.create_topic(unique("schemas"), compacted=True).name
    settings = Settings.from_mapping(
        {"origin": "o", "stream": {"url": lab.url, "schema_topic": schemas}, "publish": {"topic": topic}}
    )
    return [one for one in examine_streams(settings) if one.level != "ok"]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"message_timestamp_type": "CreateTime", "retention_ms": "-1"}, "publishers' clocks"),
        ({"message_timestamp_type": "LogAppendTime", "retention_ms": "86400000"}, "forgets"),
        (
            {"message_timestamp_type": "LogAppendTime", "retention_ms": "-1", "retention_bytes": "1000000"},
            "forgets",
        ),
    ],
)
def test_doctor_fails_a_topic_of_other_times_and_one_that_forgets(
    lab: KafkaLab, stream: Stream, settings: dict[str, str], says: str
) -> None:
    (found,) = findings(lab, stream, made(lab, **settings))
    assert found.level == "fail"
    assert says in found.what
    assert "Ask who runs the broker to set" in found.mend


def test_doctor_is_content_with_a_topic_made_by_the_bridge(lab: KafkaLab, stream: Stream, topic: str) -> None:
    assert findings(lab, stream, topic) == []
