"""Photometry over the ORM: many rows at once, and one bad row costs no other."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import VENDORS, InProcessTom
from parts.tom_site import GROUP

from bridge.errors import TomAwayError
from bridge.events import Point
from bridge.tom.port import Fate, NewDatum, Provenance

T0 = datetime(2026, 5, 1, 3, 4, 5, tzinfo=UTC)


def nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


def points(count: int) -> list[Point]:
    return [
        Point(timestamp=T0 + timedelta(minutes=number), bandpass="r", brightness=18.0, source_name="Alpha TOM")
        for number in range(count)
    ]


def write(tom: Any, pk: int, wanted: Sequence[Point], provenance: Provenance) -> Any:
    return tom.add_datums([NewDatum(target_pk=pk, datum=point, provenance=provenance) for point in wanted])


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"bandpass": "x" * 33}, "bandpass: has 33 characters; this TOM holds 32"),
        ({"telescope": "a\x00b"}, "telescope: has a NUL"),
        ({"brightness": math.nan}, "brightness: nan"),
        ({"limit": math.inf}, "limit: inf"),
        ({"extra": {"flux": math.nan}}, "extra: "),
        ({"extra": {"flux": "a\x00"}}, "extra: has a NUL"),
        ({"extra": {"a\x00": 1}}, "extra: has a NUL"),
        ({"extra": {"a\\u0000": {"b": ["\x00"]}}}, "extra: has a NUL"),
        ({"extra": {"a\ud800": 1}}, "extra: has half a character"),
        ({"extra": {"flux": ["\udfff"]}}, "extra: has half a character"),
        ({"extra": {"flux": 10**5000}}, "extra: "),
        ({"extra": {"flux": nested(5000)}}, "extra: "),
        ({"extra": {"flux": nested(200)}}, "extra: is nested too deeply; 100 levels are the most"),
        ({"extra": {"flux": -math.inf}}, "extra: "),
        ({"instrument": "a\ud83d"}, "instrument: has half a character"),
        ({"source_location": "x" * 201}, "source_location: has 201 characters"),
        ({"timestamp": datetime(1, 1, 1, tzinfo=UTC)}, "timestamp: 1-01-01 is not within"),
        ({"timestamp": datetime(9999, 12, 31, 23, 59, tzinfo=UTC)}, "timestamp: 9999-12-31 is not within"),
        ({"exposure_time": -math.inf}, "exposure_time: -inf"),
        ({"brightness": 10**400}, ""),
    ],
)
def test_one_bad_point_among_thousands_is_refused_alone(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance, wrong: dict[str, Any], told: str
) -> None:
    pk = orm_tom.make_target("A")
    wanted = points(2000)
    wanted[1234] = wanted[1234].model_copy(update=wrong)
    results = write(tom, pk, wanted, provenance)
    assert [number for number, result in enumerate(results) if result.fate is not Fate.NEW] == [1234]
    assert results[1234].fate is Fate.REFUSED
    assert told in results[1234].reason
    assert len(orm_tom.photometry()) == 1999


def test_what_the_database_alone_refuses_is_found_by_halving(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    from django.db import connection

    pk = orm_tom.make_target("A")
    table = "tom_dataproducts_photometryreduceddatum"
    with connection.cursor() as cursor:
        if orm_tom.vendor == "sqlite":
            cursor.execute(
                f"CREATE TRIGGER faint BEFORE INSERT ON {table} WHEN new.brightness > 30 "
                "BEGIN SELECT RAISE(ABORT, 'too faint'); END"
            )
        else:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT too_faint CHECK (brightness <= 30)")
    wanted = points(600)
    for number in (3, 599):
        wanted[number] = wanted[number].model_copy(update={"brightness": 31.0})
    wanted.append(wanted[3])  # equal to what is refused, so no duplicate of it
    results = write(tom, pk, wanted, provenance)
    refused = [number for number, result in enumerate(results) if result.fate is Fate.REFUSED]
    assert refused == [3, 599, 600]
    assert all("faint" in results[number].reason for number in refused)
    assert len(orm_tom.photometry()) == 598
    assert orm_tom.query("SELECT sum(last - first + 1) AS n FROM tom_bridge_written_run")[0]["n"] == 598


def test_every_row_is_noted_with_its_key_and_event(tom: Any, orm_tom: InProcessTom, provenance: Provenance) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum, ReducedDatum

    from bridge.tomtoolkit.receiving.written import is_written

    pk = orm_tom.make_target("A")
    write(tom, pk, points(3), provenance)
    keys = [row["id"] for row in orm_tom.photometry()]
    assert len(keys) == 3
    assert all(is_written("default", PhotometryReducedDatum, key) for key in keys)
    assert not is_written("default", ReducedDatum, keys[0])


def test_photometry_of_before_the_upgrade_is_compared_too(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    from tom_dataproducts.models import ReducedDatum

    pk = orm_tom.make_target("A")
    known, other = points(2)
    for point, magnitude in ((known, 18.0), (other, 17.0)):
        ReducedDatum.objects.create(
            target_id=pk,
            data_type="photometry",
            timestamp=point.timestamp,
            value={"magnitude": magnitude, "filter": "r"},
        )
    fates = [result.fate for result in write(tom, pk, [known, other, *points(3)[2:]], provenance)]
    assert fates == [Fate.DUPLICATE, Fate.CONFLICTING, Fate.NEW]
    assert [row.values["brightness"] for row in tom.datums(pk, [known])] == [18.0]


def test_the_number_of_queries_does_not_grow_with_the_points(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    pk = orm_tom.make_target("A")
    write(tom, pk, points(1), provenance)  # texts that all have in common are kept with the first
    with CaptureQueriesContext(connection) as few:
        write(tom, pk, points(11)[1:], provenance)
    with CaptureQueriesContext(connection) as many:
        write(tom, pk, points(51)[11:], provenance)
    assert len(many) == len(few)


def test_photometry_for_a_target_that_was_removed_meanwhile_is_decided_anew(
    tom: Any, orm_tom: InProcessTom, provenance: Provenance
) -> None:
    pk = orm_tom.make_target("A")
    orm_tom.shell("from tom_targets.models import Target; Target.objects.all().delete()")
    with pytest.raises(TomAwayError, match="removed meanwhile"):
        write(tom, pk, points(1), provenance)


@pytest.mark.parametrize("targets_only", [True, False])
@pytest.mark.parametrize("vendor", VENDORS)
def test_the_groups_see_what_comes_where_datums_have_permissions(
    make_orm_tom: MakeOrmTom, provenance: Provenance, vendor: str, targets_only: bool
) -> None:
    orm_tom = make_orm_tom(vendor, TARGET_PERMISSIONS_ONLY=targets_only)
    from django.contrib.auth.models import User
    from guardian.shortcuts import get_objects_for_user
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    tom = DjangoTom(DjangoLedger(), {"": (GROUP,)})
    write(tom, orm_tom.make_target("A"), points(3), provenance)
    seen = get_objects_for_user(
        User.objects.get(username="bridge"),
        "tom_dataproducts.view_photometryreduceddatum",
        klass=PhotometryReducedDatum.objects.all(),
    )
    assert seen.count() == (0 if targets_only else 3)
