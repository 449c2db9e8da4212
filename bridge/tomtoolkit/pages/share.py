"""Sharing from a page: a target with what belongs to it, or a target list; reviewed before it goes, for good."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from tom_dataproducts.models import DataProduct

from bridge.errors import AwayError, BridgeError, InvalidEventError
from bridge.tomtoolkit import permissions
from bridge.tomtoolkit.database import writing
from bridge.tomtoolkit.pages import words
from bridge.tomtoolkit.pages.offered import offered, rows_of
from bridge.tomtoolkit.pages.page import BridgePage, page_of, settings_or_problem
from bridge.tomtoolkit.pages.share_forms import ListForm, ShareForm, TargetForm
from bridge.tomtoolkit.pages.starting import Subject, let_share_itself, started
from bridge.tomtoolkit.pages.unprocessed import warnings
from bridge.tomtoolkit.permissions import SHARE, refusal, shareable, visible
from bridge.tomtoolkit.rows.bodies import own, own_targets
from bridge.tomtoolkit.sharing.accept import prepare
from bridge.tomtoolkit.sharing.parcel import PATIENCE_S, Parcel, Receipt, Words

_SHOWN_TARGETS = 5
_SHOWN_PRODUCTS = 200
_SHOWN_UNPROCESSED = 10
_NOT_REPEATED = frozenset({"csrfmiddlewaretoken", "reviewed", "change"})


@dataclass(frozen=True)
class Review:
    """What would go where, for a person to look at before it does."""

    topic: str
    what: str
    """"48 points, 1 spectrum"; empty: nothing goes now."""
    left_out: dict[str, int]
    assumed: dict[str, int]
    unprocessed: list[str]
    """Which files others will keep without processing them; the first of them."""
    unprocessed_more: int
    token: str
    """Changes with what would go: what was reviewed is what goes."""

    @classmethod
    def of(cls, parcel: Parcel, by_itself: Sequence[str] = ()) -> "Review":
        """Return the review of a share that is ready to be written; ``by_itself``: warnings of other files."""
        contents = parcel.contents()
        going = [parcel.topic, parcel.digest(), dict(parcel.left_out), dict(parcel.assumed)]
        seen = json.dumps(going, sort_keys=True)
        unprocessed = list(dict.fromkeys((*parcel.unprocessed, *by_itself)))
        what = ", ".join(words.counted(kind, number) for kind, number in contents.items())
        return cls(
            topic=parcel.topic,
            what=what,
            left_out=dict(parcel.left_out),
            assumed=dict(parcel.assumed),
            unprocessed=unprocessed[:_SHOWN_UNPROCESSED],
            unprocessed_more=max(0, len(unprocessed) - _SHOWN_UNPROCESSED),
            token=hashlib.sha256(seen.encode()).hexdigest(),
        )


class _SharePage(permissions.Visitor, BridgePage):
    """A page with the form: needs the permission to share, and a topic to which the person may.

    What is sent is shown first (without ``reviewed``), and goes when the person has seen it.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Refuse who may not share at all."""
        if request.user.is_authenticated and not request.user.has_perm(SHARE):
            raise PermissionDenied("You have no permission to share.")
        return super().dispatch(request, *args, **kwargs)

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return the form, as at first unless it was sent."""
        topics, problem = topics_for(self.request.user)
        context = super().get_context_data(**given)
        context.setdefault("form", self.form())
        return {"topics": topics, "settings_problem": problem, "started": started(self.subject())} | context

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show what would go; share it where that was seen."""
        del pk
        form = self.form(request.POST)
        if "change" in request.POST:
            return self.render_to_response(self.get_context_data(form=form))
        parcel = self._prepared(form) if form.is_valid() else None
        if parcel is None:
            return self.render_to_response(self.get_context_data(form=form), status=422)
        given = form.cleaned_data
        by_itself = warnings(request.user, self.subject(), given["kinds"]) if given["by_itself"] else []
        review, seen = Review.of(parcel, by_itself), request.POST.get("reviewed", "")
        if seen != review.token:
            context = {"form": form, "review": review, "changed": bool(seen), "sent": self._sent()}
            self.template_name = "tom_bridge/share_review.html"
            return self.render_to_response(self.get_context_data(**context))
        receipt = self._written(form, parcel)
        if receipt is None:
            return self.render_to_response(self.get_context_data(form=form), status=422)
        self._tell(receipt, by_itself=given["by_itself"])
        return redirect(self.then())

    # -- what a page is about: for the two below ----------------------------------------------------------------------

    def form(self, data: Any = None) -> ShareForm:
        """Return the form, with ``data`` where it was sent."""
        raise NotImplementedError

    def subject(self) -> Subject:
        """Return what would share itself."""
        raise NotImplementedError

    def wanted(self, form: ShareForm) -> tuple[list[Any], dict[str, bool]]:
        """Return what was ticked, and how it is to be shared."""
        raise NotImplementedError

    def then(self) -> str:
        """Return where to go when it is shared."""
        raise NotImplementedError

    # -- steps --------------------------------------------------------------------------------------------------------

    def _arguments(self) -> dict[str, Any]:
        return {"topics": topics_for(self.request.user)[0], "user": self.request.user, "subject": self.subject()}

    def _prepared(self, form: ShareForm) -> Parcel | None:
        """Return the share, ready to be written; None where it can't be shared, which the form says then."""
        given = form.cleaned_data
        what, options = self.wanted(form)
        said = Words(title=given["title"], message=given["message"])
        try:
            parcel = prepare(what, topic=given["topic"], user=self.request.user, words=said, **options)
        except AwayError:
            raise
        except BridgeError as error:
            form.add_error(None, str(error))
            return None
        if not len(parcel) and not given["by_itself"]:
            why = "; ".join(f"{number} left out ({reason})" for reason, number in parcel.left_out.items())
            form.add_error(None, f"There is nothing to share{f': {why}' if why else ''}.")
            return None
        return parcel

    def _written(self, form: ShareForm, parcel: Parcel) -> Receipt | None:
        """Put the share in the outbox, and let the subject share itself where that was asked for, or neither."""
        given = form.cleaned_data
        said = {name: given[name] for name in ("topic", "title", "message")}
        try:
            with writing(patience_s=PATIENCE_S):
                receipt = parcel.write()
                if given["by_itself"]:
                    let_share_itself(
                        self.request.user, self.subject(), said, given["expires"], given["kinds"],
                        take_over=given["take_over"],
                    )  # fmt: skip
        except (InvalidEventError, AwayError) as error:  # what was written into the form is not lost
            form.add_error(None, f"Nothing was shared: {error}")
            return None
        return receipt

    def _sent(self) -> list[tuple[str, str]]:
        """Return what was sent, to be sent again when it was seen."""
        data = self.request.POST
        return [(name, value) for name in data if name not in _NOT_REPEATED for value in data.getlist(name)]

    def _tell(self, receipt: Receipt, *, by_itself: bool) -> None:
        told = ", ".join(f"{number} {words.name(kind)}" for kind, number in receipt.events.items())
        if receipt:
            points = f" with {receipt.points:,} data" if receipt.points else ""
            messages.success(
                self.request, f"Queued for {receipt.topic}: {told}{points}. It is sent when the stream can be reached."
            )
        for why, number in receipt.left_out.items():
            messages.warning(self.request, f"Left out: {number} ({why}).")
        for what, number in receipt.assumed.items():
            messages.warning(self.request, f"Assumed of {number} ({what}).")
        if by_itself:
            messages.success(self.request, "From now on what is new is shared by itself.")


class ShareTarget(_SharePage):
    """``/bridge/targets/<pk>/share/``: a target and what belongs to it, with a preview of what there is."""

    template_name = "tom_bridge/share_target.html"

    def get_context_data(self, **given: Any) -> dict[str, Any]:
        """Return the target and what there is to share; 404 for one that the visitor may not see."""
        target, products = self._found, self._products()
        mine = own(products)
        context = {
            "target": target,
            "target_is_own": bool(own_targets([target.pk])),
            "offered": offered(self.request.user, target),
            "products": list(mine[:_SHOWN_PRODUCTS]),
            "products_received": products.count() - mine.count(),
            "back": reverse("tom_bridge:share-target", args=[target.pk]),
        }
        return super().get_context_data(**given) | context

    def form(self, data: Any = None) -> ShareForm:
        """Return the form of what there is of the target."""
        mine = own(self._products())[:_SHOWN_PRODUCTS]
        return TargetForm(data, products=list(mine), **self._arguments())

    def subject(self) -> Subject:
        """Return the target."""
        return {"target_id": self._found.pk}

    def wanted(self, form: ShareForm) -> tuple[list[Any], dict[str, bool]]:
        """Return the target, querysets of datums and of products that were ticked."""
        given, target = form.cleaned_data, self._found
        what: list[Any] = [target] if given["target"] else []
        for kind in given["datums"]:
            what += rows_of(self.request.user, target, kind)
        if given["product"]:
            what.append(DataProduct.objects.filter(target_id=target.pk, pk__in=[int(pk) for pk in given["product"]]))
        return what, {}

    def then(self) -> str:
        """Return the target's page, where the tab shows what became of it."""
        return f"{reverse('targets:detail', args=[self._found.pk])}?tab=shares"

    @cached_property
    def _found(self) -> Any:
        target = get_object_or_404(permissions.targets(self.request.user), pk=self.kwargs["pk"])
        if target.pk not in shareable(self.request.user, [target.pk]):
            raise PermissionDenied("You may not change this target, so you may not share it.")
        return target

    def _products(self) -> Any:
        return visible(self.request.user, self._found.dataproduct_set.all()).order_by("-pk")


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
        target_list = self._found
        pks = list(target_list.targets.values_list("pk", flat=True))
        allowed = shareable(self.request.user, pks)
        shown = permissions.targets(self.request.user).filter(pk__in=sorted(allowed)[:_SHOWN_TARGETS])
        context = {
            "target_list": target_list,
            "members": len(allowed),
            "left_out": len(pks) - len(allowed),
            "shown": list(shown),
            "back": reverse("tom_bridge:share-list", args=[target_list.pk]),
        }
        return super().get_context_data(**given) | context

    def form(self, data: Any = None) -> ShareForm:
        """Return the form of a list."""
        return ListForm(data, **self._arguments())

    def subject(self) -> Subject:
        """Return the list."""
        return {"target_list_id": self._found.pk}

    def wanted(self, form: ShareForm) -> tuple[list[Any], dict[str, bool]]:
        """Return the list, with its targets and their data where that was ticked."""
        return [self._found], {name: form.cleaned_data[name] for name in ("with_targets", "with_data")}

    def then(self) -> str:
        """Return the page of lists."""
        return reverse("tom_bridge:lists")

    @cached_property
    def _found(self) -> Any:
        return get_object_or_404(permissions.lists(self.request.user), pk=self.kwargs["pk"])


def topics_for(user: Any) -> tuple[list[str], str]:
    """Return the topics that ``user`` may share to, and what is wrong with the settings."""
    settings, problem = settings_or_problem()
    if settings is None:
        return [], problem
    topics = [one.topic for one in settings.publish.topics]
    return [topic for topic in topics if not refusal(user, topic, settings=settings)], ""
