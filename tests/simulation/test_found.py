"""Histories that once went wrong, each as short as it can be told."""

import pytest
from simulation.faults import FOR_EVER, Kind
from simulation.playing import play
from simulation.steps import Advance, Again, Appear, Command, Inject, Publish, Rebalance, Run, Split

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


@both
@pytest.mark.parametrize("where", ["decode", "tom.find"])
def test_what_waits_and_kills_the_process_when_it_is_looked_at_stops_nothing_behind_it(
    over_rest: bool, where: str
) -> None:
    play(
        Publish("photometry", "SN 1"),
        Publish("photometry", "SN 2"),
        Run(calls=300),
        Inject(where, Kind.CRASH, times=FOR_EVER, name="content 0" if where == "decode" else "sn1"),
        Appear("SN 1"),
        Publish("photometry", "SN 2"),
        over_rest=over_rest,
    )


@both
def test_members_of_a_list_that_two_processes_take_up_at_once_are_never_taken_for_done(over_rest: bool) -> None:
    play(
        Publish("list", "SN 5", origin="south", size=5),
        Publish("photometry", size=2),
        Publish("product"),
        Publish("product", origin="south"),
        Run(calls=100),
        Publish("full list", "SN 4", origin="south", size=5),
        Run(1, calls=100),
        Rebalance(),
        Publish("product", "SN 4"),
        Run(calls=50),
        Appear("SN 5"),
        Publish("target", "SN 1", origin="south"),
        over_rest=over_rest,
    )


@both
def test_what_is_put_off_comes_up_also_where_the_clock_was_set_back(over_rest: bool) -> None:
    play(
        Appear("SN 1", away_deg=1.0),
        Publish("product", "SN 1"),
        Run(calls=100),
        Split("SN 1"),
        Advance(-100_000),
        over_rest=over_rest,
    )


@both
def test_members_of_a_list_that_can_not_be_read_any_more_are_dead_and_not_lost(over_rest: bool) -> None:
    play(
        Split("SN 2"),
        Publish("full list", "SN 1", size=3),
        Run(calls=300),
        Inject("decode", Kind.ODD),
        Advance(61),
        Run(calls=100),
        over_rest=over_rest,
    )


@both
def test_two_deliveries_that_both_wait_do_not_each_leave_it_to_the_other(over_rest: bool) -> None:
    play(
        Publish("photometry"),
        Again(0, topic="two"),
        Run(calls=300),
        Command("replay --restore"),
        Appear("SN 0"),
        over_rest=over_rest,
    )
