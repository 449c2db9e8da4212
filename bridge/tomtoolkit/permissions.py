"""Who may share what and where, who may manage, and who sees what: the one place that decides.

TOM Toolkit's own permissions hold, and two of the bridge: ``tom_bridge.share`` lets a person share,
``tom_bridge.manage`` (staff need not be given it) lets a person decide about what is parked or dead. Nobody is shown
anything of a target that they may not see.
"""

from collections.abc import Iterable
from typing import Any

from django.conf import settings as django_settings
from django.contrib.auth.mixins import LoginRequiredMixin, UserPassesTestMixin
from django.db import DEFAULT_DB_ALIAS
from guardian.shortcuts import get_objects_for_user
from tom_targets.models import Target as TargetModel
from tom_targets.permissions import targets_for_user

from bridge.tomtoolkit import conf
from bridge.tomtoolkit.database import MANY
from bridge.tomtoolkit.rows.names import Names

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


def lists(user: Any) -> Any:
    """Return the target lists that ``user`` may see, by TOM Toolkit's own rule."""
    return get_objects_for_user(user, "tom_targets.view_targetlist").order_by("name", "pk")


def may_manage(user: Any) -> bool:
    """Return whether ``user`` may decide about what is parked or dead."""
    return bool(user.is_active and (user.is_staff or user.has_perm("tom_bridge.manage")))


def targets(user: Any, right: str = "view") -> Any:
    """Return the targets that ``user`` may ``view`` or ``change``, of the TOM's own target model."""
    return targets_for_user(user, TargetModel.objects.all(), f"{right}_target")


def allowed(user: Any, pks: Iterable[int], right: str = "view") -> dict[int, Any]:
    """Return those of the targets ``pks`` that ``user`` may ``view`` or ``change``, by primary key."""
    return {target.pk: target for target in targets(user, right).filter(pk__in=list(pks))}


class Hidden:
    """Tells which names belong to targets that ``user`` may not see. For one page: it remembers."""

    def __init__(self, user: Any) -> None:
        self._user = user
        self._names = Names(DEFAULT_DB_ALIAS)
        self._known: dict[str, bool] = {}

    def __call__(self, names: Iterable[str]) -> bool:
        """Return whether any of ``names`` is that of a target which the user may not see."""
        return not self._user.is_superuser and any(self._hidden(name) for name in names if name)

    def targets(self, pks: Iterable[int]) -> bool:
        """Return whether any of these targets is one that the user may not see, or that is gone."""
        wanted = set(pks)
        return not self._user.is_superuser and bool(wanted) and len(allowed(self._user, wanted)) < len(wanted)

    def _hidden(self, name: str) -> bool:
        if name not in self._known:
            pks = self._names.find([name])
            self._known[name] = bool(pks) and len(allowed(self._user, pks)) < len(pks)
        return self._known[name]


class Visitor(LoginRequiredMixin):
    """A page for everybody who is logged in; others are sent to log in."""


class Manager(LoginRequiredMixin, UserPassesTestMixin):
    """A page for those who may decide about what is parked or dead."""

    request: Any

    def test_func(self) -> bool:
        """Return whether the page is shown."""
        return may_manage(self.request.user)
