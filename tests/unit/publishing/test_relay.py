"""The relay over several streams, of an outbox in a file: nobody waits for another's broker, nothing is lost.

What it does with a TOM's own outbox is in ``tests/tomtoolkit/sharing/test_relay.py``.
"""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from parts.events import share, target
from parts.outboxes import SqliteShelf, states
from parts.outgoing import sent
from parts.stepped import Stepped
from parts.wait import wait_until

from bridge.codec.schemas import SCHEMA_TOPIC
from bridge.errors import ConfigurationError, DeniedError, StreamAwayError
from bridge.publishing.relay import Pace, Relay
from bridge.stream import Stream, open_stream
from bridge.stream.labelled import Opening
from bridge.stream.routed import RoutedStream
from bridge.topics import joined, split

TOPIC = "supernovae.public"
PACE = Pace(look_s=0.0, poll_s=0.02, flush_s=2.0, rest_s=0.0, shortest_wait_s=0.01, longest_wait_s=0.1)


@pytest.fixture
def shelf(tmp_path: Path) -> SqliteShelf:
    return SqliteShelf(tmp_path / "outbox.db")


@pytest.fixture
def urls(tmp_path: Path) -> dict[str, str]:
    urls = {"": f"sqlite:///{tmp_path}/ours.db", "afar": f"sqlite:///{tmp_path}/afar.db"}
    for url in urls.values():
        stream = open_stream(url)
        stream.create_topic(TOPIC)
        stream.create_topic(SCHEMA_TOPIC, compacted=True)
        stream.close()
    return urls


def relay_of(shelf: SqliteShelf, streams: Callable[[], Mapping[str, Any]], pace: Pace = PACE) -> Relay:
    return Relay(
        open_outbox=shelf.open,
        open_streams=lambda: RoutedStream(
            {label: Opening("", partial(_opened, stream)) for label, stream in streams().items()}
        ).parts(),
        schema_topic=lambda topic: joined(split(topic)[0], SCHEMA_TOPIC),
        named=lambda _topic: None,
        lease=shelf.lease(),
        pace=pace,
    )


def _opened(stream: Any) -> Stream:
    if isinstance(stream, Exception):
        raise stream
    return stream  # type: ignore[no-any-return]


def accept(shelf: SqliteShelf, topic: str, *names: str) -> None:
    shelf.accept(topic, *[share().event(target(name)) for name in names])


def names_on(url: str) -> list[str]:
    stream = open_stream(url)
    try:
        return [event.subject for event in sent(stream, TOPIC)]
    finally:
        stream.close()


@pytest.fixture
def running(shelf: SqliteShelf) -> Iterator[Callable[[Callable[[], Mapping[str, Any]]], list[BaseException]]]:
    """Run a relay in the background until the test's end; returns what it raised."""
    stopped = threading.Event()
    threads = []

    def start(streams: Callable[[], Mapping[str, Any]]) -> list[BaseException]:
        raised: list[BaseException] = []

        def work() -> None:
            try:
                relay_of(shelf, streams).run(stopped)
            except BaseException as error:
                raised.append(error)

        threads.append(threading.Thread(target=work))
        threads[-1].start()
        return raised

    yield start
    stopped.set()
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()


def test_each_row_goes_to_its_stream(shelf: SqliteShelf, urls: dict[str, str]) -> None:
    accept(shelf, TOPIC, "A")
    accept(shelf, f"afar:{TOPIC}", "B", "C")
    relay_of(shelf, lambda: {label: open_stream(url) for label, url in urls.items()}).run(
        threading.Event(), until_end=True
    )
    assert states(shelf) == ["sent"] * 3
    assert (names_on(urls[""]), names_on(urls["afar"])) == (["A"], ["B", "C"])


def test_what_comes_to_an_end_tells_how_far_it_is(shelf: SqliteShelf, urls: dict[str, str]) -> None:
    accept(shelf, TOPIC, "A", "B")
    shelf.accept(f"afar:{TOPIC}", share().event(target("C")))
    heard: list[int] = []
    relay = relay_of(shelf, lambda: {label: open_stream(url) for label, url in urls.items()})
    relay.run(threading.Event(), until_end=True, progress=heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == 3


def test_what_is_accepted_while_nothing_was_there_goes_long_before_the_next_poll(
    shelf: SqliteShelf, urls: dict[str, str]
) -> None:
    relay = relay_of(shelf, lambda: {"": open_stream(urls[""])}, pace=replace(PACE, poll_s=600.0))
    stopped = threading.Event()
    thread = threading.Thread(target=relay.run, args=(stopped,))
    thread.start()
    try:
        for number, name in enumerate("ABC", 1):
            accept(shelf, TOPIC, name)
            wait_until(lambda number=number: states(shelf) == ["sent"] * number, what=f"{number} sent rows")
    finally:
        stopped.set()
        thread.join(20)
    assert names_on(urls[""]) == ["A", "B", "C"]


@pytest.mark.parametrize("frozen", ["", "afar"])
@pytest.mark.parametrize("at", ["publish", "flush"])
def test_a_stream_that_is_frozen_keeps_the_other_one_waiting_in_nothing(
    shelf: SqliteShelf, urls: dict[str, str], running: Any, frozen: str, at: str
) -> None:
    (living,) = set(urls) - {frozen}
    thaws, stands = threading.Event(), threading.Event()

    def step(name: str) -> None:
        if name == f"before {at}":
            stands.set()
            thaws.wait(20)

    accept(shelf, f"{frozen}:{TOPIC}".lstrip(":"), "A")
    raised = running(lambda: {living: open_stream(urls[living]), frozen: Stepped(urls[frozen], TOPIC, step)})
    try:
        assert stands.wait(20)
        accept(shelf, f"{living}:{TOPIC}".lstrip(":"), "B", "C")
        wait_until(lambda: states(shelf) == ["queued", "sent", "sent"])
    finally:
        thaws.set()
    wait_until(lambda: states(shelf) == ["sent", "sent", "sent"])
    assert names_on(urls[frozen]) == ["A"]
    assert not raised


def test_a_stream_that_is_away_is_tried_again_and_the_other_one_goes_on(
    shelf: SqliteShelf, urls: dict[str, str], running: Any
) -> None:
    away = threading.Event()
    away.set()

    def step(name: str) -> None:
        if name == "before publish" and away.is_set():
            raise StreamAwayError("the broker is away")

    accept(shelf, f"afar:{TOPIC}", "A")
    accept(shelf, TOPIC, "B")
    running(lambda: {"": open_stream(urls[""]), "afar": Stepped(urls["afar"], TOPIC, step)})
    wait_until(lambda: states(shelf) == ["queued", "sent"])
    away.clear()
    wait_until(lambda: states(shelf) == ["sent", "sent"])


def test_a_stream_that_needs_a_person_stops_the_relay_where_it_is_the_only_one(
    shelf: SqliteShelf, urls: dict[str, str], running: Any
) -> None:
    def step(name: str) -> None:
        raise ConfigurationError("the password is wrong", where="stream.kafka")

    accept(shelf, TOPIC, "A")
    accept(shelf, f"afar:{TOPIC}", "B")
    with pytest.raises(ConfigurationError, match="the password is wrong"):
        relay_of(shelf, lambda: {"": Stepped(urls[""], TOPIC, step)}).run(threading.Event(), until_end=True)
    raised = running(lambda: {"": Stepped(urls[""], TOPIC, step), "afar": open_stream(urls["afar"])})
    wait_until(lambda: states(shelf) == ["queued", "sent"])
    assert not raised


@pytest.mark.parametrize("broken", ["", "afar"])
def test_a_stream_that_can_not_be_opened_keeps_the_other_one_waiting_in_nothing_and_its_rows_say_why(
    shelf: SqliteShelf, urls: dict[str, str], running: Any, broken: str
) -> None:
    (living,) = set(urls) - {broken}
    accept(shelf, f"{broken}:{TOPIC}".lstrip(":"), "A")
    accept(shelf, f"{living}:{TOPIC}".lstrip(":"), "B")
    wrong: dict[str, Any] = {broken: ConfigurationError("no such file", where="stream.auth")}
    raised = running(lambda: {living: open_stream(urls[living])} | wrong)
    where = f"streams.{broken}.auth" if broken else "stream.auth"
    wait_until(lambda: [told[:2] for told in shelf.told()] == [("queued", f"{where}: no such file"), ("sent", "")])
    assert not raised


def test_a_topic_that_may_not_be_written_keeps_no_other_one_of_its_stream_waiting(
    shelf: SqliteShelf, urls: dict[str, str], running: Any
) -> None:
    denied = threading.Event()
    denied.set()

    def step(name: str) -> None:
        if name == "before publish" and denied.is_set():
            raise DeniedError("the account may not write", where=TOPIC)

    stream = open_stream(urls[""])
    stream.create_topic("other")
    accept(shelf, TOPIC, "A", "B")
    accept(shelf, "other", "C")
    running(lambda: {"": Stepped(urls[""], TOPIC, step)})
    waits = ("queued", f"{TOPIC}: the account may not write")
    wait_until(lambda: [told[:2] for told in shelf.told()] == [waits, waits, ("sent", "")])
    denied.clear()
    wait_until(lambda: states(shelf) == ["sent"] * 3)
    assert names_on(urls[""]) == ["A", "B"]
    stream.close()


def test_what_is_for_a_stream_that_there_is_not_waits_and_says_so(shelf: SqliteShelf, urls: dict[str, str]) -> None:
    accept(shelf, f"gone:{TOPIC}", "A")
    accept(shelf, TOPIC, "B")
    relay_of(shelf, lambda: {"": open_stream(urls[""])}).run(threading.Event(), until_end=True)
    (waits, is_sent) = shelf.told()
    assert waits == ("queued", "there is no stream 'gone'. Set it under [streams.gone]", True)
    assert is_sent[0] == "sent"


def test_a_relay_killed_at_any_step_loses_nothing(shelf: SqliteShelf, urls: dict[str, str]) -> None:
    accept(shelf, TOPIC, "A", "B", "C")
    kills = 0
    while _killed(shelf, urls[""], kills + 1):
        kills += 1
        assert states(shelf) == ["queued"] * 3
    assert kills >= 7
    assert states(shelf) == ["sent"] * 3
    assert list(dict.fromkeys(names_on(urls[""]))) == ["A", "B", "C"]


def _killed(shelf: SqliteShelf, url: str, nth: int) -> bool:
    """Run the relay in a process of its own and kill it at its n-th step; return False where it came to its end."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            steps = iter(range(1, 1_000_000))

            def step(_name: str) -> None:
                if next(steps) == nth:
                    os.kill(os.getpid(), signal.SIGKILL)

            def streams() -> Mapping[str, Stream]:
                return {"": Stepped(url, TOPIC, step)}  # type: ignore[dict-item]

            relay_of(shelf, streams).run(threading.Event(), until_end=True)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)
