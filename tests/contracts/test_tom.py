"""The contract of a TOM (``bridge.tom.port``), on real TOMs; what is asserted is what the TOM's database holds."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from parts.creating import create_target
from parts.django_tom import InProcessTom
from parts.tom_site import BRIDGE_PASSWORD, GROUP
from parts.toms import Tom as RunningTom
from simulation.lab import SimulatedLab
from simulation.tom import SimulatedTom

from bridge.errors import RejectedError
from bridge.events import DataProduct, EventRef, Point, Target, TargetType, uuid7
from bridge.ledger.sqlite import SqliteLedger
from bridge.tom.port import Additions, Fate, NewDatum, NewTarget, Provenance, Tom, Written
from bridge.tom.rest import RestAccount, RestTom

pytestmark = pytest.mark.tom

T0 = datetime(2024, 5, 1, 3, 4, 5, 678901, tzinfo=UTC)


@pytest.fixture
def intents(tmp_path: Path) -> Iterator[SqliteLedger]:
    ledger = SqliteLedger(tmp_path / "ledger.sqlite3")
    yield ledger
    ledger.close()


OVER_REST: dict[str, int | str] = {"simulated": 0, "toolkit3": 3, "toolkit3.0": "3.0", "toolkit2": 2}
over_rest = pytest.mark.parametrize("any_tom", OVER_REST, indirect=True)
"""For what only a client can meet: an account that may not see or change, a call that was killed half done."""


@pytest.fixture(params=[*OVER_REST, "orm-sqlite", "orm-postgresql"])
def any_tom(request: pytest.FixtureRequest) -> RunningTom | SimulatedLab:
    """A TOM of each release over REST, and the TOM of this process on each database."""
    if request.param == "simulated":
        return SimulatedLab()
    if request.param in OVER_REST:
        return request.getfixturevalue("make_tom")(OVER_REST[request.param])
    return request.getfixturevalue("make_orm_tom")(request.param.removeprefix("orm-"))


@pytest.fixture
def open_tom(any_tom: RunningTom, intents: SqliteLedger) -> Iterator[Callable[[], Tom]]:
    """Open the TOM as a new process of the bridge would: nothing remembered but the intents."""
    opened: list[Tom] = []

    def open_() -> Tom:
        if isinstance(any_tom, InProcessTom):
            from bridge.tomtoolkit.ledger.store import DjangoLedger
            from bridge.tomtoolkit.receiving.tom import DjangoTom

            opened.append(DjangoTom(DjangoLedger(), {"": (GROUP,)}))
            return opened[-1]
        if isinstance(any_tom, SimulatedLab):
            return SimulatedTom(any_tom.holdings, intents.intents, groups=(GROUP,))
        account = RestAccount(
            base_url=any_tom.base_url,
            username="bridge",
            password=BRIDGE_PASSWORD,
            groups=(GROUP,),
            name_index_age_s=0.0,
        )
        opened.append(RestTom(account, intents.intents))
        return opened[-1]

    yield open_
    for tom in opened:
        tom.close()


@pytest.fixture
def tom(open_tom: Callable[[], Tom]) -> Tom:
    return open_tom()


def a_target(name: str = "SN 2024abc", **fields: Any) -> Target:
    return Target(**{"name": name, "type": TargetType.SIDEREAL, "ra": 10.5, "dec": -20.25, **fields})


def from_elsewhere() -> Provenance:
    return Provenance(event=EventRef("another-tom", uuid7()), origin_name="Another TOM", shared_by="somebody")


def a_point(**fields: Any) -> Point:
    defaults = {"timestamp": T0, "bandpass": "r", "brightness": 18.5, "source_name": "Another TOM"}
    return Point(**{**defaults, **fields})


def fates(tom: Tom, pk: int, *points: Point, provenance: Provenance | None = None) -> list[Fate]:
    provenance = provenance or from_elsewhere()
    written = tom.add_datums([NewDatum(target_pk=pk, datum=point, provenance=provenance) for point in points])
    return [result.fate for result in written]


# -- finding ---------------------------------------------------------------------------------------------------------


def test_a_target_is_found_by_its_name_written_differently(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("SN 2024abc", aliases=["ZTF24-xyz"], extras={"z": "0.1"}, epoch=2000.0)
    (found,) = tom.find(["sn_2024(ABC)"])
    assert (found.pk, found.name, found.aliases) == (pk, "SN 2024abc", ("ZTF24-xyz",))
    assert (found.fields["ra"], found.fields["epoch"], found.fields["parallax"]) == (10.0, 2000.0, None)
    assert found.extras == {"z": "0.1"}


def test_a_target_is_found_by_an_alias(tom: Tom, any_tom: RunningTom) -> None:
    any_tom.make_target("SN 2024abc", aliases=["ZTF24-xyz"])
    assert [found.name for found in tom.find(["unknown", "ztf24xyz"])] == ["SN 2024abc"]


@pytest.mark.parametrize("name", ["A+B & C#1", "one, two", "α Cen 100%", "quo\"te'd?=/"])
def test_a_name_with_special_characters_is_found(tom: Tom, any_tom: RunningTom, name: str) -> None:
    any_tom.make_target(name)
    assert [found.name for found in tom.find([name.upper()])] == [name]


def test_all_targets_that_match_are_returned(tom: Tom, any_tom: RunningTom) -> None:
    any_tom.make_target("R 2024abc")
    any_tom.make_target("Other", aliases=["R2024ABC"])
    assert {found.name for found in tom.find(["r2024abc"])} == {"R 2024abc", "Other"}


def test_each_of_many_is_found_by_its_own_names_alone(tom: Tom, any_tom: RunningTom) -> None:
    any_tom.make_target("SN 2024abc", aliases=["ZTF24-xyz"])
    any_tom.make_target("SN 2024def")
    any_tom.make_target("Other", aliases=["SN2024DEF"])
    found = tom.find_each([["sn2024abc", "ztf24xyz"], ["unknown"], ["SN 2024def"], ["at 1", "ZTF24XYZ"]])
    assert [sorted(target.name for target in each) for each in found] == [
        ["SN 2024abc"],
        [],
        ["Other", "SN 2024def"],
        ["SN 2024abc"],
    ]
    assert tom.find_each([]) == []


def test_nothing_is_found_where_nothing_matches(tom: Tom, any_tom: RunningTom) -> None:
    any_tom.make_target("SN 2024abc")
    assert tom.find(["SN 2024ab", "2024abc"]) == ()


def test_a_name_of_which_the_rule_leaves_nothing_is_found_as_it_is_written(tom: Tom, any_tom: RunningTom) -> None:
    any_tom.make_target("SN 2024abc")
    any_tom.make_target("-")
    assert [found.name for found in tom.find(["-"])] == ["-"]
    assert tom.find(["()"]) == ()
    assert tom.appeared({"-", "()", "--"}) == {"-"}
    assert create_target(tom, a_target("-"), [], from_elsewhere()) is None


def test_names_of_which_the_rule_leaves_nothing_are_told_apart_where_targets_are_made(
    tom: Tom, any_tom: RunningTom
) -> None:
    any_tom.make_target("-")
    written = create_target(tom, a_target("()"), [], from_elsewhere())
    assert isinstance(written, Written)
    assert create_target(tom, a_target("X", aliases=("-",)), [], from_elsewhere()) is None
    assert [row["name"] for row in any_tom.targets()] == ["-", "()"]
    assert [found.pk for found in tom.find(["()"])] == [written.pk]


def test_what_this_process_wrote_is_found_at_once(tom: Tom) -> None:
    assert tom.find(["SN 2024abc"]) == ()
    written = create_target(tom, a_target(), [], from_elsewhere())
    assert written is not None
    assert [found.pk for found in tom.find(["SN 2024abc"])] == [written.pk]


def test_a_removed_target_is_not_found(tom: Tom, any_tom: RunningTom) -> None:
    any_tom.make_target("SN 2024abc")
    assert tom.find(["SN 2024abc"])
    any_tom.delete_targets()
    assert tom.find(["SN 2024abc"]) == ()


def test_names_that_a_person_gives_appear(tom: Tom, any_tom: RunningTom) -> None:
    assert tom.appeared({"sn2024abc", "ztf24xyz", "m1"}) == frozenset()
    any_tom.make_target("SN 2024abc", aliases=["ZTF24-xyz"])
    assert tom.appeared({"sn2024abc", "ztf24xyz", "m1"}) == {"sn2024abc", "ztf24xyz"}


# -- creating --------------------------------------------------------------------------------------------------------


def test_a_target_is_created_in_full(tom: Tom, any_tom: RunningTom) -> None:
    target = a_target(
        aliases=("ZTF24xyz", "AT 2024abc"), extras={"redshift": "0.03", "note": ""}, epoch=2015.5, parallax=0.0,
        pm_ra=-3.5, distance=1e9, abs_mag=0.0, slope=0.15,
    )  # fmt: skip
    written = create_target(tom, target, ["Imported from Another TOM"], from_elsewhere())
    assert written is not None
    assert written.unverified == ()
    row = any_tom.target("SN 2024abc")
    wanted = {"ra": 10.5, "dec": -20.25, "epoch": 2015.5, "parallax": 0.0, "pm_ra": -3.5, "abs_mag": 0.0, "slope": 0.15}
    assert {name: row[name] for name in wanted} == wanted
    assert any_tom.aliases("SN 2024abc") == {"ZTF24xyz", "AT 2024abc"}
    assert any_tom.extras("SN 2024abc") == {"redshift": "0.03", "note": ""}
    assert any_tom.lists() == {"Imported from Another TOM": ["SN 2024abc"]}
    assert any_tom.viewers("SN 2024abc") == {GROUP}


@pytest.mark.parametrize("fields", [{"ra": 0.0}, {"dec": 0.0}, {"ra": 0.0, "dec": 0.0}])
def test_a_coordinate_of_zero_is_a_value(tom: Tom, any_tom: RunningTom, fields: dict[str, float]) -> None:
    written = create_target(tom, a_target(**fields), [], from_elsewhere())
    assert written is not None
    assert written.unverified == ()
    row = any_tom.target("SN 2024abc")
    assert {name: row[name] for name in fields} == fields


def test_an_orbital_element_of_zero_is_a_value(tom: Tom, any_tom: RunningTom) -> None:
    elements = {
        "scheme": "MPC_MINOR_PLANET", "epoch_of_elements": 60000.0, "inclination": 0.0, "lng_asc_node": 0.0,
        "arg_of_perihelion": 0.0, "eccentricity": 0.0, "mean_anomaly": 0.0, "semimajor_axis": 2.5,
    }  # fmt: skip
    orbit = Target.model_validate({"name": "1 Ceres", "type": TargetType.NON_SIDEREAL, **elements})
    written = create_target(tom, orbit, [], from_elsewhere())
    assert written is not None
    assert written.unverified == ()
    row = any_tom.target("1 Ceres")
    assert {name: row[name] for name in elements} == elements


def test_a_target_is_not_created_where_one_that_matches_has_appeared(tom: Tom, any_tom: RunningTom) -> None:
    assert tom.find(["SN 2024abc"]) == ()
    any_tom.make_target("Other", aliases=["sn-2024-abc"])
    assert create_target(tom, a_target(), [], from_elsewhere()) is None
    assert [row["name"] for row in any_tom.targets()] == ["Other"]


def test_targets_of_several_events_are_created_at_once_each_in_its_own_list(tom: Tom, any_tom: RunningTom) -> None:
    new = [
        NewTarget(target=a_target(name), provenance=from_elsewhere(), lists=(tom.open_list(called),))
        for name, called in (("A", "First"), ("B", "Second"), ("C", "First"), ("a", "Second"))
    ]
    made = tom.create_targets(new)
    assert [type(one) for one in made] == [Written, Written, Written, type(None)]
    assert any_tom.lists() == {"First": ["A", "C"], "Second": ["B"]}
    found = tom.find_each([("A",), ("B",), ("C",)])
    assert [[one.pk for one in those] for those in found] == [[one.pk] for one in made if isinstance(one, Written)]


@over_rest
@pytest.mark.parametrize("hidden", ["name", "alias"])
def test_a_target_that_the_account_may_not_see_is_told(tom: Tom, any_tom: RunningTom, hidden: str) -> None:
    any_tom.make_target(
        "SN 2024abc" if hidden == "name" else "X", aliases=["AT 2024abc"] if hidden == "alias" else [], users=[]
    )
    with pytest.raises(RejectedError, match="may not see"):
        create_target(tom, a_target(aliases=("AT 2024abc",)), [], from_elsewhere())
    assert len(any_tom.targets()) == 1


@over_rest
def test_what_a_killed_call_created_counts_as_created_by_the_repeated_one(
    open_tom: Callable[[], Tom], any_tom: RunningTom
) -> None:
    provenance = from_elsewhere()
    first = create_target(open_tom(), a_target(dec=0.0, extras={"z": "1"}), ["L"], provenance)
    again = create_target(open_tom(), a_target(dec=0.0, extras={"z": "1"}), ["L"], provenance)
    assert first is not None
    assert again is not None
    assert again.pk == first.pk
    assert any_tom.lists() == {"L": ["SN 2024abc"]}


# -- adding ----------------------------------------------------------------------------------------------------------


def test_a_target_is_given_what_it_lacks(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("SN 2024abc", aliases=["A"], extras={"z": "0.1"})
    additions = Additions(
        aliases=("B", "C"), extras={"host": "M 31", "note": ""}, fields={"epoch": 2000.0, "pm_ra": 0.0}
    )
    written = tom.add_to_target(pk, additions, from_elsewhere())
    assert written.unverified == ()
    assert any_tom.aliases("SN 2024abc") == {"A", "B", "C"}
    assert any_tom.extras("SN 2024abc") == {"z": "0.1", "host": "M 31", "note": ""}
    row = any_tom.target("SN 2024abc")
    assert (row["epoch"], row["pm_ra"], row["ra"]) == (2000.0, 0.0, 10.0)


def test_what_the_target_has_by_now_is_left_as_it_is(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("SN 2024abc", aliases=["A"], extras={"z": "0.1"}, epoch=2000.0)
    additions = Additions(
        aliases=("A", "B"), extras={"z": "0.2", "host": "M 31"}, fields={"epoch": 2015.5, "pm_ra": 1.0}
    )
    for _ in range(2):
        assert tom.add_to_target(pk, additions, from_elsewhere()).unverified == ()
    assert any_tom.extras("SN 2024abc") == {"z": "0.1", "host": "M 31"}
    assert any_tom.aliases("SN 2024abc") == {"A", "B"}
    row = any_tom.target("SN 2024abc")
    assert (row["epoch"], row["pm_ra"]) == (2000.0, 1.0)


def test_an_alias_that_another_target_has_costs_nothing_else(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("SN 2024abc")
    any_tom.make_target("Hidden", aliases=["Taken"], users=[])
    additions = Additions(aliases=("Taken", "Free"), extras={"z": "1"}, fields={"epoch": 2000.0})
    written = tom.add_to_target(pk, additions, from_elsewhere())
    assert [reason.split(":")[0] for reason in written.unverified] == ["alias Taken"]
    assert any_tom.aliases("SN 2024abc") == {"Free"}
    assert any_tom.extras("SN 2024abc") == {"z": "1"}
    assert any_tom.target("SN 2024abc")["epoch"] == 2000.0


@over_rest
def test_a_target_that_may_not_be_changed_is_refused_with_the_permission(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("SN 2024abc", may_change=False)
    with pytest.raises(RejectedError, match="permission to change"):
        tom.add_to_target(pk, Additions(aliases=("B",)), from_elsewhere())


# -- lists -----------------------------------------------------------------------------------------------------------


def test_the_names_of_all_lists_are_told(tom: Tom, any_tom: RunningTom) -> None:
    any_tom.make_target("Hidden", lists=["A & B", "C"], users=[])
    assert tom.list_names() == {"A & B", "C"}


def test_targets_join_a_list_and_those_in_it_stay(tom: Tom, any_tom: RunningTom) -> None:
    pks = [any_tom.make_target(name) for name in ("A", "B", "C, D")]
    handle = tom.open_list('A "new" list & more')
    assert tom.add_to_list(handle, pks[:1], from_elsewhere()) == [Written(pk=pks[0])]
    assert tom.add_to_list(handle, pks, from_elsewhere()) == [Written(pk=pk) for pk in pks]
    assert any_tom.lists() == {'A "new" list & more': ["A", "B", "C, D"]}


# -- photometry ------------------------------------------------------------------------------------------------------


def test_photometry_arrives_in_full(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("SN 2024abc")
    point = a_point(
        brightness_error=0.0, limit=20.5, unit="AB mag", exposure_time=30.0, telescope="1m0a", instrument="fa07",
        reduction_version="v2", source_location="https://example.org/1", extra={"survey": "ATLAS", "flags": [1, None]},
    )  # fmt: skip
    assert fates(tom, pk, point, a_point(bandpass="o", brightness=None, limit=19.0)) == [Fate.NEW] * 2
    rows = any_tom.photometry("SN 2024abc")
    second, first = sorted(rows, key=lambda row: str(read_back(any_tom, row)["bandpass"]))
    assert read_back(any_tom, first) == {
        "bandpass": "r", "brightness": 18.5, "brightness_error": 0.0, "limit": 20.5, "unit": "AB mag",
        "exposure_time": 30.0, "telescope": "1m0a", "instrument": "fa07", "reduction_version": "v2",
    } | {"extra": {"survey": "ATLAS", "flags": [1, None]}}  # fmt: skip
    assert (first["source_name"], first["source_location"]) == ("Another TOM", "https://example.org/1")
    assert datetime.fromisoformat(first["timestamp"]).replace(tzinfo=UTC) == T0
    assert read_back(any_tom, second)["limit"] == 19.0
    assert read_back(any_tom, second)["brightness"] is None


def test_a_brightness_of_zero_is_a_value(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("Vega")
    assert fates(tom, pk, a_point(brightness=0.0)) == [Fate.NEW]
    assert fates(tom, pk, a_point(brightness=0.0)) == [Fate.DUPLICATE]
    assert [read_back(any_tom, row)["brightness"] for row in any_tom.photometry()] == [0.0]


def test_an_equal_point_is_a_duplicate(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    points = [a_point(), a_point(brightness=None, limit=20.0, bandpass="g"), a_point(bandpass="i", instrument="x")]
    assert fates(tom, pk, *points) == [Fate.NEW] * 3
    assert fates(tom, pk, *points) == [Fate.DUPLICATE] * 3
    assert len(any_tom.photometry()) == 3


def test_of_two_equal_points_at_once_the_second_is_a_duplicate(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, a_point(), a_point()) == [Fate.NEW, Fate.DUPLICATE]
    assert len(any_tom.photometry()) == 1


def test_another_value_at_the_same_place_is_conflicting_and_not_written(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, a_point(brightness=18.5, telescope="T", instrument="I")) == [Fate.NEW]
    assert fates(tom, pk, a_point(brightness=18.6, telescope="T", instrument="I")) == [Fate.CONFLICTING]
    assert [read_back(any_tom, row)["brightness"] for row in any_tom.photometry()] == [18.5]


def test_two_instruments_at_the_same_time_are_two_rows(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, a_point(instrument="one"), a_point(instrument="two")) == [Fate.NEW] * 2
    assert fates(tom, pk, a_point(instrument="two"), a_point(instrument="one")) == [Fate.DUPLICATE] * 2
    assert len(any_tom.photometry()) == 2


def test_a_point_of_another_reduction_is_new(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, a_point(reduction_version="1")) == [Fate.NEW]
    assert fates(tom, pk, a_point(reduction_version="2")) == [Fate.NEW]
    assert fates(tom, pk, a_point(reduction_version="2")) == [Fate.DUPLICATE]
    assert len(any_tom.photometry()) == 2


def test_two_surveys_and_two_exposures_at_one_time_that_one_event_brings_are_all_written(
    tom: Tom, any_tom: RunningTom
) -> None:
    pk = any_tom.make_target("SN 2024abc")
    rows = [
        a_point(bandpass="B", brightness=15.591, extra={"original_source_name": "Las Cumbres"}),
        a_point(bandpass="B", brightness=None, limit=18.0, extra={"original_source_name": "DLT40"}),
        a_point(bandpass="V", brightness=15.6, exposure_time=30.0),
        a_point(bandpass="V", brightness=15.7, exposure_time=60.0),
    ]
    together = from_elsewhere()
    assert fates(tom, pk, *rows, provenance=together) == [Fate.NEW] * 4
    assert len(any_tom.photometry()) == 4
    assert fates(tom, pk, *rows, provenance=from_elsewhere()) == [Fate.DUPLICATE] * 4
    assert fates(tom, pk, a_point(bandpass="V", brightness=15.8)) == [Fate.CONFLICTING]
    assert len(any_tom.photometry()) == 4


def test_a_light_curve_that_arrives_two_ways_does_not_double(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("SN 2024abc")
    whole = a_point(exposure_time=30.0, unit="mag", extra={"original_source_name": "ZTF"})
    less = a_point(source_name="Gamma TOM")
    assert fates(tom, pk, whole, provenance=from_elsewhere()) == [Fate.NEW]
    assert fates(tom, pk, less) == [Fate.DUPLICATE]
    other_way_round = a_point(timestamp=T0 + timedelta(days=1))
    assert fates(tom, pk, other_way_round) == [Fate.NEW]
    given = {"exposure_time": 30.0, "unit": "mag", "extra": {"original_source_name": "ZTF"}}
    assert fates(tom, pk, other_way_round.model_copy(update=given)) == [Fate.DUPLICATE]
    assert len(any_tom.photometry()) == 2


@over_rest
def test_a_refused_point_costs_the_others_nothing(tom: Tom, any_tom: RunningTom) -> None:
    mine, other = any_tom.make_target("Mine"), any_tom.make_target("Other", may_change=False)
    provenance = from_elsewhere()
    new = [NewDatum(target_pk=pk, datum=a_point(), provenance=provenance) for pk in (mine, other, 999)]
    results = tom.add_datums(new)
    assert [result.fate for result in results] == [Fate.NEW, Fate.REFUSED, Fate.REFUSED]
    assert "permission" in results[1].reason
    assert [row["target"] for row in any_tom.photometry()] == ["Mine"]


@over_rest
def test_points_that_a_killed_call_wrote_count_as_new(open_tom: Callable[[], Tom], any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    provenance = from_elsewhere()
    points = [a_point(timestamp=T0 + timedelta(seconds=number)) for number in range(4)]
    assert fates(open_tom(), pk, *points[:1]) == [Fate.NEW]
    expected = [Fate.DUPLICATE, *[Fate.NEW] * 3]
    assert fates(open_tom(), pk, *points, provenance=provenance) == expected
    assert fates(open_tom(), pk, *points, provenance=provenance) == expected
    assert fates(open_tom(), pk, *points) == [Fate.DUPLICATE] * 4
    assert len(any_tom.photometry()) == 4


def test_rows_are_read_as_they_are(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    point = a_point(brightness_error=0.1, unit="mag", telescope="T", instrument="I", limit=20.0)
    fates(tom, pk, point, a_point(timestamp=T0 + timedelta(days=1)))
    (row,) = tom.datums(pk, [point])
    shown = {name: value for name, value in row.values.items() if name not in row.hidden}
    assert shown.items() == {name: getattr(point, name) for name in shown}.items()
    assert shown["brightness"] == 18.5
    assert row.values["limit"] == (None if "limit" in row.hidden else 20.0)


@pytest.mark.parametrize(
    "key",
    ["target", "value", "f", "filter", "band", "mag", "magnitude", "data_product", "id", "timestamp", "data_type"],
)
def test_an_extra_value_never_becomes_something_else(tom: Tom, any_tom: RunningTom, key: str) -> None:
    pk = any_tom.make_target("A")
    assert fates(tom, pk, a_point(extra={key: "x", "kept": 1})) == [Fate.NEW]
    (row,) = any_tom.photometry()
    assert read_back(any_tom, row)["extra"] == {f"shared_{key}": "x", "kept": 1}
    assert datetime.fromisoformat(row["timestamp"]).replace(tzinfo=UTC) == T0


# -- products --------------------------------------------------------------------------------------------------------


def an_image(content: bytes = b"\x89PNG 1", **fields: Any) -> DataProduct:
    reference = a_target("A").reference
    return DataProduct.of(
        content, **{"target": reference, "filename": "é 1.png", "data_product_type": "image_file", **fields}
    )


def test_a_product_is_stored(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    assert tom.find_product("p1") is None
    stored = tom.add_product(pk, an_image(extra_data="about it"), "p1", from_elsewhere())
    (row,) = any_tom.products()
    assert (stored.fate, stored.pk, stored.unverified) == (Fate.NEW, row["id"], ())
    assert (row["product_id"], row["target"], row["extra_data"]) == ("p1", "A", "about it")
    assert row["path"].read_bytes() == b"\x89PNG 1"
    found = tom.find_product("p1")
    assert found is not None
    assert (found.pk, found.target_pk, found.sha256) == (row["id"], pk, an_image().sha256)


def test_the_same_product_is_a_duplicate(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    tom.add_product(pk, an_image(), "p1", from_elsewhere())
    assert tom.add_product(pk, an_image(), "p1", from_elsewhere()).fate is Fate.DUPLICATE
    assert len(any_tom.products()) == 1


@pytest.mark.parametrize("other", ["content", "target"])
def test_another_product_of_the_same_id_is_conflicting(tom: Tom, any_tom: RunningTom, other: str) -> None:
    pk, another = any_tom.make_target("A"), any_tom.make_target("B")
    tom.add_product(pk, an_image(), "p1", from_elsewhere())
    result = (
        tom.add_product(pk, an_image(b"other"), "p1", from_elsewhere())
        if other == "content"
        else tom.add_product(another, an_image(), "p1", from_elsewhere())
    )
    assert result.fate is Fate.CONFLICTING
    assert other in result.reason
    assert [row["path"].read_bytes() for row in any_tom.products()] == [b"\x89PNG 1"]


@over_rest
def test_a_product_that_a_killed_call_stored_counts_as_new(open_tom: Callable[[], Tom], any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    provenance = from_elsewhere()
    for _ in range(2):
        assert open_tom().add_product(pk, an_image(), "p1", provenance).fate is Fate.NEW
    assert len(any_tom.products()) == 1


def test_a_type_that_the_tom_does_not_have_is_refused_with_those_that_it_has(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A")
    with pytest.raises(RejectedError, match="image_file"):
        tom.add_product(pk, an_image(data_product_type="hologram"), "p1", from_elsewhere())
    assert any_tom.products() == []


@over_rest
def test_a_product_for_a_target_that_may_not_be_changed_is_refused(tom: Tom, any_tom: RunningTom) -> None:
    pk = any_tom.make_target("A", may_change=False)
    with pytest.raises(RejectedError, match="permission to change"):
        tom.add_product(pk, an_image(), "p1", from_elsewhere())


def test_a_product_that_the_processor_can_not_read_is_kept_and_that_is_told(tom: Tom, any_tom: RunningTom) -> None:
    result = tom.add_product(any_tom.make_target("A"), no_table(), "p1", from_elsewhere())
    assert result.fate is Fate.NEW
    assert "not processed" in result.unverified[0]
    assert [row["path"].read_bytes() for row in any_tom.products()] == [no_table().content]
    assert any_tom.photometry() == []


def no_table() -> DataProduct:
    return an_image(b"\x00\x01 no table", filename="table.csv", data_product_type="photometry")


def read_back(tom: RunningTom, row: dict[str, Any]) -> dict[str, Any]:
    """Return a photometric row in the words of events, wherever this version keeps them."""
    columns = ("limit", "unit", "exposure_time", "telescope", "instrument", "reduction_version")
    if tom.version >= (3, 0):
        found = {name: row[name] for name in ("bandpass", "brightness", "brightness_error", *columns)}
        return found | {"extra": row["value"]}
    value = dict(row["value"])
    found = {
        "bandpass": value.pop("filter"),
        "brightness": value.pop("magnitude", None),
        "brightness_error": value.pop("error", None),
    }
    return found | {name: value.pop(name, None) for name in columns} | {"extra": value}
