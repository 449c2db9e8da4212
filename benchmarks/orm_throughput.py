"""Datums a second from a topic to committed rows of a TOM, and what a match costs in a TOM of a million targets.

The first table: photometry of twenty targets, by the number of points an event. The bridge's side is the consumer of
the Django app, from the first poll of the embedded stream to the last committed outcome, with its default settings;
beside it Django's bare ``bulk_create`` of the same rows, made beforehand, as many a transaction as the bridge writes.
In turns, each with rows of its own, in a database that both share; the medians of all turns are told.

The second table: ``find`` of a target by its name and an alias, in the same TOM with a thousand targets and with a
million, each of which has an alias.

    make benchmark-orm        (or: python -m benchmarks.orm_throughput --turns 3 --targets 1000000)
"""

import argparse
import itertools
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import structlog
from bridge.receiving.apply import Limits
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import VENDORS, InProcess, InProcessTom
from rich.console import Console
from rich.table import Table

from bridge.cli.consume import spare_collector
from bridge.events import Photometry, Point, TargetReference

TARGETS = 20
ROWS = {1: 2_000, 10: 5_000, 100: 20_000, 1_000: 20_000}
"""Points a turn, by the points an event."""
FEW_TARGETS = 1_000
FINDS = 300
START = datetime(2020, 1, 1, tzinfo=UTC)


def main() -> None:
    """Measure, and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=3, help="turns of each side (default: %(default)s)")
    parser.add_argument("--targets", type=int, default=1_000_000, help="of the large TOM (default: %(default)s)")
    parser.add_argument("--points", type=int, nargs="*", default=list(ROWS), choices=list(ROWS), help="an event")
    parser.add_argument("--vendors", nargs="*", default=list(VENDORS), choices=VENDORS)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder:
        process = InProcess(Path(folder))
        try:
            spare_collector()  # as the consumer's command does, for both sides
            tables = [
                throughput(process, Path(folder), given.vendors, given.points, given.turns),
                matching(process, given.vendors, given.targets),
            ]
        finally:
            process.stop()
    Console().print(*tables)


# -- datums a second --------------------------------------------------------------------------------------------------


def throughput(process: InProcess, folder: Path, vendors: Sequence[str], points: Sequence[int], turns: int) -> Table:
    """Return the table of datums a second."""
    table = Table(
        title=f"Datums a second, from topic to committed rows; medians of {turns} turns", title_justify="left"
    )
    table.add_column("database")
    for name in ("points an event", "events a turn", "TOM Bridge", "bare bulk_create", "bridge / bare"):
        table.add_column(name, justify="right")
    for vendor in vendors:
        for number in points:
            with process.tom(vendor) as tom, bench(tom, folder / f"{vendor}-{number}") as one:
                sides: dict[str, list[float]] = {"bridge": [], "bare": []}
                for turn in range(turns):
                    sides["bridge"].append(ROWS[number] / one.by_bridge(turn, number))
                    sides["bare"].append(ROWS[number] / one.bare(turn, number))
            ours, bare = (statistics.median(rates) for rates in sides.values())
            events = ROWS[number] // number
            table.add_row(vendor, f"{number:,}", f"{events:,}", f"{ours:,.0f}", f"{bare:,.0f}", f"{ours / bare:.2f}")
    return table


class Bench:
    """One TOM with two sets of targets, one for each side, and the stream that it is subscribed to."""

    def __init__(self, tom: InProcessTom, folder: Path) -> None:
        self._tom = tom
        self._folder = folder
        self._url = f"sqlite:///{folder}/stream.db"
        names = [f"SN 2026{side}{number}" for side in ("bridge", "bare") for number in range(TARGETS)]
        pks = [tom.make_target(name, aliases=[f"alias of {name}"]) for name in names]
        self._names = names[:TARGETS]
        self._bare_pks = pks[TARGETS:]

    def by_bridge(self, turn: int, points: int) -> float:
        """Publish, and return how many seconds the consumer took."""
        publishing = Publishing(self._url, topic=f"turn{turn}")
        try:
            bodies = [
                Photometry(target=TargetReference(name=name), points=tuple(Point(**point) for point in of_event))
                for of_event, name in zip(events(turn, points), itertools.cycle(self._names), strict=False)
            ]
            publishing.publish(*bodies)
        finally:
            publishing.close()
        before = self._rows()
        subscribed = SubscribedInProcess(self._tom, self._url, self._folder, topic=publishing.topic)
        with subscribed.open() as bridge:
            started = time.perf_counter()
            bridge.consumer().run(until_end=True)
            took_s = time.perf_counter() - started
        if (arrived := self._rows() - before) != ROWS[points]:
            sys.exit(f"{arrived} of {ROWS[points]} points arrived")
        return took_s

    def bare(self, turn: int, points: int) -> float:
        """Write the same rows with Django alone, and return how many seconds it took."""
        from tom_dataproducts.models import PhotometryReducedDatum

        rows = [
            PhotometryReducedDatum(target_id=pk, source_name="Alpha TOM", **point)
            for of_event, pk in zip(events(turn, points), itertools.cycle(self._bare_pks), strict=False)
            for point in of_event
        ]
        a_transaction = max(points, Limits().batch_datums)
        started = time.perf_counter()
        for first in range(0, len(rows), a_transaction):
            PhotometryReducedDatum.objects.bulk_create(rows[first : first + a_transaction])
        return time.perf_counter() - started

    def _rows(self) -> int:
        from tom_dataproducts.models import PhotometryReducedDatum

        return PhotometryReducedDatum.objects.count()


def events(turn: int, points: int) -> Iterator[list[dict[str, Any]]]:
    """Yield the points of each event, as any survey gives them; those of no two turns are equal."""
    for first in range(0, ROWS[points], points):
        yield [
            {
                "timestamp": START + timedelta(days=turn * 365, minutes=number),
                "bandpass": "gri"[number % 3],
                "brightness": 17.0 + number / 10_000,
                "brightness_error": 0.05,
                "unit": "AB mag",
                "telescope": "1m0",
                "instrument": "fa15",
            }
            for number in range(first, first + points)
        ]


@contextmanager
def bench(tom: InProcessTom, folder: Path) -> Iterator[Bench]:
    """Make the folder of a TOM's stream for a block."""
    folder.mkdir()
    yield Bench(tom, folder)


# -- matching ---------------------------------------------------------------------------------------------------------


def matching(process: InProcess, vendors: Sequence[str], many: int) -> Table:
    """Return the table of what a match costs."""
    table = Table(title=f"One match by name and alias, in ms; {FINDS} names each", title_justify="left")
    table.add_column("database")
    for name in ("targets", "found: median", "95 %", "none: median", "95 %"):
        table.add_column(name, justify="right")
    for vendor in vendors:
        with process.tom(vendor) as tom:
            pk = tom.make_target("template")
            fill(vendor, pk, 0, FEW_TARGETS)
            table.add_row(vendor, f"{FEW_TARGETS:,}", *match_times(FEW_TARGETS))
            fill(vendor, pk, FEW_TARGETS, many)
            table.add_row(vendor, f"{many:,}", *match_times(many))
    return table


def fill(vendor: str, pk: int, first: int, until: int) -> None:
    """Copy target ``pk`` in the database itself under the names ``T 1234-a``, each with an alias ``AT_1234``."""
    from django.db import connection
    from tom_targets.base_models import BaseTarget
    from tom_targets.models import TargetName

    quote = connection.ops.quote_name
    targets, names = (quote(model._meta.db_table) for model in (BaseTarget, TargetName))
    own = {"id", "name"}
    others = ", ".join(quote(field.column) for field in BaseTarget._meta.local_fields if field.column not in own)
    numbers = (
        f"(WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {until - 1}) "
        "SELECT n FROM numbers) AS numbered"
    )
    name = "'T ' || n || '-a'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {targets} (name, {others}) SELECT {name}, {others} "
            f"FROM {numbers}, (SELECT {others} FROM {targets} WHERE id = {pk}) AS template"
        )
        cursor.execute(
            f"INSERT INTO {names} (name, target_id, created, modified) "
            f"SELECT 'AT_' || n, t.id, t.created, t.modified FROM {numbers} JOIN {targets} AS t ON t.name = {name}"
        )
        cursor.execute("VACUUM ANALYZE" if vendor == "postgresql" else "ANALYZE")


def match_times(targets: int) -> list[str]:
    """Return median and 95th percentile for names that a target has, and for names that none has."""
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    tom = DjangoTom(DjangoLedger(), {})
    numbers = [random.randrange(targets) for _ in range(FINDS)]
    told = []
    for there in (True, False):
        taken = []
        for number in numbers:
            wanted = [f"t{number}A", f"at {number}"] if there else [f"No {number}", f"nowhere-{number}"]
            started = time.perf_counter()
            found = tom.find(wanted)
            taken.append((time.perf_counter() - started) * 1000)
            if len(found) != there:
                sys.exit(f"{len(found)} targets found for {wanted}")
        told += [f"{statistics.median(taken):.2f}", f"{statistics.quantiles(taken, n=20)[-1]:.2f}"]
    return told


if __name__ == "__main__":
    main()
