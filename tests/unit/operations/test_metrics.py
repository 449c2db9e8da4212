"""What a daemon tells Prometheus, and the dashboard that shows it."""

import json
import re
import socket
import urllib.request
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from parts.events import event
from parts.outboxes import SqliteShelf
from prometheus_client import CollectorRegistry

from bridge.errors import ConfigurationError
from bridge.events import Kind
from bridge.ledger.model import Entry, Outcome
from bridge.operations.metrics import Metrics, served
from bridge.publishing.outbox import Queued
from bridge.stream import Partition

DOCS = Path(__file__).parents[3] / "docs"
NAME = re.compile(r"\btom_bridge_\w+")


def names(registry: CollectorRegistry) -> set[str]:
    """Return the names by which the metrics are asked for, a histogram's and a counter's as they are served."""
    endings = {"counter": ["_total"], "histogram": ["", "_bucket", "_count", "_sum"], "gauge": [""]}
    return {family.name + ending for family in registry.collect() for ending in endings[family.type]}


def entry(outcome: Outcome = Outcome.APPLIED, *, kind: str = "photometry", **given: object) -> Entry:
    """Return the outcome of an event that was published four seconds ago."""
    told = {"topic_id": "id", "offset": 0, "published_at": datetime.now(UTC) - timedelta(seconds=4)}
    return Entry(partition=Partition("supernovae", 0), outcome=outcome, kind=kind, **{**told, **given})  # type: ignore[arg-type]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def value(metrics: Metrics) -> Callable[..., float | None]:
    return lambda name, **labels: metrics.registry.get_sample_value(f"tom_bridge_{name}", labels)


def test_the_dashboard_shows_every_metric_and_none_that_does_not_exist(metrics: Metrics) -> None:
    board = json.loads((DOCS / "grafana-dashboard.json").read_text())
    shown = {name for panel in board["panels"] for one in panel["targets"] for name in NAME.findall(one["expr"])}
    there = names(metrics.registry)
    assert shown <= there
    assert {name.removesuffix("_bucket") for name in shown} == {
        name for name in there if not name.endswith(("_bucket", "_count", "_sum"))
    }


def test_every_metric_is_documented_and_no_other(metrics: Metrics) -> None:
    told = set(re.findall(r"^\| `(\w+)`", (DOCS / "watching.md").read_text(), re.MULTILINE))
    assert told == {name for name in names(metrics.registry) if not name.endswith(("_bucket", "_count", "_sum"))}


def test_the_outcomes_of_a_unit_are_counted(metrics: Metrics, value: Callable[..., float | None]) -> None:
    points = {"datums": {"new": 90, "duplicate": 10}}
    metrics.hear([entry(detail=points), entry(detail=points), entry(Outcome.DEAD, kind="target")])
    of_photometry = {"topic": "supernovae", "kind": "photometry"}
    assert value("events_total", **of_photometry, outcome="applied") == 2
    assert value("events_total", topic="supernovae", kind="target", outcome="dead") == 1
    assert value("datums_total", **of_photometry, fate="new") == 180
    assert value("delay_seconds_count", topic="supernovae") == 3
    assert value("delay_seconds_bucket", topic="supernovae", le="2.5") == 0
    assert value("delay_seconds_bucket", topic="supernovae", le="15.0") == 3


def test_a_kind_that_a_stranger_invents_makes_no_label(metrics: Metrics) -> None:
    metrics.hear([entry(Outcome.PARKED, kind=f"invented{number}") for number in range(100)])
    kinds = {sample.labels.get("kind") for family in metrics.registry.collect() for sample in family.samples}
    assert kinds - {None} <= {*map(str, Kind), "other"}


def test_what_waits_in_an_outbox_is_told(metrics: Metrics, value: Callable[..., float | None], tmp_path: Path) -> None:
    shelf = SqliteShelf(tmp_path / "outbox.db")
    with closing(shelf.open()) as outbox:
        metrics.follow_outbox(outbox.queued)
        metrics.look()
        assert (value("outbox_events"), value("outbox_oldest_timestamp_seconds")) == (0, 0)
        before = datetime.now(UTC).timestamp()
        shelf.accept("supernovae", event(), event())
        metrics.look()
    assert value("outbox_events") == 2
    oldest = value("outbox_oldest_timestamp_seconds")
    assert oldest is not None
    assert before <= oldest <= datetime.now(UTC).timestamp()


def test_metrics_are_served_on_this_machine_alone_and_no_longer_than_asked(metrics: Metrics) -> None:
    metrics.follow_outbox(lambda: Queued(events=3, oldest=None))
    with served(metrics, "127.0.0.1", 0) as port:
        metrics.look()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            assert b"tom_bridge_outbox_events 3.0" in answer.read()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_that_is_taken_is_said(metrics: Metrics) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with (
            pytest.raises(ConfigurationError, match="can't be served") as error,
            served(metrics, "127.0.0.1", taken.getsockname()[1]),
        ):
            pass
    assert "--metrics-port" in str(error.value)
