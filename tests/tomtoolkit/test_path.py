"""From a stream into the TOM by the app's own parts: every kind, once, healed by a backup."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_fixtures import MakeOrmTom
from parts.shares import NOON, REFERENCE, SUPERNOVA, best_of_all, one_of_each, photometry, points
from parts.tom_site import GROUP

from bridge.events import Photometry, TargetReference
from bridge.ledger.port import Outcome, Reason

PARKED, APPLIED, DUPLICATE = Outcome.PARKED, Outcome.APPLIED, Outcome.DUPLICATE


def test_every_kind_arrives_and_is_seen_by_the_groups(alpha: Publishing, beta: SubscribedInProcess) -> None:
    alpha.publish(*one_of_each())
    beta.drain()
    assert beta.outcomes() == [APPLIED] * 4
    assert beta.tom.aliases("SN 2024abc") == {"ZTF24xyz"}
    assert beta.tom.viewers("SN 2024abc") == {GROUP}
    assert beta.tom.lists()["Imported from Alpha TOM"] == ["M 31", "SN 2024abc"]
    assert beta.tom.lists()["Best of all"] == ["M 31", "SN 2024abc"]
    rows = beta.tom.photometry("SN 2024abc")
    assert len(rows) == 5  # three points, and two of the product
    assert {row["source_name"] for row in rows} == {"Alpha TOM"}
    assert [row["path"].name for row in beta.tom.products()] == ["lc.csv"]


def test_what_comes_again_changes_nothing(alpha: Publishing, beta: SubscribedInProcess) -> None:
    events = alpha.publish(*one_of_each())
    beta.drain()
    alpha.publish(*events)
    beta.drain()
    assert beta.outcomes() == [APPLIED] * 4 + [DUPLICATE] * 4
    assert beta.replay() == {"unchanged": 8}
    assert len(beta.tom.photometry()) == 5
    assert len(beta.tom.products()) == 1


def test_photometry_waits_for_its_target_and_members_for_theirs(alpha: Publishing, beta: SubscribedInProcess) -> None:
    alpha.publish(photometry(2), best_of_all("NGC 1"))
    beta.drain()
    assert beta.entries()[0].reason is Reason.NO_TARGET
    alpha.publish(SUPERNOVA)
    beta.drain()
    assert len(beta.tom.photometry("SN 2024abc")) == 2
    beta.tom.make_target("ngc-1")
    assert beta.retry_parked() == 1
    assert beta.tom.lists()["Best of all"] == ["M 31", "SN 2024abc", "ngc-1"]
    assert beta.parked() == []


def test_photometry_of_many_events_and_targets_goes_in_together(alpha: Publishing, beta: SubscribedInProcess) -> None:
    for number in range(5):
        beta.tom.make_target(f"T {number}")
    bodies = [
        Photometry(target=TargetReference(name=f"T{number}"), points=points(4, since=NOON + timedelta(days=day)))
        for day in range(3)
        for number in range(6)
    ]
    alpha.publish(*bodies)
    beta.drain()
    assert sorted(beta.outcomes()) == [APPLIED] * 15 + [Outcome.PARKED] * 3
    assert len(beta.tom.photometry()) == 60


def test_a_member_of_a_list_that_is_refused_is_a_dead_letter_of_its_own_and_nothing_of_it_is_in(
    make_orm_tom: MakeOrmTom, alpha: Publishing, url: str, tmp_path: Path
) -> None:
    orm_tom = make_orm_tom("sqlite", HOOKS={"target_post_save": "parts.django_hooks.target_refused"})
    beta = SubscribedInProcess(orm_tom, url, tmp_path)
    alpha.publish(best_of_all())
    beta.drain()
    assert beta.outcomes() == [PARKED]
    (letter,) = beta.dead()
    assert letter.member == "M 31"
    assert "no M 31 here" in str(letter.detail["message"])
    assert [parked.member for parked in beta.parked()] == ["SN 2024abc"]
    assert orm_tom.targets() == []
    assert [members for members in orm_tom.lists().values() if members] == []


def test_what_a_person_removed_is_restored(alpha: Publishing, beta: SubscribedInProcess) -> None:
    alpha.publish(*one_of_each())
    beta.drain()
    beta.tom.shell("from tom_dataproducts.models import *; DataProduct.objects.all().delete()")
    beta.tom.shell("from tom_dataproducts.models import *; PhotometryReducedDatum.objects.all().delete()")
    assert beta.tom.photometry() == []
    beta.replay(restore=True)
    assert len(beta.tom.photometry()) == 5
    assert len(beta.tom.products()) == 1


def test_last_nights_backup_catches_up(make_orm_tom: MakeOrmTom, alpha: Publishing, url: str, tmp_path: Path) -> None:
    orm_tom = make_orm_tom("sqlite")
    beta = SubscribedInProcess(orm_tom, url, tmp_path)
    alpha.publish(SUPERNOVA, photometry(2))
    beta.drain()
    backup = tmp_path / "backup.sqlite3"
    shutil.copyfile(orm_tom.site.database, backup)
    alpha.publish(*one_of_each()[3:], photometry(3, REFERENCE, since=NOON + timedelta(days=1)))
    with beta.open() as bridge:
        bridge.consumer().run(until_end=True)
        assert len(orm_tom.photometry()) == 7
        # Put back under a bridge that is open and ahead.
        shutil.copyfile(backup, tmp_path / "put back")
        (tmp_path / "put back").replace(orm_tom.site.database)
        assert len(orm_tom.photometry()) == 2
        bridge.consumer().run(until_end=True)
    assert len(orm_tom.photometry()) == 7
    assert len(orm_tom.products()) == 1
    assert beta.outcomes() == [APPLIED] * 4


def test_a_frozen_consumer_that_wakes_up_writes_nothing(alpha: Publishing, beta: SubscribedInProcess) -> None:
    from bridge.errors import PositionLostError

    beta.tom.make_target("SN 2024abc")
    alpha.publish(photometry(1))
    beta.drain()
    alpha.publish(photometry(2))
    with beta.open() as frozen:
        positions = frozen.ledger.positions()
        (partition,) = positions
        records = list(frozen.stream.read(partition, positions[partition].next, positions[partition].next + 1))
        beta.drain()
        beta.tom.shell("from tom_dataproducts.models import *; PhotometryReducedDatum.objects.all().delete()")
        frozen.ledger.forget(partition, positions[partition].topic_id, 99)
        live = frozen.live()
        for partition, position in positions.items():
            live.start(partition, position)
        live.take(records)
        with pytest.raises(PositionLostError):
            live.turn(frozen.budget)
    assert beta.tom.photometry() == []
