"""The shares of one target, in and out: what its tab shows."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.views.generic import TemplateView

from bridge.events import Kind, ShareRef
from bridge.ledger.port import ShareWords
from bridge.tomtoolkit import models, permissions
from bridge.tomtoolkit.ledger.rows import to_entry
from bridge.tomtoolkit.pages import words
from bridge.tomtoolkit.pages.page import BridgeView
from bridge.tomtoolkit.pages.references import Reference, shown
from bridge.tomtoolkit.pages.target_events import events_of
from bridge.tomtoolkit.pages.telling import Telling

_MOST_PAGES = 200
_ALONE = frozenset({str(Kind.TARGET), str(Kind.DATA_PRODUCT)})
"""Kinds of which an event has one."""


@dataclass(frozen=True, kw_only=True)
class Share:
    """One event, in or out."""

    at: datetime
    out: bool
    kind: str
    items: str
    """Number of data with its word, where it is known."""
    topic: str
    origin: str
    """The TOM that it is from; empty for this one."""
    person: str
    title: str
    outcome: str
    why: str
    ref: ShareRef | None = None
    """The share that it is of; without an origin where it is our own."""
    words: ShareWords = field(default_factory=ShareWords)
    """What was said of the share, at the first of its events on a page."""

    @property
    def references(self) -> list[Reference]:
        """What is referred to, with where it leads."""
        return shown(self.words.references)


class Shares(permissions.Visitor, BridgeView, TemplateView):
    """``/bridge/targets/<pk>/shares/``: a page of the target's shares, the newest first, without the TOM's frame."""

    template_name = "tom_bridge/partials/target_shares.html"
    fragment = True
    per_page = 20

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return one page of shares; 404 for a target that the visitor may not see."""
        context = super().get_context_data(**given)
        target = get_object_or_404(permissions.targets(self.request.user), pk=self.kwargs["pk"])
        asked = self.request.GET.get("page", "1")
        number = min(max(int(asked), 1), _MOST_PAGES) if asked.isascii() and asked.isdigit() else 1
        needed = number * self.per_page + 1
        found = sorted(
            [*received(self.request.user, target, needed), *sent(target, needed)], key=lambda one: one.at, reverse=True
        )
        first = (number - 1) * self.per_page
        return context | {
            "target": target,
            "shares": with_words(self.request.user, found[first : first + self.per_page]),
            "number": number,
            "newer": number - 1 if number > 1 else None,
            "older": number + 1 if len(found) > first + self.per_page and number < _MOST_PAGES else None,
        }


def received(user: Any, target: Any, most: int) -> list[Share]:
    """Return the newest events that came of the target, as ``user`` may know of them."""
    telling = Telling(user)
    shares = []
    for row in events_of(target, most):
        entry = to_entry(row)
        line = telling.of_target(entry)
        share = Share(
            at=row.published_at,
            out=False,
            kind=words.name(row.kind),
            items=_items(row.kind, _datums(line.detail)),
            topic=row.topic,
            origin=row.origin_name or row.origin,
            person=row.shared_by,
            title=row.title,
            outcome=row.outcome,
            why=": ".join(part for part in (line.reason, line.message) if part),
            ref=entry.share_ref,
        )
        shares.append(share)
    return shares


def sent(target: Any, most: int) -> list[Share]:
    """Return the newest events that were shared of the target."""
    rows = models.OutboxEvent.objects.filter(target_id=target.pk).select_related("share").order_by("-pk")[:most]
    return [
        Share(
            at=row.created,
            out=True,
            kind=words.name(row.kind),
            items=_items(row.kind, row.items),
            topic=row.topic,
            origin="",
            person=row.share.shared_by,
            title=row.share.title,
            outcome=row.state,
            why=row.reason,
            ref=ShareRef("", row.share_id),
            words=ShareWords(message=row.share.message),
        )
        for row in rows
    ]


def with_words(user: Any, shares: Sequence[Share]) -> list[Share]:
    """Return the events of one page, each share with what was said of it at the first of its events."""
    said = Telling(user).words_of_target({share.ref for share in shares if share.ref is not None and not share.out})
    seen: set[ShareRef | None] = set()
    with_them = []
    for share in shares:
        words_ = ShareWords() if share.ref is None or share.ref in seen else said.get(share.ref, share.words)
        with_them.append(replace(share, words=words_))
        seen.add(share.ref)
    return with_them


def _items(kind: str, number: int | None) -> str:
    return "" if number is None or kind in _ALONE else words.counted(kind, number)


def _datums(detail: Any) -> int | None:
    datums = detail.get("datums")
    return sum(datums.values()) if isinstance(datums, dict) and datums else None
