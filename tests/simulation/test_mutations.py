"""The simulation finds faults that are put into the code on purpose, each within seconds."""

import itertools

import pytest
from simulation.histories import history
from simulation.mutations import MUTATIONS
from simulation.shrinking import failure_of

MOST = 400
"""Histories after which a fault counts as not found."""


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_that_is_put_in_on_purpose_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTATIONS[name](monkeypatch)
    for seed in itertools.islice(itertools.count(), MOST):
        steps, over_rest = history(seed)
        if failure_of(steps, over_rest=over_rest) is not None:
            return
    pytest.fail(f"{name}: not found in {MOST} histories")
