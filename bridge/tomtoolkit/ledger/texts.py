"""Texts of the ledger that no row has any more: what strangers invent is not to stay for ever."""

from collections.abc import Iterator, Sequence

from django.apps import apps
from django.db import connections

from bridge.tomtoolkit.database import among, chunks, translating, writing
from bridge.tomtoolkit.models import CommonText, Text
from bridge.tomtoolkit.rows.noted import origins_noted

FEW = 10_000
"""Texts that are let be: to find those that no row has takes a look at all rows."""
_AT_ONCE = 10_000
_TABLE = Text._meta.db_table

# All SQL below is put together from our own constants and Django's names; values go in as parameters.
# ruff: noqa: S608


def sweep(using: str) -> int:
    """Remove texts that no row has, where there are more than :data:`FEW`; return how many.

    Raises TomAwayError where others use the texts for too long; what was removed until then is.
    """
    with translating(using):
        if not Text.objects.using(using).order_by("pk")[FEW : FEW + 1].exists():
            return 0
        unused = _unused(using) - origins_noted(using)
    swept = 0
    for keys in chunks(sorted(unused), _AT_ONCE):
        with writing(using), connections[using].cursor() as cursor:
            if connections[using].vendor == "postgresql":
                # A transaction that has asked for the key of a text has yet to write it.
                cursor.execute(f"LOCK TABLE {_TABLE} IN ACCESS EXCLUSIVE MODE")
            one_of, value = among(using, sorted(_unused(using, keys)))
            cursor.execute(f"DELETE FROM {_TABLE} WHERE id {one_of}", [value])
            swept += cursor.rowcount
    return swept


def _unused(using: str, keys: Sequence[int] | None = None) -> set[int]:
    """Return the keys of texts (of these alone) that no column has."""
    one_of, value = ("", None) if keys is None else among(using, keys)
    of_these = one_of and f" WHERE {{column}} {one_of}"
    columns = [f"SELECT {column} FROM {table}{of_these.format(column=column)}" for table, column in _columns(using)]
    with connections[using].cursor() as cursor:
        cursor.execute(" EXCEPT ".join(columns), [value] * len(columns) if one_of else [])
        return {key for (key,) in cursor.fetchall()}


def _columns(using: str) -> Iterator[tuple[str, str]]:
    """Yield table and column of the texts themselves, then of all that have keys of texts."""
    quoted = connections[using].ops.quote_name
    yield _TABLE, "id"
    for model in apps.get_app_config("tom_bridge").get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, CommonText):
                yield quoted(model._meta.db_table), quoted(field.column)
