"""Rows of targets as the bridge knows targets, with what a TOM's own target model adds."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from tom_targets.base_models import BaseTarget
from tom_targets.models import Target as TargetModel

from bridge.events import COORDINATE_FIELDS, TargetType
from bridge.tom.port import LocalTarget


def as_local(row: Any) -> LocalTarget:
    """Return a target row, with its aliases and extras at hand, as the bridge knows targets."""
    own = {name: getattr(row, name) for name in own_fields()}
    extras = {extra.key: extra.value for extra in row.targetextra_set.all()}
    return LocalTarget(
        pk=row.pk,
        name=row.name,
        aliases=tuple(alias.name for alias in row.aliases.all()),
        type=TargetType.SIDEREAL if row.type == TargetModel.SIDEREAL else TargetType.NON_SIDEREAL,
        fields={name: getattr(row, name) for name in COORDINATE_FIELDS},
        extras=extras | {name: str(value) for name, value in own.items() if value not in (None, "")},
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
