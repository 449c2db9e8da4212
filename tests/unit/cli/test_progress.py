"""Long work tells how far it is, how fast it goes, and how long it takes yet."""

import pytest

from bridge.cli import common
from bridge.cli.common import Pace, progress


class Time:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(common.time, "monotonic", lambda: self.now)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    return Time(monkeypatch)


def test_rate_and_time_left_are_told(time: Time) -> None:
    pace = Pace(50_000)
    assert pace.told(0) == "0 of 50,000"
    time.now += 10
    assert pace.told(12_000) == "12,000 of 50,000, 1,200 a second, 0:00:32 left"
    assert Pace(None).told(3) == "3"


def test_slow_work_of_unknown_length_tells_its_rate(time: Time) -> None:
    pace = Pace(None)
    time.now += 10
    assert pace.told(12) == "12, 1.2 a second"


def test_a_log_gets_a_line_every_half_minute(time: Time, capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Replaying", 1_000) as show:
        for done in range(1, 91):
            time.now += 1
            show(done)
    assert capsys.readouterr().err.splitlines() == [
        "Replaying: 30 of 1,000, 1.0 a second, 0:16:10 left",
        "Replaying: 60 of 1,000, 1.0 a second, 0:15:40 left",
        "Replaying: 90 of 1,000, 1.0 a second, 0:15:10 left",
    ]
