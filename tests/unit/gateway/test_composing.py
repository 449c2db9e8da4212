"""What was taken becomes events once, whatever dies, and a target that is shared again goes as its TOM has it now."""

import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from parts.bridges import TOPIC
from parts.full_disk import full_disk
from parts.gateways import Asked, asked_gateway
from parts.wait import wait_until
from structlog.testing import capture_logs

from bridge.errors import AwayError, StopError, TomAwayError
from bridge.events import Target
from bridge.gateway import composing
from bridge.gateway.accounts import Account
from bridge.gateway.composing import Composer
from bridge.gateway.store import Desk, Known, Store
from bridge.operations.gateway_status import gateway_problems

Fetch = Callable[[Account, Known], Target | None]


def shared_again(gateway: Asked) -> None:
    token = gateway.share_target().json()["id"]
    gateway.ask("PATCH", f"targets/{token}/", json={"target_lists": []})
    gateway.share_point(token)


def composed_with(gateway: Asked, fetch: Fetch) -> None:
    """Compose all that was taken, the TOM answering as ``fetch`` does."""
    composer = Composer(
        Store(gateway.settings.state),
        fetch=fetch,
        installation=lambda account: account.installation,
        how=gateway.settings.publish.of,
        pause_s=0.01,
    )
    gateway.parts = replace(gateway.parts, composer=composer)


def test_a_target_that_is_shared_again_goes_as_its_tom_has_it_now(gateway: Asked) -> None:
    shared_again(gateway)
    composed_with(gateway, lambda _account, known: known.body.model_copy(update={"ra": 11.0, "aliases": ("ZTF26q",)}))
    first, again, data = gateway.published()
    assert (first.body.ra, again.body.ra) == (10.0, 11.0)  # type: ignore[union-attr]
    assert data.names == ("SN 2026ali", "ZTF26q")
    assert gateway.known("SN%202026ali,ZTF26q") is not None


def test_where_the_disk_is_full_nothing_is_taken_and_what_was_taken_goes_when_there_is_room(gateway: Asked) -> None:
    token = gateway.share_target().json()["id"]
    assert gateway.share_point(token).status_code == 201
    another = {"timestamp": "2026-11-03T00:00:00Z"}
    relay = gateway.parts.relay()
    with capture_logs(), full_disk():
        refused = gateway.share_point(token, **another)
        assert (refused.status_code, "can't keep anything now" in refused.json()["detail"]) == (503, True)
        assert gateway.known("SN%202026ali") == token
        with pytest.raises(AwayError, match="disk"):
            wait_until(relay.turn)
    relay.close()
    assert gateway.share_point(token, **another).status_code == 201
    events = gateway.published()
    points = [one.timestamp.day for event in events[1:] for one in event.body.points]  # type: ignore[union-attr]
    assert (str(events[0].kind), points) == ("target", [2, 3])


def test_a_tom_that_is_away_is_asked_again_and_data_wait_behind_the_target(
    gateway: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composing, "_ASK_AGAIN_S", 0.01)
    asked: list[int] = []

    def fetch(_account: Account, known: Known) -> Target | None:
        asked.append(1)
        if len(asked) < 3:
            raise TomAwayError("the TOM is away")
        return known.body

    shared_again(gateway)
    composed_with(gateway, fetch)
    assert [str(event.kind) for event in gateway.published()] == ["target", "target", "photometry"]
    assert len(asked) == 3


def test_a_tom_that_stays_away_holds_nothing_back_for_long(gateway: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "_ASK_AGAIN_S", 0.01)
    monkeypatch.setattr(composing, "_FRESH_WITHIN_S", 0.2)

    def fetch(_account: Account, _known: Known) -> Target | None:
        raise TomAwayError("the TOM is away")

    shared_again(gateway)
    composed_with(gateway, fetch)
    assert [str(event.kind) for event in gateway.published()] == ["target", "target", "photometry"]


def test_a_tom_that_is_away_keeps_no_other_target_waiting(gateway: Asked) -> None:
    def fetch(_account: Account, _known: Known) -> Target | None:
        raise TomAwayError("the TOM is away")

    shared_again(gateway)
    gateway.share_target("Other", id=3)
    composed_with(gateway, fetch)
    composer = gateway.parts.composer
    composer.look()
    store = Store(gateway.settings.state)
    subjects = [row["subject"] for row in store.query("SELECT subject FROM outbox ORDER BY id")]
    store.close()
    assert sorted(subjects) == ["Other", "SN 2026ali"]


def test_a_tom_that_does_not_answer_is_asked_for_one_target_and_not_for_each(gateway: Asked) -> None:
    """Asking takes seconds each time, and the relay waits for it: a list of hundreds would keep it for an hour."""
    asked: list[str] = []

    def fetch(_account: Account, known: Known) -> Target | None:
        asked.append(known.body.name)
        raise TomAwayError("the TOM does not answer")

    for number in range(20):
        token = gateway.share_target(f"T{number}", id=number).json()["id"]
        gateway.ask("PATCH", f"targets/{token}/", json={"target_lists": []})
    composed_with(gateway, fetch)
    gateway.parts.composer.look()
    assert len(asked) == 1


def test_what_no_event_can_be_made_of_holds_nothing_else_back_and_is_told(gateway: Asked) -> None:
    gateway.share_target("Bad", id=1)
    with closing(Store(gateway.settings.state)) as store, store.transaction() as connection:
        connection.execute("UPDATE pending SET shared_by = char(1), at = at - 1000")
    gateway.share_target("Good", id=2)
    gateway.parts.composer.look()
    gateway.parts.beat("here")
    with closing(Store(gateway.settings.state)) as store:
        assert [row["subject"] for row in store.query("SELECT subject FROM outbox")] == ["Good"]
        assert len(store.lines()) == 1
    assert "made no events" in "".join(gateway_problems(gateway.settings, 60.0))


def test_a_composer_that_dies_between_two_steps_makes_each_event_once(
    gateway: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction that puts an event in the outbox takes out what it was made of."""
    shared_again(gateway)
    wait_until(lambda: not gateway.parts.composer._store.lines() or died(gateway, monkeypatch))
    events = gateway.published()
    assert [str(event.kind) for event in events] == ["target", "target", "photometry"]
    assert len({event.id for event in events}) == 3


def died(gateway: Asked, monkeypatch: pytest.MonkeyPatch) -> bool:
    class Death(BaseException):
        """What no code of ours catches."""

    def drop(*_given: object) -> None:
        raise Death

    with monkeypatch.context() as patched:
        patched.setattr(Desk, "drop", drop)
        with pytest.raises(Death):
            gateway.parts.composer.look()
    return True


def test_two_gateways_on_one_state_publish_once(gateway: Asked, tmp_path: Path) -> None:
    """The second one's relay stands by."""
    from bridge.operations.gateway import opened_gateway, relay_until

    stopped = threading.Event()
    shared_again(gateway)
    with opened_gateway(gateway.settings) as one, opened_gateway(gateway.settings) as other:
        threads = [threading.Thread(target=relay_until, args=(parts, stopped, "x")) for parts in (one, other)]
        for thread in threads:
            thread.start()
        try:
            wait_until(lambda: Store(gateway.settings.state).summary().sent == 3)
        finally:
            stopped.set()
            for thread in threads:
                thread.join()
    assert len(gateway.published()) == 3


def test_a_service_whose_file_is_back_is_known_to_live(gateway: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.operations import gateway as operations

    monkeypatch.setattr(operations, "_BEAT_S", 0.01)
    stopped = threading.Event()
    beats: list[str] = []

    def beat(address: str) -> None:
        beats.append(address)
        if len(beats) == 1:
            raise StopError("the file is damaged")
        stopped.set()

    operations._beat(replace(gateway.parts, beat=beat), stopped, "here")
    assert len(beats) == 2


def test_a_relay_that_a_person_has_to_help_stops_no_taking(tmp_path: Path, url: str) -> None:
    """A stream whose file is something else: what TOMs send is kept all the same."""
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"no stream" * 1000)
    with asked_gateway(tmp_path / "broken", f"sqlite:///{broken}") as gateway:
        from bridge.operations.gateway import relay_until

        stopped = threading.Event()
        thread = threading.Thread(target=relay_until, args=(gateway.parts, stopped, "x"))
        thread.start()
        try:
            assert gateway.share_target().status_code == 201
            assert gateway.known("SN%202026ali", topic=TOPIC) is not None
            assert thread.is_alive()
        finally:
            stopped.set()
            thread.join()
