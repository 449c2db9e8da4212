"""Targets and lists over the ORM, as the TOM's settings want them."""

import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from parts import django_hooks
from parts.creating import create_target, new_targets
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import VENDORS, InProcessTom
from parts.full_disk import full_disk
from parts.tom_site import GROUP

from bridge.budget import Budget
from bridge.errors import BudgetSpentError, RejectedError, TomAwayError
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


@pytest.fixture
def like_a_daemon() -> Iterator[None]:
    """Handle Ctrl-C as the daemons do."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("how", ["sys.exit", "interrupt", "cancel"])
def test_a_hook_that_would_end_the_process_refuses_its_target_alone(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance, how: str, like_a_daemon: None
) -> None:
    orm_tom = make_orm_tom(vendor, HOOKS={"target_post_save": "parts.django_hooks.target_ends"})
    tom = a_tom()
    before, refused, after = tom.create_targets(
        new_targets([a_target("A"), a_target(how), a_target("B")], [], provenance)
    )
    assert isinstance(refused, RejectedError)
    assert {row["name"]: row["id"] for row in orm_tom.targets()} == {"A": before.pk, "B": after.pk}
    pk = orm_tom.make_target("other")
    orm_tom.shell(
        "from tom_targets.models import BaseTarget; BaseTarget.objects.filter(pk=pk).update(name=n)", pk=pk, n=how
    )
    with pytest.raises(RejectedError):
        tom.add_to_target(pk, Additions(fields={"epoch": 2000.0}), provenance)
    assert orm_tom.target(how)["epoch"] is None


@pytest.mark.parametrize("how", ["delete", "delete otherwise"])
def test_a_target_that_a_hook_removes_costs_no_other(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance, how: str
) -> None:
    orm_tom = make_orm_tom(vendor, HOOKS={"target_post_save": "parts.django_hooks.target_ends"})
    tom = a_tom(GROUP)
    _, refused, _ = tom.create_targets(
        new_targets([a_target("A"), a_target(how), a_target("B")], [tom.open_list("L")], provenance)
    )
    assert isinstance(refused, RejectedError)
    assert orm_tom.lists() == {"L": ["A", "B"]}


def test_a_persons_interrupt_is_nobodys_fault(
    make_orm_tom: MakeOrmTom, provenance: Provenance, request: pytest.FixtureRequest
) -> None:
    # As in a terminal: a shell lets what it starts in the background ignore Ctrl-C.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    make_orm_tom("sqlite", HOOKS={"target_post_save": "parts.django_hooks.target_ends"})
    with pytest.raises(KeyboardInterrupt):
        create_target(a_tom(), a_target("interrupt"), [], provenance)


# -- many at once ------------------------------------------------------------------------------------------------------


def test_of_many_targets_each_has_its_own_result(make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance) -> None:
    orm_tom = make_orm_tom(vendor, HOOKS={"target_post_save": "parts.django_hooks.target_refused"})
    from django.test.utils import override_settings

    tom = a_tom(GROUP)
    with override_settings(HOOKS={}):
        orm_tom.make_target("There", aliases=["also there"])
    with override_settings(HOOKS={"target_post_save": "parts.django_hooks.target_post_save"}):
        too_long = a_target().model_copy(update={"name": "x" * 101})
        wanted = [
            a_target("A", aliases=("A1",)), a_target("also-THERE"), too_long, a_target("a_1"), a_target("B"),
            a_target("b"),
        ]  # fmt: skip
        results = tom.create_targets(new_targets(wanted, [tom.open_list("L"), tom.open_list("M")], provenance))
    assert [type(result).__name__ for result in results] == [
        "Written", "NoneType", "RejectedError", "NoneType", "Written", "NoneType",
    ]  # fmt: skip
    assert sorted(row["name"] for row in orm_tom.targets()) == ["A", "B", "There"]
    assert orm_tom.lists() == {"L": ["A", "B"], "M": ["A", "B"]}
    assert orm_tom.viewers("A") == orm_tom.viewers("B") == {GROUP}
    assert django_hooks.called() == [("A", True), ("B", True)]


def test_where_none_of_many_is_created_the_lists_stay_as_they_are(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    orm_tom.make_target("There")
    assert tom.create_targets(new_targets([a_target("there")], [], provenance)) == [None]
    assert tom.create_targets([]) == []


def test_the_number_of_queries_grows_little_with_the_targets(
    make_orm_tom: MakeOrmTom, vendor: str, provenance: Provenance
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    make_orm_tom(vendor)
    tom = a_tom(GROUP)
    counts = []
    for first, number in ((0, 10), (10, 50)):
        targets = [a_target(f"T {n}") for n in range(first, first + number)]
        with CaptureQueriesContext(connection) as asked:
            tom.create_targets(new_targets(targets, [tom.open_list("L"), tom.open_list("M")], provenance))
        counts.append(len(asked))
    # Of each target: the savepoints and its row.
    assert counts[1] - counts[0] <= 40 * 7


def test_a_stop_leaves_none_of_many_behind(tom: Any, orm_tom: InProcessTom, provenance: Provenance) -> None:
    stopped = threading.Event()
    stopped.set()
    wanted = new_targets([a_target("A"), a_target("B")], [tom.open_list("L")], provenance)
    with pytest.raises(BudgetSpentError):
        tom.create_targets(wanted, Budget(stopped=stopped))
    assert orm_tom.targets() == []


# -- asked whether it works --------------------------------------------------------------------------------------------


def test_a_probe_changes_nothing(tom: Any, orm_tom: InProcessTom) -> None:
    before = orm_tom.query("SELECT * FROM tom_bridge_installation")
    tom.probe(writing=False)
    tom.probe(writing=True)
    assert orm_tom.query("SELECT * FROM tom_bridge_installation") == before


def test_a_probe_that_writes_fails_where_a_database_is_locked(make_orm_tom: MakeOrmTom) -> None:
    import sqlite3

    from django.db import connection

    orm_tom, tom = make_orm_tom("sqlite"), a_tom()
    connection.ensure_connection()
    connection.cursor().execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(orm_tom.site.database)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TomAwayError, match="locked"):
        tom.probe(writing=True)
    tom.probe(writing=False)
    other.rollback()
    other.close()
    tom.probe(writing=True)


def test_a_probe_that_writes_fails_where_the_disk_takes_nothing(make_orm_tom: MakeOrmTom) -> None:
    make_orm_tom("sqlite")
    tom = a_tom()
    with full_disk():
        tom.probe(writing=False)
        with pytest.raises(TomAwayError):
            tom.probe(writing=True)
    tom.probe(writing=True)


def test_a_probe_that_writes_fails_where_a_database_is_only_read(make_orm_tom: MakeOrmTom) -> None:
    make_orm_tom("postgresql")
    from django.db import connection

    tom = a_tom()
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    tom.probe(writing=False)
    with pytest.raises(TomAwayError, match="read-only"):
        tom.probe(writing=True)


@pytest.mark.parametrize("mode", ["ACCESS EXCLUSIVE", "SHARE"])
@pytest.mark.parametrize(
    "table", ["tom_targets_targetname", "tom_dataproducts_dataproduct", "tom_dataproducts_photometryreduceddatum"]
)
def test_a_probe_that_writes_fails_where_a_table_is_locked(
    make_orm_tom: MakeOrmTom, monkeypatch: pytest.MonkeyPatch, table: str, mode: str
) -> None:
    """Else what others lock for long would be the fault of the record that comes then, and its death."""
    make_orm_tom("postgresql")
    import psycopg
    from django.db import connection

    from bridge.tomtoolkit.database import transactions

    monkeypatch.setattr(transactions, "LONGEST_LOCK_S", 0.05)
    tom = a_tom()
    given = connection.get_connection_params()
    with psycopg.connect(**{name: given[name] for name in ("dbname", "user", "host")}) as other:
        other.execute(f"LOCK TABLE {table} IN {mode} MODE")
        with pytest.raises(TomAwayError, match="lock"):
            tom.probe(writing=True)
        tom.probe(writing=False)
    tom.probe(writing=True)


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
