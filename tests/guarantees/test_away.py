"""Away or at fault: who is away is waited for, nothing is skipped and nothing is dead."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from parts.bridges import Subscribed
from parts.places import Place
from parts.shares import SUPERNOVA, on_day, one_of_each, product

from bridge.errors import AwayError, NotDeliveredError
from bridge.ledger.port import Outcome
from bridge.ledger.sqlite import SqliteLedger
from bridge.operations import assemble
from bridge.receiving.consumer import Consumer
from bridge.receiving.progress import Progress, Verdict


@contextmanager
def broken(beta: Subscribed) -> Iterator[None]:
    """Break the TOM's database for a block, so that it answers 500 to everything."""

    def rename(old: str, new: str) -> None:
        with closing(sqlite3.connect(beta.tom.site.database, timeout=10)) as database:
            database.execute(f"ALTER TABLE {old} RENAME TO {new}")

    rename("tom_targets_basetarget", "lost")
    yield
    rename("lost", "tom_targets_basetarget")


def test_a_tom_that_is_killed_is_waited_for_and_nothing_is_skipped(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    with beta.daemon() as daemon:
        alpha.publish(on_day(0))
        daemon.wait_for("event.applied")
        beta.tom.kill()
        alpha.publish(*(on_day(day) for day in range(1, 6)))
        daemon.wait_for("consumer.waiting", 2)
        beta.tom.start()
        daemon.wait_for("event.applied", 6)
        assert daemon.end() == 0
    assert beta.outcomes() == [Outcome.APPLIED] * 6
    assert [entry.detail["datums"] for entry in beta.entries()] == [{"new": 1}] * 6
    assert len(beta.tom.photometry()) == 6


def test_a_consumer_that_starts_while_the_tom_is_away_waits_for_it_and_ends_at_sigterm(alpha, beta):
    beta.tom.kill()
    alpha.publish(SUPERNOVA)
    with beta.daemon() as daemon:
        (waiting, *_) = daemon.wait_for("consumer.waiting", 2)
        assert "can't be reached" in waiting["message"]
        daemon.process.terminate()
        assert daemon.wait(timeout_s=10) == 0
    with beta.daemon() as daemon:
        daemon.wait_for("consumer.waiting")
        beta.tom.start()
        daemon.wait_for("event.applied")
        assert daemon.end() == 0
    assert beta.outcomes() == [Outcome.APPLIED]
    assert len(beta.tom.targets()) == 1


def test_a_tom_that_answers_500_to_everything_is_away_and_not_at_fault(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    with beta.daemon() as daemon:
        alpha.publish(on_day(0))
        daemon.wait_for("event.applied")
        with broken(beta):
            alpha.publish(*one_of_each())
            waiting = daemon.wait_for("consumer.waiting", 2)
            assert all("500" in one["message"] for one in waiting)
            assert beta.outcomes() == [Outcome.APPLIED]
        daemon.wait_for("event.applied", 5)
        assert daemon.logged("event.dead") == []
        assert daemon.end() == 0
    assert beta.outcomes() == [Outcome.APPLIED] * 5
    assert beta.dead() == []


@pytest.mark.parametrize("nth", range(1, 8))
def test_a_locked_ledger_is_waited_for_whatever_was_to_be_written(nth, alpha, beta, monkeypatch):
    monkeypatch.setattr(assemble, "ledger_of", lambda settings: SqliteLedger(settings.ledger, busy_timeout_s=0.05))
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1), product())
    with beta.open() as bridge, closing(sqlite3.connect(beta.ledger, isolation_level=None)) as other:
        calls, waits = itertools.count(1), []
        write, wait = SqliteLedger.transaction, Consumer._wait

        def lock_at_the_nth(ledger: SqliteLedger) -> Any:
            if next(calls) == nth:
                other.execute("BEGIN IMMEDIATE")
            return write(ledger)

        def unlock_and_wait(consumer: Consumer, error: AwayError, subscription: Any) -> None:
            waits.append(str(error))
            other.execute("ROLLBACK")
            wait(consumer, error, subscription)

        monkeypatch.setattr(SqliteLedger, "transaction", lock_at_the_nth)
        monkeypatch.setattr(Consumer, "_wait", unlock_and_wait)
        bridge.consumer().run(until_end=True)
    assert len(waits) == 1
    assert "ledger" in waits[0]
    assert beta.outcomes() == [Outcome.APPLIED] * 2
    assert len(beta.tom.photometry()) == 3


def test_a_ledger_whose_disk_is_full_is_waited_for_while_the_tom_answers(alpha, beta, monkeypatch):
    beta.mapping["limits"] = {"tries": 3}
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1))
    beta.drain()
    alpha.share = alpha.share.model_copy(
        update={"message": "m" * 9000}
    )  # what is kept of it needs pages that the file hasn't
    alpha.publish(on_day(2))
    failures, waits = itertools.count(1), []
    with beta.open() as bridge:
        judge = Progress.judge

        def make_room_after_the_fifth(progress: Progress, error: BaseException, *, in_company: bool) -> Verdict:
            if next(failures) == 5:
                bridge.ledger._connection.execute("PRAGMA max_page_count = 1000000")
            return judge(progress, error, in_company=in_company)

        def note(consumer: Consumer, error: AwayError, subscription: Any) -> None:
            waits.append(str(error))
            assert bridge.parts.progress.state.troubles.keys() == {"[ledger]"}

        monkeypatch.setattr(Progress, "judge", make_room_after_the_fifth)
        monkeypatch.setattr(Consumer, "_wait", note)
        for pragma in ("VACUUM", "PRAGMA max_page_count = 1"):  # no free pages, and no more of them
            bridge.ledger._connection.execute(pragma)
        bridge.consumer().run(until_end=True)
        assert bridge.parts.progress.state.troubles == {}
    assert len(waits) == 5
    assert "the ledger can't be used now: database or disk is full. Make room on its disk" in waits[0]
    assert beta.outcomes() == [Outcome.APPLIED] * 2
    assert beta.dead() == []
    assert len(beta.tom.photometry()) == 2


@pytest.mark.waits
def test_a_broker_that_is_killed_is_waited_for_and_nothing_is_skipped(own_kafka, tom3, tmp_path):
    # A static member: the second daemon takes the place of the first, which could not say goodbye, at once.
    place = Place(own_kafka.url, options={"group.instance.id": "beta"})
    beta = place.subscribed(tom3, tmp_path / "beta")
    tom3.make_target("SN 2024abc")
    with closing(place.publishing()) as alpha:
        with beta.daemon() as daemon:
            alpha.publish(on_day(0))
            daemon.wait_for("event.applied")
            own_kafka.kill()
            with pytest.raises(NotDeliveredError):
                alpha.publish_soon(on_day(1))
            daemon.wait_for("consumer.waiting")
            daemon.process.terminate()
            assert daemon.wait(timeout_s=20) == 0  # at once, and not when its session has timed out (45 s)
        with beta.daemon() as daemon:
            daemon.wait_for("consumer.waiting")
            own_kafka.start()
            alpha.stream.flush(60)
            daemon.wait_for("event.applied")
            alpha.publish(on_day(2))
            daemon.wait_for("event.applied", 2)
            assert daemon.end() == 0
    assert beta.outcomes() == [Outcome.APPLIED] * 3
    assert len(tom3.photometry()) == 3
