"""Photometry over REST into a TOM that stays as it is: beside the most that its API takes, and beside its own sharing.

*The most that its API takes*: points made beforehand are sent as TOM Toolkit's clients do, with a token and kept
connections, on the number of connections that was fastest in a try. *TOM Toolkit's own sharing* is
``share_data_with_tom`` inside a second TOM; the bridge beside it goes from ``publish`` to the last outcome in the
ledger. Where points are there already, one bridge goes on through all turns, as a daemon does; its first look at them
is a row of its own. *To the gateway*: the same ``share_data_with_tom``, with the gateway as the other side. The TOM
that is written into is TOM Toolkit 3.1 on SQLite, served by gunicorn with four threads.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import requests
from parts.gateway_service import ACCOUNT, served_gateway, with_topics
from parts.tom_site import BRIDGE_PASSWORD
from parts.toms import Tom

from benchmarks.content import light_curves, points
from benchmarks.filling import PHOTOMETRY, insert_points
from benchmarks.receiving import Receiving
from benchmarks.stage import Stage
from benchmarks.timing import Effort, Goal, Row, in_turns, rates, took_s

THERE = (100, 100_000)
_POINTS = 100
_SHARED = 50
_CONNECTIONS = (1, 2, 4, 8)
_FIRST = -1
"""The turn of the first point: its time is before all that is there, which therefore is read as a whole."""
API, ITS_OWN = "the most that its API takes", "share_data_with_tom"


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield rows for a target with few and with many points, and those beside TOM Toolkit's own sharing."""
    yield from _into_one(stage, effort)
    yield from _beside_sharing(stage, effort)


# -- beside the most that the API takes -------------------------------------------------------------------------------


def _into_one(stage: Stage, effort: Effort) -> Iterator[Row]:
    number = effort.of(_POINTS, least=4)
    found: dict[int, list[float]] = {}
    for full in THERE:
        there = effort.many(full)
        tom = stage.tom()
        receiving = Receiving(tom, stage.folder("rest"))
        for name in ("ours", "theirs"):
            _fill(tom, tom.make_target(name), there)
        best = min(_CONNECTIONS, key=lambda most: _api_s(tom, 90 + most, max(number // 2, 4), most))
        with receiving.going_on("ours") as receive_s:
            first_s = receive_s(light_curves(_FIRST, 1, 1, ["ours"]))
            times = in_turns(
                {
                    "bridge": lambda turn, receive_s=receive_s: receive_s(light_curves(turn, number, number, ["ours"])),
                    API: lambda turn, tom=tom, best=best: _api_s(tom, turn, number, best),
                },
                effort,
                most=3,
            )
        yield Row(what=f"a first point over REST, {there:,} points there", unit="s", ours=[first_s])
        found[full] = rates(number, times["bridge"])
        yield Row(
            what=f"photometry over REST, {there:,} points there",
            unit="points/s",
            ours=found[full],
            beside=f"{API} ({best} connections)",
            theirs=rates(number, times[API]),
            goal=Goal(least=0.9),
        )
    few, many = THERE
    yield Row(
        what=f"photometry over REST, {effort.many(many):,} points there",
        unit="points/s",
        ours=found[many],
        beside=f"{effort.many(few):,} points there",
        theirs=found[few],
        goal=Goal(least=0.9),
    )


def _api_s(tom: Tom, turn: int, number: int, connections: int) -> float:
    pk = int(tom.target("theirs")["id"])
    sent = [_as_sent(pk, point) for point in points(turn, number)]

    def send(part: Sequence[dict[str, Any]]) -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Token {tom.pristine.tokens['bridge']}"
            for one in part:
                answer = session.post(f"{tom.base_url}/api/reduceddatums/", json=one, timeout=60)
                if answer.status_code != 201:
                    raise RuntimeError(f"{answer.status_code}: {answer.text[:300]}")

    def all_at_once() -> None:
        with ThreadPoolExecutor(connections) as pool:
            list(pool.map(send, [sent[first::connections] for first in range(connections)]))

    return took_s(all_at_once)


def _as_sent(pk: int, point: dict[str, Any]) -> dict[str, Any]:
    value = {name: one for name, one in point.items() if name != "timestamp"}
    return {
        "target": pk, "data_type": "photometry", "timestamp": point["timestamp"].isoformat(),
        "source_name": "Alpha TOM", "source_location": "", "value": value,
    }  # fmt: skip


def _fill(tom: Tom, pk: int, count: int) -> None:
    """Give a target points in the database itself, beside those that will come."""
    with closing(sqlite3.connect(tom.site.database, timeout=60)) as database:
        told = database.execute(f"PRAGMA table_info({PHOTOMETRY})").fetchall()
        columns = [(name, not required) for _, name, _, required, _, key in told if not key]
        database.execute(insert_points(columns, pk, count))
        database.commit()


# -- beside TOM Toolkit's own sharing ---------------------------------------------------------------------------------


_ADD_POINTS = """
from datetime import datetime
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.models import Target
target = Target.objects.get(name=name)
for point in points:
    PhotometryReducedDatum.objects.create(
        target=target, **{**point, 'timestamp': datetime.fromisoformat(point['timestamp'])}
    )
"""
_SHARE = """
import time
from django.contrib.auth.models import User
from tom_dataproducts.sharing import share_data_with_tom
from tom_targets.models import Target
pk = Target.objects.get(name=name).pk
if first:
    from tom_targets.sharing import share_target_with_tom
    share_target_with_tom(to, {'target': Target.objects.get(pk=pk)}, user=User.objects.get(username='admin'))
started = time.perf_counter()
answer = share_data_with_tom(to, {}, target_id=pk)
result = [time.perf_counter() - started, str(answer.get('message', answer))]
"""


def _beside_sharing(stage: Stage, effort: Effort) -> Iterator[Row]:
    number = effort.of(_SHARED, least=2)
    folder = stage.folder("sharing")
    receiver = stage.tom()
    receiving = Receiving(receiver, stage.folder("rest"))
    to_tom = {"DISPLAY_NAME": "Receiver", "BASE_URL": f"{receiver.base_url}/", "USERNAME": "bridge"}
    with served_gateway(folder / "gateway", with_topics(f"sqlite:///{folder}/gateway.db", "benchmark")) as gateway:
        entry = {"DISPLAY_NAME": "Gateway", "USERNAME": ACCOUNT, "PASSWORD": gateway.account(ACCOUNT, "benchmark")}
        sharing = {
            "receiver": {**to_tom, "PASSWORD": BRIDGE_PASSWORD},
            "gateway": {**entry, "BASE_URL": f"{gateway.start().url}benchmark/"},
        }
        sender = stage.tom(DATA_SHARING=sharing)

        def by_bridge(turn: int) -> float:
            receiver.make_target(f"bridge{turn}")
            bodies = list(light_curves(turn, number, number, [f"bridge{turn}"]))
            return took_s(lambda: receiving.receive_s(f"end{turn}", bodies))

        def by_toolkit(turn: int) -> float:
            receiver.make_target(f"toolkit{turn}")
            return _shared_s(sender, "receiver", f"toolkit{turn}", turn, number)

        def by_gateway(turn: int) -> float:
            return _shared_s(sender, "gateway", f"gateway{turn}", turn, number, first=True)

        times = in_turns({"bridge": by_bridge, ITS_OWN: by_toolkit, "gateway": by_gateway}, effort, most=2)
    its_own = rates(number, times[ITS_OWN])
    told = {"bridge": "from publish to a TOM over REST", "gateway": "TOM Toolkit's share to the gateway"}
    for side, what in told.items():
        ours = rates(number, times[side])
        yield Row(what=what, unit="points/s", ours=ours, beside=f"{ITS_OWN}, TOM to TOM", theirs=its_own)


def _shared_s(sender: Tom, to: str, target: str, turn: int, number: int, *, first: bool = False) -> float:
    sender.make_target(target)
    rows = [{**point, "timestamp": point["timestamp"].isoformat()} for point in points(turn, number)]
    sender.shell(_ADD_POINTS, name=target, points=rows)
    seconds, message = sender.shell(_SHARE, name=target, to=to, first=first)
    if "successfully" not in message:
        raise RuntimeError(f"TOM Toolkit's sharing: {message}")
    return float(seconds)
