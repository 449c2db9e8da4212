"""One of two streams fails while a consumer and a gateway with its relay are at work, and comes back."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from parts.bridges import TOPIC, Daemon, Subscribed
from parts.gateway_service import ACCOUNT, Serving, served_gateway, with_topics
from parts.gateways import point, target
from parts.hopskotch import Credential, HopskotchBroker
from parts.wait import wait_until

from bridge.ledger.port import Outcome

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]
SN = "SN 2024abc"


class Both:
    """A consumer and a gateway with a private stream and with a topic of HOPSKOTCH, by one credential."""

    def __init__(self, broker: HopskotchBroker, beta: Subscribed, serving: Serving, folder: Path) -> None:
        self.credential = broker.credential("beta")
        self.bare = broker.topic("gw.test", rights={self.credential: ["READ", "WRITE"]})
        self.there = f"hopskotch:{self.bare}"
        auth = broker.write_auth(folder / "auth.toml", self.credential)
        streams = {"hopskotch": {"url": broker.tls_url, "hopskotch": True, "auth": str(auth)}}
        beta.mapping["streams"] = streams
        beta.mapping["subscribe"] = [{"topic": TOPIC}, {"topic": self.there, "start": "earliest"}]
        serving.configure(streams=streams)
        self.beta, self.serving = beta, serving
        self._password = serving.account(ACCOUNT, TOPIC, self.there)
        self._tokens: dict[str, str] = {}

    def share(self, topic: str, day: int) -> None:
        """Share a point of that day on a topic as an unchanged TOM does; before the first one, its target."""
        if topic not in self._tokens:
            self._tokens[topic] = self._post(topic, "targets/", target(SN))["id"]
        self._post(topic, "reduceddatums/", point(self._tokens[topic], timestamp=f"2026-11-{day:02}T00:00:00Z"))

    def _post(self, topic: str, path: str, body: dict[str, Any]) -> Any:
        where = f"{self.serving.url}{topic}/api/{path}"
        answer = requests.post(where, json=body, auth=(ACCOUNT, self._password), timeout=30)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def arrived(self) -> list[int]:
        """Return the days of the points that the TOM has, each as often as it has it."""
        return [int(row["timestamp"][8:10]) for row in self.beta.tom.photometry(SN)]

    def wait_for(self, *days: int, daemon: Daemon) -> None:
        """Wait until the TOM has the points of these days, and no others."""
        assert daemon.process.poll() is None, daemon.said()[-3000:]
        what = f"{days} (consumer: {daemon.said()[-500:]}; gateway: {self.serving.log.read_text()[-500:]})"
        wait_until(lambda: self.arrived() == sorted(days), timeout_s=90, what=what)


@contextmanager
def killed(broker: HopskotchBroker, _credential: Credential, _topic: str) -> Iterator[None]:
    broker.kill()
    try:
        yield
    finally:
        broker.start()


@contextmanager
def denied(broker: HopskotchBroker, credential: Credential, topic: str) -> Iterator[None]:
    broker.deny(credential, topic)
    try:
        yield
    finally:
        broker.allow(credential, topic, ["READ", "WRITE"])


@dataclass(frozen=True)
class Failing:
    """A broker that fails for a block, and what that is told by (a regular expression)."""

    broker: HopskotchBroker
    fails: Callable[[HopskotchBroker, Credential, str], AbstractContextManager[None]]
    told: str


@pytest.fixture(params=["killed", "denied"])
def failing(request: pytest.FixtureRequest) -> Failing:
    if request.param == "killed":
        return Failing(request.getfixturevalue("own_hopskotch"), killed, "can't be reached|has not confirmed")
    return Failing(request.getfixturevalue("hopskotch"), denied, "may not")


@pytest.mark.waits
def test_the_other_goes_on_the_failure_is_told_and_all_arrives_once(
    failing: Failing, beta: Subscribed, url: str, tmp_path: Path
) -> None:
    beta.tom.make_target(SN, ra=10.0, dec=0.0)
    with_topics(url)
    with served_gateway(tmp_path / "north", url) as serving:
        both = Both(failing.broker, beta, serving, tmp_path)
        serving.start()
        with beta.daemon() as daemon:
            both.share(TOPIC, 1)
            both.share(both.there, 2)
            both.wait_for(1, 2, daemon=daemon)
            with failing.fails(failing.broker, both.credential, both.bare):
                both.share(both.there, 3)
                both.share(TOPIC, 4)
                both.wait_for(1, 2, 4, daemon=daemon)
                wait_until(lambda: both.there in {one["whose"] for one in daemon.logged("consumer.troubled")})
                checked = beta.run("status", "--check", "--json")
                assert checked.returncode == 1, checked.stdout
                told = [one for one in json.loads(checked.stdout)["problems"] if "hopskotch" in one]
                assert any(re.search(failing.told, one) for one in told), told
                waits = wait_until(lambda: re.search(f"^{both.there}: .*", serving.run(command="status"), re.MULTILINE))
                assert re.search(failing.told, waits[0]), waits
            both.share(both.there, 5)
            both.wait_for(1, 2, 3, 4, 5, daemon=daemon)
            assert daemon.end() == 0
        assert serving.stop() == 0
    assert {entry.outcome for entry in beta.entries()} <= {Outcome.APPLIED, Outcome.DUPLICATE}
