"""Fixtures of Apache Kafka: one broker a session, started at its first use, and one of its own for outages."""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from parts.hopskotch import HopskotchBroker
from parts.kafka import KafkaBroker, KafkaUnavailable, answers
from parts.streams import starting_at
from parts.wait import wait_until

from bridge.stream import open_stream

Broker = TypeVar("Broker", bound=KafkaBroker)


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address (``host:port``) of a real broker that all tests share: use topics of unique names."""
    named = os.environ.get("BRIDGE_TEST_KAFKA")
    if named:
        if not answers(named):
            pytest.fail(f"BRIDGE_TEST_KAFKA names {named}, where no broker answers")
        yield named
        return
    with _running(tmp_path_factory, KafkaBroker) as broker:
        yield broker.address


@pytest.fixture
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A running broker that the test may stop, kill and start again."""
    with _running(tmp_path_factory, KafkaBroker) as broker:
        yield broker


@pytest.fixture(scope="session")
def hopskotch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HopskotchBroker]:
    """A broker as HOPSKOTCH's is, which all tests share: use credentials and topics of unique names."""
    with _running(tmp_path_factory, HopskotchBroker) as broker:
        yield broker


@pytest.fixture
def own_hopskotch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HopskotchBroker]:
    """A broker as HOPSKOTCH's is, which the test may kill and start again."""
    with _running(tmp_path_factory, HopskotchBroker) as broker:
        yield broker


@pytest.fixture
def two_kafkas(own_kafka: KafkaBroker, tmp_path: Path) -> Iterator[tuple[KafkaBroker, KafkaBroker]]:
    """Two running brokers of one cluster, which the test may freeze; the first coordinates the group ``group``."""
    with closing(open_stream(own_kafka.url)) as stream:
        stream.create_topic("first.of.all")
        with closing(stream.subscribe(["first.of.all"], "group", starting_at(0))) as member:
            wait_until(lambda: (member.poll(1, 0.2), member.assignment())[1], what="a group")
    second = KafkaBroker(tmp_path / "second", beside=own_kafka)
    second.start()
    yield own_kafka, second
    second.stop()


@contextmanager
def _running(tmp_path_factory: pytest.TempPathFactory, kind: type[Broker]) -> Iterator[Broker]:
    broker = _made(tmp_path_factory, kind)
    broker.start()
    yield broker
    broker.stop()


def _made(tmp_path_factory: pytest.TempPathFactory, kind: type[Broker]) -> Broker:
    try:
        return kind(tmp_path_factory.mktemp("kafka"))
    except KafkaUnavailable as why:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Apache Kafka is needed in CI: {why}")
        pytest.skip(f"needs Apache Kafka: {why}")
