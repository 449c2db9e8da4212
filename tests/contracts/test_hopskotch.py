"""The rules of HOPSKOTCH, on a broker with TLS, SCRAM-SHA-512 and rights as SCiMMA's has them."""

from contextlib import closing

import pytest
from parts.hopskotch import HopskotchBroker
from parts.streams import fill, poll_until, starting_at

from bridge.errors import ConfigurationError
from bridge.stream import open_stream

pytestmark = pytest.mark.kafka


def test_read_write_and_describe_are_enough_to_publish_and_to_consume(hopskotch: HopskotchBroker) -> None:
    alice = hopskotch.credential("alice")
    topic = hopskotch.topic("hermes.test", rights={alice: ["READ", "WRITE", "DESCRIBE"]})
    with closing(open_stream(hopskotch.tls_url, hopskotch.options(alice))) as stream:
        fill(stream, topic, [b"one", b"two"])
        with closing(stream.subscribe([topic], f"{alice.username}-tom", starting_at(0))) as member:
            assert [record.value for record in poll_until(member, 2)] == [b"one", b"two"]
        assert topic in stream.topics()
        with pytest.raises(ConfigurationError):
            stream.create_topic("hermes.other")
