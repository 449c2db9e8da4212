"""The contract of a ledger: a TOM's record of positions, outcomes, what waits and what is dead.

The next offset of each partition is written in the same transaction as the outcomes of the events before it, as
compare-and-set: who lost a partition can't write. In process that transaction holds the data as well; over REST the
ledger is a SQLite file of its own, and *intents* tell after a crash what may have been asked of the TOM.

What follows from what stands in :mod:`bridge.ledger.rules`, once for all stores; these are rows and queries.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol
from uuid import UUID

from bridge.events import EventRef, ShareRef
from bridge.ledger.model import (
    Count,
    Dead,
    Detail,
    Entry,
    Filter,
    Heartbeat,
    Kept,
    Known,
    Line,
    Outcome,
    Parked,
    Place,
    Position,
    Reason,
    ShareWords,
    Sums,
    ToKeep,
    Tries,
    Witness,
)
from bridge.stream.port import Partition, Record

__all__ = [
    "Count",
    "Dead",
    "Detail",
    "Entry",
    "Filter",
    "Heartbeat",
    "Intents",
    "Kept",
    "Known",
    "Ledger",
    "Line",
    "Outcome",
    "Parked",
    "Place",
    "Position",
    "Reason",
    "ShareWords",
    "Sums",
    "ToKeep",
    "Tries",
    "Unit",
    "Witness",
]


class Unit(Protocol):
    """What is written in one transaction. Nothing of it is there before the unit's end, all of it afterwards."""

    def expect(self, place: Place, entry: Entry | None) -> None:
        """Let the unit write only where ``entry`` (None: nothing) is recorded of this event until its end.

        Raises :class:`~bridge.errors.OutcomeLostError`, at once or at the unit's end, where another process has
        recorded something else, and the unit writes nothing.
        """
        ...

    def record(
        self,
        entry: Entry,
        *,
        keep: Sequence[ToKeep] = (),
        of: Collection[str] | None = None,
        raw: Record | None = None,
    ) -> None:
        """Write the outcome of an event in place of what was recorded for its place before.

        ``keep`` lists what is parked or dead of it (the whole event, or members) and replaces what was: what is kept
        already stays in its place in the line and keeps its id. With ``of`` that is said of these members alone (an
        empty name: of the event as a whole), and what is kept of others stays as it is. ``raw``, the record, is kept
        with it, as much of it as the rules say, and is needed where that isn't kept already. Where something leaves a
        line, or comes to hold nothing back, what waits behind becomes due at the unit's end. Texts and details are kept
        as far as :func:`bridge.ledger.rules.fitting` says. Raises ValueError where an outcome and what is kept
        contradict each other, or the record is missing.
        """
        ...

    def witness(self, events: Collection[EventRef]) -> None:
        """Note for ever that these events are done; what may have been asked of the TOM for them is forgotten.

        A list that this unit recorded and of which single members are kept is passed over: another process that wrote
        some of it has left them.
        """
        ...

    def reopen(self, events: Collection[EventRef]) -> None:
        """Take back that these events are done: a restore did not find them in the TOM, and has left them undone."""
        ...

    def keep_words(self, said: Mapping[ShareRef, ShareWords]) -> None:
        """Keep what was said of shares of which this unit, or an earlier one, records an event; nothing of no words.

        What is kept of a share already stays as it is; it goes with the last outcome of it (:meth:`Ledger.forget`).
        """
        ...

    def claim_names(self, names: Mapping[str, str]) -> None:
        """Let display names (:func:`bridge.origins.name_key`) belong to these origins, where they are nobody's yet."""
        ...

    def look_again(self, due: Mapping[int, datetime | None], *, looked: bool = True, ended: bool = True) -> None:
        """Say when parked things (by id) are to be looked at again, and that they were ``looked`` at in vain.

        Their tries have come to an end by that, unless they have not ``ended`` but failed. Ids of what is no longer
        parked are passed over.
        """
        ...

    def remember_list(self, origin: str, name: str, handle: str) -> None:
        """Remember which local list belongs to the list ``name`` of ``origin``."""
        ...

    def move(
        self, partition: Partition, topic_id: str, expected: int | None, next_offset: int, *, begun: bool = False
    ) -> None:
        """Set the position, where it is still ``expected`` in that topic (None: where there is none yet).

        ``begun``: what stands next is going to be tried at once, which counts as its first try. Raises
        :class:`~bridge.errors.PositionLostError` where it stands elsewhere, and the unit writes nothing.
        """
        ...


class Intents(Protocol):
    """What may have been asked of the TOM by a process that was killed before it could record the outcome."""

    def begin(self, event: EventRef, steps: Collection[str]) -> frozenset[str]:
        """Durably note that ``steps`` of an event are about to be asked for; return those of them begun before.

        Without ``steps`` nothing is noted and all begun before are returned.

        The notes of an event go away in the transaction that writes its witness, or drops it; one that is parked or
        dead and tried later finds them.
        """
        ...

    def note_written(self, digests: Collection[bytes]) -> None:
        """Durably note rows that were written (:mod:`bridge.tom.echo`), so that they are known when the TOM gives them
        out again; in the TOM's own database they are noted with the rows themselves.
        """
        ...


class Ledger(Protocol):
    """One TOM's ledger. Safe for several processes; an instance is not thread-safe unless it says so.

    What it calls now is the time that its clock says. Every method raises TomAwayError while the store can't be used.
    """

    installation: UUID
    """Made when the ledger was; travels in the envelope of what this TOM publishes."""

    # -- whose it is --------------------------------------------------------------------------------------------------

    def bind(self, tom_identity: str) -> None:
        """Tie the ledger to a TOM at the first call; raise IdentityError where it is tied to another."""
        ...

    def installations(self) -> frozenset[UUID]:
        """Return this installation and those that were accepted as former ones of this TOM."""
        ...

    def accept_installation(self, installation: UUID) -> None:
        """Take ``installation`` for a former one of this TOM: what it published is ours."""
        ...

    # -- positions and tries ------------------------------------------------------------------------------------------

    def unit(self) -> AbstractContextManager[Unit]:
        """Open a transaction; it is committed at the end of the block, and undone by an exception."""
        ...

    def positions(self) -> dict[Partition, Position]:
        """Return all positions."""
        ...

    def set_position(self, partition: Partition, position: Position) -> None:
        """Set a position by command, whatever it was; what stands there is untried then."""
        ...

    def rename_topic(self, topic_id: str, old: str, new: str) -> None:
        """Call the topic of this identity ``new`` where it is called ``old``: its positions, outcomes and counts.

        There must be no position under the name ``new``. Does nothing where there is none of it under ``old``.
        """
        ...

    def tries(self) -> dict[Partition, Tries]:
        """Return for each position how often what stands there was begun."""
        ...

    def begin_try(self, partition: Partition, at: Position, number: int, *, alone_before: int = 0) -> Tries:
        """Durably note that what stands at the position ``at`` is begun for the ``number``-th time, before it is.

        So it counts once, also where the answer was lost and it is noted again. ``alone_before`` is remembered where it
        is larger than what was. Raises PositionLostError where the position is elsewhere.
        """
        ...

    def end_try(self, partition: Partition, at: Position) -> None:
        """Take back the last try: it did not fail, nobody was there to try it with, or a stop was asked for."""
        ...

    # -- events -------------------------------------------------------------------------------------------------------

    def known(self, events: Collection[EventRef]) -> dict[EventRef, Known]:
        """Return what is known of these events, for those of which anything is; one cheap call for many."""
        ...

    def entries(self, wanted: Filter) -> list[Entry]:
        """Return outcomes, newest (by the stream's time) first."""
        ...

    def recorded(self, places: Collection[Place]) -> dict[Place, Entry]:
        """Return the outcomes of these very events, as far as there are any; one cheap call for many."""
        ...

    def words(self, shares: Collection[ShareRef]) -> dict[ShareRef, ShareWords]:
        """Return what was said of these shares, of those of which anything is kept; one cheap call for many."""
        ...

    def name_owners(self, names: Collection[str]) -> dict[str, str]:
        """Return to which origins these display names (:func:`bridge.origins.name_key`) belong, where to any."""
        ...

    def counts(self) -> list[Count]:
        """Return the number of events by topic, origin, kind and outcome."""
        ...

    def sums(self) -> Sums:
        """Return how much is parked and dead, by reason, and the bytes that are kept."""
        ...

    def kept_bytes(self) -> int:
        """Return the bytes that are kept, of :meth:`sums`; cheap."""
        ...

    def last_success(self) -> dict[str, datetime]:
        """Return for each topic when an event was last applied or a duplicate."""
        ...

    def forget(self, partition: Partition, topic_id: str, before: int) -> int:
        """Forget outcomes of records that the stream no longer keeps; return how many.

        What is parked or dead stays, and so do all witnesses and names. What was said of a share goes with its last
        outcome.
        """
        ...

    # -- what waits, and what is dead ---------------------------------------------------------------------------------

    def parked(
        self, wanted: Filter | None = None, *, ids: Collection[int] | None = None, after: int = 0, most: int = 1000
    ) -> list[Parked]:
        """Return what is parked by its id, those with an id above ``after``."""
        ...

    def due(self, now: datetime, *, most: int = 1000) -> list[Parked]:
        """Return what is due by itself, the longest due first.

        So is what is put off for longer than anything ever is (:data:`bridge.ledger.rules.LONGEST_PUT_OFF`): the clock
        was set back meanwhile.
        """
        ...

    def sought(self, *, after: str = "", most: int = 5000) -> list[str]:
        """Return simplified names that something without a target waits for, in their order, those after ``after``."""
        ...

    def named(self, names: Collection[str], now: datetime, *, most: int = 1000) -> list[Parked]:
        """Return what waits for one of these simplified names and is not put off until after ``now``."""
        ...

    def lines(
        self, lines: Collection[Line], *, kinds: Collection[str] | None = None, most: int = 1
    ) -> dict[Line, list[Parked]]:
        """Return the first ``most`` whole events that wait in each of these lines, in their order; one call for many.

        Only those of ``kinds`` (None: of all), and without those that hold nothing back
        (:func:`bridge.ledger.rules.holds_back`); lines without any are left out.
        """
        ...

    def members(self, places: Collection[Place]) -> dict[Place, list[Parked]]:
        """Return the list members that are parked of these events."""
        ...

    def begin_parked(self, numbers: Mapping[int, int]) -> None:
        """Durably note of what is parked (by id) that it is begun for the so-manieth time, before it is.

        Recording it again takes that back.
        """
        ...

    def end_parked(self, ids: Collection[int]) -> None:
        """Note that looks at what is parked have come to an end that says nothing of when the next one is."""
        ...

    def dead(self, wanted: Filter | None = None, *, after: int = 0, most: int = 1000) -> list[Dead]:
        """Return dead letters in the order in which they died, those with an id above ``after``."""
        ...

    def dead_letter(self, dead_id: int) -> Dead | None:
        """Return one dead letter, or None."""
        ...

    def raw(self, places: Collection[Place]) -> dict[Place, Kept]:
        """Return the records that are kept of these events; none where none is kept (any more)."""
        ...

    # -- the rest -----------------------------------------------------------------------------------------------------

    def list_handle(self, origin: str, name: str) -> str | None:
        """Return which local list belongs to the list ``name`` of ``origin``, where one was remembered."""
        ...

    @property
    def intents(self) -> Intents:
        """The intents of this ledger."""
        ...

    def beat(self, heartbeat: Heartbeat) -> None:
        """Write down what the consuming process says of itself, in place of what it said before."""
        ...

    def heartbeats(self) -> list[Heartbeat]:
        """Return what each process that consumes said last, the newest first; nothing older than it by a day."""
        ...

    def close(self) -> None:
        """Release the file or connection."""
        ...
