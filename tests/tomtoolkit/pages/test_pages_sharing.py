"""Sharing from the pages: what is offered, what goes out, and who may."""

import html
import re
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.outgoing import T0, look, outbox, self_share
from parts.outgoing import photometry as our_photometry
from parts.pages import account, browser, page, post, press, refused, token, told
from parts.shares import LIGHT_CURVE, on_day
from parts.tom_site import GROUP
from parts.unreadable import make_unreadable


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


def data_product(pk: int, name: str = "lc.csv") -> Any:
    from django.core.files.base import ContentFile
    from tom_dataproducts.models import DataProduct

    row = DataProduct(target_id=pk, data_product_type="photometry", product_id=f"lc-{DataProduct.objects.count() + 1}")
    row.data.save(name, ContentFile(LIGHT_CURVE))
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
    answer = press(
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


def test_a_press_asks_the_database_nothing_twice_and_the_settings_once(
    orm_tom: InProcessTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bridge.tomtoolkit import conf

    ada = sharer()
    pk = make(orm_tom)
    our_photometry(pk, 3)
    client, path, given = browser(ada), f"/bridge/targets/{pk}/share/", {"topic": TOPIC, "target": "1"}
    given["datums"] = "photometry"
    given["reviewed"] = token(client.post(path, given))
    monkeypatch.setattr(conf.AppSettings, "from_mapping", None)
    with CaptureQueriesContext(connection) as asked:
        assert client.post(path, given).status_code == 302
    bare = Counter(re.sub(r" WHERE .*", "", one["sql"]) for one in asked.captured_queries)
    of_data = {sql: number for sql, number in bare.items() if "dataproducts_" in sql or "targetname" in sql}
    assert len(of_data) > 4
    assert set(of_data.values()) == {1}, of_data


def test_what_was_not_ticked_does_not_go(orm_tom: InProcessTom) -> None:
    ada = sharer()
    pk = make(orm_tom)
    our_photometry(pk, 3)
    client = browser(ada)
    press(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1")
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
    answer = press(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, datums="photometry")
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
    press(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1", **given)
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
    press(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1", by_itself="on")
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
    press(client, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1", by_itself="on")
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
    answer = press(client, f"/bridge/lists/{target_list.pk}/share/", topic=TOPIC, with_targets="1", with_data="1")
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
        press(browser(ada), f"/bridge/targets/{pk}/share/", topic=TOPIC, datums="photometry")
    assert [len(event.body.points) for event in outbox()] == [1]


# -- what can't be undone ----------------------------------------------------------------------------------------------


def ticked(text: str) -> set[str]:
    """Return names and values of all that is ticked on a page."""
    boxes = re.findall(r"<input[^>]*type=\"checkbox\"[^>]*>", text)
    found = [(re.search(r'name="(\w+)"', box), re.search(r'value="([^"]*)"', box)) for box in boxes if "checked" in box]
    return {f"{name[1]}={value[1] if value else 'on'}" for name, value in found if name}


def test_nothing_but_the_target_is_ticked_at_first(orm_tom: InProcessTom) -> None:
    client, pk = browser(sharer()), make(orm_tom)
    our_photometry(pk, 3)
    data_product(pk)
    assert ticked(page(client, f"/bridge/targets/{pk}/share/")) == {"target=1"}


def test_nothing_is_ticked_at_first_for_a_list(orm_tom: InProcessTom) -> None:
    from guardian.shortcuts import assign_perm
    from tom_targets.models import TargetList

    ada = sharer()
    make(orm_tom, lists=["L"])
    assign_perm("tom_targets.view_targetlist", ada, TargetList.objects.get())
    assert ticked(page(browser(ada), f"/bridge/lists/{TargetList.objects.get().pk}/share/")) == set()


TICKS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "the target": {"target": "1"},
    "photometry": {"datums": ["photometry"]},
    "a product": {"product": ["PK"]},
    "two kinds": {"datums": ["photometry", "spectroscopy"]},
    "all": {"target": "1", "datums": ["photometry", "spectroscopy"], "product": ["PK"], "by_itself": ["on"],
            "kinds": ["target", "photometry"]},
}  # fmt: skip


@pytest.mark.parametrize("what", TICKS)
def test_what_was_ticked_and_what_was_not_survives_an_error(orm_tom: InProcessTom, what: str) -> None:
    from tom_dataproducts.models import SpectroscopyReducedDatum

    client, pk = browser(sharer()), make(orm_tom)
    our_photometry(pk, 3)
    SpectroscopyReducedDatum.objects.create(target_id=pk, timestamp=T0, flux=[1.0, 2.0], wavelength=[5.0, 6.0])
    product = str(data_product(pk).pk)
    given = {name: [product] if value == ["PK"] else value for name, value in TICKS[what].items()}
    wanted = {f"{name}={value}" for name, values in given.items() for value in values}
    for wrong in ({"expires": "2020-01-01"}, {"expires": "tomorrow"}, {"topic": "nowhere"}, {"title": "x" * 501}):
        answer = client.post(f"/bridge/targets/{pk}/share/", {"topic": TOPIC, **given, **wrong})
        assert answer.status_code == 422
        assert ticked(answer.content.decode()) == wanted, wrong
    assert outbox() == []


@pytest.mark.parametrize(
    "given", [{}, {"with_targets": "1"}, {"with_data": "1"}, {"with_targets": "1", "with_data": "1"}]
)
def test_what_was_ticked_for_a_list_survives_an_error_and_a_change_of_mind(
    orm_tom: InProcessTom, given: dict[str, str]
) -> None:
    from guardian.shortcuts import assign_perm
    from tom_targets.models import TargetList

    ada = sharer()
    make(orm_tom, lists=["L"])
    assign_perm("tom_targets.view_targetlist", ada, TargetList.objects.get())
    client, path = browser(ada), f"/bridge/lists/{TargetList.objects.get().pk}/share/"
    wanted = {f"{name}=1" for name in given}
    answer = client.post(path, {"topic": TOPIC, **given, "expires": "2020-01-01"})
    assert (answer.status_code, ticked(answer.content.decode())) == (422, wanted)
    answer = client.post(path, {"topic": TOPIC, **given, "change": "1"})
    assert (answer.status_code, ticked(answer.content.decode())) == (200, wanted)
    assert outbox() == []


def test_a_review_says_what_goes_where_and_nothing_goes_before(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import SpectroscopyReducedDatum

    client, pk = browser(sharer()), make(orm_tom)
    our_photometry(pk, 48)
    SpectroscopyReducedDatum.objects.create(target_id=pk, timestamp=T0, flux=[1.0, 2.0], wavelength=[5.0, 6.0])
    row = data_product(pk)
    given = {"topic": TOPIC, "datums": ["photometry", "spectroscopy"], "product": str(row.pk), "title": "<b>New</b>"}
    review = client.post(f"/bridge/targets/{pk}/share/", given)
    text = " ".join(review.content.decode().split())
    assert f"48 points, 1 spectrum, 1 data product → <strong>{TOPIC}</strong>; every subscriber can read it." in text
    assert "&lt;b&gt;New" in text
    assert outbox() == []
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text)
    repeated = [(name, html.unescape(value)) for name, value in hidden if name != "csrfmiddlewaretoken"]
    assert sorted(repeated) == sorted(
        [("topic", TOPIC), ("datums", "photometry"), ("datums", "spectroscopy"), ("product", str(row.pk)),
         ("title", "<b>New</b>")]
    )  # fmt: skip
    post(client, f"/bridge/targets/{pk}/share/", **given, reviewed=token(review))
    assert [str(event.kind) for event in outbox()] == ["photometry", "spectroscopy", "data-product"]


@pytest.mark.parametrize("change", ["points", "another point", "topic", "ticks"])
def test_what_goes_is_what_was_reviewed(orm_tom: InProcessTom, change: str) -> None:
    ada = sharer()
    from django.contrib.auth.models import Group
    from tom_dataproducts.models import PhotometryReducedDatum

    ada.groups.add(Group.objects.get(name=GROUP))
    client, pk = browser(ada), make(orm_tom)
    our_photometry(pk, 2)
    given: dict[str, Any] = {"topic": TOPIC, "datums": "photometry"}
    path = f"/bridge/targets/{pk}/share/"
    seen = token(client.post(path, given))
    if change == "points":
        our_photometry(pk, 1, start=5)
    elif change == "another point":
        PhotometryReducedDatum.objects.filter(target_id=pk).order_by("pk").last().delete()
        our_photometry(pk, 1, start=5)
    elif change == "topic":
        given["topic"] = "for.observers"
    else:
        given["target"] = "1"
    again = client.post(path, {**given, "reviewed": seen})
    assert again.status_code == 200
    assert "has changed since you looked" in again.content.decode()
    assert outbox() == []
    post(client, path, **given, reviewed=token(again))
    assert outbox() != []


def test_a_file_that_can_not_be_read_is_said_in_the_review_and_the_rest_goes(orm_tom: InProcessTom) -> None:
    client, pk = browser(sharer()), make(orm_tom)
    row = data_product(pk)
    make_unreadable(row, "outside of the media")
    path = f"/bridge/targets/{pk}/share/"
    assert "lc.csv" in page(client, path)
    given = {"topic": TOPIC, "target": "1", "product": str(row.pk)}
    review = client.post(path, given)
    assert "Left out: 1 (data products: the file can&#x27;t be read" in review.content.decode()
    assert "Left out: 1" in told(press(client, path, **given))
    assert [str(event.kind) for event in outbox()] == ["target"]
    alone = client.post(path, {"topic": TOPIC, "product": str(row.pk)})
    assert alone.status_code == 422
    assert "There is nothing to share: 1 left out" in alone.content.decode()


def test_a_review_names_the_files_that_those_who_receive_them_will_not_process(orm_tom: InProcessTom) -> None:
    client, pk = browser(sharer()), make(orm_tom)
    data_product(pk)
    for number in range(12):
        data_product(pk, f"w<{number}>.ascii")
    path = f"/bridge/targets/{pk}/share/"
    given = {"topic": TOPIC, "product": [str(row.pk) for row in every_product()]}
    text = html.unescape(client.post(path, given).content.decode())
    assert len(re.findall(r"w\w+\.ascii will be kept, not processed, by receiving TOMs: [^<]* reads", text)) == 10
    assert "And 2 more files will be kept, not processed." in text
    assert "lc.csv" not in text
    assert outbox() == []
    press(client, path, **given)
    assert len(outbox()) == 13, "they go all the same"


def test_who_lets_a_target_share_itself_is_warned_of_files_that_others_will_not_process(orm_tom: InProcessTom) -> None:
    ada, pk = browser(sharer()), make(orm_tom, users=["ada", "eve"])
    path = f"/bridge/targets/{pk}/share/"
    for number in range(4):
        data_product(pk, f"w<{number}>.ascii")
    data_product(pk)
    given = {"topic": TOPIC, "target": "1", "by_itself": "on"}
    text = html.unescape(ada.post(path, given).content.decode())
    assert "not processed" not in text, "their data are to go as well"
    given |= {"kinds": "data-product"}
    text = html.unescape(ada.post(path, given).content.decode())
    assert len(re.findall(r"w\w+\.ascii will be kept, not processed, by receiving TOMs", text)) == 4
    assert "lc.csv" not in text
    press(ada, path, **given)
    text = page(ada, "/bridge/self-sharing/")
    assert text.count(".ascii will be kept, not processed") == 3
    assert "And 1 more files will be kept, not processed." in text
    from django.test.utils import override_settings

    with override_settings(TARGET_PERMISSIONS_ONLY=False):
        assert "not processed" not in page(browser(account("eve")), "/bridge/self-sharing/"), "she may not see them"


def test_so_is_who_lets_a_list_share_itself(orm_tom: InProcessTom) -> None:
    from tom_targets.models import Target, TargetList

    ada, row = sharer(), TargetList.objects.create(name="Best")
    for name, users in (("words", ["ada"]), ("hidden", [])):
        pk = make(orm_tom, name, users=users)
        data_product(pk, f"{name}.ascii")
        row.targets.add(Target.objects.get(pk=pk))
    from guardian.shortcuts import assign_perm

    assign_perm("tom_targets.view_targetlist", ada, row)
    given = {"topic": TOPIC, "by_itself": "on", "kinds": "data-product"}
    text = browser(ada).post(f"/bridge/lists/{row.pk}/share/", given).content.decode()
    assert "words.ascii will be kept, not processed" in html.unescape(text)
    assert "hidden.ascii" not in text


def every_product() -> Any:
    from tom_dataproducts.models import DataProduct

    return DataProduct.objects.order_by("pk")


# -- a self-share of somebody else -------------------------------------------------------------------------------------


def test_a_self_share_of_somebody_else_is_shown_and_not_replaced_without_being_asked(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import SelfShare

    ada, bob = browser(sharer()), browser(sharer("bob"))
    pk = make(orm_tom, users=["ada", "bob"])
    path = f"/bridge/targets/{pk}/share/"
    day = timezone_day(40)
    press(ada, path, topic=TOPIC, target="1", by_itself="on", kinds="photometry", expires=day)
    text = " ".join(page(bob, path).split())
    assert f"photometry to {TOPIC}, until {day}, started by ada; nothing sent yet" in text
    sent = len(outbox())
    answer = bob.post(path, {"topic": TOPIC, "target": "1", "by_itself": "on"})
    assert answer.status_code == 422
    assert "started by ada. Tick this to take its place" in answer.content.decode()
    one = SelfShare.objects.get()
    assert (one.created_by.username, one.kinds, len(outbox())) == ("ada", ["photometry"], sent)
    press(bob, path, topic=TOPIC, target="1")
    assert SelfShare.objects.get().created_by.username == "ada", "a share by hand takes nothing over"
    given = {"topic": TOPIC, "target": "1", "by_itself": "on", "take_over": "on"}
    review = bob.post(path, given).content.decode()
    assert "That takes the place of: photometry" in " ".join(review.split())
    press(bob, path, **given)
    one = SelfShare.objects.get()
    assert (one.created_by.username, one.kinds) == ("bob", [])


def test_a_self_share_that_somebody_starts_meanwhile_is_not_replaced_either(
    orm_tom: InProcessTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bridge.tomtoolkit.models import SelfShare
    from bridge.tomtoolkit.pages import share_forms

    ada, bob = browser(sharer()), browser(sharer("bob"))
    pk = make(orm_tom, users=["ada", "bob"])
    path = f"/bridge/targets/{pk}/share/"
    press(ada, path, topic=TOPIC, target="1", by_itself="on")
    sent = len(outbox())
    monkeypatch.setattr(share_forms, "anothers", lambda *_given: None)  # the form looked before ada pressed
    given = {"topic": TOPIC, "target": "1", "by_itself": "on"}
    answer = bob.post(path, {**given, "reviewed": token(bob.post(path, given))})
    assert answer.status_code == 422
    assert "it shares itself already" in answer.content.decode()
    assert SelfShare.objects.get().created_by.username == "ada"
    assert len(outbox()) == sent, "neither goes"


def test_who_switches_on_what_is_on_does_not_take_it_over(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import SelfShare

    ada, bob = browser(sharer()), browser(sharer("bob"))
    pk = make(orm_tom, users=["ada", "bob"])
    press(ada, f"/bridge/targets/{pk}/share/", topic=TOPIC, target="1", by_itself="on")
    one = SelfShare.objects.get()
    post(bob, f"/bridge/self-sharing/{one.pk}/", action="on")
    assert SelfShare.objects.get().created_by.username == "ada"
    post(bob, f"/bridge/self-sharing/{one.pk}/", action="off")
    post(bob, f"/bridge/self-sharing/{one.pk}/", action="on")
    assert SelfShare.objects.get().created_by.username == "bob"


def timezone_day(days: int) -> str:
    from django.utils import timezone

    return str(timezone.localdate() + timedelta(days=days))


# -- what a self-share leaves out --------------------------------------------------------------------------------------


def test_what_a_self_share_leaves_out_is_shown_to_those_who_may_see_it(orm_tom: InProcessTom) -> None:
    from django.test.utils import override_settings
    from guardian.shortcuts import assign_perm
    from tom_targets.models import TargetList

    ada, bob = sharer(), sharer("bob")
    pks = [make(orm_tom, name, lists=["L"], users=["ada"], ra=ra) for name, ra in (("A", 1.0), ("Secret", 9.0))]
    for user in (ada, bob):
        assign_perm("tom_targets.view_targetlist", user, TargetList.objects.get())
    for pk in pks:
        make_unreadable(data_product(pk), "gone")
    self_share(None, by="ada", target_list=TargetList.objects.get(), kinds=["data-product"])
    assert look() == []
    text = " ".join(page(browser(ada), "/bridge/self-sharing/").split())
    assert re.search(r"Left out of A: data product lc\S*: the file can&#x27;t be read \(FileNotFoundError\)", text)
    assert "Left out of Secret" in text
    text = page(browser(bob), "/bridge/self-sharing/")
    assert "Secret" not in text
    assert "data product lc" not in re.findall(r"data-self-share.*?</tr>", text, re.DOTALL)[0]
    assert "Left out: 2" in text
    with override_settings(TARGET_PERMISSIONS_ONLY=False):
        assert "Left out: 2" in page(browser(ada), "/bridge/self-sharing/"), "nor files that she may not see"
