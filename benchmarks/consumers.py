"""One, two and three consumers of one TOM: photometry on six partitions of Apache Kafka into PostgreSQL.

Each is a process (``manage.py bridgeconsume``). They share the partitions before the records come, which are encoded
beforehand and produced at once; what is told goes from the first position that moves to the last. What kept the cores
busy meanwhile is told as well: of all, and by PostgreSQL.
"""

# ruff: noqa: PLC0415 (what belongs to Django can be imported only when it is set up)

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any
from uuid import uuid4

import psutil
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from parts.bridges import Publishing
from parts.django_tom import InProcessTom
from parts.managed_tom import ManagedTom
from parts.tom_site import Pristine
from parts.wait import wait_until

from benchmarks.content import light_curves
from benchmarks.stage import Stage
from benchmarks.timing import Effort, Row
from bridge.codec import encode

PARTITIONS = 6
EACH = 100
_DATUMS = 60_000
_TARGETS = [f"SN 2026 {number}" for number in range(60)]
_MOST_TURNS = 2
_NO_COORDINATOR_YET = {KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS}


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield a row for each number of consumers, and one of what was busy."""
    pristine = stage.with_app  # made before Django points at a database of PostgreSQL
    number = effort.of(_DATUMS // EACH, least=12) * EACH
    found: dict[int, list[float]] = {1: [], 2: [], 3: []}
    busy: dict[int, list[tuple[float, float]]] = {1: [], 2: [], 3: []}
    for _ in range(min(effort.turns, _MOST_TURNS) if effort.factor >= 1 else 1):
        for consumers in found if effort.warm else [1]:
            with stage.in_process.tom("postgresql") as tom:
                rate, cores, of_database = _rate(tom, stage, pristine, consumers, number)
            found[consumers].append(rate)
            busy[consumers].append((cores, of_database))
    for consumers, rates in found.items():
        if not rates:
            continue
        told = f"{consumers} consumer{'s' if consumers > 1 else ''} of one TOM, 6 partitions, PostgreSQL"
        beside = {"beside": "one", "theirs": found[1]} if consumers > 1 else {}
        yield Row(what=told, unit="points/s", ours=rates, **beside)
        for whose, number_of in (("the whole machine", 0), ("PostgreSQL", 1)):
            cores = [one[number_of] for one in busy[consumers]]
            yield Row(what=f"cores busy with {consumers} consuming: {whose}", unit="cores", ours=cores)


def _rate(
    tom: InProcessTom, stage: Stage, pristine: Pristine, consumers: int, number: int
) -> tuple[float, float, float]:
    """Return points a second, and how many cores were busy: in all, and with PostgreSQL."""
    topic, folder = f"consumers.{uuid4().hex[:8]}", stage.folder("consumers")
    for name in _TARGETS:
        tom.make_target(name)
    url = f"kafka://{stage.broker}"
    bridge = {"ORIGIN": "beta", "STREAM": {"URL": url}, "SUBSCRIBE": [{"TOPIC": topic}]}
    site = ManagedTom(pristine, folder / "tom", bridge)
    site.set(DATABASES={"default": _database()})
    with closing(Publishing(url, topic=topic, partitions=PARTITIONS)) as publishing, ExitStack() as stack:
        publishing.publish(*light_curves(0, 1, 1, _TARGETS))  # its schema is announced
        made = [encode(publishing.share.event(body)) for body in light_curves(1, number, EACH, _TARGETS)]
        running = [
            stack.enter_context(site.managing("bridgeconsume", log=folder / f"{one}.log")) for one in range(consumers)
        ]
        group = running[0].wait_for("consumer.started")[0]["group"]
        wait_until(
            lambda: _partitions_of_members(stage.broker, group) == [PARTITIONS // consumers] * consumers,
            timeout_s=60,
            what="the members of the group to share the partitions",
        )
        before = _offsets()
        for one in made:
            publishing.stream.publish(topic, key=one.key, value=one.value, headers=one.headers)
        publishing.stream.flush()
        wait_until(lambda: _offsets() > before, timeout_s=120, what="the first unit")
        first, started, cpu = _offsets(), time.perf_counter(), _cpu_s()
        wait_until(lambda: _offsets() >= before + len(made), timeout_s=300, what="all units")
        took_s, used = time.perf_counter() - started, _cpu_s()
    applied = (before + len(made) - first) * EACH
    cores, of_database = (max(now - then, 0.0) / took_s for now, then in zip(used, cpu, strict=True))
    return applied / took_s, cores, of_database


def _partitions_of_members(broker: str, group: str) -> list[int]:
    """Return how many partitions each member of a consumer group has; of one whose coordinator is just chosen, none."""
    admin = AdminClient({"bootstrap.servers": broker})  # without a name it would go before its answer comes
    try:
        found = admin.describe_consumer_groups([group])[group].result(timeout=10)
    except KafkaException as error:
        if error.args[0].code() in _NO_COORDINATOR_YET:
            return []
        raise
    return [len(member.assignment.topic_partitions) for member in found.members]


def _database() -> dict[str, Any]:
    from django.db import connection

    names = ("ENGINE", "NAME", "HOST", "PORT", "USER", "PASSWORD")
    return {name: str(connection.settings_dict[name]) for name in names}


def _offsets() -> int:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    return sum(position.next for position in DjangoLedger().positions().values())


def _cpu_s() -> tuple[float, float]:
    """Return the CPU seconds of the machine so far, and those of PostgreSQL's servers with what they have started."""
    every = psutil.cpu_times()
    of_database = 0.0
    for process in psutil.process_iter(["name", "cpu_times"]):
        if process.info["name"] == "postgres" and process.info["cpu_times"] is not None:
            used = process.info["cpu_times"]
            of_database += used.user + used.system + used.children_user + used.children_system
    return every.user + every.system + every.nice, of_database
