"""Rows inserted by columns are those that the TOM's models would have made, under keys that are theirs alone."""

import itertools
import json
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import VENDORS, InProcessTom
from parts.tom_site import GROUP

from bridge.events import Datum, EventRef, Kind, Point, Position, ReducedDatum, Spectrum, uuid7
from bridge.tom.port import Fate, NewDatum, Provenance

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
WEST = timezone(timedelta(hours=-5))
VALUES: dict[str, Sequence[Any]] = {
    "DateTimeField": [
        NOON, NOON.replace(microsecond=1), datetime(1000, 1, 1, tzinfo=UTC), datetime(2026, 3, 1, 23, tzinfo=WEST)
    ],
    "FloatField": [0.0, -0.0, 18.25, 1e-300, 1e16, 5, None, True],
    "CharField": ["", "r", "α \\ \t 'x' \"y\"", "ü" * 30],
    "TextField": ["", "erg / cm2\n%s"],
    "JSONField": [{}, {"a": [1, 1.5, None, True, "α"], "b": {"c": 1e16}}, {"\\u0001": -0.0}],
    "FloatArrayField": [[], [1.0, 2.5e-17], [3]],
    "ForeignKey": [1, 7, None],
}  # fmt: skip


def models() -> dict[Kind, Any]:
    from bridge.tomtoolkit.rows.kinds import MODELS

    return dict(MODELS)


def meant(value: Any) -> Any:
    """Return what a database takes as it understands it: JSON by its content, a number as one."""
    value = getattr(value, "obj", value)  # psycopg's Jsonb
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = json.loads(value)
    return float(value) if isinstance(value, bool | int) else value


def test_each_field_of_each_model_is_converted_as_django_does(orm_tom: InProcessTom) -> None:
    from django.db import connection

    from bridge.tomtoolkit.database.inserting import as_stored

    seen = set()
    for model in models().values():
        for field in model._meta.concrete_fields:
            if field.primary_key:
                continue
            values = VALUES[field.__class__.__name__]
            seen.add(field.__class__.__name__)
            for column in (values, values[:1] * 3, values[1:2]):
                stored = as_stored(field, column, connection)
                django = [field.get_db_prep_save(value, connection) for value in column]
                assert [repr(meant(one)) for one in stored] == [repr(meant(one)) for one in django], (model, field)
    assert seen == VALUES.keys()


def datums() -> list[Datum]:
    """Return one datum of each kind with all its fields, and one with as few as there can be."""
    common = {
        "timestamp": NOON, "telescope": "1m0 α", "instrument": "fa15", "reduction_version": "2", "source_name": "Alpha",
        "source_location": "https://x/?a=1",
    }  # fmt: skip
    more = {
        "flux": 1e16,
        "luminosity": 1.2345678901234568e43,
        "photons": 1e23,
        "ratio": 2.0,
        "zero": -0.0,
        "note": "α\\ \t\n",
        "list": [1.0, None, True],
        "more": {"a": 1e-9},
    }
    other = {"timestamp": NOON + timedelta(days=1, microseconds=5)}
    point = {"brightness": 18.0, "brightness_error": -0.0, "limit": 20.5, "unit": "AB", "exposure_time": 30.0}
    spectrum = {"wavelength": (4000.0, 4001.5), "flux": (-0.0, 1e-10), "error": (0.1, -0.0), "setup": "red"}
    errors = {"ra_error": 0.1, "dec_error": 1e-5, "ra_error_units": "arcsec", "dec_error_units": "arcsec"}
    return [
        Point(**common, bandpass="r", **point, extra=more),
        Point(**other, bandpass="g'", limit=0.0),
        Spectrum(**common, **spectrum, flux_unit="Jy", wavelength_unit="nm", exposure_time=1e5, extra=more),
        Spectrum(**other, wavelength=(1.0, 10.0), flux=(1e16, -0.05)),
        Position(**common, ra=10.0, dec=-5.25, **errors, extra=more),
        Position(**other, ra=0.0, dec=-0.0),
        ReducedDatum(**common, data_type="polarimetry", value=more),
        ReducedDatum(**other, data_type="x"),
    ]


def new(pk: int, *wanted: Datum) -> list[NewDatum]:
    origin = Provenance(event=EventRef("another-tom", uuid7()), origin_name="Alpha TOM")
    return [NewDatum(target_pk=pk, datum=one, provenance=origin, number=number) for number, one in enumerate(wanted)]


def rows(model: Any) -> list[dict[str, Any]]:
    return [{key: each for key, each in row.items() if key != "id"} for row in model.objects.order_by("pk").values()]


def test_what_is_written_is_what_saving_each_would_have_written(tom: Any, orm_tom: InProcessTom) -> None:
    from bridge.tom.reserved import kept
    from bridge.tomtoolkit.receiving import written

    pk = orm_tom.make_target("A")
    assert {one.fate for one in tom.add_datums(new(pk, *datums()))} == {Fate.NEW}
    wrote = {kind: rows(model) for kind, model in models().items()}
    assert [len(each) for each in wrote.values()] == [2] * 4
    for model in models().values():
        assert [written.is_changed("default", row) for row in model.objects.all()] == [False, False]
        model.objects.all().delete()
    from bridge.events import KINDS

    for datum in datums():
        kind = KINDS[type(datum)]
        fields = {name: getattr(datum, name) for name in type(datum).model_fields if name != datum.FREE}
        lists = {name: list(each) for name, each in fields.items() if isinstance(each, tuple)}
        models()[kind](target_id=pk, value=kept(datum), **fields | lists).save()
    assert {kind: rows(model) for kind, model in models().items()} == wrote


def test_the_digests_of_columns_are_those_of_the_rows(tom: Any, orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.receiving import written

    brightness = [0.0, -0.0, 1.0, 1e16, 1e-7, 12.345678901234567, None]
    for values, unit in itertools.product((brightness, brightness[:1], brightness[-1:]), ("", 'a"b\\ α')):
        columns = {
            "target_id": [1] * len(values),
            "timestamp": [NOON + timedelta(microseconds=number) for number in range(len(values))],
            "brightness": values,
            "unit": [unit] * len(values),
            "bandpass": ["r"] * len(values),
            "value": [{"b": 1.0, "a": {"α": [1e16]}}, *[{}] * (len(values) - 1)],
        }
        one_by_one = [
            PhotometryReducedDatum(**dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        ]
        assert written.digests(PhotometryReducedDatum, columns) == [written.digest(row) for row in one_by_one]


# -- keys -------------------------------------------------------------------------------------------------------------


def points(count: int, first: int = 0) -> list[Point]:
    times = (NOON + timedelta(minutes=number) for number in range(first, first + count))
    return [Point(timestamp=time, bandpass="r", brightness=18.0, source_name="Alpha TOM") for time in times]


def test_keys_are_shared_with_all_who_write_and_never_used_again(tom: Any, orm_tom: InProcessTom) -> None:
    from tom_dataproducts.models import PhotometryReducedDatum as Photometry

    pk = orm_tom.make_target("A")
    tom.add_datums(new(pk, *points(3)))
    theirs = Photometry.objects.create(target_id=pk, timestamp=NOON, bandpass="i", brightness=1.0)
    theirs.delete()
    tom.add_datums(new(pk, *points(3, 10)))
    last = Photometry.objects.create(target_id=pk, timestamp=NOON, bandpass="z", brightness=1.0)
    keys = list(Photometry.objects.order_by("pk").values_list("pk", flat=True))
    assert theirs.pk not in keys
    assert keys[-1] == last.pk
    assert len(set(keys)) == 7


@pytest.mark.parametrize("vendor", ["postgresql"])
def test_on_postgresql_another_may_write_between_our_keys_and_our_rows(
    make_orm_tom: MakeOrmTom, vendor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    orm_tom = make_orm_tom(vendor)
    from django.db import connections
    from tom_dataproducts.models import PhotometryReducedDatum as Photometry

    from bridge.tomtoolkit.database import inserting
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving import written
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    pk = orm_tom.make_target("A")
    reserved, theirs = inserting._reserved, []

    def meanwhile(connection: Any, model: Any, count: int) -> list[int]:
        half = reserved(connection, model, count - 1)
        if model is Photometry:
            row = Photometry.objects.using("second").create(target_id=pk, timestamp=NOON, bandpass="i", brightness=1.0)
            theirs.append(row.pk)
        return half + reserved(connection, model, 1)

    monkeypatch.setattr(inserting, "_reserved", meanwhile)
    DjangoTom(DjangoLedger(), {}).add_datums(new(pk, *points(3)))
    connections["second"].close()
    assert Photometry.objects.count() == 4
    assert [written.is_written("default", Photometry, row.pk) for row in Photometry.objects.order_by("pk")] == [
        row.pk not in theirs for row in Photometry.objects.order_by("pk")
    ]


# -- permissions ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", VENDORS)
def test_permissions_on_datums_are_those_that_guardian_assigns(make_orm_tom: MakeOrmTom, vendor: str) -> None:
    orm_tom = make_orm_tom(vendor, TARGET_PERMISSIONS_ONLY=False)
    from django.contrib.auth.models import Group
    from guardian.models import GroupObjectPermission
    from guardian.shortcuts import assign_perm
    from tom_dataproducts.models import PhotometryReducedDatum

    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom
    from bridge.tomtoolkit.receiving.visibility import Visibility

    def given() -> list[Any]:
        kept = GroupObjectPermission.objects.order_by("object_pk")
        return list(kept.values_list("permission", "content_type", "group", "object_pk"))

    DjangoTom(DjangoLedger(), {"": (GROUP,)}).add_datums(new(orm_tom.make_target("A"), *points(3)))
    ours = given()
    assert len(ours) == 3
    keys = list(PhotometryReducedDatum.objects.values_list("pk", flat=True))
    Visibility({"": (GROUP,)}).show_datums(PhotometryReducedDatum, keys, "")
    assert given() == ours, "those that have it keep it"
    GroupObjectPermission.objects.all().delete()
    for row in PhotometryReducedDatum.objects.all():
        assign_perm("tom_dataproducts.view_photometryreduceddatum", Group.objects.get(name=GROUP), row)
    assert given() == ours


# -- the look at what is there ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", ["sqlite"])
def test_what_is_there_is_looked_for_by_indexes_that_begin_with_target_and_time(
    make_orm_tom: MakeOrmTom, vendor: str
) -> None:
    orm_tom = make_orm_tom(vendor)
    from django.db import connection
    from django.test.utils import CaptureQueriesContext
    from tom_dataproducts.models import ReducedDatum as Model

    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    pk = orm_tom.make_target("A")
    Model.objects.create(target_id=pk, timestamp=NOON, data_type="photometry", value={"magnitude": 1.0, "filter": "g"})
    tom = DjangoTom(DjangoLedger(), {})
    with CaptureQueriesContext(connection) as queries:
        tom.datums(pk, datums())
    looks = [one["sql"] for one in queries if "AS wanted" in one["sql"]]
    ranges = [look for look in looks if "BETWEEN" in look]
    assert len(ranges) == 7, "four models, and what is from before 3.1 for three of them"
    assert len(looks) - len(ranges) == 4, "what is from before 3.1 lies in the range of all four kinds"
    with connection.cursor() as cursor:
        for look in looks:
            cursor.execute(f"EXPLAIN QUERY PLAN {look.replace('%', '%%')}")
            (found,) = (told for *_, told in cursor.fetchall() if "held" in told)
            assert "target_id=? AND" in found
            assert ("timestamp>? AND timestamp<?" if look in ranges else "timestamp=?") in found


def test_what_is_there_is_found_at_either_end_and_within_what_comes(tom: Any, orm_tom: InProcessTom) -> None:
    pk, other = orm_tom.make_target("A"), orm_tom.make_target("B")

    def light_curve(*hours: int) -> list[Datum]:
        return [Point(timestamp=NOON + timedelta(hours=hour), bandpass="r", brightness=18.0) for hour in hours]

    tom.add_datums(new(pk, *light_curve(0, 4, 8)))
    for hours, known in {(3, 0, -1): {0}, (12, 8, 9): {8}, (6, 3, 5, 4): {3, 4}, (20, 21): set(), (1,): set()}.items():
        fates = [one.fate for one in tom.add_datums(new(pk, *light_curve(*hours)))]
        assert fates == [Fate.DUPLICATE if hour in known else Fate.NEW for hour in hours]
    assert {one.fate for one in tom.add_datums(new(other, *light_curve(0, 4, 8)))} == {Fate.NEW}


def test_datums_of_several_events_and_kinds_are_answered_in_their_order(tom: Any, orm_tom: InProcessTom) -> None:
    first, second = orm_tom.make_target("A"), orm_tom.make_target("B")
    mixed = datums()
    wanted = [*new(first, *mixed), *new(second, *mixed[::-1]), *new(first, *mixed[:3])]
    wanted[5] = NewDatum(
        target_pk=first,
        datum=mixed[5].model_copy(update={"ra": math.inf}),
        provenance=wanted[5].provenance,
        number=5,
    )
    fates = [one.fate for one in tom.add_datums(wanted)]
    assert fates == [*[Fate.NEW] * 5, Fate.REFUSED, *[Fate.NEW] * 10, *[Fate.DUPLICATE] * 3]
