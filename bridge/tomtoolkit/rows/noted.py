"""Which rows of the TOM came over the bridge, or out of a file that did.

The bridge notes runs of keys (:class:`~bridge.tomtoolkit.models.Written`), no two of which overlap: a row is in one
exactly where the run with the smallest last key from its own on has begun by then. That is one look into an index a
row, however many runs there are.
"""

import struct
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connections
from django.db.models import BigIntegerField, F, Func, OuterRef, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import LessThanOrEqual
from tom_dataproducts.models import DataProduct as ProductModel

from bridge.events import EventRef
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import among

_PACKED = struct.Struct(">iii16s")
_NO_NUMBER = -1
_NEVER = Value(2**63 - 1, output_field=BigIntegerField())
_NO_ROW = Value(0, output_field=BigIntegerField())


def came(model: Any) -> Q:
    """Return the condition that a row of ``model`` came over the bridge, or out of a data product that did."""
    noted = Q(_noted(model, "pk"))
    has_product = any(field.attname == "data_product_id" for field in model._meta.concrete_fields)
    return noted | Q(_noted(ProductModel, "data_product_id")) if has_product else noted


def noted_among(using: str, model: Any, keys: Collection[int]) -> set[int]:
    """Return those of ``keys`` that rows of ``model`` have which the bridge wrote.

    In plain SQL: Django takes ten times as long to ask it for one.
    """
    one_of, value = among(using, keys)
    connection = connections[using]
    column, table = map(connection.ops.quote_name, (model._meta.pk.column, model._meta.db_table))
    key = f"{table}.{column}"  # the runs have a column of that name too
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {key} FROM {table} WHERE {_first_sql('%s', key)} <= {key} AND {key} {one_of}",  # noqa: S608
            [model._meta.label_lower, value],
        )
        return {found for (found,) in cursor.fetchall()}


def run_of(using: str, model: Any, key: int) -> models.Written | None:
    """Return the run that the row of this key belongs to; None where the bridge did not write it."""
    runs = models.Written.objects.using(using).filter(model=model._meta.label_lower, last__gte=key)
    run = runs.order_by("last").first()
    return run if run is not None and run.first <= key else None


class Part(NamedTuple):
    """Some rows of a run that follow each other: neighbouring data of one event.

    Packed it is 28 bytes: the number of rows, the number of the first datum (-1: none), the key of the origin's
    :class:`~bridge.tomtoolkit.models.Text`, each in 4 bytes with the first one highest, and the event's id.
    """

    rows: int
    event: EventRef
    """Without an origin where an earlier release noted it and nothing says whose it was."""
    number: int | None
    """Which datum of the event the first row is, from 0 on; None where an earlier release noted it."""


def packed(using: str, parts: Iterable[Collection[Part]]) -> list[bytes]:
    """Return the parts of each of some runs as :attr:`~bridge.tomtoolkit.models.Written.parts` has them."""
    origins = models.make_keys_of(using, {part.event.origin for run in parts for part in run})
    return [b"".join(_pack(part, origins[part.event.origin]) for part in run) for run in parts]


def _pack(part: Part, origin: int) -> bytes:
    return _PACKED.pack(part.rows, _NO_NUMBER if part.number is None else part.number, origin, part.event.id.bytes)


def parts_of(run: models.Written) -> list[Part]:
    """Return whose rows a run is of, in their order."""
    return _parts_of_each([run])[0]


def _parts_of_each(runs: Sequence[models.Written]) -> list[list[Part]]:
    """Return whose rows each of some runs is of: the origins of all are asked for at once."""
    found = [list(_PACKED.iter_unpack(bytes(run.parts))) for run in runs]
    keys = {origin for run in found for _, _, origin, _ in run}
    origins = models.texts_of(str(runs[0]._state.db), keys) if runs else {}
    return [
        [
            Part(rows, EventRef(origins[origin], UUID(bytes=one)), None if number == _NO_NUMBER else number)
            for rows, number, origin, one in run
        ]
        for run in found
    ]


def origins_noted(using: str) -> set[int]:
    """Return the keys of the texts of all origins that runs name."""
    runs = models.Written.objects.using(using).values_list("parts", flat=True).iterator()
    return {origin for parts in runs for _, _, origin, _ in _PACKED.iter_unpack(bytes(parts))}


def events_of_rows(using: str, model: Any, keys: Collection[int]) -> set[EventRef]:
    """Return the events with which those of these rows came that the bridge wrote."""
    rows = model.objects.using(using).filter(_noted(model, "pk"), pk__in=keys)
    in_run: dict[int, list[int]] = defaultdict(list)
    for key, run in rows.annotate(run=Subquery(_runs(model, "pk").values("pk")[:1])).values_list("pk", "run"):
        in_run[run].append(key)
    runs = list(models.Written.objects.using(using).filter(pk__in=in_run))
    each = zip(runs, _parts_of_each(runs), strict=True)
    return {event for run, parts in each for event in _events(run.first, parts, in_run[run.pk])}


def event_of(run: models.Written, key: int) -> EventRef:
    """Return the event with which the row of this key came, which is one of the run."""
    return next(_events(run.first, parts_of(run), [key]))


def _events(first: int, parts: Iterable[Part], keys: Collection[int]) -> Iterator[EventRef]:
    """Return the events with which the rows of ``keys`` came; the parts follow each other from the key ``first`` on."""
    for part in parts:
        if any(first <= key < first + part.rows for key in keys):
            yield part.event
        first += part.rows


def _noted(model: Any, column: str) -> Any:
    """Return the condition that the row of ``model`` with the key in ``column`` is noted; false where that is NULL."""
    return LessThanOrEqual(Coalesce(_First(model, column), _NEVER), Coalesce(F(column), _NO_ROW))


class _First(Func):
    """The first key of the run that alone may have the row of ``model`` with the key in ``column``.

    In SQL: of a subquery made of a queryset Django takes 0.6 ms to make the SQL, of this a tenth, in each query anew.
    """

    output_field = BigIntegerField()

    def __init__(self, model: Any, column: str, **extra: Any) -> None:
        super().__init__(Value(model._meta.label_lower), F(column), **extra)

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[Any]]:  # noqa: ARG002
        """Return the SQL, and its values."""
        (label, of_label), (key, of_key) = map(compiler.compile, self.get_source_expressions())
        return _first_sql(label, key), [*of_label, *of_key]


def _first_sql(label: str, key: str) -> str:
    """Return SQL for the first key of the run that alone may have a row: by its model's label, and its key."""
    return (
        f'(SELECT "first" FROM "{models.Written._meta.db_table}" WHERE "model" = {models.key_sql(label)} '  # noqa: S608
        f'AND "last" >= {key} ORDER BY "last" LIMIT 1)'
    )


def _runs(model: Any, column: str) -> Any:
    """Return the runs of which the first alone may have the row of ``model`` with the key in ``column``."""
    return models.Written.objects.filter(model=model._meta.label_lower, last__gte=OuterRef(column)).order_by("last")
