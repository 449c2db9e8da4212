"""Targets and lists over the ORM, as the TOM's settings want them."""

import threading
from typing import Any

import pytest
from parts import django_hooks
from parts.creating import create_target
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import VENDORS, InProcessTom
from parts.tom_site import GROUP

from bridge.errors import RejectedError
from bridge.events import EventRef, Target, uuid7
from bridge.tom.port import Additions, Provenance


def a_target(name: str = "SN 2024abc", **fields: Any) -> Target:
    return Target.model_validate({"name": name, "type": "SIDEREAL", "ra": 10.0, "dec": 20.0, **fields})


def a_tom(*groups: str) -> Any:
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    return DjangoTom(DjangoLedger(), {"": groups})


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    given: str = request.param
    return given


def test_two_transactions_never_make_one_target_twice(orm_tom: InProcessTom) -> None:
    from django.db import connections

    results: list[Any] = []
    barrier = threading.Barrier(4)

    def create(name: str) -> None:
        tom = a_tom()
        with connections["default"].cursor():
            barrier.wait(30)
        try:
            results.append(
                create_target(tom, a_target(name), [], Provenance(event=EventRef("a", uuid7()), origin_name="Alpha"))
            )
        finally:
            connections.close_all()

    names = ["R 2024abc", "R2024ABC", "r-2024-abc", "R_2024(abc)"]
    threads = [threading.Thread(target=create, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len([result for result in results if result is not None]) == 1
    assert len(results) == 4
    assert len(orm_tom.targets()) == 1


def test_who_waits_for_a_transaction_sees_the_target_that_it_made(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    from django.db import connections

    from bridge.tomtoolkit.database import writing

    looked = threading.Event()
    results: list[Any] = []

    def create() -> None:
        other = a_tom()
        assert other.find(["SN 2024abc"]) == ()
        looked.set()
        try:
            results.append(create_target(other, a_target("sn2024ABC"), [], provenance))
        finally:
            connections.close_all()

    thread = threading.Thread(target=create)
    with writing():
        assert create_target(tom, a_target(), [], provenance) is not None
        thread.start()
        assert looked.wait(30)
        thread.join(0.5)
    thread.join(30)
    assert results == [None]


def test_extra_fields_get_their_defaults_and_what_is_shared(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance
) -> None:
    fields = [
        {"name": "redshift", "type": "number", "default": 0.5},
        {"name": "eligible", "type": "boolean", "default": True},
    ]
    orm_tom = make_orm_tom(vendor, EXTRA_FIELDS=fields)
    create_target(a_tom(), a_target(extras={"redshift": "0.03", "host": "M 31"}), [], provenance)
    assert orm_tom.extras("SN 2024abc") == {"redshift": "0.03", "eligible": "True", "host": "M 31"}
    from tom_targets.models import Target as TargetModel

    assert TargetModel.objects.get().extra_fields["redshift"] == 0.03


def test_the_hook_runs_for_what_is_created_and_amended(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance
) -> None:
    make_orm_tom(vendor, HOOKS={"target_post_save": "parts.django_hooks.target_post_save"})
    tom = a_tom()
    written = create_target(tom, a_target(), [], provenance)
    tom.add_to_target(written.pk, Additions(fields={"epoch": 2000.0}), provenance)
    assert django_hooks.called() == [("SN 2024abc", True), ("SN 2024abc", False)]


def test_a_hook_that_raises_refuses_the_target_and_costs_the_unit_nothing_else(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance
) -> None:
    from bridge.tomtoolkit.database import writing

    orm_tom = make_orm_tom(vendor, HOOKS={"target_post_save": "parts.django_hooks.target_refused"})
    tom = a_tom()
    with writing():
        tom.open_list("Kept")
        with pytest.raises(RejectedError, match="no SN 2024abc here"):
            create_target(tom, a_target(), [], provenance)
    assert orm_tom.targets() == []
    assert list(orm_tom.lists()) == ["Kept"]


def test_a_field_that_the_model_does_not_take_is_refused(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    with pytest.raises(RejectedError, match=r"name: .*100 characters"):
        create_target(tom, a_target().model_copy(update={"name": "x" * 101}), [], provenance)
    assert orm_tom.targets() == []


@pytest.mark.parametrize("default", ["PRIVATE", "OPEN", "PUBLIC"])
def test_a_target_has_the_toms_default_permission_and_is_shown_to_the_groups(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance, default: str
) -> None:
    orm_tom = make_orm_tom(vendor, TARGET_DEFAULT_PERMISSION=default)
    from django.contrib.auth.models import User
    from tom_targets.models import Target as TargetModel
    from tom_targets.permissions import targets_for_user

    create_target(a_tom(GROUP), a_target(), ["Imported from Alpha TOM"], provenance)
    create_target(a_tom(), a_target("Unseen"), [], provenance)
    row = orm_tom.target("SN 2024abc")
    assert (row["permissions"], row["shared_from"], row["shared_by"]) == (default, "Alpha TOM", "ada")
    member = User.objects.get(username="bridge")
    for right in ("view_target", "change_target", "delete_target"):
        seen = {target.name for target in targets_for_user(member, TargetModel.objects.all(), right)}
        assert seen == ({"SN 2024abc"} if default == "PRIVATE" else {"SN 2024abc", "Unseen"})


def test_a_list_that_the_bridge_makes_is_shown_to_the_groups_and_another_is_left(
    orm_tom: InProcessTom, provenance: Provenance
) -> None:
    from django.contrib.auth.models import Group
    from guardian.shortcuts import get_objects_for_group
    from tom_targets.models import TargetList

    pk = orm_tom.make_target("A", lists=["Mine"])
    tom = a_tom(GROUP)
    for name in ("Mine", "Shared"):
        tom.add_to_list(tom.open_list(name), [pk], provenance)
    seen = get_objects_for_group(Group.objects.get(name=GROUP), "tom_targets.view_targetlist", TargetList)
    assert [row.name for row in seen] == ["Shared"]


def test_a_list_that_a_person_renames_stays_the_same(tom: Any, orm_tom: InProcessTom, provenance: Provenance) -> None:
    handle = tom.open_list("Shared")
    orm_tom.shell("from tom_targets.models import TargetList; TargetList.objects.update(name='Renamed')")
    tom.add_to_list(handle, [orm_tom.make_target("A")], provenance)
    assert orm_tom.lists() == {"Renamed": ["A"]}


def test_a_list_that_was_removed_is_made_anew(tom: Any, orm_tom: InProcessTom, provenance: Provenance) -> None:
    handle = tom.open_list("Shared")
    orm_tom.shell("from tom_targets.models import TargetList; TargetList.objects.all().delete()")
    tom.add_to_list(handle, [orm_tom.make_target("A")], provenance)
    assert orm_tom.lists() == {"Shared": ["A"]}


def test_what_is_created_is_noted_as_written(tom: Any, orm_tom: InProcessTom, provenance: Provenance) -> None:
    from tom_targets.base_models import BaseTarget

    from bridge.tomtoolkit.receiving.written import is_written

    mine = orm_tom.make_target("Mine")
    written = create_target(tom, a_target(), [], provenance)
    assert is_written("default", BaseTarget, written.pk)
    assert not is_written("default", BaseTarget, mine)
