"""Targets and lists that share themselves: how it goes, the off switch, the expiry."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST
from tom_dataproducts.models import DataProduct

from bridge.tomtoolkit import models, permissions
from bridge.tomtoolkit.pages.page import BridgePage, BridgeView, page_of, settings_or_problem
from bridge.tomtoolkit.pages.starting import Subject, end_of
from bridge.tomtoolkit.pages.unprocessed import warnings
from bridge.tomtoolkit.permissions import may_share, shareable

_SHOWN_LEFT_OUT = 3
_MOST_LEFT_OUT = 50
_SHOWN_UNPROCESSED = 3


class ChangeForm(forms.Form):
    """What may be changed: on or off, and until when."""

    action = forms.ChoiceField(choices=[(one, one) for one in ("off", "on", "expiry")])
    expires = forms.DateField(required=False)


class SelfShares(permissions.Visitor, BridgePage):
    """``/bridge/self-sharing/``: those of targets and lists that the visitor may see."""

    template_name = "tom_bridge/self_shares.html"
    tab = "self-shares"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return one page of self-shares, each with whether the visitor may change it."""
        context = super().get_context_data(**given)
        page = page_of(_visible(self.request.user), self.request.GET.get("page"), lambda row: row)
        now = timezone.now()
        for one in page:
            one.expired = one.expires is not None and one.expires <= now
            one.changeable = _may_change(self.request.user, one)
            one.leaves_out, one.leaves_out_hidden = _left_out(self.request.user, one)
            told = warnings(self.request.user, _subject(one), one.kinds)  # of those that are off too: before it goes on
            one.unprocessed, one.unprocessed_more = told[:_SHOWN_UNPROCESSED], len(told[_SHOWN_UNPROCESSED:])
        return context | {"page": page, "now": now}


@method_decorator(require_POST, name="dispatch")
class Change(permissions.Visitor, BridgeView):
    """Switch a self-share off or on, or set its expiry."""

    @staticmethod
    def post(request: HttpRequest, pk: int) -> HttpResponse:
        """Change what was asked for. Who switches it on is the one whose permission it needs from then on."""
        one = get_object_or_404(_visible(request.user), pk=pk)
        if not _may_change(request.user, one):
            raise PermissionDenied("You may not change this.")
        form = ChangeForm(request.POST)
        if not form.is_valid():
            messages.error(request, "Nothing was changed: write the day as 2026-01-31.")
            return redirect("tom_bridge:self-shares")
        action = form.cleaned_data["action"]
        if action == "on" and not _may_share(request.user, one):
            raise PermissionDenied("You may not share this to that topic.")
        if action == "expiry":
            one.expires = end_of(form.cleaned_data["expires"])
        elif action == "off":
            one.active = False
        elif not one.active:  # one that is on stays with the person who let it share
            one.active, one.created_by = True, request.user
        one.save(update_fields=["active", "expires", "created_by"])
        told = {"on": "shares itself again", "off": "shares itself no longer", "expiry": "has a new expiry"}[action]
        messages.success(request, f"{one.target or one.target_list} {told}.")
        return redirect("tom_bridge:self-shares")


def _subject(one: models.SelfShare) -> Subject:
    return {"target_id": one.target_id} if one.target_list_id is None else {"target_list_id": one.target_list_id}


def _visible(user: Any) -> Any:
    rows = models.SelfShare.objects.select_related("target", "target_list", "created_by").order_by("-created")
    if user.is_superuser:
        return rows
    targets = permissions.targets(user).values("pk")
    return rows.filter(Q(target__in=targets) | Q(target_list__in=permissions.lists(user).values("pk")))


def _left_out(user: Any, one: models.SelfShare) -> tuple[list[models.LeftOut], int]:
    """Return some of what could not be shared, as far as ``user`` may see it, and how much there is besides."""
    rows = list(one.left_out.select_related("target").order_by("-since")[:_MOST_LEFT_OUT])
    seen = permissions.allowed(user, {row.target_id for row in rows if row.target_id is not None})
    products = DataProduct.objects.filter(pk__in=[row.product_id for row in rows if row.product_id is not None])
    seen_products = set(permissions.visible(user, products).values_list("pk", flat=True))
    shown = [
        row
        for row in rows
        if (row.target_id is None or row.target_id in seen)
        and (row.product_id is None or row.product_id in seen_products)
    ]
    return shown[:_SHOWN_LEFT_OUT], one.left_out.count() - min(len(shown), _SHOWN_LEFT_OUT)


def _may_change(user: Any, one: models.SelfShare) -> bool:
    """Return whether ``user`` may switch it: who made it, who manages the bridge, and who might have made it."""
    return one.created_by_id == user.pk or permissions.may_manage(user) or _may_share(user, one)


def _may_share(user: Any, one: models.SelfShare) -> bool:
    settings, _ = settings_or_problem()
    if settings is None or not may_share(user, one.topic):
        return False
    return one.target_id is None or bool(shareable(user, [one.target_id]))
