"""No record, no peer and no outage stops the consumer, and what does not move is told."""

import json
import os
import signal
import sqlite3
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import Publishing, Subscribed
from parts.shares import SUPERNOVA, on_day, photometry
from parts.wait import wait_until

from bridge.budget import Budget
from bridge.errors import TomAwayError
from bridge.events import ListMember, TargetList, TargetReference
from bridge.ledger.port import Outcome, Reason
from bridge.receiving import live as live_module
from bridge.tom.rest import RestTom

GALAXY = TargetReference(name="M 33")


def _slow_down(beta: Subscribed, **limits: Any) -> None:
    beta.mapping.setdefault("limits", {}).update(limits)


# -- a record that is at fault ----------------------------------------------------------------------------------------


def test_a_record_for_which_the_tom_seems_away_is_given_up_while_good_requests_succeed(
    alpha: Publishing, beta: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the reason: a request too long for the TOM's web server, a page that times out for one target."""
    _slow_down(beta, tries=3)
    beta.tom.make_target("SN 2024abc")
    beta.tom.make_target("M 33")
    write = RestTom.add_datums

    def fails_for_one(self: RestTom, datums: Any, budget: Any = None) -> Any:
        if any(new.datum.timestamp == on_day(2).points[0].timestamp for new in datums):
            raise TomAwayError("answers 414")
        return write(self, datums, budget or Budget())

    monkeypatch.setattr(RestTom, "add_datums", fails_for_one)
    alpha.publish(on_day(1), on_day(2), on_day(3, reference=GALAXY))
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.DEAD, Outcome.APPLIED]
    (letter,) = beta.dead()
    assert letter.reason is Reason.UNFINISHED
    assert "never finished: tried 3 times in" in str(letter.detail["message"])
    assert "answers 414" in str(letter.detail["message"])


def test_while_good_requests_fail_as_well_nothing_is_given_up(
    alpha: Publishing, beta: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    _slow_down(beta, tries=3)
    beta.tom.make_target("SN 2024abc")
    write = RestTom.add_datums
    failures = iter(range(5))

    def away(self: RestTom, datums: Any, budget: Any = None) -> Any:
        if next(failures, None) is not None:
            raise TomAwayError("answers 502")
        return write(self, datums, budget or Budget())

    def probe(self: RestTom, *, writing: bool) -> None:
        raise TomAwayError("answers 502 to a good request too")

    monkeypatch.setattr(RestTom, "add_datums", away)
    monkeypatch.setattr(RestTom, "probe", probe)
    alpha.publish(on_day(1))
    with beta.open() as bridge:
        bridge.consumer().run(until_end=True)
        assert all(tries.tries == 0 for tries in bridge.ledger.tries().values())
    assert beta.outcomes() == [Outcome.APPLIED]


def test_a_record_that_kills_the_process_is_found_and_given_up(alpha: Publishing, beta: Subscribed) -> None:
    """The process is killed at that record at each start; those before and behind it arrive all the same."""
    _slow_down(beta, tries=4)
    beta.tom.make_target("SN 2024abc")
    alpha.publish(*(on_day(day) for day in range(6)))
    poison = on_day(3).points[0].timestamp
    deaths = 0
    while (pid := os.fork()) == 0 or os.waitpid(pid, 0)[1] != 0:
        if pid == 0:
            _consume_until_killed(beta, poison)
        deaths += 1
        assert deaths < 20
    assert deaths == 2 + 4  # twice in company, then alone
    assert beta.outcomes() == [Outcome.APPLIED] * 3 + [Outcome.DEAD] + [Outcome.APPLIED] * 2
    (letter,) = beta.dead()
    assert letter.reason is Reason.UNFINISHED
    assert len(beta.tom.photometry()) == 5


def _consume_until_killed(beta: Subscribed, poison: datetime) -> None:
    write = RestTom.add_datums

    def killed(self: RestTom, datums: Any, budget: Any = None) -> Any:
        if any(new.datum.timestamp == poison for new in datums):
            os.kill(os.getpid(), signal.SIGKILL)
        return write(self, datums, budget or Budget())

    RestTom.add_datums = killed  # type: ignore[method-assign]
    try:
        beta.drain()
    finally:
        os._exit(0)


def test_what_exits_or_breaks_in_the_toms_own_code_is_that_events_fault(
    alpha: Publishing, beta: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    beta.tom.make_target("SN 2024abc")
    beta.tom.make_target("M 33")
    write = RestTom.add_datums

    def breaks(self: RestTom, datums: Any, budget: Any = None) -> Any:
        if any(new.target_pk == 1 for new in datums):
            raise SystemExit(0)
        return write(self, datums, budget or Budget())

    monkeypatch.setattr(RestTom, "add_datums", breaks)
    alpha.publish(on_day(1), on_day(2, reference=GALAXY))
    beta.drain()
    assert beta.outcomes() == [Outcome.DEAD, Outcome.APPLIED]
    assert [letter.reason for letter in beta.dead()] == [Reason.INTERNAL]


def test_a_member_of_a_list_that_may_not_be_changed_costs_no_other(alpha: Publishing, beta: Subscribed) -> None:
    for name in ("A", "B", "C"):
        beta.tom.make_target(name, may_change=name != "B")
    members = tuple(ListMember(reference=TargetReference(name=name)) for name in ("A", "B", "C", "D"))
    alpha.publish(TargetList(name="Best", members=members))
    beta.drain()
    (entry,) = beta.entries()
    assert entry.detail["members"] == {"created": 0, "joined": 2, "parked": 1, "refused": 1}
    assert beta.tom.lists() == {"Best": ["A", "C"]}
    assert [letter.member for letter in beta.dead()] == ["B"]
    assert [parked.member for parked in beta.parked()] == ["D"]
    beta.tom.make_target("D")
    assert beta.retry_parked() == 1
    assert beta.tom.lists() == {"Best": ["A", "C", "D"]}


# -- a dead letter that came twice ------------------------------------------------------------------------------------


def test_a_dead_letter_that_was_delivered_twice_is_applied_when_it_is_tried_again(
    alpha: Publishing, beta: Subscribed
) -> None:
    _slow_down(beta, attempts=1)
    (event,) = alpha.publish(photometry(2))
    alpha.publish(event)
    beta.drain()
    assert beta.outcomes() == [Outcome.PARKED, Outcome.DUPLICATE]
    beta.tom.make_target("SN 2024abc", may_change=False)
    beta.retry_parked()
    assert beta.outcomes() == [Outcome.DEAD, Outcome.DUPLICATE]
    beta.tom.reset()
    beta.tom.make_target("SN 2024abc")
    assert beta.run("dead", "retry").stdout == "Tried 1: 1 applied\n"
    assert beta.outcomes() == [Outcome.APPLIED, Outcome.DUPLICATE]
    assert len(beta.tom.photometry()) == 2


# -- a backlog --------------------------------------------------------------------------------------------------------


def test_something_is_applied_in_each_turn_however_long_the_reading_takes(
    alpha: Publishing, beta: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    _slow_down(beta, batch_s=0.001)
    beta.tom.make_target("SN 2024abc")
    alpha.publish(*(on_day(day) for day in range(20)))
    read = live_module.Backlog._arrivals
    seen: list[int] = []

    def counted(self: Any, index: int, *, must: bool) -> Any:
        if index == len(self._read):
            seen.append(self._records[index].offset)
        return read(self, index, must=must)

    monkeypatch.setattr(live_module.Backlog, "_arrivals", counted)
    beta.drain()
    assert beta.outcomes() == [Outcome.APPLIED] * 20
    assert seen == list(range(20))  # and nothing is read twice


# -- it is told -------------------------------------------------------------------------------------------------------


def test_status_tells_when_the_consumer_was_last_alive_and_what_it_waits_for(
    alpha: Publishing, beta: Subscribed
) -> None:
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1))
    with beta.daemon() as daemon:
        daemon.wait_for("event.applied")
        state = wait_until(lambda: json.loads(beta.run("status", "--json").stdout)["processes"], what="a heartbeat")
        assert state[0]["ended"] is False
    state = json.loads(beta.run("status", "--json").stdout)["processes"]
    assert state[0]["ended"] is True
    assert "The consumer" in beta.run("status").stdout


def test_check_says_that_records_wait_and_nobody_consumes(alpha: Publishing, beta: Subscribed) -> None:
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1))
    beta.drain()
    alpha.publish(on_day(2))
    checked = beta.run("status", "--check", "--silent", "1")
    wait_until(lambda: beta.run("status", "--check", "--silent", "1").returncode == 1, what="silence to be told")
    checked = beta.run("status", "--check", "--silent", "1")
    assert "no process has said" in checked.stdout


def test_check_says_that_a_partition_has_records_and_does_not_move(alpha: Publishing, beta: Subscribed) -> None:
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1))
    with beta.daemon() as daemon:
        daemon.wait_for("event.applied")
        wait_until(lambda: json.loads(beta.run("status", "--json").stdout)["processes"], what="a heartbeat")
        beta.tom.stop()
        try:
            alpha.publish(on_day(2))
            daemon.wait_for("consumer.troubled")
            wait_until(
                lambda: "[tom] since" in beta.run("status", "--check", "--stuck", "1").stdout, what="the trouble, told"
            )
        finally:
            beta.tom.start()
        daemon.wait_for("event.applied", 2)


# -- it ends ----------------------------------------------------------------------------------------------------------


def test_a_stop_is_obeyed_within_seconds_whatever_is_under_way(alpha: Publishing, beta: Subscribed) -> None:
    """The ledger's file is locked by somebody else for good; what is under way can't end."""
    beta.tom.make_target("SN 2024abc")
    alpha.publish(on_day(1))
    with beta.daemon() as daemon:
        daemon.wait_for("event.applied")
        locked = sqlite3.connect(beta.ledger, isolation_level=None)
        locked.execute("BEGIN IMMEDIATE")
        try:
            alpha.publish(on_day(2))
            began = time.monotonic()
            assert daemon.end() == 0
            assert time.monotonic() - began < 10
        finally:
            locked.close()
    with beta.daemon() as daemon:
        daemon.wait_for("event.applied")
        assert daemon.end() == 0
    assert beta.outcomes() == [Outcome.APPLIED] * 2
    assert not list(Path(beta.folder).glob("*.tmp"))


# -- a person ---------------------------------------------------------------------------------------------------------


def test_what_is_parked_can_be_dropped_by_what_it_is(alpha: Publishing, beta: Subscribed) -> None:
    alpha.publish(photometry(1), photometry(1, reference=GALAXY))
    beta.drain()
    assert beta.run("parked", "drop").returncode == 2
    assert beta.run("parked", "drop", "--target", "M33").stdout == "Dropped 1\n"
    assert [parked.entry.subject for parked in beta.parked()] == ["SN 2024abc"]
    assert [entry.reason for entry in beta.entries()] == [Reason.NO_TARGET, Reason.DROPPED]
    assert beta.run("parked", "drop", "--all").stdout == "Dropped 1\n"
    beta.tom.make_target("SN 2024abc")
    assert beta.replay() == {"applied": 1, "parked": 1}


def test_a_list_is_told_without_the_members_that_are_dropped_of_it(alpha: Publishing, beta: Subscribed) -> None:
    members = tuple(ListMember(reference=TargetReference(name=name)) for name in ("A", "B"))
    beta.tom.make_target("A")
    alpha.publish(TargetList(name="Best", members=members), SUPERNOVA)
    beta.drain()
    assert beta.run("parked", "drop", "--kind", "list").stdout == "Dropped 1\n"
    entry = beta.entries()[0]
    assert (entry.outcome, entry.detail["members"]) == (Outcome.APPLIED, {"created": 0, "joined": 1, "parked": 0})
