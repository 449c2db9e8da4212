"""Fields of the ledger's large tables, which take fewer bytes of a row and of an index than Django's own.

A text that many rows have is kept once (:class:`Text`); SQLite, which has neither times nor UUIDs, gets the number and
the bytes instead of a text. Queries, values and instances are as with Django's own fields. Each says by ``of_column``
what its ``get_db_prep_save`` makes of many values at once.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from django.db import connections, models, transaction

from bridge.microseconds import from_microseconds, to_microseconds

_NONE = 0
"""No text has this key."""

# All SQL below is put together from our own constants and Django's names; values go in as parameters.
# Django calls the methods with more than they need.
# ruff: noqa: S608, ARG002


class Text(models.Model):
    """A text that many rows of the ledger have; none is ever changed.

    One that no row has is removed where there are many (:mod:`bridge.tomtoolkit.ledger.texts`).
    """

    id = models.AutoField(primary_key=True)
    text = models.TextField(unique=True)

    class Meta:
        db_table = "tom_bridge_text"


_TABLE = Text._meta.db_table


def key_sql(text: str = "%s") -> str:
    """Return SQL for the key of a text; of one that no row has, a key that none has."""
    return f"coalesce({keys_sql(f'= {text}')}, {_NONE})"


def text_sql(key: str) -> str:
    """Return SQL for the text that has a key."""
    return f'(SELECT "text" FROM {_TABLE} WHERE id = {key})'


def keys_sql(condition: str) -> str:
    """Return SQL for the keys of all texts of which a condition (``IN (...)``) holds."""
    return f'(SELECT id FROM {_TABLE} WHERE "text" {condition})'


def keys_of(using: str, texts: Collection[str]) -> dict[str, int]:
    """Return the keys of those of these texts that rows may have.

    Within a transaction each is asked for once. Not for longer: a backup that is put back, or a ``flush``, gives its
    keys to other texts, and the connection may be the same.
    """
    found = _found(using)
    if missing := sorted(set(texts) - found.keys()):
        marks = ", ".join(["%s"] * len(missing))
        with connections[using].cursor() as cursor:  # asked for in each transaction
            cursor.execute(f'SELECT "text", id FROM {_TABLE} WHERE "text" IN ({marks})', missing)
            asked = _Found(cursor.fetchall())
        transaction.on_commit(asked, using=using)
        found |= asked
    return {text: found[text] for text in texts if text in found}


def make_keys_of(using: str, texts: Iterable[str]) -> dict[str, int]:
    """Return the keys of these texts, made where there is none; for many at once, as each call may ask the database."""
    wanted = set(texts)
    found = keys_of(using, wanted)
    if missing := sorted(wanted - found.keys()):
        Text.objects.using(using).bulk_create([Text(text=text) for text in missing], ignore_conflicts=True)
        found = keys_of(using, wanted)
    return found


def texts_of(using: str, keys: Iterable[int]) -> dict[int, str]:
    """Return the texts that have these keys."""
    return dict(Text.objects.using(using).filter(pk__in=set(keys)).values_list("pk", "text"))


class _Found(dict[str, int]):
    """Keys that were found in a transaction, kept among what is due at its end."""

    def __call__(self) -> None:
        """Do nothing at the end."""


def _found(using: str) -> dict[str, int]:
    """Return the keys found in the transaction that is open: Django forgets with it what is due at its end."""
    found: dict[str, int] = {}
    for _, function, *_ in connections[using].run_on_commit:
        if isinstance(function, _Found):
            found |= function
    return found


class CommonText(models.Field):
    """A text that many rows have: the column holds the key of a :class:`Text`."""

    def db_type(self, connection: Any) -> str:
        """Return the type of the column."""
        return "integer"

    def to_python(self, value: Any) -> str | None:
        """Return the text."""
        return None if value is None else str(value)

    def get_prep_value(self, value: Any) -> str | None:
        """Return the text."""
        return self.to_python(value)

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """Return the key of a text, made where there is none."""
        return value if hasattr(value, "as_sql") else self.of_column([value], connection)[0]

    def of_column(self, column: Sequence[Any], connection: Any) -> list[int | None]:
        """Return the keys of texts, made where there are none."""
        keys = make_keys_of(connection.alias, (str(text) for text in set(column) if text is not None))
        return [None if text is None else keys[text] for text in column]

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        """Return SQL for the text."""
        return text_sql(sql), params


@CommonText.register_lookup
class _Exact(models.lookups.Exact):
    """By the key, so that an index on the column serves."""

    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"= {key_sql(rhs)}"


@CommonText.register_lookup
class _In(models.lookups.In):
    def get_rhs_op(self, connection: Any, rhs: str) -> str:
        return f"IN {keys_sql(f'IN {rhs}')}"


class Moment(models.DateTimeField):
    """A time; on SQLite microseconds since 1970 (UTC)."""

    def get_internal_type(self) -> str:
        """Return a type of our own: Django would read SQLite's as a text."""
        return "Moment"

    def db_type(self, connection: Any) -> str:
        """Return the type of the column."""
        return "bigint" if connection.vendor == "sqlite" else "timestamp with time zone"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Return a time as the database has it."""
        if connection.vendor != "sqlite":
            return super().get_db_prep_value(value, connection, prepared)
        value = value if prepared else self.get_prep_value(value)
        return to_microseconds(value) if isinstance(value, datetime) else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return a time, in UTC."""
        return from_microseconds(value) if isinstance(value, int) else value

    def of_column(self, column: Sequence[Any], connection: Any) -> Sequence[Any]:
        """Return times as the database has them."""
        if connection.vendor != "sqlite":
            return column
        return [None if moment is None else to_microseconds(moment) for moment in column]


class AsDateTime(models.Func):
    """A :class:`Moment`, to the second, for what Django computes of times."""

    output_field = models.DateTimeField()
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, Any]:
        """Return SQL for the text that Django has for a time."""
        template = "datetime(%(expressions)s / 1000000, 'unixepoch')"
        return super().as_sql(compiler, connection, template=template, **extra)


class Identity(models.UUIDField):
    """A UUID; on SQLite its sixteen bytes."""

    def get_internal_type(self) -> str:
        """Return a type of our own: Django would read SQLite's as a text."""
        return "Identity"

    def db_type(self, connection: Any) -> str:
        """Return the type of the column."""
        return "blob" if connection.vendor == "sqlite" else "uuid"

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        """Return a UUID as the database has it."""
        value = self.to_python(value)
        return value.bytes if connection.vendor == "sqlite" and value is not None else value

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        """Return a UUID."""
        return UUID(bytes=value) if isinstance(value, bytes) else value

    def of_column(self, column: Sequence[Any], connection: Any) -> Sequence[Any]:
        """Return UUIDs as the database has them."""
        if connection.vendor != "sqlite":
            return column
        return [None if one is None else one.bytes for one in cast("Sequence[UUID | None]", column)]
