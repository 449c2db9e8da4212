"""``tom-bridge publish`` on a topic of Hermes: what is on the stream, and what is told."""

import json
from contextlib import closing
from pathlib import Path

import pytest
from parts.command_line import Command
from parts.events import one_of_each
from parts.hermes import events_of

from bridge.events import Event
from bridge.hermes import HermesFormat
from bridge.stream import Record, open_stream

TOPIC = "hermes.test"


@pytest.fixture
def command(tom_bridge: Command, tmp_path: Path) -> Command:
    """Return ``tom-bridge`` in a folder of its own with an embedded stream and a topic of Hermes."""
    (tmp_path / "tom-bridge.toml").write_text(
        'origin = "tom.a"\n[stream]\nurl = "sqlite:///stream.db"\n'
        f'[publish]\ntopic = "{TOPIC}"\n[[publish.topics]]\ntopic = "{TOPIC}"\nformat = "hermes"\n'
    )
    assert tom_bridge("topics", "create", TOPIC).code == 0
    return tom_bridge


def given(tmp_path: Path, *events: Event) -> list[Event]:
    (tmp_path / "events.jsonl").write_text("".join(f"{one.model_dump_json()}\n" for one in events))
    return list(events)


def records(tmp_path: Path) -> list[Record]:
    with closing(open_stream(f"sqlite:///{tmp_path}/stream.db")) as stream:
        return [record for one in stream.ends(TOPIC) for record in stream.read(one, 0)]


def test_events_go_as_messages_and_what_can_not_is_told(command: Command, tmp_path: Path) -> None:
    events = given(tmp_path, *one_of_each())
    ended = command("publish", "events", "events.jsonl")
    assert ended.code == 0, ended.err
    assert "in 4 records on hermes.test" in ended.out
    assert "Hermes has no messages of a list" in ended.err
    assert "Hermes has no messages of a data-product" in ended.err
    there = records(tmp_path)
    back = [event for one in there for event in events_of(HermesFormat(full=True).decode(one))]
    assert back == [one for one in events if one.kind in ("target", "photometry", "spectroscopy", "astrometry")]
    assert [json.loads(line)["id"] for line in command("tail", TOPIC, "--until-end", "--json").out.splitlines()] == [
        str(one.id) for one in back
    ]


def test_who_looks_at_a_topic_that_is_also_received_sees_what_this_tom_has_sent(
    command: Command, tmp_path: Path
) -> None:
    config = tmp_path / "tom-bridge.toml"
    config.write_text(config.read_text() + f'[[subscribe]]\ntopic = "{TOPIC}"\nformat = "hermes"\n')
    given(tmp_path, *one_of_each())
    assert command("publish", "events", "events.jsonl").code == 0
    shown = command("tail", TOPIC, "--until-end").out
    assert {"target", "photometry", "spectroscopy", "astrometry"} <= set(shown.split())


def test_a_second_try_sends_the_same_messages(command: Command, tmp_path: Path) -> None:
    given(tmp_path, *one_of_each()[:3])
    for _ in range(2):
        assert command("publish", "events", "events.jsonl").code == 0
    first, second = records(tmp_path)[:2], records(tmp_path)[2:]
    assert [(one.value, one.headers, one.key) for one in first] == [(one.value, one.headers, one.key) for one in second]


def test_a_dry_run_publishes_nothing_and_says_what_would_not_go(command: Command, tmp_path: Path) -> None:
    given(tmp_path, *one_of_each())
    ended = command("publish", "events", "events.jsonl", "--dry-run", "--json")
    told = json.loads(ended.out)
    assert (told["records"], len(told["not_carried"]), records(tmp_path)) == (4, 3, [])


def test_where_nothing_can_go_it_is_an_error(command: Command, tmp_path: Path) -> None:
    given(tmp_path, *(one for one in one_of_each() if one.kind == "list"))
    ended = command("publish", "events", "events.jsonl")
    assert ended.code == 1
    assert "Hermes has no messages of a list" in ended.err
    assert records(tmp_path) == []
