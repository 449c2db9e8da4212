"""From the outbox to the stream: nothing lost, in order, whatever dies and whoever is away."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcess, InProcessTom
from parts.outgoing import make_relay, outbox, outbox_states, photometry, publishing, relay_all, sent
from parts.stepped import Stepped
from parts.streams import SqliteLab
from parts.wait import wait_until

from bridge.errors import NotDeliveredError, StreamAwayError, TooLargeError
from bridge.stream import open_stream

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture(autouse=True)
def settings(in_process: InProcess, url: str) -> Iterator[None]:
    with publishing(url):
        yield


def share(orm_tom: InProcessTom, *names: str, points: int = 1) -> None:
    """Make targets and share each with its photometry."""
    from tom_targets.models import Target

    from bridge.tomtoolkit.sharing import share

    for name in names:
        if not Target.objects.filter(name=name).exists():
            photometry(orm_tom.make_target(name), points)
        share(Target.objects.get(name=name), topic=TOPIC, with_data=True)


def killed(url: str, nth: int) -> bool:
    """Run the relay in a process of its own and kill it at its n-th step; return False where it came to its end."""
    from django.db import connections

    connections.close_all()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            steps = iter(range(1, 1_000_000))

            def step(_name: str) -> None:
                if next(steps) == nth:
                    os.kill(os.getpid(), signal.SIGKILL)

            make_relay(lambda _settings: Stepped(url, TOPIC, step)).run(threading.Event(), until_end=True)  # type: ignore[arg-type]
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def test_what_is_in_the_outbox_is_sent_once(orm_tom: InProcessTom, alpha: Publishing) -> None:
    share(orm_tom, "A", "B")
    assert outbox_states() == ["queued"] * 4
    relay_all()
    relay_all()
    assert sent(alpha.stream) == outbox()
    assert outbox_states() == ["sent"] * 4


def test_a_relay_killed_at_any_step_loses_nothing(orm_tom: InProcessTom, alpha: Publishing, url: str) -> None:
    share(orm_tom, "A", "B")
    kills = 0
    while killed(url, kills + 1):
        kills += 1
        assert set(outbox_states()) == {"queued"}
    assert kills > 8
    expected = outbox()
    assert set(outbox_states()) == {"sent"}
    seen = list(dict.fromkeys(event.id for event in sent(alpha.stream)))
    assert seen == [event.id for event in expected]


def test_who_receives_what_killed_relays_sent_holds_it_once(in_process: InProcess, url: str, tmp_path: Any) -> None:
    with in_process.tom("sqlite") as giving, publishing(url, origin="gamma"):
        share(giving, "A", points=5)
        for nth in (4, 5, 6, 5):
            assert killed(url, nth)
        relay_all()
    stream = open_stream(url)
    assert len(sent(stream)) > 2
    stream.close()
    with in_process.tom("sqlite") as taking:
        SubscribedInProcess(taking, url, tmp_path / "beta").drain()
        assert len(taking.photometry("A")) == 5
        assert [row["name"] for row in taking.targets()] == ["A"]


def test_two_relays_do_no_harm(orm_tom: InProcessTom, alpha: Publishing) -> None:
    from django.db import connections

    share(orm_tom, *[f"T{number}" for number in range(20)])
    stopped = threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            make_relay().run(stopped)
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: failures or set(outbox_states()) == {"sent"})
        share(orm_tom, "T3", "T4")
        wait_until(lambda: failures or set(outbox_states()) == {"sent"})
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    assert not failures
    assert sent(alpha.stream) == outbox()


def test_a_relay_stands_by_and_takes_over(orm_tom: InProcessTom, alpha: Publishing) -> None:
    first, relay = make_relay(), make_relay()
    while first.turn():
        pass
    share(orm_tom, "A")
    assert not relay.turn()
    assert outbox_states() == ["queued", "queued"]
    first.close()
    while relay.turn():
        pass
    relay.close()
    assert outbox_states() == ["sent", "sent"]


def test_a_stream_that_is_away_is_waited_for_and_nothing_is_lost(
    orm_tom: InProcessTom, alpha: Publishing, url: str
) -> None:
    failures = iter(["before publish", "before flush", "after flush"])
    awaited = [next(failures)]

    def step(name: str) -> None:
        if awaited and name == awaited[0]:
            awaited[:] = [one for one in [next(failures, None)] if one]
            raise StreamAwayError("the broker is away")

    share(orm_tom, "A", "B")
    make_relay(lambda _settings: Stepped(url, TOPIC, step)).run(threading.Event(), until_end=True)  # type: ignore[arg-type]
    assert not awaited
    assert list(dict.fromkeys(event.id for event in sent(alpha.stream))) == [event.id for event in outbox()]
    assert set(outbox_states()) == {"sent"}


def test_what_is_not_confirmed_yet_is_not_handed_over_again(orm_tom: InProcessTom, alpha: Publishing, url: str) -> None:
    published: list[str] = []
    slow = [True] * 3

    def step(name: str) -> None:
        published.extend([name] if name == "after publish" else [])
        if name == "before flush" and slow and published:
            slow.pop()
            key = b"beta/a"
            raise NotDeliveredError("2 records are not delivered: not confirmed yet", undelivered=[(TOPIC, key)] * 2)

    share(orm_tom, "A")
    relay = make_relay(lambda _settings: Stepped(url, TOPIC, step))  # type: ignore[arg-type]
    relay.run(threading.Event(), until_end=True)
    assert not slow
    assert len(published) == 2
    assert sent(alpha.stream) == outbox()


class Choosy(Stepped):
    """A stream that refuses what a test says; ``late``: only while it is being flushed, as Kafka does."""

    def __init__(self, url: str, refuses: Callable[[bytes], bool], *, late: bool) -> None:
        super().__init__(url, TOPIC, lambda _name: None)
        self._refuses = refuses
        self._late = late
        self._refused: list[tuple[str, bytes]] = []
        self._behind: list[dict[str, Any]] = []

    def publish(self, topic: str, **given: Any) -> None:
        if topic == TOPIC and self._refuses(given["value"]):
            if not self._late:
                raise TooLargeError("a value of 9 bytes is too large", where=topic)
            self._refused.append((topic, given["key"]))
        elif (topic, given["key"]) in self._refused:
            self._behind.append({"topic": topic, **given})
        else:
            super().publish(topic, **given)

    def flush(self, timeout_s: float | None = None) -> None:
        super().flush(timeout_s)
        if self._refused:
            refused, self._refused = self._refused, []
            behind, self._behind = self._behind, []
            named = [(one["topic"], one["key"]) for one in behind]
            for one in behind:
                super().publish(one.pop("topic"), **one)
            raise NotDeliveredError(
                "1 records are not delivered: too large", undelivered=refused + named, refused=refused
            )


@pytest.mark.parametrize("late", [False, True])
def test_an_event_that_the_stream_refuses_holds_nothing_back(
    orm_tom: InProcessTom, alpha: Publishing, url: str, late: bool
) -> None:
    from bridge.tomtoolkit.models import OutboxEvent
    from bridge.tomtoolkit.sharing.outbox import DjangoOutbox

    share(orm_tom, "A", "B", "A")
    poison = outbox()[1]  # the first photometry of A
    stream = Choosy(url, lambda value: poison.id.bytes in value or str(poison.id).encode() in value, late=late)
    make_relay(lambda _settings: stream).run(threading.Event(), until_end=True)  # type: ignore[arg-type, return-value]
    assert outbox_states() == ["sent", "refused", "sent", "sent", "sent", "sent"]
    row = OutboxEvent.objects.get(state="refused")
    assert "too large" in row.reason
    seen = list(dict.fromkeys(event.id for event in sent(alpha.stream)))
    assert seen == [event.id for event in outbox() if event.id != poison.id]
    assert DjangoOutbox().send_again([row.pk]) == 1
    relay_all()
    assert set(outbox_states()) == {"sent"}
    assert sent(alpha.stream)[-1] == poison


def test_a_topic_that_is_missing_holds_back_no_other(orm_tom: InProcessTom, alpha: Publishing, url: str) -> None:
    from bridge.tomtoolkit.models import OutboxEvent

    share(orm_tom, "A", "B")
    OutboxEvent.objects.filter(subject="A").update(topic="to.come")
    relay = make_relay()
    while relay.turn():
        if set(outbox_states()[2:]) == {"sent"}:
            break
    assert outbox_states() == ["queued", "queued", "sent", "sent"]
    assert "'to.come' does not exist" in OutboxEvent.objects.first().reason
    alpha.stream.create_topic("to.come")
    wait_until(lambda: not relay.turn() and set(outbox_states()) == {"sent"})
    relay.close()
    assert [event.kind for event in sent(alpha.stream, "to.come")] == ["target", "photometry"]
    assert not OutboxEvent.objects.exclude(reason="").exists()


def test_a_topic_that_goes_while_the_relay_runs_is_waited_for(
    orm_tom: InProcessTom, alpha: Publishing, url: str
) -> None:
    share(orm_tom, "A")
    relay = make_relay()
    while relay.turn():
        pass
    SqliteLab(alpha.stream.path).delete_topic(TOPIC)  # type: ignore[attr-defined]
    share(orm_tom, "A")
    relay.turn()
    assert outbox_states()[2:] == ["queued", "queued"]
    alpha.stream.create_topic(TOPIC)
    wait_until(lambda: not relay.turn() and set(outbox_states()) == {"sent"})
    relay.close()
    assert sent(alpha.stream) == outbox()[2:]


def test_points_beyond_what_an_event_takes_are_sent_in_parts(orm_tom: InProcessTom, alpha: Publishing) -> None:
    from bridge.tomtoolkit.sharing import share

    pk = orm_tom.make_target("A")
    rows = photometry(pk, 1500, value={"note": "x" * 1000})
    share(type(rows[0]).objects.all(), topic=TOPIC)
    relay_all()
    events = sent(alpha.stream)
    assert len(events) > len(outbox()) == 1
    assert sum(len(event.body.points) for event in events) == 1500


def test_a_stop_is_heeded_at_once(orm_tom: InProcessTom) -> None:
    stopped = threading.Event()
    thread = threading.Thread(target=lambda: make_relay(poll_s=60.0).run(stopped))
    thread.start()
    stopped.set()
    thread.join(20)
    assert not thread.is_alive()


def test_the_content_of_what_was_sent_goes_after_a_time_and_the_rest_stays(orm_tom: InProcessTom) -> None:
    from datetime import timedelta

    from bridge.tomtoolkit.models import OutboxEvent

    share(orm_tom, "A")
    make_relay(keep=timedelta(0)).run(threading.Event(), until_end=True)
    rows = list(OutboxEvent.objects.order_by("id"))
    assert [(row.kind, row.subject, row.state, row.payload) for row in rows] == [
        ("target", "A", "sent", None),
        ("photometry", "A", "sent", None),
    ]


def test_connections_are_closed_between_turns(orm_tom: InProcessTom) -> None:
    from django.db import connection

    share(orm_tom, "A")
    relay = make_relay()

    def is_closed_after_a_turn() -> bool:
        connection.close_at = 0.0  # it is old
        relay.turn()
        return connection.connection is None

    wait_until(is_closed_after_a_turn)  # once a second
    relay.close()


def test_a_database_that_goes_while_a_share_is_marked_costs_nothing(
    orm_tom: InProcessTom, alpha: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import OperationalError

    from bridge.tomtoolkit.sharing import outbox as module

    share(orm_tom, "A")
    times = iter([True, True])

    def marking(*given: Any, **named: Any) -> Any:
        if next(times, False):
            with module.translating():
                raise OperationalError("the database is locked")
        return original(*given, **named)

    original = module.writing
    monkeypatch.setattr(module, "writing", marking)
    try:
        make_relay().run(threading.Event(), until_end=True)
    except OperationalError:
        pytest.fail("the relay has to wait for its database")
    assert outbox_states() == ["sent", "sent"]
    assert sent(alpha.stream) == outbox()
