"""Sharing on SQLite while others write: accepted, always. Beside it writes whatever a TOM and a consumer write."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from parts.bridges import TOPIC
from parts.django_tom import InProcessTom
from parts.outgoing import outbox, photometry, publishing
from parts.pages import account, browser, token


@pytest.fixture
def orm_tom(make_orm_tom: Any) -> InProcessTom:
    return make_orm_tom("sqlite")


@pytest.fixture(autouse=True)
def settings(orm_tom: InProcessTom, url: str) -> Iterator[None]:
    with publishing(url):
        yield


@contextmanager
def writers(tom: InProcessTom) -> Iterator[None]:
    """Let something else write for a block, some ten small transactions a second, as a consumer does."""
    stopped = threading.Event()
    with closing(sqlite3.connect(tom.site.database)) as db:
        db.execute("CREATE TABLE busy (n)")

    def write() -> None:
        with closing(sqlite3.connect(tom.site.database, timeout=60, isolation_level=None)) as db:
            while not stopped.wait(0.05):
                db.execute("BEGIN IMMEDIATE")
                db.execute("INSERT INTO busy VALUES (1)")
                stopped.wait(0.01)
                db.execute("COMMIT")

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()


def together(works: list[Callable[[], int]]) -> list[int]:
    """Do all of this at once, each in a thread of its own; return what came of each."""
    from django.db import connections

    start = threading.Barrier(len(works))
    found: list[int] = []

    def do(work: Callable[[], int]) -> None:
        start.wait(60)
        try:
            found.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=do, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


def test_every_press_of_one_person_beside_writers_is_accepted(orm_tom: InProcessTom) -> None:
    client = browser(account("ada", "share"))
    pk = orm_tom.make_target("A", users=["ada"])
    photometry(pk, 50)
    path, given = f"/bridge/targets/{pk}/share/", {"topic": TOPIC, "datums": "photometry", "by_itself": "on"}
    with writers(orm_tom):
        for _ in range(20):
            review = client.post(path, given)
            assert client.post(path, given | {"reviewed": token(review)}).status_code == 302
    assert len(outbox()) == 20


def test_thirty_people_at_once_are_all_accepted(orm_tom: InProcessTom) -> None:
    from django.contrib.auth.models import User

    pks = [orm_tom.make_target(f"T{number}", ra=number * 5.0, permissions="PUBLIC") for number in range(30)]
    for pk in pks:
        photometry(pk, 20)
    people = [User(username=f"person{number}", is_superuser=True) for number in range(30)]
    clients = [browser(one) for one in User.objects.bulk_create(people)]

    def press(client: Any, pk: int) -> Callable[[], int]:
        def work() -> int:
            path, given = f"/bridge/targets/{pk}/share/", {"topic": TOPIC, "target": "1", "datums": "photometry"}
            review = client.post(path, given)
            return int(client.post(path, given | {"reviewed": token(review)}).status_code)

        return work

    with writers(orm_tom):
        answers = together([press(client, pk) for client, pk in zip(clients, pks, strict=True)])
    assert answers == [302] * 30
    assert sorted((event.subject, str(event.kind)) for event in outbox()) == sorted(
        (f"T{number}", kind) for number in range(30) for kind in ("target", "photometry")
    )


def test_one_who_writes_for_longer_than_the_time_out_is_waited_for(orm_tom: InProcessTom) -> None:
    from django.db import connections

    client = browser(account("ada", "share"))
    pk = orm_tom.make_target("A", users=["ada"])
    path, given = f"/bridge/targets/{pk}/share/", {"topic": TOPIC, "target": "1"}
    seen = token(client.post(path, given))
    connections["default"].close()
    connections["default"].settings_dict["OPTIONS"] = {"timeout": 0.1}
    with closing(sqlite3.connect(orm_tom.site.database, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        ending = threading.Timer(1.5, other.execute, ["COMMIT"])
        ending.start()
        assert client.post(path, given | {"reviewed": seen}).status_code == 302
        ending.join()
    assert len(outbox()) == 1


def test_a_database_that_stays_locked_costs_nobody_what_they_wrote(
    orm_tom: InProcessTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connections

    from bridge.tomtoolkit.pages import share as module

    monkeypatch.setattr(module, "PATIENCE_S", 0.0)
    client = browser(account("ada", "share"))
    pk = orm_tom.make_target("A", users=["ada"])
    path, given = f"/bridge/targets/{pk}/share/", {"topic": TOPIC, "target": "1", "message": "Look at this"}
    seen = token(client.post(path, given))
    connections["default"].close()
    connections["default"].settings_dict["OPTIONS"] = {"timeout": 0.1}
    with closing(sqlite3.connect(orm_tom.site.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        answer = client.post(path, given | {"reviewed": seen})
        other.execute("ROLLBACK")
    assert answer.status_code == 422
    assert "Nothing was shared" in answer.content.decode()
    assert "Look at this" in answer.content.decode()
    assert outbox() == []


def test_a_page_has_its_own_transactions_also_where_the_tom_has_one_a_request(orm_tom: InProcessTom) -> None:
    """``ATOMIC_REQUESTS``: a transaction of the whole request would read before the share is written."""
    from django.db import connections

    client = browser(account("ada", "share"))
    pk = orm_tom.make_target("A", users=["ada"])
    connections.settings["default"]["ATOMIC_REQUESTS"] = True
    path, given = f"/bridge/targets/{pk}/share/", {"topic": TOPIC, "target": "1"}
    with writers(orm_tom):
        for _ in range(10):
            assert client.post(path, given | {"reviewed": token(client.post(path, given))}).status_code == 302
    assert len(outbox()) == 10


@pytest.mark.parametrize("atomic", [False, True])
def test_code_of_the_tom_beside_writers_is_accepted(orm_tom: InProcessTom, atomic: bool) -> None:
    """Within a transaction of its own that reads first, where it is IMMEDIATE as the checks ask for."""
    from contextlib import nullcontext

    from django.db import connections, transaction
    from tom_targets.models import Target

    from bridge.tomtoolkit.sharing import share

    pk = orm_tom.make_target("A")
    photometry(pk, 50)
    connections["default"].close()
    connections["default"].settings_dict["OPTIONS"] = {"transaction_mode": "IMMEDIATE", "timeout": 20}
    with writers(orm_tom):
        for _ in range(20):
            with transaction.atomic() if atomic else nullcontext():
                share(Target.objects.get(pk=pk), topic=TOPIC, with_data=True)
    assert len(outbox()) == 40


def test_what_a_page_of_self_sharing_changes_beside_writers_is_accepted(orm_tom: InProcessTom) -> None:
    from parts.outgoing import self_share

    client = browser(account("ada", "share", is_superuser=True))
    one = self_share(orm_tom.make_target("A"))
    with writers(orm_tom):
        for number in range(20):
            action = "on" if number % 2 else "off"
            assert client.post(f"/bridge/self-sharing/{one.pk}/", {"action": action}).status_code == 302
    one.refresh_from_db()
    assert one.active
