"""What a share adds to a request of a TOM, how long presses at the same moment take, and what a look costs.

A request of Django's test client saves a target with 1,000 photometric points, as it is and with
``bridge.tomtoolkit.sharing.share`` of the target, or of the target and all its data. The stream is not there at all: a
share must not need it. *Presses*: people press the page's button at the same moment, on SQLite, while something else
writes twenty times a second. *Looks*: the relay looks for what is new of a target that shares itself, where nothing
is, among other data of the TOM: the near look of each period, and the whole look of once a day.
"""

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from parts.bridges import TOPIC
from parts.django_tom import InProcessTom
from parts.outgoing import may_share_user, photometry, publishing
from parts.pages import browser, token

from benchmarks.stage import Stage
from benchmarks.timing import By, Effort, Goal, Row, in_turns, ms, now, took_s

POINTS, OTHERS = 1_000, 50_000
_PRESSES = 5
_NOWHERE = "sqlite:////nowhere/stream.db"


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield the rows of shares and looks for each database, and those of presses."""
    points, others = effort.many(POINTS), effort.of(OTHERS, least=100)
    for vendor in effort.vendors:
        with stage.in_process.tom(vendor) as tom, publishing(_NOWHERE):
            pk = _fill(tom, points, others)
            yield from _shares(pk, vendor, points, effort)
            yield from _looks(pk, vendor, points, others, effort)
    for people in (1, 10, 30):
        with stage.in_process.tom("sqlite") as tom, publishing(_NOWHERE):
            yield Row(what=f"a press of the Share button, {people} at once", unit="ms", ours=ms(_presses(tom, people)))


def _fill(tom: InProcessTom, points: int, others: int) -> int:
    from tom_dataproducts.models import PhotometryReducedDatum
    from tom_targets.models import BaseTarget

    first = datetime(2020, 1, 1, tzinfo=UTC)
    BaseTarget.objects.bulk_create(BaseTarget(name=f"T{number}", type="SIDEREAL") for number in range(1000))
    pks = list(BaseTarget.objects.values_list("pk", flat=True))
    rows = (
        PhotometryReducedDatum(
            target_id=pks[number % 1000], timestamp=first + timedelta(seconds=number), bandpass="r", brightness=18.0
        )
        for number in range(others)
    )
    PhotometryReducedDatum.objects.bulk_create(rows, batch_size=5000)
    pk = tom.make_target("SN 2026abc", aliases=["ZTF26x"], extras={"redshift": "0.01"})
    photometry(pk, points, brightness_error=0.1, telescope="1m0", instrument="fa", value={"seeing": 1.2})
    return pk


# -- shares -----------------------------------------------------------------------------------------------------------


def _shares(pk: int, vendor: str, points: int, effort: Effort) -> Iterator[Row]:
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

    requests = {what: RequestFactory().get("/", {"share": what}) for what in ("bare", "target", "data")}
    requests["bare"] = RequestFactory().get("/", {"share": ""})
    works = {
        what: lambda _turn, request=request: took_s(lambda: view(request)) for what, request in requests.items()
    }  # fmt: skip
    times = in_turns(works, replace(effort, turns=3 * effort.turns))
    for what, told, most in (("target", "a share of a target", 2.0), ("data", f"a share of {points:,} points", 20.0)):
        yield Row(
            what=f"{told} in a request, {vendor}",
            unit="ms",
            ours=ms(times[what]),
            beside="the same request without",
            theirs=ms(times["bare"]),
            goal=Goal(by=By.ADDED, most=most),
        )


# -- looks ------------------------------------------------------------------------------------------------------------


def _looks(pk: int, vendor: str, points: int, others: int, effort: Effort) -> Iterator[Row]:
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

    looks: dict[str, Callable[[], None]] = {"near, in the first hour": near, "whole": whole}
    times = in_turns({name: lambda _turn, look=look: took_s(look) for name, look in looks.items()}, effort)
    for row in Progress.objects.all():
        row.floor = row.newest
        row.save()
    times |= in_turns({"near": lambda _turn: took_s(near)}, effort)
    for name, found in times.items():
        told = f"a look ({name}) at {points:,} points among {others:,} others, {vendor}"
        yield Row(what=told, unit="ms", ours=ms(found))


# -- presses ----------------------------------------------------------------------------------------------------------


def _presses(tom: InProcessTom, people: int) -> list[float]:
    """Let so many people press at once, five times; return how long each press took."""
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
    refused: list[int] = []

    def press(client: Any, path: str, given: dict[str, str]) -> None:
        for _ in range(_PRESSES):
            barrier.wait()
            started = now()
            answer = client.post(path, given)
            taken.append(now() - started)
            if answer.status_code != 302:
                refused.append(answer.status_code)
        connections.close_all()

    def write() -> None:
        with closing(sqlite3.connect(tom.site.database, timeout=60, isolation_level=None)) as database:
            database.execute("CREATE TABLE busy (n)")
            while not stopped.wait(0.05):
                database.execute("INSERT INTO busy VALUES (1)")

    threads = [threading.Thread(target=press, args=work) for work in works]
    writer = threading.Thread(target=write)
    for thread in (writer, *threads):
        thread.start()
    for thread in threads:
        thread.join()
    stopped.set()
    writer.join()
    if refused:
        raise RuntimeError(f"{len(refused)} of {len(taken)} presses were not accepted")
    return taken
