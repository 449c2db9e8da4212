"""Queries of the app's ledger for many places or lines at once, each with one parameter however many there are."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from bridge.ledger.model import Filter, Line, Place, Reason
from bridge.names import simplify
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import among
from bridge.tomtoolkit.ledger.rows import LONGEST_INDEXED, line_digest, names_of, place_of

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608, S611

_MOST_RUNS = 20
PLACE = ("topic_id", "partition", "record_offset", "number")
"""The columns that are a place."""
_TYPES = ("text", "int", "bigint", "int")


def entries_at(using: str, places: Collection[Place], *only: str) -> dict[Place, models.Entry]:
    """Return the entries of these events, as far as there are any (of them the columns ``only``).

    Places that follow each other, as those of a unit from the stream do, are asked for as runs: one look into the index
    each, not one a place.
    """
    runs = _runs(places)
    rows = models.Entry.objects.using(using).filter(runs) if runs is not None else at_places(using, places)
    wanted = frozenset(places)
    found = ((place_of(row), row) for row in (rows.only(*only) if only else rows))
    return {place: row for place, row in found if place in wanted}


def _runs(places: Collection[Place]) -> Q | None:
    """Return the condition of lying within a few runs of records; None where the places are not that close."""
    offsets: dict[tuple[str, int], set[int]] = defaultdict(set)
    for place in places:
        offsets[place.topic_id, place.partition].add(place.offset)
    if not offsets or len(offsets) > _MOST_RUNS:
        return None
    condition = Q()
    for (topic_id, partition), those in offsets.items():
        first, last = min(those), max(those)
        if last - first >= 2 * len(those):
            return None
        within = {"record_offset": first} if first == last else {"record_offset__range": (first, last)}
        condition |= Q(topic_id=topic_id, partition=partition, **within)
    return condition


def of_events(using: str, model: Any, ids: Collection[UUID]) -> QuerySet[Any]:
    """Return the rows of ``model`` of events with these ids, of whatever origin."""
    return model.objects.using(using).filter(pk__in=_of_events(using, model, ids))


def that_wait(using: str, ids: Collection[UUID]) -> QuerySet[Any]:
    """Return the entries of events with these ids of which anything waits."""
    waits = f"EXISTS (SELECT 1 FROM {models.Parked._meta.db_table} AS waits WHERE waits.entry_id = found.id)"
    return models.Entry.objects.using(using).filter(pk__in=_of_events(using, models.Entry, ids, waits))


def _of_events(using: str, model: Any, ids: Collection[UUID], condition: str = "true") -> RawSQL:
    """Return a query for the keys of rows ``found`` of these events that meet a condition."""
    table = model._meta.db_table
    if connections[using].vendor == "postgresql":
        sql = f"SELECT found.id FROM {table} AS found WHERE found.event_id = ANY(%s) AND {condition}"
        return RawSQL(sql, [list(ids)])
    wanted = f"json_each(%s) AS wanted CROSS JOIN {table} AS found ON found.event_id = wanted.value"
    return RawSQL(f"SELECT found.id FROM {wanted} WHERE {condition}", [json.dumps([one.hex for one in ids])])


def at_places(using: str, places: Collection[Place]) -> QuerySet[Any]:
    """Return the entries of these events."""
    return _at(models.Entry.objects.using(using), sorted(set(places)))


def of_records(using: str, rows: QuerySet[Any], places: Collection[Place]) -> QuerySet[Any]:
    """Return those of ``rows`` (of entries, or of what is kept) that belong to the records of these events."""
    return _at(rows.using(using), sorted({place[:3] for place in places}))


def _at(rows: QuerySet[Any], places: Sequence[Sequence[object]]) -> QuerySet[Any]:
    if not places:
        return rows.none()
    table, columns = rows.model._meta.db_table, PLACE[: len(places[0])]
    if connections[rows.db].vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in _TYPES[: len(columns)])
        wanted = f"unnest({arrays}) AS wanted ({', '.join(columns)})"
        same = " AND ".join(f"found.{column} = wanted.{column}" for column in columns)
        values: list[object] = [list(of_column) for of_column in zip(*places, strict=True)]
    else:
        wanted = "json_each(%s) AS wanted"
        parts = (f"json_extract(wanted.value, '$[{number}]')" for number in range(len(columns)))
        same = " AND ".join(f"found.{column} = {part}" for column, part in zip(columns, parts, strict=True))
        values = [json.dumps(places)]
    ids = f"SELECT found.id FROM {wanted} CROSS JOIN {table} AS found WHERE {same}"
    return rows.filter(pk__in=RawSQL(ids, values))


def first_in_lines(using: str, lines: Collection[Line], kinds: Collection[str] | None, most: int) -> QuerySet[Any]:
    """Return the first ``most`` of each line that hold back others, by the lines' index, however long they are."""
    one_of, of_kinds = ("", []) if kinds is None else among(using, kinds)
    by_kind = one_of and (
        f" AND EXISTS (SELECT 1 FROM {models.Entry._meta.db_table} AS entry"
        f" WHERE entry.id = one.entry_id AND entry.kind {one_of})"
    )
    given = [of_kinds] if one_of else []
    first = (
        f"SELECT one.id FROM {models.Parked._meta.db_table} AS one WHERE one.line = wanted.{{line}} AND one.holds"
        f"{by_kind} ORDER BY one.record_offset, one.number LIMIT %s"
    )
    digests = sorted({line_digest(line) for line in lines})
    if connections[using].vendor == "postgresql":
        of_each = first.format(line="line")
        ids = f"SELECT first.id FROM unnest(%s::text[]) AS wanted (line) CROSS JOIN LATERAL ({of_each}) AS first"
        values: list[object] = [digests, *given, most]
    else:
        ids = (
            f"SELECT found.id FROM json_each(%s) AS wanted CROSS JOIN {models.Parked._meta.db_table} AS found"
            f" ON found.id IN ({first.format(line='value')})"
        )
        values = [json.dumps(digests), *given, most]
    return models.Parked.objects.using(using).filter(pk__in=RawSQL(ids, values))


def looked_for(using: str, names: Collection[str]) -> QuerySet[Any]:
    """Return what is parked for the lack of a target and is looked for by one of these names."""
    one_of, value = among(using, sorted(names_of(names)))
    by_name = f"SELECT parked_id FROM {models.ParkedName._meta.db_table} WHERE simple {one_of}"
    rows = models.Parked.objects.using(using).filter(reason=Reason.NO_TARGET.value)
    return rows.filter(pk__in=RawSQL(by_name, [value]))


def filtered(rows: QuerySet[Any], wanted: Filter | None, *, entry: str = "") -> QuerySet[Any]:
    """Return the rows that are ``wanted``; ``entry`` is the way from a row to its entry (``entry__``)."""
    if wanted is None:
        return rows
    if wanted.target:
        simple = simplify(wanted.target)[:LONGEST_INDEXED]
        subject = Q(**{f"{entry}simple_subject": simple})
        if rows.model is models.Parked:  # what waits may be one member of a list
            subject |= Q(pk__in=models.ParkedName.objects.using(rows.db).filter(simple=simple).values("parked_id"))
        rows = rows.filter(subject)
    for column in ("origin", "kind", "topic"):
        if value := getattr(wanted, column):
            rows = rows.filter(**{f"{entry}{column}": value})
    if wanted.outcome is not None:
        rows = rows.filter(**{f"{entry}outcome": wanted.outcome.value})
    if wanted.reason is not None:
        rows = rows.filter(reason=wanted.reason.value)
    if wanted.since is not None:
        rows = rows.filter(**{f"{entry}published_at__gte": wanted.since})
    if wanted.until is not None:
        rows = rows.filter(**{f"{entry}published_at__lt": wanted.until})
    return rows
