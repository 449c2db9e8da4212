"""Milliseconds that a share adds to a request of a TOM, on SQLite and PostgreSQL.

A request of Django's test client saves a target with 1,000 photometric points, once as it is and once with
``bridge.tomtoolkit.share()`` of the target or of the target and all its data; the difference is the share's cost. The
stream is not there at all: a share must not need it. Each kind in turns, the median of all turns is told.

The second table tells how long a press of the page's button takes for people who press at the same moment, on SQLite,
while something else writes twenty times a second.

The third table tells what a look of the relay costs for a target that shares itself, where nothing is new, among
other data of the TOM: the near look of each period, and the whole look of once a day.

    python -m benchmarks.share_cost --turns 30 --points 1000 --rows 200000
"""

import argparse
import logging
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import structlog
from parts.bridges import TOPIC
from parts.django_tom import VENDORS, InProcess, InProcessTom
from parts.outgoing import may_share_user, photometry, publishing
from parts.pages import browser, token
from rich.console import Console
from rich.table import Table


def main() -> None:
    """Measure, and print all tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--points", type=int, default=1000, help="points of the target that is shared")
    parser.add_argument("--rows", type=int, default=200_000, help="points of other targets")
    parser.add_argument("--people", type=int, default=30, help="people who press at the same moment")
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    shares = Table("database", "request", "ms", "added by the share, ms", title=f"a share of {given.points} points")
    presses = Table(
        "people at once", "accepted", "median, ms", "slowest, ms", title="presses beside a writer, on SQLite"
    )
    looks = Table("database", "look", "ms", title=f"one target of {given.points} points among {given.rows} others")
    with tempfile.TemporaryDirectory() as folder:
        process = InProcess(Path(folder))
        try:
            for vendor in VENDORS:
                with process.tom(vendor) as tom, publishing("sqlite:////nowhere/stream.db"):
                    pk = _fill(tom, given.points, given.rows)
                    for row in _share(pk, given.turns):
                        shares.add_row(vendor, *row)
                    for row in _look(pk, given.turns):
                        looks.add_row(vendor, *row)
            for people in (1, 10, given.people):
                with process.tom("sqlite") as tom, publishing("sqlite:////nowhere/stream.db"):
                    presses.add_row(str(people), *_presses(tom, people))
        finally:
            process.stop()
    Console().print(shares, presses, looks)


def _fill(tom: InProcessTom, points: int, rows: int) -> int:
    from tom_dataproducts.models import PhotometryReducedDatum
    from tom_targets.models import BaseTarget

    first = datetime(2020, 1, 1, tzinfo=UTC)
    BaseTarget.objects.bulk_create(BaseTarget(name=f"T{number}", type="SIDEREAL") for number in range(1000))
    pks = list(BaseTarget.objects.values_list("pk", flat=True))
    PhotometryReducedDatum.objects.bulk_create(
        (
            PhotometryReducedDatum(
                target_id=pks[number % 1000], timestamp=first + timedelta(seconds=number), bandpass="r", brightness=18.0
            )
            for number in range(rows)
        ),
        batch_size=5000,
    )
    pk = tom.make_target("SN 2026abc", aliases=["ZTF26x"], extras={"redshift": "0.01"})
    photometry(pk, points, brightness_error=0.1, telescope="1m0", instrument="fa", value={"seeing": 1.2})
    return pk


def _share(pk: int, turns: int) -> list[tuple[str, ...]]:
    """Return a row for each kind of request."""
    from django.contrib.auth.models import User
    from django.db import transaction
    from django.http import HttpRequest, HttpResponse
    from django.test import RequestFactory
    from tom_targets.models import Target

    from bridge.tomtoolkit.sharing import share

    user = User.objects.get(username="admin")

    def view(request: HttpRequest) -> HttpResponse:
        with transaction.atomic():
            target = Target.objects.get(pk=pk)
            target.save()
            if what := request.GET["share"]:
                share(target, topic=TOPIC, user=user, with_data=what == "data")
        return HttpResponse()

    requests = {what: RequestFactory().get("/", {"share": what}) for what in ("", "target", "data")}
    times = _timed({what: lambda request=request: view(request) for what, request in requests.items()}, turns)
    bare = times[""]
    names = {"": "saves the target", "target": "and shares it", "data": "and shares it with its data"}
    return [(names[what], f"{ms:.1f}", f"{ms - bare:.1f}" if what else "") for what, ms in times.items()]


def _presses(tom: InProcessTom, people: int) -> tuple[str, ...]:
    """Let so many people press at once, five times; return how many were accepted, and how long a press took."""
    from django.contrib.auth.models import User
    from django.db import connections

    admin = User.objects.get(username="admin")
    works = []
    for number in range(people):
        pk = tom.make_target(f"Pressed {number}", ra=number * 5.0)
        photometry(pk, 50)
        client, path = browser(admin), f"/bridge/targets/{pk}/share/"
        given = {"topic": TOPIC, "target": "1", "datums": "photometry"}
        works.append((client, path, given | {"reviewed": token(client.post(path, given))}))
    barrier, stopped = threading.Barrier(people), threading.Event()
    taken: list[float] = []
    accepted: list[bool] = []

    def press(client: Any, path: str, given: dict[str, str]) -> None:
        for _ in range(5):
            barrier.wait()
            start = time.perf_counter()
            answer = client.post(path, given)
            taken.append((time.perf_counter() - start) * 1000)
            accepted.append(answer.status_code == 302)
        connections.close_all()

    def write() -> None:
        with closing(sqlite3.connect(tom.site.database, timeout=60, isolation_level=None)) as db:
            db.execute("CREATE TABLE busy (n)")
            while not stopped.wait(0.05):
                db.execute("INSERT INTO busy VALUES (1)")

    threads = [threading.Thread(target=press, args=work) for work in works]
    writer = threading.Thread(target=write)
    for thread in (writer, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    stopped.set()
    writer.join()
    return f"{sum(accepted)} of {len(accepted)}", f"{statistics.median(taken):.0f}", f"{max(taken):.0f}"


def _look(pk: int, turns: int) -> list[tuple[str, ...]]:
    """Return a row for each kind of look."""
    from django.db import connection

    from bridge.tomtoolkit.models import Progress, SelfShare, SelfShareTarget
    from bridge.tomtoolkit.sharing.self_sharing import SelfSharing

    SelfShare.objects.create(target_id=pk, topic=TOPIC, created_by=may_share_user("admin"))
    sharing = SelfSharing("default")
    sharing.look()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")

    def whole() -> None:
        SelfShareTarget.objects.update(looked_at=None)
        sharing.look()

    def near() -> None:
        sharing.look()

    first = _timed({"near, in the first hour": near, "whole": whole}, turns)
    for row in Progress.objects.all():
        row.floor = row.newest
        row.save()
    times = first | _timed({"near": near}, turns)
    return [(name, f"{ms:.1f}") for name, ms in times.items()]


def _timed(works: dict[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """Return the median milliseconds of each, all in turns after one that doesn't count."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(turns + 1):
        for name, work in works.items():
            start = time.perf_counter()
            work()
            if turn:
                taken[name].append((time.perf_counter() - start) * 1000)
    return {name: statistics.median(times) for name, times in taken.items()}


if __name__ == "__main__":
    main()
