"""Who sees what arrives: the groups that the settings name for its topic, with TOM Toolkit's own permissions."""

from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth.models import Group, Permission
from guardian.ctypes import get_content_type
from guardian.shortcuts import assign_perm
from guardian.utils import get_group_obj_perms_model
from tom_targets.base_models import BaseTarget, get_target_model_app_label

from bridge.tomtoolkit.database import MANY, chunks, insert

log = structlog.get_logger(__name__)

_RIGHTS = ("view", "change", "delete")


class Visibility:
    """Shows what arrives to groups; ``groups`` are the names of those of each topic."""

    def __init__(self, groups: Mapping[str, Sequence[str]]) -> None:
        self._groups = groups

    def groups_of(self, topic: str) -> list[Any]:
        """Return the groups that see what arrives on ``topic``; one that was removed meanwhile is told in the log."""
        names = self._groups.get(topic, ())
        if not names:
            return []
        found = list(Group.objects.filter(name__in=names))
        if missing := set(names) - {group.name for group in found}:
            log.warning("groups.missing", topic=topic, groups=sorted(missing))
        return found

    def show_targets(self, targets: Sequence[Any], topic: str) -> None:
        """Let the groups view, change and delete targets, as TOM Toolkit does when it makes them for a group.

        In bulk, unless the TOM's own target model gives access in a way of its own.
        """
        if not targets:
            return
        for group in self.groups_of(topic):
            if type(targets[0]).give_user_access is not BaseTarget.give_user_access:
                for target in targets:
                    target.give_user_access(group)
                continue
            for right in _RIGHTS:
                _assign(f"{get_target_model_app_label()}.{right}_target", group, targets)

    def show_list(self, target_list: Any, topic: str) -> None:
        """Let the groups view, change and delete a target list."""
        for group in self.groups_of(topic):
            for right in _RIGHTS:
                assign_perm(f"tom_targets.{right}_targetlist", group, target_list)

    def show_product(self, product: Any, topic: str) -> None:
        """Let the groups view and delete a data product, where products have permissions of their own."""
        if settings.TARGET_PERMISSIONS_ONLY:
            return
        for group in self.groups_of(topic):
            assign_perm("tom_dataproducts.view_dataproduct", group, product)
            assign_perm("tom_dataproducts.delete_dataproduct", group, product)

    def show_datums(self, model: Any, keys: Sequence[int], topic: str) -> None:
        """Let the groups view datums of one model, where datums have permissions of their own."""
        if settings.TARGET_PERMISSIONS_ONLY or not keys:
            return
        right = f"view_{model._meta.model_name}"
        for group in self.groups_of(topic):
            held = get_group_obj_perms_model(model)
            if held.objects.is_generic():
                _give(held, model, right, group, keys)
            else:  # the TOM has a table of its own for permissions on this model
                _assign(f"tom_dataproducts.{right}", group, [model(pk=key) for key in keys])


def _give(held: Any, model: Any, right: str, group: Any, keys: Sequence[int]) -> None:
    """Write what guardian's ``assign_perm`` writes for many rows, as columns; those that have it keep it."""
    content_type = get_content_type(model)
    permission = Permission.objects.get(content_type=content_type, codename=right)
    of_group = held.objects.filter(permission=permission, group=group, content_type=content_type)
    names = [str(key) for key in keys]
    have = {
        name
        for some in chunks(names)
        for name in of_group.filter(object_pk__in=some).values_list("object_pk", flat=True)
    }
    new = [name for name in names if name not in have]
    if new:
        same = {"permission_id": permission.pk, "content_type_id": content_type.pk, "group_id": group.pk}
        columns = {name: [value] * len(new) for name, value in same.items()}
        insert(held.objects.db, held, {**columns, "object_pk": new})


def _assign(right: str, group: Any, rows: Sequence[Any]) -> None:
    """Give a right to many rows; those that have it keep it."""
    for first in range(0, len(rows), MANY):
        assign_perm(right, group, list(rows[first : first + MANY]))
