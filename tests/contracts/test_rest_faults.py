"""What goes wrong at one event, target or row costs the others nothing; and a stop is obeyed, on real TOMs."""

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parts.creating import create_target, new_targets
from parts.tom_intents import MemoryIntents
from parts.tom_site import ADMIN_PASSWORD, BRIDGE_PASSWORD
from parts.toms import Tom
from parts.wait import wait_until

from bridge.budget import Budget
from bridge.errors import BudgetSpentError, RejectedError, TomAwayError
from bridge.events import Datum, EventRef, Point, Target, TargetType, uuid7
from bridge.tom.port import Additions, Fate, NewDatum, Provenance, Written
from bridge.tom.rest import RestAccount, RestTom, session
from bridge.tom.rest.session import Request

pytestmark = pytest.mark.tom

T0 = datetime(2024, 5, 1, 3, 4, 5, tzinfo=UTC)
Client = Callable[..., RestTom]


@pytest.fixture
def client() -> Iterator[Client]:
    """Return ``client(tom, **account)``, as a new process: with user and password, and an index always looked over."""
    opened: list[RestTom] = []

    def open_(tom: Tom, intents: MemoryIntents | None = None, **account: Any) -> RestTom:
        who = {"username": "bridge", "password": BRIDGE_PASSWORD}
        wanted = {"name_index_age_s": 0.0, "timeout_s": 30.0, **who, **account}
        opened.append(RestTom(RestAccount(base_url=tom.base_url, **wanted), intents or MemoryIntents()))
        return opened[-1]

    yield open_
    for tom in opened:
        tom.close()


def source() -> Provenance:
    return Provenance(event=EventRef("another-tom", uuid7()), origin_name="Another TOM", shared_by="somebody")


def a_target(name: str, **fields: Any) -> Target:
    return Target(**{"name": name, "type": TargetType.SIDEREAL, "ra": 10.5, "dec": -20.25, **fields})


def a_point(number: int = 0, **fields: Any) -> Point:
    given = {"timestamp": T0 + timedelta(seconds=number), "bandpass": "r", "brightness": 18.5}
    return Point(**(given | fields))


def new(pk: int, *datums: Datum, provenance: Provenance | None = None) -> list[NewDatum]:
    provenance = provenance or source()
    return [NewDatum(target_pk=pk, datum=one, provenance=provenance) for one in datums]


@contextmanager
def database_of(tom: Tom) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(tom.site.database, timeout=10, isolation_level=None)) as database:
        yield database


# -- what the TOM is --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", ["auto", "3.0.1", "3.0", "2.32"])
def test_3_0_is_known_by_what_it_has_whatever_the_settings_say(tom30: Tom, client: Client, named: str) -> None:
    tom = client(tom30, toolkit=named)
    written = create_target(tom, a_target("A"), [], source())
    assert written is not None
    assert written.pk is not None
    assert tom30.target("A")["shared_from"] == "Another TOM"
    point = a_point(exposure_time=30.0, limit=20.5, extra={"survey": "ATLAS"})
    assert [one.fate for one in tom.add_datums(new(written.pk, point))] == [Fate.NEW]
    (row,) = tom30.photometry()
    assert (row["brightness"], row["exposure_time"], row["limit"]) == (18.5, 30.0, 20.5)
    assert row["value"] == {"survey": "ATLAS"}
    assert [one.fate for one in tom.add_datums(new(written.pk, point))] == [Fate.DUPLICATE]


@pytest.mark.parametrize("idle", [False, True], ids=["was asked meanwhile", "was not asked meanwhile"])
def test_a_tom_that_was_upgraded_is_taken_for_what_it_is_now(
    tom2: Tom, tom3: Tom, client: Client, monkeypatch: pytest.MonkeyPatch, idle: bool
) -> None:
    pk = tom2.make_target("A")
    assert tom3.make_target("A") == pk
    point = a_point(limit=20.5, exposure_time=30.0)
    before = client(tom2)
    for tom in (before, client(tom3)):
        assert [one.fate for one in tom.add_datums(new(pk, point))] == [Fate.NEW]
    connection = before.session._connection
    if idle:
        clock = time.monotonic
        monkeypatch.setattr(session.time, "monotonic", lambda: clock() + 61)
    else:
        connection.base_url = "http://127.0.0.1:9"
        with pytest.raises(TomAwayError):
            before.add_datums(new(pk, point))
    connection.base_url = tom3.base_url  # as if the upgraded TOM were served in place of the other
    assert [one.fate for one in before.add_datums(new(pk, point))] == [Fate.DUPLICATE]
    assert len(tom3.photometry()) == 1


# -- names ------------------------------------------------------------------------------------------------------------


def test_a_target_with_many_long_aliases_is_created_and_found(any_tom: Tom, client: Client) -> None:
    aliases = tuple(f"Catalogue of Sömething J{number:06d}+{number:06d}" for number in range(150))
    tom = client(any_tom)
    assert tom.find(["SN 2024abc", *aliases]) == ()
    written = create_target(tom, a_target("SN 2024abc", aliases=aliases), [], source())
    assert written is not None
    assert written.unverified == ()
    assert any_tom.aliases("SN 2024abc") == set(aliases)
    assert [found.name for found in tom.find([aliases[-1].upper()])] == ["SN 2024abc"]
    assert create_target(client(any_tom), a_target("Other", aliases=aliases[::-1]), [], source()) is None


def test_targets_of_long_names_join_a_list(any_tom: Tom, client: Client) -> None:
    any_tom.shell(
        "from tom_targets.models import Target\n"
        "names = [f'{n:03d} ' + 'é' * 90 for n in range(30)]\n"
        "Target.objects.bulk_create(Target(name=name, type='SIDEREAL', ra=1, dec=1) for name in names)"
    )
    pks = [row["id"] for row in any_tom.targets()]
    tom = client(any_tom, username="admin", password=ADMIN_PASSWORD)
    assert tom.add_to_list("L", pks, source()) == [Written(pk=pk) for pk in pks]
    assert len(any_tom.lists()["L"]) == 30


def test_many_events_about_the_same_targets_confirm_each_once(
    any_tom: Tom, client: Client, asked: list[Request]
) -> None:
    any_tom.make_target("A")
    any_tom.make_target("B")
    tom = client(any_tom, name_index_age_s=3600.0)
    assert tom.find(["A"])
    asked.clear()
    found = tom.find_each([[f"unknown {number}", "A", "B"] for number in range(2_000)])
    assert {tuple(target.name for target in each) for each in found} == {("A", "B")}
    assert len(asked) == 2
    asked.clear()
    assert tom.appeared({f"unknown{number}" for number in range(2_000)} | {"b"}) == {"b"}
    assert len(asked) == 1


def test_a_look_at_all_names_that_was_broken_off_goes_on_where_it_was(
    any_tom: Tom, client: Client, asked: list[Request]
) -> None:
    any_tom.shell(
        "from tom_targets.models import Target\n"
        "Target.objects.bulk_create(Target(name=f'T {n}', type='SIDEREAL', ra=1, dec=1) for n in range(450))"
    )
    tom = client(any_tom, username="admin", password=ADMIN_PASSWORD, name_index_age_s=3600.0)

    class UntilThePage(Budget):
        @property
        def spent(self) -> bool:
            return len([one for one in asked if one.path == "/api/targets/"]) > 1

    with pytest.raises(BudgetSpentError):
        tom.find_each([["T 1"]], UntilThePage(0.0))
    assert [each[0].name for each in tom.find_each([["T 1"], ["T 449"]])] == ["T 1", "T 449"]
    pages = [one.params["offset"] for one in asked if one.path == "/api/targets/" and one.params is not None]
    assert pages == [0, 200, 200, 400]


# -- what is damaged ---------------------------------------------------------------------------------------------------


def test_a_target_that_the_tom_can_not_show_costs_the_others_nothing(any_tom: Tom, client: Client) -> None:
    damaged = any_tom.make_target("Damaged")
    for name in ("A", "B", "C"):
        any_tom.make_target(name)
    tom = client(any_tom, name_index_age_s=3600.0)
    assert [found.name for found in tom.find(["Damaged"])] == ["Damaged"]
    with database_of(any_tom) as database:
        database.execute("UPDATE tom_targets_basetarget SET ra = 9e999 WHERE id = ?", (damaged,))
    with pytest.raises(RejectedError, match="one of its rows may be damaged"):
        tom.find(["Damaged"])
    for process in (tom, client(any_tom)):
        assert [[found.name for found in each] for each in process.find_each([["A"], ["C"]])] == [["A"], ["C"]]
        assert process.appeared({"a", "b", "c", "d"}) == {"a", "b", "c"}
        process.probe(writing=True)
    any_tom.make_target("D")
    assert [found.name for found in client(any_tom).find(["D"])] == ["D"]


def test_datums_that_the_tom_can_not_show_refuse_those_of_their_target_alone(any_tom: Tom, client: Client) -> None:
    damaged, good = any_tom.make_target("Damaged"), any_tom.make_target("Good")
    tom = client(any_tom)
    assert [one.fate for one in tom.add_datums(new(damaged, a_point()))] == [Fate.NEW]
    with database_of(any_tom) as database:
        if any_tom.version >= (3, 0):
            database.execute("UPDATE tom_dataproducts_photometryreduceddatum SET brightness_error = 9e999")
        else:
            database.execute("UPDATE tom_dataproducts_reduceddatum SET value = '{\"magnitude\": 9e999}'")
    tom = client(any_tom)  # the other one has looked a moment ago, and needs no look at what the target has
    results = tom.add_datums([*new(damaged, a_point(1)), *new(good, a_point()), *new(damaged, a_point(2))])
    assert [one.fate for one in results] == [Fate.REFUSED, Fate.NEW, Fate.REFUSED]
    assert f"what target {damaged} has can't be compared" in results[0].reason
    assert len(any_tom.photometry()) == 2
    with pytest.raises(RejectedError, match="one of its rows may be damaged"):
        tom.datums(damaged, [a_point()])


def test_a_target_that_the_tom_can_not_write_is_at_fault_where_it_can_write_others(
    any_tom: Tom, client: Client
) -> None:
    stuck, good = any_tom.make_target("Stuck"), any_tom.make_target("Good")
    table = "photometryreduceddatum" if any_tom.version >= (3, 0) else "reduceddatum"
    with database_of(any_tom) as database:
        for name, on in (("a", "UPDATE ON tom_targets_basetarget"), ("b", f"INSERT ON tom_dataproducts_{table}")):
            column = "target_id" if "INSERT" in on else "id"
            database.execute(
                f"CREATE TRIGGER {name} BEFORE {on} WHEN NEW.{column} = {stuck} BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
    tom = client(any_tom)
    assert len(tom.find_each([["Stuck"], ["Good"]])) == 2
    results = tom.add_datums([*new(stuck, a_point()), *new(good, a_point())])
    assert [one.fate for one in results] == [Fate.REFUSED, Fate.NEW]
    written = tom.add_to_target(stuck, Additions(fields={"epoch": 2000.0}), source())
    assert written.unverified == ("epoch: the TOM did not take it",)


# -- lists ------------------------------------------------------------------------------------------------------------


def test_a_member_that_may_not_be_changed_is_refused_alone_and_many_cost_few_requests(
    any_tom: Tom, client: Client, asked: list[Request]
) -> None:
    pks = [any_tom.make_target(f"T{number}", may_change=number != 3) for number in range(12)]
    tom = client(any_tom)
    written = tom.add_to_list("L", [*pks, 999], source())
    assert "list L: T3: the account may not change the target" in str(written[3])
    assert "list L: the target is gone" in str(written[-1])
    assert [one for one in written if isinstance(one, Written)] == [Written(pk=pk) for pk in pks if pk != pks[3]]
    assert set(any_tom.lists()) == {"L"}
    assert set(any_tom.lists()["L"]) == {f"T{number}" for number in range(12)} - {"T3"}
    assert len(asked) < 3 * len(pks)
    asked.clear()
    assert tom.add_to_list("L", pks[4:], source()) == [Written(pk=pk) for pk in pks[4:]]
    assert not [one for one in asked if one.method == "PATCH"]


def test_many_targets_are_created_with_few_requests_and_each_has_its_own_fate(
    any_tom: Tom, client: Client, asked: list[Request]
) -> None:
    any_tom.make_target("Hidden", users=[])
    any_tom.make_target("There")
    names = [*(f"T{number}" for number in range(10)), "Hidden", "there", "t-0"]
    tom = client(any_tom)
    made = tom.create_targets(new_targets([a_target(name) for name in names], ["L"], source()))
    assert [type(one) for one in made] == [Written] * 10 + [RejectedError, type(None), type(None)]
    assert "may not see" in str(made[10])
    assert len(any_tom.targets()) == 12
    assert set(any_tom.lists()["L"]) == set(names[:10])
    assert all(isinstance(one, Written) and one.unverified == () for one in made[:10])
    assert len(asked) < 4 * len(names)


# -- a stop, and time that is over ------------------------------------------------------------------------------------


def test_a_stop_ends_a_large_light_curve_within_seconds_and_the_next_try_goes_on(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("A")
    points = [a_point(number) for number in range(400)]
    provenance, intents, stopped = source(), MemoryIntents(), threading.Event()
    stopped_at: list[float] = []

    def stop() -> None:
        wait_until(lambda: len(any_tom.photometry()) >= 40, timeout_s=60, what="the first points")
        stopped_at.append(time.monotonic())
        stopped.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    with pytest.raises(BudgetSpentError, match="stop"):
        client(any_tom, intents).add_datums(new(pk, *points, provenance=provenance), Budget(stopped=stopped))
    ended_at = time.monotonic()
    stopper.join()
    assert ended_at - stopped_at[0] < 10
    assert 40 <= len(any_tom.photometry()) < 400
    results = client(any_tom, intents).add_datums(new(pk, *points, provenance=provenance))
    assert [one.fate for one in results] == [Fate.NEW] * 400
    assert len(any_tom.photometry()) == 400


def test_time_after_time_that_is_over_everything_is_written_once(any_tom: Tom, client: Client) -> None:
    pk = any_tom.make_target("A")
    points = new(pk, *(a_point(number) for number in range(150)))
    tom = client(any_tom)
    assert tom.find(["A"])
    results = None
    for _ in range(100):
        try:
            results = tom.add_datums(points, Budget(0.5))
            break
        except BudgetSpentError:
            continue
    assert results is not None
    assert [one.fate for one in results] == [Fate.NEW] * 150
    assert len(any_tom.photometry()) == 150


def test_a_list_and_new_targets_that_a_stop_broke_off_are_finished_by_the_next_try(
    any_tom: Tom, client: Client, asked: list[Request]
) -> None:
    names = [f"T{number}" for number in range(6)]
    targets, provenance, intents = [a_target(name) for name in names], source(), MemoryIntents()
    wanted = new_targets(targets, ["L"], provenance)

    class UntilSomeAreMade(Budget):
        @property
        def spent(self) -> bool:
            return len([one for one in asked if one.method == "POST" and one.path == "/api/targets/"]) > 3

    with pytest.raises(BudgetSpentError):
        client(any_tom, intents).create_targets(wanted, UntilSomeAreMade(0.0))
    assert len(any_tom.targets()) == 3
    tom = client(any_tom, intents)
    assert tom.began_creating(targets, provenance) == set(names[:4])
    made = tom.create_targets(wanted)
    assert [type(one) for one in made] == [Written] * 6
    assert any_tom.lists() == {"L": names}


@pytest.mark.waits
def test_a_locked_database_is_away_whatever_is_written(tom3: Tom, client: Client) -> None:
    tom3.make_target("A")
    tom = client(tom3)
    assert tom.find(["A"])
    with database_of(tom3) as another:
        another.execute("BEGIN IMMEDIATE")
        for write in (
            lambda: create_target(tom, a_target("New"), [], source()),
            lambda: tom.probe(writing=True),
        ):
            with pytest.raises(TomAwayError, match="can't write"):
                write()
        tom.probe(writing=False)
        another.execute("ROLLBACK")
    assert [row["name"] for row in tom3.targets()] == ["A"]
