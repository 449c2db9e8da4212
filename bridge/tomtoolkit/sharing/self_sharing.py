"""Targets, and members of target lists, that share themselves: what is new is found, however it was written.

No signal tells of what ``bulk_create``, a data processor or another process writes. So the relay looks, on a period,
for rows that have not been shared to the topic (:class:`~bridge.tomtoolkit.models.Shared`). "All keys above the last
one seen" would miss rows: keys grow, but a transaction that took a smaller one may be committed later. And to compare
all rows of all targets each time would cost too much. So there are two looks:

* The near look, each time: rows above a *floor*, a key that was the newest one an hour ago or more
  (:mod:`bridge.tomtoolkit.sharing.floors`). All that was committed within that time after its key was taken is found
  by it.
* The whole look, once a day for each target, and once after it joined or its self-share rested: all its rows. It finds
  what took longer, and what came by other ways (the rows of a target that was merged into this one, a lost alias).

Both compare by key with what was shared and with what came over the bridge, so none sends a row twice, and what came is
not sent back. Targets themselves are compared by a hash of their content.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError
from django.db.models import Exists, OuterRef
from tom_dataproducts.models import DataProduct as ProductModel
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from bridge.errors import AwayError, InvalidEventError
from bridge.events import MAX_MEMBERS, Kind, ListMember, TargetList
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.database import MANY, writing
from bridge.tomtoolkit.models import SelfShare, Shared
from bridge.tomtoolkit.permissions import refusal, shareable, visible
from bridge.tomtoolkit.rows.bodies import (
    DATUMS,
    KINDS,
    Datums,
    chunks,
    datum_bodies,
    is_own_list,
    own,
    own_targets,
    product_body,
    reference,
    target_body,
    target_rows,
)
from bridge.tomtoolkit.rows.echoes import digest
from bridge.tomtoolkit.sharing.floors import Floors
from bridge.tomtoolkit.sharing.outbox import Parcel, Words

log = structlog.get_logger(__name__)

WHOLE_EVERY = timedelta(days=1)
_LOOK_S = 5.0
"""After that time a look leaves the rest to the next one, so that the outbox has its turn."""
_ROWS_AT_ONCE = 5_000
_EVENTS_AT_ONCE = 100
_TARGETS_AT_ONCE = 2_000


@dataclass
class _Running:
    """A self-share that shares now."""

    row: SelfShare
    kinds: frozenset[Kind]
    members: set[int]
    settings: conf.AppSettings
    whole: set[int] = field(default_factory=set)
    """Members all of whose rows are to be compared."""
    near: set[int] = field(default_factory=set)
    """Members that have something new."""

    def parcel(self) -> Parcel:
        """Return an empty share of this self-share."""
        row = self.row
        words = Words(title=row.title, message=row.message, acknowledgement=row.acknowledgement)
        return Parcel(row.topic, row.created_by, words, row, self.settings)


class SelfSharing:
    """Puts what is new of what shares itself in the outbox. To be called by one process at a time."""

    def __init__(self, using: str) -> None:
        self._using = using

    def look(self) -> bool:
        """Look once; return whether there is more than there was time for. Raises AwayError."""
        now = datetime.now(UTC)
        floors = Floors(self._using, now)
        running = self._running(now)
        self._find(running, floors)
        deadline = time.monotonic() + _LOOK_S
        whole = True
        for one in running:
            try:
                whole = self._share(one, floors, now, deadline) and whole
            except AwayError:
                raise
            except Exception:  # one self-share must not keep the outbox of all others from its turn
                whole = False
                log.exception("self_share.failed", self_share=one.row.pk)
        self._note(running, now)
        if whole:
            floors.rise()
        return not whole and time.monotonic() >= deadline

    def _note(self, running: Collection[_Running], now: datetime) -> None:
        """Write when was looked last, to the minute: for people, and for the order of those there was no time for."""
        long_ago = now - timedelta(minutes=1)
        keys = [one.row.pk for one in running if one.row.looked_at is None or one.row.looked_at < long_ago]
        for chunk in chunks(keys, MANY):
            with writing(self._using):
                SelfShare.objects.filter(pk__in=chunk).update(looked_at=now)

    # -- which ones ---------------------------------------------------------------------------------------------------

    def _running(self, now: datetime) -> list[_Running]:
        """Return the self-shares that share now, those that waited longest first; tell why the others don't."""
        found = []
        settings = conf.load()
        rows = SelfShare.objects.select_related("target", "target_list", "created_by").order_by("looked_at", "pk")
        for row in rows:
            why = _rests(row, now, settings)
            if why != row.rests:
                self._rest(row, why)
            if not why:
                kinds = frozenset(Kind(kind) for kind in row.kinds if kind in set(Kind)) or frozenset(KINDS)
                found.append(_Running(row, kinds, _members(row), settings))
        return found

    def _rest(self, row: SelfShare, why: str) -> None:
        log.info("self_share.rests" if why else "self_share.runs", self_share=row.pk, topic=row.topic, reason=why)
        with writing(self._using):
            SelfShare.objects.filter(pk=row.pk).update(rests=why[:500])
            if not why:  # what came while it rested may be below the floor by now
                row.targets.update(looked_at=None)

    # -- what is new --------------------------------------------------------------------------------------------------

    def _find(self, running: Collection[_Running], floors: Floors) -> None:
        """Say which members have something new, in a few queries for all self-shares of a topic."""
        for one in running:
            recent = one.row.targets.filter(looked_at__gte=floors.now - WHOLE_EVERY)
            known = set(recent.values_list("target_id", flat=True))
            one.whole = one.members - known
            for chunk in chunks(sorted(known - one.members), MANY):  # one that left may join again
                with writing(self._using):
                    one.row.targets.filter(target_id__in=chunk).delete()
        by_topic: dict[str, list[_Running]] = defaultdict(list)
        for one in running:
            by_topic[one.row.topic].append(one)
        for topic, together in by_topic.items():
            for datums in DATUMS:
                self._add_near(
                    [one for one in together if datums.kind in one.kinds], _Unshared(datums.own(), topic), floors
                )
            self._add_near(
                [one for one in together if Kind.DATA_PRODUCT in one.kinds],
                _Unshared(own(ProductModel.objects.all()), topic),
                floors,
            )
            changing = [one for one in together if Kind.TARGET in one.kinds]
            changed = _changed(set().union(*(one.members for one in changing)), floors.since)
            for one in changing:
                one.near |= one.members & changed

    def _add_near(self, together: Collection[_Running], unshared: "_Unshared", floors: Floors) -> None:
        members = set().union(*(one.members - one.whole for one in together))
        found: set[int] = set()
        for chunk in chunks(sorted(members), _TARGETS_AT_ONCE):
            rows = unshared.rows.filter(target_id__in=chunk, pk__gt=floors.of(unshared.model))
            found |= set(rows.order_by().values_list("target_id", flat=True).distinct())
        for one in together:
            one.near |= one.members & found

    # -- sharing it ---------------------------------------------------------------------------------------------------

    def _share(self, one: _Running, floors: Floors, now: datetime, deadline: float) -> bool:
        """Share what is new of one self-share; return whether there was time for all."""
        if one.row.target_list is not None and Kind.LIST in one.kinds:
            self._share_list(one)
        wanted = sorted(one.near - one.whole) + sorted(one.whole)
        for chunk in chunks(wanted, MANY):
            allowed = shareable(one.row.created_by, chunk)
            rows = target_rows(allowed)
            for pk in chunk:
                if time.monotonic() >= deadline:
                    return False
                if pk in rows:
                    look = _Look(one, rows[pk], None if pk in one.whole else floors, self._using)
                    look.share()
                if pk in one.whole:
                    with writing(self._using):
                        one.row.targets.update_or_create(target_id=pk, defaults={"looked_at": now})
        return True

    def _share_list(self, one: _Running) -> None:
        """Share the list anew where its name or its members have changed; one that came over the bridge never."""
        row = one.row.target_list
        if not is_own_list(row):
            return
        members = sorted(shareable(one.row.created_by, one.members))
        content = hashlib.sha256(json.dumps([row.name, members]).encode()).hexdigest()
        if content == one.row.content:
            return
        parcel = one.parcel()
        for chunk in chunks(members, MAX_MEMBERS):
            references = [reference(target) for _, target in sorted(target_rows(chunk).items())]
            body = TargetList(name=row.name, members=tuple(ListMember(reference=each) for each in references))
            parcel.add(body, datums=len(references))
        with writing(self._using):
            SelfShare.objects.filter(pk=one.row.pk).update(content=content)
            parcel.write(self._using)


class _Look:
    """One look at one target of a self-share."""

    def __init__(self, one: _Running, target: Any, floors: Floors | None, using: str) -> None:
        self._one = one
        self._target = target
        self._reference = reference(target)
        self._floors = floors
        self._using = using

    def share(self) -> None:
        """Put what is new in the outbox, each part in a transaction with the note that it is shared."""
        if Kind.TARGET in self._one.kinds:
            self._share_target()
        for datums in (each for each in DATUMS if each.kind in self._one.kinds):
            while self._share_datums(datums):
                pass
        if Kind.DATA_PRODUCT in self._one.kinds:
            for product in self._new(own(ProductModel.objects.all())):
                self._share_product(product)

    def _share_target(self) -> None:
        if not own_targets([self._target.pk]):
            return
        try:
            body = target_body(self._target)
        except InvalidEventError as error:
            log.warning("self_share.left_out", self_share=self._one.row.pk, message=str(error))
            return
        content = digest(body)
        state = self._one.row.targets.filter(target_id=self._target.pk).first()
        if state is not None and state.content == content:
            return
        parcel = self._one.parcel()
        parcel.add(body, target_pk=self._target.pk)
        with writing(self._using):
            self._one.row.targets.update_or_create(target_id=self._target.pk, defaults={"content": content})
            parcel.write(self._using)

    def _share_datums(self, datums: Datums) -> bool:
        """Share some of the new datums of one kind; return whether there may be more."""
        at_once = min(_ROWS_AT_ONCE, _EVENTS_AT_ONCE * datums.an_event)
        rows = self._new(datums.own()).order_by("timestamp", "pk").values("pk", *datums.columns)[:at_once]
        found = list(rows)
        if not found:
            return False
        parcel = self._one.parcel()
        for body, number in datum_bodies(datums, self._reference, found, parcel.left_out):
            parcel.add(body, target_pk=self._target.pk, datums=number)
        self._write(parcel, datums.model, [row["pk"] for row in found])
        return len(found) == at_once

    def _share_product(self, product: Any) -> None:
        parcel = self._one.parcel()
        try:
            body = product_body(product, self._reference, process=not self._is_read_from(product))
        except InvalidEventError as error:
            log.warning("self_share.left_out", self_share=self._one.row.pk, message=str(error))
            if isinstance(error.__cause__, OSError):
                return  # the next look tries again: the storage may be away
        else:
            parcel.add(body, target_pk=self._target.pk)
        self._write(parcel, ProductModel, [product.pk])

    def _is_read_from(self, product: Any) -> bool:
        """Return whether the datums of a product go as well, so that nobody has to process it again."""
        kinds = [each for each in DATUMS if each.kind in self._one.kinds]
        return any(product.data_product_type == str(each.kind) for each in kinds) or any(
            each.own().filter(data_product_id=product.pk).exists() for each in kinds
        )

    def _new(self, rows: Any) -> Any:
        """Return those of ``rows`` that are new, of this target, and may be seen by the one who lets it share."""
        unshared = _Unshared(rows, self._one.row.topic)
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


class _Unshared:
    """Those of ``rows`` (a queryset) that were not shared to a topic by themselves."""

    def __init__(self, rows: Any, topic: str) -> None:
        self.model = rows.model
        shared = Shared.objects.filter(topic=topic, model=self.model._meta.label_lower, key=OuterRef("pk"))
        self.rows = rows.exclude(Exists(shared))


def _rests(row: SelfShare, now: datetime, settings: conf.AppSettings) -> str:
    """Return why a self-share rests, for people; empty where it shares."""
    if not row.active:
        return "switched off"
    if row.expires is not None and row.expires <= now:
        return "expired"
    if row.created_by is None:
        return "the account of the person who made it is gone"
    return refusal(row.created_by, row.topic, row.target, settings=settings)


def _members(row: SelfShare) -> set[int]:
    if row.target_list is None:
        return {row.target_id}
    return set(row.target_list.targets.values_list("pk", flat=True))


def _changed(members: Iterable[int], since: datetime) -> set[int]:
    """Return those of these targets that were saved, or got a name, since then."""
    found: set[int] = set()
    for chunk in chunks(sorted(members), _TARGETS_AT_ONCE):
        saved = BaseTarget.objects.filter(pk__in=chunk, modified__gte=since)
        named = TargetName.objects.filter(target_id__in=chunk, modified__gte=since)
        found |= set(saved.values_list("pk", flat=True)) | set(named.values_list("target_id", flat=True))
    return found
