"""Rows that go in as columns are what the models' own fields would have made of them."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest
from parts.django_tom import InProcessTom


def done(*ids: UUID, witness: str = "done") -> dict[str, Any]:
    """Return witnesses of events of one origin, as columns."""
    return {"origin": ["north"] * len(ids), "event_id": ids, "witness": [witness] * len(ids)}


TEXTS = ["", "plain", "Ωμέγα 🔭", "a\nb\\c\t'\"%s", "None"]
NUMBERS = [0, 1, -1, 2**31 - 1, -(2**31)]
TIMES = [
    datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(2026, 3, 1, 23, 59, 59, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
]
VALUES: dict[str, list[Any]] = {
    "BigIntegerField": [*NUMBERS, 2**62],
    "BinaryField": [b"", b"\x00\xff", bytes(range(256))],
    "BooleanField": [True, False],
    "CommonText": TEXTS,
    "CharField": [text[:10] for text in TEXTS],
    "DateTimeField": TIMES,
    "Identity": [UUID(int=0), uuid4()],
    "IntegerField": NUMBERS,
    "Moment": TIMES,
    "TextField": TEXTS,
    "UUIDField": [UUID(int=0), uuid4()],
}


@pytest.mark.usefixtures("orm_tom")
def test_each_field_of_the_ledger_is_converted_as_django_converts_it() -> None:
    from django.apps import apps
    from django.db import connection

    from bridge.tomtoolkit.database.inserting import as_stored

    for model in apps.get_app_config("tom_bridge").get_models():
        for field in model._meta.concrete_fields:
            for value in VALUES.get(type(field).__name__, []):
                wanted = field.get_db_prep_save(value, connection)
                if type(field).__name__ == "BinaryField":  # each wraps bytes in something of the driver's
                    wanted = value
                assert list(as_stored(field, [value], connection)) == [wanted], f"{field}: {value!r}"


@pytest.mark.usefixtures("orm_tom")
def test_rows_are_what_the_orm_would_have_written() -> None:
    from bridge.tomtoolkit.database import insert, writing
    from bridge.tomtoolkit.models import Entry

    names = [field.attname for field in Entry._meta.concrete_fields if not field.primary_key]
    rows = []
    for number in range(30):
        of = {
            field.attname: (given := VALUES[type(field).__name__])[number % len(given)]
            for field in Entry._meta.concrete_fields
            if not field.primary_key
        }
        nothing = {"event_id": None, "share_id": None} if number % 3 == 0 else {}
        rows.append(of | nothing | {"record_offset": number, "number": 1})
    Entry.objects.bulk_create([Entry(**row) for row in rows])
    with writing():
        for some in (rows[:3], rows[3:]):  # few go in another way than many
            insert("default", Entry, {name: [(row | {"number": 2})[name] for row in some] for name in names})
    written = [list(Entry.objects.filter(number=number).order_by("record_offset")) for number in (1, 2)]
    for by_orm, by_columns in zip(*written, strict=True):
        assert {name: getattr(by_columns, name) for name in names} == {
            name: getattr(by_orm, name) for name in names
        } | {"number": 2}


@pytest.mark.usefixtures("orm_tom")
def test_what_is_there_stays_and_what_is_missing_is_added() -> None:
    from bridge.tomtoolkit.database import insert_missing, writing
    from bridge.tomtoolkit.models import Done

    ids = [uuid4() for _ in range(5)]
    Done.objects.create(origin="north", event_id=ids[2], witness="withdrawn")
    with writing():
        insert_missing("default", Done, done(*ids))
        insert_missing("default", Done, done())
    assert dict(Done.objects.values_list("event_id", "witness")) == dict.fromkeys(ids, "done") | {ids[2]: "withdrawn"}


@pytest.mark.usefixtures("orm_tom")
@pytest.mark.parametrize("more", [0, 10])
def test_what_is_refused_costs_no_more_than_its_savepoint(more: int) -> None:
    from django.db import IntegrityError

    from bridge.tomtoolkit.database import insert, writing
    from bridge.tomtoolkit.models import Done

    twice = uuid4()
    with writing():
        insert("default", Done, done(uuid4()))
        with pytest.raises(IntegrityError), writing():
            insert("default", Done, done(*(uuid4() for _ in range(more)), twice, twice))
    assert Done.objects.count() == 1


def test_a_text_that_no_column_holds_is_refused_as_by_the_orm(orm_tom: InProcessTom) -> None:
    from django.db import DatabaseError

    from bridge.tomtoolkit.database import insert, writing
    from bridge.tomtoolkit.models import Intent

    if orm_tom.vendor == "postgresql":  # SQLite takes whatever it is given
        with pytest.raises(DatabaseError), writing():
            insert("default", Intent, {"origin": ["north"], "event_id": [uuid4()], "step": ["x" * 201]})
    assert not Intent.objects.exists()
