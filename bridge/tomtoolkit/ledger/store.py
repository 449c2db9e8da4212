"""The ledger in the TOM's own database: what is recorded is committed with the data, or neither is."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models.expressions import RawSQL

from bridge.errors import IdentityError
from bridge.events import EventRef
from bridge.ledger.port import Count, Dead, Entry, Filter, Outcome, Parked, Position, Reason
from bridge.stream.port import Partition, Record
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import MANY, among, told, writing
from bridge.tomtoolkit.ledger.rows import digest, filtered, text, to_entry, to_parked, to_record
from bridge.tomtoolkit.ledger.unit import DjangoUnit

_PRECEDENCE = (Outcome.APPLIED, Outcome.PARKED, Outcome.DUPLICATE, Outcome.DEAD, Outcome.IGNORED)
_FORGOTTEN_AT_ONCE = 10_000


class DjangoLedger:
    """The ledger of the TOM whose database is ``using``. Safe for threads, each of which has its own connection.

    Every method raises TomAwayError while the database is locked or gone, and StopError where it isn't migrated.
    """

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self._using = using
        with told(using):
            row = models.Installation.objects.using(using).first()
        if row is None:
            with writing(using):
                row, _ = models.Installation.objects.using(using).get_or_create(one=1)
        self.installation: UUID = row.installation

    def bind(self, tom_identity: str) -> None:
        """Tie the ledger to a TOM at the first call; raise IdentityError where it is tied to another."""
        rows = models.Installation.objects.using(self._using)
        with told(self._using):
            found = rows.get().tom_identity
        if found is None:
            with writing(self._using):
                rows.filter(tom_identity=None).update(tom_identity=tom_identity)
                found = rows.get().tom_identity
        if found != tom_identity:
            raise IdentityError(
                f"this ledger belongs to the TOM {found}, not to {tom_identity}",
                where=f"database {self._using!r}",
                mend="Give each TOM a database of its own",
            )

    @contextmanager
    def unit(self) -> Iterator[DjangoUnit]:
        """Open the transaction of data, outcomes and positions; within one that is open, a savepoint."""
        with writing(self._using):
            unit = DjangoUnit(self._using)
            yield unit
            unit.finish()

    def positions(self) -> dict[Partition, Position]:
        """Return all positions."""
        with told(self._using):
            rows = list(models.Position.objects.using(self._using))
        return {Partition(row.topic, row.partition): Position(row.topic_id, row.next_offset) for row in rows}

    def set_position(self, partition: Partition, position: Position) -> None:
        """Set a position by command, whatever it was."""
        with writing(self._using):
            models.Position.objects.using(self._using).update_or_create(
                topic=partition.topic,
                partition=partition.number,
                defaults={"topic_id": position.topic_id, "next_offset": position.next},
            )

    def outcomes(self, event_ids: Collection[UUID]) -> dict[UUID, Outcome]:
        """Return what became of these events: applied before duplicate, parked, dead and ignored."""
        wanted = list(event_ids)
        found: dict[UUID, Outcome] = {}
        with told(self._using):
            for first in range(0, len(wanted), MANY):
                rows = models.Entry.objects.using(self._using).filter(event_id__in=wanted[first : first + MANY])
                for event_id, outcome in rows.values_list("event_id", "outcome"):
                    one = Outcome(outcome)
                    found[event_id] = min(one, found.get(event_id, one), key=_PRECEDENCE.index)
        return found

    def entries(self, wanted: Filter) -> list[Entry]:
        """Return outcomes, newest (by the stream's time) first."""
        with told(self._using):
            rows = filtered(models.Entry.objects.using(self._using), wanted)
            return [to_entry(row) for row in rows.order_by("-published_at", "-id")[: wanted.most]]

    def entry(self, partition: Partition, offset: int, published_at: datetime | None = None) -> Entry | None:
        """Return the outcome of one record (of that stream time, or the newest of that place), or None."""
        with told(self._using):
            rows = models.Entry.objects.using(self._using).filter(
                topic=partition.topic, partition=partition.number, record_offset=offset
            )
            if published_at is not None:
                rows = rows.filter(published_at=published_at)
            row = rows.order_by("-published_at").first()
        return None if row is None else to_entry(row)

    def recorded(self, records: Collection[Record]) -> list[Entry]:
        """Return the outcomes of these very records, as far as there are any."""
        offsets: dict[Partition, list[int]] = {}
        for record in records:
            offsets.setdefault(record.partition, []).append(record.offset)
        places = {(record.partition, record.offset, record.timestamp) for record in records}
        found: list[Entry] = []
        with told(self._using):
            for partition, wanted in offsets.items():
                for first in range(0, len(wanted), MANY):
                    rows = models.Entry.objects.using(self._using).filter(
                        topic=partition.topic,
                        partition=partition.number,
                        record_offset__in=wanted[first : first + MANY],
                    )
                    found += [to_entry(row) for row in rows]
        return [entry for entry in found if (entry.partition, entry.offset, entry.published_at) in places]

    def waiting(self, keys: Collection[bytes]) -> frozenset[bytes]:
        """Return of which of these keys anything is parked."""
        digests = {digest(key): key for key in keys}
        wanted = list(digests)
        found: set[bytes] = set()
        with told(self._using):
            for first in range(0, len(wanted), MANY):
                rows = models.Parked.objects.using(self._using).filter(key_digest__in=wanted[first : first + MANY])
                found.update(digests[one] for one in rows.values_list("key_digest", flat=True).distinct())
        return frozenset(found)

    def counts(self) -> list[Count]:
        """Return the number of records by topic, origin, kind and outcome."""
        with told(self._using):
            rows = models.Tally.objects.using(self._using).filter(records__gt=0)
            ordered = list(rows.order_by("topic", "origin", "kind", "outcome"))
        return [
            Count(topic=row.topic, origin=row.origin, kind=row.kind, outcome=Outcome(row.outcome), records=row.records)
            for row in ordered
        ]

    def last_success(self) -> dict[str, datetime]:
        """Return for each topic when an event was last applied or a duplicate."""
        with told(self._using):
            return dict(models.Success.objects.using(self._using).values_list("topic", "at"))

    def parked(
        self,
        *,
        names: Collection[str] | None = None,
        key: bytes | None = None,
        wanted: Filter | None = None,
        after: int = 0,
        most: int = 1000,
    ) -> list[Parked]:
        """Return parked things in the order of parking, those with an id above ``after``."""
        with told(self._using):
            rows = models.Parked.objects.using(self._using).filter(pk__gt=after)
            if names is not None:
                one_of, value = among(self._using, [text(name) for name in names])
                table = models.ParkedName._meta.db_table
                by_name = f"SELECT parked_id FROM {table} WHERE simple {one_of}"  # noqa: S608 (our own constants)
                rows = rows.filter(pk__in=RawSQL(by_name, [value]))  # noqa: S611
            if key is not None:
                rows = rows.filter(key_digest=digest(key))
            rows = filtered(rows, wanted, entry="entry__", parked=True)
            found = rows.select_related("entry").prefetch_related("names").order_by("pk")[:most]
            return [to_parked(row) for row in found]

    def first_in_line(self, key: bytes, *, before: int | None, kinds: Collection[str] | None) -> Parked | None:
        """Return the first whole event parked of ``key`` that holds back later ones; None where there is none."""
        with told(self._using):
            rows = models.Parked.objects.using(self._using).filter(key_digest=digest(key), member="")
            rows = rows.exclude(reason=Reason.NEWER_VERSION.value)
            if before is not None:
                rows = rows.filter(pk__lt=before)
            if kinds is not None:
                rows = rows.filter(entry__kind__in=list(kinds))
            row = rows.select_related("entry").order_by("pk").first()
            return None if row is None else to_parked(row)

    def raw(self, entry: Entry) -> Record | None:
        """Return the record that was kept of a parked event or dead letter; None where none is kept (any more)."""
        with told(self._using):
            rows = models.Raw.objects.using(self._using).filter(
                entry__topic=entry.partition.topic,
                entry__partition=entry.partition.number,
                entry__record_offset=entry.offset,
                entry__published_at=entry.published_at,
            )
            row = rows.select_related("entry").first()
        return None if row is None else to_record(row)

    def dead(self, wanted: Filter | None = None, *, most: int = 1000) -> list[Dead]:
        """Return dead letters in the order in which they died."""
        with told(self._using):
            rows = filtered(models.Dead.objects.using(self._using), wanted, entry="entry__")
            found = rows.select_related("entry").order_by("pk")[:most]
            return [Dead(id=row.pk, entry=to_entry(row.entry)) for row in found]

    def dead_letter(self, dead_id: int) -> Dead | None:
        """Return one dead letter, or None."""
        with told(self._using):
            row = models.Dead.objects.using(self._using).filter(pk=dead_id).select_related("entry").first()
        return None if row is None else Dead(id=row.pk, entry=to_entry(row.entry))

    def kept_bytes(self) -> int:
        """Return the bytes of all raw records kept."""
        with told(self._using):
            return int(models.Installation.objects.using(self._using).get().kept_bytes)

    def list_handle(self, origin: str, name: str) -> str | None:
        """Return which local list belongs to the list ``name`` of ``origin``, where one was remembered."""
        with told(self._using):
            row = models.List.objects.using(self._using).filter(origin=origin, name=name).first()
        return None if row is None else str(row.handle)

    def list_handles(self) -> frozenset[str]:
        """Return all local lists that belong to a shared one."""
        with told(self._using):
            return frozenset(models.List.objects.using(self._using).values_list("handle", flat=True))

    @property
    def intents(self) -> "DjangoLedger":
        """The intents of this ledger."""
        return self

    def begin(self, event: EventRef, steps: Collection[str]) -> frozenset[str]:
        """Note that ``steps`` of an event are about to be asked for; return those of them begun before.

        Durable at once unless a transaction is open. Without ``steps`` nothing is noted and all begun are returned.
        """
        rows = models.Intent.objects.using(self._using)
        if not steps:
            with told(self._using):
                return frozenset(rows.filter(event_id=event.id).values_list("step", flat=True))
        with writing(self._using):
            begun = frozenset(rows.filter(event_id=event.id).values_list("step", flat=True)) & frozenset(steps)
            for step in steps:
                if step not in begun:
                    rows.get_or_create(event_id=event.id, step=step)
        return begun

    def forget(self, partition: Partition, before: int) -> int:
        """Forget outcomes of records that the stream no longer keeps (parked and dead stay); return how many."""
        forgotten = 0
        while True:
            with self.unit() as unit:  # in pieces, so that nobody waits long for the database
                rows = models.Entry.objects.using(self._using).filter(
                    topic=partition.topic, partition=partition.number, record_offset__lt=before, raw=None
                )
                ids = list(rows.values_list("pk", flat=True)[:_FORGOTTEN_AT_ONCE])
                for first in range(0, len(ids), MANY):
                    unit.forget(ids[first : first + MANY])
            forgotten += len(ids)
            if len(ids) < _FORGOTTEN_AT_ONCE:
                return forgotten

    def close(self) -> None:
        """Close the connection of this thread, unless a transaction of somebody else is open on it."""
        if not transaction.get_connection(self._using).in_atomic_block:
            connections[self._using].close()
