"""What a daemon tells Prometheus: what became of events, how far behind it is, and what waits to be sent.

Outcomes are counted as a unit is done; all else is looked at every few seconds by a thread of its own, whoever asks and
however often. Labels are topics that this TOM has chosen, and words of ours: a stranger can't add to them. Needs the
extra ``metrics``.
"""

import os
import threading
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from typing import Any

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, start_http_server

from bridge.errors import BridgeError, ConfigurationError
from bridge.events import Kind
from bridge.ledger.port import Entry, Ledger
from bridge.operations.assemble import Bridge
from bridge.operations.status import partitions, process_of
from bridge.publishing.outbox import Queued

log = structlog.get_logger(__name__)

LOOKS_EVERY_S = 10.0
_KINDS = frozenset(map(str, Kind))
_OTHER = "other"
_DELAYS_S = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 86400)


class Metrics:
    """The metrics of one process, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        given: dict[str, Any] = {"registry": self.registry, "namespace": "tom_bridge"}
        self._events = Counter("events", "Events that got an outcome.", ("topic", "kind", "outcome"), **given)
        self._datums = Counter("datums", "Datums that got a fate.", ("topic", "kind", "fate"), **given)
        self._delay = Histogram(
            "delay_seconds", "From the stream's time of an event to its commit in the TOM.", ("topic",),
            buckets=_DELAYS_S, **given,
        )  # fmt: skip
        self._lag = Gauge("lag_records", "Records still to come; at most.", ("topic", "partition"), **given)
        self._moved = Gauge(
            "progress_timestamp_seconds", "When this process last moved on in a partition, or took it up.",
            ("topic", "partition"), **given,
        )  # fmt: skip
        self._troubled = Gauge("troubled", "1 while this is waited for: a topic, the TOM, ...", ("whose",), **given)
        self._parked = Gauge("parked_events", "Events, and members of lists, that wait.", ("reason",), **given)
        self._dead = Gauge("dead_letters", "Dead letters.", ("reason",), **given)
        self._kept = Gauge("kept_bytes", "Bytes of parked events and dead letters.", **given)
        self._queued = Gauge("outbox_events", "Accepted events that wait to be sent.", **given)
        self._oldest = Gauge(
            "outbox_oldest_timestamp_seconds", "When the oldest of them was accepted; 0 where none waits.", **given
        )
        self._looked = Gauge("looked_timestamp_seconds", "When all but the counters was last looked at.", **given)
        self._looks: list[Callable[[], None]] = []
        self.due = threading.Event()
        """Set where there is more to look at than before, or no more."""

    # -- counted as it is done ----------------------------------------------------------------------------------------

    def hear(self, entries: Sequence[Entry]) -> None:
        """Count the outcomes of one unit, just committed."""
        now = datetime.now(UTC).timestamp()
        events: Tally[tuple[str, str, str]] = Tally()
        datums: Tally[tuple[str, str, str]] = Tally()
        for entry in entries:
            topic, kind = entry.partition.topic, entry.kind if entry.kind in _KINDS else _OTHER
            events[topic, kind, str(entry.outcome)] += 1
            fates = entry.detail.get("datums")
            for fate, number in fates.items() if isinstance(fates, Mapping) else ():
                datums[topic, kind, str(fate)] += number
        for counter, found in ((self._events, events), (self._datums, datums)):
            for labels, number in found.items():
                counter.labels(*labels).inc(number)
        for topic in {labels[0] for labels in events}:
            observe = self._delay.labels(topic).observe
            for entry in entries:
                if entry.partition.topic == topic:
                    observe(max(0.0, now - entry.published_at.timestamp()))

    # -- looked at ----------------------------------------------------------------------------------------------------

    def follow(self, bridge: Bridge, open_ledger: Callable[[], AbstractContextManager[Ledger]]) -> None:
        """Tell of a consumer: of its outcomes from now on, and of its ledger, which is opened anew for each look."""
        bridge.parts.progress.listeners.append(self.hear)
        topics = [one.topic for one in bridge.settings.subscribe]

        def look() -> None:
            with open_ledger() as ledger:
                self._look_at_ledger(ledger)
                for topic in topics:
                    self._look_at_topic(bridge, ledger, topic)

        self._looks.append(look)
        self.due.set()

    def follow_outbox(self, queued: Callable[[], Queued]) -> None:
        """Tell of an outbox."""

        def look() -> None:
            now = queued()
            self._queued.set(now.events)
            self._oldest.set(now.oldest.timestamp() if now.oldest is not None else 0)

        self._looks.append(look)
        self.due.set()

    def look(self) -> None:
        """Look at all once; what can't be looked at now stays as it was, and the time of looking with it."""
        try:
            for one in self._looks:
                one()
        except BridgeError as error:
            log.debug("metrics.not_looked", message=str(error))
        else:
            self._looked.set_to_current_time()

    def _look_at_ledger(self, ledger: Ledger) -> None:
        sums = ledger.sums()
        for gauge, by_reason in ((self._parked, sums.parked), (self._dead, sums.dead)):
            gauge.clear()
            for reason, number in by_reason.items():
                gauge.labels(str(reason)).set(number)
        self._kept.set(sums.bytes)
        mine = [one for one in map(process_of, ledger.heartbeats()) if one.process.endswith(f":{os.getpid()}")]
        self._troubled.clear()
        self._moved.clear()
        for process in mine[:1]:  # the newest
            for whose in process.troubles:
                self._troubled.labels(whose).set(1)
            for partition, moved_at in process.moved.items():
                topic, _, in_brackets = partition.rpartition("[")
                self._moved.labels(topic, in_brackets.rstrip("]")).set(moved_at.timestamp())

    def _look_at_topic(self, bridge: Bridge, ledger: Ledger, topic: str) -> None:
        try:
            found = partitions(bridge.stream, ledger, topic)
        except BridgeError as error:  # its consumer tells what it waits for
            log.debug("metrics.no_lag", topic=topic, message=str(error))
            return
        for one in found:
            if one.lag is not None:
                self._lag.labels(topic, str(one.partition)).set(one.lag)


@contextmanager
def served(metrics: Metrics, host: str, port: int) -> Iterator[int]:
    """Serve ``metrics`` at ``http://host:port/metrics`` for a block; yields the port (0 takes a free one).

    Raises ConfigurationError where nothing can listen there.
    """
    try:
        server, answering = start_http_server(port, host, metrics.registry)
    except OSError as error:
        raise ConfigurationError(
            f"metrics can't be served at {host}:{port}: {error.strerror or error}",
            where="--metrics-port",
            mend="Choose a port that is free, and for --metrics-host an address of this machine",
        ) from None
    ended = threading.Event()

    def look() -> None:
        while True:
            metrics.due.wait(LOOKS_EVERY_S)
            metrics.due.clear()
            if ended.is_set():
                return
            metrics.look()

    looking = threading.Thread(target=look, name="metrics", daemon=True)
    looking.start()
    log.info("metrics.served", host=host, port=server.server_port)
    try:
        yield server.server_port
    finally:
        ended.set()
        metrics.due.set()
        server.shutdown()
        server.server_close()
        answering.join()
