"""Rows of targets as the bridge knows targets, with what a TOM's own target model adds."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import BooleanField, Manager, TextField
from django.db.models.expressions import RawSQL
from tom_targets.base_models import BaseTarget
from tom_targets.models import Target as TargetModel
from tom_targets.models import TargetExtra, TargetName

from bridge.events import COORDINATE_FIELDS, TargetType
from bridge.tom.port import LocalTarget
from bridge.tomtoolkit.database import Question, among
from bridge.tomtoolkit.models import Choice

# All SQL below is put together from Django's own names of tables; values go in as parameters.
# ruff: noqa: S608, S611


def as_local(row: Any) -> LocalTarget:
    """Return a target row, with its aliases and extras at hand, as the bridge knows targets."""
    return _local(
        {name: getattr(row, name) for name in _columns()},
        [alias.name for alias in row.aliases.all()],
        {extra.key: extra.value for extra in row.targetextra_set.all()},
    )


def local_targets(using: str, pks: Collection[int]) -> dict[int, LocalTarget]:
    """Return these targets by primary key, as far as they are there."""
    if not pks:
        return {}
    return {pk: one.target for pk, one in targets_with_keys(using, *with_keys(using, pks)).items()}


def with_keys(using: str, pks: Collection[int]) -> tuple[str, list[object]]:
    """Return SQL for these primary keys of targets, as far as they are there, and its values."""
    one_of, value = among(using, pks)
    return f"SELECT id FROM {BaseTarget._meta.db_table} WHERE id {one_of}", [value]


class Found(NamedTuple):
    """A target that was asked for."""

    target: LocalTarget
    chosen_for: Mapping[str, str]
    """The names of which a person said that they mean it, by their spelling (:func:`bridge.names.spelling`)."""


def targets_with_keys(using: str, query: str, values: Sequence[object]) -> dict[int, Found]:
    """Return the targets whose primary keys a ``query`` (SQL, with its ``values``) gives, by these.

    As :func:`as_local` has them, without an instance of a model, and by one statement: they are asked for with every
    event.
    """
    is_asked_alike = type(TargetModel.objects).get_queryset is Manager.get_queryset
    question = (_known_question if is_asked_alike else _question)(using, connections[using].vendor, query, len(values))
    rest = iter(values)
    columns = question.columns([next(rest) if one is _GIVEN else one for one in question.values])
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return {
        row["pk"]: Found(_local(row, _read(row[_ALIASES]), dict(_read(row[_EXTRAS]))), dict(_read(row[_CHOICES])))
        for row in rows
    }


_GIVEN = object()
"""Stands for a value that is given each time."""
_ALIASES, _EXTRAS, _CHOICES = "tom_bridge_aliases", "tom_bridge_extras", "tom_bridge_choices"
_AS_JSON = {"sqlite": ("json_group_array({})", "json_array"), "postgresql": ("json_agg({})::text", "json_build_array")}


def _question(using: str, vendor: str, query: str, values: int) -> Question:
    """Return how targets are asked for, with what belongs to them as JSON.

    By the TOM's own manager, which may hide some. PostgreSQL, which can't know how many keys a query gives, is told to
    find them first.
    """
    every, pair = _AS_JSON[vendor]
    among_them = f"= ANY(ARRAY({query}))" if vendor == "postgresql" else f"IN ({query})"
    key = f"{BaseTarget._meta.db_table}.id"
    columns = {
        _ALIASES: (TargetName, "name"),
        _EXTRAS: (TargetExtra, f"{pair}(key, value)"),
        _CHOICES: (Choice, f"{pair}(simple, name)"),
    }
    rows = TargetModel.objects.using(using).annotate(
        **{
            name: RawSQL(
                f"SELECT {every.format(what)} FROM {model._meta.db_table} WHERE target_id = {key}",
                [],
                output_field=TextField(),
            )
            for name, (model, what) in columns.items()
        }
    )
    wanted = RawSQL(f"{key} {among_them}", [_GIVEN] * values, output_field=BooleanField())
    return Question(rows.filter(wanted), (*_columns(), *columns))


_known_question = lru_cache(_question)


def _read(text: str | None) -> list[Any]:
    return json.loads(text) if text and text != "[]" else []


def _local(columns: Mapping[str, Any], aliases: Iterable[str], extras: Mapping[str, str]) -> LocalTarget:
    own = {name: str(value) for name in own_fields() if (value := columns[name]) not in (None, "")}
    return LocalTarget(
        pk=columns["pk"],
        name=columns["name"],
        aliases=tuple(aliases),
        type=TargetType.SIDEREAL if columns["type"] == TargetModel.SIDEREAL else TargetType.NON_SIDEREAL,
        fields={name: columns[name] for name in COORDINATE_FIELDS},
        extras={**extras, **own},
    )


def _columns() -> tuple[str, ...]:
    return ("pk", "name", "type", *COORDINATE_FIELDS, *own_fields())


@cache
def own_fields() -> Mapping[str, Any]:
    """Return the fields that a TOM's own target model adds to TOM Toolkit's: they travel as target extras."""
    base = {field.name for field in BaseTarget._meta.get_fields()}
    return {
        field.name: field
        for field in TargetModel._meta.get_fields()
        if field.concrete and not field.is_relation and field.editable and field.name not in base
    }
