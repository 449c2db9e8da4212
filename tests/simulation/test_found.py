"""Histories in which something once went wrong, or would."""

import pytest
from simulation.found import FOUND
from simulation.playing import play


@pytest.mark.parametrize("over_rest", [True, False], ids=["over REST", "in process"])
@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_does_not_happen_again(name: str, over_rest: bool) -> None:
    play(*FOUND[name], over_rest=over_rest)
