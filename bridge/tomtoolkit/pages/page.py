"""What all pages of the bridge have in common."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.generic import TemplateView

from bridge.errors import ConfigurationError
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.models import Dead, Parked
from bridge.tomtoolkit.permissions import may_manage

PER_PAGE = 25


@method_decorator(transaction.non_atomic_requests, name="dispatch")
class BridgePage(TemplateView):
    """One page under "Bridge", with the tabs; ``tab`` is the name of its own."""

    tab = ""

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return what every page shows: the tabs with their numbers, for those who may manage."""
        context = super().get_context_data(**given)
        manages = may_manage(self.request.user)
        context |= {"tab": self.tab, "manages": manages}
        if manages:
            context |= {"parked_count": Parked.objects.count(), "dead_count": Dead.objects.count()}
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
