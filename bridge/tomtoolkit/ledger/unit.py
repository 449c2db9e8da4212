"""What the app's ledger writes in one transaction, which holds the data as well."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models import F

from bridge.errors import PositionLostError
from bridge.ledger.port import Entry, Outcome, Reason, ToPark
from bridge.ledger.sqlite_rows import to_json
from bridge.stream.port import Partition, Record
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import MANY
from bridge.tomtoolkit.ledger.applied import announce
from bridge.tomtoolkit.ledger.rows import digest, entry_values, raw_values, text

_SUCCESS = frozenset({Outcome.APPLIED, Outcome.DUPLICATE})
_Sum = tuple[str, str, str, str]
_Place = tuple[Partition, int, datetime]


class DjangoUnit:
    """What is written in the transaction that is open, at once; sums are written at its end (:meth:`finish`)."""

    def __init__(self, using: str) -> None:
        self._using = using
        self._sums: Counter[_Sum] = Counter()
        self._kept_bytes = 0
        self._successes: dict[str, datetime] = {}
        self._plain: dict[_Place, Entry] = {}
        """Outcomes of which nothing is kept: they are written together at the end."""

    # -- the port -----------------------------------------------------------------------------------------------------

    def record(self, entry: Entry, *, park: Sequence[ToPark] = (), raw: Record | None = None) -> None:
        """Write the outcome of a record in place of what was recorded for it before.

        Raises ValueError for a parked entry without anything to park, and where ``raw`` is needed and neither given nor
        kept.
        """
        if entry.outcome is Outcome.PARKED and not park:
            raise ValueError(f"{entry.partition}@{entry.offset} is to be parked, but nothing says until when")
        announce(self._using, entry)
        if park or entry.outcome is Outcome.DEAD:
            self._flush()
            self._write(entry, park, raw)
        else:
            self._plain[(entry.partition, entry.offset, entry.published_at)] = entry

    def release(self, parked_id: int) -> None:
        """Take one parked thing out; the raw record goes with the last one of it."""
        row = models.Parked.objects.using(self._using).filter(pk=parked_id).select_related("entry").first()
        if row is not None:  # another process may have taken it out
            entry = row.entry
            row.delete()
            self._drop_raw(entry)

    def remember_list(self, origin: str, name: str, handle: str) -> None:
        """Remember which local list belongs to the list ``name`` of ``origin``."""
        models.List.objects.using(self._using).update_or_create(origin=origin, name=name, defaults={"handle": handle})

    def move(self, partition: Partition, topic_id: str, expected: int | None, next_offset: int) -> None:
        """Set the position, where it is still ``expected``; else raise PositionLostError.

        Whoever else moves it is waited for: the row stays locked until the end of the transaction.
        """
        positions = models.Position.objects.using(self._using)
        place = {"topic": partition.topic, "partition": partition.number}
        if expected is None:
            _, moved = positions.get_or_create(**place, defaults={"topic_id": topic_id, "next_offset": next_offset})
        else:
            there = positions.filter(**place, topic_id=topic_id, next_offset=expected)
            moved = there.update(next_offset=next_offset) == 1
        if not moved:
            raise PositionLostError(
                f"the position is no longer {'unset' if expected is None else expected}, as this process left it",
                where=str(partition),
                mend="Another process goes on from there",
            )

    def finish(self) -> None:
        """Write what was put off, then the sums, in one order for all: so no two wait for each other."""
        self._flush()
        tallies = models.Tally.objects.using(self._using)
        for (topic, origin, kind, outcome), change in sorted(self._sums.items()):
            if change:
                place = {"topic": topic, "origin": origin, "kind": kind, "outcome": outcome}
                if not tallies.filter(**place).update(records=F("records") + change):
                    row, made = tallies.get_or_create(**place, defaults={"records": change})
                    if not made:
                        tallies.filter(pk=row.pk).update(records=F("records") + change)
        for topic, at in sorted(self._successes.items()):
            successes = models.Success.objects.using(self._using)
            if not successes.filter(topic=topic).update(at=at):
                successes.update_or_create(topic=topic, defaults={"at": at})
        if self._kept_bytes:
            installation = models.Installation.objects.using(self._using)
            installation.update(kept_bytes=F("kept_bytes") + self._kept_bytes)

    def forget(self, ids: Collection[int]) -> None:
        """Remove entries of which nothing is kept."""
        rows = models.Entry.objects.using(self._using).filter(pk__in=ids)
        self._sums.subtract((row.topic, row.origin, row.kind, row.outcome) for row in rows)
        rows.delete()

    # -- steps --------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        """Write the outcomes put off: those of records that have none yet in one insert."""
        plain, self._plain = self._plain, {}
        offsets: dict[Partition, list[int]] = defaultdict(list)
        for partition, offset, _ in plain:
            offsets[partition].append(offset)
        known: set[_Place] = set()
        for partition, those in offsets.items():
            rows = models.Entry.objects.using(self._using).filter(topic=partition.topic, partition=partition.number)
            for first in range(0, len(those), MANY):
                there = rows.filter(record_offset__in=those[first : first + MANY])
                known |= {(partition, *place) for place in there.values_list("record_offset", "published_at")}
        recorded_at = datetime.now(UTC)
        new = [
            models.Entry(**_place(entry), **entry_values(entry, recorded_at))
            for place, entry in plain.items()
            if place not in known
        ]
        models.Entry.objects.using(self._using).bulk_create(new)
        for row in new:
            self._count(row, recorded_at)
        for place in known & plain.keys():
            self._write(plain[place], (), None)
        self._settle([entry for place, entry in plain.items() if place not in known])

    def _write(self, entry: Entry, park: Sequence[ToPark], raw: Record | None) -> None:
        recorded_at = datetime.now(UTC)
        place = _place(entry)
        row = models.Entry.objects.using(self._using).filter(**place).first()
        if row is None:
            row = models.Entry(**place)
        else:
            self._sums[(row.topic, row.origin, row.kind, row.outcome)] -= 1
        for name, value in entry_values(entry, recorded_at).items():
            setattr(row, name, value)
        row.save(using=self._using)
        self._count(row, recorded_at)
        self._keep(row, entry, park, raw)
        self._settle([entry])

    def _count(self, row: models.Entry, recorded_at: datetime) -> None:
        self._sums[(row.topic, row.origin, row.kind, row.outcome)] += 1
        if Outcome(row.outcome) in _SUCCESS:
            self._successes[row.topic] = recorded_at

    def _settle(self, entries: Sequence[Entry]) -> None:
        """Forget the intents of events of which nothing will be asked of the TOM again, unless by replay."""
        settled = [
            entry.event_id
            for entry in entries
            if entry.event_id is not None and (entry.outcome in _SUCCESS or entry.reason is Reason.DROPPED)
        ]
        for first in range(0, len(settled), MANY):
            models.Intent.objects.using(self._using).filter(event_id__in=settled[first : first + MANY]).delete()

    def _keep(self, row: models.Entry, entry: Entry, park: Sequence[ToPark], raw: Record | None) -> None:
        """Park what is to be parked, list it as dead where it is, and keep the raw bytes for these alone."""
        kept = bool(park) or entry.outcome is Outcome.DEAD
        members = [wanted.member for wanted in park]
        models.Parked.objects.using(self._using).filter(entry=row).exclude(member__in=members).delete()
        if raw is not None and kept:
            self._remove_raw(row)
            made = models.Raw.objects.using(self._using).create(entry=row, **raw_values(raw))
            self._kept_bytes += made.bytes
        for wanted in park:
            self._park(row, entry.key, wanted)
        dead = models.Dead.objects.using(self._using)
        if entry.outcome is Outcome.DEAD:
            dead.get_or_create(entry=row)
        else:
            dead.filter(entry=row).delete()
        self._drop_raw(row)
        if kept and not models.Raw.objects.using(self._using).filter(entry=row).exists():
            raise ValueError(f"{entry.partition}@{entry.offset} is {entry.outcome}, but its raw record is missing")

    def _park(self, row: models.Entry, key: bytes, wanted: ToPark) -> None:
        """Park one thing, or give it another reason in the place that it has: its order is that of the first."""
        values = {"reason": wanted.reason.value, "detail": to_json(wanted.detail), "key_digest": digest(key)}
        parked, made = models.Parked.objects.using(self._using).update_or_create(
            entry=row, member=text(wanted.member), defaults=values
        )
        names = models.ParkedName.objects.using(self._using)
        if not made:
            names.filter(parked=parked).delete()
        names.bulk_create([models.ParkedName(simple=text(name), parked=parked) for name in sorted(wanted.names)])

    def _drop_raw(self, row: models.Entry) -> None:
        """Remove the raw bytes of a record of which nothing is parked and which isn't dead."""
        parked = models.Parked.objects.using(self._using).filter(entry=row)
        if not parked.exists() and not models.Dead.objects.using(self._using).filter(entry=row).exists():
            self._remove_raw(row)

    def _remove_raw(self, row: models.Entry) -> None:
        raws = models.Raw.objects.using(self._using).filter(entry=row)
        self._kept_bytes -= sum(raws.values_list("bytes", flat=True))
        raws.delete()


def _place(entry: Entry) -> dict[str, Any]:
    return {
        "topic": entry.partition.topic,
        "partition": entry.partition.number,
        "record_offset": entry.offset,
        "published_at": entry.published_at,
    }
