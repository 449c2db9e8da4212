"""Loops end: what the bridge wrote into this TOM, or caused to be written, is never published back by it."""

from collections.abc import Iterator
from typing import Any

import pytest
from parts import events
from parts.bridges import TOPIC, Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcess, InProcessTom
from parts.outgoing import may_share_user, outbox, photometry, publishing, relay_all, sent

from bridge.events import DataProduct, Event, Photometry, Target, TargetList

TABLE = b"time,magnitude,filter,error\n60000.5,18.0,r,0.1\n60001.5,18.1,r,0.1\n"
CAME = "came over the bridge"


@pytest.fixture(autouse=True)
def settings(in_process: InProcess, url: str) -> Iterator[None]:
    with publishing(url):
        yield


@pytest.fixture
def received(alpha: Publishing, beta: SubscribedInProcess) -> InProcessTom:
    """The TOM of this process, which has from Alpha TOM a target, three points, and a file with two more."""
    target = events.target("SN 2026abc", aliases=("ZTF26x",))
    points = tuple(events.point(number) for number in range(3))
    product = DataProduct.of(
        TABLE, target=target.reference, filename="a.csv", data_product_type="photometry", product_id="p1"
    )
    alpha.publish(target, Photometry(target=target.reference, points=points), product)
    beta.drain()
    assert len(beta.tom.photometry()) == 5  # type: ignore[attr-defined]
    return beta.tom  # type: ignore[return-value]


def row() -> Any:
    from tom_targets.models import Target as TargetModel

    return TargetModel.objects.get(name="SN 2026abc")


def self_share(**given: Any) -> None:
    from bridge.tomtoolkit.models import SelfShare

    SelfShare.objects.create(topic=TOPIC, created_by=may_share_user("admin"), **given)


def ours(alpha: Publishing) -> list[Event]:
    return [event for event in sent(alpha.stream) if event.origin == "beta"]


def test_a_target_that_came_and_shares_itself_sends_nothing_back(received: InProcessTom, alpha: Publishing) -> None:
    self_share(target_id=row().pk)
    relay_all()
    relay_all()
    assert ours(alpha) == outbox() == []


def test_what_this_tom_adds_to_it_goes(received: InProcessTom, alpha: Publishing) -> None:
    self_share(target_id=row().pk)
    relay_all()
    photometry(row().pk, 2)
    relay_all()
    (event,) = ours(alpha)
    assert isinstance(event.body, Photometry)
    assert len(event.body.points) == 2
    assert event.body.target.names == ("SN 2026abc", "ZTF26x")


def test_a_share_by_hand_leaves_out_what_came(received: InProcessTom, alpha: Publishing) -> None:
    from tom_dataproducts.models import DataProduct as ProductModel
    from tom_dataproducts.models import PhotometryReducedDatum
    from tom_targets.models import TargetList as ListModel

    from bridge.tomtoolkit.sharing import share

    receipt = share(row(), topic=TOPIC, with_data=True)
    assert not receipt
    assert receipt.left_out == {f"targets: {CAME}": 1, f"photometry: {CAME}": 5, f"data products: {CAME}": 1}
    assert share(PhotometryReducedDatum.objects.all(), topic=TOPIC).left_out == {f"photometry: {CAME}": 5}
    assert share(ProductModel.objects.all(), topic=TOPIC).left_out == {f"data products: {CAME}": 1}
    photometry(row().pk, 2)
    assert share(PhotometryReducedDatum.objects.all(), topic=TOPIC).points == 2
    mine = ListModel.objects.create(name="Mine")
    mine.targets.add(row())
    share(mine, topic=TOPIC, with_data=True)
    member = outbox()[1].body.members[0]  # type: ignore[union-attr]
    assert (member.reference.name, member.target) == ("SN 2026abc", None)


def test_what_a_person_makes_of_a_file_that_came_stays_here_too(received: InProcessTom) -> None:
    from tom_dataproducts.data_processor import run_data_processor
    from tom_dataproducts.models import DataProduct as ProductModel
    from tom_dataproducts.models import PhotometryReducedDatum

    product = ProductModel.objects.get()
    PhotometryReducedDatum.objects.filter(data_product=product).delete()
    run_data_processor(product)
    assert PhotometryReducedDatum.objects.filter(data_product=product).count() == 2
    self_share(target_id=row().pk)
    relay_all()
    assert outbox() == []


def test_a_list_that_came_is_not_sent_back(alpha: Publishing, beta: SubscribedInProcess) -> None:
    from tom_targets.models import TargetList as ListModel

    from bridge.tomtoolkit.sharing import share

    target = events.target("SN 2026abc")
    alpha.publish(TargetList(name="Best", members=({"reference": target.reference, "target": target},)))  # type: ignore[arg-type]
    beta.drain()
    assert {each.name for each in ListModel.objects.all()} == {"Best", "Imported from Alpha TOM"}
    for each in ListModel.objects.all():
        self_share(target_list=each)
        receipt = share(each, topic=TOPIC)
        assert not receipt
        assert receipt.left_out == {f"lists: {CAME}": 1}
    relay_all()
    assert outbox() == []


def test_what_came_for_our_own_target_is_not_echoed_and_what_we_change_is_sent(
    alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from tom_targets.models import TargetName

    pk = beta.tom.make_target("SN 2026abc")
    self_share(target_id=pk)
    relay_all()
    assert [event.kind for event in ours(alpha)] == ["target"]
    alpha.publish(events.target("SN 2026abc", ra=10.0, dec=20.0, aliases=("ZTF26x",), extras={"redshift": "0.1"}))
    beta.drain()
    assert beta.tom.aliases("SN 2026abc") == {"ZTF26x"}
    relay_all()
    assert len(ours(alpha)) == 1
    TargetName.objects.create(target_id=pk, name="AT 2026abc")
    relay_all()
    (_, event) = ours(alpha)
    assert isinstance(event.body, Target)
    assert event.body.aliases == ("AT 2026abc", "ZTF26x")


def test_what_we_changed_before_something_came_is_sent_all_the_same(
    alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from tom_targets.models import TargetName

    pk = beta.tom.make_target("SN 2026abc")
    self_share(target_id=pk)
    relay_all()
    TargetName.objects.create(target_id=pk, name="AT 2026abc")
    alpha.publish(events.target("SN 2026abc", ra=10.0, dec=20.0, aliases=("ZTF26x",)))
    beta.drain()
    relay_all()
    (_, event) = ours(alpha)
    assert "AT 2026abc" in event.body.aliases  # type: ignore[union-attr]


def test_two_toms_that_share_one_target_by_themselves_come_to_rest(
    alpha: Publishing, beta: SubscribedInProcess
) -> None:
    """Alpha TOM answers each event of ours with its own, as a TOM does that shares the same target by itself."""
    pk = beta.tom.make_target("SN 2026abc")
    photometry(pk, 2)
    self_share(target_id=pk)
    counts = []
    answered = 0
    for number in range(4):
        relay_all()
        found = ours(alpha)
        counts.append(len(found))
        for event in found[answered:]:
            if isinstance(event.body, Target):
                alpha.publish(event.body.model_copy(update={"aliases": (*event.body.aliases, f"alpha {number}")}))
            else:
                alpha.publish(event.body)
        answered = len(found)
        beta.drain()
    assert counts == [2, 2, 2, 2]
    assert beta.tom.aliases("SN 2026abc") == {"alpha 0"}
