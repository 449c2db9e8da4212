"""What astronomers use at HOPSKOTCH today, beside the bridge, on a broker with TLS, SCRAM-SHA-512 and rights."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.events import event, photometry
from parts.hermes import SN, events_of, left_of, point
from parts.hop_client import Hop
from parts.hopskotch import Credential, HopskotchBroker

from bridge.codec import Format
from bridge.hermes import HermesFormat
from bridge.operations.assemble import stream_of
from bridge.operations.publishing import publish
from bridge.settings import Settings
from bridge.stream import Record

pytestmark = pytest.mark.kafka

PAYLOAD = {"title": "t", "topic": "hermes.test", "submitter": "s", "data": {"targets": [SN], "photometry": [point()]}}


@pytest.fixture
def alice(hopskotch: HopskotchBroker) -> Credential:
    return hopskotch.credential("alice")


@pytest.fixture
def topic(hopskotch: HopskotchBroker, alice: Credential) -> str:
    return hopskotch.topic("hermes.test", rights={alice: ["READ", "WRITE", "DESCRIBE"]})


@pytest.fixture
def hop(hopskotch: HopskotchBroker, alice: Credential, tmp_path: Path) -> Hop:
    return Hop(hopskotch, alice, tmp_path)


def settings(hopskotch: HopskotchBroker, hop: Hop, topic: str) -> Settings:
    """Return the settings of a TOM with the same credential."""
    of_hopskotch = {"url": hopskotch.tls_url, "hopskotch": True, "auth": str(hop.auth)}
    how = {"topic": f"hopskotch:{topic}", "format": "hermes"}
    return Settings.from_mapping(
        {
            "origin": "beta",
            "stream": {"url": "sqlite:///stream.db"},
            "streams": {"hopskotch": of_hopskotch},
            "publish": {"topics": [how]},
            "subscribe": [how],
        },
        folder=hop.auth.parent,
    )


def records(settings: Settings, topic: str) -> list[Record]:
    with closing(stream_of(settings)) as stream:
        return [record for one in stream.ends(f"hopskotch:{topic}") for record in stream.read(one, 0)]


def test_what_hop_client_writes_is_read(hopskotch: HopskotchBroker, hop: Hop, topic: str, alice: Credential) -> None:
    in_avro: dict[str, Any] = {"title": "t", "data": {"photometry": [point()]}}
    hop.write(
        topic,
        {"form": "json", "content": PAYLOAD},
        {"form": "avro", "content": in_avro},
        {"form": "json", "content": PAYLOAD, "test": True},
        {"form": "blob", "content": "raw"},
    )
    reader: Format = HermesFormat()
    there = records(settings(hopskotch, hop, topic), topic)
    json_, avro, _, blob = (reader.decode(one) for one in there)
    assert [one.header("_test") for one in there] == [None, None, b"true", None]
    assert [str(one.kind) for one in events_of(json_)] == ["target", "photometry"]
    assert [str(one.kind) for one in events_of(avro)] == ["photometry"]
    assert {one.origin for one in (*events_of(json_), *events_of(avro))} == {f"hermes.{alice.username}"}
    assert left_of(blob) == [("nothing to take", "it is bytes, no message of Hermes")]
    assert events_of(json_)[1].share_id.bytes == there[0].header("_id")


def test_what_the_bridge_publishes_reaches_hop_client_and_toms_that_listen(
    hopskotch: HopskotchBroker, hop: Hop, topic: str, alice: Credential
) -> None:
    of_bridge = settings(hopskotch, hop, topic)
    sent = event(photometry(2))
    with closing(stream_of(of_bridge)) as stream:
        publish(of_bridge, stream, [sent], topic=f"hopskotch:{topic}", source="test")
    (read,) = hop.read(topic)
    (record,) = records(of_bridge, topic)
    assert read["headers"] == {name: value.hex() for name, value in record.headers}
    assert bytes.fromhex(read["headers"]["_sender"]) == alice.username.encode()
    assert [row["brightness"] for row in read["content"]["data"]["photometry"]] == [18.0, 18.001]
    assert hop.listen(topic) == {"content": read["content"], "topic": topic}
    assert events_of(HermesFormat(full=True).decode(record)) == [sent]
