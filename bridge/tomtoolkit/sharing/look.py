"""One look of a self-share at one target: what is new of it goes in the outbox, with the note that it is shared."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import structlog
from django.db import IntegrityError
from django.db.models import Exists, OuterRef
from tom_dataproducts.models import DataProduct as ProductModel

from bridge.errors import InvalidEventError
from bridge.events import Kind, TargetReference
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.database import columns_of, writing
from bridge.tomtoolkit.models import SelfShare, Shared
from bridge.tomtoolkit.permissions import visible
from bridge.tomtoolkit.rows.bodies import (
    DATUMS,
    Datums,
    datum_bodies,
    own,
    own_targets,
    product_body,
    reference,
    target_body,
)
from bridge.tomtoolkit.rows.echoes import digest
from bridge.tomtoolkit.sharing.floors import Floors
from bridge.tomtoolkit.sharing.left_out import LeftOuts, waiting_products
from bridge.tomtoolkit.sharing.parcel import Parcel, Words

log = structlog.get_logger(__name__)

_ROWS_AT_ONCE = 5_000
_EVENTS_AT_ONCE = 100


@dataclass
class Running:
    """A self-share that shares now."""

    row: SelfShare
    kinds: frozenset[Kind]
    members: set[int]
    settings: conf.AppSettings
    now: datetime
    left_out: LeftOuts
    whole: set[int] = field(default_factory=set)
    """Members all of whose rows are to be compared."""
    near: set[int] = field(default_factory=set)
    """Members that have something new."""

    def parcel(self) -> Parcel:
        """Return an empty share of this self-share."""
        row = self.row
        words = Words(title=row.title, message=row.message, acknowledgement=row.acknowledgement)
        return Parcel(row.topic, row.created_by, words, row, self.settings)


class Look:
    """One look at one target of a self-share."""

    def __init__(self, one: Running, target: Any, floors: Floors | None, using: str) -> None:
        self._one = one
        self._target = target
        self._floors = floors
        self._using = using

    @cached_property
    def _reference(self) -> TargetReference:
        return reference(self._target)

    def share(self) -> None:
        """Put what is new in the outbox, each part in a transaction with the note that it is shared.

        Raises InvalidEventError where there is something new and the target's names can't travel.
        """
        if Kind.TARGET in self._one.kinds:
            self._share_target()
        for datums in (each for each in DATUMS if each.kind in self._one.kinds):
            while self._share_datums(datums):
                pass
        if Kind.DATA_PRODUCT in self._one.kinds:
            for product in self._new(own(ProductModel.objects.all())):
                self._share_product(product)

    def _share_target(self) -> None:
        pk = self._target.pk
        if not own_targets([pk]) or self._one.left_out.waits(kind=Kind.TARGET, target=pk):
            return
        try:
            body = target_body(self._target)
        except InvalidEventError as error:
            self._one.left_out.add(str(error), kind=Kind.TARGET, target=pk)
            return
        self._one.left_out.settle(kind=Kind.TARGET, target=pk)
        content = digest(body)
        state = self._one.row.targets.filter(target_id=pk).first()
        if state is not None and state.content == content:
            return
        parcel = self._one.parcel()
        parcel.add(body, target_pk=pk)
        with writing(self._using):
            self._one.row.targets.update_or_create(target_id=pk, defaults={"content": content})
            parcel.write(self._using)

    def _share_datums(self, datums: Datums) -> bool:
        """Share some of the new datums of one kind; return whether there may be more."""
        at_once = min(_ROWS_AT_ONCE, _EVENTS_AT_ONCE * datums.an_event)
        rows = self._new(datums.own()).order_by("timestamp", "pk")[:at_once]
        found = columns_of(rows, ("pk", *datums.columns))
        if not found["pk"]:
            return False
        more = len(found["pk"]) == at_once
        if more:  # what is of the last one's time goes with what of that time is left
            times = found["timestamp"]
            end = times.index(times[-1]) or at_once
            found = {name: column[:end] for name, column in found.items()}
        parcel = self._one.parcel()
        for body in datum_bodies(datums, self._reference, found, parcel.left_out):
            parcel.add(body, target_pk=self._target.pk)
        self._write(parcel, datums.model, found["pk"])
        return more

    def _share_product(self, product: Any) -> None:
        place = {"kind": Kind.DATA_PRODUCT, "target": self._target.pk, "product": product.pk}
        try:
            body = product_body(product, self._reference, process=not is_read_from(product, self._one.kinds))
        except InvalidEventError as error:
            self._one.left_out.add(str(error), **place)
            return
        parcel = self._one.parcel()
        parcel.add(body, target_pk=self._target.pk)
        self._write(parcel, ProductModel, [product.pk])
        self._one.left_out.settle(**place)

    def _new(self, rows: Any) -> Any:
        """Return those of ``rows`` that are new, of this target, and may be seen by the one who lets it share."""
        unshared = Unshared(rows, self._one.row.topic, self._one.now)
        found = unshared.rows.filter(target_id=self._target.pk)
        if self._floors is not None:
            found = found.filter(pk__gt=self._floors.of(unshared.model))
        return visible(self._one.row.created_by, found)

    def _write(self, parcel: Parcel, model: Any, keys: Collection[int]) -> None:
        label, topic = model._meta.label_lower, self._one.row.topic
        try:
            with writing(self._using):
                Shared.objects.bulk_create(
                    [Shared(topic=topic, model=label, key=key) for key in keys], batch_size=_ROWS_AT_ONCE
                )
                receipt = parcel.write(self._using)
        except IntegrityError:
            log.warning("self_share.by_another", self_share=self._one.row.pk)  # a second relay, for a moment
            return
        log.info(
            "self_share.shared", self_share=self._one.row.pk, topic=topic, target=self._target.name,
            events=receipt.events, datums=receipt.points, left_out=receipt.left_out,
        )  # fmt: skip


def is_read_from(product: Any, kinds: Collection[Kind]) -> bool:
    """Return whether the datums of a product go as well, with these kinds, so that nobody has to process it again."""
    shared = [each for each in DATUMS if each.kind in kinds]
    return any(product.data_product_type == str(each.kind) for each in shared) or any(
        each.own().filter(data_product_id=product.pk).exists() for each in shared
    )


class Unshared:
    """Those of ``rows`` (a queryset) that were not shared to a topic by themselves, and may be tried now."""

    def __init__(self, rows: Any, topic: str, now: datetime) -> None:
        self.model = rows.model
        shared = Shared.objects.filter(topic=topic, model=self.model._meta.label_lower, key=OuterRef("pk"))
        self.rows = rows.exclude(Exists(shared))
        if self.model is ProductModel:
            self.rows = self.rows.exclude(Exists(waiting_products(topic, now)))
