"""What counts as a try: what was begun and failed, and not how long somebody was away."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.entries import PARTITION, STARTED, TOPIC_ID, SetClock
from simulation.holdings import Holdings
from simulation.tom import SimulatedTom
from simulation.universe import Universe, target

from bridge.budget import NO_LIMIT, Budget
from bridge.codec.items import Item
from bridge.errors import TomAwayError
from bridge.ledger.model import Outcome, Position, Reason
from bridge.ledger.sqlite import SqliteLedger
from bridge.receiving.decide import Policy
from bridge.receiving.execute import Executor
from bridge.receiving.naming import Names
from bridge.receiving.parts import Parts
from bridge.receiving.progress import Limits, Progress
from bridge.receiving.read import Reader
from bridge.receiving.unit import Writer
from bridge.receiving.waiting import WaitingLine
from bridge.stream.port import Record

LIMITS = Limits(tries=3)
OUTAGE = 8
"""How often something is begun while the ledger takes no transaction: more often than it may fail."""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    with closing(SqliteLedger(tmp_path / "ledger.sqlite", clock=SetClock())) as opened:
        yield opened


class Tom(SimulatedTom):
    """A TOM that is away where the test says so."""

    is_away = False

    def probe(self, *, writing: bool) -> None:
        if self.is_away:
            _away()


def _away(*_: object, **__: object) -> Any:
    raise TomAwayError("nobody answers")


def test_what_comes_is_not_given_up_because_its_tries_could_not_be_taken_back(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = Position(TOPIC_ID, 0)
    ledger.set_position(PARTITION, at)
    progress = Progress(ledger, SimulatedTom(Holdings()), LIMITS)
    progress.assigned({PARTITION: at})
    with monkeypatch.context() as outage:
        outage.setattr(ledger, "end_try", _away)
        for _ in range(OUTAGE):
            progress.begin(PARTITION, at)
            with pytest.raises(TomAwayError):
                progress.interrupted(PARTITION, at)
    progress.begin(PARTITION, at)
    assert progress.over(PARTITION, at) is None
    progress.interrupted(PARTITION, at)
    assert ledger.tries()[PARTITION].tries == 0


def test_what_waits_is_not_given_up_because_its_tries_could_not_be_taken_back(
    ledger: SqliteLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    holdings = Holdings()
    tom = Tom(holdings, ledger.intents)
    look = _waiting(ledger, tom)
    holdings.create(target("SN 0"))
    tom.is_away = True
    with monkeypatch.context() as outage:
        outage.setattr(ledger, "unit", _away)
        for _ in range(OUTAGE):
            with pytest.raises(TomAwayError):
                look()
    tom.is_away = False
    assert look() == [Outcome.APPLIED]
    assert len(holdings.written) == 1
    assert ledger.dead() == []


def test_what_waits_and_ends_the_process_is_given_up_after_so_many_tries(ledger: SqliteLedger) -> None:
    look = _waiting(ledger, Tom(Holdings(), ledger.intents))
    (row,) = ledger.parked()
    for number in range(1, LIMITS.tries + 1):
        ledger.begin_parked({row.id: number})
    assert look() == [Outcome.DEAD]
    assert [letter.reason for letter in ledger.dead()] == [Reason.UNFINISHED]


def test_a_member_of_a_list_that_is_given_up_takes_no_other_along(ledger: SqliteLedger) -> None:
    holdings = Holdings()
    look = _waiting(ledger, Tom(holdings, ledger.intents), kind="list", size=2)
    holdings.create(target("SN 1"))
    begun = {"SN 0": LIMITS.tries, "SN 1": LIMITS.tries - 1}
    ledger.begin_parked({row.id: begun[row.member] for row in ledger.parked()})
    look()
    assert [(letter.member, letter.reason) for letter in ledger.dead()] == [("SN 0", Reason.UNFINISHED)]
    assert ledger.parked() == []


def test_a_look_at_a_long_list_asks_for_each_of_its_members_once(ledger: SqliteLedger) -> None:
    class Asked(Tom):
        names = 0

        def find_each(self, wanted: Sequence[Sequence[str]], budget: Budget = NO_LIMIT) -> Any:
            self.names += len(wanted)
            return super().find_each(wanted, budget)

    tom = Asked(Holdings(), ledger.intents)
    look = _waiting(ledger, tom, kind="list", size=200)
    tom.names = 0
    assert look() == [Outcome.PARKED]
    assert tom.names <= 2 * 200
    assert len(ledger.parked()) == 200


@pytest.mark.parametrize("left", [0, 1])
def test_each_event_of_a_record_that_gives_it_no_more_comes_to_an_end(ledger: SqliteLedger, left: int) -> None:
    reads = itertools.count()

    def given(events: Sequence[Item]) -> Sequence[Item]:
        if not next(reads):
            return events
        if not left:
            raise ValueError("nobody can read it any more")
        return events[:left]

    holdings = Holdings()
    look = _waiting(ledger, Tom(holdings, ledger.intents), events=3, given=given)
    holdings.create(target("SN 0"))
    assert look() == [Outcome.APPLIED] * left + [Outcome.DEAD] * (3 - left)
    assert [letter.entry.number for letter in ledger.dead()] == list(range(left, 3))
    assert {letter.reason for letter in ledger.dead()} == {Reason.UNDECODABLE}
    assert ledger.parked() == []


def _waiting(
    ledger: SqliteLedger,
    tom: Tom,
    *,
    kind: str = "photometry",
    size: int = 1,
    events: int = 1,
    given: Callable[[Sequence[Item]], Sequence[Item]] = lambda events: events,
) -> Callable[[], list[Outcome]]:
    """Let the events of a record wait for their target; return what looks at all that waits.

    ``given``: what the record gives of its events each time it is read.
    """
    universe = Universe()
    reader = Reader(
        lambda record: given(universe.decode(record, 1)),
        universe.peek,
        origin="here",
        ours=ledger.installations,
        rules={},
    )
    executor, names = Executor(tom, ledger, Policy(), pause_s=0), Names(ledger, origin="here", name="Here")
    writer = Writer(executor, ledger, reader, names)
    event = universe.content(kind, "north", "SN 0", size, events=events).events[0]
    value = universe.contents[0].value
    record = Record(partition=PARTITION, offset=0, timestamp=STARTED, key=event.key, value=value, topic_id=TOPIC_ID)
    writer.write(reader.read(record))
    parts = Parts(
        ledger=ledger,
        tom=tom,
        reader=reader,
        executor=executor,
        names=names,
        writer=writer,
        progress=Progress(ledger, tom, LIMITS),
    )
    line = WaitingLine(parts, read_again=lambda _place, _topic: None)
    return lambda: [one.outcome for one in line.retry(ledger.parked(), NO_LIMIT)]
