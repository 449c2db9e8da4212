"""``tom-bridge publish`` with a token of Hermes, and ``tom-bridge outbox``: what is published, and what is told."""

from pathlib import Path

import pytest
from parts.command_line import Command
from parts.events import photometry, share, target
from parts.hermes_service import TOKEN, FakeHermes

from bridge.cli import common
from bridge.events import Event
from bridge.operations import posting
from bridge.operations.gateway import add_account, opened_store
from bridge.publishing.packing import packed
from bridge.settings import Settings

TOPIC = "hermes:hermes.test"


@pytest.fixture
def command(tom_bridge: Command, tmp_path: Path, hermes: FakeHermes, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return ``tom-bridge`` in a folder of its own that may publish by Hermes' REST API."""
    (tmp_path / "tom-bridge.toml").write_text(
        'origin = "tom.a"\n[stream]\nurl = "sqlite:///stream.db"\n'
        f'[streams.hermes]\nBASE_URL = "{hermes.url}"\nHERMES_API_KEY = "{TOKEN}"\nDISPLAY_NAME = "Hermes"\n'
        f'[publish]\ntopic = "{TOPIC}"\n[[publish.topics]]\ntopic = "{TOPIC}"\nformat = "hermes"\n'
    )
    monkeypatch.setattr(posting, "_LOOKS_S", (0.01, 0.01))
    return tom_bridge


def given(tmp_path: Path, *events: Event) -> None:
    (tmp_path / "events.jsonl").write_text("".join(f"{one.model_dump_json()}\n" for one in events))


def one_share(title: str, **point: object) -> list[Event]:
    one = share(title=title)
    return [one.event(target()), one.event(photometry(**{"telescope": "1m0"} | point))]


def test_what_is_published_is_at_hermes(command: Command, tmp_path: Path, hermes: FakeHermes) -> None:
    given(tmp_path, *one_share("A"))
    dry = command("publish", "events", "events.jsonl", "--dry-run")
    assert (dry.code, hermes.submitted) == (0, [])
    ended = command("publish", "events", "events.jsonl")
    assert ended.code == 0, ended.err
    assert hermes.titles() == ["A"]
    assert "on hermes:hermes.test" in ended.out


def test_it_tells_how_far_it_is(
    command: Command, tmp_path: Path, hermes: FakeHermes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common, "_TELLS_EVERY_S", 0.0)
    given(tmp_path, *one_share("A"), *one_share("B"))
    ended = command("publish", "events", "events.jsonl")
    assert hermes.titles() == ["A", "B"]
    told = [line.partition(",")[0] for line in ended.err.splitlines() if line.startswith("Publishing:")]
    assert told == [f"Publishing: {done} of 4" for done in (1, 2, 3, 4)]


def test_a_zero_alone_is_refused_with_why(command: Command, tmp_path: Path, hermes: FakeHermes) -> None:
    given(tmp_path, *one_share("A", brightness=0.0)[1:])
    ended = command("publish", "events", "events.jsonl")
    assert ended.code == 1
    assert "takes a brightness of 0.0 for none" in ended.err
    assert hermes.submitted == []


def test_what_hermes_refuses_publishes_nothing_at_all(command: Command, tmp_path: Path, hermes: FakeHermes) -> None:
    hermes.writable = []
    given(tmp_path, *one_share("A"))
    ended = command("publish", "events", "events.jsonl")
    assert ended.code == 2
    assert "may not publish on hermes.test" in ended.err
    assert TOKEN not in ended.err


@pytest.mark.parametrize("how", ["cut", "cut+"])
def test_an_unclear_answer_is_looked_up_and_told_where_it_stays_so(
    command: Command, tmp_path: Path, hermes: FakeHermes, how: str
) -> None:
    hermes.oddly = [how]
    given(tmp_path, *one_share("A"), *one_share("B"))
    ended = command("publish", "events", "events.jsonl")
    if how == "cut+":
        assert (ended.code, hermes.titles()) == (0, ["A", "B"])
        return
    assert ended.code == 1
    assert "whether it took 'A' isn't known" in ended.err
    assert hermes.titles() == []


def test_doctor_says_what_the_token_may(command: Command, hermes: FakeHermes) -> None:
    told = command("doctor").out
    assert "publishes as alice-1a2b3c4d" in told
    assert "hermes:hermes.test: the account of the token may publish on it" in told
    hermes.writable = []
    told = command("doctor").out
    assert "fail  topic: hermes:hermes.test" in told or "may not publish on hermes.test" in told
    assert TOKEN not in told
    assert "can't be asked" in command("tail", TOPIC, "--until-end").err


def test_what_a_gateway_could_not_publish_is_listed_and_decided(command: Command, tmp_path: Path) -> None:
    assert "the gateway has one" in command("outbox", "list").err
    settings = Settings.load(tmp_path / "tom-bridge.toml")
    add_account(settings, "north", topics=[TOPIC])
    with opened_store(settings) as store:
        for title in ("A", "B", "C"):
            store.accept(TOPIC, packed(one_share(title), settings.publish.of(TOPIC)).rows)
        first, second, third = (one.id for one in store.waiting("hermes", without=(), most=9))
        store.mark_refused(first, "too large")
        store.mark_unclear(second, "no answer")
        store.mark_unclear(third)  # it is being sent
    listed = command("outbox", "list").out
    assert "too large" in listed
    assert "no answer" in listed
    assert len(listed.splitlines()) == 3
    checked = command("status", "--check")
    assert checked.code == 1
    assert "of 1 messages it isn't known whether Hermes has them" in checked.out
    assert "refused 1 events of the gateway" in checked.out
    assert command("outbox", "there", str(second)).out == "1 noted as sent\n"
    wrong = command("outbox", "again", str(first), str(second))
    assert wrong.code == 1
    assert wrong.out.splitlines() == ["1 queued again", f"{second}: there is nothing to decide of it"]
    with opened_store(settings) as store:
        assert [one.id for one in store.waiting("hermes", without=(), most=9)] == [first]
