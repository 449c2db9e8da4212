"""Sharing from the pages: what is offered, what goes out, and who may."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.outgoing import outbox
from parts.outgoing import photometry as our_photometry
from parts.pages import account, browser, page, post, refused, told
from parts.shares import LIGHT_CURVE, on_day
from parts.tom_site import GROUP


@pytest.fixture
def orm_tom(make_orm_tom: Any) -> InProcessTom:
    return make_orm_tom("sqlite")


@pytest.fixture(autouse=True)
def settings(beta: SubscribedInProcess) -> Iterator[None]:
    from django.test.utils import override_settings

    topics = [{"topic": TOPIC}, {"topic": "for.observers", "groups": [GROUP]}]
    with override_settings(TOM_BRIDGE=beta.mapping | {"publish": {"topics": topics}}, TOM_NAME="Beta TOM"):
        yield


def sharer(name: str = "ada") -> Any:
    return account(name, "share")


def make(orm_tom: InProcessTom, name: str = "SN 2026abc", **given: Any) -> int:
    return orm_tom.make_target(name, **{"users": ["ada"], "permissions": "PRIVATE", **given})


def data_product(pk: int) -> Any:
    from django.core.files.base import ContentFile
    from tom_dataproducts.models import DataProduct

    row = DataProduct(target_id=pk, data_product_type="photometry", product_id="lc-1")
    row.data.save("lc.csv", ContentFile(LIGHT_CURVE))
    return row


def test_the_form_shows_what_there_is_with_counts_and_a_preview(orm_tom: InProcessTom) -> None:
    ada = sharer()
    pk = make(orm_tom)
    our_photometry(pk, 120, brightness=0.0)
    data_product(pk)
    text = " ".join(page(browser(ada), f"/bridge/targets/{pk}/share/").split())
    assert "<strong>Photometry</strong>: 120 points, 2026-04-01" in text
    assert "<td>0<" in text, "a magnitude of 0.0 is a value"
    assert "lc" in text
    assert text.count("<tr><td>2026-04-01") == 5


def test_what_was_ticked_goes_out_as_one_share(orm_tom: InProcessTom) -> None:
    ada = sharer()
    pk = make(orm_tom, aliases=["ZTF26x"])
    our_photometry(pk, 3)
    row = data_product(pk)
    answer = post(
        browser(ada), f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1", datums="photometry",
        product=str(row.pk), title="New", message="Look",
    )  # fmt: skip
    assert "Queued for" in told(answer)
    assert answer.redirect_chain[-1][0] == f"/targets/{pk}/?tab=shares"
    events = outbox()
    assert [str(event.kind) for event in events] == ["target", "photometry", "data-product"]
    assert len({event.share_id for event in events}) == 1
    assert {(event.shared_by, event.title, event.message) for event in events} == {("ada", "New", "Look")}
    assert len(events[1].body.points) == 3


def test_what_was_not_ticked_does_not_go(orm_tom: InProcessTom) -> None:
    ada = sharer()
    pk = make(orm_tom)
    our_photometry(pk, 3)
    client = browser(ada)
    post(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1")
    assert [str(event.kind) for event in outbox()] == ["target"]
    answer = client.post(f"/bridge/targets/{pk}/share/", {"topic": TOPIC})
    assert answer.status_code == 422
    assert "Tick what is to be shared" in answer.content.decode()
    assert len(outbox()) == 1


def test_what_came_over_the_bridge_is_named_and_not_sent_back(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    ada = sharer()
    pk = make(orm_tom, "SN 2024abc")
    our_photometry(pk, 2)
    alpha.publish(on_day(1, 4))
    beta.drain()
    client = browser(ada)
    text = " ".join(page(client, f"/bridge/targets/{pk}/share/").split())
    assert "2 points" in text
    assert "4 more came over the bridge and are not sent back" in text
    answer = post(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, datums="photometry")
    assert "Left out: 4" in told(answer)
    assert [len(event.body.points) for event in outbox()] == [2]


def test_only_the_topics_of_a_persons_groups_are_offered_and_taken(orm_tom: InProcessTom) -> None:
    from django.contrib.auth.models import Group

    ada, bob = sharer(), sharer("bob")
    bob.groups.add(Group.objects.get(name=GROUP))
    pk = make(orm_tom, users=["ada", "bob"])
    assert "for.observers" not in page(browser(ada), f"/bridge/targets/{pk}/share/")
    assert "for.observers" in page(browser(bob), f"/bridge/targets/{pk}/share/")
    answer = browser(ada).post(f"/bridge/targets/{pk}/share/", {"topic": "for.observers", "target": "1"})
    assert answer.status_code == 422
    assert outbox() == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_who_lacks_a_right_can_not_share(orm_tom: InProcessTom, method: str) -> None:
    sharer(), account("eve"), sharer("looker"), sharer("stranger")
    pk = make(orm_tom, users=["ada", "eve"])
    from django.contrib.auth.models import User
    from guardian.shortcuts import assign_perm
    from tom_targets.models import Target

    assign_perm("tom_targets.view_target", User.objects.get(username="looker"), Target.objects.get(pk=pk))

    def asked(name: str) -> Any:
        client = browser(User.objects.get(username=name))
        return getattr(client, method)(f"/bridge/targets/{pk}/share/", {"topic": TOPIC, "target": "1"})

    assert refused(asked("eve")), "she has no permission to share"
    assert refused(asked("looker")), "may not change the target"
    assert asked("stranger").status_code == 404, "does not even learn that it is there"
    assert outbox() == []


def test_a_target_shares_itself_until_a_day_and_can_be_switched_off(orm_tom: InProcessTom) -> None:
    from django.utils import timezone

    from bridge.tomtoolkit.models import SelfShare

    client, pk = browser(sharer()), make(orm_tom)
    day = timezone.localdate() + timedelta(days=30)
    given = {"by_itself": "on", "expires": str(day), "kinds": "photometry"}
    post(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1", **given)
    one = SelfShare.objects.get()
    assert (one.target_id, one.topic, one.created_by.username, one.active) == (pk, TOPIC, "ada", True)
    assert one.kinds == ["photometry"]
    assert timezone.localdate(one.expires) == day
    assert "SN 2026abc" in page(client, "/bridge/self-sharing/")
    post(client, f"/bridge/self-sharing/{one.pk}/", action="off")
    one.refresh_from_db()
    assert not one.active
    post(client, f"/bridge/self-sharing/{one.pk}/", action="expiry", expires="")
    one.refresh_from_db()
    assert one.expires is None
    post(client, f"/bridge/self-sharing/{one.pk}/", action="on")
    one.refresh_from_db()
    assert one.active


def test_a_day_that_is_over_is_no_expiry(orm_tom: InProcessTom) -> None:
    client, pk = browser(sharer()), make(orm_tom)
    given = {"topic": TOPIC, "target": "1", "by_itself": "on", "expires": "2020-01-01"}
    answer = client.post(f"/bridge/targets/{pk}/share/", given)
    assert answer.status_code == 422
    assert "This day is over" in answer.content.decode()
    assert outbox() == []


def test_a_self_share_of_others_is_neither_seen_nor_changed(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import SelfShare

    client, pk = browser(sharer()), make(orm_tom)
    post(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1", by_itself="on")
    one = SelfShare.objects.get()
    stranger = browser(sharer("stranger"))
    assert "SN 2026abc" not in page(stranger, "/bridge/self-sharing/")
    assert stranger.post(f"/bridge/self-sharing/{one.pk}/", {"action": "off"}).status_code == 404
    one.refresh_from_db()
    assert one.active


def test_who_may_only_look_can_not_switch_a_self_share_on(orm_tom: InProcessTom) -> None:
    from guardian.shortcuts import assign_perm
    from tom_targets.models import Target

    from bridge.tomtoolkit.models import SelfShare

    client, pk = browser(sharer()), make(orm_tom)
    post(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1", by_itself="on")
    one = SelfShare.objects.get()
    for name, rights in (("eve", ()), ("mia", ("manage",))):
        user = account(name, *rights)
        assign_perm("tom_targets.view_target", user, Target.objects.get(pk=pk))
        assert refused(browser(user).post(f"/bridge/self-sharing/{one.pk}/", {"action": "on"})), name
    one.refresh_from_db()
    assert one.created_by.username == "ada"


def test_a_list_is_shared_with_its_targets(orm_tom: InProcessTom) -> None:
    from guardian.shortcuts import assign_perm
    from tom_targets.models import TargetList

    ada = sharer()
    pk = make(orm_tom, lists=["Best of all"])
    orm_tom.make_target("Hidden", lists=["Best of all"], users=[], permissions="PRIVATE", ra=77.0)
    our_photometry(pk, 2)
    target_list = TargetList.objects.get()
    client = browser(ada)
    assert "Best of all" not in page(client, "/bridge/lists/")
    page(client, f"/bridge/lists/{target_list.pk}/share/", 404)
    assign_perm("tom_targets.view_targetlist", ada, target_list)
    text = " ".join(page(client, f"/bridge/lists/{target_list.pk}/share/").split())
    assert "1 target: SN 2026abc" in text
    assert "1 more is left out" in text
    answer = post(client, f"/bridge/lists/{target_list.pk}/share/", topic=TOPIC, with_targets="1", with_data="1")
    assert "Queued for" in told(answer)
    events = outbox()
    assert [str(event.kind) for event in events] == ["list", "photometry"]
    assert [member.target.name for member in events[0].body.members] == ["SN 2026abc"]


def test_datums_with_permissions_of_their_own_are_offered_to_those_who_may_see_them(orm_tom: InProcessTom) -> None:
    from django.test.utils import override_settings
    from guardian.shortcuts import assign_perm

    ada = sharer()
    pk = make(orm_tom)
    rows = our_photometry(pk, 3)
    assign_perm("tom_dataproducts.view_photometryreduceddatum", ada, rows[0])
    with override_settings(TARGET_PERMISSIONS_ONLY=False):
        text = " ".join(page(browser(ada), f"/bridge/targets/{pk}/share/").split())
        assert "<strong>Photometry</strong>: 1 point," in text
        post(browser(ada), f"/bridge/targets/{pk}/share/", topic=TOPIC, datums="photometry")
    assert [len(event.body.points) for event in outbox()] == [1]
