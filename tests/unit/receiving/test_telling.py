"""What the log says of events that were written."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import structlog
from parts.events import event, photometry, record_of
from structlog.testing import capture_logs

from bridge.codec import peek
from bridge.ledger.port import Outcome, Reason
from bridge.receiving.arrival import Arrival
from bridge.receiving.result import Result, dead
from bridge.receiving.telling import ONE_BY_ONE, tell


def arrivals(number: int) -> list[Arrival]:
    """Return so many events of one partition."""
    events = [event(photometry(1)) for _ in range(number)]
    records = [replace(record_of(each), offset=offset) for offset, each in enumerate(events)]
    return [Arrival(record=one, hints=peek(one), event=each) for one, each in zip(records, events, strict=True)]


def applied(**fates: int) -> Result:
    return Result(outcome=Outcome.APPLIED, detail={"datums": fates})


def told(results: Sequence[Result]) -> list[Any]:
    with capture_logs() as lines:
        tell(arrivals(len(results)), results)
    return lines


@pytest.fixture(autouse=True)
def as_a_daemon_logs() -> Any:
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    yield
    structlog.configure(**before)


def test_each_event_of_a_few_has_a_line() -> None:
    lines = told([applied(new=1)] * ONE_BY_ONE)
    assert [line["event"] for line in lines] == ["event.applied"] * ONE_BY_ONE
    assert lines[0]["datums"] == {"new": 1}
    assert lines[0]["subject"]


def test_of_many_what_needs_nobody_has_one_line_and_everything_else_its_own() -> None:
    lost = dead(Reason.REJECTED, "refused")
    lines = told([applied(new=2)] * ONE_BY_ONE + [lost, Result(outcome=Outcome.DUPLICATE), applied(new=1, duplicate=1)])
    assert [line["event"] for line in lines] == ["event.dead", "events.settled"]
    assert lines[0]["reason"] == Reason.REJECTED
    summed = lines[1]
    assert (summed["events"], summed["applied"], summed["duplicate"]) == (ONE_BY_ONE + 2, ONE_BY_ONE + 1, 1)
    assert summed["datums"] == {"new": 2 * ONE_BY_ONE + 1, "duplicate": 1}
    assert (summed["where"], summed["to"]) == ("supernovae[0]@0", f"supernovae[0]@{ONE_BY_ONE + 2}")


def test_whoever_wants_more_is_told_each_of_many() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    assert [line["event"] for line in told([applied(new=1)] * 50)] == ["event.applied"] * 50
