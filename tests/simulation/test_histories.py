"""Histories by chance, with a fixed seed: in none of them happens what must not happen."""

import pytest
from simulation.histories import history
from simulation.shrinking import as_test, failure_of, shrunk

HISTORIES = 25
"""Of one test."""


@pytest.mark.parametrize("block", range(60))
def test_nothing_happens_in_histories_that_must_not(block: int) -> None:
    for seed in range(block * HISTORIES, (block + 1) * HISTORIES):
        steps, over_rest = history(seed)
        if failure_of(steps, over_rest=over_rest) is not None:
            shortest = shrunk(steps, over_rest=over_rest, tries=200)
            failed = failure_of(shortest, over_rest=over_rest)
            told = as_test(shortest, failed, over_rest=over_rest) if failed is not None else f"{steps}"
            pytest.fail(f"seed {seed}:\n{told}")
