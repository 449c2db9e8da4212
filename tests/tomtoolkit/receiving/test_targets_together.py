"""Targets of many events that are written in one transaction, each with an outcome of its own."""

from typing import Any

from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_fixtures import MakeOrmTom
from parts.tom_site import GROUP

from bridge.events import Target
from bridge.ledger.port import Outcome, Reason

IMPORTS = "Imported from Alpha TOM"


def a_target(name: str, *aliases: str, **fields: Any) -> Target:
    return Target.model_validate(
        {"name": name, "type": "SIDEREAL", "ra": 10.0, "dec": 20.0, "aliases": aliases, **fields}
    )


def test_targets_that_come_together_are_there_in_full_by_one_transaction(
    alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    events = alpha.publish(
        *(a_target(f"T {number}", f"alias {number}", extras={"n": str(number)}) for number in range(30))
    )
    with CaptureQueriesContext(connection) as asked:
        beta.drain()
    said = [one["sql"].split(" (")[0] for one in asked]
    inserts = [at for at, sql in enumerate(said) if sql == 'INSERT INTO "tom_targets_basetarget"']
    assert len(inserts) == 30
    assert "COMMIT" not in said[inserts[0] : inserts[-1]]
    names = [f"T {number}" for number in range(30)]
    assert sorted(row["name"] for row in beta.tom.targets()) == sorted(names)
    assert {name: sorted(members) for name, members in beta.tom.lists().items()} == {IMPORTS: sorted(names)}
    assert beta.tom.extras("T 17") == {"n": "17"}
    assert beta.tom.viewers("T 17") == {GROUP}
    entries = {entry.event_id: entry for entry in beta.entries()}
    assert [entries[event.id].detail["created"] for event in events] == names


def test_a_target_that_the_tom_refuses_is_a_dead_letter_and_costs_the_others_nothing(
    make_orm_tom: MakeOrmTom, alpha: Publishing, url: str, tmp_path: Any
) -> None:
    tom = make_orm_tom("sqlite", HOOKS={"target_post_save": "parts.django_hooks.target_ends"})
    beta = SubscribedInProcess(tom, url, tmp_path)
    alpha.publish(a_target("A"), a_target("sys.exit"), a_target("B"))
    beta.drain()
    assert sorted(row["name"] for row in tom.targets()) == ["A", "B"]
    assert [letter.reason for letter in beta.dead()] == [Reason.REJECTED]
    assert [entry.outcome for entry in beta.entries()].count(Outcome.APPLIED) == 2


def test_of_several_of_one_target_the_later_give_it_what_it_lacks(alpha: Publishing, beta: SubscribedInProcess) -> None:
    alpha.publish(
        a_target("A", "A one"), a_target("B"), a_target("a one", "A two", epoch=2000.0), a_target("C"),
        a_target("A two", epoch=2015.5),
    )  # fmt: skip
    beta.drain()
    assert sorted(row["name"] for row in beta.tom.targets()) == ["A", "B", "C"]
    assert beta.tom.target("A")["epoch"] == 2000.0
    assert beta.tom.aliases("A") == {"A one", "A two"}
    last = next(entry for entry in beta.entries() if entry.subject == "A two")
    assert last.detail["differs"] == [{"field": "epoch", "theirs": 2015.5, "ours": 2000.0}]


def test_what_waits_holds_back_what_comes_with_it_of_the_same_target(
    alpha: Publishing, beta: SubscribedInProcess
) -> None:
    beta.tom.make_target("A")
    beta.tom.make_target("Other")
    alpha.publish(a_target("A", "Other"), a_target("B"), a_target("A", "A one"))
    beta.drain()
    reasons = {entry.offset: entry.reason for entry in beta.entries()}
    assert reasons == {0: Reason.AMBIGUOUS, 1: None, 2: Reason.WAITS_BEHIND}
    assert beta.tom.aliases("A") == set()


def test_targets_that_are_deleted_are_put_back_together(alpha: Publishing, beta: SubscribedInProcess) -> None:
    alpha.publish(*(a_target(f"T {number}") for number in range(5)))
    beta.drain()
    beta.tom.shell("from tom_targets.models import Target; Target.objects.filter(name__in=('T 1', 'T 3')).delete()")
    assert beta.replay(restore=True) == {"applied": 2, "duplicate": 3}
    assert len(beta.tom.targets()) == 5
