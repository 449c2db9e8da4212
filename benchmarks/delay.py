"""How long a share takes from its commit at one TOM to the committed row at another, at a hundred events a second.

Two TOMs with the app on SQLite, each with its daemon (``bridgerelay``, ``bridgeconsume``), on the embedded stream and
on Apache Kafka. The receiving TOM's file is looked at every few milliseconds. Beside it what the stream alone takes:
records of the same size, each produced and flushed, to a consumer that polls.

The first share after both have started is told by itself: the relay meets the stream and announces its schema then
(and Kafka's brokers, when they are new, their producers), which happens once.
"""

import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

from confluent_kafka import Consumer, Producer, TopicPartition
from parts.bridges import Publishing
from parts.managed_tom import ManagedTom
from parts.tom_site import Pristine
from parts.wait import wait_until

from benchmarks.filling import PHOTOMETRY
from benchmarks.stage import Stage
from benchmarks.timing import By, Effort, Goal, Row, ms
from bridge.stream import open_stream

RATE = 100
_SHARES = 1_000
_NAME = "SN 2026abc"
_VALUE = b"x" * 400
_LOOK_S = 0.004
_ALONE = "the stream alone"

_SHARE = """
import time
from datetime import datetime, timedelta, timezone
from django.contrib.auth.models import User
from django.db import transaction
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.models import Target
from bridge.tomtoolkit.sharing import share
target, user = Target.objects.get(name=name), User.objects.get(username='admin')
day, begun, result = datetime(2000, 1, 1, tzinfo=timezone.utc), time.time(), []
for number in range(first, first + count):
    time.sleep(max(0.0, begun + (number - first) / rate - time.time()))
    with transaction.atomic():
        row = PhotometryReducedDatum(
            target=target, bandpass='r', brightness=float(number), timestamp=day + timedelta(minutes=number)
        )
        PhotometryReducedDatum.objects.bulk_create([row])
        share(PhotometryReducedDatum.objects.filter(target=target, brightness=number), topic=topic, user=user)
    result.append(time.time())
"""


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield median and 99th percentile for each stream."""
    count = effort.of(_SHARES, least=5)
    streams = {"embedded": f"sqlite:///{stage.folder('delay')}/stream.db", "Kafka": f"kafka://{stage.broker}"}
    for label, url in streams.items():
        topic = f"delay.{uuid4().hex[:8]}"
        Publishing(url, topic=topic).close()
        first, *ours = ms(_shared(stage.with_app, stage.folder("delay"), url, topic, count))
        alone = ms(_by_kafka(stage.broker, topic, count) if label == "Kafka" else _embedded(url, topic, count))
        for told, part, most in (("median", 0.5, 50), ("99 %", 0.99, 250)):
            yield Row(
                what=f"from commit to commit at {RATE} events/s, {label}, {told}",
                unit="ms",
                ours=[_quantile(ours, part)],
                beside=_ALONE,
                theirs=[_quantile(alone, part)],
                goal=Goal(by=By.ADDED, most=most),
            )
        yield Row(what=f"the first share after a start, {label}", unit="ms", ours=[first])


def _quantile(times: list[float], part: float) -> float:
    return statistics.quantiles(times, n=100, method="inclusive")[round(part * 100) - 1]


def _shared(pristine: Pristine, folder: Path, url: str, topic: str, count: int) -> list[float]:
    """Return how long each share took: one to begin with, and ``count`` that follow each other when it has come."""
    stream = {"STREAM": {"URL": url}}
    sender = ManagedTom(pristine, folder / "a", {"ORIGIN": "a", **stream, "PUBLISH": [{"TOPIC": topic}]})
    receiver = ManagedTom(pristine, folder / "b", {"ORIGIN": "b", **stream, "SUBSCRIBE": [{"TOPIC": topic}]})
    try:
        for tom in (sender, receiver):
            tom.make_target(_NAME)
        with (
            sender.managing("bridgerelay", log=folder / "a.log") as relay,
            receiver.managing("bridgeconsume", log=folder / "b.log") as consumer,
        ):
            relay.wait_for("relay.started")
            consumer.wait_for("consumer.started")
            taken: list[float] = []
            for numbers in (range(1), range(1, count + 1)):
                arrived = _Arrivals(receiver.site.database, numbers)
                given = {"first": numbers.start, "count": len(numbers)}
                committed = sender.shell(_SHARE, name=_NAME, rate=RATE, topic=topic, **given)
                taken += [at - sent for at, sent in zip(arrived.all(), committed, strict=True)]
            return taken
    finally:
        sender.stop()
        receiver.stop()


class _Arrivals:
    """Looks when which row is there, in a thread of its own; a row's brightness is its number."""

    def __init__(self, database: Path, numbers: range) -> None:
        self._numbers = numbers
        self._seen: dict[int, float] = {}
        self._thread = threading.Thread(target=self._look, args=(database,), daemon=True)
        self._thread.start()

    def _look(self, path: Path) -> None:
        last = 0
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=60)) as database:
            while not self._has_all:
                found = database.execute(f"SELECT id, brightness FROM {PHOTOMETRY} WHERE id > ?", (last,)).fetchall()
                for key, number in found:
                    last = key
                    self._seen[round(number)] = time.time()
                time.sleep(_LOOK_S)

    @property
    def _has_all(self) -> bool:
        return self._seen.keys() >= set(self._numbers)

    def all(self) -> list[float]:
        """Return when each came, in their order, as soon as all are there."""
        wait_until(lambda: self._has_all, timeout_s=120, what="all rows")
        return [self._seen[number] for number in self._numbers]


def _embedded(url: str, topic: str, count: int) -> list[float]:
    with closing(open_stream(url)) as writing, closing(open_stream(url)) as reading:
        start = {one: ends.next for one, ends in reading.ends(topic).items()}
        sent: list[float] = []
        with closing(reading.subscribe([topic], uuid4().hex, lambda _partitions: start)) as subscription:

            def send() -> None:
                for _ in _paced(count):
                    sent.append(time.time())
                    writing.publish(topic, key=b"k", value=_VALUE)
                    writing.flush()

            sending = threading.Thread(target=send)
            sending.start()
            came: list[float] = []
            while len(came) < count:
                fetched = subscription.poll(500, 1.0).records
                came += [time.time()] * len(fetched)
            sending.join()
    return [at - begun for at, begun in zip(came, sent, strict=True)]


def _by_kafka(broker: str, topic: str, count: int) -> list[float]:
    options = {"bootstrap.servers": broker, "log_level": 0}
    consumer, producer = Consumer({**options, "group.id": uuid4().hex}), Producer({**options, "acks": "all"})
    _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=30)
    consumer.assign([TopicPartition(topic, 0, end)])
    sent: list[float] = []

    def send() -> None:
        for _ in _paced(count):
            sent.append(time.time())
            producer.produce(topic, value=_VALUE, key=b"k")
            producer.flush()

    sending = threading.Thread(target=send)
    sending.start()
    came: list[float] = []
    while len(came) < count:
        fetched = consumer.consume(500, 0.05)
        came += [time.time()] * len(fetched)
    sending.join()
    consumer.close()
    return [at - begun for at, begun in zip(came, sent, strict=True)]


def _paced(count: int) -> Iterator[int]:
    begun = time.time()
    for number in range(count):
        time.sleep(max(0.0, begun + number / RATE - time.time()))
        yield number
