"""Each line of the benchmarks can be run: with almost nothing to do, and no look at what it took."""

import math
from typing import Any

import pytest
from parts.django_tom import InProcess
from parts.toms import Tom

from benchmarks.lines import Measure, lines
from benchmarks.stage import Stage
from benchmarks.timing import TINY

ALL = [
    pytest.param(name, measure, id=f"{name}{' at scale' if scale else ''}")
    for scale in (False, True)
    for name, measure in lines(scale=scale).items()
]


@pytest.fixture(scope="module")
def stage(
    in_process: InProcess, kafka_broker: str, toms_of_session: Any, tmp_path_factory: pytest.TempPathFactory
) -> Stage:
    def make_tom(name: str, settings: dict[str, Any]) -> Tom:
        return toms_of_session.get(3, name, settings)

    folder = tmp_path_factory.mktemp("stage")
    return Stage(folder, in_process=in_process, broker=kafka_broker, make_tom=make_tom)


@pytest.mark.parametrize(("name", "measure"), ALL)
def test_a_line_can_be_measured(stage: Stage, name: str, measure: Measure) -> None:
    rows = list(measure(stage, TINY))
    assert rows
    for row in rows:
        least = 0.0 if row.unit == "cores" else math.ulp(0.0)  # of so little work a core knows nothing
        assert all(least <= figure < math.inf for figure in [*row.ours, *row.theirs]), row
        assert not row.theirs or len(row.ours) == len(row.theirs)
