"""Who sees what: nobody is shown, or may decide, anything of a target or file that they may not see."""

from typing import Any

import pytest
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.pages import account, ambiguous, browser, page, refused
from parts.shares import SUPERNOVA, photometry, product

from bridge.events import Target

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def orm_tom(make_orm_tom: Any) -> InProcessTom:
    return make_orm_tom("sqlite")


def may(user: Any, pk: int, *rights: str) -> None:
    from guardian.shortcuts import assign_perm
    from tom_targets.models import BaseTarget

    for right in rights:
        assign_perm(f"tom_targets.{right}_target", user, BaseTarget.objects.get(pk=pk))


def hidden_beside(orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, user: Any) -> tuple[int, int]:
    """Park what two targets match of which ``user`` may see and change one."""
    first, second = ambiguous(orm_tom, alpha, beta, permissions="PRIVATE", users=[])
    may(user, first, "view", "change")
    return first, second


def test_who_sees_one_candidate_does_not_read_the_name_of_the_other(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    eve = account("eve")
    first, second = hidden_beside(orm_tom, alpha, beta, eve)
    text = page(browser(eve), f"/bridge/targets/{first}/shares/")
    assert "parked" in text, "that something came is no secret"
    assert "SN2024ABC" not in text
    may(eve, second, "view")
    assert "SN2024ABC" in page(browser(eve), f"/bridge/targets/{first}/shares/")


def test_what_the_list_hides_from_a_manager_is_not_theirs_to_decide(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.models import Choice, Parked

    mia = account("mia", "manage")
    first, second = hidden_beside(orm_tom, alpha, beta, mia)
    one = Parked.objects.get()
    client = browser(mia)
    assert "may not see" in page(client, "/bridge/parked/")
    assert refused(client.post(f"/bridge/parked/{one.pk}/choose/", {"target": str(first)}))
    for action in ("retry", "drop"):
        assert refused(client.post(f"/bridge/parked/{action}/", {"id": str(one.pk)}))
    client.post("/bridge/parked/drop/", {"reason": str(one.reason)})
    assert Parked.objects.count() == 1
    assert not Choice.objects.exists()
    may(mia, second, "view")
    client.post(f"/bridge/parked/{one.pk}/choose/", {"target": str(first)})
    assert Choice.objects.get().target_id == first


@pytest.mark.parametrize("gone", [False, True])
def test_values_of_a_private_target_stay_private_also_when_it_is_gone(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, gone: bool
) -> None:
    from tom_targets.models import Target as TargetModel

    admin, eve = account("root", is_superuser=True), account("eve")
    orm_tom.make_target("SN 2024abc", ra=10.0, dec=20.0, extras={"class": "secret"}, permissions="PRIVATE", users=[])
    alpha.publish(Target(**{**SUPERNOVA.model_dump(), "extras": {"class": "whispered"}}))
    beta.drain()
    if gone:
        TargetModel.objects.all().delete()
    assert "secret" in page(browser(admin), "/bridge/differences/")
    text = page(browser(eve), "/bridge/differences/")
    assert "secret" not in text
    assert "whispered" not in text
    assert "2024abc" not in text


def test_a_file_with_permissions_of_its_own_is_not_named_to_who_may_not_see_it(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from django.test.utils import override_settings

    admin, eve = account("root", is_superuser=True), account("eve")
    pk = orm_tom.make_target("SN 2024abc", ra=10.0, dec=20.0, permissions="PRIVATE", users=["eve"])
    alpha.publish(product(data_product_type="no_such_type", product_id="secret-file"))
    beta.drain()
    path = f"/bridge/targets/{pk}/shares/"
    with override_settings(TARGET_PERMISSIONS_ONLY=False):
        assert "no_such_type" in page(browser(admin), path)
        text = page(browser(eve), path)
        assert "dead" in text
        assert "no_such_type" not in text
        assert "secret-file" not in text
    assert "no_such_type" in page(browser(eve), path)


def test_what_waits_for_a_target_that_nobody_has_is_shown_to_who_manages(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    alpha.publish(photometry(2))
    beta.drain()
    assert "SN 2024abc" in page(browser(account("mia", "manage")), "/bridge/parked/")
