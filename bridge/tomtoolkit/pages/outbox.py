"""What goes no further by itself on its way out: refused, or sent without anybody knowing whether it was taken."""

import json
from collections.abc import Callable, Collection
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from bridge.errors import InvalidEventError
from bridge.events import Event
from bridge.hermes.composing import Outgoing
from bridge.operations.outbox import Decided, are_there, send_again
from bridge.publishing.packing import HERMES
from bridge.tomtoolkit.models import OutboxEvent
from bridge.tomtoolkit.pages.page import BridgePage, BridgeView, integers, page_of
from bridge.tomtoolkit.permissions import Hidden, Manager
from bridge.tomtoolkit.sharing.outbox import DjangoOutbox, stuck_rows

_STATE = OutboxEvent.State


class Outbox(Manager, BridgePage):
    """``/bridge/outbox/``: refused and unclear rows, the newest first."""

    template_name = "tom_bridge/outbox.html"
    tab = "outbox"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return one page of them."""
        context = super().get_context_data(**given)
        rows = stuck_rows().select_related("share")
        hidden = Hidden(self.request.user)
        page = page_of(rows, self.request.GET.get("page"), lambda row: None if hidden(_names(row)) else row)
        return context | {"page": page}


@method_decorator(require_POST, name="dispatch")
class Again(Manager, BridgeView):
    """Send rows again."""

    @staticmethod
    def post(request: HttpRequest) -> HttpResponse:
        """Queue what was ticked."""
        return _decide(request, send_again, "queued again")


@method_decorator(require_POST, name="dispatch")
class There(Manager, BridgeView):
    """Say that what is unclear has arrived."""

    @staticmethod
    def post(request: HttpRequest) -> HttpResponse:
        """Note what was ticked as sent."""
        return _decide(request, are_there, "noted as sent")


def _decide(
    request: HttpRequest, decide: Callable[[DjangoOutbox, Collection[int]], Decided], word: str
) -> HttpResponse:
    ids = integers(request.POST.getlist("id"))
    hidden = Hidden(request.user)
    if any(hidden(_names(row)) for row in stuck_rows().filter(pk__in=ids)):
        raise PermissionDenied
    decided = decide(DjangoOutbox(), ids)
    if decided.done:
        messages.success(request, f"{len(decided.done)} {word}.")
    if decided.left:
        messages.info(request, f"Of {len(decided.left)} there is nothing to decide (any more).")
    return redirect("tom_bridge:outbox")


def _names(row: OutboxEvent) -> Collection[str]:
    """Return the names of all that a row is about."""
    payload = bytes(row.payload or b"")
    if not payload:
        return [row.subject]
    if row.format == HERMES:
        told = json.loads(Outgoing.of_stored(payload, b"").value)
        return [row.subject, *(one["name"] for one in told["data"]["targets"])]
    try:
        return Event.checked(payload).names
    except InvalidEventError:  # of a release before
        return [row.subject]
