"""Rows into a table by columns, with no instance of a model: one prepared statement, or one COPY.

As ``bulk_create`` does, without its fifty microseconds a row: no signal is sent, and what a model's ``save`` would fill
in (defaults, times of creation) is filled in. A column is converted at once, by Django's own rule for its field.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC
from functools import cache
from itertools import repeat
from typing import Any

from django.conf import settings
from django.db import connections
from django.db.models import (
    AutoField,
    BigAutoField,
    BigIntegerField,
    CharField,
    DateTimeField,
    FloatField,
    ForeignKey,
    JSONField,
    TextField,
)

from bridge.events.columns import Column, once

# All SQL below is put together from Django's own names of tables and columns; values go in as parameters.
# ruff: noqa: S608


class JsonTexts(list[str]):
    """A column of values that are JSON already, each as the database takes it."""


def insert(using: str, model: Any, columns: Mapping[str, Column]) -> list[int]:
    """Insert rows of ``model``, given by the attributes of its fields, and return their keys, in order and growing.

    To be called in a transaction that may write. Raises what the database, or a field, raises: then nothing is written.
    """
    connection = connections[using]
    count = len(next(iter(columns.values())))
    names, stored = [model._meta.pk.column], []
    for field in _fields(model):
        names.append(field.column)
        stored.append(
            as_stored(field, columns[field.attname], connection)
            if field.attname in columns
            else repeat(field.get_db_prep_save(field.pre_save(model(), add=True), connection), count)
        )
    keys = _reserved(connection, model, count)
    rows = zip(keys, *stored, strict=True)
    table, told = _quoted(connection, model._meta.db_table), ", ".join(_quoted(connection, name) for name in names)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql" and hasattr(cursor, "copy"):
            with cursor.copy(f"COPY {table} ({told}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            marks = ", ".join(["%s"] * len(names))
            cursor.executemany(f"INSERT INTO {table} ({told}) VALUES ({marks})", list(rows))
    return keys


def as_stored(field: Any, column: Column, connection: Any) -> Column:
    """Return the values of a field as the database takes them: what its ``get_db_prep_save`` makes of each."""
    if isinstance(column, JsonTexts):
        return column
    convert = _quicker(field, connection)
    return convert(column) if convert is not None else [field.get_db_prep_save(each, connection) for each in column]


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


_OFFSET = len("+00:00")
_AS_THEY_ARE = (AutoField, BigAutoField, BigIntegerField, CharField, TextField)

# -- conversions ------------------------------------------------------------------------------------------------------


def _quicker(field: Any, connection: Any) -> Callable[[Column], Column] | None:
    """Return what converts a column as the field does, in one go; None where the field has to be asked for each value.

    By the very class of the field: what a TOM derives from it may convert otherwise.
    """
    of, is_postgresql = type(field), connection.vendor == "postgresql"
    if of is ForeignKey:
        return _quicker(field.target_field, connection)
    if of is DateTimeField and settings.USE_TZ and not is_postgresql and connection.timezone_name == "UTC":
        return _moments
    if of is JSONField and field.encoder is None:
        return _texts_of_json
    if of is FloatField:
        return _floats
    return _as_they_are if of in _AS_THEY_ARE or (of is DateTimeField and is_postgresql) else None


def _as_they_are(column: Column) -> Column:
    return column


def _floats(column: Column) -> Column:
    return (
        column if set(map(type, column)) <= {float, type(None)} else [None if n is None else float(n) for n in column]
    )


def _moments(column: Column) -> Column:
    """Return times as SQLite has them: in UTC, without saying so."""
    if {moment.tzinfo for moment in column} == {UTC}:
        return [str(moment)[:-_OFFSET] for moment in column]
    return [str(moment.astimezone(UTC).replace(tzinfo=None)) for moment in column]


def _texts_of_json(column: Column) -> Column:
    return once(json.dumps, column)


_OFFSET = len("+00:00")
_AS_THEY_ARE = (AutoField, BigAutoField, BigIntegerField, CharField, TextField)
