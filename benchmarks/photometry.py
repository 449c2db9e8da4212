"""Photometry from a topic to committed rows, over the ORM: beside Django's ``bulk_create``, and beside the limit.

The limit is rows made beforehand by ``executemany`` (SQLite) or ``COPY`` (PostgreSQL) under TOM Toolkit's constraints
and indexes. Both write as many rows a transaction as the bridge does, twenty targets in turn.
"""

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from parts.django_tom import VENDORS, InProcessTom

from benchmarks.content import light_curves, points
from benchmarks.receiving import Receiving
from benchmarks.stage import Stage
from benchmarks.timing import Effort, Goal, Row, in_turns, rates, took_s
from bridge.receiving.backlog import UNIT_RECORDS
from bridge.tomtoolkit.conf import AppLimitSettings

TARGETS = 20
ROWS = {1: 2_000, 100: 20_000, 1_000: 20_000}
"""Points a turn, by the points an event."""
BULK, LIMIT = "bulk_create", "the limit"


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield two rows for each database and size of events."""
    for vendor in VENDORS:
        for each, full in ROWS.items():
            number = effort.of(full // each, least=2) * each
            with stage.in_process.tom(vendor) as tom:
                times = _times(tom, stage, number, each, effort)
            what = f"photometry, {vendor}, {each:,} point{'s' if each > 1 else ''} an event"
            goals = {BULK: Goal(least=1.0 if each == 1 else 2.0), LIMIT: Goal(least=0.35) if each > 1 else None}
            for beside in (BULK, LIMIT):
                ours, theirs = (rates(number, times[name]) for name in ("bridge", beside))
                yield Row(
                    what=what, unit="points/s", ours=ours, beside=beside, theirs=theirs, goal=goals[beside]
                )  # fmt: skip


def _times(tom: InProcessTom, stage: Stage, number: int, each: int, effort: Effort) -> dict[str, list[float]]:
    receiving = Receiving(tom, stage.folder("photometry"))
    names = [f"SN 2026{letter}" for letter in "abcdefghijklmnopqrst"[:TARGETS]]
    for name in names:
        tom.make_target(name, aliases=[f"alias of {name}"])
    a_transaction = max(each, min(AppLimitSettings().batch_datums, each * UNIT_RECORDS))
    return in_turns(
        {
            "bridge": lambda turn: receiving.receive_s(f"turn{turn}", light_curves(turn, number, each, names)),
            BULK: partial(bulk_s, _own_targets(tom, BULK), number, each, a_transaction),
            LIMIT: partial(_limit_s, _own_targets(tom, LIMIT), number, each, a_transaction),
        },
        effort,
    )


def _own_targets(tom: InProcessTom, side: str) -> list[int]:
    return [tom.make_target(f"{side} {number}") for number in range(TARGETS)]


def _rows(pks: Sequence[int], number: int, each: int, turn: int) -> list[Any]:
    from tom_dataproducts.models import PhotometryReducedDatum

    return [
        PhotometryReducedDatum(target_id=pks[(index // each) % len(pks)], source_name="Alpha TOM", **point)
        for index, point in enumerate(points(turn, number))
    ]


def bulk_s(pks: Sequence[int], number: int, each: int, a_transaction: int, turn: int) -> float:
    """Return how many seconds ``bulk_create`` takes for the points of a turn, ``each`` onto one of the targets."""
    from tom_dataproducts.models import PhotometryReducedDatum

    rows = _rows(pks, number, each, turn)

    def write() -> None:
        for first in range(0, number, a_transaction):
            PhotometryReducedDatum.objects.bulk_create(rows[first : first + a_transaction])

    return took_s(write)


def _limit_s(pks: Sequence[int], number: int, each: int, a_transaction: int, turn: int) -> float:
    from django.db import connection, transaction
    from tom_dataproducts.models import PhotometryReducedDatum

    fields = [field for field in PhotometryReducedDatum._meta.concrete_fields if not field.primary_key]
    rows = [
        tuple(field.get_db_prep_save(getattr(row, field.attname), connection) for field in fields)
        for row in _rows(pks, number, each, turn)
    ]
    table, columns = PhotometryReducedDatum._meta.db_table, ", ".join(f'"{field.column}"' for field in fields)

    def write() -> None:
        for first in range(0, number, a_transaction):
            batch = rows[first : first + a_transaction]
            with transaction.atomic(), connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    marks = ", ".join("?" for _ in fields)
                    cursor.connection.executemany(f"INSERT INTO {table} ({columns}) VALUES ({marks})", batch)
                else:
                    with cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                        for row in batch:
                            copy.write_row(row)

    return took_s(write)
