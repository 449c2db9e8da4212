"""The tab of a target that came in a list, or has another name by now: its events are there, and nobody else's."""

from typing import Any

import pytest
from parts import named_alike
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.pages import account, browser, page, rename
from parts.shares import GALAXY, SUPERNOVA, on_day, product

from bridge.events import ListMember, TargetList

pytestmark = pytest.mark.usefixtures("settings")


def tab(pk: int, client: Any = None) -> str:
    client = client or browser(account(f"root-{pk}", is_superuser=True))
    return " ".join(page(client, f"/bridge/targets/{pk}/shares/").split())


def a_list() -> TargetList:
    members = tuple(ListMember(reference=one.reference, target=one) for one in (SUPERNOVA, GALAXY))
    return TargetList(name="Best of all", members=members)


def only_for(user: Any, pk: int) -> None:
    from guardian.shortcuts import assign_perm
    from tom_targets.models import BaseTarget

    BaseTarget.objects.update(permissions="PRIVATE")
    assign_perm("tom_targets.view_target", user, BaseTarget.objects.get(pk=pk))


def test_who_came_in_a_list_shows_its_share_and_nothing_of_the_other_members(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    named_alike.with_words(alpha, title="For the run in May")
    alpha.publish(a_list())
    beta.drain()
    eve, pk = account("eve"), orm_tom.target("M 31")["id"]
    only_for(eve, pk)
    text = tab(pk, browser(eve))
    assert text.count(">in</span>") == 1
    for shown in ("<td>target list", "For the run in May", "Thank Alpha.", "received", "ada"):
        assert shown in text
    assert not [hidden for hidden in ("SN 2024abc", "created", "Best of all") if hidden in text]


def test_who_was_there_before_the_list_did_not_come_in_it(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    pk = orm_tom.make_target("M 31", ra=GALAXY.ra, dec=GALAXY.dec)
    alpha.publish(a_list())
    beta.drain()
    assert "target list" not in tab(pk)
    assert "<td>target list" in tab(orm_tom.target("SN 2024abc")["id"])


@pytest.mark.parametrize("ours", [False, True])
def test_what_came_before_a_target_got_another_name_stays_on_its_tab(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, ours: bool
) -> None:
    from tom_targets.models import TargetName

    if ours:
        orm_tom.make_target("SN 2024abc", ra=10.0, dec=20.0)
    alpha.publish(SUPERNOVA, on_day(1, 3), product(process=False))
    beta.drain()
    pk = orm_tom.target("SN 2024abc")["id"]
    before = tab(pk)
    assert before.count(">in</span>") == 3
    TargetName.objects.filter(target_id=pk).delete()
    rename(pk, "Another name")
    after = tab(pk, browser(account("root", is_superuser=True)))
    assert after == before
    assert "photometry, 3 points" in after


def test_what_comes_by_the_former_name_for_another_is_on_the_tab_of_that_one_alone(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from tom_targets.models import TargetName

    alpha.publish(SUPERNOVA, on_day(1, 3))
    beta.drain()
    pk = orm_tom.target("SN 2024abc")["id"]
    TargetName.objects.filter(target_id=pk).delete()
    rename(pk, "Another name")
    other = orm_tom.make_target("SN 2024abc", ra=10.0, dec=20.0)
    alpha.publish(on_day(2, 7))
    beta.drain()
    text = tab(pk)
    assert ("photometry, 3 points" in text, "7 points" in text) == (True, False)
    assert "7 points" in tab(other)


def test_no_look_for_a_target_goes_through_a_whole_table_or_more_often_for_more_events(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from tom_targets.models import Target

    from bridge.tomtoolkit.pages.target_events import events_of

    asked = []
    for days in (range(2), range(2, 30)):
        alpha.publish(SUPERNOVA, *(on_day(day) for day in days))
        beta.drain()
        target = Target.objects.get()
        target.name = "Another name"
        with CaptureQueriesContext(connection) as captured:
            found = events_of(target, 100)
        assert len(found) == len(beta.entries())
        asked.append([one["sql"] for one in captured])
    assert len(asked[0]) == len(asked[1]) < 20
    if orm_tom.vendor == "sqlite":  # PostgreSQL rightly goes through tables that are small
        with connection.cursor() as cursor:
            plans = [row[3] for sql in asked[1] for row in cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()]
        assert any("tom_bridge_event" in step for step in plans)
        assert not [step for step in plans if "SCAN" in step]
