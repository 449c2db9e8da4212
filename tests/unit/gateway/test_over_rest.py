"""A TOM that stays as it is, a gateway, and Hermes' REST API behind it: each share is one message there, once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parts.gateway_service import ACCOUNT, with_topics
from parts.gateways import Asked, settings_for
from parts.hermes_service import TOKEN, FakeHermes

from bridge.operations.gateway import add_account, opened_gateway
from bridge.operations.gateway_status import gateway_problems

TOPIC = "hermes:hermes.test"


@pytest.fixture
def gateway(tmp_path: Path, hermes: FakeHermes) -> Iterator[Asked]:
    settings = settings_for(
        tmp_path,
        with_topics(f"sqlite:///{tmp_path}/stream.db"),
        streams={"hermes": {"url": hermes.url, "token": TOKEN}},
        publish={"topics": [{"topic": TOPIC, "format": "hermes"}]},
    )
    secret = add_account(settings, ACCOUNT, topics=[TOPIC], display_name="North TOM")
    with opened_gateway(settings) as parts:
        yield Asked(settings, parts, secret)


def test_what_a_tom_shares_is_at_hermes(gateway: Asked, hermes: FakeHermes) -> None:
    token = gateway.share_target(topic=TOPIC, aliases=["ZTF26xyz"]).json()["id"]
    for number, brightness in enumerate((18.25, 0.0)):
        when = f"2026-11-02T03:04:0{number}Z"
        answer = gateway.share_point(token, topic=TOPIC, timestamp=when, value={"brightness": brightness})
        assert answer.status_code == 201
    gateway.parts.sizes.ask()  # nothing is asked of what can't be read
    gateway.publish()
    (_, _, about), (_, _, data) = hermes.published
    assert about["data"]["targets"][0]["aliases"] == ["ZTF26xyz"]
    assert [row["brightness"] for row in data["data"]["photometry"]] == [18.25]
    assert len(data["data"]["tom_bridge"]["events"][0]["body"]["points"]) == 2
    assert gateway_problems(gateway.settings, 900.0) == []


def test_what_is_unclear_is_told(gateway: Asked, hermes: FakeHermes) -> None:
    hermes.oddly = ["500"]
    gateway.share_target(topic=TOPIC)
    relay = gateway.parts.relay()
    while gateway.parts.composer.look() or gateway.parts.composer._store.lines():
        pass
    relay.turn(together=True)
    relay.close()
    (problem,) = gateway_problems(gateway.settings, 900.0)
    assert "of 1 messages it isn't known whether Hermes has them" in problem
    assert len(hermes.submitted) == 1
