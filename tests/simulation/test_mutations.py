"""The simulation finds faults that are put into the code on purpose, each within seconds."""

import itertools
from collections.abc import Iterator, Sequence

import pytest
from simulation.found import FOUND
from simulation.histories import history
from simulation.mutations import MUTATIONS
from simulation.shrinking import failure_of
from simulation.steps import Step

MOST = 150
"""Histories by chance after which a fault counts as not found."""


def histories() -> Iterator[tuple[Sequence[Step], bool]]:
    """Return the histories of old, then some by chance, each with whether the TOM is written over REST."""
    for steps in FOUND.values():
        yield from ((steps, True), (steps, False))
    yield from (history(seed) for seed in itertools.islice(itertools.count(), MOST))


@pytest.mark.parametrize("name", MUTATIONS)
def test_a_fault_that_is_put_in_on_purpose_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTATIONS[name](monkeypatch)
    assert any(failure_of(steps, over_rest=over_rest) for steps, over_rest in histories()), f"{name}: not found"
