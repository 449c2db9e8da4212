"""``tom-bridge gateway``: accounts, where it listens, what doctor and status say, and how it ends."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from parts.bridges import TOPIC
from parts.certificates import make_certificates
from parts.gateway_service import ACCOUNT, Serving, served_gateway
from parts.gateways import target
from parts.outgoing import sent
from parts.wait import wait_until

from bridge.errors import ConfigurationError
from bridge.gateway.serving import Place
from bridge.stream import open_stream


@pytest.fixture
def serving(tmp_path: Path, url: str) -> Iterator[Serving]:
    with served_gateway(tmp_path / "here", url) as serving:
        yield serving


def published(url: str) -> list[str]:
    with closing(open_stream(url)) as stream:
        return [event.subject for event in sent(stream, TOPIC)]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("north:tom", []),
        ("nörd", []),
        ("", []),
        ("x", ["--origin", "No Origin"]),
        ("x", ["--origin", "hermes.alice"]),
        ("x", ["--display-name", "N" * 101]),
        ("x", ["--display-name", "N\x01"]),
    ],
)
def test_an_account_that_could_not_log_in_or_publish_is_not_made(
    serving: Serving, name: str, options: list[str]
) -> None:
    code, _, said = serving.ended("accounts", "add", "--topic", TOPIC, *options, "--", name)
    assert code == 2, said
    assert "No account" in serving.run("accounts", "list")


def test_the_name_of_a_removed_account_is_given_to_no_other_tom(serving: Serving) -> None:
    """What is remembered of the first one's targets, and what it gave last, would be taken for the other's."""
    serving.account()
    serving.run("accounts", "remove", ACCOUNT)
    code, _, said = serving.ended("accounts", "add", ACCOUNT, "--topic", TOPIC, "--origin", "south")
    assert (code, "another user name" in said) == (2, True)
    serving.account()  # its own TOM gets it again


def test_an_account_is_made_listed_let_in_and_removed(serving: Serving, url: str) -> None:
    password = serving.account()
    assert ACCOUNT in serving.run("accounts", "list")
    assert password not in serving.run("accounts", "list", "--json")
    serving.start()
    address = f"{serving.url}{TOPIC}/api/targets/"
    answer = requests.post(address, json=target(), auth=(ACCOUNT, password), timeout=10)
    assert answer.status_code == 201, answer.text
    wait_until(lambda: published(url) == ["SN 2026ali"])
    status = json.loads(serving.run("--json", command="status"))
    assert status["gateway"]["tallies"][0]["number"] == 1
    assert "SN 2026zzz" not in serving.run(command="status")
    requests.get(f"{address}?name_fuzzy=SN%202026zzz", auth=(ACCOUNT, password), timeout=10)
    assert "SN 2026zzz" in serving.run(command="status")
    serving.run("accounts", "remove", ACCOUNT)
    assert requests.get(address, auth=(ACCOUNT, password), timeout=10).status_code == 401
    assert serving.stop() == 0
    assert password not in serving.log.read_text()


def test_what_is_to_be_written_in_the_toms_settings_is_printed(serving: Serving) -> None:
    told = serving.run("accounts", "add", "south", "--origin", "south", "--topic", TOPIC)
    settings: dict[str, Any] = {}
    exec("\n".join(line for line in told.splitlines() if line.startswith(("DATA_SHARING", "    ", "}"))), settings)
    entry, hermes = settings["DATA_SHARING"].values()
    assert hermes["HERMES_API_KEY"] == entry["PASSWORD"]
    assert entry["BASE_URL"].endswith(f"/{TOPIC}/")
    assert entry["USERNAME"] == "south"
    assert len(entry["PASSWORD"]) > 30


def test_one_name_and_one_origin_are_one_account(serving: Serving) -> None:
    serving.account()
    code, _, told = serving.ended("accounts", "add", "other", "--topic", TOPIC)
    assert code == 2
    assert f"the account {ACCOUNT!r} is there" in told


def test_doctor_knows_the_gateway(serving: Serving) -> None:
    serving.account(ACCOUNT, TOPIC, "not.there")
    _, told, _ = serving.ended(command="doctor")
    assert f"gateway: accounts: {ACCOUNT} (north)" in told
    assert f"publishes on {TOPIC}, which is there" in told
    assert "'not.there' does not exist" in told
    assert "it does not run. Start it: tom-bridge gateway" in told


def test_a_topic_that_is_missing_is_told_and_waited_for(serving: Serving, url: str) -> None:
    password = serving.account(ACCOUNT, "not.there")
    serving.start()
    address = f"{serving.url}not.there/api/targets/"
    assert requests.post(address, json=target(), auth=(ACCOUNT, password), timeout=10).status_code == 201
    wait_until(lambda: "topic 'not.there' does not exist" in serving.run(command="status"))
    serving.kill()
    serving.start("--metrics-port", "0")
    (served,) = serving.logged("metrics.served")
    assert served["host"] == "127.0.0.1"
    metrics = f"http://127.0.0.1:{served['port']}/metrics"
    wait_until(lambda: "tom_bridge_outbox_events 1.0" in requests.get(metrics, timeout=10).text.splitlines())


def test_it_is_served_over_tls(tmp_path: Path, url: str) -> None:
    made = make_certificates(tmp_path)
    given = {"certificate": str(made.certificate), "key": str(made.key)}
    with served_gateway(tmp_path / "tls", url, gateway=given) as serving:
        serving.url = serving.url.replace("http:", "https:")
        serving.verify = str(made.ca)
        password = serving.account()
        serving.start()
        address = f"{serving.url}{TOPIC}/api/targets/"
        answer = requests.get(address, auth=(ACCOUNT, password), timeout=10, verify=str(made.ca))
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("0.0.0.0:8480", "passwords would go over the network in clear"),
        ("gateway.example.org:8480", "passwords would go over the network in clear"),
        ("8480", "is no address"),
        ("127.0.0.1:x", "is no address"),
    ],
)
def test_without_tls_it_listens_on_this_machine_alone(address: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Place.at(address, None, None)
    for mine in ("127.0.0.1:8480", "localhost:1", "[::1]:8480"):
        assert Place.at(mine, None, None).url.startswith("http://")


def test_an_address_that_is_taken_is_told(serving: Serving, tmp_path: Path, url: str) -> None:
    serving.start()
    with served_gateway(tmp_path / "there", url) as other:
        listen = serving.url.split("/")[2]
        code, _, told = other.ended("--listen", listen)
    assert code == 2
    assert "can't listen" in told
