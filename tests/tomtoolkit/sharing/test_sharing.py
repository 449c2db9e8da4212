"""Sharing from within the TOM: what goes to the outbox, in whose transaction, and who may."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import TOPIC
from parts.django_tom import InProcessTom
from parts.outgoing import may_share_user, outbox, photometry, publishing

from bridge.errors import ConfigurationError, InvalidEventError
from bridge.events import Event

T0 = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def settings(orm_tom: InProcessTom, url: str) -> Iterator[None]:
    with publishing(url):
        yield


def target(orm_tom: InProcessTom, name: str = "SN 2026abc", **given: Any) -> Any:
    from tom_targets.models import Target

    return Target.objects.get(pk=orm_tom.make_target(name, **given))


def test_a_target_is_shared_in_full(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom, aliases=["ZTF26x", "AT 2026abc"], extras={"redshift": "0.01"}, ra=0.0, dec=-5.5, pm_ra=1.5)
    receipt = share(row, topic=TOPIC, title="New", message="Look")
    (event,) = outbox()
    assert (receipt.share_id, receipt.events, receipt.points) == (event.share_id, {"target": 1}, 0)
    assert (event.origin, event.origin_name, event.title, event.message) == ("beta", "Beta TOM", "New", "Look")
    assert (event.body.ra, event.body.dec, event.body.pm_ra) == (0.0, -5.5, 1.5)
    assert event.body.aliases == ("AT 2026abc", "ZTF26x")
    assert event.body.extras == {"redshift": "0.01"}


def test_photometry_is_shared_in_full(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom, aliases=["ZTF26x"])
    given = {
        "timestamp": T0, "bandpass": "r", "brightness": 0.0, "brightness_error": 0.1, "limit": 21.5, "unit": "AB mag",
        "exposure_time": 30.0, "telescope": "1m0", "instrument": "fa", "reduction_version": "v2",
        "source_name": "LCO", "source_location": "https://x",
    }  # fmt: skip
    PhotometryReducedDatum.objects.create(target_id=row.pk, value={"seeing": 1.2}, **given)
    receipt = share(PhotometryReducedDatum.objects.all(), topic=TOPIC)
    (event,) = outbox()
    assert receipt.points == 1
    assert event.body.target.names == ("SN 2026abc", "ZTF26x")
    (point,) = event.body.points
    assert point.model_dump() == given | {"extra": {"seeing": 1.2}}


def test_photometry_of_before_the_upgrade_is_shared_too(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import ReducedDatum

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    value = {"magnitude": 18.0, "filter": "r", "error": 0.1, "limit": 20.5, "seeing": 1.2, "telescope": "1m0"}
    ReducedDatum.objects.create(target_id=row.pk, data_type="photometry", timestamp=T0, value=value)
    ReducedDatum.objects.create(target_id=row.pk, data_type="image", timestamp=T0, value={"x": 1})
    assert share(row, topic=TOPIC, with_data=True, with_targets=False).events == {"photometry": 1, "reduced-datum": 1}
    (point,) = outbox()[0].body.points
    assert (point.brightness, point.bandpass, point.brightness_error, point.limit) == (18.0, "r", 0.1, 20.5)
    assert (point.telescope, point.extra) == ("1m0", {"seeing": 1.2})


def test_all_kinds_of_reduced_data_are_shared_in_full(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import AstrometryReducedDatum, ReducedDatum, SpectroscopyReducedDatum

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    common = {
        "timestamp": T0, "telescope": "2m0", "instrument": "en06", "reduction_version": "2", "source_name": "",
        "source_location": "https://example.org/1",
    }  # fmt: skip
    spectrum = {
        "wavelength": [4000.0, 4001.0], "flux": [0.0, -1e-17], "error": [1e-18, 0.0], "wavelength_unit": "Angstrom",
        "flux_unit": "Jy", "setup": "red", "exposure_time": 0.0,
    }  # fmt: skip
    position = {
        "ra": 0.0, "dec": -90.0, "ra_error": 0.0, "dec_error": None, "ra_error_units": "mas", "dec_error_units": "",
    }  # fmt: skip
    value = {"q": 0.0, "id": 3}
    SpectroscopyReducedDatum.objects.create(target_id=row.pk, value={"a": 1}, **common, **spectrum)
    AstrometryReducedDatum.objects.create(target_id=row.pk, value={"a": 1}, **common, **position)
    ReducedDatum.objects.create(target_id=row.pk, data_type="polarimetry", value=value, **common)
    # Kept as before 3.1, as an upgraded TOM may have them.
    later = {**common, "timestamp": T0.replace(hour=4)}
    ReducedDatum.objects.create(target_id=row.pk, data_type="Astrometry", value={"ra": 1.0, "dec": 2.0}, **later)
    kinds = {"spectroscopy": 1, "astrometry": 2, "reduced-datum": 1}
    receipt = share(row, topic=TOPIC, with_data=True, with_targets=False)
    assert (receipt.events, receipt.left_out) == (kinds, {})
    (spectra,), (there,), (legacy,), (data,) = (event.body.datums for event in outbox())
    as_lists = {name: list(each) if isinstance(each, tuple) else each for name, each in spectra.model_dump().items()}
    assert as_lists == {**common, **spectrum, "extra": {"a": 1}}
    assert there.model_dump() == {**common, **position, "extra": {"a": 1}}
    assert (legacy.ra, legacy.dec, legacy.timestamp) == (1.0, 2.0, later["timestamp"])
    assert data.model_dump() == {**common, "data_type": "polarimetry", "value": value}


def test_a_spectrum_that_is_none_is_counted_and_costs_no_other(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import ReducedDatum, SpectroscopyReducedDatum

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    for number, flux in enumerate(([], [1.0], [1.0, 2.0])):
        moment = T0.replace(minute=number)
        SpectroscopyReducedDatum.objects.create(target_id=row.pk, timestamp=moment, wavelength=[1.0], flux=flux)
    ReducedDatum.objects.create(target_id=row.pk, data_type="note", timestamp=T0, value=[1, 2])
    receipt = share(row, topic=TOPIC, with_data=True, with_targets=False)
    assert receipt.events == {"spectroscopy": 1}
    assert sum(receipt.left_out.values()) == 3
    assert any("for 1 wavelengths" in why for why in receipt.left_out)


def test_what_is_rolled_back_is_not_shared(orm_tom: InProcessTom) -> None:
    from django.db import transaction

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)

    def save(fail: bool) -> None:
        with transaction.atomic():
            photometry(row.pk, 3)
            share(row, topic=TOPIC, with_data=True)
            if fail:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save(fail=True)
    assert outbox() == []
    save(fail=False)
    assert [event.kind for event in outbox()] == ["target", "photometry"]


def test_what_is_changed_afterwards_does_not_change_what_was_accepted(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    photometry(row.pk, 1)
    share(row, topic=TOPIC, with_data=True)
    PhotometryReducedDatum.objects.update(brightness=5.0)
    row.delete()
    assert [event.subject for event in outbox()] == ["SN 2026abc"] * 2
    assert outbox()[1].body.points[0].brightness == 18.0


def test_many_points_go_in_events_of_a_bounded_size(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    photometry(row.pk, 4500)
    receipt = share(row, topic=TOPIC, with_data=True)
    assert receipt.events == {"target": 1, "photometry": 3}
    assert receipt.points == 4500
    points = [point.timestamp for event in outbox()[1:] for point in event.body.points]
    assert len(set(points)) == 4500
    assert points == sorted(points)


def test_sharing_takes_the_same_queries_for_any_number_of_points(orm_tom: InProcessTom) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    photometry(row.pk, 10)
    share(row, topic=TOPIC, with_data=True)  # opens the connection
    with CaptureQueriesContext(connection) as few:
        share(row, topic=TOPIC, with_data=True)
    photometry(row.pk, 500, start=10)
    with CaptureQueriesContext(connection) as many:
        share(row, topic=TOPIC, with_data=True)
    assert len(many) == len(few)


def test_a_list_is_shared_with_its_members_and_their_data(orm_tom: InProcessTom) -> None:
    from tom_targets.models import TargetList

    from bridge.tomtoolkit.sharing import share

    for name in ("B", "A"):
        photometry(orm_tom.make_target(name, lists=["Best"]), 2)
    receipt = share(TargetList.objects.get(), topic=TOPIC, with_data=True)
    assert receipt.events == {"list": 1, "photometry": 2}
    body = outbox()[0].body
    assert body.name == "Best"
    assert [(member.reference.name, member.target.name) for member in body.members] == [("B", "B"), ("A", "A")]
    share(TargetList.objects.get(), topic=TOPIC, with_targets=False)
    assert all(member.target is None for member in outbox()[-1].body.members)


def test_a_data_product_is_shared_with_its_file(orm_tom: InProcessTom) -> None:
    from django.core.files.base import ContentFile
    from tom_dataproducts.models import DataProduct

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    product = DataProduct(target_id=row.pk, product_id="p1", data_product_type="photometry", extra_data="x")
    product.data.save("curve.csv", ContentFile(b"time,mag\n"))
    share(product, topic=TOPIC)
    share(DataProduct.objects.all(), topic=TOPIC)
    photometry(row.pk, 1, data_product=product)
    share(row, topic=TOPIC, with_data=True, with_targets=False)
    one, same, data, beside = outbox()
    assert (one.body.filename, one.body.content, one.body.product_id) == ("curve.csv", b"time,mag\n", "p1")
    assert one.body.process
    assert same.body == one.body
    assert data.kind == "photometry"
    assert not beside.body.process
    product.data.storage.delete(product.data.name)
    with pytest.raises(InvalidEventError, match="can't be read"):
        share(product, topic=TOPIC)
    assert share(row, topic=TOPIC, with_data=True).left_out == {
        "data products: the file can't be read (FileNotFoundError)": 1
    }


def test_a_slice_can_be_shared(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.sharing import share

    photometry(orm_tom.make_target("A"), 5)
    photometry(orm_tom.make_target("B"), 5)
    rows = PhotometryReducedDatum.objects.order_by("pk")[3:7]
    receipt = share(rows, topic=TOPIC)
    assert (receipt.points, receipt.events) == (4, {"photometry": 2})


def test_what_can_not_travel_is_left_out_and_counted(orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    photometry(row.pk, 2)
    PhotometryReducedDatum.objects.bulk_create(
        [PhotometryReducedDatum(target_id=row.pk, timestamp=T0 + timedelta(days=1), bandpass="r")]
    )
    receipt = share(row, topic=TOPIC, with_data=True)
    assert receipt.points == 2
    assert receipt.left_out == {"photometry: a point needs a brightness or a limit": 1}


def test_a_target_that_can_not_travel_is_told(orm_tom: InProcessTom) -> None:
    from tom_targets.models import Target

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom)
    Target.objects.update(dec=None)
    with pytest.raises(InvalidEventError, match="a SIDEREAL target needs dec"):
        share(Target.objects.get(pk=row.pk), topic=TOPIC)
    receipt = share(Target.objects.all(), topic=TOPIC)
    assert not receipt
    assert receipt.left_out == {"targets: a SIDEREAL target needs dec": 1}
    assert outbox() == []


def test_words_that_are_too_long_are_told(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.sharing import share

    with pytest.raises(InvalidEventError, match="title"):
        share(target(orm_tom), topic=TOPIC, title="x" * 501)


def test_a_topic_that_the_settings_do_not_name_is_refused(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.sharing import share

    with pytest.raises(ConfigurationError, match=f"Name one of: {TOPIC}"):
        share(target(orm_tom), topic="elsewhere")


def test_what_is_no_data_of_a_tom_is_refused(orm_tom: InProcessTom) -> None:
    from django.contrib.auth.models import User

    from bridge.tomtoolkit.sharing import share

    for wrong in (User.objects.all(), "SN 2026abc"):
        with pytest.raises(TypeError, match="can't be shared"):
            share(wrong, topic=TOPIC)


# -- who may ----------------------------------------------------------------------------------------------------------


def test_a_person_needs_the_permission_the_group_and_the_target(orm_tom: InProcessTom, url: str) -> None:
    from django.contrib.auth.models import Group, User
    from django.core.exceptions import PermissionDenied

    from bridge.tomtoolkit.sharing import may_share, share

    mine = target(orm_tom, "Mine", users=["bridge"])
    theirs = target(orm_tom, "Theirs", users=[])
    user = User.objects.get(username="bridge")
    with pytest.raises(PermissionDenied, match="no permission to share"):
        share(mine, topic=TOPIC, user=user)
    user = may_share_user("bridge")
    assert share(mine, topic=TOPIC, user=user)
    assert outbox()[0].shared_by == "bridge"
    with pytest.raises(PermissionDenied, match="may not change the target 'Theirs'"):
        share(theirs, topic=TOPIC, user=user)
    Group.objects.create(name="Publishers")
    with publishing(url, groups=["Publishers"]):
        with pytest.raises(PermissionDenied, match="none of the groups"):
            share(mine, topic=TOPIC, user=user)
        assert not may_share(user, TOPIC, mine)
        user.groups.add(Group.objects.get(name="Publishers"))
        assert may_share(may_share_user("bridge"), TOPIC, mine)
        assert may_share(User.objects.get(username="admin"), TOPIC, theirs)
    user.is_active = False
    with pytest.raises(PermissionDenied, match="deactivated"):
        share(mine, topic=TOPIC, user=user)
    assert len(outbox()) == 1


def test_a_list_that_a_person_may_not_see_is_refused(orm_tom: InProcessTom) -> None:
    from django.core.exceptions import PermissionDenied
    from guardian.shortcuts import assign_perm
    from tom_targets.models import TargetList

    from bridge.tomtoolkit.sharing import share

    orm_tom.make_target("Mine", users=["bridge"], lists=["Secret plans"])
    user, target_list = may_share_user("bridge"), TargetList.objects.get()
    with pytest.raises(PermissionDenied, match="may not see the target list"):
        share(target_list, topic=TOPIC, user=user)
    assert outbox() == []
    assign_perm("tom_targets.view_targetlist", user, target_list)
    assert share(target_list, topic=TOPIC, user=user).events == {"list": 1}


def test_what_a_person_may_not_change_stays_out_of_lists_and_querysets(orm_tom: InProcessTom) -> None:
    from guardian.shortcuts import assign_perm
    from tom_dataproducts.models import PhotometryReducedDatum
    from tom_targets.models import Target, TargetList

    from bridge.tomtoolkit.sharing import share

    photometry(orm_tom.make_target("Mine", users=["bridge"], lists=["Both"]), 2)
    photometry(orm_tom.make_target("Theirs", users=[], lists=["Both"]), 2)
    user = may_share_user("bridge")
    assign_perm("tom_targets.view_targetlist", user, TargetList.objects.get())
    for what in (PhotometryReducedDatum.objects.all(), Target.objects.all(), TargetList.objects.get()):
        receipt = share(what, topic=TOPIC, user=user)
        assert receipt.left_out == {"targets that the person may not change": 1}
    assert "Theirs" not in json.dumps([json.loads(event.model_dump_json()) for event in outbox()])


def test_data_that_a_person_may_not_see_stay_out(orm_tom: InProcessTom) -> None:
    from django.test.utils import override_settings
    from guardian.shortcuts import assign_perm
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.sharing import share

    row = target(orm_tom, users=["bridge"])
    photometry(row.pk, 3)
    user = may_share_user("bridge")
    with override_settings(TARGET_PERMISSIONS_ONLY=False):
        assign_perm("tom_dataproducts.view_photometryreduceddatum", user, PhotometryReducedDatum.objects.first())
        receipt = share(row, topic=TOPIC, user=user, with_data=True)
    assert receipt.points == 1
    assert receipt.left_out == {"photometry: the person may not see them": 2}


def test_the_outbox_holds_events_as_they_were_accepted(orm_tom: InProcessTom, tmp_path: Path) -> None:
    from bridge.tomtoolkit.models import OutboxEvent
    from bridge.tomtoolkit.sharing import share

    share(target(orm_tom), topic=TOPIC, user=may_share_user("admin"))
    row = OutboxEvent.objects.get()
    event = Event.checked(bytes(row.payload))
    assert (row.event_id, bytes(row.key), row.kind, row.subject) == (event.id, event.key, "target", "SN 2026abc")
    assert (row.state, row.share.user.username, row.share.shared_by) == ("queued", "admin", "admin")


def test_rows_of_one_time_are_not_divided_between_two_events(
    orm_tom: InProcessTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.rows import bodies
    from bridge.tomtoolkit.sharing import share

    monkeypatch.setattr(bodies, "DATUMS_AN_EVENT", 3)
    row = target(orm_tom)
    hours = [0, 1, 2, 2, 3, 3, 3, 3, 3, 4]
    for number, hour in enumerate(hours):
        given = {"timestamp": T0.replace(hour=hour), "bandpass": "r", "brightness": 17.0 + number}
        PhotometryReducedDatum.objects.create(target_id=row.pk, **given)
    assert share(PhotometryReducedDatum.objects.all(), topic=TOPIC).points == len(hours)
    found = [[point.timestamp.hour for point in event.body.points] for event in outbox()]
    assert found == [[0, 1], [2, 2], [3, 3, 3], [3, 3, 4]], "five of one time do not fit"


# -- names that can't travel -------------------------------------------------------------------------------------------

WRONG = pytest.mark.parametrize("wrong", ["SN <b>", "SN\u202e1", "SN\x07"], ids=ascii)


def misname(pk: int, wrong: str, at: str) -> None:
    """Give a target a name, or an alias, past all validation."""
    from tom_targets.models import BaseTarget, TargetName

    if at == "name":
        BaseTarget.objects.filter(pk=pk).update(name=wrong)
    else:
        TargetName.objects.create(target_id=pk, name=wrong)


@WRONG
@pytest.mark.parametrize("at", ["name", "alias"])
def test_a_name_with_a_character_that_no_name_has_is_refused_with_what_to_do(
    orm_tom: InProcessTom, wrong: str, at: str
) -> None:
    from django.core.files.base import ContentFile
    from tom_dataproducts.models import DataProduct
    from tom_targets.models import Target, TargetList

    from bridge.tomtoolkit.sharing import share

    pk = target(orm_tom, "A", lists=["L"]).pk
    misname(pk, wrong, at)
    photometry(pk, 2)
    product = DataProduct(target_id=pk, data_product_type="image_file")
    product.data.save("a.png", ContentFile(b"x"))
    row = Target.objects.get(pk=pk)
    for what in (row, product):
        with pytest.raises(InvalidEventError, match=r"has the character .*remove it.*Correct it in the TOM"):
            share(what, topic=TOPIC)
    left_out = share([Target.objects.all(), TargetList.objects.get()], topic=TOPIC, with_data=True).left_out
    assert {why.partition(":")[0]: number for why, number in left_out.items()} == {
        "targets": 1, "photometry": 4, "data products": 2, "members": 1,
    }  # fmt: skip
    assert all(repr(wrong) in why for why in left_out)
    (event,) = outbox()
    assert (event.kind, event.body.members) == ("list", ())


@WRONG
def test_a_list_with_a_character_that_no_name_has_is_refused(orm_tom: InProcessTom, wrong: str) -> None:
    from tom_targets.models import TargetList

    from bridge.tomtoolkit.sharing import share

    target(orm_tom, "A", lists=[wrong])
    with pytest.raises(InvalidEventError, match="has the character"):
        share(TargetList.objects.get(), topic=TOPIC)
    assert outbox() == []
