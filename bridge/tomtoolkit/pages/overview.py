"""The bridge's first page: topics with lag and last success, and how much goes in and out."""

from datetime import timedelta
from typing import Any

from django.db.models import Count, Max, Q, Sum
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import cache_control
from django.views.generic import TemplateView, View
from plotly.offline import get_plotlyjs

from bridge.ledger.port import Outcome
from bridge.operations.status import TopicStatus, ledgers_problems
from bridge.tomtoolkit import models
from bridge.tomtoolkit.conf import AppSettings
from bridge.tomtoolkit.ledger.store import DjangoLedger
from bridge.tomtoolkit.operating import health
from bridge.tomtoolkit.operating.home import named
from bridge.tomtoolkit.pages import lag, plots
from bridge.tomtoolkit.pages.page import BridgePage, BridgeView, settings_or_problem
from bridge.tomtoolkit.permissions import Visitor, may_manage

PERIODS = {"7": "a week", "30": "a month", "365": "a year"}


class Overview(Visitor, BridgePage):
    """``/bridge/``: asks nothing of the stream; the lag comes later."""

    template_name = "tom_bridge/overview.html"
    tab = "overview"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return topics and the plot of the chosen period."""
        context = super().get_context_data(**given)
        settings, problem = settings_or_problem()
        chosen = self.request.GET.get("days", "")
        days = chosen if chosen in PERIODS else "30"
        context |= {
            "settings_problem": problem,
            "configured": settings is not None,
            "periods": PERIODS,
            "days": days,
            "plot": plots.in_and_out(timezone.now() - timedelta(days=int(days))),
        }
        if settings is not None and may_manage(self.request.user):
            told = [*health.problems(), *ledgers_problems(DjangoLedger())]
            context["problems"] = [named(problem) for problem in told]
        if settings is not None:
            context |= {"origin": settings.origin, "name": settings.display_name, **topics(settings)}
        return context


class Lag(Visitor, BridgeView, TemplateView):
    """The table of topics with the lag, loaded by the first page once it is shown."""

    template_name = "tom_bridge/partials/topics.html"
    fragment = True

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return the topics; where the stream doesn't answer in time, the lag is unknown."""
        context = super().get_context_data(**given)
        settings, _ = settings_or_problem()
        if settings is None:
            return context
        by_topic = lag.current(settings)
        return context | topics(settings, by_topic) | {"asked": True, "manages": may_manage(self.request.user)}


class PlotlyScript(Visitor, View):
    """Plotly's own script, from the package that TOM Toolkit brings: kept by the browser, not sent in every page."""

    @staticmethod
    @cache_control(private=True, max_age=7 * 24 * 3600, immutable=True)
    def get(_request: HttpRequest) -> HttpResponse:
        """Return the script."""
        return HttpResponse(get_plotlyjs(), content_type="text/javascript; charset=utf-8")


def topics(settings: AppSettings, statuses: dict[str, TopicStatus] | None = None) -> dict[str, Any]:
    """Return what the tables of topics show; ``statuses`` is what the stream told."""
    success = dict(models.Success.objects.values_list("topic", "at"))
    counts: dict[str, dict[str, int]] = {}
    sums = models.Tally.objects.order_by().values("topic", "outcome")  # strangers may have invented many origins
    for row in sums.annotate(number=Sum("events")):
        counts.setdefault(row["topic"], {})[row["outcome"]] = row["number"]
    received = [
        {
            "topic": one.topic,
            "last_success": success.get(one.topic),
            "counts": [(str(outcome), counts.get(one.topic, {}).get(outcome.value, 0)) for outcome in Outcome],
            "status": (statuses or {}).get(one.topic),
        }
        for one in settings.subscribe
    ]
    return {"received": received, "published": _published(settings)}


def _published(settings: AppSettings) -> list[dict[str, Any]]:
    state = models.OutboxEvent.State
    names = [one.topic for one in settings.publish.topics]
    rows = models.OutboxEvent.objects.filter(topic__in=names).values("topic").order_by("topic")
    counted = rows.annotate(
        queued=Count("pk", filter=Q(state=state.QUEUED)),
        sent=Count("pk", filter=Q(state=state.SENT)),
        refused=Count("pk", filter=Q(state=state.REFUSED)),
        unclear=Count("pk", filter=Q(state=state.UNCLEAR)),
        last_sent=Max("sent_at", filter=Q(state=state.SENT)),
    )
    found = {row["topic"]: row for row in counted}
    return [{"topic": name, **found.get(name, {})} for name in names]
