"""The ledger in the TOM's own database: what is recorded is committed with the data, or neither is."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import Case, F, OuterRef, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, Greatest

from bridge.clock import CLOCK, Clock
from bridge.errors import TomAwayError
from bridge.events import EventRef, ShareRef
from bridge.ledger import rules
from bridge.ledger.lost import position_lost
from bridge.ledger.model import (
    Count,
    Entry,
    Filter,
    Heartbeat,
    Known,
    Outcome,
    Place,
    Position,
    ShareWords,
    Tries,
    Witness,
)
from bridge.stream.port import Partition
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import among, select, translating, writing
from bridge.tomtoolkit.ledger import texts, words
from bridge.tomtoolkit.ledger.breath import Breath
from bridge.tomtoolkit.ledger.kept import DjangoKept
from bridge.tomtoolkit.ledger.queries import PLACE, entries_at, filtered, that_wait, witnesses
from bridge.tomtoolkit.ledger.renaming import rename_topic
from bridge.tomtoolkit.ledger.rows import place_of, to_entry, to_heartbeat
from bridge.tomtoolkit.ledger.unit import DjangoUnit

log = structlog.get_logger(__name__)

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608

_FORGOTTEN_AT_ONCE = 10_000
_SILENT = timedelta(days=1)


class DjangoLedger(DjangoKept):
    """The ledger of the TOM whose database is ``using``. Safe for threads, each of which has its own connection.

    Every method raises TomAwayError while the database is locked or gone, and StopError where it isn't migrated.
    """

    def __init__(self, using: str = DEFAULT_DB_ALIAS, *, clock: Clock = CLOCK) -> None:
        super().__init__(using)
        self._clock = clock
        self._breath = Breath(clock)

    # -- positions and tries ------------------------------------------------------------------------------------------

    @contextmanager
    def unit(self) -> Iterator[DjangoUnit]:
        """Open the transaction of data, outcomes and positions; within one that is open, a savepoint."""
        wrapper = connections[self._using]
        shares_a_lock = wrapper.vendor == "sqlite" and not wrapper.in_atomic_block
        if shares_a_lock:
            self._breath.begin()
        with writing(self._using):
            unit = DjangoUnit(self._using, self._clock)
            yield unit
            unit.finish()
        if shares_a_lock:
            self._breath.end()

    def positions(self) -> dict[Partition, Position]:
        """Return all positions. Raises IdentityError where the ledger was emptied or replaced under this process."""
        with translating(self._using):
            self._own()
            rows = list(models.Position.objects.using(self._using))
        return {Partition(row.topic, row.partition): Position(row.topic_id, row.next_offset) for row in rows}

    def set_position(self, partition: Partition, position: Position) -> None:
        """Set a position by command, whatever it was."""
        values = {"topic_id": position.topic_id, "next_offset": position.next}
        untried = {"tries": 0, "tries_since": None, "alone_before": 0}
        with writing(self._using):
            models.Position.objects.using(self._using).update_or_create(
                topic=partition.topic, partition=partition.number, defaults=values | untried
            )

    def rename_topic(self, topic_id: str, old: str, new: str) -> None:
        """Call the topic of this identity ``new`` where it is called ``old``."""
        with writing(self._using):
            rename_topic(self._using, topic_id, old, new)

    def tries(self) -> dict[Partition, Tries]:
        """Return for each position how often what stands there was begun."""
        with translating(self._using):
            rows = list(models.Position.objects.using(self._using))
        return {Partition(row.topic, row.partition): _tries(row) for row in rows}

    def begin_try(self, partition: Partition, at: Position, number: int, *, alone_before: int = 0) -> Tries:
        """Durably note that what stands at the position ``at`` is begun for the ``number``-th time, before it is."""
        with writing(self._using):
            rows = self._at(partition, at)
            counted = rows.update(
                tries=Greatest("tries", Value(number)),
                tries_since=Coalesce("tries_since", Value(self._clock.now())),
                alone_before=Greatest("alone_before", Value(alone_before)),
            )
            if counted != 1:
                raise position_lost(partition, at.next)
            return _tries(rows.get())

    def end_try(self, partition: Partition, at: Position) -> None:
        """Take back the last try."""
        with writing(self._using):
            self._at(partition, at).filter(tries__gt=0).update(
                tries=F("tries") - 1, tries_since=Case(When(tries__gt=1, then=F("tries_since")), default=None)
            )

    def _at(self, partition: Partition, at: Position) -> QuerySet[models.Position]:
        place = {"topic": partition.topic, "partition": partition.number}
        return models.Position.objects.using(self._using).filter(**place, topic_id=at.topic_id, next_offset=at.next)

    # -- events -------------------------------------------------------------------------------------------------------

    def known(self, events: Collection[EventRef]) -> dict[EventRef, Known]:
        """Return what is known of these events, for those of which anything is."""
        ids = [event.id for event in events]
        done: dict[EventRef, Witness] = {}
        waits: dict[EventRef, set[Place]] = {}
        with translating(self._using):
            settled = witnesses(self._using, ids)
            rows = that_wait(self._using, ids)
            waiting = [] if rows is None else list(rows.only("origin", "event_id", *PLACE))
        wanted = {rules.key_of(event): event for event in events} if settled or waiting else {}
        for origin, event_id, witness in settled:
            if (event := wanted.get((origin, event_id))) is not None:
                done[event] = Witness(witness)
        for row in waiting:
            if (event := wanted.get((row.origin, row.event_id))) is not None:
                waits.setdefault(event, set()).add(place_of(row))
        return {
            event: Known(witness=done.get(event), waits_at=frozenset(waits.get(event, ())))
            for event in done.keys() | waits.keys()
        }

    def entries(self, wanted: Filter) -> list[Entry]:
        """Return outcomes, newest (by the stream's time) first."""
        with translating(self._using):
            if not filtered(models.Tally.objects.using(self._using).filter(events__gt=0), wanted.as_counted).exists():
                return []  # or all of them would be looked through
            rows = filtered(models.Entry.objects.using(self._using), wanted)
            return [to_entry(row) for row in rows.order_by("-published_at", "-id")[: wanted.most]]

    def recorded(self, places: Collection[Place]) -> dict[Place, Entry]:
        """Return the outcomes of these very events, as far as there are any."""
        with translating(self._using):
            return {place: to_entry(row) for place, row in entries_at(self._using, places).items()}

    def words(self, shares: Collection[ShareRef]) -> dict[ShareRef, ShareWords]:
        """Return what was said of these shares, of those of which anything is kept."""
        with translating(self._using):
            return words.found(self._using, shares)

    def name_owners(self, names: Collection[str]) -> dict[str, str]:
        """Return to which origins these display names belong, where to any."""
        with translating(self._using):
            one_of, value = among(self._using, names)
            table = models.OriginName._meta.db_table
            return dict(select(self._using, f"SELECT simple, origin FROM {table} WHERE simple {one_of}", [value]))

    def counts(self) -> list[Count]:
        """Return the number of events by topic, origin, kind and outcome."""
        with translating(self._using):
            rows = models.Tally.objects.using(self._using).filter(events__gt=0)
            ordered = list(rows.order_by("topic", "origin", "kind", "outcome"))
        return [
            Count(topic=row.topic, origin=row.origin, kind=row.kind, outcome=Outcome(row.outcome), events=row.events)
            for row in ordered
        ]

    def last_success(self) -> dict[str, datetime]:
        """Return for each topic when an event was last applied or a duplicate."""
        with translating(self._using):
            return dict(models.Success.objects.using(self._using).values_list("topic", "at"))

    def last_outcomes(self) -> dict[str, datetime]:
        """Return for each topic with a position when the outcome of the last record of a partition was recorded."""
        of_partition = models.Entry.objects.filter(topic_id=OuterRef("topic_id"), partition=OuterRef("partition"))
        last = of_partition.order_by("-record_offset", "-number").values("recorded_at")[:1]
        rows = models.Position.objects.using(self._using).annotate(at=Subquery(last)).exclude(at=None)
        with translating(self._using):
            return dict(rows.order_by("at").values_list("topic", "at"))  # of several partitions the latest stays

    def forget(self, partition: Partition, topic_id: str, before: int) -> int:
        """Forget outcomes of records that the stream no longer keeps; return how many."""
        forgotten = 0
        while True:
            with self.unit() as unit:  # in pieces, so that nobody waits long for the database
                rows = models.Entry.objects.using(self._using).filter(
                    topic_id=topic_id,
                    partition=partition.number,
                    record_offset__lt=before,
                    parked__isnull=True,
                    dead__isnull=True,
                )
                told_of = rows.only("topic", "origin", "kind", "outcome", "counted", "share_id", "event_id", "done")
                gone = list(told_of.order_by("record_offset")[:_FORGOTTEN_AT_ONCE])
                unit.forget(gone)
            forgotten += len(gone)
            if len(gone) < _FORGOTTEN_AT_ONCE:
                break
        if forgotten:
            self._forget_words_of_none()
        return forgotten

    def _forget_words_of_none(self) -> None:
        """Forget sums and texts that no outcome has any more: those that come may never come again."""
        try:
            with writing(self._using):
                models.Tally.objects.using(self._using).filter(events__lte=0).delete()
            texts.sweep(self._using)
        except TomAwayError as error:  # the next time does
            log.debug("ledger.texts_left", message=str(error))

    # -- the rest -----------------------------------------------------------------------------------------------------

    def list_handle(self, origin: str, name: str) -> str | None:
        """Return which local list belongs to the list ``name`` of ``origin``, where one was remembered."""
        with translating(self._using):
            row = models.List.objects.using(self._using).filter(origin=origin, name=name).first()
        return None if row is None else str(row.handle)

    @property
    def intents(self) -> "DjangoLedger":
        """The intents of this ledger."""
        return self

    def begin(self, event: EventRef, steps: Collection[str]) -> frozenset[str]:
        """Note that ``steps`` of an event are about to be asked for; return those of them begun before.

        Durable at once unless a transaction is open. Without ``steps`` nothing is noted and all begun are returned.
        """
        origin, event_id = rules.key_of(event)
        # Without an origin: begun under an earlier release by a process that was killed.
        rows = models.Intent.objects.using(self._using).filter(event_id=event_id, origin__in=(origin, ""))
        if not steps:
            with translating(self._using):
                return frozenset(rows.values_list("step", flat=True))
        with writing(self._using):
            begun = frozenset(rows.values_list("step", flat=True)) & frozenset(steps)
            new = [models.Intent(origin=origin, event_id=event_id, step=step) for step in set(steps) - begun]
            models.Intent.objects.using(self._using).bulk_create(new, ignore_conflicts=True)
        return begun

    def note_written(self, digests: Collection[bytes]) -> None:
        """Do nothing: what is written here is noted by its key, in the transaction that writes it."""

    def beat(self, heartbeat: Heartbeat) -> None:
        """Write down what the consuming process says of itself."""
        beats = models.Heartbeat.objects.using(self._using)
        values = {
            "started_at": heartbeat.started_at,
            "at": heartbeat.at,
            "state": rules.detail_text(heartbeat.state),
            "ended": heartbeat.ended,
        }
        with writing(self._using):
            beats.update_or_create(process=heartbeat.process, defaults=values)
            beats.filter(at__lt=heartbeat.at - _SILENT).delete()

    def heartbeats(self) -> list[Heartbeat]:
        """Return what the processes that consume said last, the newest first."""
        with translating(self._using):
            return [to_heartbeat(row) for row in models.Heartbeat.objects.using(self._using).order_by("-at")]

    def close(self) -> None:
        """Close the connection of this thread, unless a transaction of somebody else is open on it."""
        if not transaction.get_connection(self._using).in_atomic_block:
            connections[self._using].close()


def _tries(row: models.Position) -> Tries:
    return Tries(next=row.next_offset, tries=row.tries, since=row.tries_since, alone_before=row.alone_before)
