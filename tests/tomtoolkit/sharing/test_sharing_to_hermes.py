"""Sharing from a TOM to a topic of Hermes: messages in the outbox, on the stream, and what is told before."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parts.bridges import Publishing
from parts.django_fixtures import MakeOrmTom
from parts.hermes import events_of
from parts.outgoing import data_product, make_relay, may_share_user, photometry, relay_all

from bridge.events import Event
from bridge.hermes import HermesFormat

TOPIC = "hermes.test"


@pytest.fixture
def stage(make_orm_tom: MakeOrmTom, url: str) -> Iterator[Publishing]:
    """The stream; the TOM of this process may share to a topic of Hermes on it."""
    from django.test.utils import override_settings

    make_orm_tom("sqlite")
    hermes = Publishing(url, topic=TOPIC)
    topics = [{"topic": TOPIC, "format": "hermes", "largest_bytes": 20_000}]
    with override_settings(
        TOM_BRIDGE={"origin": "beta", "stream": {"url": url}, "publish": topics}, TOM_NAME="Beta TOM"
    ):
        yield hermes
    hermes.close()


def target(**fields: Any) -> Any:
    from tom_targets.models import Target

    return Target.objects.create(**{"name": "SN 1", "type": "SIDEREAL", "ra": 1.0, "dec": 2.0} | fields)


def rows() -> list[Any]:
    from bridge.tomtoolkit.models import OutboxEvent

    return list(OutboxEvent.objects.order_by("id"))


def messages(hermes: Publishing) -> list[Any]:
    return [json.loads(record.value) for record in hermes.records()]


def inside(hermes: Publishing) -> list[Event]:
    return [one for record in hermes.records() for one in events_of(HermesFormat(full=True).decode(record))]


def share(what: Any, **how: Any) -> Any:
    from bridge.tomtoolkit.sharing import share

    return share(what, topic=TOPIC, **how)


def test_a_share_is_one_message_composed_when_it_is_accepted(stage: Publishing) -> None:
    row = target()
    photometry(row.pk, 3)
    receipt = share(row, with_data=True, title="A nova", message="Look", acknowledgement="A. Ada")
    assert (receipt.events, receipt.points) == ({"target": 1, "photometry": 1}, 3)
    (queued,) = rows()
    assert (queued.format, queued.kind, queued.items, queued.target_id) == ("hermes", "message", 4, row.pk)
    row.name = "another"
    row.save()  # what was accepted goes as it was
    relay_all()
    (message,) = messages(stage)
    assert (message["title"], message["message_text"], message["authors"]) == ("A nova", "Look", "A. Ada")
    assert [one["name"] for one in message["data"]["targets"]] == ["SN 1"]
    assert len(message["data"]["photometry"]) == 3
    assert stage.records()[0].header("_id") == queued.event_id.bytes
    assert [str(one.kind) for one in inside(stage)] == ["target", "photometry"]
    assert [one.state for one in rows()] == ["sent"]


def test_a_row_that_is_sent_twice_is_the_same_message(stage: Publishing) -> None:
    from bridge.tomtoolkit.models import OutboxEvent

    share(target())
    for _ in range(2):
        relay_all()
        OutboxEvent.objects.update(state="queued")
    first, second = stage.records()
    assert (first.value, first.headers) == (second.value, second.headers)


def test_a_share_larger_than_a_message_goes_as_several(stage: Publishing) -> None:
    row = target()
    photometry(row.pk, 100)
    assert share(row, with_data=True).points == 100
    relay_all()
    assert len(stage.records()) > 1
    assert max(len(one.value) for one in stage.records()) <= 20_000
    assert sum(len(one["data"].get("photometry", ())) for one in messages(stage)) == 100


def test_what_hermes_can_not_carry_is_told_before_and_afterwards(stage: Publishing) -> None:
    from tom_targets.models import TargetList

    from bridge.tomtoolkit.sharing.accept import prepare

    row = target()
    data_product(row.pk)
    photometry(row.pk, 1)
    told = {"data-product: Hermes has no messages of a data-product": 1}
    parcel = prepare(row, topic=TOPIC, with_data=True)
    assert (parcel.contents(), dict(parcel.left_out)) == ({"target": 1, "photometry": 1}, told)
    assert share(row, with_data=True).left_out == told
    mine = TargetList.objects.create(name="Mine")
    mine.targets.add(row)
    receipt = share(mine)
    assert not receipt
    assert receipt.left_out == {"list: Hermes has no messages of a list": 1}


def test_data_of_a_moving_target_say_where_it_is(stage: Publishing) -> None:
    row = target(
        name="2020 AB", type="NON_SIDEREAL", ra=None, dec=None, scheme="MPC_MINOR_PLANET", epoch_of_elements=60000.0,
        inclination=1.0, lng_asc_node=2.0, arg_of_perihelion=3.0, eccentricity=0.1, semimajor_axis=2.5,
        mean_anomaly=0.0,
    )  # fmt: skip
    row.save(extras={"secret": "x", "redshift": "0.1"})
    photometry(row.pk, 1)
    from tom_dataproducts.models import PhotometryReducedDatum

    share(PhotometryReducedDatum.objects.all())
    relay_all()
    (message,) = messages(stage)
    (about,) = message["data"]["targets"]
    assert about["orbital_elements"]["epoch_of_elements"] == "60000.0"
    assert about["orbital_elements"]["mean_anomaly"] == 0.0
    assert "secret" not in str(message)
    assert "redshift" not in about
    assert [str(one.kind) for one in inside(stage)] == ["photometry"]


def test_what_shares_itself_is_gathered_for_a_while(stage: Publishing) -> None:
    from bridge.tomtoolkit.models import SelfShare

    row = target()
    photometry(row.pk, 1)
    SelfShare.objects.create(topic=TOPIC, target_id=row.pk, created_by=may_share_user("admin"), kinds=["photometry"])
    relay = make_relay()
    relay.turn(together=True)
    photometry(row.pk, 3, start=10)
    relay.turn(together=True)
    assert len(rows()) == 1
    SelfShare.objects.update(looked_at=datetime.now(UTC) - timedelta(seconds=601))
    relay.turn(together=True)
    relay.close()
    assert [one.items for one in rows()] == [1, 3]
