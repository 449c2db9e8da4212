"""A TOM on several streams: each by its own rules, none waiting for another."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing, Subscribed
from parts.hopskotch import HopskotchBroker
from parts.shares import on_day
from parts.wait import wait_until

from bridge.codec import Schemas, encode
from bridge.codec.schemas import SchemasOfStreams
from bridge.errors import DeniedError, StreamAwayError
from bridge.events import Body
from bridge.ledger.port import Entry, Filter, Outcome, Reason
from bridge.stream import Partition, open_hopskotch
from bridge.stream.port import Fetched, Subscription


class Hopskotch:
    """A topic of HOPSKOTCH on which Alpha TOM publishes, and which Beta TOM's credential may read."""

    def __init__(self, broker: HopskotchBroker, alpha: Publishing, folder: Path) -> None:
        writer, reader = broker.credential("alpha"), broker.credential("beta")
        self.topic = broker.topic("gw.test", rights={writer: ["WRITE"], reader: ["READ"]})
        self.full = f"hopskotch:{self.topic}"
        self.settings = {
            "url": broker.tls_url,
            "hopskotch": True,
            "auth": str(broker.write_auth(folder / "auth.toml", reader)),
        }
        self.share = alpha.share
        self.stream = open_hopskotch(broker.tls_url, broker.options(writer))

    def close(self) -> None:
        self.stream.close()

    def publish(self, body: Body, *more: tuple[str, bytes]) -> None:
        encoded = encode(self.share.event(body))
        self.stream.publish(self.topic, key=encoded.key, value=encoded.value, headers=(*encoded.headers, *more))
        self.stream.flush(30)


@pytest.mark.waits
@pytest.mark.kafka
def test_a_frozen_hopskotch_keeps_the_private_stream_from_nothing(
    hopskotch: HopskotchBroker, alpha: Publishing, beta: Subscribed, tmp_path: Path
) -> None:
    beta.tom.make_target("SN 2024abc")
    with closing(Hopskotch(hopskotch, alpha, tmp_path)) as there:
        beta.mapping["streams"] = {"hopskotch": there.settings}
        beta.mapping["subscribe"] = [{"topic": TOPIC}, {"topic": there.full}]
        there.publish(on_day(1))  # before the first start: not received, as a start is "now" there
        with beta.daemon() as daemon:
            wait_until(lambda: len(daemon.logged("stream.assigned")) == 2, what="both streams")
            there.publish(on_day(2), ("_test", b"true"))
            there.publish(on_day(3))
            alpha.publish(on_day(4))
            daemon.wait_for("event.applied", 2)
            hopskotch.freeze()
            try:
                alpha.publish(on_day(5))
                daemon.wait_for("event.applied", 3, timeout_s=30)
                assert daemon.wait_for("consumer.troubled")[0]["whose"] == there.full
                assert beta.run("position", "set", TOPIC, "earliest").returncode == 0
                daemon.wait_for("consumer.position_lost")
                alpha.publish(on_day(8))
                daemon.wait_for("event.applied", 4, timeout_s=30)
                began = time.monotonic()
                assert daemon.end() == 0
                assert time.monotonic() - began < 10
                with beta.daemon() as another:  # which begins while it is frozen
                    alpha.publish(on_day(6))
                    another.wait_for("event.applied", timeout_s=30)
                    hopskotch.thaw()
                    there.publish(on_day(7))
                    another.wait_for("event.applied", 2)
            finally:
                hopskotch.thaw()
    assert [(entry.partition.topic, entry.outcome, entry.reason) for entry in beta.entries()] == [
        (there.full, Outcome.IGNORED, Reason.TEST),
        (there.full, Outcome.APPLIED, None),
        *[(TOPIC, Outcome.APPLIED, None)] * 4,
        (there.full, Outcome.APPLIED, None),
    ]
    assert len({row["timestamp"] for row in beta.tom.photometry()}) == 6


def test_a_stream_whose_schemas_can_not_be_looked_up_keeps_no_other_waiting(
    alpha: Publishing, beta: Subscribed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beta.tom.make_target("SN 2024abc")
    other_url = f"sqlite:///{tmp_path}/other.db"
    with closing(Publishing(other_url, origin="gamma")) as other:
        other.publish(on_day(1))
    alpha.publish(on_day(2))
    beta.mapping["streams"] = {"other": {"url": other_url}}
    beta.mapping["subscribe"] = [{"topic": f"other:{TOPIC}"}, {"topic": TOPIC}]
    beside, applied = SchemasOfStreams.beside, list[Entry]()

    def away(self: SchemasOfStreams, topic: str) -> Schemas:
        if topic.startswith("other:") and not applied:
            raise StreamAwayError("the leader of the schema topic does not answer")
        return beside(self, topic)

    monkeypatch.setattr(SchemasOfStreams, "beside", away)
    with beta.open() as bridge:
        consumer = bridge.consumer(lambda bridge: applied.extend(bridge.ledger.entries(Filter(topic=TOPIC))))
        consumer.run(until_end=True)
    assert [(entry.origin, entry.outcome) for entry in beta.entries()] == [
        ("gamma", Outcome.APPLIED),
        ("alpha", Outcome.APPLIED),
    ]


def test_a_stream_that_is_wrongly_configured_keeps_no_other_from_anything_and_is_told(
    alpha: Publishing, beta: Subscribed, tmp_path: Path
) -> None:
    beta.tom.make_target("SN 2024abc")
    afar = f"hop:{TOPIC}"
    hop = {"url": "kafka://kafka.example.org", "hopskotch": True, "auth": str(tmp_path / "auth.toml")}
    beta.mapping["streams"] = {"hop": hop}
    beta.mapping["subscribe"] = [{"topic": afar, "format": "hermes"}, {"topic": TOPIC}]
    alpha.publish(on_day(1))
    with beta.daemon() as daemon:
        daemon.wait_for("event.applied")
        trouble = daemon.wait_for("consumer.troubled")[0]
        assert trouble["whose"] == afar
        assert "streams.hop.auth: there is no file" in trouble["message"]
        told = beta.run("status", "--check")
    assert told.returncode == 1
    assert "streams.hop.auth: there is no file" in told.stdout + told.stderr


def test_the_position_goes_on_where_a_stream_is_called_otherwise(
    alpha: Publishing, beta: Subscribed, tmp_path: Path
) -> None:
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1))
    beta.drain()
    beta.mapping |= {
        "stream": {"url": f"sqlite:///{tmp_path}/new.db"},
        "streams": {"old": beta.mapping["stream"]},
        "subscribe": [{"topic": f"old:{TOPIC}", "start": "now"}],
    }
    beta.topic = f"old:{TOPIC}"
    alpha.publish(on_day(2))
    beta.drain()
    assert [(entry.partition.topic, entry.offset, entry.outcome) for entry in beta.entries()] == [
        (beta.topic, 0, Outcome.APPLIED),
        (beta.topic, 1, Outcome.APPLIED),
    ]
    assert beta.position() == 2
    assert beta.replay() == {"unchanged": 2}


class _Member:
    """A member of the group that fails when it is told to, and loses topics to another one."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        self.fails = False
        self.lost: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._subscription, name)

    def poll(self, most: int, timeout_s: float) -> Fetched:
        if self.fails:
            self.fails = False
            raise StreamAwayError("all brokers are down")
        return self._subscription.poll(most, timeout_s)

    def assignment(self) -> frozenset[Partition]:
        return frozenset(one for one in self._subscription.assignment() if one.topic not in self.lost)


def test_a_topic_that_refused_its_start_and_went_to_another_member_is_no_trouble_of_this_one(
    alpha: Publishing, beta: Subscribed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beta.tom.make_target("SN 2024abc")
    other_url, other = f"sqlite:///{tmp_path}/other.db", f"other:{TOPIC}"
    with closing(Publishing(other_url, origin="gamma")) as gamma:
        gamma.publish(on_day(1))
    alpha.publish(on_day(2))
    beta.mapping["streams"] = {"other": {"url": other_url}}
    beta.mapping["subscribe"] = [{"topic": other}, {"topic": TOPIC}]
    with beta.open() as bridge:
        consumer, troubles = bridge.consumer(), bridge.parts.progress.state.troubles
        with closing(bridge.stream.subscribe([other, TOPIC], "beta", consumer.start_at)) as subscription:
            member = _Member(subscription)
            wait_until(lambda: consumer.turn(member) or len(bridge.ledger.entries(Filter())) == 2)
            identity = bridge.stream.identity

            def denied(topic: str) -> str:
                if topic == other:
                    raise DeniedError("the account may not read it")
                return identity(topic)

            monkeypatch.setattr(bridge.stream, "identity", denied)
            member.fails = True
            wait_until(lambda: consumer.turn(member) or other in troubles)
            consumer.turn(member)  # asks once more, and then not for a while
            member.lost = {other}
            wait_until(lambda: consumer.turn(member) or not troubles, timeout_s=4)
            member.lost.clear()
            alpha.publish(on_day(3))
            wait_until(lambda: consumer.turn(member) or len(bridge.ledger.entries(Filter())) == 3)
