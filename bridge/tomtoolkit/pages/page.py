"""What all pages of the bridge have in common."""

from collections.abc import Callable, Sequence
from typing import Any

import structlog
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.generic import TemplateView, View

from bridge.errors import AwayError, BridgeError, ConfigurationError, StopError
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.database import translating
from bridge.tomtoolkit.models import Dead, Parked
from bridge.tomtoolkit.operating import health
from bridge.tomtoolkit.permissions import may_manage

log = structlog.get_logger(__name__)

PER_PAGE = 25
_UNAVAILABLE = 503


class BridgeView(View):
    """A view that says what is wrong where the bridge can't work now, instead of failing.

    A ``fragment`` is a part of a page that is loaded by itself.
    """

    fragment = False

    @classmethod
    def as_view(cls, **given: Any) -> Any:
        """Return the view; its transactions are its own, also where ``ATOMIC_REQUESTS`` is on."""
        return transaction.non_atomic_requests(super().as_view(**given))

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Answer, or say that the database is away or that a person has to do something."""
        try:
            with translating():
                response = super().dispatch(request, *args, **kwargs)
                # A template asks the database too.
                return response.render() if hasattr(response, "render") else response
        except (AwayError, StopError) as error:
            log.warning("page.unavailable", path=request.path, message=str(error))
            return self._unavailable(request, error)

    def _unavailable(self, request: HttpRequest, error: BridgeError) -> HttpResponse:
        context = {"unavailable": str(error) if may_manage(request.user) else "", "tab": getattr(self, "tab", "")}
        if self.fragment:  # htmx shows nothing of an answer that is an error
            return render(request, "tom_bridge/partials/unavailable.html", context)
        try:
            return render(request, "tom_bridge/unavailable.html", context, status=_UNAVAILABLE)
        except DatabaseError:  # so it is all of the TOM that has no database
            told_plainly = context["unavailable"] or "The bridge can't be used now."
            return HttpResponse(told_plainly, content_type="text/plain; charset=utf-8", status=_UNAVAILABLE)


class BridgePage(BridgeView, TemplateView):
    """One page under "Bridge", with the tabs; ``tab`` is the name of its own."""

    tab = ""

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return what every page shows: the tabs with their numbers, for those who may manage."""
        context = super().get_context_data(**given)
        manages = may_manage(self.request.user)
        context |= {"tab": self.tab, "manages": manages}
        if manages:
            context |= {
                "parked_count": Parked.objects.count(),
                "dead_count": Dead.objects.count(),
                "unclear_count": health.unclear(),
            }
        return context


def settings_or_problem() -> tuple[conf.AppSettings | None, str]:
    """Return the settings, or what is wrong with them."""
    try:
        return conf.load(), ""
    except ConfigurationError as error:
        return None, str(error)


def page_of(rows: Any, number: str | None, convert: Callable[[Any], Any], per_page: int = PER_PAGE) -> Any:
    """Return one page of ``rows``, each converted; a wrong ``number`` gives the first or last page."""
    page = Paginator(rows, per_page).get_page(number)
    page.object_list = [convert(row) for row in page.object_list]
    return page


def integers(texts: Sequence[str]) -> list[int]:
    """Return the numbers among ``texts``, which come from a form."""
    return [int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19]


def drop(request: HttpRequest, dropping: Callable[[], int]) -> None:
    """Drop what a person ticked, and say how many that were, or why nothing was."""
    try:
        dropped = dropping()
    except BridgeError as error:
        messages.error(request, f"Nothing was dropped: {error}")
    else:
        messages.success(request, f"{dropped} dropped.")


def tell(request: HttpRequest, outcomes: dict[str, int], left: int) -> None:
    """Say what became of what was tried again."""
    said = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items()))
    level = messages.WARNING if set(outcomes) & {"parked", "dead"} else messages.SUCCESS
    if said:
        messages.add_message(request, level, f"Tried again: {said}.")
    if left:
        messages.info(request, f"{left} left to the bridge's daemon, which does it soon.")
    if not said and not left:
        messages.info(request, "There was nothing to try: it is gone, or it still waits behind an earlier event.")
