"""Playing many histories, as ``make simulate`` does."""

import pytest
from simulation.__main__ import main
from simulation.many import play_all
from simulation.mutations import MUTATIONS


def test_several_processes_play_every_seed_once_and_tell_of_them_in_order() -> None:
    seeds = range(7_000, 7_000 + 11)
    blocks = list(play_all(seeds, processes=2, block=3))
    assert [seed for block in blocks for seed in block.seeds] == list(seeds)
    assert not any(block.failed for block in blocks)


def test_a_failing_seed_is_told_with_the_shortest_history_that_fails_alike(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    MUTATIONS["the position goes past what is not applied"](monkeypatch)
    assert main(["--seed", "0", "--histories", "3", "--processes", "1", "--show", "1"]) == 1
    told = capsys.readouterr().out
    assert "\nseed 0: " in told
    assert "def test_a_history() -> None:" in told
    assert "3 histories (seeds 0 to 2)" in told
