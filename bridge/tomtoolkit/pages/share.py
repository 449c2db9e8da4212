"""Sharing from a page: a target with what belongs to it, or a target list."""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from tom_dataproducts.models import DataProduct

from bridge.errors import BridgeError, InvalidEventError
from bridge.events import Kind
from bridge.tomtoolkit import models, permissions
from bridge.tomtoolkit.pages import words
from bridge.tomtoolkit.pages.page import BridgePage, page_of, settings_or_problem
from bridge.tomtoolkit.permissions import SHARE, may_share, shareable, visible
from bridge.tomtoolkit.rows.bodies import DATUMS, KINDS, own, own_targets
from bridge.tomtoolkit.sharing import Receipt, share

_SHOWN_POINTS = 5
_SHOWN_PRODUCTS = 200


@dataclass(frozen=True)
class Offered:
    """One kind of datums that may be shared of a target."""

    kind: str
    name: str
    counted: str
    """The number with its word: "3 points"."""
    querysets: tuple[Any, ...]
    count: int
    received: int
    """How many more came over the bridge: they are not sent back."""
    first: datetime | None
    last: datetime | None
    preview: tuple[Any, ...]


class ShareForm(forms.Form):
    """Where to share, and what to say of it."""

    topic = forms.ChoiceField(help_text="All who subscribe to the topic receive it.")
    title = forms.CharField(max_length=500, required=False)
    message = forms.CharField(
        max_length=10_000, required=False, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="For the people who receive it.",
    )  # fmt: skip
    by_itself = forms.BooleanField(
        required=False, label="From now on, share what is new by itself",
        help_text="It can be switched off under Bridge, Self-sharing.",
    )  # fmt: skip
    expires = forms.DateField(
        required=False, label="Until", widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Empty: until it is switched off.",
    )  # fmt: skip

    kinds = forms.MultipleChoiceField(
        required=False,
        label="Only these kinds",
        choices=[(str(kind), words.name(kind)) for kind in KINDS],
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: all of them.",
    )

    def __init__(self, *given: Any, topics: list[str], **named: Any) -> None:
        super().__init__(*given, **named)
        self.fields["topic"].choices = [(topic, topic) for topic in topics]

    def clean_expires(self) -> Any:
        """Refuse a day that is over."""
        day = self.cleaned_data["expires"]
        if day is not None and day < timezone.localdate():
            raise forms.ValidationError("This day is over; choose a later one.")
        return day


class _SharePage(permissions.Visitor, BridgePage):
    """A page with the form: needs the permission to share, and a topic to which the person may."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse who may not share at all."""
        if request.user.is_authenticated and not request.user.has_perm(SHARE):
            raise PermissionDenied("You have no permission to share.")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return the form, empty unless it was sent."""
        topics, problem = topics_for(self.request.user)
        context = super().get_context_data(**given)
        return {"form": ShareForm(topics=topics), "topics": topics, "settings_problem": problem} | context

    def accept(self, form: ShareForm, what: list[Any], subject: dict[str, Any], **options: Any) -> Receipt | None:
        """Share ``what``, and let ``subject`` share itself where that was asked for; None where it can't be shared."""
        given = form.cleaned_data
        said = {"topic": given["topic"], "title": given["title"], "message": given["message"]}
        try:
            with transaction.atomic():
                receipt = share(what, user=self.request.user, **said, **options)
                if given["by_itself"]:
                    let_share_itself(self.request.user, subject, said, given["expires"], given["kinds"])
        except InvalidEventError as error:
            form.add_error(None, str(error))
            return None
        except BridgeError as error:
            form.add_error(None, f"Nothing was shared: {error}")
            return None
        told = ", ".join(f"{number} {words.name(kind)}" for kind, number in receipt.events.items())
        if receipt:
            points = f" with {receipt.points:,} data" if receipt.points else ""
            messages.success(
                self.request, f"Queued for {receipt.topic}: {told}{points}. It is sent when the stream can be reached."
            )
        else:
            messages.warning(self.request, "There was nothing to share.")
        for why, number in receipt.left_out.items():
            messages.warning(self.request, f"Left out: {number} ({why}).")
        if given["by_itself"]:
            messages.success(self.request, "From now on what is new is shared by itself.")
        return receipt


class ShareTarget(_SharePage):
    """``/bridge/targets/<pk>/share/``: a target and what belongs to it, with a preview of what there is."""

    template_name = "tom_bridge/share_target.html"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return the target and what there is to share; 404 for one that the visitor may not see."""
        target = self._target()
        products = visible(self.request.user, target.dataproduct_set.all()).order_by("-pk")
        mine = own(products)
        context = {
            "target": target,
            "target_is_own": bool(own_targets([target.pk])),
            "offered": offered(self.request.user, target),
            "products": list(mine[:_SHOWN_PRODUCTS]),
            "products_received": products.count() - mine.count(),
        }
        return super().get_context_data(**given) | context

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Share what was ticked."""
        del pk
        target = self._target()
        topics, _ = topics_for(request.user)
        form = ShareForm(request.POST, topics=topics)
        what = self._ticked(target)
        if not what:
            form.add_error(None, "Tick what is to be shared.")
        if form.is_valid() and self.accept(form, what, {"target_id": target.pk}) is not None:
            return redirect(f"{reverse('targets:detail', args=[target.pk])}?tab=shares")
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def _target(self) -> Any:
        target = get_object_or_404(permissions.targets(self.request.user), pk=self.kwargs["pk"])
        if target.pk not in shareable(self.request.user, [target.pk]):
            raise PermissionDenied("You may not change this target, so you may not share it.")
        return target

    def _ticked(self, target: Any) -> list[Any]:
        """Return the target, querysets of datums and of products that were ticked."""
        given = self.request.POST
        what: list[Any] = [target] if given.get("target") else []
        for one in offered(self.request.user, target):
            if one.kind in given.getlist("datums"):
                what += one.querysets
        pks = [int(pk) for pk in given.getlist("product") if pk.isascii() and pk.isdigit() and len(pk) < 19]
        if pks:
            what.append(DataProduct.objects.filter(target_id=target.pk, pk__in=pks))
        return what


class Lists(permissions.Visitor, BridgePage):
    """``/bridge/lists/``: the target lists that the visitor may see, to share one."""

    template_name = "tom_bridge/lists.html"
    tab = "lists"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return one page of lists with the number of members that the visitor may see."""
        context = super().get_context_data(**given)
        user = self.request.user
        page = page_of(permissions.lists(user), self.request.GET.get("page"), lambda row: row)
        for one in page:
            one.shown = permissions.targets(user).filter(targetlist=one).distinct().count()
        return context | {"page": page, "may_share": user.has_perm(SHARE) and bool(topics_for(user)[0])}


class ShareList(_SharePage):
    """``/bridge/lists/<pk>/share/``: a target list, with its targets and their data where that is asked for."""

    template_name = "tom_bridge/share_list.html"
    tab = "lists"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return the list and how many members go."""
        target_list = self._list()
        pks = list(target_list.targets.values_list("pk", flat=True))
        allowed = shareable(self.request.user, pks)
        shown = permissions.targets(self.request.user).filter(pk__in=sorted(allowed)[:_SHOWN_POINTS])
        context = {
            "target_list": target_list,
            "members": len(allowed),
            "left_out": len(pks) - len(allowed),
            "shown": list(shown),
        }
        return super().get_context_data(**given) | context

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Share the list."""
        del pk
        target_list = self._list()
        topics, _ = topics_for(request.user)
        form = ShareForm(request.POST, topics=topics)
        options = {name: bool(request.POST.get(name)) for name in ("with_targets", "with_data")}
        if form.is_valid() and self.accept(form, [target_list], {"target_list_id": target_list.pk}, **options):
            return redirect("tom_bridge:lists")
        return self.render_to_response(self.get_context_data(form=form), status=422)

    def _list(self) -> Any:
        return get_object_or_404(permissions.lists(self.request.user), pk=self.kwargs["pk"])


def topics_for(user: Any) -> tuple[list[str], str]:
    """Return the topics that ``user`` may share to, and what is wrong with the settings."""
    settings, problem = settings_or_problem()
    if settings is None:
        return [], problem
    return [one.topic for one in settings.publish.topics if may_share(user, one.topic)], ""


def offered(user: Any, target: Any) -> list[Offered]:
    """Return what there is to share of ``target``, by kind, as far as ``user`` may see it; photometry in any case."""
    found = []
    for kind in dict.fromkeys(one.kind for one in DATUMS):
        everything = [
            visible(user, one.model.objects.filter(one.only, target_id=target.pk)) for one in DATUMS if one.kind is kind
        ]
        mine = [own(rows) for rows in everything]
        counts = [rows.count() for rows in mine]
        times = [
            moment
            for rows, number in zip(mine, counts, strict=True)
            if number
            for moment in (rows.order_by("timestamp").values_list("timestamp", flat=True)[0], _last(rows))
        ]
        preview = [row for rows in mine for row in rows.order_by("-timestamp")[:_SHOWN_POINTS]]
        one = Offered(
            kind=str(kind),
            name=words.name(kind),
            counted=words.counted(kind, sum(counts)),
            querysets=tuple(rows for rows, number in zip(everything, counts, strict=True) if number),
            count=sum(counts),
            received=sum(rows.count() for rows in everything) - sum(counts),
            first=min(times, default=None),
            last=max(times, default=None),
            preview=tuple(preview[:_SHOWN_POINTS]),
        )
        if one.count or one.received or kind is Kind.PHOTOMETRY:
            found.append(one)
    return found


def let_share_itself(user: Any, subject: dict[str, Any], said: dict[str, str], expires: Any, kinds: list[str]) -> None:
    """Let a target or a list share itself, or go on doing so as ``said``."""
    models.SelfShare.objects.update_or_create(
        **subject,
        topic=said["topic"],
        defaults={
            "active": True,
            "expires": end_of(expires),
            "kinds": kinds,
            "created_by": user,
            "title": said["title"],
            "message": said["message"],
            "rests": "",
        },
    )


def end_of(day: Any) -> datetime | None:
    """Return the end of ``day`` in the TOM's time zone; None stays None: without an end."""
    return None if day is None else timezone.make_aware(datetime.combine(day, time.max))


def _last(rows: Any) -> datetime:
    moment: datetime = rows.order_by("-timestamp").values_list("timestamp", flat=True)[0]
    return moment
