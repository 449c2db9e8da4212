"""The relay to Hermes' REST API: no message twice, none lost, and what nobody can know is a person's to say."""

import os
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from parts.events import photometry, share, target
from parts.hermes_service import TOKEN, FakeHermes
from parts.outboxes import SqliteShelf, states
from parts.wait import wait_until

from bridge.errors import AwayError
from bridge.hermes.service import HermesService
from bridge.publishing.packing import packed
from bridge.publishing.posting import Poster
from bridge.publishing.relay import Pace, Relay
from bridge.settings import PublishedTopicSettings

TOPIC = "hermes:hermes.test"
PACE = Pace(
    look_s=60.0, poll_s=0.02, rest_s=0.1, look_up_s=0.02, longest_look_up_s=0.05, shortest_wait_s=0.01,
    longest_wait_s=0.05,
)  # fmt: skip


@pytest.fixture
def shelf(tmp_path: Path) -> SqliteShelf:
    return SqliteShelf(tmp_path / "outbox.db")


def accept(shelf: SqliteShelf, *titles: str, topic: str = TOPIC) -> None:
    how = PublishedTopicSettings(topic=topic, format="hermes").by_rest()
    outbox = shelf.open()
    for title in titles:
        one = share(title=title)
        events = [one.event(target()), one.event(photometry(telescope="1m0"))]
        outbox.accept(topic, packed(events, how).rows)
    outbox.close()


def relay_of(shelf: SqliteShelf, hermes: FakeHermes, service: Callable[..., HermesService] = HermesService) -> Relay:
    return Relay(
        open_outbox=shelf.open,
        open_streams=lambda: {"hermes": service(hermes.url, TOKEN, published_s=0.3)},
        schema_topic=lambda _topic: None,
        named=lambda topic: PublishedTopicSettings(topic=topic, format="hermes").by_rest(),
        lease=shelf.lease(),
        pace=PACE,
    )


def relayed(shelf: SqliteShelf, hermes: FakeHermes, until: list[str]) -> None:
    """Let a relay work until the rows are in these states."""
    relay = relay_of(shelf, hermes)

    def there() -> bool:
        with suppress(AwayError):
            relay.turn(together=True)
        return states(shelf) == until

    try:
        wait_until(there)
    finally:
        relay.close()


def reasons(shelf: SqliteShelf) -> list[str]:
    return [reason for _, reason, _ in shelf.told()]


def test_each_row_is_one_message(shelf: SqliteShelf, hermes: FakeHermes) -> None:
    accept(shelf, "A", "B", "C")
    relayed(shelf, hermes, ["sent"] * 3)
    assert hermes.titles() == ["A", "B", "C"]
    relay_of(shelf, hermes).run(threading.Event(), until_end=True)
    assert hermes.titles() == ["A", "B", "C"]
    assert reasons(shelf) == ["", "", ""]


@pytest.mark.parametrize("how", ["cut+", "slow+", "500+", "no-uuid+", "kafka+"])
def test_what_was_taken_without_a_word_is_found_and_not_sent_again(
    shelf: SqliteShelf, hermes: FakeHermes, how: str
) -> None:
    hermes.oddly = [how]
    accept(shelf, "A", "B")
    relayed(shelf, hermes, ["sent", "sent"])
    assert hermes.titles() == ["A", "B"]


@pytest.mark.parametrize("how", ["cut", "502", "no-uuid"])
def test_what_nobody_can_know_is_left_for_a_person_and_holds_nothing_back(
    shelf: SqliteShelf, hermes: FakeHermes, how: str
) -> None:
    hermes.oddly = [how]
    accept(shelf, "A", "B")
    relayed(shelf, hermes, ["unclear", "sent"])
    wait_until(lambda: _turned(shelf, hermes) and "archive did not show it" in reasons(shelf)[0])
    assert hermes.titles() == ["B"]
    assert len(hermes.submitted) == 2
    assert TOKEN not in reasons(shelf)[0]


def _turned(shelf: SqliteShelf, hermes: FakeHermes) -> bool:
    relayed(shelf, hermes, states(shelf))
    return True


def test_a_person_says_that_it_is_there_or_lets_it_go_again(shelf: SqliteShelf, hermes: FakeHermes) -> None:
    hermes.oddly = ["500", "500"]
    accept(shelf, "A", "B")
    relayed(shelf, hermes, ["unclear", "unclear"])
    outbox = shelf.open()
    second, first = outbox.stuck(9)
    assert (first.state, first.topic, first.kind) == ("unclear", TOPIC, "message")
    assert outbox.send_again([first.id]) == 1
    outbox.mark_sent([second.id])
    outbox.close()
    relayed(shelf, hermes, ["sent", "sent"])
    assert hermes.titles() == ["A"]


def test_an_answer_that_says_no_is_no_unclear_one(shelf: SqliteShelf, hermes: FakeHermes) -> None:
    hermes.oddly = ["429", "too-large"]
    accept(shelf, "A", "B")
    relayed(shelf, hermes, ["refused", "sent"])
    assert "MSG_SIZE_TOO_LARGE" in reasons(shelf)[0]
    assert [one["title"] for one in hermes.submitted] == ["A", "A", "B"]


def test_what_hermes_would_refuse_is_never_sent(shelf: SqliteShelf, hermes: FakeHermes) -> None:
    how = PublishedTopicSettings(topic=TOPIC, format="hermes")  # as if it went over Kafka
    outbox = shelf.open()
    outbox.accept(TOPIC, packed([share().event(photometry())], how).rows)
    outbox.close()
    accept(shelf, "C")
    relayed(shelf, hermes, ["refused", "sent"])
    assert "telescope" in reasons(shelf)[0]
    assert len(hermes.submitted) == 1


def test_events_that_waited_when_the_topic_became_hermes_go_as_messages(shelf: SqliteShelf, hermes: FakeHermes) -> None:
    shelf.accept(TOPIC, share(title="A").event(target()), share().event(photometry(telescope="")))
    relayed(shelf, hermes, ["sent", "refused"])
    assert hermes.titles() == ["A"]
    assert "takes messages of Hermes" in reasons(shelf)[1]


def test_a_service_that_is_away_gets_nothing_and_loses_nothing(shelf: SqliteShelf, hermes: FakeHermes) -> None:
    hermes.out_of_order = "503"
    accept(shelf, "A")
    wait_until(lambda: _turned(shelf, hermes) and "HTTP 503" in reasons(shelf)[0])
    assert states(shelf) == ["queued"]
    assert hermes.submitted == []
    hermes.out_of_order = ""
    relayed(shelf, hermes, ["sent"])


def test_a_topic_that_may_not_be_written_waits_and_is_told(shelf: SqliteShelf, hermes: FakeHermes) -> None:
    accept(shelf, "A", topic="hermes:hermes.other")
    accept(shelf, "B")
    relayed(shelf, hermes, ["queued", "sent"])
    assert "may not publish on hermes.other" in reasons(shelf)[0]
    hermes.writable.append("hermes.other")
    relayed(shelf, hermes, ["sent", "sent"])


@pytest.mark.parametrize("taken", [True, False])
def test_a_relay_killed_while_it_sends_sends_nothing_twice(shelf: SqliteShelf, hermes: FakeHermes, taken: bool) -> None:
    accept(shelf, "A")

    class Dying(HermesService):
        def submit(self, value: bytes) -> Any:
            if taken:
                super().submit(value)
            os.kill(os.getpid(), signal.SIGKILL)

    pid = os.fork()
    if pid == 0:
        try:
            relay_of(shelf, hermes, Dying).run(threading.Event(), until_end=True)
        finally:
            os._exit(1)
    assert os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    assert states(shelf) == ["unclear"]
    relayed(shelf, hermes, ["sent"] if taken else ["unclear"])
    assert hermes.titles() == (["A"] if taken else [])
    if not taken:
        wait_until(lambda: _turned(shelf, hermes) and "the relay ended while it was sent" in reasons(shelf)[0])


class Forgetful:
    """An outbox that is away when the first thing is noted after an answer."""

    def __init__(self, outbox: Any) -> None:
        self._outbox = outbox
        self._fails = True

    def mark_sent(self, ids: Any) -> None:
        if self._fails:
            self._fails = False
            raise AwayError("the disk is full")
        self._outbox.mark_sent(ids)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._outbox, name)


def test_what_could_not_be_noted_is_noted_before_anything_else_is_sent(shelf: SqliteShelf, hermes: FakeHermes) -> None:
    accept(shelf, "A", "B")
    named = PublishedTopicSettings(topic=TOPIC, format="hermes").by_rest()
    outbox = shelf.open()
    poster = Poster("hermes", HermesService(hermes.url, TOKEN), Forgetful(outbox), named=lambda _: named, pace=PACE)  # type: ignore[arg-type]
    with pytest.raises(AwayError, match="disk is full"):
        poster.send()
    assert states(shelf) == ["unclear", "queued"]
    while poster.send():
        pass
    poster.close()
    outbox.close()
    assert states(shelf) == ["sent", "sent"]
    assert hermes.titles() == ["A", "B"]
