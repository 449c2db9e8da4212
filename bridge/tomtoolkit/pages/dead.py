"""Dead letters: why they died, what they hold, and trying or dropping them."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from bridge.events import Event, TargetList
from bridge.ledger import port
from bridge.ledger.port import Place
from bridge.operations import records
from bridge.tomtoolkit import models
from bridge.tomtoolkit.ledger.rows import to_dead
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.operating.retrying import retry_dead
from bridge.tomtoolkit.pages.content import content, event_in, printable
from bridge.tomtoolkit.pages.page import BridgePage, BridgeView, drop, integers, page_of, settings_or_problem, tell
from bridge.tomtoolkit.pages.telling import Telling
from bridge.tomtoolkit.permissions import Manager

_MOST_HEADERS = 50


class DeadList(Manager, BridgePage):
    """``/bridge/dead/``: the dead letters, the newest first."""

    template_name = "tom_bridge/dead.html"
    tab = "dead"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return one page of dead letters."""
        context = super().get_context_data(**given)
        rows = models.Dead.objects.select_related("entry").order_by("-pk")
        letters = _Letters(self.request.user)
        page = page_of(rows, self.request.GET.get("page"), lambda row: letters.line(to_dead(row)))
        wishes = models.RetryRequest.objects.filter(dead__in=[one.id for one in page if one is not None])
        return context | {"page": page, "requested": {wish.dead: wish for wish in wishes}}


class DeadLetter(Manager, BridgePage):
    """One dead letter with what it holds."""

    template_name = "tom_bridge/dead_letter.html"
    tab = "dead"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return the letter, its headers as text and its content."""
        context = super().get_context_data(**given)
        pk = self.kwargs["pk"]
        letter, letters = DjangoLedger().dead_letter(pk), _Letters(self.request.user)
        kept = letters.kept(letter) if letter is not None else None
        if letter is None or kept is None:
            raise Http404("There is no such dead letter (any more).")
        record, event = kept.record, letters.event(letter)
        told = letters.line(letter)
        if told is None:
            raise PermissionDenied("It is about a target that you may not see.")
        return context | {
            "line": told,
            "headers": [(name, printable(value)) for name, value in record.headers[:_MOST_HEADERS]],
            "content": content(record, event),
            "wish": models.RetryRequest.objects.filter(dead=pk).first(),
        }


@method_decorator(require_POST, name="dispatch")
class Retry(Manager, BridgeView):
    """Try dead letters again."""

    @staticmethod
    def post(request: HttpRequest) -> HttpResponse:
        """Try what was ticked as far as the time of a request goes; the daemon does the rest."""
        ids = _ids(request)
        _, problem = settings_or_problem()
        if problem:
            messages.error(request, f"Nothing was tried: {problem}")
        elif ids:
            tried = retry_dead(ids, request.user.get_username())
            tell(request, tried.outcomes, tried.left)
        return redirect("tom_bridge:dead")


@method_decorator(require_POST, name="dispatch")
class Drop(Manager, BridgeView):
    """Drop dead letters."""

    @staticmethod
    def post(request: HttpRequest) -> HttpResponse:
        """Drop what was ticked: the bytes go, the outcome becomes *ignored: dropped by command*."""
        ids = _ids(request)
        drop(request, lambda: records.drop_dead(DjangoLedger(), ids))
        return redirect("tom_bridge:dead")


def _ids(request: HttpRequest) -> list[int]:
    """Return the ticked dead letters; none may be about a target that the person may not see."""
    ids = integers(request.POST.getlist("id"))
    letters = _Letters(request.user)
    rows = models.Dead.objects.filter(pk__in=ids).select_related("entry")
    if any(letters.line(to_dead(row)) is None for row in rows):
        raise PermissionDenied
    return ids


class _Letters:
    """Dead letters as ``user`` may know of them. For one page: a record is read once, however many members are dead."""

    def __init__(self, user: Any) -> None:
        self._telling = Telling(user)
        self._kept: dict[Place, port.Kept | None] = {}
        self._events: dict[Place, Event | None] = {}

    def line(self, one: port.Dead) -> records.Line | None:
        """Return a letter as a line; None where it is about a target that the person may not see."""
        event = self.event(one)
        unread = () if one.entry.is_unread else None  # what never could be read tells no name
        names = unread if event is None else event.names
        told = self._telling.line(one.entry, one.detail or None, names=names)
        return None if told is None else replace(told, id=one.id, member=one.member, reason=str(one.reason))

    def event(self, one: port.Dead) -> Event | None:
        """Return the event that a letter holds, of a list the one member that is dead; None where it can't be read."""
        place = one.entry.place
        if place not in self._events:
            kept = self.kept(one)
            self._events[place] = event_in(kept.record, place.number) if kept is not None else None
        event = self._events[place]
        if event is None or not one.member or not isinstance(event.body, TargetList):
            return event
        members = tuple(member for member in event.body.members if member.reference.name == one.member)
        return event.model_copy(update={"body": event.body.model_copy(update={"members": members})})

    def kept(self, one: port.Dead) -> port.Kept | None:
        """Return what is kept of a letter's record."""
        place = one.entry.place
        if place not in self._kept:
            self._kept[place] = DjangoLedger().raw([place]).get(place)
        return self._kept[place]
