"""What the Kafka stream promises beyond the common contract: outages, refused records, options, errors that help."""

import random
import threading
import time
from contextlib import closing
from itertools import groupby

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)
from parts.kafka import SASL_PASSWORD, KafkaBroker, free_ports
from parts.streams import KafkaLab, everything, fill, is_away, numbered, poll_until, starting_at, unique
from parts.wait import wait_until

from bridge.errors import ConfigurationError, NotDeliveredError, StreamAwayError, TopicMissingError
from bridge.stream import Partition, open_stream

pytestmark = pytest.mark.kafka


@pytest.fixture
def lab(kafka_broker: str) -> KafkaLab:
    return KafkaLab(kafka_broker)


@pytest.fixture
def nobody() -> str:
    """An address where no broker answers."""
    return f"kafka://127.0.0.1:{free_ports(1)[0]}"


def _set(lab: KafkaLab, topic: str, name: str, value: str) -> None:
    """Set what a topic takes, and return when the broker says so: the controller, which is asked, knows it before."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
    for future in lab.admin.incremental_alter_configs([resource]).values():
        future.result(30)

    def shown() -> bool:
        (held,) = lab.admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
        return bool(held.result(30)[name].value == value)

    wait_until(shown, what=f"{name} of {topic}")


# -- outages --------------------------------------------------------------------------------------------------------


def test_a_broker_killed_while_publishing_loses_nothing_and_keeps_the_order(own_kafka: KafkaBroker) -> None:
    with closing(open_stream(own_kafka.url)) as stream:
        topic = stream.create_topic("killed").name
        half = threading.Event()

        def publish() -> None:
            for number in range(20_000):
                stream.publish(topic, key=b"key %d" % (number % 5), value=b"%d" % number)
                if number == 10_000:
                    half.set()
            stream.flush()

        publishing = threading.Thread(target=publish)
        publishing.start()
        assert half.wait(60)
        own_kafka.kill()
        own_kafka.start()
        publishing.join(120)
        assert not publishing.is_alive()
    records = everything(own_kafka.url, topic)
    for key in {record.key for record in records}:
        # A record that was taken but not confirmed before the kill may be there twice in a row, never out of order.
        numbers = [int(number) for number, _ in groupby(int(r.value) for r in records if r.key == key)]
        assert numbers == list(range(int(key.removeprefix(b"key ")), 20_000, 5))


@pytest.mark.waits
def test_an_outage_names_what_is_not_delivered_and_delivers_it_afterwards(own_kafka: KafkaBroker) -> None:
    with closing(open_stream(own_kafka.url)) as stream:
        topic = stream.create_topic("outage").name
        fill(stream, topic, [b"before"])
        with closing(stream.subscribe([topic], "group", starting_at(0))) as member:
            poll_until(member, 1)
            own_kafka.kill()
            stream.publish(topic, key=b"a", value=b"during 1")
            stream.publish(topic, key=b"b", value=b"during 2")
            with pytest.raises(NotDeliveredError, match="2 records") as error:
                stream.flush(1)
            assert error.value.undelivered == ((topic, b"a"), (topic, b"b"))
            wait_until(lambda: is_away(member), timeout_s=30, what="the outage is told")
            with pytest.raises(StreamAwayError):
                stream.topics()
            own_kafka.start()
            stream.flush(90)
            assert [record.value for record in poll_until(member, 2)] == [b"during 1", b"during 2"]


def test_a_broker_that_is_not_there_is_away_and_opening_does_not_wait_for_it(nobody: str) -> None:
    with closing(open_stream(nobody)) as stream, pytest.raises(StreamAwayError, match=r"127\.0\.0\.1"):
        stream.topics()


# -- refused records ------------------------------------------------------------------------------------------------


def test_after_a_refused_record_nothing_newer_of_its_key_goes_before_the_caller_knows(lab: KafkaLab) -> None:
    # Each record is a batch of its own, so that newer ones are on their way when the first is refused.
    with closing(open_stream(lab.url, {"batch.size": 1, "linger.ms": 0})) as stream:
        topic = stream.create_topic(unique("refused")).name
        fill(stream, topic, [b"first"], key=b"one")
        # The topic now takes less than the stream was told.
        _set(lab, topic, "max.message.bytes", "50000")
        stream.publish(topic, key=b"one", value=random.Random(1).randbytes(256_000), headers=(("n", b"\x00"),))
        for number in range(50):
            stream.publish(topic, key=b"one", value=b"one %d" % number)
            stream.publish(topic, key=b"two", value=b"two %d" % number)
        # Nobody polls the producer meanwhile: librdkafka alone must hold back what is newer.
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            assert not [r.value for r in everything(lab.url, topic) if r.value.startswith(b"one ")]
        with pytest.raises(NotDeliveredError, match="refuses 1 for good") as error:
            stream.flush(60)
        assert error.value.undelivered == ((topic, b"one"),) * 51
        values = [record.value for record in everything(lab.url, topic)]
        assert values == [b"first", *numbered(50, "two ")]
        stream.flush(60)
        values = [record.value for record in everything(lab.url, topic)]
        assert values == [b"first", *numbered(50, "two "), *numbered(50, "one ")]
        stream.flush(0)


def test_batches_that_are_too_large_for_a_topic_are_made_smaller(lab: KafkaLab) -> None:
    topic = unique("narrow")
    new = NewTopic(topic, 1, 1, config={"max.message.bytes": "40000", "compression.type": "uncompressed"})
    lab.admin.create_topics([new])[topic].result(30)
    values = [bytes([number]) * 3_000 for number in range(200)]
    with closing(open_stream(lab.url, {"compression.type": "none", "linger.ms": 200})) as stream:
        fill(stream, topic, values)
    assert [record.value for record in everything(lab.url, topic)] == values


def test_records_of_a_topic_that_was_removed_are_named_and_others_go(lab: KafkaLab) -> None:
    with closing(open_stream(lab.url, {"topic.metadata.propagation.max.ms": 1000})) as stream:
        gone, kept = (stream.create_topic(unique(name)).name for name in ("gone", "kept"))
        fill(stream, gone, [b"1"])
        fill(stream, kept, [b"1"])
        lab.delete_topic(gone)
        stream.publish(gone, key=b"g", value=b"2")
        stream.publish(kept, key=b"k", value=b"2")
        with pytest.raises(NotDeliveredError, match="not delivered") as error:
            stream.flush(30)
        assert error.value.undelivered == ((gone, b"g"),)
        assert [record.value for record in everything(lab.url, kept)] == [b"1", b"2"]
        stream.create_topic(gone)
        stream.flush(60)
        assert [record.value for record in everything(lab.url, gone)] == [b"2"]


# -- other writers' topics ------------------------------------------------------------------------------------------


def test_records_of_other_publishers_are_read_as_they_are(lab: KafkaLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        topic = stream.create_topic(unique("others")).name
        other = Producer({"bootstrap.servers": lab.address})
        other.produce(topic, value=b"no key", headers=[("nothing", None)])
        other.produce(topic, key=b"tombstone", value=None)
        other.flush()
        records = everything(lab.url, topic)
        assert [(r.key, r.value, r.headers) for r in records] == [
            (None, b"no key", (("nothing", b""),)),
            (b"tombstone", b"", ()),
        ]


def test_transaction_markers_are_holes_that_end_nothing_early(lab: KafkaLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        topic = stream.create_topic(unique("transactions")).name
        other = Producer({"bootstrap.servers": lab.address, "transactional.id": topic})
        other.init_transactions(60)
        for value, ends_well in ((b"1", True), (b"aborted", False), (b"2", True), (b"aborted", False)):
            other.begin_transaction()
            other.produce(topic, value=value)
            other.flush()
            (other.commit_transaction if ends_well else other.abort_transaction)(60)
        assert [record.value for record in everything(lab.url, topic)] == [b"1", b"2"]
        with closing(stream.subscribe([topic], unique("group"), starting_at(0))) as member:
            assert [record.value for record in poll_until(member, 2)] == [b"1", b"2"]


def test_a_key_is_put_where_java_clients_put_it(lab: KafkaLab) -> None:
    # Kafka's own UtilsTest: murmur2("21") = -973932308, murmur2("foobar") = -790332482.
    with closing(open_stream(lab.url)) as stream:
        topic = stream.create_topic(unique("java"), partitions=10).name
        stream.publish(topic, key=b"21", value=b"1")
        stream.publish(topic, key=b"foobar", value=b"2")
        stream.flush(60)
    expected = {key: (hashed & 0x7FFFFFFF) % 10 for key, hashed in ((b"21", -973932308), (b"foobar", -790332482))}
    assert {record.key: record.partition.number for record in everything(lab.url, topic)} == expected


def test_topics_keep_their_history_and_the_brokers_time(lab: KafkaLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        topic = stream.create_topic(unique("kept"), partitions=3).name
    resource = ConfigResource(ResourceType.TOPIC, topic)
    settings = lab.admin.describe_configs([resource])[resource].result(30)
    names = ("message.timestamp.type", "retention.ms", "retention.bytes", "cleanup.policy")
    assert [settings[name].value for name in names] == ["LogAppendTime", "-1", "-1", "delete"]


# -- groups ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_two_members_share_the_partitions_and_each_record_is_with_one(lab: KafkaLab, protocol: str) -> None:
    with closing(open_stream(lab.url, {"group.protocol": protocol})) as stream:
        topic = stream.create_topic(unique("shared"), partitions=4).name
        group = unique("group")
        with (
            closing(stream.subscribe([topic], group, starting_at(0))) as first,
            closing(stream.subscribe([topic], group, starting_at(0))) as second,
        ):

            def are_two_each() -> bool:
                first.poll(10, 0.2)
                second.poll(10, 0.2)
                return len(first.assignment()) == len(second.assignment()) == 2

            wait_until(are_two_each, timeout_s=60)
            assert not first.assignment() & second.assignment()
            for number in range(100):
                stream.publish(topic, key=b"%d" % number, value=b"%d" % number)
            stream.flush(60)
            records = []

            def all_there() -> bool:
                records.extend(first.poll(100, 0.2).records + second.poll(100, 0.2).records)
                return len(records) >= 100

            wait_until(all_there, timeout_s=60)
            assert sorted(int(record.value) for record in records) == list(range(100))


# -- options and addresses ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["acks", "enable.idempotence", "message.timeout.ms", "auto.offset.reset", "group.id", "partitioner", "retries"],
)
def test_an_option_that_a_guarantee_rests_on_is_refused_by_name(nobody: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"stream.kafka.{name}".replace(".", r"\.")):
        open_stream(nobody, {name: "1"})


def test_an_unknown_option_is_named_and_secrets_are_not(nobody: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no\.such\.option") as error:
        open_stream(nobody, {"no.such.option": "1", "sasl.password": "hunter2"})
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("url", ["kafka://", "kafka://host:port", "kafka://a:1,,b:2", "kafka://me:hunter2@host:9092"])
def test_a_wrong_address_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"stream\.url") as error:
        open_stream(url)
    assert "hunter2" not in str(error.value)


def test_an_address_without_a_port_means_9092() -> None:
    with closing(open_stream("kafka://one.example,two.example:1234/")) as stream:
        assert stream.url == "kafka://one.example:9092,two.example:1234"


def test_missing_partitions_and_topics_are_told_by_read(lab: KafkaLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        topic = stream.create_topic(unique("one")).name
        with pytest.raises(ConfigurationError, match="has 1"):
            stream.read(Partition(topic, 7), 0)
        with pytest.raises(TopicMissingError):
            stream.read(Partition("no.such", 0), 0)


# -- logging in -----------------------------------------------------------------------------------------------------


@pytest.mark.waits
def test_a_password_logs_in_and_a_wrong_one_is_a_configuration_error_that_hides_it(
    own_kafka: KafkaBroker, capfd: pytest.CaptureFixture[str]
) -> None:
    url = f"kafka://{own_kafka.sasl_address}"
    login = {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN", "sasl.username": "tom"}
    with closing(open_stream(url, {**login, "sasl.password": SASL_PASSWORD})) as stream:
        topic = stream.create_topic("events").name
        fill(stream, topic, [b"v"])
    assert [record.value for record in everything(own_kafka.url, topic)] == [b"v"]
    with closing(open_stream(url, {**login, "sasl.password": "hunter2"})) as stream:
        for call in (stream.topics, lambda: stream.subscribe([topic], "group", starting_at(0))):
            with pytest.raises(ConfigurationError, match=r"refuses the log-in.*Check .*sasl") as error:
                call()
            assert "hunter2" not in str(error.value)
    told = capfd.readouterr()
    assert "hunter2" not in told.out + told.err
