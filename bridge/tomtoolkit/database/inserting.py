"""Many rows in one statement, given by columns: no instance of a model a row, no field asked a value.

SQLite takes them by ``executemany``, PostgreSQL by ``COPY`` (psycopg 3; older ones insert row by row). A column is
converted at once, into what the model's own field makes of its values. As with ``bulk_create`` no signal is sent. A
thousand entries of the ledger cost a tenth of what ``bulk_create`` takes on SQLite, and less on PostgreSQL; a datum
costs fifty microseconds less.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, cached_property, partial
from itertools import chain
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connections, models, transaction

from bridge.events.columns import Column, once

# All SQL below is put together from Django's own names of tables and columns; values go in as parameters.
# ruff: noqa: S608

Columns = Mapping[str, Column]
"""Rows, a column a field: its values by the name of the model's attribute, all of one length."""
_Convert = Callable[[Column], Column]

_AS_THEY_ARE = (
    models.AutoField, models.BigAutoField, models.BigIntegerField, models.BinaryField, models.BooleanField,
    models.CharField, models.IntegerField, models.TextField,
)  # fmt: skip
"""Fields whose values every database takes as they are."""
_OFFSET = len("+00:00")
_FEW = 5
"""So many rows are inserted on PostgreSQL by one statement: to begin a ``COPY``, and to end it, is a message each."""


class JsonTexts(list[str]):
    """A column of values that are JSON already, each as the database takes it."""


class Moments(list[datetime]):
    """A column of times in UTC, of which it is known that they are: Python takes a microsecond to write one."""

    @cached_property
    def texts(self) -> list[str]:
        """Each as SQLite has it: in UTC, without saying so."""
        return [str(moment)[:-_OFFSET] for moment in self]


def in_utc(column: Column) -> Column:
    """Return a column as :class:`Moments` where all its values are times in UTC; as it is where they aren't."""
    if isinstance(column, Moments) or {getattr(moment, "tzinfo", None) for moment in column} != {UTC}:
        return column
    return Moments(column)


def insert(using: str, model: Any, columns: Columns) -> None:
    """Insert rows of ``model`` within the transaction that is open.

    A key that isn't given is the database's; other fields that aren't have to have a default there. Raises what Django
    raises, with nothing inserted that the caller's savepoint doesn't take back.
    """
    _insert(using, model, columns, "INSERT")


def insert_missing(using: str, model: Any, columns: Columns) -> None:
    """Insert rows as :func:`insert` does, but for those that a unique constraint keeps out: these are there."""
    if connections[using].vendor != "postgresql":
        _insert(using, model, columns, "INSERT OR IGNORE")
        return
    try:  # nearly always none is there, and COPY knows no ON CONFLICT
        with transaction.atomic(using=using):
            _insert(using, model, columns, "INSERT")
    except IntegrityError:
        rows = [model(**dict(zip(columns, row, strict=True))) for row in zip(*columns.values(), strict=True)]
        model._base_manager.using(using).bulk_create(rows, ignore_conflicts=True)


def insert_with_keys(using: str, model: Any, columns: Columns) -> list[int]:
    """Insert rows as :func:`insert` does, and return their keys, in order and growing.

    What a model's ``save`` would fill in (defaults, times of creation) is filled in.
    """
    count = len(next(iter(columns.values())))
    keys = _reserved(connections[using], model, count)
    rest = {
        field.attname: as_stored(field, [field.pre_save(model(), add=True)], connections[using]) * count
        for field in _fields(model)
        if field.attname not in columns
    }
    stored = _stored(connections[using], model, {model._meta.pk.attname: keys, **columns})
    _insert_stored(connections[using], model, {**stored, **rest}, "INSERT")
    return keys


def as_stored(field: Any, column: Column, connection: Any) -> list[Any]:
    """Return the values of a field as the database takes them: what its ``get_db_prep_save`` makes of each."""
    if isinstance(column, JsonTexts):
        return column
    if (own := getattr(field, "of_column", None)) is not None:  # those of bridge.tomtoolkit.models.fields
        return list(own(column, connection))
    convert = _quicker(field, connection)
    if convert is not None:
        return list(convert(column))
    return [field.get_db_prep_save(each, connection) for each in column]


def _stored(connection: Any, model: Any, columns: Columns) -> dict[str, list[Any]]:
    return {name: as_stored(model._meta.get_field(name), column, connection) for name, column in columns.items()}


def _insert(using: str, model: Any, columns: Columns, verb: str) -> None:
    _insert_stored(connections[using], model, _stored(connections[using], model, columns), verb)


def _insert_stored(connection: Any, model: Any, stored: Columns, verb: str) -> None:
    """Insert rows of values as the database takes them."""
    fields = [model._meta.get_field(name) for name in stored]
    rows = list(zip(*stored.values(), strict=True))
    table, names = _quoted(connection, model._meta.db_table), [_quoted(connection, field.column) for field in fields]
    with connection.cursor() as cursor:
        into, marks = f"{table} ({', '.join(names)})", f"({', '.join(['%s'] * len(fields))})"
        if connection.vendor == "postgresql" and 0 < len(rows) <= _FEW:
            several = ", ".join([marks] * len(rows))
            cursor.execute(f"{verb} INTO {into} VALUES {several}", [*chain.from_iterable(rows)])
        elif connection.vendor == "postgresql" and hasattr(cursor, "copy"):
            _copy(connection, cursor, into, fields, rows)
        else:
            cursor.executemany(f"{verb} INTO {into} VALUES {marks}", rows)


def _copy(connection: Any, cursor: Any, into: str, fields: list[Any], rows: Any) -> None:
    """Copy rows in the binary format, or as text where some are JSON: these are texts, which binary JSON is not."""
    is_text = any(isinstance(field, models.JSONField) for field in fields)
    how = "" if is_text else " (FORMAT BINARY)"
    with connection.wrap_database_errors, cursor.copy(f"COPY {into} FROM STDIN{how}") as copy:
        if not is_text:
            copy.set_types([field.db_type(connection).partition("(")[0] for field in fields])
        for row in rows:
            copy.write_row(row)


def _reserved(connection: Any, model: Any, count: int) -> list[int]:
    """Return ``count`` keys that nobody else gets.

    PostgreSQL's come from the sequence, which others may use meanwhile. On SQLite whoever writes is alone; the table's
    greatest key and what ``AUTOINCREMENT`` remembers say which was the last.
    """
    table, pk = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            name = _quoted(connection, table)
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, %s)) FROM generate_series(1, %s)", [name, pk, count]
            )
            return sorted(key for (key,) in cursor.fetchall())
        last = f"SELECT max({_quoted(connection, pk)}) FROM {_quoted(connection, table)}"
        cursor.execute(
            f"SELECT max(coalesce(({last}), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = %s), 0))",
            [table],
        )
        (first,) = cursor.fetchone()
        return list(range(first + 1, first + 1 + count))


@cache
def _fields(model: Any) -> tuple[Any, ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.primary_key and not field.generated)


def _quoted(connection: Any, name: str) -> str:
    return str(connection.ops.quote_name(name))


# -- conversions ------------------------------------------------------------------------------------------------------


def _quicker(field: Any, connection: Any) -> _Convert | None:
    """Return what converts a column as the field does, in one go; None where the field has to be asked for each value.

    By the very class of the field: what a TOM derives from it may convert otherwise.
    """
    of, is_postgresql = type(field), connection.vendor == "postgresql"
    if of is models.ForeignKey:
        return _quicker(field.target_field, connection)
    if of is models.DateTimeField and settings.USE_TZ and not is_postgresql and connection.timezone_name == "UTC":
        return _moments
    if of is models.JSONField and field.encoder is None:
        return partial(once, _as_json)
    if of is models.FloatField:
        return _floats
    if of is models.UUIDField and not connection.features.has_native_uuid_field:
        return _hexes
    is_as_it_is = of in _AS_THEY_ARE or of is models.UUIDField or (of is models.DateTimeField and is_postgresql)
    return _as_they_are if is_as_it_is else None


def _as_json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


def _as_they_are(column: Column) -> Column:
    return column


def _floats(column: Column) -> Column:
    if set(map(type, column)) <= {float, type(None)}:
        return column
    return [None if number is None else float(number) for number in column]


def _hexes(column: Column) -> Column:
    return [one.hex if isinstance(one, UUID) else one for one in column]


def _moments(column: Column) -> Column:
    """Return times as SQLite has them: in UTC, without saying so."""
    column = in_utc(column)
    if isinstance(column, Moments):
        return column.texts
    return [None if moment is None else str(moment.astimezone(UTC).replace(tzinfo=None)) for moment in column]
