"""Fixtures of Apache Kafka: one broker a session, started at its first use, and one of its own for outages."""

import os
from collections.abc import Iterator

import pytest
from parts.kafka import KafkaBroker, KafkaUnavailable, answers


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address (``host:port``) of a real broker that all tests share: use topics of unique names."""
    named = os.environ.get("BRIDGE_TEST_KAFKA")
    if named:
        if not answers(named):
            pytest.fail(f"BRIDGE_TEST_KAFKA names {named}, where no broker answers")
        yield named
        return
    broker = _made(tmp_path_factory)
    broker.start()
    yield broker.address
    broker.stop()


@pytest.fixture
def own_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A running broker that the test may stop, kill and start again."""
    broker = _made(tmp_path_factory)
    broker.start()
    yield broker
    broker.stop()


def _made(tmp_path_factory: pytest.TempPathFactory) -> KafkaBroker:
    try:
        return KafkaBroker(tmp_path_factory.mktemp("kafka"))
    except KafkaUnavailable as why:
        if os.environ.get("CI") == "true":
            pytest.fail(f"Apache Kafka is needed in CI: {why}")
        pytest.skip(f"needs Apache Kafka: {why}")
