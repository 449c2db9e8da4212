"""Targets and lists that share themselves: all that is new, however it was written, once; and when it stops."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from parts.bridges import TOPIC, Publishing
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import InProcess, InProcessTom
from parts.outgoing import (
    T0,
    kinds,
    look,
    may_share_user,
    outbox,
    photometry,
    points,
    publishing,
    relay_all,
    self_share,
    sent,
)

pytestmark = pytest.mark.usefixtures("alpha")


@pytest.fixture(autouse=True)
def settings(in_process: InProcess, url: str) -> Iterator[None]:
    with publishing(url):
        yield


def test_a_target_shares_itself_and_what_comes_to_it(orm_tom: InProcessTom, alpha: Publishing) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    pk = orm_tom.make_target("A")
    photometry(pk, 3)
    photometry(orm_tom.make_target("B"), 3)
    share = self_share(pk, title="Follow-up")
    assert kinds(look()) == ["target", "photometry"]
    assert look() == []
    photometry(pk, 2, start=3)  # bulk_create
    PhotometryReducedDatum.objects.create(target_id=pk, timestamp=T0, bandpass="g", brightness=1.0)  # save()
    found = look()
    assert (kinds(found), points(found)) == (["photometry"], 3)
    assert {(event.subject, event.title, event.shared_by) for event in outbox()} == {("A", "Follow-up", "bridge")}
    relay_all()
    assert sent(alpha.stream) == outbox()
    share.refresh_from_db()
    assert share.looked_at is not None
    assert share.shares.count() == 3


def test_what_a_data_processor_makes_goes_with_its_file(orm_tom: InProcessTom) -> None:
    from django.core.files.base import ContentFile
    from tom_dataproducts.data_processor import run_data_processor
    from tom_dataproducts.models import DataProduct

    pk = orm_tom.make_target("A")
    self_share(pk)
    look()
    product = DataProduct(target_id=pk, data_product_type="photometry")
    product.data.save(
        "curve.csv", ContentFile(b"time,magnitude,filter,error\n60000.5,18.0,r,0.1\n60001.5,18.1,r,0.1\n")
    )
    run_data_processor(product)
    found = look()
    assert (kinds(found), points(found)) == (["photometry", "data-product"], 2)
    assert not found[1].body.process  # type: ignore[union-attr]
    assert look() == []


def test_photometry_of_before_the_upgrade_shares_itself_too(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import ReducedDatum

    pk = orm_tom.make_target("A")
    self_share(pk, kinds=["photometry"])
    value = {"magnitude": 18.0, "filter": "r"}
    ReducedDatum.objects.create(target_id=pk, data_type="photometry", timestamp=T0, value=value)
    assert points(look()) == 1
    assert look() == []


def test_a_transaction_that_took_a_smaller_key_and_is_committed_later_is_not_missed(make_orm_tom: MakeOrmTom) -> None:
    from django.db import transaction

    orm_tom = make_orm_tom("postgresql")
    pk = orm_tom.make_target("A")
    self_share(pk, kinds=["photometry"])
    look()
    with transaction.atomic(using="second"):
        (late,) = photometry(pk, 1, using="second")
        (early,) = photometry(pk, 1, start=1)
        assert late.pk < early.pk
        assert points(look()) == 1
        assert points(look()) == 0
    assert points(look()) == 1
    assert look() == []


def test_what_was_under_way_at_the_very_first_look_is_not_missed(make_orm_tom: MakeOrmTom) -> None:
    from django.db import transaction

    orm_tom = make_orm_tom("postgresql")
    pk = orm_tom.make_target("A")
    with transaction.atomic(using="second"):
        photometry(pk, 1, using="second")
        photometry(pk, 1, start=1)
        self_share(pk, kinds=["photometry"])
        assert points(look()) == 1
    assert points(look()) == 1


def test_it_is_not_missed_either_when_the_floor_has_risen_meanwhile(
    make_orm_tom: MakeOrmTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.db import transaction

    from bridge.tomtoolkit.models import Progress
    from bridge.tomtoolkit.sharing import floors, self_sharing

    orm_tom = make_orm_tom("postgresql")
    pk = orm_tom.make_target("A")
    self_share(pk, kinds=["photometry"])
    look()
    monkeypatch.setattr(floors, "WINDOW", timedelta(0))
    with transaction.atomic(using="second"):
        (late,) = photometry(pk, 1, using="second")
        (early,) = photometry(pk, 1, start=1)
        assert points(look()) == 1
        look()
        assert Progress.objects.get(model=late._meta.label_lower).floor == early.pk > late.pk
    assert points(look()) == 0  # beyond the window it waits for the whole look
    monkeypatch.setattr(self_sharing, "WHOLE_EVERY", timedelta(0))
    assert points(look()) == 1
    assert look() == []


def test_the_floor_rises_only_after_the_window(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import Progress

    pk = orm_tom.make_target("A")
    self_share(pk)
    rows = photometry(pk, 5)
    look()
    label = rows[0]._meta.label_lower
    assert Progress.objects.get(model=label).floor == 0
    Progress.objects.update(newest_at=datetime.now(UTC) - timedelta(hours=2))
    photometry(pk, 5, start=5)
    assert points(look()) == 5
    assert Progress.objects.get(model=label).floor == rows[-1].pk
    assert look() == []


def test_what_came_while_the_relay_was_down_is_shared(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import Progress

    pk = orm_tom.make_target("A")
    self_share(pk)
    look()
    photometry(pk, 4)
    Progress.objects.update(newest_at=datetime.now(UTC) - timedelta(days=3))
    assert points(look()) == 4


def test_a_near_look_reads_no_table_from_end_to_end(orm_tom: InProcessTom) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from tom_dataproducts.models import PhotometryReducedDatum
    from tom_targets.models import BaseTarget

    from bridge.tomtoolkit.models import Progress

    BaseTarget.objects.bulk_create(BaseTarget(name=f"T{number}", type="SIDEREAL") for number in range(300))
    pks = list(BaseTarget.objects.values_list("pk", flat=True))
    PhotometryReducedDatum.objects.bulk_create(
        PhotometryReducedDatum(
            target_id=pks[number % 300], timestamp=T0 + timedelta(seconds=number), bandpass="r", brightness=18.0
        )
        for number in range(30_000)
    )
    pk = orm_tom.make_target("A")
    self_share(pk)
    look()
    newest = PhotometryReducedDatum.objects.latest("pk").pk
    Progress.objects.update(floor=newest - 10, newest_at=datetime.now(UTC))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        with CaptureQueriesContext(connection) as asked:
            look()
        datums = [
            query["sql"]
            for query in asked
            if query["sql"].startswith("SELECT DISTINCT") and "photometryreduceddatum" in query["sql"]
        ]
        assert datums
        for sql in datums:
            cursor.execute(
                ("EXPLAIN QUERY PLAN " if orm_tom.vendor == "sqlite" else "EXPLAIN ") + sql.replace("%", "%%")
            )
            plan = " ".join(str(row) for row in cursor.fetchall())
            assert "Seq Scan on tom_dataproducts" not in plan, plan
            assert "SCAN tom_dataproducts" not in plan, plan


def test_a_target_that_changes_is_shared_again(orm_tom: InProcessTom) -> None:
    from tom_targets.models import Target, TargetName

    pk = orm_tom.make_target("A")
    self_share(pk, kinds=["target"])
    look()
    TargetName.objects.create(target_id=pk, name="ZTF26x")
    (event,) = look()
    assert event.body.aliases == ("ZTF26x",)  # type: ignore[union-attr]
    row = Target.objects.get(pk=pk)
    row.distance = 12.0
    row.save(extras={"redshift": "0.02"})
    (event,) = look()
    assert (event.body.distance, event.body.extras) == (12.0, {"redshift": "0.02"})  # type: ignore[union-attr]
    row.save()
    assert look() == []


def test_members_of_a_list_share_themselves_and_new_ones_join(orm_tom: InProcessTom) -> None:
    from tom_targets.models import Target, TargetList

    photometry(orm_tom.make_target("A", lists=["Best"]), 2)
    row = TargetList.objects.get()
    self_share(None, target_list=row, kinds=["target", "photometry"])
    assert [(event.subject, str(event.kind)) for event in look()] == [("A", "target"), ("A", "photometry")]
    joined = orm_tom.make_target("B")
    photometry(joined, 2)
    assert look() == []
    row.targets.add(Target.objects.get(pk=joined))
    assert [(event.subject, str(event.kind)) for event in look()] == [("B", "target"), ("B", "photometry")]
    row.targets.remove(Target.objects.get(pk=joined))
    photometry(joined, 2, start=2)
    assert look() == []
    row.targets.add(Target.objects.get(pk=joined))
    assert points(look()) == 2


def test_a_list_is_shared_again_when_its_members_change(orm_tom: InProcessTom) -> None:
    from tom_targets.models import Target, TargetList

    orm_tom.make_target("A", lists=["Best"])
    row = TargetList.objects.get()
    self_share(None, target_list=row, kinds=["list"])
    (event,) = look()
    assert [member.reference.name for member in event.body.members] == ["A"]  # type: ignore[union-attr]
    assert look() == []
    row.targets.add(Target.objects.get(pk=orm_tom.make_target("B")))
    (event,) = look()
    assert [member.reference.name for member in event.body.members] == ["A", "B"]  # type: ignore[union-attr]


def test_only_the_kinds_that_were_chosen_go(orm_tom: InProcessTom) -> None:
    pk = orm_tom.make_target("A")
    photometry(pk, 2)
    share = self_share(pk, kinds=["photometry"])
    assert kinds(look()) == ["photometry"]
    assert share.kinds == ["photometry"]


def test_two_self_shares_of_one_target_send_its_data_once(orm_tom: InProcessTom) -> None:
    from tom_targets.models import TargetList

    pk = orm_tom.make_target("A", lists=["Best"])
    photometry(pk, 2)
    self_share(pk, kinds=["photometry"])
    self_share(None, target_list=TargetList.objects.get(), kinds=["photometry"])
    assert points(look()) == 2
    assert look() == []


def test_more_data_than_fit_in_one_transaction_all_go(orm_tom: InProcessTom) -> None:
    pk = orm_tom.make_target("A")
    photometry(pk, 11_000)
    self_share(pk, kinds=["photometry"])
    assert points(look()) == 11_000
    assert look() == []


def test_what_can_not_travel_is_looked_at_once(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.models import OutboxShare

    pk = orm_tom.make_target("A")
    photometry(pk, 2)
    PhotometryReducedDatum.objects.bulk_create([PhotometryReducedDatum(target_id=pk, timestamp=T0, bandpass="r")])
    self_share(pk, kinds=["photometry"])
    assert points(look()) == 2
    assert OutboxShare.objects.get().left_out == {"photometry: a point needs a brightness or a limit": 1}
    assert look() == []


# -- when it rests ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("why", ["off", "expired", "deactivated", "permission", "target", "topic", "gone", "kind"])
def test_it_rests_and_what_came_meanwhile_goes_when_it_may_again(orm_tom: InProcessTom, url: str, why: str) -> None:
    from django.contrib.auth.models import User
    from guardian.shortcuts import assign_perm, remove_perm
    from tom_targets.models import Target

    from bridge.tomtoolkit.models import Progress

    pk = orm_tom.make_target("A")
    row = Target.objects.get(pk=pk)
    share = self_share(pk)
    assert kinds(look()) == ["target"]
    user = share.created_by
    resting = {
        "off": ({"active": False}, "switched off"),
        "expired": ({"expires": datetime.now(UTC) - timedelta(seconds=1)}, "expired"),
        "topic": ({"topic": "elsewhere"}, "the settings name no topic 'elsewhere'"),
        "gone": ({"created_by": None}, "is gone"),
        "kind": ({"kinds": ["photometry", "radio-map"]}, "kinds that this release doesn't know: radio-map"),
    }
    fields, told = resting.get(why, ({}, ""))
    for name, value in fields.items():
        setattr(share, name, value)
    share.save()
    if why == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
        told = "deactivated"
    elif why == "permission":
        user.user_permissions.clear()
        told = "no permission to share"
    elif why == "target":
        remove_perm("tom_targets.change_target", user, row)
        told = "may not change the target"
    photometry(pk, 3)
    assert look() == []
    share.refresh_from_db()
    assert told in share.rests
    Progress.objects.update(floor=10**9)  # as after days
    User.objects.update(is_active=True)
    may_share_user("bridge")
    assign_perm("tom_targets.change_target", user, row)
    share.active, share.expires, share.topic, share.created_by, share.kinds = True, None, TOPIC, user, []
    share.save()
    assert points(look()) == 3
    share.refresh_from_db()
    assert share.rests == ""


def test_members_that_the_creator_may_not_change_do_not_go(orm_tom: InProcessTom) -> None:
    from tom_targets.models import TargetList

    orm_tom.make_target("Mine", lists=["Both"], users=["bridge"])
    photometry(orm_tom.make_target("Theirs", lists=["Both"], users=[]), 2)
    self_share(None, target_list=TargetList.objects.get())
    found = look()
    assert kinds(found) == ["list", "target"]
    assert b"Theirs" not in b"".join(event.model_dump_json().encode() for event in found)
    assert look() == []


def test_a_target_that_is_removed_takes_its_self_share_along(orm_tom: InProcessTom) -> None:
    from tom_targets.models import Target

    from bridge.tomtoolkit.models import OutboxEvent, SelfShare

    self_share(orm_tom.make_target("A"))
    look()
    Target.objects.all().delete()
    assert look() == []
    assert not SelfShare.objects.exists()
    assert OutboxEvent.objects.get().target is None


def test_rows_of_one_time_are_not_divided_between_two_shares(
    orm_tom: InProcessTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.sharing import look as module

    monkeypatch.setattr(module, "_ROWS_AT_ONCE", 3)
    pk = orm_tom.make_target("A")
    for number, hour in enumerate([0, 1, 1, 2, 2, 2, 2, 3]):
        given = {"timestamp": T0.replace(hour=hour), "bandpass": "r", "brightness": 17.0 + number}
        PhotometryReducedDatum.objects.create(target_id=pk, **given)
    self_share(pk, kinds=["photometry"])
    found = [[point.timestamp.hour for point in event.body.points] for event in look()]
    assert found == [[0], [1, 1], [2, 2, 2], [2, 3]], "four of one time do not fit"
