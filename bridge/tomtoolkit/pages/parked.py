"""What is parked: why, and what a person can do about it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from bridge.ledger import port
from bridge.ledger.port import Reason
from bridge.operations import records
from bridge.operations.records import Line
from bridge.tomtoolkit import models
from bridge.tomtoolkit.ledger.rows import to_parked
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.operating.retrying import retry_parked
from bridge.tomtoolkit.pages.page import BridgePage, BridgeView, drop, integers, page_of, settings_or_problem, tell
from bridge.tomtoolkit.pages.telling import Telling
from bridge.tomtoolkit.permissions import Manager, allowed
from bridge.tomtoolkit.receiving.choices import choose, forget

DROPPED_AT_ONCE = 1000
_TO_CHOOSE = (Reason.AMBIGUOUS, Reason.AMBIGUOUS_SPELLING, Reason.POSITION_DISAGREES)


@dataclass(frozen=True)
class Shown:
    """One parked thing as the page shows it."""

    id: int
    line: Line | None
    """None where it is about a target that the visitor may not see."""
    candidates: list[Any] = field(default_factory=list)
    """Targets to choose from, those that the visitor may change."""


class ParkedList(Manager, BridgePage):
    """``/bridge/parked/``: in the order of parking, by reason where one is asked for."""

    template_name = "tom_bridge/parked.html"
    tab = "parked"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return one page of what is parked, and the choices that were made."""
        context = super().get_context_data(**given)
        rows = _rows()
        reason = self.request.GET.get("reason", "")
        if reason:
            rows = rows.filter(reason=reason)
        user, telling = self.request.user, Telling(self.request.user)
        chosen = models.Choice.objects.select_related("target").order_by("name")[:200]
        may_see = allowed(user, [one.target_id for one in chosen])
        reasons = models.Parked.objects.order_by("reason").values_list("reason", flat=True).distinct()
        return context | {
            "page": page_of(rows, self.request.GET.get("page"), lambda row: _shown(to_parked(row), user, telling)),
            "reason": reason,
            "reasons": list(reasons),
            "choices": [one for one in chosen if one.target_id in may_see],
        }


@method_decorator(require_POST, name="dispatch")
class Choose(Manager, BridgeView):
    """Say which target of the TOM is meant; what was parked for the lack of that is tried at once."""

    @staticmethod
    def post(request: HttpRequest, pk: int) -> HttpResponse:
        """Remember the choice, and try again."""
        one = to_parked(get_object_or_404(_rows(), pk=pk))
        if _told(one, Telling(request.user)) is None:
            raise PermissionDenied("It is about a target that you may not see.")
        given = integers([request.POST.get("target", "")])
        targets = allowed(request.user, set(given) & set(_candidate_pks(one)), "change")
        if not targets:
            if given and set(given) <= set(_candidate_pks(one)):
                raise PermissionDenied
            messages.error(request, "Choose one of the targets that are offered.")
            return redirect("tom_bridge:parked")
        (target,) = targets.values()
        choose(_name(one), target.pk, request.user.get_username())
        messages.success(request, f"What is shared as {_name(one)} now goes to {target.name}.")
        return _tried(request, [pk])


@method_decorator(require_POST, name="dispatch")
class Retry(Manager, BridgeView):
    """Try parked things again."""

    @staticmethod
    def post(request: HttpRequest) -> HttpResponse:
        """Try what was ticked, as far as the time of a request goes."""
        return _tried(request, _ids(request))


@method_decorator(require_POST, name="dispatch")
class Drop(Manager, BridgeView):
    """Drop parked things."""

    @staticmethod
    def post(request: HttpRequest) -> HttpResponse:
        """Drop what was ticked, or all of one reason: the bytes go, the outcome becomes *ignored: dropped by command*.

        Of a reason what the person may see, and so much as a request has time for.
        """
        reason = request.POST.get("reason", "")
        ids = list(islice(_seen_of(request, reason), DROPPED_AT_ONCE)) if reason else _ids(request)
        drop(request, lambda: records.drop_parked(DjangoLedger(), port.Filter(), ids) if ids else 0)
        if reason and len(ids) == DROPPED_AT_ONCE:
            messages.info(request, "There may be more: press once more.")
        return redirect("tom_bridge:parked")


@method_decorator(require_POST, name="dispatch")
class Forget(Manager, BridgeView):
    """Take a choice back: what comes from now on is matched by its names again."""

    @staticmethod
    def post(request: HttpRequest, pk: int) -> HttpResponse:
        """Forget the choice; what was applied stays."""
        one = get_object_or_404(models.Choice, pk=pk)
        if not allowed(request.user, [one.target_id], "change"):
            raise PermissionDenied
        forget(one.pk)
        messages.success(request, f"What is shared as {one.name} is matched by its names again.")
        return redirect("tom_bridge:parked")


def _ids(request: HttpRequest) -> list[int]:
    """Return what was ticked; none of it may be about a target that the person may not see."""
    ids, telling = integers(request.POST.getlist("id")), Telling(request.user)
    if any(_told(to_parked(row), telling) is None for row in _rows().filter(pk__in=ids)):
        raise PermissionDenied("It is about a target that you may not see.")
    return ids


def _seen_of(request: HttpRequest, reason: str) -> Iterator[int]:
    """Yield the ids of what is parked for a reason, without what is about a target that the person may not see."""
    telling = Telling(request.user)
    for row in _rows().filter(reason=reason).iterator(chunk_size=DROPPED_AT_ONCE):
        if _told(to_parked(row), telling) is not None:
            yield row.pk


def _rows() -> Any:
    return models.Parked.objects.select_related("entry").prefetch_related("names").order_by("pk")


def _tried(request: HttpRequest, ids: list[int]) -> HttpResponse:
    _, problem = settings_or_problem()
    if problem:
        messages.error(request, f"Nothing was tried: {problem}")
    else:
        tried = retry_parked(ids)
        tell(request, tried.outcomes, tried.left)
    return redirect("tom_bridge:parked")


def _told(one: port.Parked, telling: Telling) -> Line | None:
    told = telling.line(one.entry, one.detail, names={_name(one), *one.names})
    return None if told is None else replace(told, id=one.id, member=one.member, reason=str(one.reason))


def _shown(one: port.Parked, user: Any, telling: Telling) -> Shown:
    pks = _candidate_pks(one)
    told = _told(one, telling)
    if told is None:
        return Shown(one.id, None)
    offered = allowed(user, pks, "change") if pks and one.reason in _TO_CHOOSE else {}
    return Shown(one.id, told, list(offered.values()))


def _candidate_pks(one: port.Parked) -> list[int]:
    candidates = one.detail.get("candidates", [])
    given = candidates if isinstance(candidates, list) else []
    return [each["pk"] for each in given if isinstance(each, dict) and isinstance(each.get("pk"), int)]


def _name(one: port.Parked) -> str:
    """Return the name under which it was shared."""
    return one.member or one.entry.subject
