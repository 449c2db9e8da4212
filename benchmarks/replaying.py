"""Reading history again: what is there already beside live, a dry run, one target, and a range of time."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from benchmarks.content import light_curves
from benchmarks.receiving import Receiving
from benchmarks.stage import Stage
from benchmarks.timing import Effort, Goal, Row, now, rates
from bridge.receiving.replay import Selection, replay, spans
from bridge.stream import Record

EVENTS, EVENTS_AT_SCALE = 400, 10_000
EACH = 100
SINGLE, SINGLE_AT_SCALE = 4_000, 1_000_000
_TOPIC = "history"
_TARGETS = [f"SN 2026 {number}" for number in range(100)]


def measure(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield the rows of 40,000 datums."""
    yield from _rows(stage, effort, effort.of(EVENTS, least=4), effort.of(SINGLE, least=100))


def at_scale(stage: Stage, effort: Effort) -> Iterator[Row]:
    """Yield the rows of a million datums, and of a million events."""
    yield from _rows(stage, effort, effort.of(EVENTS_AT_SCALE, least=4), effort.of(SINGLE_AT_SCALE, least=100))


def _rows(stage: Stage, effort: Effort, events: int, single: int) -> Iterator[Row]:
    with stage.in_process.tom("sqlite") as tom:
        receiving = Receiving(tom, stage.folder(_TOPIC))
        for name in _TARGETS:
            tom.make_target(name)
        datums = events * EACH
        live = [receiving.receive_s(_TOPIC, light_curves(0, datums, EACH, _TARGETS))]
        again = [_replayed_s(receiving, _TOPIC)[0] for _ in range(min(effort.turns, 3))]
        dry = [_replayed_s(receiving, _TOPIC, dry_run=True)[0] for _ in range(min(effort.turns, 3))]
        restored = [_replayed_s(receiving, _TOPIC, restore=True)[0]]
        what = f"replay of {datums:,} datums that are there"
        sides = {
            what: (again, Goal(least=1.0)),
            f"{what}, dry": (dry, Goal(least=5.0)),
            f"{what}, --restore": (restored, None),
        }
        for told, (times, goal) in sides.items():
            yield Row(
                what=told, unit="datums/s", ours=rates(datums, times), beside="live",
                theirs=rates(datums, live * len(times)), goal=goal,
            )  # fmt: skip
        yield from _parts(receiving, effort, single)


def _parts(receiving: Receiving, effort: Effort, single: int) -> Iterator[Row]:
    """Yield the rows of parts of many events of one point, which need not have been applied to be read again."""
    topic = f"{_TOPIC}.single"
    half = single // 2
    receiving.publish(topic, light_curves(1, half, 1, _TARGETS))
    middle = datetime.now().astimezone()
    receiving.publish(topic, light_curves(2, single - half, 1, _TARGETS))
    of_target, ranges = [], []
    for _ in range(min(effort.turns, 3)):
        of_target.append(_replayed_s(receiving, topic, dry_run=True, target=_TARGETS[7])[0])
        _, read = _replayed_s(receiving, topic, dry_run=True, since=middle, target="nobody")
        ranges.append(read / (single - half))
    yield Row(
        what=f"dry replay of one target out of {single:,} events", unit="events/s", ours=rates(single, of_target)
    )  # fmt: skip
    yield Row(
        what=f"records read for the later half of {single:,}", unit="of those in the range", ours=ranges,
        beside="those in the range", theirs=[1.0] * len(ranges), goal=Goal(most=1.0),
    )  # fmt: skip


def _replayed_s(receiving: Receiving, topic: str, **given: Any) -> tuple[float, int]:
    """Return how many seconds a replay took, and how many records it read."""
    how = {name: given.pop(name) for name in ("restore", "dry_run") if name in given}
    selection, read = Selection(topic=topic, **given), 0

    def count(_record: Record) -> None:
        nonlocal read
        read += 1

    with receiving.subscribed(topic).open() as bridge:
        started = now()
        chosen = spans(bridge.stream, bridge.ledger, selection)
        for _ in replay(bridge.stream, bridge.reader, bridge.waiting, chosen, selection, seen=count, **how):
            pass
        return now() - started, read
