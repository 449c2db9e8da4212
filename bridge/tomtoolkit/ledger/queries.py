"""Queries of the app's ledger for many places or lines at once, each with one parameter however many there are."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.db import connections
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from bridge.ledger.model import Filter, Line, Place, Reason, Witness
from bridge.names import simplify
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import among, as_table, same_as_wanted, select
from bridge.tomtoolkit.ledger.rows import LONGEST_INDEXED, line_digest, names_of, place_of

# All SQL below is put together from this package's own constants; values go in as parameters.
# ruff: noqa: S608, S611

_MOST_RUNS = 20
PLACE = ("topic_id", "partition", "record_offset", "number")
"""The columns that are a place."""


def _found(rows: QuerySet[Any], keys: str, values: Sequence[object]) -> QuerySet[Any] | None:
    """Return those of ``rows`` whose keys the SQL ``keys`` finds; None, and no model asked for, where it finds none.

    So it is with nearly all that a unit asks for.
    """
    found = [key for (key,) in select(rows.db, keys, values)]
    return rows.filter(is_among(rows, found)) if found else None


def is_among(rows: QuerySet[Any], keys: Collection[int]) -> Q:
    """Return the condition that a row has one of these keys, with one parameter however many there are."""
    one_of, value = among(rows.db, sorted(keys))
    return Q(pk__in=RawSQL(f"SELECT id FROM {rows.model._meta.db_table} WHERE id {one_of}", [value]))


def entries_at(using: str, places: Collection[Place], *only: str) -> dict[Place, models.Entry]:
    """Return the entries of these events, as far as there are any (of them the columns ``only``).

    Places that follow each other, as those of a unit from the stream do, are asked for as runs: one look into the index
    each, not one a place.
    """
    wanted = frozenset(places)
    if runs := _runs(wanted):
        within = f"(topic_id = {models.key_sql()} AND partition = %s AND record_offset BETWEEN %s AND %s)"
        keys = f"SELECT id FROM {models.Entry._meta.db_table} WHERE {' OR '.join([within] * len(runs))}"
        found = _found(models.Entry.objects.using(using), keys, [value for run in runs for value in run])
    else:
        found = at_places(using, wanted)
    if found is None:
        return {}
    by_place = ((place_of(row), row) for row in (found.only(*only) if only else found))
    return {place: row for place, row in by_place if place in wanted}


def _runs(places: Collection[Place]) -> list[tuple[str, int, int, int]]:
    """Return the few runs of records that hold these places: topic, partition, first and last offset; none where the
    places are not that close to each other."""
    offsets: dict[tuple[str, int], set[int]] = defaultdict(set)
    for place in places:
        offsets[place.topic_id, place.partition].add(place.offset)
    close = all(max(those) - min(those) < 2 * len(those) for those in offsets.values())
    if not close or len(offsets) > _MOST_RUNS:
        return []
    return [(*where, min(those), max(those)) for where, those in offsets.items()]


def witnesses(using: str, ids: Collection[UUID]) -> list[tuple[str, UUID, str]]:
    """Return what is known for ever of events with these ids: origin, id and witness."""
    origin, witness = models.text_sql("found.origin"), models.text_sql("found.witness")
    gone = _of_events(models.Done.objects.using(using), ids, f"{origin}, found.event_id, {witness}")
    here = _of_events(
        models.Entry.objects.using(using), ids, f"{origin}, found.event_id, '{Witness.DONE}'", condition="found.done"
    )
    found = select(using, f"{gone[0]} UNION ALL {here[0]}", [*gone[1], *here[1]])
    return [(told, one if isinstance(one, UUID) else UUID(bytes=one), what) for told, one, what in found]


def begun(using: str, ids: Collection[UUID]) -> QuerySet[Any] | None:
    """Return the intents of events with these ids, of whatever origin; None where there is none."""
    rows = models.Intent.objects.using(using)
    return _found(rows, *_of_events(rows, ids))


def that_wait(using: str, ids: Collection[UUID]) -> QuerySet[Any] | None:
    """Return the entries of events with these ids of which anything waits; None where nothing does."""
    waits = f"EXISTS (SELECT 1 FROM {models.Parked._meta.db_table} AS waits WHERE waits.entry_id = found.id)"
    rows = models.Entry.objects.using(using)
    return _found(rows, *_of_events(rows, ids, condition=waits))


def _of_events(
    rows: QuerySet[Any], ids: Collection[UUID], columns: str = "found.id", condition: str = "true"
) -> tuple[str, list[object]]:
    """Return SQL, and its value, for columns of those of ``rows`` (``found``) that are of these events."""
    table = rows.model._meta.db_table
    if connections[rows.db].vendor == "postgresql":
        return f"SELECT {columns} FROM {table} AS found WHERE found.event_id = ANY(%s::uuid[]) AND {condition}", [
            list(ids)
        ]
    if isinstance(rows.model._meta.get_field("event_id"), models.Identity):  # bytes, of which JSON knows nothing
        wanted = f"json_each(%s) AS wanted CROSS JOIN {table} AS found ON found.event_id = substr(%s, wanted.value, 16)"
        values: list[object] = [json.dumps(list(range(1, 16 * len(ids), 16))), b"".join(one.bytes for one in ids)]
    else:
        wanted = f"json_each(%s) AS wanted CROSS JOIN {table} AS found ON found.event_id = wanted.value"
        values = [json.dumps([one.hex for one in ids])]
    return f"SELECT {columns} FROM {wanted} WHERE {condition}", values


def at_places(using: str, places: Collection[Place]) -> QuerySet[Any]:
    """Return the entries of these events."""
    return _at(models.Entry.objects.using(using), sorted(set(places)))


def of_records(using: str, rows: QuerySet[Any], places: Collection[Place]) -> QuerySet[Any]:
    """Return those of ``rows`` (of entries, or of what is kept) that belong to the records of these events."""
    return _at(rows.using(using), sorted({place[:3] for place in places}))


def _at(rows: QuerySet[Any], places: Sequence[Sequence[object]]) -> QuerySet[Any]:
    if not places:
        return rows.none()
    connection = connections[rows.db]
    fields = [rows.model._meta.get_field(name) for name in PLACE[: len(places[0])]]
    if isinstance(fields[0], models.CommonText):
        keys = models.keys_of(rows.db, {str(place[0]) for place in places})
        places = [(keys[place[0]], *place[1:]) for place in places if place[0] in keys]
        if not places:
            return rows.none()
    wanted, values = as_table(connection, fields, places)
    table = rows.model._meta.db_table
    ids = f"SELECT held.id FROM {wanted} CROSS JOIN {table} AS held WHERE {same_as_wanted(connection, fields)}"
    return rows.filter(pk__in=RawSQL(ids, values))


def first_in_lines(
    using: str, lines: Collection[Line], kinds: Collection[str] | None, most: int
) -> QuerySet[Any] | None:
    """Return the first ``most`` of each line that hold back others, by the lines' index, however long they are.

    None where nothing does.
    """
    one_of, of_kinds = ("", []) if kinds is None else among(using, kinds)
    by_kind = one_of and (
        f" AND EXISTS (SELECT 1 FROM {models.Entry._meta.db_table} AS entry"
        f" WHERE entry.id = one.entry_id AND entry.kind IN {models.keys_sql(one_of)})"
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
    return _found(models.Parked.objects.using(using), ids, values)


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
