"""How many shares go in and out, a day: drawn with Plotly, as TOM Toolkit draws, in its theme."""

from datetime import date, datetime, timedelta

import plotly.graph_objects as go
from django.conf import settings
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import timezone
from plotly import offline

from bridge.tomtoolkit.models import AsDateTime, Entry, OutboxShare

_RECEIVED = (
    ("applied", "received", "#2a9d6f"),
    ("duplicate", "received before", "#8fb8de"),
    ("parked", "parked", "#e0a030"),
    ("dead", "dead", "#d1495b"),
)
_SENT = "#4a7fd4"


def in_and_out(since: datetime) -> str:
    """Return a plot, as HTML without Plotly's script, of what came in (above) and of what was shared (below).

    A day is one of the TOM's time zone.
    """
    first, today = timezone.localdate(since), timezone.localdate()
    days = [first + timedelta(days=number) for number in range((today - first).days + 1)]
    received: dict[str, dict[date, int]] = {}
    rows = Entry.objects.filter(published_at__gte=since).annotate(day=TruncDate(AsDateTime("published_at")))
    for row in rows.values("day", "outcome").annotate(number=Count("pk")):
        received.setdefault(row["outcome"], {})[row["day"]] = row["number"]
    shared = OutboxShare.objects.filter(created__gte=since).annotate(day=TruncDate("created"))
    sent = {row["day"]: row["number"] for row in shared.values("day").annotate(number=Count("pk"))}
    figure = go.Figure(layout=_layout())
    for outcome, name, colour in _RECEIVED:
        if outcome in received:
            heights = [received[outcome].get(day, 0) for day in days]
            figure.add_bar(x=days, y=heights, name=name, marker_color=colour)
    if sent:
        heights = [-sent.get(day, 0) for day in days]
        figure.add_bar(
            x=days, y=heights, name="shared", marker_color=_SENT, customdata=[-one for one in heights],
            hovertemplate="%{x}: %{customdata}<extra>shared</extra>",
        )  # fmt: skip
    if not received and not sent:
        figure.add_annotation(text="Nothing came in or went out in this time.", showarrow=False, font_size=14)
    return str(offline.plot(figure, output_type="div", include_plotlyjs=False, show_link=False))


def _layout() -> go.Layout:
    theme = getattr(settings, "PLOTLY_THEME", "plotly_white")
    return go.Layout(
        template=theme,
        barmode="relative",
        height=280,
        margin={"l": 55, "r": 10, "t": 10, "b": 30},
        legend={"orientation": "h", "y": 1.15},
        yaxis={"title": "in (up), out (down)", "rangemode": "tozero"},
        hovermode="x unified",
    )
