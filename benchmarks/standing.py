"""What the ledger costs: bytes an event, and questions of it among a million outcomes beside ten thousand.

Bytes: how much a TOM's database grows by photometry of one point an event, above what the same rows take that Django
writes. Questions: what ``status``, ``shares`` and ``parked list`` ask; every fiftieth event is parked.
"""

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

from collections.abc import Callable, Iterator
from typing import Any

from parts.django_tom import InProcessTom

from benchmarks.content import light_curves
from benchmarks.photometry import bulk_s
from benchmarks.receiving import Receiving
from benchmarks.stage import Stage
from benchmarks.timing import By, Effort, Goal, Row, ms, took_s
from bridge.events import Body, Photometry, TargetReference
from bridge.ledger.port import Filter
from bridge.operations import records
from bridge.operations.status import status

FEW, MANY = 10_000, 1_000_000
_EVENTS = 4_000
_AT_ONCE = 50_000
_PARKED_EACH = 50
_TOPIC = "standing"


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for each database: bytes an event."""
    events = effort.of(_EVENTS, least=200)
    for vendor in effort.vendors:
        with stage.in_process.tom(vendor) as tom:
            receiving = Receiving(tom, stage.folder(_TOPIC))
            pk = tom.make_target("SN 2026abc")
            receiving.receive_s("first", light_curves(0, 10, 1, ["SN 2026abc"]))
            before = _size(tom)
            receiving.receive_s("then", light_curves(1, events, 1, ["SN 2026abc"]))
            with_bridge = _size(tom)
            bulk_s([pk], events, 1, 500, 2)
            alone = _size(tom)
        grown = (with_bridge - before) - (alone - with_bridge)
        yield Row(
            what=f"growth of the database an event of one point, above its row, {vendor}",
            unit="bytes",
            ours=[max(grown, 1) / events],
            goal=Goal(by=By.ITSELF, most=400),
        )


def at_scale(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for each question and database."""
    few, many = effort.many(FEW), effort.many(MANY)
    for vendor in effort.vendors:
        with stage.in_process.tom(vendor) as tom:
            receiving = Receiving(tom, stage.folder(_TOPIC), limits={"parked_bytes": 1 << 34})
            tom.make_target("SN 2026abc")
            _fill(receiving, 0, few)
            small = _asked(receiving, effort.turns)
            _fill(receiving, few, many)
            large = _asked(receiving, effort.turns)
        for question, times in large.items():
            yield Row(
                what=f"{question} at {many:,} outcomes, {vendor}",
                unit="ms",
                ours=ms(times),
                beside=f"at {few:,}",
                theirs=ms(small[question]),
                goal=Goal(most=2.0),
            )


def _size(tom: InProcessTom) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        if tom.vendor == "postgresql":
            cursor.execute("VACUUM")
            cursor.execute("SELECT pg_database_size(current_database())")
        else:
            cursor.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")
        return int(cursor.fetchone()[0])


def _fill(receiving: Receiving, first: int, until: int) -> None:
    """Let so many events more have an outcome."""
    for begin in range(first, until, _AT_ONCE):
        count = min(_AT_ONCE, until - begin)
        receiving.publish(_TOPIC, _events(begin, count))
        receiving.consume_s(_TOPIC)


def _events(begin: int, count: int) -> Iterator[Body]:
    for number, body in enumerate(light_curves(1 + begin // _AT_ONCE, count, 1, ["SN 2026abc"]), begin):
        is_parked = number % _PARKED_EACH == 0
        assert isinstance(body, Photometry)
        yield body.model_copy(update={"target": TargetReference(name=f"Nobody {number}")}) if is_parked else body


def _asked(receiving: Receiving, turns: int) -> dict[str, list[float]]:
    with receiving.subscribed(_TOPIC).open() as bridge:
        ledger = bridge.ledger
        questions: dict[str, Callable[[], Any]] = {
            "status": lambda: status(bridge.settings, ledger),
            "shares": lambda: records.shares(ledger, Filter(most=50)),
            "shares of a target": lambda: records.shares(ledger, Filter(target="Nobody 50", most=50)),
            "parked list": lambda: records.parked(ledger, Filter(most=100)),
        }
        return {name: [took_s(ask) for _ in range(turns)] for name, ask in questions.items()}
