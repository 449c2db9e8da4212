"""The fields of the ledger's large tables: their values are as with Django's own, and take fewer bytes."""

from contextlib import suppress
from dataclasses import replace

import pytest
from django.core.management.color import no_style
from django.db import connection, connections
from parts.django_tom import InProcessTom
from parts.entries import Arrival, record

from bridge.ledger.model import Filter, Outcome

DEPENDENT = ("tom_bridge_waiting", "tom_bridge_waiting_name", "tom_bridge_letter")
"""Tables that hang on the entries, which PostgreSQL wants emptied with them."""


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
def test_a_text_has_the_key_of_now_also_where_a_backup_was_put_back_under_an_open_connection() -> None:
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.models import Entry, Text, make_keys_of

    first, later = Arrival(), Arrival(offset=1)
    record(DjangoLedger(), first)
    there = connections["default"].connection
    with connections["second"].cursor() as cursor:
        tables = [Entry._meta.db_table, *DEPENDENT, Text._meta.db_table]
        for statement in connections["second"].ops.sql_flush(no_style(), tables, reset_sequences=True):
            cursor.execute(statement)
    make_keys_of("second", sorted(["another topic", "another origin", "another kind", "another word"]))
    record(DjangoLedger(), later)
    assert connections["default"].connection is there
    (entry,) = DjangoLedger("second").entries(Filter())
    assert (entry.place, entry.origin, entry.kind) == (later.place, later.origin, later.kind)
    assert entry.partition == later.partition


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
