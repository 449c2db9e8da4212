"""The commands with topics of several streams: a topic is named with its stream's label, and told with it."""

import json
import time
from pathlib import Path

import pytest
from parts.command_line import Command
from parts.hopskotch import HopskotchBroker

from bridge.events import Event

TABLE = "mjd,mag,magerr,band\n60341,18.5,0.1,r\n"
HERE, THERE = "supernovae.public", "other:supernovae.public"


@pytest.fixture
def command(tom_bridge: Command, tmp_path: Path) -> Command:
    """Return ``tom-bridge`` in a folder with a table to publish and a configuration for two embedded streams."""
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "tom-bridge.toml").write_text(
        f'origin = "north"\n[stream]\nurl = "sqlite:///stream.db"\n'
        f'[streams.other]\nurl = "sqlite:///other.db"\nschema_topic = "schemas"\n'
        f'[publish]\ntopic = "{THERE}"\n[[subscribe]]\ntopic = "{HERE}"\n[[subscribe]]\ntopic = "{THERE}"\n'
    )
    return tom_bridge


def test_a_topic_is_made_filled_and_shown_on_the_stream_of_its_label(command: Command) -> None:
    made = json.loads(command("topics", "create", THERE, "--json").out)
    assert [(one["name"], one["existed"]) for one in made] == [("other:schemas", False), (THERE, False)]
    assert command("publish", "photometry", "SN 2024abc", "table.csv").code == 0
    listed = json.loads(command("topics", "list", "--json").out)
    assert [(one["name"], one["records"], one["role"], one["subscribed"]) for one in listed] == [
        ("other:schemas", 1, "schemas", False),
        (THERE, 1, "events", True),
    ]
    assert f"{THERE}[0]@0" in command("tail", THERE, "--until-end").out
    assert Event.checked(command("tail", THERE, "--until-end", "--json").out).subject == "SN 2024abc"
    missing = command("tail", HERE, "--until-end")
    assert (missing.code, f"topics create {HERE}" in missing.err) == (69, True)


def test_positions_are_those_of_each_stream(command: Command) -> None:
    command("topics", "create", HERE, THERE)
    command("publish", "photometry", "SN 2024abc", "table.csv")
    for topic in (HERE, THERE):
        (found,) = json.loads(command("position", "set", topic, "now", "--json").out)
        assert (found["topic"], found["position"]) == (topic, int(topic == THERE))
    shown = json.loads(command("position", "show", "--json").out)
    assert [(one["topic"], one["position"], one["lag"]) for one in shown] == [(HERE, 0, 0), (THERE, 1, 0)]


def test_a_topic_is_copied_from_one_stream_to_another_with_its_schemas(command: Command) -> None:
    command("topics", "create", THERE)
    command("publish", "photometry", "SN 2024abc", "table.csv")
    done = json.loads(command("topics", "copy", THERE, HERE, "--json").out)
    assert (done["copied"], done["schemas"]) == (1, 1)
    assert command("tail", HERE, "--until-end", "--json").out == command("tail", THERE, "--until-end", "--json").out
    onto_itself = command("topics", "copy", THERE, THERE)
    assert "can't be copied onto itself" in onto_itself.err


@pytest.mark.parametrize("url", ["kafka://127.0.0.1:1", "sqlite:///nowhere/share.db"])
def test_status_tells_of_all_streams_also_where_one_is_away_or_wrongly_configured(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setattr("bridge.stream.kafka_admin.TIMEOUT_S", 1.0)
    monkeypatch.setattr("bridge.operations.opening.ANSWERS_WITHIN_S", 1.0)
    command("topics", "create", HERE, THERE)
    command("publish", "photometry", "SN 2024abc", "table.csv")
    file = tmp_path / "tom-bridge.toml"
    file.write_text(
        file.read_text().replace("[publish]", f'[streams.gone]\nurl = "{url}"\n[publish]')
        + '[[subscribe]]\ntopic = "gone:events"\n'
    )
    now = json.loads(command("status", "--json").out)
    assert "gone" in now["stream_problem"]
    assert [(one["topic"], one["lag"]) for one in now["topics"]] == [(HERE, 0), (THERE, 1), ("gone:events", None)]
    shown = json.loads(command("position", "show", "--json").out)
    assert [(one["topic"], one["lag"]) for one in shown] == [(HERE, 0), (THERE, 1), ("gone:events", None)]
    assert "gone" in shown[-1]["problem"]
    alone = command("position", "show", "gone:events")
    assert alone.code != 0
    listed = command("topics", "list", "--json")
    assert listed.code == 0
    assert "gone" in listed.err
    assert THERE in {one["name"] for one in json.loads(listed.out)}


def test_who_asks_waits_for_a_stream_that_is_away_no_longer_than_a_person_does(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.stream.kafka_admin.TIMEOUT_S", 60.0)
    for module in ("opening", "doctor", "gateway_doctor"):
        monkeypatch.setattr(f"bridge.operations.{module}.ANSWERS_WITHIN_S", 0.5)
    command("topics", "create", HERE, THERE)
    file = tmp_path / "tom-bridge.toml"
    gone = '[streams.gone]\nurl = "kafka://127.0.0.1:1"\n[publish]'
    file.write_text(file.read_text().replace("[publish]", gone) + '[[subscribe]]\ntopic = "gone:events"\n')
    assert command("gateway", "accounts", "add", "south", "--topic", "gone:events").code == 0
    began = time.monotonic()
    assert "gone" in json.loads(command("status", "--json").out)["stream_problem"]
    told = [one for one in json.loads(command("doctor", "--json").out) if "stream gone" in one["what"]]
    assert {(one["about"], one["level"]) for one in told} == {("stream", "fail"), ("gateway", "fail")}
    shown = json.loads(command("position", "show", "gone:one", "gone:other", HERE, "--json").out)
    assert [(one["topic"], "gone" in one["problem"]) for one in shown] == [
        ("gone:one", True), ("gone:other", True), (HERE, False)
    ]  # fmt: skip
    listed = command("topics", "list", "--json")
    assert "gone" in listed.err
    assert THERE in {one["name"] for one in json.loads(listed.out)}
    assert time.monotonic() - began < 30


def test_doctor_tells_of_each_stream_and_of_a_topic_with_two_names(command: Command, tmp_path: Path) -> None:
    command("topics", "create", HERE, THERE)
    file = tmp_path / "tom-bridge.toml"
    file.write_text(
        file.read_text().replace("[publish]", '[streams.twin]\nurl = "sqlite:///stream.db"\n[publish]')
        + f'[[subscribe]]\ntopic = "twin:{HERE}"\n'
    )
    found = json.loads(command("doctor", "--json").out)
    told = [(one["about"], one["level"], one["what"]) for one in found]
    assert ("topic", "ok", f"{THERE}: 0 records in 1 partitions") in told
    assert ("schemas", "ok", "other:schemas keeps them") in told
    assert ("topic", "fail", f"{HERE} and twin:{HERE} are one topic under two names") in told


def test_an_unknown_label_is_told_with_those_that_there_are(command: Command) -> None:
    ended = command("tail", "another:events", "--until-end")
    assert ended.code == 2
    assert "no stream 'another'" in ended.err
    assert "other" in ended.err


@pytest.mark.kafka
def test_a_topic_of_hopskotch_is_published_to_and_shown_by_the_credential_of_hop(
    command: Command, tmp_path: Path, hopskotch: HopskotchBroker
) -> None:
    alice = hopskotch.credential("alice")
    topic = "hopskotch:" + hopskotch.topic("supernovae.test", rights={alice: ["READ", "WRITE"]})
    auth = hopskotch.write_auth(tmp_path / "auth.toml", alice)
    file = tmp_path / "tom-bridge.toml"
    tables = f'[streams.hopskotch]\nurl = "{hopskotch.tls_url}"\nhopskotch = true\nauth = "auth.toml"\n[publish]'
    file.write_text(file.read_text().replace("[publish]", tables))
    assert command("publish", "photometry", "SN 2024abc", "table.csv", "--topic", topic).code == 0
    assert "SN 2024abc" in command("tail", topic, "--until-end").out
    unwelcome = command("publish", "photometry", "SN 2024abc", "table.csv", "--topic", "hopskotch:hermes.test")
    assert (unwelcome.code, "topics of Hermes" in unwelcome.err) == (2, True)
    made = command("topics", "create", "hopskotch:hermes.other")
    assert (made.code, "my.hop.scimma.org" in made.err) == (2, True)
    auth.chmod(0o644)
    refused = command("tail", topic, "--until-end")
    assert (refused.code, "chmod 0600" in refused.err) == (2, True)
    assert "streams.hopskotch.auth" in refused.err
