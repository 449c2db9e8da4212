"""What the app's ledger writes in one transaction, which holds the data as well."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import compress
from typing import Any
from uuid import UUID

from django.db.models import F, Q

from bridge.clock import Clock
from bridge.events import Column, EventRef, Kind, ShareRef
from bridge.ledger import rules
from bridge.ledger.lost import check_outcome, position_lost
from bridge.ledger.model import Entry, Line, Place, Reason, ShareWords, ToKeep, Witness
from bridge.stream.port import Partition, Record
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import MANY, chunks, insert, insert_missing, insert_with_keys, select, update
from bridge.tomtoolkit.ledger import words
from bridge.tomtoolkit.ledger.applied import announce, is_announced
from bridge.tomtoolkit.ledger.keeping import Keeping, Said
from bridge.tomtoolkit.ledger.queries import PLACE, at_places, begun, entries_at
from bridge.tomtoolkit.ledger.rows import COMMON_TEXTS, entry_columns, line_digest, place_of, to_entry

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608

_Key = tuple[str, UUID]
"""Origin and id of an event (:func:`bridge.ledger.rules.key_of`)."""
_Sum = tuple[Any, ...]
_SUMMED = ("topic", "origin", "kind", "outcome")
_TOLD = (*_SUMMED, *PLACE, "counted", "event_id", "done")


class DjangoUnit:
    """What is written in the transaction that is open; outcomes, witnesses and sums at its end (:meth:`finish`)."""

    def __init__(self, using: str, clock: Clock) -> None:
        self._using = using
        self._clock = clock
        self._said: dict[Place, Said] = {}
        self._done: set[_Key] = set()
        self._reopened: set[_Key] = set()
        self._told: set[_Key] = set()
        """Of those that are done the ones of which their entry says so."""
        self._lists: dict[Place, _Key] = {}
        """Lists that were recorded."""
        self._words: dict[ShareRef, ShareWords] = {}
        self._sums: Counter[_Sum] = Counter()
        self._successes: dict[str, datetime] = {}
        self._kept_bytes = 0
        self._left: set[Line] = set()
        self._is_announced = is_announced()

    # -- the port -----------------------------------------------------------------------------------------------------

    def expect(self, place: Place, entry: Entry | None) -> None:
        """Raise OutcomeLostError where something else is recorded of this event.

        Whoever else writes of it is waited for: the row stays locked until the end of the transaction.
        """
        row = at_places(self._using, [place]).select_for_update().first()
        check_outcome(place, None if row is None else to_entry(row), entry)

    def record(
        self,
        entry: Entry,
        *,
        keep: Sequence[ToKeep] = (),
        of: Collection[str] | None = None,
        raw: Record | None = None,
    ) -> None:
        """Write the outcome of an event in place of what was recorded for its place before.

        The unit's end raises ValueError where ``raw`` is needed and neither given nor kept.
        """
        rules.check(entry, keep, of_all=of is None)
        if self._is_announced:
            announce(self._using, entry)
        place = entry.place
        if place in self._said:
            self._write_outcomes()
        members = None if of is None else frozenset(map(rules.storable, of))
        self._said[place] = Said(entry, tuple(keep), members, raw)
        if entry.kind == Kind.LIST and entry.ref is not None:
            self._lists[place] = rules.key_of(entry.ref)
        if rules.ends_intents(entry) and entry.ref is not None:
            self._end_intents({rules.key_of(entry.ref)})

    def witness(self, events: Collection[EventRef]) -> None:
        """Note for ever that these events are done."""
        self._done.update(rules.key_of(event) for event in events)

    def reopen(self, events: Collection[EventRef]) -> None:
        """Take back that these events are done."""
        self._reopened.update(rules.key_of(event) for event in events)

    def keep_words(self, said: Mapping[ShareRef, ShareWords]) -> None:
        """Keep what was said of shares, where nothing is kept yet."""
        for share, told in said.items():
            if told:
                self._words.setdefault(share, told)

    def claim_names(self, names: Mapping[str, str]) -> None:
        """Let display names belong to these origins, where nobody has them."""
        rows = [models.OriginName(simple=simple, origin=origin) for simple, origin in sorted(names.items())]
        models.OriginName.objects.using(self._using).bulk_create(rows, ignore_conflicts=True)

    def look_again(self, due: Mapping[int, datetime | None], *, looked: bool = True, ended: bool = True) -> None:
        """Say when parked things are to be looked at again."""
        self._write_outcomes()
        rows = [models.Parked(pk=pk, due_at=moment) for pk, moment in due.items()]
        parked = models.Parked.objects.using(self._using)
        parked.bulk_update(rows, ("due_at",), batch_size=MANY)
        for chunk in chunks(list(due)):
            parked.filter(pk__in=chunk).update(looks=F("looks") + int(looked), tries=F("tries") * int(not ended))

    def remember_list(self, origin: str, name: str, handle: str) -> None:
        """Remember which local list belongs to the list ``name`` of ``origin``."""
        models.List.objects.using(self._using).update_or_create(origin=origin, name=name, defaults={"handle": handle})

    def move(
        self, partition: Partition, topic_id: str, expected: int | None, next_offset: int, *, begun: bool = False
    ) -> None:
        """Set the position, where it is still ``expected``; else raise PositionLostError.

        Whoever else moves it is waited for: the row stays locked until the end of the transaction.
        """
        positions = models.Position.objects.using(self._using)
        place = {"topic": partition.topic, "partition": partition.number}
        following = {
            "next_offset": next_offset,
            "tries": int(begun),
            "tries_since": self._clock.now() if begun else None,
        }
        if expected is None:
            _, moved = positions.get_or_create(**place, defaults={"topic_id": topic_id, **following})
        else:
            at = {**place, "topic_id": topic_id, "next_offset": expected}
            moved = bool(update(self._using, models.Position, at, following))
        if not moved:
            raise position_lost(partition, expected)

    # -- the end ------------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Write what was put off, then the sums, in one order for all: so no two wait for each other."""
        self._reopen()
        self._write_outcomes()
        self._kept_bytes += words.keep(self._using, self._words) if self._words else 0
        self._write_witnesses()
        if self._left:
            self._move_up()
        self._write_sums()

    def _move_up(self) -> None:
        """Let what waits behind another be due now in the lines that something has left."""
        now = self._clock.now()
        behind = models.Parked.objects.using(self._using).filter(holds=True, reason=Reason.WAITS_BEHIND.value)
        for chunk in chunks(sorted(map(line_digest, self._left))):
            behind.filter(Q(due_at=None) | Q(due_at__gt=now), line__in=chunk).update(due_at=now)

    def forget(self, rows: Collection[models.Entry]) -> None:
        """Remove entries of which nothing is kept, and what was said of shares of which no other entry is left."""
        self._keep_witnesses(rows)
        for chunk in chunks([row.pk for row in rows]):
            models.Entry.objects.using(self._using).filter(pk__in=chunk)._raw_delete(self._using)
        self._sum_up(_columns_of(rows, (*_SUMMED, "counted")), -1)
        self._kept_bytes -= words.forget(self._using, {(row.origin, row.share_id) for row in rows if row.share_id})

    def _write_outcomes(self) -> None:
        """Write the outcomes put off: what is new, and keeps nothing, as columns; the others as rows of their own."""
        said, self._said = self._said, {}
        if not said:
            return
        columns = entry_columns([one.entry for one in said.values()], self._clock.now())
        columns["done"] = self._are_done(said.keys(), columns)
        models.make_keys_of(self._using, set().union(*(columns[name] for name in COMMON_TEXTS)))
        known = entries_at(self._using, said.keys(), *_TOLD)
        self._sum_up(columns, +1)
        self._successes |= {
            topic: columns["recorded_at"][0]
            for topic, outcome in set(zip(columns["topic"], columns["outcome"], strict=True))
            if outcome in rules.SUCCESS
        }
        new = [at for at, (place, one) in enumerate(said.items()) if place not in known and not one.keep]
        if new:
            only = columns if len(new) == len(said) else _only(columns, new)
            insert(self._using, models.Entry, only)
        if len(new) < len(said):
            self._write_others(said, columns, known)

    def _write_others(
        self, said: Mapping[Place, Said], columns: Mapping[str, Column], known: Mapping[Place, models.Entry]
    ) -> None:
        self._sum_up(_columns_of(known.values(), (*_SUMMED, "counted")), -1)
        rows: list[tuple[Said, models.Entry]] = []
        for at, (place, one) in enumerate(said.items()):
            if place not in known and not one.keep:
                continue
            values = {name: column[at] for name, column in columns.items()}
            row = known.get(place) or models.Entry()
            if place in known:
                if (row.origin, row.event_id) == (values["origin"], values["event_id"]):
                    values["done"] |= row.done
                else:
                    self._keep_witnesses([row])
            for name, value in values.items():
                setattr(row, name, value)
            rows.append((one, row))
        self._write_rows(rows, [row.pk for row in known.values()])

    def _write_rows(self, rows: Sequence[tuple[Said, models.Entry]], known: Sequence[int]) -> None:
        if new := [row for _, row in rows if row.pk is None]:
            names = [field.attname for field in models.Entry._meta.concrete_fields if not field.primary_key]
            columns = _columns_of(new, names)
            for row, key in zip(new, insert_with_keys(self._using, models.Entry, columns), strict=True):
                row.pk = key
        before = set(known)
        for _, row in rows:
            if row.pk in before:
                row.save(using=self._using)
        keeping = Keeping(self._using)
        keeping.write(rows, known)
        self._kept_bytes += keeping.bytes
        self._left |= keeping.left

    def _sum_up(self, columns: Mapping[str, Column], change: int) -> None:
        """Count entries in, or out (-1)."""
        for place, number in Counter(zip(*(columns[name] for name in _SUMMED), strict=True)).items():
            self._sums[place] += change * number
        self._kept_bytes += change * sum(columns["counted"])

    def _are_done(self, places: Iterable[Place], columns: Mapping[str, Column]) -> list[bool]:
        """Return of which entries it is to be said that their event is done; of a list it is known afterwards."""
        done = self._done - self._reopened
        keys = list(zip(columns["origin"], columns["event_id"], strict=True))
        are_done = [key in done and place not in self._lists for key, place in zip(keys, places, strict=True)]
        self._told.update(compress(keys, are_done))
        return are_done

    def _reopen(self) -> None:
        for origin, event_id in self._reopened:
            told = {"event_id": event_id, "origin": origin}
            # By the id alone: SQLite would take the index of origins, and look at all that came from this one.
            entries = models.Entry.objects.using(self._using)
            done = entries.filter(event_id=event_id, done=True).values_list("pk", "origin")
            entries.filter(pk__in=[pk for pk, whose in done if whose == origin]).update(done=False)
            models.Done.objects.using(self._using).filter(**told, witness=Witness.DONE.value).delete()
        self._told -= self._reopened

    def _write_witnesses(self) -> None:
        self._done -= self._unfinished_lists()
        self._insert_witnesses(self._done - self._told)
        if self._done:
            self._end_intents(self._done)

    def _keep_witnesses(self, rows: Collection[models.Entry]) -> None:
        """Let what entries say that go now be known without them."""
        self._insert_witnesses({(row.origin, row.event_id) for row in rows if row.done})

    def _insert_witnesses(self, events: Collection[_Key]) -> None:
        if events:
            origins, ids = zip(*sorted(events), strict=True)  # in one order, so that no two wait for each other
            done = {"origin": origins, "event_id": ids, "witness": [Witness.DONE.value] * len(ids)}
            insert_missing(self._using, models.Done, done)

    def _unfinished_lists(self) -> set[_Key]:
        """Return the lists that were recorded and of which single members are kept."""
        lists = {place: one for place, one in self._lists.items() if one in self._done}
        if not lists:
            return set()
        rows = at_places(self._using, lists)
        kept = rows.filter(Q(parked__member__gt="") | Q(dead__member__gt=""))
        return {lists[place_of(row)] for row in kept}

    def _end_intents(self, events: Collection[_Key]) -> None:
        """Forget what was begun for these events, also under an earlier release, which did not note whose they were."""
        if not select(self._using, f"SELECT 1 FROM {models.Intent._meta.db_table} LIMIT 1"):
            return  # as nearly always: what is written in one transaction needs none
        whose: dict[UUID, set[str]] = {}
        for origin, event_id in events:
            whose.setdefault(event_id, {""}).add(origin)
        if (rows := begun(self._using, whose)) is None:
            return
        there = rows.values_list("pk", "event_id", "origin")
        if ended := [pk for pk, event_id, origin in there if origin in whose[event_id]]:
            for chunk in chunks(ended):
                models.Intent.objects.using(self._using).filter(pk__in=chunk).delete()

    def _write_sums(self) -> None:
        tallies = models.Tally.objects.using(self._using)
        for summed, change in sorted(self._sums.items()):
            place = dict(zip(_SUMMED, summed, strict=True))
            if change and not update(self._using, models.Tally, place, {"events": change}, add=True):
                row, made = tallies.get_or_create(**place, defaults={"events": change})
                if not made:
                    tallies.filter(pk=row.pk).update(events=F("events") + change)
        for topic, at in sorted(self._successes.items()):
            if not update(self._using, models.Success, {"topic": topic}, {"at": at}):
                models.Success.objects.using(self._using).update_or_create(topic=topic, defaults={"at": at})
        if self._kept_bytes:
            installation = models.Installation.objects.using(self._using)
            installation.update(kept_bytes=F("kept_bytes") + self._kept_bytes)


def _only(columns: Mapping[str, Column], rows: Sequence[int]) -> dict[str, Column]:
    return {name: [column[row] for row in rows] for name, column in columns.items()}


def _columns_of(rows: Collection[models.Entry], names: Sequence[str]) -> dict[str, Column]:
    return {name: [getattr(row, name) for row in rows] for name in names}
