"""What this TOM had otherwise than it was shared, when that came: nothing was overwritten, a person decides."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Q
from django.utils import timezone

from bridge.events import Kind
from bridge.operations.records import Line
from bridge.tomtoolkit import models
from bridge.tomtoolkit.ledger.rows import to_entry
from bridge.tomtoolkit.pages.page import BridgePage, page_of
from bridge.tomtoolkit.pages.telling import Telling, targets_in
from bridge.tomtoolkit.permissions import Visitor, allowed

PERIODS = {"30": "a month", "365": "a year", "3650": "ten years"}


@dataclass(frozen=True)
class Difference:
    """One event of which something differs; ``line`` is None where its target may not be seen."""

    line: Line | None
    target: Any = None
    fields: tuple[Mapping[str, Any], ...] = ()
    """``field``, ``theirs`` and ``ours`` of each; ours as it was when the event was recorded."""
    datums: tuple[Mapping[str, Any], ...] = ()
    """Points of which this TOM had another value at the same time."""


class Differences(Visitor, BridgePage):
    """``/bridge/differences/``: the newest first."""

    template_name = "tom_bridge/differences.html"
    tab = "differences"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return one page of differences of the chosen period."""
        context = super().get_context_data(**given)
        chosen = self.request.GET.get("days", "")
        days = chosen if chosen in PERIODS else "30"
        rows = models.Entry.objects.filter(
            Q(detail__contains='"differs"') | Q(detail__contains='"conflicting"'),
            outcome="applied",
            published_at__gte=timezone.now() - timedelta(days=int(days)),
        ).order_by("-published_at", "-pk")
        user, telling = self.request.user, Telling(self.request.user)
        page = page_of(rows, self.request.GET.get("page"), lambda row: _difference(row, user, telling))
        return context | {"page": page, "days": days, "periods": PERIODS}


def _difference(row: models.Entry, user: Any, telling: Telling) -> Difference:
    told = telling.line(to_entry(row), names=())  # it was applied: its detail says to which target
    pks = targets_in(told.detail) if told is not None else set()
    # A list's differences are of its members, which need not be seen by all who see the list.
    if told is None or (not user.is_superuser and (told.kind == Kind.LIST or not pks)):
        return Difference(None)
    target = next(iter(allowed(user, pks).values()), None)
    return Difference(told, target, _maps(told, "differs"), _maps(told, "conflicting"))


def _maps(told: Line, name: str) -> tuple[Mapping[str, Any], ...]:
    given = told.detail.get(name, ())
    return tuple(one for one in given if isinstance(one, Mapping)) if isinstance(given, list | tuple) else ()
