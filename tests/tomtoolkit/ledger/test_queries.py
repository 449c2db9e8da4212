"""A unit of the app's ledger, and what is asked before one, costs a few queries however many events there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from parts.django_tom import InProcessTom
from parts.entries import PARTITION, TOPIC_ID, Arrival, park, record, to_keep

from bridge.events import ShareRef
from bridge.ledger.model import Outcome, Position, Reason
from bridge.stream.port import Partition

MANY = [
    Arrival(partition=Partition(PARTITION.topic, number % 3), offset=number // 3, subject=f"SN {number}")
    for number in range(500)
]


@pytest.fixture
def ledger(orm_tom: InProcessTom) -> Iterator[Any]:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    opened = DjangoLedger()
    yield opened
    opened.close()


@contextmanager
def at_most(queries: int) -> Iterator[None]:
    """Fail where the block asks the database more often.

    Transactions and savepoints don't count, and an insert that Django cuts for SQLite counts once.
    """
    with CaptureQueriesContext(connection) as captured:
        yield
    asked = [one["sql"] for one in captured if one["sql"].split()[0] in {"SELECT", "INSERT", "UPDATE", "DELETE"}]
    counted = [group for group, _ in groupby(one[:60] for one in asked)]
    assert len(counted) <= queries, "\n".join(one[:150] for one in asked)


def test_five_hundred_outcomes_with_their_witnesses_and_a_move_are_a_few_queries(ledger: Any) -> None:
    record(ledger, Arrival(topic_id="another"))
    ledger.set_position(PARTITION, Position(TOPIC_ID, 0))
    with at_most(8), ledger.unit() as unit:
        for arrival in MANY:
            unit.record(arrival.entry(Outcome.APPLIED), raw=arrival.record)
        unit.witness([arrival.ref for arrival in MANY])
        unit.move(PARTITION, TOPIC_ID, 0, 500)
    with at_most(2):
        assert len(ledger.recorded([arrival.place for arrival in MANY])) == 500
    with at_most(2):
        assert len(ledger.known([arrival.ref for arrival in MANY])) == 500


def test_five_hundred_events_are_parked_by_a_few_queries(ledger: Any) -> None:
    park(ledger, Arrival(topic_id="another"), to_keep("m31"))
    with at_most(13), ledger.unit() as unit:  # two of them for texts that come for the first time
        for arrival in MANY:
            entry = arrival.entry(Outcome.PARKED, Reason.NO_TARGET)
            unit.record(entry, keep=[to_keep(arrival.subject, "alias")], raw=arrival.record)
    with at_most(3):
        assert len(ledger.lines({arrival.line for arrival in MANY})) == 500
    with at_most(3):
        assert len(ledger.lines({arrival.line for arrival in MANY}, kinds=["photometry"])) == 500
    with at_most(1):
        assert len(ledger.raw([arrival.place for arrival in MANY])) == 500
    with at_most(3):
        assert len(ledger.known([arrival.ref for arrival in MANY])) == 500
    parked = ledger.parked(after=ledger.parked(most=1)[0].id)
    with at_most(1):
        ledger.begin_parked({one.id: 1 for one in parked})
    with at_most(2), ledger.unit() as unit:
        unit.look_again({one.id: one.entry.published_at for one in parked})
    again = ledger.parked(ids=[one.id for one in parked])
    assert {(one.looks, one.tries) for one in again} == {(1, 0)}
    assert [one.due_at for one in again] == [one.entry.published_at for one in parked]


def test_a_long_line_is_asked_for_its_first_alone(ledger: Any) -> None:
    line = [Arrival(offset=offset) for offset in range(300)]
    with ledger.unit() as unit:
        for arrival in line:
            unit.record(
                arrival.entry(Outcome.PARKED, Reason.WAITS_BEHIND),
                keep=[to_keep(reason=Reason.WAITS_BEHIND)],
                raw=arrival.record,
            )
    with at_most(3):
        (first,) = ledger.lines([line[0].line])[line[0].line]
    assert first.entry.place == line[0].place
    park(ledger, line[0], to_keep("m31"))
    with at_most(25), ledger.unit() as unit:  # three of them for texts that come for the first time
        unit.record(line[0].entry(Outcome.APPLIED))
    assert len(ledger.due(datetime.now(UTC))) == 299


def test_what_came_of_one_origin_is_found_by_an_index_in_its_order(ledger: Any, orm_tom: InProcessTom) -> None:
    from bridge.ledger.model import Filter

    record(ledger, Arrival())
    with CaptureQueriesContext(connection) as captured:
        assert len(ledger.entries(Filter(origin="north"))) == 1
    if orm_tom.vendor == "sqlite":  # PostgreSQL looks through a table of one row
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {captured[-1]['sql']}")
            plan = " ".join(str(row) for row in cursor.fetchall())
        assert "tom_bridge_event_of_origin" in plan
        assert "TEMP B-TREE" not in plan


@pytest.mark.parametrize("what", ["an event is opened again", "a share is forgotten"])
def test_no_look_for_one_event_goes_through_all_of_its_origin(ledger: Any, orm_tom: InProcessTom, what: str) -> None:
    """SQLite takes the index of origins where it may: it keeps no statistics unless somebody asks for them."""
    from bridge.ledger.model import ShareWords

    if orm_tom.vendor != "sqlite":  # PostgreSQL knows how many came of an origin
        return
    arrival = Arrival()
    with ledger.unit() as unit:
        unit.record(arrival.entry(Outcome.APPLIED))
        unit.keep_words({ShareRef(arrival.origin, arrival.event_id): ShareWords(message="hello")})
        unit.move(PARTITION, TOPIC_ID, None, 1)
    with CaptureQueriesContext(connection) as captured:
        if what == "a share is forgotten":
            assert ledger.forget(PARTITION, TOPIC_ID, 1) == 1
        else:
            with ledger.unit() as unit:
                unit.reopen([arrival.ref])
    asked = [one["sql"] for one in captured if one["sql"].split()[0] in {"SELECT", "UPDATE", "DELETE"}]
    with connection.cursor() as cursor:
        for sql in asked:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql.replace('%', '%%')}")
            assert "tom_bridge_event_of_origin" not in str(cursor.fetchall()), sql
