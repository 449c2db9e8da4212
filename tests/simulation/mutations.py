"""Faults put into the code on purpose: the simulation has to find each of them within seconds.

Most were real ones of an earlier release, or were found by the simulation itself.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from bridge.budget import Budget
from bridge.errors import StopError, StreamAwayError
from bridge.ledger import rules, sqlite_unit
from bridge.ledger.model import Known, Outcome
from bridge.ledger.sqlite import SqliteLedger
from bridge.receiving import facts, lists, live, waiting
from bridge.receiving.consumer import Consumer
from bridge.receiving.facts import Facts
from bridge.receiving.live import Live
from bridge.receiving.progress import Progress
from bridge.receiving.recording import Move
from bridge.receiving.result import Result
from bridge.receiving.unit import Writer
from bridge.receiving.waiting import WaitingLine
from bridge.stream.labelled import Label
from bridge.stream.routed_subscription import _Member

Mutation = Callable[[pytest.MonkeyPatch], None]


def _replaced(owner: Any, name: str, by: Any) -> Mutation:
    return lambda monkeypatch: monkeypatch.setattr(owner, name, by)


def _never_goes_back(consumer: Any, _subscription: object) -> None:
    consumer._lost = False


def _moves_too_far(**given: Any) -> Move:
    return Move(**{**given, "next": given["next"] + 1})


def _moves_whatever_is_expected(connection: Any, **given: Any) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO position (topic, partition, topic_id, next_offset) VALUES (?, ?, ?, ?)",
        (given["partition"].topic, given["partition"].number, given["topic_id"], given["next_offset"]),
    )


def _raises(_progress: object, error: BaseException, *, in_company: bool) -> None:
    raise error


def _isolates_nothing(progress: Any, error: BaseException, *, in_company: bool) -> Any:
    return _judge(progress, error, in_company=False)


_judge = Progress.judge


def _records_as_applied(self: Any, unit: Any, arrival: Any, result: Any, there: Any) -> None:
    parked = result.outcome is Outcome.PARKED
    _record(self, unit, arrival, replace(result, outcome=Outcome.APPLIED, reason=None, keep=()) if parked else result,
            there)  # fmt: skip


_record = Writer._record


def _stands_for_all(self: Any, most: int, timeout_s: float, most_bytes: int) -> Any:
    return self._joined().poll(most, timeout_s, most_bytes)


def _stops_at_the_first(consumer: Any, fetched: Any) -> None:
    _take_problems(consumer, fetched)
    for problem in fetched.problems.values():
        if isinstance(problem, StopError):
            raise problem


_take_problems = Consumer._take_problems


def _goes_back_at_once(consumer: Any, subscription: Any) -> None:
    _go_back(consumer, subscription)
    if consumer._unsaid:
        raise StreamAwayError("one of the topics that are lost does not say where to start")


def _gives_up_what_refuses(consumer: Any, subscription: Any) -> None:
    _go_back(consumer, subscription)
    consumer._lost -= consumer._unsaid


_go_back = Consumer._go_back


def _asks_whoever_is_away(consumer: Any, fetched: Any) -> None:
    _take_problems(consumer, fetched)
    consumer._away = set()


MUTATIONS: Mapping[str, Mutation] = {
    "one stream that fails fails all": _replaced(_Member, "poll", _stands_for_all),
    "one stream that refuses stops all": _replaced(Consumer, "_take_problems", _stops_at_the_first),
    "topics of all streams are called as on their own": _replaced(Label, "full", lambda _self, topic: topic),
    "who goes back waits for a stream that is away": _replaced(Consumer, "_go_back", _goes_back_at_once),
    "what can't be taken up again at once is left out": _replaced(Consumer, "_go_back", _gives_up_what_refuses),
    "a stream that is frozen is asked where to go on, again and again": _replaced(
        Consumer, "_take_problems", _asks_whoever_is_away
    ),
    "a held partition is never taken up": _replaced(Progress, "held", lambda _self, _partition: True),
    "after an error of poll it goes on where it was": _replaced(Consumer, "_go_back", _never_goes_back),
    "the position goes past what is not applied": _replaced(live, "Move", _moves_too_far),
    "who lost a partition writes on": _replaced(sqlite_unit, "_move", _moves_whatever_is_expected),
    "what is parked is told as applied": _replaced(Writer, "_record", _records_as_applied),
    "an event that waits is witnessed as done": _replaced(Result, "is_done", property(lambda _self: True)),
    "that an event came before counts as done": _replaced(
        Result, "is_done", property(lambda self: self.outcome in rules.SUCCESS and not self.keep)
    ),
    "two deliveries that wait leave it to each other": _replaced(
        Known, "waits_elsewhere", lambda self, here: bool(self.waits_at - {here})
    ),
    "members are left to a list that is not through": _replaced(facts, "_through", lambda known, _entries: known),
    "nothing waits behind what waits": _replaced(Facts, "predecessor", lambda _self, _arrival: None),
    "what kills the process is tried for ever": _replaced(Progress, "over", lambda _self, _partition, _at: None),
    "looks at what waits are not counted": _replaced(SqliteLedger, "begin_parked", lambda _self, _ids: None),
    "an odd error ends the process": _replaced(Progress, "judge", _raises),
    "of a unit that fails the first is at fault": _replaced(Progress, "judge", _isolates_nothing),
    "names that appear are not looked for": _replaced(WaitingLine, "_names", lambda _self, _budget: 0),
    "what is due is not looked at": _replaced(WaitingLine, "_due", lambda _self, _budget: 0),
    "holes are never passed": _replaced(Live, "skip_holes", lambda _self: None),
    "records are forgotten while they are needed": _replaced(rules, "kept", lambda _reasons: rules.Keep.NOTHING),
    "a list stays kept as a whole": _replaced(
        lists, "_of", lambda _arrival, chunk, *, is_last: [member.reference.name for member in chunk]
    ),
    "of a record that was unread the first event alone is tried": _replaced(waiting, "spread", lambda *_: False),
    "a stop is not heard": _replaced(Budget, "stopped", property(lambda _self: False)),
}
