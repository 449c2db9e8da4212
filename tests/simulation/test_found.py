"""Histories that once went wrong, each as short as it can be told."""

import pytest
from simulation.faults import FOR_EVER, Kind
from simulation.playing import play
from simulation.steps import Advance, Appear, Command, Inject, Publish, Run

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


@both
def test_all_events_of_a_record_that_could_not_be_read_are_tried_again(over_rest: bool) -> None:
    play(
        Publish("photometry", size=2, events=3),
        Appear("SN 0"),
        Inject("decode", Kind.ODD),
        Run(calls=100),
        over_rest=over_rest,
    )


@both
def test_all_events_of_a_record_that_was_too_new_are_applied_after_the_upgrade(over_rest: bool) -> None:
    play(Publish("photometry", size=2, events=3, flaw="newer"), Appear("SN 0"), Run(calls=100), over_rest=over_rest)


@both
@pytest.mark.parametrize("kind", [Kind.EXIT, Kind.ODD, Kind.AWAY])
def test_what_waits_and_can_not_be_looked_at_ends_no_process(over_rest: bool, kind: Kind) -> None:
    play(
        Publish("photometry", "SN 1"),
        Publish("photometry", "SN 1", topic="two"),
        Publish("photometry", "SN 2"),
        Run(calls=200),
        Inject("tom.find", kind, times=FOR_EVER, name="sn1"),
        Inject("tom.appeared", kind, times=FOR_EVER, name="sn1"),
        Advance(61),
        Appear("SN 2"),
        Command("parked retry"),
        Run(calls=100),
        over_rest=over_rest,
    )
