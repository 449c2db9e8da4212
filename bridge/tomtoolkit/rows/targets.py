"""Rows of targets as the bridge knows targets, with what a TOM's own target model adds."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from typing import Any

from django.db import connections
from django.db.models.expressions import RawSQL
from tom_targets.base_models import BaseTarget
from tom_targets.models import Target as TargetModel
from tom_targets.models import TargetExtra, TargetName

from bridge.events import COORDINATE_FIELDS, TargetType
from bridge.tom.port import LocalTarget
from bridge.tomtoolkit.database import among

# All SQL below is put together from Django's own names of tables; values go in as parameters.
# ruff: noqa: S608, S611


def as_local(row: Any) -> LocalTarget:
    """Return a target row, with its aliases and extras at hand, as the bridge knows targets."""
    return _local(
        {name: getattr(row, name) for name in ("pk", "name", "type", *COORDINATE_FIELDS, *own_fields())},
        [alias.name for alias in row.aliases.all()],
        {extra.key: extra.value for extra in row.targetextra_set.all()},
    )


def local_targets(using: str, pks: Collection[int]) -> dict[int, LocalTarget]:
    """Return these targets by primary key, as far as they are there.

    As :func:`as_local` has them, without an instance of a model: one is looked up with every event.
    """
    if not pks:
        return {}
    columns = ("pk", "name", "type", *COORDINATE_FIELDS, *own_fields())
    one_of, value = among(using, sorted(pks))
    rows = TargetModel.objects.using(using).filter(
        pk__in=RawSQL(f"SELECT id FROM {BaseTarget._meta.db_table} WHERE id {one_of}", [value])
    )
    aliases: dict[int, list[str]] = defaultdict(list)
    extras: dict[int, dict[str, str]] = defaultdict(dict)
    with connections[using].cursor() as cursor:
        cursor.execute(
            f"SELECT target_id, name, NULL FROM {TargetName._meta.db_table} WHERE target_id {one_of} UNION ALL"
            f" SELECT target_id, value, key FROM {TargetExtra._meta.db_table} WHERE target_id {one_of}",
            [value, value],
        )
        for pk, text, key in cursor.fetchall():
            if key is None:
                aliases[pk].append(text)
            else:
                extras[pk][key] = text
    found = (dict(zip(columns, row, strict=True)) for row in rows.values_list(*columns))
    return {one["pk"]: _local(one, aliases[one["pk"]], extras[one["pk"]]) for one in found}


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


@cache
def own_fields() -> Mapping[str, Any]:
    """Return the fields that a TOM's own target model adds to TOM Toolkit's: they travel as target extras."""
    base = {field.name for field in BaseTarget._meta.get_fields()}
    return {
        field.name: field
        for field in TargetModel._meta.get_fields()
        if field.concrete and not field.is_relation and field.editable and field.name not in base
    }
