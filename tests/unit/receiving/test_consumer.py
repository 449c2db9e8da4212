"""How long the consumer waits for whoever is away."""

import threading
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from simulation.clock import SimulatedClock
from simulation.holdings import Holdings
from simulation.stream import Broker, SimulatedStream
from simulation.tom import SimulatedTom

from bridge.backoff import growing_s
from bridge.errors import StreamAwayError
from bridge.ledger.sqlite import SqliteLedger
from bridge.receiving.consumer import Consumer, Pace
from bridge.receiving.progress import Limits, Progress
from bridge.stream.port import Ends, Partition

ASKED = 12


class Away(SimulatedStream):
    """A stream that answers nothing, and notes when it was asked."""

    asks_for_s: float | None = None

    def __init__(self, clock: SimulatedClock, stopped: threading.Event) -> None:
        super().__init__(Broker(clock))
        self.asked_at: list[float] = []
        self._clock = clock
        self._stopped = stopped

    def ends(self, topic: str) -> dict[Partition, Ends]:
        self.asked_at.append(self._clock.monotonic())
        if len(self.asked_at) == ASKED:
            self._stopped.set()
        raise StreamAwayError("nobody answers", where=topic, retry_after_s=self.asks_for_s)


def waits_of(folder: Path, asks_for_s: float | None) -> list[float]:
    """Return for how long a consumer that is to end waits between two questions to a stream that is away."""
    clock, stopped = SimulatedClock(), threading.Event()
    stream, nothing = Away(clock, stopped), Any
    stream.asks_for_s = asks_for_s
    with closing(SqliteLedger(folder / "ledger.sqlite", clock=clock)) as ledger:
        progress = Progress(ledger, SimulatedTom(Holdings()), Limits(), clock)
        consumer = Consumer(
            stream, ledger, nothing, nothing, progress, group="g", starts={"t": "now"}, stopped=stopped, clock=clock
        )
        consumer.run(until_end=True)
    return [after - before for before, after in pairwise(stream.asked_at)]


def test_pauses_grow_up_to_a_minute_also_where_the_end_is_waited_for(tmp_path: Path) -> None:
    waits = waits_of(tmp_path, None)
    assert len(waits) == ASKED - 1
    for number, wait_s in enumerate(waits, 1):
        growing = growing_s(Pace.shortest_wait_s, number, Pace.longest_wait_s)
        assert growing / 2 <= wait_s <= growing
    assert waits[-1] >= 30


@pytest.mark.parametrize(("asked_s", "waited_s"), [(90.0, 90.0), (31_536_000.0, 300.0), (float("inf"), 300.0)])
def test_what_the_other_side_asks_for_is_obeyed_up_to_five_minutes(
    tmp_path: Path, asked_s: float, waited_s: float
) -> None:
    assert waits_of(tmp_path, asked_s) == pytest.approx([waited_s] * (ASKED - 1))
