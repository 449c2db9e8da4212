"""What waits and what is dead, as the app's ledger finds it."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connections
from django.db.models import Count, Q, QuerySet, Value
from django.db.models.functions import Greatest

from bridge.ledger.model import Dead, Filter, Kept, Line, Parked, Place, Reason, Sums
from bridge.ledger.rules import LONGEST_PUT_OFF
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import select, translating, writing
from bridge.tomtoolkit.ledger.identity import DjangoIdentity
from bridge.tomtoolkit.ledger.queries import at_places, filtered, first_in_lines, is_among, looked_for, of_records
from bridge.tomtoolkit.ledger.rows import line_digest, to_dead, to_kept, to_parked

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608

_IN_LINE = ("entry__topic_id", "entry__partition", "record_offset", "number", "pk")


class DjangoKept(DjangoIdentity):
    """What a ledger keeps of events until their reason is gone; see :class:`bridge.ledger.port.Ledger`."""

    def parked(
        self, wanted: Filter | None = None, *, ids: Collection[int] | None = None, after: int = 0, most: int = 1000
    ) -> list[Parked]:
        """Return what is parked by its id, those with an id above ``after``."""
        with translating(self._using):
            rows = filtered(models.Parked.objects.using(self._using).filter(pk__gt=after), wanted, entry="entry__")
            if ids is not None:
                rows = rows.filter(is_among(rows, ids))
            return _listed(rows.order_by("pk")[:most])

    def due(self, now: datetime, *, most: int = 1000) -> list[Parked]:
        """Return what is due by itself, the longest due first."""
        with translating(self._using):
            if not self._any_due(now):
                return []  # as nearly always
            rows = models.Parked.objects.using(self._using).filter(_is_due(now))
            return _listed(rows.order_by("due_at", *_IN_LINE)[:most])

    def _any_due(self, now: datetime) -> bool:
        field, connection = models.Parked._meta.get_field("due_at"), connections[self._using]
        moments = [field.get_db_prep_value(one, connection) for one in (now, now + LONGEST_PUT_OFF)]
        due = f"SELECT 1 FROM {models.Parked._meta.db_table} WHERE due_at <= %s OR due_at > %s LIMIT 1"
        return bool(select(self._using, due, moments))

    def sought(self, *, after: str = "", most: int = 5000) -> list[str]:
        """Return simplified names that something without a target waits for, in their order, those after ``after``."""
        with translating(self._using):
            found = select(
                self._using,
                f"SELECT DISTINCT name.simple FROM {models.ParkedName._meta.db_table} AS name"
                f" JOIN {models.Parked._meta.db_table} AS waits ON waits.id = name.parked_id"
                " WHERE waits.reason = %s AND name.simple > %s ORDER BY name.simple LIMIT %s",
                [Reason.NO_TARGET.value, after, most],
            )
        return [simple for (simple,) in found]

    def named(self, names: Collection[str], now: datetime, *, most: int = 1000) -> list[Parked]:
        """Return what waits for one of these simplified names and is not put off until after ``now``."""
        with translating(self._using):
            rows = looked_for(self._using, names).filter(Q(due_at=None) | _is_due(now))
            return _listed(rows.order_by(*_IN_LINE)[:most])

    def lines(
        self, lines: Collection[Line], *, kinds: Collection[str] | None = None, most: int = 1
    ) -> dict[Line, list[Parked]]:
        """Return the first ``most`` whole events that wait in each of these lines and hold back others."""
        digests = {line_digest(line): line for line in lines}
        found: dict[Line, list[Parked]] = {}
        if not digests:
            return found
        with translating(self._using):
            if (rows := first_in_lines(self._using, lines, kinds, most)) is None:
                return found
            in_order = rows.order_by("record_offset", "number")
            for row in in_order.select_related("entry").prefetch_related("names"):
                found.setdefault(digests[row.line], []).append(to_parked(row))
        return found

    def members(self, places: Collection[Place]) -> dict[Place, list[Parked]]:
        """Return the list members that are parked of these events."""
        found: dict[Place, list[Parked]] = {}
        with translating(self._using):
            rows = models.Parked.objects.using(self._using).filter(entry__in=at_places(self._using, places))
            for parked in _listed(rows.exclude(member="").order_by("pk")):
                found.setdefault(parked.entry.place, []).append(parked)
        return found

    def begin_parked(self, numbers: Mapping[int, int]) -> None:
        """Durably note of what is parked that it is begun for the so-manieth time, before it is."""
        with writing(self._using):
            for number in set(numbers.values()):
                ids = [pk for pk, one in numbers.items() if one == number]
                rows = models.Parked.objects.using(self._using)
                rows.filter(is_among(rows, ids)).update(tries=Greatest("tries", Value(number)))

    def end_parked(self, ids: Collection[int]) -> None:
        """Note that looks at what is parked have come to an end."""
        with writing(self._using):
            rows = models.Parked.objects.using(self._using)
            rows.filter(is_among(rows, ids)).update(tries=0)

    def dead(self, wanted: Filter | None = None, *, after: int = 0, most: int = 1000) -> list[Dead]:
        """Return dead letters in the order in which they died, those with an id above ``after``."""
        with translating(self._using):
            rows = filtered(models.Dead.objects.using(self._using).filter(pk__gt=after), wanted, entry="entry__")
            return [to_dead(row) for row in rows.select_related("entry").order_by("pk")[:most]]

    def dead_letter(self, dead_id: int) -> Dead | None:
        """Return one dead letter, or None."""
        with translating(self._using):
            row = models.Dead.objects.using(self._using).filter(pk=dead_id).select_related("entry").first()
        return None if row is None else to_dead(row)

    def raw(self, places: Collection[Place]) -> dict[Place, Kept]:
        """Return the records that are kept of these events."""
        with translating(self._using):
            kept = of_records(self._using, models.Kept.objects.all(), places)
            found = {(row.topic_id, row.partition, row.record_offset): to_kept(row) for row in kept}
        return {place: found[place[:3]] for place in places if place[:3] in found}

    def kept_bytes(self) -> int:
        """Return the bytes that are kept."""
        with translating(self._using):
            return int(self._own().kept_bytes)

    def sums(self) -> Sums:
        """Return how much is parked and dead, by reason, and the bytes that are kept."""
        with translating(self._using):
            parked, dead = (
                {
                    Reason(reason): count
                    for reason, count in model.objects.using(self._using)
                    .order_by("reason")
                    .values_list("reason")
                    .annotate(Count("pk"))
                }
                for model in (models.Parked, models.Dead)
            )
        return Sums(parked=parked, dead=dead, bytes=self.kept_bytes())


def _is_due(now: datetime) -> Q:
    """Return the condition that something is due: also what is put off for longer than anything ever is."""
    return Q(due_at__lte=now) | Q(due_at__gt=now + LONGEST_PUT_OFF)


def _listed(rows: QuerySet[Any]) -> list[Parked]:
    return [to_parked(row) for row in rows.select_related("entry").prefetch_related("names")]
