"""What astronomers use at HOPSKOTCH today, beside the bridge, on a broker with TLS, SCRAM-SHA-512 and rights."""

import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.bridges_in_process import SubscribedInProcess
from parts.django_fixtures import MakeOrmTom
from parts.events import event, photometry
from parts.hermes import SN, events_of, left_of, point
from parts.hop_client import Hop
from parts.hopskotch import Credential, HopskotchBroker

from bridge.codec import Format
from bridge.hermes import HermesFormat
from bridge.operations.opening import stream_of
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


@pytest.mark.tom
def test_a_tom_and_somebody_with_hop_client_share_both_ways(
    hopskotch: HopskotchBroker, topic: str, hop: Hop, make_orm_tom: MakeOrmTom, tmp_path: Path
) -> None:
    tom = make_orm_tom("sqlite")
    from django.test.utils import override_settings
    from parts.outgoing import photometry as make_photometry

    bob = hopskotch.credential("bob")
    hopskotch.allow(bob, topic)
    full = f"hopskotch:{topic}"
    auth = hopskotch.write_auth(tmp_path / "auth.toml", bob)
    beta = SubscribedInProcess(
        tom, f"sqlite:///{tmp_path}/stream.db", tmp_path, topic=full,
        subscription={"format": "hermes", "start": "earliest"},
        streams={"hopskotch": {"url": hopskotch.tls_url, "hopskotch": True, "auth": str(auth)}},
        publish=[{"topic": full, "format": "hermes"}],
    )  # fmt: skip
    row = target_row(**SN)
    hop.write(topic, {"form": "json", "content": PAYLOAD})
    beta.drain()
    (arrived,) = tom.photometry()
    assert (arrived["brightness"], arrived["source_name"][:14]) == (18.25, "Hermes: alice-")
    with override_settings(TOM_BRIDGE=beta.mapping, TOM_NAME="Beta TOM"):
        from bridge.tomtoolkit import conf
        from bridge.tomtoolkit.sharing import share
        from bridge.tomtoolkit.sharing.relay import relay_of

        make_photometry(row.pk, 2)
        assert share(row, topic=full, with_data=True).points == 2  # what came does not go back
        relay_of(conf.load()).run(threading.Event(), until_end=True)
    _, back = hop.read(topic)
    assert [one["name"] for one in back["content"]["data"]["targets"]] == ["SN 2026ali"]
    assert len(back["content"]["data"]["photometry"]) == 2
    assert bytes.fromhex(back["headers"]["_sender"]) == bob.username.encode()
    beta.drain()
    assert [str(one.outcome) for one in beta.entries()] == ["applied", "applied", "ignored"]
    assert beta.entries()[-1].reason == "ours"


def target_row(**fields: Any) -> Any:
    from tom_targets.models import Target

    return Target.objects.create(type="SIDEREAL", **fields)
