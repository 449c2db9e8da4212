"""Histories that once went wrong, each as short as it can be told."""

import pytest
from simulation.faults import Kind
from simulation.playing import play
from simulation.steps import Appear, Inject, Publish, Run

both = pytest.mark.parametrize("over_rest", [True, False], ids=["over REST", "in process"])


@both
def test_a_list_that_waited_as_a_whole_waits_by_its_members_alone_once_it_is_taken_up(over_rest: bool) -> None:
    play(Publish("full list", "SN 3", size=5, flaw="newer"), Appear("SN 3", away_deg=1.0), over_rest=over_rest)


@both
def test_a_list_that_was_dead_as_a_whole_is_so_no_more_once_it_is_applied(over_rest: bool) -> None:
    play(
        Publish("target"),
        Publish("list", size=2),
        Inject("tom.join", Kind.EXIT, skip=1),
        Run(calls=200),
        over_rest=over_rest,
    )
