"""One point onto a target that has 200,000 already, beside one onto an empty target: the whole way of one event."""

from collections.abc import Iterator

from parts.django_tom import VENDORS

from benchmarks.content import light_curves
from benchmarks.filling import insert_points
from benchmarks.receiving import Receiving
from benchmarks.stage import Stage
from benchmarks.timing import Effort, Goal, Row, in_turns, ms

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

THERE = 200_000
_EVENTS = 50
"""Events a turn, each of a point and in a unit of its own: a consumer that keeps up gets them one by one."""


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for each database."""
    there, events = effort.many(THERE), effort.of(_EVENTS)
    for vendor in VENDORS:
        with stage.in_process.tom(vendor) as tom:
            tom.make_target("empty")
            fill(vendor, tom.make_target("full"), there)
            receiving = Receiving(tom, stage.folder("history"), limits={"batch_datums": 1})
            times = in_turns(
                {
                    name: lambda turn, name=name, receiving=receiving: receiving.receive_s(
                        f"{name}{turn}", light_curves(turn + 1, events, 1, [name])
                    )
                    for name in ("full", "empty")
                },
                effort,
            )
        full, empty = (ms([one / events for one in times[name]]) for name in ("full", "empty"))
        yield Row(
            what=f"one point onto a target with {there:,}, {vendor}",
            unit="ms",
            ours=full,
            beside="an empty target",
            theirs=empty,
            goal=Goal(most=1.5),
        )


def fill(vendor: str, pk: int, count: int) -> None:
    """Give a target ``count`` photometric points in the database itself, among the times of those that will come.

    SQLite's planner is told nothing of them, as in a TOM; PostgreSQL's looks by itself after a while.
    """
    from django.db import connection
    from tom_dataproducts.models import PhotometryReducedDatum

    fields = [field for field in PhotometryReducedDatum._meta.concrete_fields if not field.primary_key]
    columns = [(field.column, field.null) for field in fields]
    with connection.cursor() as cursor:
        cursor.execute(insert_points(columns, pk, count, vendor=vendor))
        if vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")
