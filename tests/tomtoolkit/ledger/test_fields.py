"""The fields of the ledger's large tables: their values are as with Django's own, and take fewer bytes."""

from contextlib import suppress
from dataclasses import replace

import pytest
from django.db import connection
from parts.django_tom import InProcessTom
from parts.entries import Arrival, record

from bridge.ledger.model import Filter, Outcome


class UndoneError(Exception):
    """Ends a transaction."""


@pytest.mark.usefixtures("orm_tom")
def test_the_key_of_a_text_is_not_remembered_from_a_transaction_that_is_undone() -> None:
    from bridge.tomtoolkit.database import writing
    from bridge.tomtoolkit.models import Done, Text, make_keys_of

    def undone(*texts: str) -> None:
        with writing():
            assert make_keys_of("default", texts).keys() == set(texts)
            raise UndoneError

    with suppress(UndoneError), writing():
        with suppress(UndoneError):
            undone("inner")
        undone("another", "inner")
    make_keys_of("default", ["a third"])  # on SQLite under a key that one of the others had
    Done.objects.create(event_id=Arrival().event_id, origin="inner", witness="another")
    assert Done.objects.values_list("origin", "witness").get() == ("inner", "another")
    assert set(Text.objects.values_list("text", flat=True)) == {"a third", "inner", "another"}


@pytest.mark.usefixtures("orm_tom")
def test_of_however_many_texts_few_keys_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    from bridge.tomtoolkit.database import writing
    from bridge.tomtoolkit.models import Text, fields, make_keys_of

    monkeypatch.setattr(fields, "_KNOWN", 3)
    texts = [f"origin {number}" for number in range(20)]
    for first in range(16):
        some = texts[first : first + 4]
        assert make_keys_of("default", some).keys() == set(some)
        with writing():
            keys = make_keys_of("default", some[:2]) | make_keys_of("default", some[1:])
        assert keys == dict(Text.objects.filter(text__in=some).values_list("text", "id"))
    assert len(fields._known("default")) < 8


@pytest.mark.usefixtures("orm_tom")
def test_texts_are_compared_as_texts_also_those_that_no_row_has() -> None:
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.models import Entry

    record(DjangoLedger(), Arrival())
    assert Entry.objects.filter(kind="photometry").exists()
    assert Entry.objects.exclude(kind="never heard of").exists()
    assert Entry.objects.filter(outcome__in=["applied", "never heard of"]).exists()
    assert not Entry.objects.filter(kind="never heard of").exists()
    assert not Entry.objects.exclude(kind="photometry").exists()
    assert not DjangoLedger().entries(Filter(origin="never heard of"))


def test_a_row_holds_numbers_and_bytes_in_place_of_texts(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    arrival = Arrival()
    record(DjangoLedger(), arrival, Outcome.APPLIED)
    kind = "typeof" if orm_tom.vendor == "sqlite" else "pg_typeof"
    with connection.cursor() as cursor:
        columns = ("topic", "origin", "published_at", "event_id")
        cursor.execute(f"SELECT {', '.join(f'{kind}({name})' for name in columns)} FROM tom_bridge_event")
        told = dict(zip(columns, cursor.fetchone(), strict=True))
    there = ("integer", "blob") if orm_tom.vendor == "sqlite" else ("timestamp with time zone", "uuid")
    assert told == {"topic": "integer", "origin": "integer", "published_at": there[0], "event_id": there[1]}
    (entry,) = DjangoLedger().entries(Filter())
    assert (entry.event_id, entry.published_at) == (arrival.event_id, arrival.record.timestamp)


@pytest.mark.usefixtures("orm_tom")
def test_a_key_that_is_the_usual_one_takes_no_room_and_any_other_is_kept() -> None:
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.models import Entry

    keys = [b"north/sn2026abc", b"north/list:sn2026abc", b"", b"\xff"]
    with DjangoLedger().unit() as unit:
        for offset, key in enumerate(keys):
            unit.record(replace(Arrival(offset=offset).entry(Outcome.APPLIED), key=key))
    assert [entry.key for entry in sorted(DjangoLedger().entries(Filter()), key=lambda one: one.offset)] == keys
    assert Entry.objects.filter(record_key=None).count() == 1
