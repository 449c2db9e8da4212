"""Who may share what, and where: the one place that decides."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings as django_settings
from guardian.shortcuts import get_objects_for_user
from tom_targets.models import Target as TargetModel
from tom_targets.permissions import targets_for_user

from bridge.tomtoolkit import conf
from bridge.tomtoolkit.database import MANY

SHARE = "tom_bridge.share"


def may_share(user: Any, topic: str, target: Any = None) -> bool:
    """Return whether ``user`` may share to ``topic``, and this target where one is given.

    That takes an active account with the permission ``tom_bridge.share``, membership of one of the groups that the
    settings name for the topic (where they name any; a superuser needs none), and the right to change the target.
    """
    return not refusal(user, topic, target)


def refusal(user: Any, topic: str, target: Any = None, *, settings: conf.AppSettings | None = None) -> str:
    """Return why ``user`` may not share to ``topic``, for people; empty where it is allowed: see :func:`may_share`.

    ``settings`` are loaded where they are not at hand.
    """
    published = {one.topic: one.groups for one in (settings or conf.load()).publish.topics}
    if topic not in published:
        return f"the settings name no topic {topic!r} to publish to"
    if not user.is_active:
        return f"the account {user.get_username()!r} is deactivated"
    if not user.has_perm(SHARE):
        return f"{user.get_username()!r} has no permission to share"
    groups = published[topic]
    if groups and not user.is_superuser and not user.groups.filter(name__in=groups).exists():
        return f"{user.get_username()!r} is in none of the groups that may share to {topic!r}"
    if target is not None and not shareable(user, [target.pk]):
        return f"{user.get_username()!r} may not change the target {target.name!r}"
    return ""


def shareable(user: Any, pks: Iterable[int]) -> set[int]:
    """Return which of these targets ``user`` may share: those that TOM Toolkit lets the user change."""
    wanted = sorted(set(pks))
    if user.is_superuser:
        return set(wanted)
    found: set[int] = set()
    for first in range(0, len(wanted), MANY):
        rows = TargetModel.objects.filter(pk__in=wanted[first : first + MANY])
        found |= set(targets_for_user(user, rows, "change_target").values_list("pk", flat=True))
    return found


def visible(user: Any, rows: Any) -> Any:
    """Return those of ``rows`` (a queryset of datums or data products) that ``user`` may see.

    Where ``TARGET_PERMISSIONS_ONLY`` is on, that is what may be seen of the targets.
    """
    if user is None or user.is_superuser or django_settings.TARGET_PERMISSIONS_ONLY:
        return rows
    return get_objects_for_user(user, f"tom_dataproducts.view_{rows.model._meta.model_name}", klass=rows)
