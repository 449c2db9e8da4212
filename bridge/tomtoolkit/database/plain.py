"""Small statements in plain SQL, for what is asked with each transaction: to make one, Django takes longer by far than
any database takes for it."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connections

# All SQL below is put together from Django's own names of tables and columns; values go in as parameters.
# ruff: noqa: S608


def select(using: str, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with connections[using].cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())


def update(using: str, model: Any, of: Mapping[str, Any], values: Mapping[str, Any], *, add: bool = False) -> int:
    """Set fields of the rows of ``model`` that have the values ``of`` others, or add to them; return how many have."""
    connection, fields = connections[using], model._meta
    quote = connection.ops.quote_name

    def stored(given: Mapping[str, Any]) -> list[Any]:
        return [fields.get_field(name).get_db_prep_save(value, connection) for name, value in given.items()]

    settings = ", ".join(f"{quote(name)} = {quote(name)} + %s" if add else f"{quote(name)} = %s" for name in values)
    condition = " AND ".join(f"{quote(name)} = %s" for name in of)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(fields.db_table)} SET {settings} WHERE {condition}", [*stored(values), *stored(of)]
        )
        return int(cursor.rowcount)
