"""A consumer whose metrics are served, in a real TOM: what they tell is what the ledger and the stream hold."""

from contextlib import nullcontext

from parts.bridges import TOPIC, Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.shares import SUPERNOVA, on_day, photometry

from bridge.events import TargetReference
from bridge.operations.metrics import Metrics


def test_what_a_consumer_did_and_what_is_left_is_told(alpha: Publishing, beta: SubscribedInProcess) -> None:
    metrics = Metrics()

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(f"tom_bridge_{name}", labels)

    alpha.publish(SUPERNOVA, photometry(3), on_day(1, reference=TargetReference(name="nobody's")))
    with beta.open() as bridge:
        metrics.follow(bridge, lambda: nullcontext(bridge.ledger))
        metrics.look()
        assert value("lag_records", topic=TOPIC, partition="0") == 3
        bridge.consumer().run(until_end=True)
        alpha.publish(on_day(2))
        metrics.look()
        kept = bridge.ledger.kept_bytes()
    assert value("events_total", topic=TOPIC, kind="target", outcome="applied") == 1
    assert value("events_total", topic=TOPIC, kind="photometry", outcome="parked") == 1
    assert value("datums_total", topic=TOPIC, kind="photometry", fate="new") == 3
    assert value("lag_records", topic=TOPIC, partition="0") == 1
    assert value("parked_events", reason="no target") == 1
    assert value("kept_bytes") == kept
    moved = value("progress_timestamp_seconds", topic=TOPIC, partition="0")
    assert moved is not None
    assert value("delay_seconds_count", topic=TOPIC) == 3
