"""A list of which two processes write members at the same time: each is counted, whoever wrote it."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from parts.entries import PARTITION, STARTED, TOPIC_ID, SetClock
from simulation.holdings import Holdings
from simulation.tom import SimulatedTom
from simulation.universe import Content, Universe, target

from bridge.errors import InvalidEventError, PositionLostError, TomAwayError
from bridge.ledger.model import Entry, Outcome, Place, Position, Reason
from bridge.ledger.sqlite import SqliteLedger
from bridge.operations.records import drop_dead
from bridge.receiving.arrival import Arrival
from bridge.receiving.decide import Policy
from bridge.receiving.execute import Executor
from bridge.receiving.lists import MEMBERS_AT_ONCE
from bridge.receiving.naming import Names
from bridge.receiving.read import Reader
from bridge.receiving.recording import Move
from bridge.receiving.result import dead, fault_of
from bridge.receiving.unit import Writer
from bridge.stream.port import Record


class Overtaken(SqliteLedger):
    """A ledger of which another process is quicker, once, after this one has looked and before it writes."""

    other: Callable[[], object] | None = None
    other_amid: Callable[[], object] | None = None
    """The same, after this one has written some members of a list and before it looks how far that is."""

    def unit(self) -> AbstractContextManager[object]:  # type: ignore[override]
        other, self.other = self.other, None
        if other is not None:
            other()
        return super().unit()

    def recorded(self, places: Collection[Place]) -> dict[Place, Entry]:
        other = self.other_amid
        if other is not None and any(entry.is_part for entry in super().recorded(places).values()):
            self.other_amid = None
            other()
        return super().recorded(places)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Overtaken]:
    with closing(Overtaken(tmp_path / "ledger.sqlite", clock=SetClock())) as opened:
        yield opened


class Two:
    """Two processes at one ledger, and the parked list whose members they look at."""

    def __init__(self, ledger: Overtaken, path: Path) -> None:
        self.ledger, self.holdings, universe = ledger, Holdings(), Universe()
        self.of_other = SqliteLedger(path / "ledger.sqlite", clock=SetClock())
        reader = Reader(
            lambda record: universe.decode(record, 1), universe.peek, origin="here", ours=ledger.installations, rules={}
        )
        self.one, self.other = (self._writer(one, reader) for one in (ledger, self.of_other))
        self.list, self.long = (
            self._read(reader, universe.content("list", "north", "SN 1", size)) for size in (2, 2 * MEMBERS_AT_ONCE + 1)
        )
        self.one.write([self.list])
        self.holdings.create(target("SN 1"))
        self.holdings.create(target("SN 2"))

    def _writer(self, ledger: SqliteLedger, reader: Reader) -> Writer:
        executor = Executor(SimulatedTom(self.holdings, ledger.intents), ledger, Policy(), pause_s=0)
        return Writer(executor, ledger, reader, Names(ledger, origin="here", name="Here"))

    def _read(self, reader: Reader, content: Content) -> Arrival:
        record = Record(
            partition=PARTITION, offset=content.number, timestamp=STARTED, key=content.events[0].key,
            value=content.value, topic_id=TOPIC_ID,
        )  # fmt: skip
        (arrival,) = reader.read(record)
        return arrival

    def member(self, name: str) -> Arrival:
        """Return the list as it is looked at for one of its members that waits."""
        return replace(self.list, members=self.list.only({name}), were=Outcome.PARKED)

    def counts(self) -> object:
        """Return what is told of the list's members."""
        return self.ledger.recorded([self.list.place])[self.list.place].detail["members"]

    def is_done(self) -> bool:
        """Return whether the list has its witness."""
        return self.ledger.known(self.list.refs)[self.list.refs[0]].witness is not None


@pytest.fixture
def two(ledger: Overtaken, tmp_path: Path) -> Iterator[Two]:
    those = Two(ledger, tmp_path)
    with closing(those.of_other):
        yield those


def test_members_that_two_processes_write_at_once_are_counted_each(two: Two) -> None:
    two.ledger.other = lambda: two.other.write([two.member("SN 1")])
    two.one.write([two.member("SN 2")])
    assert two.counts() == {"created": 0, "joined": 2, "parked": 0}
    assert two.is_done()
    assert two.ledger.parked() == []


def test_a_member_that_another_process_was_quicker_to_write_is_counted_once(two: Two) -> None:
    two.ledger.other = lambda: two.other.write([two.member("SN 1")])
    two.one.write([two.member("SN 1")])
    assert two.counts() == {"created": 0, "joined": 1, "parked": 1}
    assert not two.is_done()
    assert [row.member for row in two.ledger.parked()] == ["SN 2"]


def test_a_member_that_is_buried_beside_one_that_joins_leaves_what_joined(two: Two) -> None:
    fault = fault_of(InvalidEventError("it is wrong"))
    two.ledger.other = lambda: two.other.write([two.member("SN 1")])
    total = two.one.bury_members(two.list.place, ["SN 2"], fault, Outcome.PARKED)
    assert two.counts() == total.detail["members"] == {"created": 0, "joined": 1, "parked": 0, "refused": 1}
    assert [letter.member for letter in two.ledger.dead()] == ["SN 2"]


def test_a_list_that_another_process_has_written_and_forgotten_came_before(two: Two) -> None:
    def write_and_forget() -> None:
        two.other.write([replace(two.list, members=two.list.only({"SN 1", "SN 2"}), were=Outcome.PARKED)])
        assert two.of_other.forget(PARTITION, TOPIC_ID, 1) == 1

    two.ledger.other = write_and_forget
    (result,) = two.one.write([two.member("SN 1")])
    assert result.outcome is Outcome.DUPLICATE
    fault = fault_of(InvalidEventError("it is wrong"))
    assert two.one.bury_members(two.list.place, ["SN 2"], fault, Outcome.PARKED).outcome is Outcome.DUPLICATE
    assert two.ledger.dead() == []


@pytest.mark.parametrize("live", [True, False], ids=["live", "tried again"])
def test_no_member_is_lost_of_a_list_that_another_process_gives_up_meanwhile(two: Two, live: bool) -> None:
    given_up = replace(two.long, settled=dead(Reason.UNFINISHED, "never finished"))
    move = Move(partition=PARTITION, topic_id=TOPIC_ID, expected=1, next=2)
    two.ledger.set_position(PARTITION, Position(TOPIC_ID, 1))
    two.ledger.other_amid = lambda: two.other.write([given_up], move)
    if live:
        with pytest.raises(PositionLostError):
            two.one.write([two.long], move)
        assert [letter.member for letter in two.ledger.dead()] == [""]
    two.one.write([two.long])  # as a person tries it again
    members = two.long.decoded.body.members  # type: ignore[union-attr]
    there = {row.member for row in two.ledger.members([two.long.place])[two.long.place]}
    assert there == {member.reference.name for member in members[2:]}
    assert two.ledger.recorded([two.long.place])[two.long.place].detail["members"] == {
        "created": 0, "joined": 2, "parked": len(members) - 2,
    }  # fmt: skip
    assert two.ledger.dead() == []


def test_a_list_that_is_dropped_while_some_members_are_through_is_brought_back_whole(two: Two) -> None:
    two.one.write([replace(two.long, settled=dead(Reason.UNFINISHED, "never finished"))])
    two.ledger.other_amid = _goes_away
    with pytest.raises(TomAwayError):
        two.one.write([two.long])
    (letter,) = [one for one in two.ledger.dead() if not one.member]
    drop_dead(two.ledger, [letter.id])
    two.one.write([two.long])  # as a replay does
    members = two.long.decoded.body.members  # type: ignore[union-attr]
    assert len(two.ledger.members([two.long.place])[two.long.place]) == len(members) - 2


def _goes_away() -> None:
    raise TomAwayError("nobody answers")
