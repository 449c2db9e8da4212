"""Who may see and do what on the pages: TOM Toolkit's own permissions, and two of the bridge.

``tom_bridge.share`` lets a person share; ``tom_bridge.manage`` (staff need not be given it) lets a person decide about
what is parked or dead. Nobody is shown anything of a target that they may not see.
"""

from collections.abc import Iterable
from typing import Any

from django.contrib.auth.mixins import LoginRequiredMixin, UserPassesTestMixin
from django.db import DEFAULT_DB_ALIAS
from tom_targets.models import Target
from tom_targets.permissions import targets_for_user

from bridge.tomtoolkit.names import Names


def may_manage(user: Any) -> bool:
    """Return whether ``user`` may decide about what is parked or dead."""
    return bool(user.is_active and (user.is_staff or user.has_perm("tom_bridge.manage")))


def targets(user: Any, right: str = "view") -> Any:
    """Return the targets that ``user`` may ``view`` or ``change``, of the TOM's own target model."""
    return targets_for_user(user, Target.objects.all(), f"{right}_target")


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
        """Return whether any of these targets is one that the user may not see."""
        wanted = set(pks)
        there = Target.objects.filter(pk__in=wanted).count() if wanted and not self._user.is_superuser else 0
        return there > len(allowed(self._user, wanted)) if there else False

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
