"""Datums a second over REST: the bridge beside TOM Toolkit's own sharing, same data, same run.

Both write the same photometric points into the same TOM Toolkit 3.1 (SQLite, gunicorn with four threads), in turns,
each turn onto a target of its own. TOM Toolkit's side is ``share_data_with_tom``, called inside a second TOM. The
bridge's side is its consumer, from the first poll of the embedded stream to the last outcome in the ledger, with its
default settings. Beside them the gateway: the same ``share_data_with_tom``, called in the same TOM, but with the
gateway as the other side, until it has taken everything durably.

    make benchmark        (or: python -m benchmarks.rest_throughput --points 200 --turns 2)
"""

import argparse
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

import structlog
from parts.gateway_service import ACCOUNT, served_gateway, with_topics
from parts.tom_site import BRIDGE_PASSWORD, Pristine, Toolkit
from parts.toms import Tom
from rich.console import Console
from rich.table import Table

from bridge.events import Photometry, Point, Share, TargetReference
from bridge.operations.assemble import open_bridge
from bridge.publishing.publisher import Publisher
from bridge.settings import Settings

TOPIC = "benchmark"

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


def main() -> None:
    """Measure in turns and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=200, help="points a turn (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=2, help="turns of each side (default: %(default)s)")
    given = parser.parse_args()
    points = made_points(given.points)
    sides = {
        "TOM Toolkit's share_data_with_tom": by_toolkit,
        "TOM Bridge": by_bridge,
        "share_data_with_tom to the gateway": by_gateway,
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    with tempfile.TemporaryDirectory() as folder, two_toms(Path(folder)) as (sender, receiver):
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        for turn in range(given.turns):
            for name, measure in sides.items():
                target = f"Target {len(rates[name])} {measure.__name__}"
                receiver.make_target(target)
                took_s = measure(sender, receiver, target, points, Path(folder) / f"turn{turn}")
                arrived = len((sender if measure is by_gateway else receiver).photometry(target))
                if arrived != len(points):
                    sys.exit(f"{name}: {arrived} of {len(points)} points arrived")
                rates[name].append(len(points) / took_s)
    show(rates, given.points)


def made_points(count: int) -> tuple[Point, ...]:
    """Return ``count`` points of a light curve, as any survey gives them."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return tuple(
        Point(
            timestamp=start + timedelta(hours=number),
            bandpass="gri"[number % 3],
            brightness=17.0 + number / 1000,
            brightness_error=0.05,
            telescope="T",
            instrument="I",
        )
        for number in range(count)
    )


@contextmanager
def two_toms(folder: Path) -> Iterator[tuple[Tom, Tom]]:
    """Serve the TOM that is written into, and make the one that shares; both end with the block."""
    pristine = Pristine.made(Toolkit.wanted(3), folder / "pristine")
    receiver = Tom(pristine, folder / "receiver")
    sharing = {
        "receiver": {
            "DISPLAY_NAME": "Receiver",
            "BASE_URL": f"{receiver.base_url}/",
            "USERNAME": "bridge",
            "PASSWORD": BRIDGE_PASSWORD,
        }
    }
    url = with_topics(f"sqlite:///{folder / 'gateway.db'}", TOPIC)
    with served_gateway(folder / "gateway", url) as gateway:
        entry = {"DISPLAY_NAME": "Gateway", "USERNAME": ACCOUNT, "PASSWORD": gateway.account(ACCOUNT, TOPIC)}
        sharing["gateway"] = {**entry, "BASE_URL": f"{gateway.start().url}{TOPIC}/"}
        sender = Tom(pristine, folder / "sender", settings={"DATA_SHARING": sharing})
        yield from _started(sender, receiver)


def _started(sender: Tom, receiver: Tom) -> Iterator[tuple[Tom, Tom]]:
    try:
        receiver.start()
        yield sender, receiver
    finally:
        sender.stop()
        receiver.stop()


def by_toolkit(sender: Tom, receiver: Tom, target: str, points: tuple[Point, ...], folder: Path) -> float:
    """Share with TOM Toolkit's own function and return how many seconds it took."""
    del receiver, folder
    return _shared(sender, "receiver", target, points)


def by_gateway(sender: Tom, receiver: Tom, target: str, points: tuple[Point, ...], folder: Path) -> float:
    """Share with it to the gateway, which takes data of a target that was shared; return how many seconds they took."""
    del receiver, folder
    return _shared(sender, "gateway", target, points, first=True)


def _shared(sender: Tom, to: str, target: str, points: tuple[Point, ...], *, first: bool = False) -> float:
    sender.make_target(target)
    fields = ("timestamp", "bandpass", "brightness", "brightness_error", "telescope", "instrument")
    rows = [point.model_dump(mode="json", include=set(fields)) for point in points]
    sender.shell(_ADD_POINTS, name=target, points=rows)
    took_s, message = sender.shell(_SHARE, name=target, to=to, first=first)
    if "successfully" not in message:
        sys.exit(f"TOM Toolkit's sharing: {message}")
    return float(took_s)


def by_bridge(sender: Tom, receiver: Tom, target: str, points: tuple[Point, ...], folder: Path) -> float:
    """Share with the bridge and return how many seconds its consumer took."""
    del sender
    settings = Settings.from_mapping(
        {
            "stream": {"url": f"sqlite:///{folder / 'stream.db'}"},
            "origin": "receiver",
            "tom": {"base_url": receiver.base_url, "api_key": receiver.pristine.tokens["bridge"]},
            "subscribe": [{"topic": TOPIC}],
        },
        folder=folder,
    )
    folder.mkdir()
    with open_bridge(settings) as bridge:
        bridge.stream.create_topic(settings.stream.schema_topic, compacted=True)
        bridge.stream.create_topic(TOPIC)
        share = Share(origin="sender", origin_name="Sender", installation=uuid4())
        with Publisher(bridge.stream, TOPIC) as publisher:
            publisher.publish(share.event(Photometry(target=TargetReference(name=target), points=points)))
        started = time.perf_counter()
        bridge.consumer().run(until_end=True)
        return time.perf_counter() - started


def show(rates: dict[str, list[float]], points: int) -> None:
    """Print each side's turns and median."""
    table = Table(title=f"Datums a second over REST, {points} points a turn", title_justify="left")
    table.add_column("side")
    for number in range(len(next(iter(rates.values())))):
        table.add_column(f"turn {number + 1}", justify="right")
    table.add_column("median", justify="right")
    for name, found in rates.items():
        table.add_row(name, *(f"{rate:.1f}" for rate in found), f"{statistics.median(found):.1f}")
    Console().print(table)
    medians = [statistics.median(found) for found in rates.values()]
    times = [f"{median / medians[0]:.1f}" for median in medians[1:]]
    Console().print(f"The bridge writes {times[0]} times as many, the gateway takes {times[1]} times as many.")


if __name__ == "__main__":
    main()
