"""The tool that kills and freezes processes at a step strikes where it says."""

import signal
from contextlib import closing
from pathlib import Path

import pytest
from parts.entries import PARTITION
from parts.kill import frozen, killed
from parts.ledger_writer import EVENTS

from bridge.ledger.port import Position
from bridge.ledger.sqlite import SqliteLedger

WRITE = "parts.ledger_writer:write"
BEGIN = "bridge.ledger.sqlite:SqliteLedger.begin"
UNIT = "bridge.ledger.sqlite:SqliteLedger.unit"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def written(path: Path) -> int:
    with closing(SqliteLedger(path)) as ledger:
        position = ledger.positions().get(PARTITION)
        records = sum(count.events for count in ledger.counts())
        assert records == (0 if position is None else position.next)
        return records


@pytest.mark.parametrize(
    ("step", "nth", "there"),
    [(f"before {BEGIN}", 2, 1), (f"after {BEGIN}", 1, 0), (f"after {UNIT}", 2, 1), (f"leaving {UNIT}", 2, 2)],
)
def test_a_process_is_killed_at_the_step_named(path: Path, log: Path, step: str, nth: int, there: int) -> None:
    assert killed(WRITE, [str(path)], [step], nth=nth, log=log)
    assert written(path) == there
    assert log.read_text().splitlines()[-1] == f"SIGKILL {step}"


def test_a_process_can_be_killed_at_every_step_up_to_its_end(tmp_path: Path, log: Path) -> None:
    steps = [f"before {BEGIN}", f"after {BEGIN}", f"leaving {UNIT}"]
    nth = 1
    while killed(WRITE, [str(path := tmp_path / f"{nth}.sqlite")], steps, nth=nth, log=log):
        assert not killed(WRITE, [str(path)], [], log=log)
        assert written(path) == EVENTS
        nth += 1
    assert nth == len(steps) * EVENTS + 1


def test_a_frozen_process_that_wakes_up_finds_its_position_gone(path: Path, log: Path) -> None:
    with frozen(WRITE, [str(path)], [f"after {BEGIN}"], nth=2, log=log) as sleeper:
        assert written(path) == 1
        with closing(SqliteLedger(path)) as ledger:
            ledger.set_position(PARTITION, Position("first", 2))
        sleeper.wake()
        assert sleeper.wait() == 1
    assert "PositionLostError" in log.read_text()


def test_a_frozen_process_goes_on_when_it_wakes_up_and_is_ended_if_it_does_not(path: Path, log: Path) -> None:
    with frozen(WRITE, [str(path)], [f"before {UNIT}"], log=log) as sleeper:
        sleeper.wake()
        assert sleeper.wait() == 0
    assert written(path) == EVENTS
    path.unlink()
    with frozen(WRITE, [str(path)], [f"before {UNIT}"], log=log) as sleeper:
        pass
    assert sleeper.wait() == -signal.SIGKILL


def test_a_process_that_fails_by_itself_is_not_taken_for_killed(tmp_path: Path, log: Path) -> None:
    with pytest.raises(AssertionError, match="ConfigurationError"):
        killed(WRITE, [str(tmp_path)], [f"leaving {UNIT}"], log=log)
    frozen_early = frozen(WRITE, [str(tmp_path / "ledger.sqlite")], [f"leaving {UNIT}"], nth=99, log=log)
    with pytest.raises(AssertionError, match="before step 99"), frozen_early:
        pass
