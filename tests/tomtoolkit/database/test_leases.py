"""Leases: one process of the TOM at a time, whatever becomes of it, and whatever stands before the database."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import InProcess, InProcessTom
from parts.outgoing import make_relay, outbox, outbox_states, photometry, publishing, sent
from parts.poolers import POOLERS, pooled
from parts.wait import wait_until


def lease(lasts_s: float = 30.0) -> Any:
    from bridge.tomtoolkit.database import Lease

    return Lease("test", lasts_s=lasts_s)


class Another:
    """Another process that has the lease."""

    def __init__(self, lasts_s: float) -> None:
        from django.db import connections

        connections.close_all()
        fork = multiprocessing.get_context("fork")
        self._ours, theirs = fork.Pipe()
        self._process = fork.Process(target=self._work, args=(theirs, lasts_s))
        self._process.start()
        assert self.has_it()

    @staticmethod
    def _work(asked: Any, lasts_s: float) -> None:
        mine = lease(lasts_s)
        while asked.recv():
            asked.send(mine.take())
        os._exit(0)

    def has_it(self) -> bool:
        """Return whether it has the lease, by its own word."""
        self._ours.send(True)
        assert self._ours.poll(30)
        return bool(self._ours.recv())

    def signal(self, number: int) -> None:
        os.kill(self._process.pid, number)

    def end(self) -> None:
        self._process.kill()
        self._process.join()


@contextmanager
def another_process(lasts_s: float) -> Iterator[Another]:
    other = Another(lasts_s)
    try:
        yield other
    finally:
        other.end()


def test_one_has_it_at_a_time(orm_tom: InProcessTom) -> None:
    first, second = lease(), lease()
    assert first.take()
    assert first.take()
    assert not second.take()
    assert f"process {os.getpid()} on " in second.holder
    first.release()
    assert second.take()
    assert not first.take()
    second.release()


def test_it_is_kept_for_longer_than_it_lasts(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import Lease

    first, second = lease(1.5), lease(1.5)
    assert first.take()
    given = Lease.objects.get().until
    wait_until(lambda: Lease.objects.get().until > given + timedelta(seconds=2), what="the renewal")
    assert not second.take()
    assert first.take()
    first.release()


def test_that_of_a_process_that_was_killed_is_taken_at_once(orm_tom: InProcessTom) -> None:
    mine = lease()
    with another_process(30.0) as other:
        assert not mine.take()
        other.end()
        assert mine.take()
    mine.release()


def test_that_of_a_machine_that_is_gone_is_taken_when_it_lapses(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import Lease

    mine = lease(1.0)
    with another_process(1.0) as other:
        other.end()
        Lease.objects.update(machine="another one")
        wait_until(mine.take, what="the lease")
    mine.release()


def test_a_process_that_was_frozen_loses_it_and_knows(orm_tom: InProcessTom) -> None:
    mine = lease(1.0)
    with another_process(1.0) as other:
        other.signal(signal.SIGSTOP)
        wait_until(mine.take, what="the lease")
        other.signal(signal.SIGCONT)
        assert not other.has_it()
        assert mine.take()
        mine.release()
        assert other.has_it()


def test_a_clock_that_was_set_back_keeps_nobody_waiting(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import Lease

    first, second = lease(), lease()
    assert first.take()
    Lease.objects.update(until=Lease.objects.get().until + timedelta(hours=1))
    assert second.take()
    first.release(), second.release()


def test_of_many_that_ask_at_once_one_gets_it(orm_tom: InProcessTom) -> None:
    from django.db import connections

    leases = [lease() for _ in range(12)]
    start = threading.Barrier(len(leases))
    got: list[bool] = []

    def ask(one: Any) -> None:
        start.wait(30)
        got.append(one.take())
        connections.close_all()

    threads = [threading.Thread(target=ask, args=(one,)) for one in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [False] * 11 + [True]
    for one in leases:
        one.release()


def test_a_database_that_is_away_when_it_is_renewed_costs_nothing_that_nobody_took(make_orm_tom: MakeOrmTom) -> None:
    from bridge.tomtoolkit.models import Lease

    tom = make_orm_tom("sqlite")
    mine = lease(1.5)
    assert mine.take()
    away = tom.site.database.with_name("away")
    tom.site.database.rename(away)
    wait_until(lambda: not mine.is_held, what="the lapse")
    away.rename(tom.site.database)
    assert mine.take()
    given = Lease.objects.get().until
    wait_until(lambda: Lease.objects.get().until > given, what="the renewal")
    mine.release()


# -- behind a pooler --------------------------------------------------------------------------------------------------


@pytest.fixture(params=POOLERS)
def pooled_tom(request: pytest.FixtureRequest, make_orm_tom: MakeOrmTom) -> Iterator[InProcessTom]:
    tom = make_orm_tom("postgresql")
    with pooled(request.param):
        yield tom


def test_behind_a_pooler_one_has_it_at_a_time_and_it_does_not_go_astray(pooled_tom: InProcessTom) -> None:
    from django.db import connections

    def busy() -> None:  # so that nobody has the same connection of the server twice in a row
        for _ in range(50):
            with connections["second"].cursor() as cursor:
                cursor.execute("SELECT 1")
            connections["second"].close()

    others = [threading.Thread(target=busy) for _ in range(3)]
    for thread in others:
        thread.start()
    for _ in range(20):
        first, second = lease(), lease()
        assert first.take()
        assert not second.take()
        first.release()
        assert second.take()
        second.release()
    for thread in others:
        thread.join()


def test_behind_a_pooler_what_stands_by_takes_over_from_a_relay_that_is_gone(
    pooled_tom: InProcessTom, in_process: InProcess, alpha: Publishing, url: str
) -> None:
    from tom_targets.models import Target

    from bridge.tomtoolkit.models import Lease
    from bridge.tomtoolkit.sharing import share

    def give(name: str) -> None:
        photometry(pooled_tom.make_target(name), 1)
        share(Target.objects.get(name=name), topic=TOPIC, with_data=True)

    with publishing(url):
        first, second = make_relay(lease_s=1.0), make_relay(lease_s=1.0)
        give("A")
        while first.turn():
            pass
        assert not second.turn()
        give("B")
        assert outbox_states() == ["sent", "sent", "queued", "queued"]
        Lease.objects.update(holder="00000000-0000-0000-0000-000000000000")  # the first one renews no more: it is gone

        def all_is_sent() -> bool:
            second.turn()
            return set(outbox_states()) == {"sent"}

        wait_until(all_is_sent, what="the second one's work")
        first.close(), second.close()
        assert sent(alpha.stream) == outbox()


def test_behind_a_pooler_a_relay_that_waited_for_a_lock_goes_on(
    pooled_tom: InProcessTom, alpha: Publishing, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connections
    from tom_targets.models import Target

    from bridge.publishing import relay as module
    from bridge.tomtoolkit.database import transactions
    from bridge.tomtoolkit.sharing import share

    monkeypatch.setattr(transactions, "LONGEST_LOCK_S", 1)
    stopped, told = threading.Event(), threading.Event()
    with publishing(url):
        relay = make_relay(lease_s=2.0)
        original = module._backoff

        def backoff(*given: Any) -> float:
            told.set()
            return original(*given)

        monkeypatch.setattr(module, "_backoff", backoff)
        share(Target.objects.get(pk=pooled_tom.make_target("A")), topic=TOPIC)

        def work() -> None:
            relay.run(stopped)
            connections.close_all()

        thread = threading.Thread(target=work)
        with connections["third"].cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("LOCK TABLE tom_bridge_outboxevent IN ACCESS EXCLUSIVE MODE")
            thread.start()
            assert told.wait(30)
            cursor.execute("COMMIT")
        try:
            wait_until(lambda: outbox_states() == ["sent"], what="the share")
        finally:
            stopped.set()
            thread.join()
