"""The rules of HOPSKOTCH, on a broker with TLS, SCRAM-SHA-512 and rights as SCiMMA's has them."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.events import event as new_event
from parts.hopskotch import Credential, HopskotchBroker
from parts.streams import fill, poll_until, starting_at, unique
from parts.wait import wait_until

from bridge.codec import encode
from bridge.errors import ConfigurationError, NotDeliveredError
from bridge.operations.doctor import examine_streams
from bridge.operations.finding import Finding
from bridge.operations.formats import formats_of
from bridge.operations.opening import stream_of
from bridge.operations.publishing import publish
from bridge.settings import Settings
from bridge.stream import Partition, Stream, open_hopskotch

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def alice(hopskotch: HopskotchBroker) -> Credential:
    return hopskotch.credential("alice")


def settings_for(
    hopskotch: HopskotchBroker, auth: Path, *, subscribe: tuple[str, ...] = (), publish: str | None = None, **more: Any
) -> Settings:
    return Settings.from_mapping(
        {
            "origin": "my-tom",
            "stream": {"url": f"sqlite:///{auth.parent}/share.db"},
            "streams": {"hopskotch": {"url": hopskotch.tls_url, "hopskotch": True, "auth": str(auth)}},
            "subscribe": [{"topic": f"hopskotch:{topic}"} for topic in subscribe],
            "publish": {"topic": f"hopskotch:{publish}"} if publish else {},
            **more,
        }
    )


def test_read_write_and_describe_are_enough_to_publish_and_to_consume(
    hopskotch: HopskotchBroker, alice: Credential, tmp_path: Path
) -> None:
    topic = hopskotch.topic("gw.test", rights={alice: ["READ", "WRITE", "DESCRIBE"]})
    auth = hopskotch.write_auth(tmp_path / "auth.toml", alice)
    with closing(open_hopskotch(hopskotch.tls_url, {}, auth)) as stream:
        fill(stream, topic, [b"one", b"two"])
        reading = stream.read(Partition(topic, 0), 0, follow=True)
        assert next(reading).value == b"one"
        with closing(stream.subscribe([topic], "tom", starting_at(0))) as member:
            assert [record.value for record in poll_until(member, 2)] == [b"one", b"two"]
        groups = {group.group_id for group in hopskotch.admin.list_consumer_groups().result(30).valid}
        assert f"{alice.username}-tom" in groups
        assert "tom" not in groups
        assert topic in stream.topics()
        # By then the reader has heard whether its own group is allowed.
        fill(stream, topic, [b"three"])
        assert [next(reading).value, next(reading).value] == [b"two", b"three"]
        reading.close()


def test_topics_are_not_made_but_found(hopskotch: HopskotchBroker, alice: Credential) -> None:
    topic = hopskotch.topic("hermes.there", rights={alice: ["DESCRIBE"]})
    asked = ("sasl.username", "sasl.password", "ssl.ca.location")  # the rest is HOPSKOTCH's rule
    options = {name: value for name, value in hopskotch.options(alice).items() if name in asked}
    with closing(open_hopskotch(hopskotch.tls_url, options)) as stream:
        assert stream.create_topic(topic).name == topic
        for name in (unique("hermes.other"), hopskotch.topic("hermes.secret")):
            with pytest.raises(ConfigurationError, match=r"my\.hop\.scimma\.org"):
                stream.create_topic(name)
            with pytest.raises(ConfigurationError, match=r"my\.hop\.scimma\.org"):
                stream.subscribe([name], "tom", starting_at(0))


def test_events_go_there_without_a_schema_and_are_understood(
    hopskotch: HopskotchBroker, alice: Credential, tmp_path: Path
) -> None:
    topic = hopskotch.topic("supernovae.test", rights={alice: ["READ", "WRITE"]})
    auth = hopskotch.write_auth(tmp_path / "auth.toml", alice)
    settings = settings_for(hopskotch, auth, publish=topic)
    event = new_event()
    with closing(stream_of(settings)) as stream:
        done = publish(settings, stream, [event], source="a test")
        assert done.topic == f"hopskotch:{topic}"
        (partition,) = stream.ends(done.topic)
        (record,) = stream.read(partition, 0)
        assert formats_of(settings, stream).decode(record) == (event,)


def test_topics_of_hermes_take_nothing_that_its_readers_fail_at(
    hopskotch: HopskotchBroker, alice: Credential, tmp_path: Path
) -> None:
    topic = hopskotch.topic("hermes.test", rights={alice: ["READ", "WRITE"]})
    with closing(open_hopskotch(hopskotch.tls_url, hopskotch.options(alice))) as stream:
        with pytest.raises(ConfigurationError, match='format = "hermes"'):
            stream.publish(topic, key=b"", value=encode(new_event()).value)
        fill(stream, topic, [b'{"topic": "hermes.test"}'])
        assert [ends.next for ends in stream.ends(topic).values()] == [1]


def test_a_right_to_write_that_is_taken_away_is_told_and_what_waits_goes_when_it_is_back(
    hopskotch: HopskotchBroker,
) -> None:
    carol = hopskotch.credential("carol")
    topic = hopskotch.topic("gw.test", rights={carol: ["READ", "WRITE"]})
    with closing(open_hopskotch(hopskotch.tls_url, hopskotch.options(carol))) as stream:
        fill(stream, topic, [b"one"])
        hopskotch.deny(carol, topic)
        hopskotch.allow(carol, topic, ["READ"])
        stream.publish(topic, key=b"", value=b"two")
        for _ in range(2):  # of a topic, and then of a producer that may write on none
            with pytest.raises(NotDeliveredError, match=r"may not write .*my\.hop\.scimma\.org"):
                stream.flush(10)
        hopskotch.allow(carol, topic, ["WRITE"])
        wait_until(lambda: is_flushed(stream), what="the right to be known")
        assert [one.value for one in stream.read(Partition(topic, 0), 0)] == [b"one", b"two"]


def is_flushed(stream: Stream) -> bool:
    try:
        stream.flush(10)
    except NotDeliveredError:
        return False
    return True


def problems(settings: Settings) -> list[Finding]:
    return [one for one in examine_streams(settings) if one.level != "ok" and one.about == "topic"]


def test_doctor_says_which_right_is_missing(hopskotch: HopskotchBroker, tmp_path: Path) -> None:
    bob = hopskotch.credential("bob")
    read = hopskotch.topic("gw.read", rights={bob: ["READ"]})
    write = hopskotch.topic("gw.write", rights={bob: ["WRITE"]})
    nothing = hopskotch.topic("hermes.nothing")
    auth = hopskotch.write_auth(tmp_path / "auth.toml", bob)
    assert problems(settings_for(hopskotch, auth, subscribe=(read,), publish=write)) == []
    found = problems(settings_for(hopskotch, auth, subscribe=(write, nothing), publish=read))
    assert [one.what.removeprefix("hopskotch:") for one in found] == [
        f"{write}: the account lacks READ on the topic",
        f"{nothing}: the account lacks DESCRIBE on the topic, READ on the topic (or the topic does not exist)",
        f"{read}: the account lacks WRITE on the topic",
    ]
    assert all("my.hop.scimma.org" in one.mend for one in found)


def test_doctor_says_that_the_group_may_not_be_joined(hopskotch: HopskotchBroker, tmp_path: Path) -> None:
    bob = hopskotch.credential("bob", groups=False)
    topic = hopskotch.topic("gw.read", rights={bob: ["READ"]})
    auth = hopskotch.write_auth(tmp_path / "auth.toml", bob)
    (found,) = problems(settings_for(hopskotch, auth, subscribe=(topic,)))
    assert found.what.endswith(f"the account lacks READ on the group {bob.username}-tom-bridge.my-tom")
