"""From share to TOM: every kind, into real TOMs of both versions, by the path of the daemon."""

from datetime import timedelta
from pathlib import Path

import pytest
from parts.bridges import Subscribed
from parts.shares import LIGHT_CURVE, NOON, REFERENCE, SUPERNOVA, photometry, product
from parts.toms import Tom

from bridge.events import ListMember, Target, TargetList, TargetReference
from bridge.ledger.port import Outcome, Reason


@pytest.fixture
def beta(any_tom: Tom, url: str, tmp_path: Path) -> Subscribed:
    return Subscribed(any_tom, url, tmp_path / "beta", limits={"attempts": 2})


def test_an_unknown_target_is_created_with_all_it_has_and_put_in_the_list_of_imports(alpha, beta):
    alpha.publish(SUPERNOVA)
    beta.drain()
    target = beta.tom.target("SN 2024abc")
    assert (target["ra"], target["dec"], target["epoch"]) == (10.0, 20.0, 2000.0)
    assert beta.tom.aliases("SN 2024abc") == {"ZTF24xyz"}
    assert beta.tom.extras("SN 2024abc") == {"class": "Ia"}
    assert beta.tom.lists() == {"Imported from Alpha TOM": ["SN 2024abc"]}
    assert beta.outcomes() == [Outcome.APPLIED]


def test_photometry_lands_on_the_target_that_matches_by_an_alias_written_differently(alpha, beta):
    beta.tom.make_target("My favourite", aliases=["sn-2024_ABC"])
    alpha.publish(photometry(3))
    beta.drain()
    rows = beta.tom.photometry("My favourite")
    assert [row["source_name"] for row in rows] == ["Alpha TOM"] * 3
    (entry,) = beta.entries()
    assert entry.detail["datums"] == {"new": 3}


def test_photometry_without_a_target_waits_and_is_applied_when_the_target_comes(alpha, beta):
    alpha.publish(photometry(2))
    beta.drain()
    assert beta.tom.photometry() == []
    assert [(entry.outcome, entry.reason) for entry in beta.entries()] == [(Outcome.PARKED, Reason.NO_TARGET)]
    alpha.publish(SUPERNOVA)
    beta.drain()
    assert len(beta.tom.photometry("SN 2024abc")) == 2
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.APPLIED]


def test_photometry_that_waits_is_applied_when_a_person_makes_the_target(alpha, beta):
    alpha.publish(photometry(2), photometry(2, since=NOON + timedelta(days=1)))
    beta.drain()
    beta.tom.make_target("sn2024abc")
    assert beta.retry_parked() == 2
    assert len(beta.tom.photometry("sn2024abc")) == 4


def test_a_list_is_made_and_known_members_join_it_and_the_others_later(alpha, beta):
    beta.tom.make_target("SN2024abc")
    members = (
        ListMember(reference=REFERENCE),
        ListMember(reference=TargetReference(name="M 31"), target=Target(name="M 31", type="SIDEREAL", ra=1, dec=2)),
        ListMember(reference=TargetReference(name="M 33")),
    )
    alpha.publish(TargetList(name="Best of all", members=members))
    beta.drain()
    (name,) = [name for name in beta.tom.lists() if name.startswith("Best of all")]
    assert beta.tom.lists()[name] == ["M 31", "SN2024abc"]
    beta.tom.make_target("M33", ra=23.46, dec=30.66)
    assert beta.retry_parked() == 1
    assert beta.tom.lists()[name] == ["M 31", "M33", "SN2024abc"]
    (entry,) = beta.entries()
    assert entry.detail["members"] == {"created": 1, "joined": 2, "parked": 0}


def test_a_data_product_is_stored_and_runs_through_the_data_processor(alpha, beta):
    beta.tom.make_target("SN2024abc")
    alpha.publish(product())
    beta.drain()
    (stored,) = beta.tom.products()
    assert stored["path"].read_bytes() == LIGHT_CURVE
    assert len(beta.tom.photometry("SN2024abc")) == 2
    assert beta.outcomes() == [Outcome.APPLIED]


def test_what_comes_again_changes_nothing(alpha, beta):
    events = alpha.publish(SUPERNOVA, photometry(3), photometry(1, since=NOON + timedelta(days=1)))
    alpha.publish(*events)
    beta.drain()
    alpha.publish(photometry(3))
    beta.drain()
    assert len(beta.tom.photometry()) == 4
    assert len(beta.tom.targets()) == 1
    assert beta.outcomes() == [Outcome.APPLIED] * 3 + [Outcome.DUPLICATE] * 4


def test_another_brightness_at_the_same_time_is_recorded_and_not_written(alpha, beta):
    beta.tom.make_target("SN2024abc")
    alpha.publish(photometry(1), photometry(1, brightness=18.0))
    beta.drain()
    assert len(beta.tom.photometry()) == 1
    assert [entry.detail["datums"] for entry in beta.entries()] == [{"new": 1}, {"conflicting": 1}]


def test_bad_records_are_dead_letters_and_everything_around_them_is_applied(alpha, beta):
    beta.tom.make_target("SN2024abc")
    alpha.publish(photometry(1))
    alpha.publish_bytes(b"\x00\x01nonsense")
    alpha.publish_bytes(b"\xc3\x01" + b"\x07" * 8 + b"x")
    alpha.publish(photometry(1, since=NOON + timedelta(days=1)))
    beta.drain()
    assert len(beta.tom.photometry()) == 2
    assert [entry.reason for entry in beta.entries()] == [None, Reason.UNDECODABLE, Reason.UNKNOWN_SCHEMA, None]


def test_a_later_event_waits_behind_a_parked_one_of_the_same_target(alpha, beta):
    beta.tom.make_target("SN2024abc", ra=11.0)
    alpha.publish(photometry(1), photometry(1, reference=TargetReference(name="SN 2024abc"), since=NOON + timedelta(1)))
    beta.drain()
    assert beta.tom.photometry() == []
    assert [entry.reason for entry in beta.entries()] == [Reason.POSITION_DISAGREES, Reason.WAITS_BEHIND]
    beta.tom.shell("from tom_targets.models import Target; Target.objects.update(ra=10.0); result = None")
    assert beta.retry_parked() == 2
    assert len(beta.tom.photometry()) == 2
