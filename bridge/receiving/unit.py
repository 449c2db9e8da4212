"""What is written in one transaction: data, outcomes, witnesses and the next offset, all or nothing.

The one path by which an event reaches a TOM: live, replayed, parked before, or dead before. Events come in, each as an
:class:`~bridge.receiving.arrival.Arrival`; what fails is raised, and judged by :mod:`bridge.receiving.progress`.

Datums of many events go together, and so do targets. A product and each hundred members of a list have a
transaction of their own, whose outcome is written with its data before the position moves past the record: redelivery
does the rest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

from bridge.budget import NO_LIMIT, Budget
from bridge.clock import CLOCK, Clock
from bridge.events import Kind, TargetList
from bridge.ledger import rules
from bridge.ledger.model import Entry, Outcome, Place
from bridge.ledger.port import Ledger, Unit
from bridge.receiving.arrival import Arrival, Together
from bridge.receiving.company import Most, companies
from bridge.receiving.execute import Executor
from bridge.receiving.facts import Facts
from bridge.receiving.lists import ListWriter
from bridge.receiving.naming import Names
from bridge.receiving.read import Reader, Rules
from bridge.receiving.recording import Move, Recording, keep_words
from bridge.receiving.result import Result, unmatched_ignored
from bridge.receiving.telling import tell


class Writer:
    """Writes events into one TOM and its ledger. Not thread-safe.

    ``first_look`` is after how long something parked is looked at again by itself for the first time; of targets no
    more than ``targets_at_once`` are written in one transaction.
    """

    def __init__(
        self,
        executor: Executor,
        ledger: Ledger,
        reader: Reader,
        names: Names,
        *,
        first_look: timedelta = timedelta(seconds=60),
        targets_at_once: int = 1,
        clock: Clock = CLOCK,
    ) -> None:
        self._executor = executor
        self._ledger = ledger
        self._reader = reader
        self._names = names
        self._most = Most(targets=targets_at_once)
        self._recording = Recording(first_look=first_look, clock=clock)
        self._lists = ListWriter(executor, ledger, reader, self._recording)

    def write(
        self,
        arrivals: Sequence[Arrival],
        move: Move | None = None,
        *,
        restore: bool = False,
        budget: Budget = NO_LIMIT,
    ) -> list[Result]:
        """Write events in order, and ``move`` with the last of them; return what became of each.

        With ``restore`` what the TOM holds decides, not what the ledger says. Raises AwayError, PositionLostError,
        BudgetSpentError, RejectedError where the TOM refuses one of them, and whatever else goes wrong; what was
        written until then is recorded.
        """
        results: list[Result] = []
        steps = list(_steps(self._names.claimed(arrivals), self._most))
        for step in steps:
            last = move if step is steps[-1] else None
            if step[0].settled is None and _is_list(step[0]):
                results.append(self._write_list(step[0], last, restore=restore, budget=budget))
            else:
                results += self._write_step(step, last, restore=restore, budget=budget)
        return results

    def facts(self, arrivals: Sequence[Arrival]) -> Facts:
        """Return what the ledger says of these events."""
        return Facts.of(self._ledger, arrivals)

    def preview(self, arrival: Arrival, *, restore: bool) -> Result | None:
        """Return what :meth:`write` would do with an event, without doing it; None where it stays as it is."""
        if self.facts([arrival]).stays(arrival, restore=restore):
            return None
        if arrival.event is None or arrival.settled is not None:
            return arrival.settled
        self._executor.forget()
        (named,) = self._names.seen([arrival])
        result = self._executor.preview(named.decoded, creates=self._rules(arrival).create_targets)
        return result.as_restored if restore else result

    def bury_members(self, place: Place, names: Sequence[str], fault: Result, were: Outcome | None) -> Result:
        """Let members of a list, kept as ``were`` until now, become dead letters; return what the list is then."""
        return self._lists.bury(place, names, fault, were)

    # -- one transaction ----------------------------------------------------------------------------------------------

    def _write_list(self, arrival: Arrival, move: Move | None, *, restore: bool, budget: Budget) -> Result:
        facts = self.facts([arrival])
        early = facts.result(arrival, restore=restore)
        if early is not None:
            return self._write_step([replace(arrival, settled=early)], move, restore=restore, budget=budget)[0]
        return self._lists.write(arrival, facts.there(arrival), move, restore=restore, budget=budget)

    def _write_step(
        self, arrivals: Sequence[Arrival], move: Move | None, *, restore: bool, budget: Budget
    ) -> list[Result]:
        self._prepare(arrivals, restore=restore, budget=budget)
        self._executor.forget()
        with self._ledger.unit() as unit:
            facts = self.facts(arrivals)
            results = self._results(arrivals, facts, restore=restore, budget=budget)
            for arrival, result in zip(arrivals, results, strict=True):
                self._record(unit, arrival, result, facts.there(arrival))
            if restore:
                _reopen(unit, arrivals, results)
            _witness(unit, arrivals, results)
            if move is not None:
                move.write(unit)
        tell(arrivals, results)
        return results

    def _prepare(self, arrivals: Sequence[Arrival], *, restore: bool, budget: Budget) -> None:
        """Do before the transaction what is too slow for it: a data product and its processor."""
        for arrival in arrivals:
            event = arrival.event
            if event is None or event.kind is not Kind.DATA_PRODUCT or arrival.settled is not None:
                continue
            if self.facts([arrival]).result(arrival, restore=restore) is None:
                self._executor.prepare(event, arrival.record.partition.topic, budget)

    def _results(self, arrivals: Sequence[Arrival], facts: Facts, *, restore: bool, budget: Budget) -> list[Result]:
        """Return the result of each event, having written what is to be written."""
        results: dict[int, Result] = {}
        left: list[int] = []
        for index, arrival in enumerate(arrivals):
            early = facts.result(arrival, restore=restore)
            if early is not None:
                results[index] = early
            else:
                left.append(index)
        written = self._written([arrivals[index] for index in left], budget) if left else []
        results.update(zip(left, written, strict=True))
        in_order = [results[index].as_restored if restore else results[index] for index in range(len(arrivals))]
        return [self._unmatched(arrival, result) for arrival, result in zip(arrivals, in_order, strict=True)]

    def _written(self, arrivals: Sequence[Arrival], budget: Budget) -> list[Result]:
        """Write events of one step, and return what became of each."""
        events = [arrival.decoded for arrival in arrivals]
        topics = [arrival.record.partition.topic for arrival in arrivals]
        accepted = [self._rules(arrival) for arrival in arrivals]
        ignored = [one.ignore_unmatched for one in accepted]
        match arrivals[0].together:
            case Together.DATUMS:
                return self._executor.execute_datums(events, topics, ignored=ignored, budget=budget)
            case Together.TARGETS:
                creates = [one.create_targets for one in accepted]
                return self._executor.execute_targets(events, topics, creates=creates, ignored=ignored, budget=budget)
            case _:
                pairs = zip(events, topics, strict=True)
                return [self._executor.execute(event, topic, budget=budget) for event, topic in pairs]

    def _unmatched(self, arrival: Arrival, result: Result) -> Result:
        return unmatched_ignored(result) if result.keep and self._rules(arrival).ignore_unmatched else result

    def _rules(self, arrival: Arrival) -> Rules:
        return self._reader.rules(arrival.record.partition.topic)

    def _record(self, unit: Unit, arrival: Arrival, result: Result, there: Entry | None) -> None:
        entry = arrival.entry(result)
        stands = rules.stands(there, entry)
        keep_words(unit, arrival, stands)
        if stands is entry:
            unit.record(entry, keep=self._recording.with_due(result.keep), raw=arrival.record)
        elif arrival.settled is not None and result.outcome is not Outcome.DEAD:
            unit.record(stands)  # it stays so although it isn't wanted any more; its members wait no longer


def _witness(unit: Unit, arrivals: Sequence[Arrival], results: Sequence[Result]) -> None:
    wanted = [pair for pair in zip(arrivals, results, strict=True) if pair[0].settled is None]
    done = [one.refs[0] for one, result in wanted if one.event is not None and result.is_done]
    # What waits has come as well: another content under its id is none that waits already.
    came = (Outcome.PARKED, *rules.SUCCESS)
    done += [one.content for one, result in wanted if one.content is not None and result.outcome in came]
    if done:
        unit.witness(done)


def _reopen(unit: Unit, arrivals: Sequence[Arrival], results: Sequence[Result]) -> None:
    """Take back that those are done which a restore leaves waiting or dead: done before, they would be left so."""
    left = [
        ref
        for arrival, result in zip(arrivals, results, strict=True)
        if result.outcome in (Outcome.PARKED, Outcome.DEAD) and result.reason not in rules.BAD_IN_ITSELF
        for ref in arrival.refs
    ]
    if left:
        unit.reopen(left)


def _steps(arrivals: Sequence[Arrival], most: Most) -> Iterator[list[Arrival]]:
    """Return what goes into one transaction, step by step: what is written together, and what is settled."""
    return companies(arrivals, most, lambda arrival: arrival, alone=lambda _: False)


def _is_list(arrival: Arrival) -> bool:
    return arrival.event is not None and isinstance(arrival.event.body, TargetList)
