"""What the app's ledger keeps beside outcomes: what waits, what is dead, and the records of these alone.

All outcomes of a unit at once: a few queries, however many there are.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bridge.ledger import rules
from bridge.ledger.cut import cut, has_to_change
from bridge.ledger.model import Entry, Line, Place, Reason, ToKeep
from bridge.stream.port import Record
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import MANY, chunks
from bridge.tomtoolkit.ledger.queries import of_records
from bridge.tomtoolkit.ledger.rows import kept_row, line_digest, names_of, to_kept

_Record = tuple[str, int, int]
"""Topic identity, partition and offset."""
_WAITING = ("reason", "detail", "counted", "line", "holds", "due_at", "looks", "tries")


class Said(NamedTuple):
    """What is said of one event (:meth:`bridge.ledger.port.Unit.record`)."""

    entry: Entry
    keep: Sequence[ToKeep]
    of: frozenset[str] | None
    raw: Record | None

    def ends(self, member: str, kept: Collection[str]) -> bool:
        """Return whether what was kept of ``member`` goes by that, where these members are ``kept``."""
        return member not in kept and (self.of is None or member in self.of)

    def wanted(self, *, parked: bool) -> dict[str, ToKeep]:
        """Return what is to wait, or to be dead, by its member."""
        return {rules.storable(one.member): one for one in self.keep if rules.is_parked(one.reason) is parked}


class Keeping:
    """Writes what is kept beside outcomes; afterwards ``bytes`` and ``left`` say what changed by that."""

    def __init__(self, using: str) -> None:
        self._using = using
        self.bytes = 0
        """How many bytes more are kept."""
        self.left: set[Line] = set()
        """Lines that something has left."""

    def write(self, said: Sequence[tuple[Said, models.Entry]], known: Collection[int]) -> None:
        """Write what is kept of events whose outcomes are there; ``known`` are keys of entries that were before.

        Raises ValueError where a record is needed and neither given nor kept.
        """
        waiting = self._there(models.Parked, known, "names")
        letters = self._there(models.Dead, known)
        self._write_waiting([(one, row, waiting[row.pk]) for one, row in said])
        self._write_letters([(one, row, letters[row.pk]) for one, row in said])
        self._write_records([one for one, row in said if one.keep or waiting[row.pk] or letters[row.pk]])

    def _there(self, model: Any, entries: Collection[int], *prefetched: str) -> dict[int, dict[str, Any]]:
        """Return what is kept of these entries, by entry and member."""
        found: dict[int, dict[str, Any]] = defaultdict(dict)
        for chunk in chunks(sorted(entries)):
            for row in model.objects.using(self._using).filter(entry_id__in=chunk).prefetch_related(*prefetched):
                found[row.entry_id][row.member] = row
        return found

    # -- what waits ---------------------------------------------------------------------------------------------------

    def _write_waiting(self, said: Iterable[tuple[Said, models.Entry, dict[str, Any]]]) -> None:
        new: list[tuple[models.Parked, ToKeep]] = []
        changed: list[tuple[models.Parked, ToKeep]] = []
        gone: list[models.Parked] = []
        for one, entry_row, there in said:
            wanted = one.wanted(parked=True)
            ended = [row for member, row in there.items() if one.ends(member, wanted)]
            held = any(row.holds for row in there.values())
            for member, keep in wanted.items():
                row = there.get(member) or models.Parked(entry=entry_row, member=member)
                (new if row.pk is None else changed).append((row, keep))
                self._let_wait(row, one.entry, keep)
            gone += ended
            staying = [row for member, row in there.items() if not one.ends(member, wanted)]
            if held and not any(row.holds for row in staying):
                self.left.add(one.entry.line)
        self._remove(models.Parked, gone)
        models.Parked.objects.using(self._using).bulk_create([row for row, _ in new], batch_size=MANY)
        for row, _ in changed:
            row.save(using=self._using, update_fields=_WAITING)
        self._write_names(new, changed)

    def _let_wait(self, row: models.Parked, entry: Entry, keep: ToKeep) -> None:
        """Give a row what is said of it now, in the place that it has."""
        detail = rules.detail_text(keep.detail, keep.reason)
        counted = rules.counted_bytes(detail)
        self.bytes += counted - row.counted
        if row.pk is not None:
            row.looks = row.looks + 1 if row.reason == keep.reason.value else 0
        row.tries = 0
        row.reason, row.detail, row.counted, row.due_at = keep.reason.value, detail, counted, keep.due_at
        row.line, row.holds = line_digest(entry.line), rules.holds_back(keep.reason, row.member)
        row.record_offset, row.number = entry.offset, entry.number

    def _write_names(
        self, new: Iterable[tuple[models.Parked, ToKeep]], changed: Iterable[tuple[models.Parked, ToKeep]]
    ) -> None:
        names = [(row, name) for row, keep in new for name in sorted(names_of(keep.names))]
        gone: list[int] = []
        for row, keep in changed:
            wanted = names_of(keep.names)
            there = {name.simple: name.pk for name in row.names.all()}
            gone += [pk for simple, pk in there.items() if simple not in wanted]
            names += [(row, name) for name in sorted(wanted - there.keys())]
        self._delete(models.ParkedName, "pk", gone)
        rows = [models.ParkedName(simple=name, parked=row) for row, name in names]
        models.ParkedName.objects.using(self._using).bulk_create(rows, batch_size=MANY)

    # -- what is dead -------------------------------------------------------------------------------------------------

    def _write_letters(self, said: Iterable[tuple[Said, models.Entry, dict[str, Any]]]) -> None:
        new: list[models.Dead] = []
        gone: list[models.Dead] = []
        for one, entry_row, there in said:
            wanted = one.wanted(parked=False)
            gone += [row for member, row in there.items() if one.ends(member, wanted)]
            for member, keep in wanted.items():
                row = there.get(member) or models.Dead(entry=entry_row, member=member)
                before, row.reason = row.counted, keep.reason.value
                row.detail = rules.detail_text(keep.detail, keep.reason)
                row.counted = rules.counted_bytes(row.detail)
                self.bytes += row.counted - before
                if row.pk is None:
                    new.append(row)
                else:
                    row.save(using=self._using, update_fields=("reason", "detail", "counted"))
        self._remove(models.Dead, gone)
        models.Dead.objects.using(self._using).bulk_create(new, batch_size=MANY)

    # -- records ------------------------------------------------------------------------------------------------------

    def _write_records(self, said: Sequence[Said]) -> None:
        """Keep as much of each record as its events need; nothing of it where none of them does any more."""
        if not said:
            return
        places = [one.entry.place for one in said]
        reasons = self._reasons(places)
        kept = of_records(self._using, models.Kept.objects.defer("value", "headers", "record_key"), places)
        there = {(row.topic_id, row.partition, row.record_offset): row for row in kept}
        gone: list[models.Kept] = []
        new: list[models.Kept] = []
        kept_bytes = models.Installation.objects.using(self._using).values_list("kept_bytes", flat=True).get()
        for record, of_record in _by_record(said).items():
            row = there.get(record)
            wanted = rules.kept(reasons[record])
            changes = has_to_change(wanted, *((row.whole, row.bytes) if row is not None else (None, 0)))
            if changes:
                new.append(_written_anew(of_record, row, wanted, kept_bytes))
            if row is not None and (changes or wanted is rules.Keep.NOTHING):
                gone.append(row)
        self.bytes += sum(row.bytes for row in new) - sum(row.bytes for row in gone)
        self._delete(models.Kept, "pk", [row.pk for row in gone])
        models.Kept.objects.using(self._using).bulk_create(new)

    def _reasons(self, places: Sequence[Place]) -> dict[_Record, set[Reason]]:
        """Return for which reasons something is kept of the records of these events, of whichever event of theirs."""
        entries = of_records(self._using, models.Entry.objects.order_by(), places)
        at = ("entry__topic_id", "entry__partition", "entry__record_offset")
        found: dict[_Record, set[Reason]] = defaultdict(set)
        for model in (models.Parked, models.Dead):
            rows = model.objects.using(self._using).filter(entry__in=entries)
            for *record, reason in rows.values_list(*at, "reason").distinct():
                found[record[0], record[1], record[2]].add(Reason(reason))
        return found

    # -- steps --------------------------------------------------------------------------------------------------------

    def _remove(self, model: Any, rows: Sequence[Any]) -> None:
        self.bytes -= sum(row.counted for row in rows)
        keys = [row.pk for row in rows]
        if model is models.Parked:
            self._delete(models.ParkedName, "parked_id", keys)
        self._delete(model, "pk", keys)

    def _delete(self, model: Any, column: str, keys: Sequence[int]) -> None:
        for chunk in chunks(keys):
            rows = model.objects.using(self._using).filter(**{f"{column}__in": chunk})
            rows._raw_delete(self._using)  # nothing hangs on them any more


def _by_record(said: Sequence[Said]) -> Mapping[_Record, list[Said]]:
    found: dict[_Record, list[Said]] = defaultdict(list)
    for one in said:
        found[one.entry.place[:3]].append(one)
    return found


def _written_anew(said: Sequence[Said], there: models.Kept | None, wanted: rules.Keep, kept_bytes: int) -> models.Kept:
    """Return what is to be kept of a record, from what is given or else from what is kept."""
    raw = next((one.raw for one in said if one.raw is not None), None)
    if raw is None and there is not None and there.whole:
        raw = to_kept(there).record
    entry = said[0].entry
    if raw is None:
        raise ValueError(f"{entry.where} is {entry.outcome}, but its record is missing")
    return kept_row(entry, cut(raw, wanted, kept_bytes))
