"""Sharing from within the TOM: ``share()`` writes to the outbox, in the caller's own transaction.

What it writes is rolled back with that transaction, or kept with it. It never touches the stream: the relay
(:mod:`bridge.tomtoolkit.sharing.relay`) sends what is in the outbox.
"""

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, QuerySet
from tom_dataproducts.models import DataProduct as ProductModel
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetList as TargetListModel

from bridge.errors import ConfigurationError, InvalidEventError
from bridge.events import MAX_MEMBERS, ListMember
from bridge.tom.port import LocalTarget
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.database import chunks, columns_of
from bridge.tomtoolkit.permissions import lists, refusal, shareable, visible
from bridge.tomtoolkit.rows.bodies import (
    DATUMS,
    RECEIVED,
    datum_bodies,
    is_own_list,
    list_body,
    models_with_rows,
    own,
    own_targets,
    product_body,
    received,
    reference,
    target_body,
)
from bridge.tomtoolkit.rows.targets import local_targets
from bridge.tomtoolkit.sharing.parcel import Parcel, Receipt, Words

_NOT_ALLOWED = "targets that the person may not change"
_TARGETS_AT_ONCE = 200


def share(
    what: Any,
    *,
    topic: str,
    user: Any = None,
    title: str = "",
    message: str = "",
    acknowledgement: str = "",
    with_data: bool = False,
    with_targets: bool = True,
) -> Receipt:
    """Give ``what`` to be published on ``topic``: accepted when the caller's transaction is committed.

    ``what`` is a target, a target list, a data product, or a queryset of targets, of data products or of reduced
    datums of one model; or a list of such things, which go as one share in that order (a product after datums that were
    read from it is not processed again by those who receive it).

    ``with_data``: all datums and data products of the targets go as well. ``with_targets``: the targets (or members of
    the list) go themselves, for TOMs that don't have them; without, only those that others have already get what
    belongs to them. It means nothing for products and datums, which go by their targets' names.

    What came over the bridge is not published back, what ``user`` may not change or see does not go, and neither does
    what others could not hold or a file that can't be read: the receipt counts it. ``user`` None is the TOM's own code,
    which may share anything.

    On SQLite a transaction of the caller's own that reads before it shares has to be IMMEDIATE, as the system checks
    ask for; else SQLite refuses it where something else writes meanwhile.

    Raises PermissionDenied where ``user`` may not share to the topic, or not the one target, or may not see the one
    list or product; ConfigurationError for a topic that the settings don't name; InvalidEventError where the one target
    or product, or the name of the list, can't be shared, or the words are too long; TypeError for anything else than
    the above; DatabaseError as any write does.
    """
    words = Words(title=title, message=message, acknowledgement=acknowledgement)
    return prepare(what, topic=topic, user=user, words=words, with_data=with_data, with_targets=with_targets).write()


def prepare(
    what: Any,
    *,
    topic: str,
    user: Any = None,
    words: Words | None = None,
    with_data: bool = False,
    with_targets: bool = True,
) -> Parcel:
    """Return a share that is ready to be written; nothing is written yet. All is as for :func:`share`.

    What takes time is done here: the transaction that writes keeps nobody waiting.
    """
    everything = what if isinstance(what, list | tuple) else [what]
    settings = conf.load()
    for one in everything:
        _check(user, topic, one, settings)
    parcel = Parcel(topic, user, words or Words(), settings=settings)
    packer = _Packer(parcel, with_data=with_data, with_targets=with_targets)
    for one in everything:
        packer.pack(one)
    parcel.close()
    return parcel


def _check(user: Any, topic: str, what: Any, settings: conf.AppSettings) -> None:
    """Raise what :func:`share` says where this person may not share this to that topic."""
    known = [one.topic for one in settings.publish.topics]
    if topic not in known:
        mend = f"Name one of: {', '.join(known)}" if known else "Name it there"
        raise ConfigurationError(f"the topic {topic!r} is not named", where="TOM_BRIDGE: publish", mend=mend)
    if user is None:
        return
    one = what if isinstance(what, BaseTarget) else what.target if isinstance(what, ProductModel) else None
    if told := refusal(user, topic, one, settings=settings):
        raise PermissionDenied(told)
    if isinstance(what, ProductModel) and not visible(user, ProductModel.objects.filter(pk=what.pk)).exists():
        raise PermissionDenied(f"{user.get_username()!r} may not see the data product {what}")
    if isinstance(what, TargetListModel) and not lists(user).filter(pk=what.pk).exists():
        raise PermissionDenied(f"{user.get_username()!r} may not see the target list {what.name!r}")


class _Packer:
    """Puts what is shared in a parcel."""

    def __init__(self, parcel: Parcel, *, with_data: bool, with_targets: bool) -> None:
        self._parcel = parcel
        self._with_data = with_data
        self._with_targets = with_targets
        self._read_from: set[int] = set()
        """The data products whose datums are in the parcel: nobody has to process them again."""
        self._last: dict[int, LocalTarget] = {}

    def pack(self, what: Any) -> None:
        """Pack one of the things that :func:`share` takes."""
        match what:
            case BaseTarget():
                self.targets([what.pk], alone=True)
            case TargetListModel():
                self.target_list(what)
            case ProductModel():
                self.products(ProductModel.objects.filter(pk=what.pk), alone=True)
            case QuerySet(model=model) if issubclass(model, BaseTarget):
                self.targets(what.values_list("pk", flat=True))
            case QuerySet(model=model) if model is ProductModel:
                self.products(what)
            case QuerySet(model=model) if any(datums.model is model for datums in DATUMS):
                self.datums(what)
            case _:
                kind = what.model.__name__ if isinstance(what, QuerySet) else type(what).__name__
                raise TypeError(f"{kind} can't be shared; a target, a list, a product or a queryset of datums can")

    # -- targets ------------------------------------------------------------------------------------------------------

    def targets(self, pks: Any, *, alone: bool = False) -> None:
        """Pack targets, and their data; ``alone``: a single one, whose faults are the caller's to hear."""
        for chunk in chunks(self._allowed(pks), _TARGETS_AT_ONCE):
            rows = self._rows(chunk)
            if self._with_targets:
                kept = own_targets(rows)
                self._left_out(f"targets: {RECEIVED}", len(rows) - len(kept))
                for pk in sorted(kept):
                    self._target(rows[pk], alone=alone)
            if self._with_data:
                for pk in sorted(rows):
                    self._data(rows[pk])

    def target_list(self, row: Any) -> None:
        """Pack a list, in several events where it has more members than one may have; then the data of the members."""
        pks = self._allowed(row.targets.values_list("pk", flat=True))
        if is_own_list(row):
            for chunk in chunks(pks, MAX_MEMBERS) if pks else [[]]:
                members = [member for part in chunks(chunk, _TARGETS_AT_ONCE) for member in self._members(part)]
                self._parcel.add(list_body(row, members))
        else:
            self._left_out(f"lists: {RECEIVED}")
        if self._with_data:
            for chunk in chunks(pks, _TARGETS_AT_ONCE):
                for target in self._rows(chunk).values():
                    self._data(target)

    def _members(self, pks: Any) -> list[ListMember]:
        rows = self._rows(pks)
        whole = own_targets(rows) if self._with_targets else set()
        members = []
        for pk, row in sorted(rows.items()):
            target = None
            try:
                found = reference(row)
            except InvalidEventError as error:
                self._left_out(f"members: {error.what}")
                continue
            if pk in whole:
                try:
                    target = target_body(row)
                except InvalidEventError as error:
                    self._left_out(f"targets in full: {error.what}")
            members.append(ListMember(reference=found, target=target))
        return members

    def _target(self, row: LocalTarget, *, alone: bool) -> None:
        self._add(lambda: target_body(row), "targets", row.pk, alone=alone)

    def _rows(self, pks: Any) -> dict[int, LocalTarget]:
        """Return these targets, not read again where all were among the last: a press shares several parts of one."""
        if not self._last.keys() >= set(pks):
            self._last = local_targets(DEFAULT_DB_ALIAS, pks)
        return {pk: self._last[pk] for pk in pks if pk in self._last}

    def _allowed(self, pks: Any) -> list[int]:
        wanted = sorted(set(pks))
        if self._parcel.user is None:
            return wanted
        allowed = shareable(self._parcel.user, wanted)
        self._left_out(_NOT_ALLOWED, len(wanted) - len(allowed))
        return sorted(allowed)

    # -- what belongs to targets --------------------------------------------------------------------------------------

    def _data(self, target: LocalTarget) -> None:
        """Pack all datums and products of one target; a file whose datums go as well is not processed there again."""
        there = models_with_rows(target.pk)
        for datums in (one for one in DATUMS if one.model in there):
            rows = datums.model.objects.filter(datums.only, target_id=target.pk)
            self._pack(datums, target, self._seen(rows, str(datums.kind)))
        if ProductModel in there:
            for product in self._own_products(ProductModel.objects.filter(target_id=target.pk)):
                self._product(product, target, alone=False)

    def datums(self, rows: Any) -> None:
        """Pack datums of one model, target by target."""
        rows = _plain(rows)
        for datums in _kinds_in(rows):
            of_kind = rows.filter(datums.only)
            about = of_kind.order_by().values_list("target_id", flat=True).distinct()
            seen = self._seen(of_kind, str(datums.kind))
            for chunk in chunks(self._allowed(about), _TARGETS_AT_ONCE):
                for pk, target in sorted(self._rows(chunk).items()):
                    self._pack(datums, target, seen.filter(target_id=pk))

    def _pack(self, datums: Any, target: Any, rows: Any) -> None:
        found = columns_of(own(rows).order_by("timestamp", "pk"), ("data_product_id", *datums.columns))
        # To count what came takes as long as to read what did not.
        self._left_out(f"{datums.kind}: {RECEIVED}", max(rows.count() - len(found["data_product_id"]), 0))
        try:
            wanted = reference(target)
        except InvalidEventError as error:
            self._left_out(f"{datums.kind}: {error.what}", len(found["data_product_id"]))
            return
        self._read_from |= set(found["data_product_id"])
        for body in datum_bodies(datums, wanted, found, self._parcel.left_out):
            self._parcel.add(body, target_pk=target.pk)

    def products(self, rows: Any, *, alone: bool = False) -> None:
        """Pack data products."""
        rows = _plain(rows)
        allowed = set(self._allowed(rows.order_by().values_list("target_id", flat=True).distinct()))
        for product in self._own_products(rows):
            if product.target_id in allowed:
                (target,) = self._rows([product.target_id]).values()
                self._product(product, target, alone=alone)

    def _product(self, product: Any, target: Any, *, alone: bool) -> None:
        process = product.pk not in self._read_from
        self._add(
            lambda: product_body(product, reference(target), process=process), "data products", target.pk, alone=alone
        )

    def _add(self, make: Callable[[], Any], what: str, target_pk: int, *, alone: bool) -> None:
        """Pack a body; one that no event can hold is left out, or an error where it was asked for ``alone``."""
        try:
            body = make()
        except InvalidEventError as error:
            if alone:
                raise
            self._left_out(f"{what}: {error.what}")
        else:
            self._parcel.add(body, target_pk=target_pk)

    # -- what is left out ---------------------------------------------------------------------------------------------

    def _own_products(self, rows: Any) -> Any:
        """Return the data products that the person may see and that did not come over the bridge; count the rest."""
        seen = self._seen(rows, "data products")
        self._left_out(f"data products: {RECEIVED}", received(seen).count())
        return own(seen).order_by("pk")

    def _seen(self, rows: Any, what: str) -> Any:
        """Return those of ``rows`` that the person may see; count the rest."""
        seen = visible(self._parcel.user, rows)
        if seen is not rows:
            self._left_out(f"{what}: the person may not see them", rows.count() - seen.count())
        return seen

    def _left_out(self, why: str, number: int = 1) -> None:
        if number:
            self._parcel.left_out[why] += number


def _kinds_in(rows: Any) -> list[Any]:
    """Return the kinds of datums of which there are any in ``rows``: a model may hold several.

    They are asked for at once: what is asked of each costs every press of the button.
    """
    kinds = [one for one in DATUMS if one.model is rows.model]
    there = rows.aggregate(**{f"kind_{number}": Count("pk", filter=one.only) for number, one in enumerate(kinds)})
    return [one for number, one in enumerate(kinds) if there[f"kind_{number}"]]


def _plain(rows: Any) -> Any:
    """Return ``rows`` so that they can be filtered: a slice can't."""
    return rows.model.objects.filter(pk__in=rows.values("pk")) if rows.query.is_sliced else rows
