"""From rows of this TOM to bodies of events, in full: the one place that knows how each kind is read.

A kind of reduced datum is an entry of :data:`DATUMS`. What can't travel (a magnitude that is no number, a file that is
gone) is left out and counted by its reason, never passed over and never a failure of the rest.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, router
from django.db.models import Q
from pydantic import ValidationError
from tom_dataproducts.models import DataProduct as ProductModel
from tom_dataproducts.models import ReducedDatum, try_parse_reduced_datum
from tom_targets.base_models import BaseTarget

from bridge.codec import runs
from bridge.errors import InvalidEventError
from bridge.events import (
    BODIES,
    MAX_ALIASES,
    MAX_PRODUCT_BYTES,
    TYPED,
    Body,
    DataProduct,
    Datum,
    Kind,
    ListMember,
    Target,
    TargetList,
    TargetReference,
)
from bridge.events import Datums as Columns
from bridge.events.columns import Column
from bridge.tom.port import LocalTarget
from bridge.tom.values import WORDS
from bridge.tomtoolkit import models
from bridge.tomtoolkit.rows.kinds import MODELS
from bridge.tomtoolkit.rows.noted import came, noted_among

DATUMS_AN_EVENT = 2_000
"""Datums of one event at most: what the relay holds in memory, and sends again after a failure, stays small."""
_FEWER = {Kind.SPECTROSCOPY: 1, Kind.REDUCED_DATUM: 200}
"""Of kinds whose datums are large; one spectrum that no event can hold costs no other."""
RECEIVED = "came over the bridge"

Values = Mapping[str, Any]

_COMMON = tuple(Datum.model_fields)


@dataclass(frozen=True, kw_only=True)
class Datums:
    """How datums of one kind are read from one model."""

    kind: Kind
    model: Any
    only: Q
    """Which rows of the model are of this kind."""
    columns: tuple[str, ...]
    datum: Callable[[Values], Any]
    """Makes a row's columns one datum of an event; raises ValidationError, TypeError or ValueError."""
    as_columns: Callable[[Mapping[str, Column]], Sequence[Datum] | None] | None = None
    """Makes columns datums, None where one is wrong; None for rows that are read one by one."""

    @property
    def label(self) -> str:
        """The model's label."""
        return str(self.model._meta.label_lower)

    @property
    def an_event(self) -> int:
        """How many datums go in one event at most."""
        return _FEWER.get(self.kind, DATUMS_AN_EVENT)

    def own(self) -> Any:
        """Return the rows of this kind that did not come over the bridge, nor out of a file that did."""
        return own(self.model.objects.filter(self.only))


def _columns(kind: Kind) -> tuple[str, ...]:
    """Return the columns of a kind's own model beside its further values: they have the names of its datum's fields."""
    datum = WORDS[kind].datum
    return tuple(name for name in datum.model_fields if name != datum.FREE)


def _reader(kind: Kind) -> Callable[[Values], Datum]:
    datum, columns = WORDS[kind].datum, _columns(kind)
    return lambda row: datum(**{datum.FREE: row["value"], **{name: row[name] for name in columns}})


def _columns_reader(kind: Kind) -> Callable[[Mapping[str, Column]], Sequence[Datum] | None]:
    datum, names = WORDS[kind].datum, _columns(kind)

    def read(columns: Mapping[str, Column]) -> Sequence[Datum] | None:
        return Columns.checked(datum, {datum.FREE: columns["value"], **{name: columns[name] for name in names}})

    return read


def _legacy_reader(kind: Kind, data_type: str) -> Callable[[Values], Datum]:
    """Return what reads data as they were kept before 3.1, by TOM Toolkit's own reading of them."""
    datum, columns = WORDS[kind].datum, _columns(kind)

    def read(row: Values) -> Datum:
        given = {name: row[name] for name in _COMMON if row[name] not in ("", None)}
        parsed = try_parse_reduced_datum({"data_type": data_type, "value": dict(row["value"]), **given})
        values = {name: getattr(parsed, name) for name in columns} | given
        return datum(**{datum.FREE: parsed.value, **values})

    return read


def _of(kind: Kind, only: Q) -> Datums:
    return Datums(
        kind=kind,
        model=MODELS[kind],
        only=only,
        columns=("value", *_columns(kind)),
        datum=_reader(kind),
        as_columns=_columns_reader(kind),
    )


def _legacy(kind: Kind, data_type: str) -> Datums:
    return Datums(
        kind=kind,
        model=ReducedDatum,
        only=Q(data_type__iexact=data_type),
        columns=("value", *_COMMON),
        datum=_legacy_reader(kind, data_type),
    )


_TYPED = Q(*((("data_type__iexact", data_type)) for data_type in TYPED), _connector=Q.OR)
DATUMS = (
    *(one for word, kind in TYPED.items() for one in (_of(kind, Q()), _legacy(kind, word))),
    _of(Kind.REDUCED_DATUM, ~_TYPED),
)
"""Every kind of reduced datum that is shared, by the model that it is kept in."""

KINDS = tuple(dict.fromkeys((Kind.TARGET, Kind.LIST, *(one.kind for one in DATUMS), Kind.DATA_PRODUCT)))
"""All kinds that this TOM shares."""


def models_with_rows(target_pk: int) -> frozenset[Any]:
    """Return the models, of datums and data products, that have rows of this target.

    All are asked for at once, in plain SQL: Django takes ten times as long to ask for what is nearly never there.
    """
    every = tuple(dict.fromkeys((*(one.model for one in DATUMS), ProductModel)))
    connection = connections[router.db_for_read(ProductModel)]
    tables = [connection.ops.quote_name(model._meta.db_table) for model in every]
    columns = ", ".join(f"EXISTS (SELECT 1 FROM {table} WHERE target_id = %s)" for table in tables)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns}", [target_pk] * len(every))
        found = cursor.fetchone()
    return frozenset(model for model, there in zip(every, found, strict=True) if there)


def own(rows: Any) -> Any:
    """Return those of ``rows`` (a queryset) that did not come over the bridge, nor out of a file that did."""
    return rows.exclude(came(rows.model))


def received(rows: Any) -> Any:
    """Return those of ``rows`` that :func:`own` leaves out."""
    return rows.filter(came(rows.model))


def own_targets(pks: Iterable[int]) -> set[int]:
    """Return those of these targets that the bridge did not make."""
    wanted = set(pks)
    return wanted - noted_among(DEFAULT_DB_ALIAS, BaseTarget, wanted)


def is_own_list(row: Any) -> bool:
    """Return whether a target list neither belongs to a shared one nor was made by the bridge."""
    made = received(type(row).objects.filter(pk=row.pk))
    return not (made.exists() or models.List.objects.filter(handle__startswith=f"{row.pk}:").exists())


# -- targets ----------------------------------------------------------------------------------------------------------


def target_body(local: LocalTarget) -> Target:
    """Return a target in full: fields, aliases, extras and what the TOM's own target model adds to them.

    Raises InvalidEventError where something of it can't travel.
    """
    fields = {name: value for name, value in local.fields.items() if value is not None}
    try:
        return Target(
            name=local.name,
            aliases=tuple(sorted(local.aliases)),
            type=local.type,
            extras=dict(sorted(local.extras.items())),
            **fields,
        )
    except ValidationError as error:
        raise InvalidEventError(in_words(error), where=f"target {local.name!r}", mend="Correct it in the TOM") from None


def reference(local: LocalTarget) -> TargetReference:
    """Return by what others find this target; a position that can't travel is left out.

    Raises InvalidEventError where a name can't travel.
    """
    try:
        return target_body(local).reference
    except InvalidEventError:
        pass
    try:
        return TargetReference(name=local.name, aliases=local.aliases[:MAX_ALIASES])
    except ValidationError as error:
        raise InvalidEventError(in_words(error), where=f"target {local.name!r}", mend="Correct it in the TOM") from None


def list_body(row: Any, members: Iterable[ListMember]) -> TargetList:
    """Return a target list with these members. Raises InvalidEventError where its name can't travel."""
    try:
        return TargetList(name=row.name, members=tuple(members))
    except ValidationError as error:
        raise InvalidEventError(in_words(error), where=f"list {row.name!r}", mend="Correct it in the TOM") from None


# -- datums -----------------------------------------------------------------------------------------------------------


def datum_bodies(
    datums: Datums, target: TargetReference, columns: Mapping[str, Column], left_out: Counter[str]
) -> Iterator[Body]:
    """Yield bodies of at most :data:`DATUMS_AN_EVENT` of one target's rows, which are given by all their columns.

    Rows of one time that are neighbours stay together where they fit.
    """
    made = _made(datums, columns, left_out)
    body = BODIES[datums.kind]
    for first, end in runs(made, [1] * len(made), datums.an_event):
        yield body.model_validate({"target": target, body.ITEMS: made[first:end]})


def _made(datums: Datums, columns: Mapping[str, Column], left_out: Counter[str]) -> Sequence[Datum]:
    """Return rows as datums: a column at a time, or where something is wrong one by one, to leave that out."""
    if datums.as_columns is not None and (whole := datums.as_columns(columns)) is not None:
        return whole
    made: list[Datum] = []
    for values in zip(*columns.values(), strict=True):
        row = dict(zip(columns, values, strict=True))
        try:
            made.append(datums.datum(row))
        except ValidationError as error:
            left_out[f"{datums.kind}: {in_words(error)}"] += 1
        except Exception as error:  # whatever somebody's value makes of the reading of it
            left_out[f"{datums.kind}: can't be read ({type(error).__name__})"] += 1
    return made


# -- data products ----------------------------------------------------------------------------------------------------


def product_body(row: Any, target: TargetReference, *, process: bool) -> DataProduct:
    """Return a data product with its file. Raises InvalidEventError where it can't travel."""
    name = PurePosixPath(row.data.name or "").name
    where = f"data product {name or row.pk}"
    try:
        size = row.data.size
        with row.data.storage.open(row.data.name, "rb") as file:
            content = file.read(MAX_PRODUCT_BYTES + 1) if size <= MAX_PRODUCT_BYTES else b""
    except Exception as error:  # a storage raises what it likes, Django SuspiciousFileOperation for a file elsewhere
        raise InvalidEventError(f"the file can't be read ({type(error).__name__})", where=where) from error
    if size > MAX_PRODUCT_BYTES:
        raise InvalidEventError(f"has {size} bytes; {MAX_PRODUCT_BYTES} are the most", where=where)
    try:
        return DataProduct.of(
            content,
            target=target,
            product_id=row.product_id or "",
            filename=name,
            data_product_type=row.data_product_type,
            extra_data=row.extra_data,
            process=process,
        )
    except ValidationError as error:
        raise InvalidEventError(in_words(error), where=where, mend="Correct it in the TOM") from None


def in_words(error: ValidationError) -> str:
    """Return the first thing that is wrong, for people."""
    problem = error.errors(include_url=False)[0]
    at = ".".join(str(part) for part in problem["loc"])
    message = str(problem["msg"]).removeprefix("Value error, ")
    return f"{at}: {message}" if at else message
