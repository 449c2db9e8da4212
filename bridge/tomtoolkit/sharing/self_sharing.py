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
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from tom_dataproducts.models import DataProduct as ProductModel
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from bridge.errors import AwayError, InvalidEventError, StopError
from bridge.events import MAX_MEMBERS, Kind, ListMember, TargetReference
from bridge.tomtoolkit import conf
from bridge.tomtoolkit.database import MANY, chunks, translating, words, writing
from bridge.tomtoolkit.models import SelfShare
from bridge.tomtoolkit.permissions import refusal, shareable
from bridge.tomtoolkit.rows.bodies import DATUMS, KINDS, is_own_list, list_body, own, reference
from bridge.tomtoolkit.rows.targets import local_targets
from bridge.tomtoolkit.sharing.floors import Floors
from bridge.tomtoolkit.sharing.left_out import LeftOuts
from bridge.tomtoolkit.sharing.look import Look, Running, Unshared

log = structlog.get_logger(__name__)

WHOLE_EVERY = timedelta(days=1)
_LOOK_S = 5.0
"""After that time a look leaves the rest to the next one, so that the outbox has its turn."""
_TARGETS_AT_ONCE = 2_000


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
            if not one.left_out.waits(kind=""):
                shared = self._guarded(one, partial(self._share, one, floors, now, deadline))
                whole = bool(shared) and whole
        self._note(running, now)
        if whole:
            floors.rise()
        return not whole and time.monotonic() >= deadline

    def _note(self, running: Collection[Running], now: datetime) -> None:
        """Write when was looked last, to the minute: for people, and for the order of those there was no time for."""
        long_ago = now - timedelta(minutes=1)
        keys = [one.row.pk for one in running if one.row.looked_at is None or one.row.looked_at < long_ago]
        for chunk in chunks(keys, MANY):
            with writing(self._using):
                SelfShare.objects.filter(pk__in=chunk).update(looked_at=now)

    # -- which ones ---------------------------------------------------------------------------------------------------

    def _running(self, now: datetime) -> list[Running]:
        """Return the self-shares that share now, those that waited longest first; tell why the others don't."""
        found = []
        settings = conf.load()
        rows = SelfShare.objects.select_related("target", "target_list", "created_by").order_by("looked_at", "pk")
        for row in rows:
            why = _rests(row, now, settings)
            if why != row.rests:
                self._rest(row, why)
            if not why and not _is_too_soon(row, now, settings):
                kinds = frozenset(Kind(kind) for kind in row.kinds) or frozenset(KINDS)
                left_out = LeftOuts(self._using, row, now)
                found.append(Running(row, kinds, _members(row), settings, now, left_out))
        return found

    def _rest(self, row: SelfShare, why: str) -> None:
        log.info("self_share.rests" if why else "self_share.runs", self_share=row.pk, topic=row.topic, reason=why)
        with writing(self._using):
            SelfShare.objects.filter(pk=row.pk).update(rests=why[:500])
            if not why:  # what came while it rested may be below the floor by now
                row.targets.update(looked_at=None)

    # -- what is new --------------------------------------------------------------------------------------------------

    def _find(self, running: Collection[Running], floors: Floors) -> None:
        """Say which members have something new, in a few queries for all self-shares of a topic."""
        for one in running:
            one.left_out.keep(one.members)
            recent = one.row.targets.filter(looked_at__gte=floors.now - WHOLE_EVERY)
            known = set(recent.values_list("target_id", flat=True))
            one.whole = one.members - known
            for chunk in chunks(sorted(known - one.members), MANY):  # one that left may join again
                with writing(self._using):
                    one.row.targets.filter(target_id__in=chunk).delete()
        by_topic: dict[str, list[Running]] = defaultdict(list)
        for one in running:
            by_topic[one.row.topic].append(one)
        for topic, together in by_topic.items():
            for datums in DATUMS:
                self._add_near(
                    [one for one in together if datums.kind in one.kinds],
                    Unshared(datums.own(), topic, floors.now),
                    floors,
                )
            self._add_near(
                [one for one in together if Kind.DATA_PRODUCT in one.kinds],
                Unshared(own(ProductModel.objects.all()), topic, floors.now),
                floors,
            )
            changing = [one for one in together if Kind.TARGET in one.kinds]
            changed = _changed(set().union(*(one.members for one in changing)), floors.since)
            for one in changing:
                one.near |= one.members & changed
        for one in running:
            one.near |= one.members & one.left_out.due
            one.near -= one.left_out.waiting
            one.whole -= one.left_out.waiting

    def _add_near(self, together: Collection[Running], unshared: Unshared, floors: Floors) -> None:
        members = set().union(*(one.members - one.whole for one in together))
        found: set[int] = set()
        for chunk in chunks(sorted(members), _TARGETS_AT_ONCE):
            rows = unshared.rows.filter(target_id__in=chunk, pk__gt=floors.of(unshared.model))
            found |= set(rows.order_by().values_list("target_id", flat=True).distinct())
        for one in together:
            one.near |= one.members & found

    # -- sharing it ---------------------------------------------------------------------------------------------------

    def _share(self, one: Running, floors: Floors, now: datetime, deadline: float) -> bool:
        """Share what is new of one self-share; return whether there was time for all."""
        if one.row.target_list is not None and Kind.LIST in one.kinds and not one.left_out.waits(kind=Kind.LIST):
            self._guarded(one, partial(self._share_list, one), kind=Kind.LIST)
        wanted = sorted(one.near - one.whole) + sorted(one.whole)
        again = one.left_out.due
        for chunk in chunks(wanted, MANY):
            rows = local_targets(self._using, shareable(one.row.created_by, chunk))
            for pk in chunk:
                if time.monotonic() >= deadline:
                    return False
                if pk in rows:
                    near = None if pk in one.whole or pk in again else floors
                    self._guarded(one, Look(one, rows[pk], near, self._using).share, target=pk)
                if pk in one.whole:
                    with writing(self._using):
                        one.row.targets.update_or_create(target_id=pk, defaults={"looked_at": now})
        return True

    def _guarded(self, one: Running, share: Callable[[], bool | None], **place: Any) -> bool | None:
        """Share one thing; where that fails, it is left out, and keeps nothing else from being shared."""
        try:
            with translating(self._using):
                done = share()
        except (AwayError, StopError):
            raise
        except InvalidEventError as error:
            one.left_out.add(str(error), **place)
        except Exception as error:
            log.exception("self_share.failed", self_share=one.row.pk, **place)
            one.left_out.add(f"it can't be shared: {words(error)}", **place)
        else:
            one.left_out.settle(**place)
            return done
        return None

    def _share_list(self, one: Running) -> None:
        """Share the list anew where its name or its members have changed; one that came over the bridge never."""
        row = one.row.target_list
        if not is_own_list(row):
            return
        members = shareable(one.row.created_by, one.members)
        going = sorted(pk for pk in members if not one.left_out.waits(kind=Kind.LIST, target=pk))
        if _content(row, going) == one.row.content:
            return
        references = self._references(one, going)
        content = _content(row, sorted(references))
        if content == one.row.content:
            return
        parcel = one.parcel()
        for chunk in chunks(sorted(references), MAX_MEMBERS):
            parcel.add(list_body(row, (ListMember(reference=references[pk]) for pk in chunk)))
        with writing(self._using):
            SelfShare.objects.filter(pk=one.row.pk).update(content=content)
            parcel.write(self._using)

    def _references(self, one: Running, pks: Collection[int]) -> dict[int, TargetReference]:
        """Return these members as a list names them; one whose names can't travel is left out, and told as its own."""
        found = {}
        for chunk in chunks(sorted(pks), _TARGETS_AT_ONCE):
            for pk, target in local_targets(self._using, chunk).items():
                try:
                    found[pk] = reference(target)
                except InvalidEventError as error:
                    one.left_out.add(str(error), kind=Kind.LIST, target=pk)
                else:
                    one.left_out.settle(kind=Kind.LIST, target=pk)
        return found


def _content(row: Any, members: Sequence[int]) -> str:
    """Return what changes when a list is to be shared anew."""
    return hashlib.sha256(json.dumps([row.name, members]).encode()).hexdigest()


def _rests(row: SelfShare, now: datetime, settings: conf.AppSettings) -> str:
    """Return why a self-share rests, for people; empty where it shares."""
    if not row.active:
        return "switched off"
    if row.expires is not None and row.expires <= now:
        return "expired"
    if row.created_by is None:
        return "the account of the person who made it is gone"
    if unknown := [str(kind) for kind in row.kinds if kind not in set(KINDS)]:
        return f"it names kinds that this release doesn't know: {', '.join(unknown)}"
    return refusal(row.created_by, row.topic, row.target, settings=settings)


def _is_too_soon(row: SelfShare, now: datetime, settings: conf.AppSettings) -> bool:
    """Return whether what is new is to be gathered first: people read the messages of Hermes one by one.

    That is for less than the hour for which floors leave rows to the near look.
    """
    how = settings.publish.of(row.topic)
    wait = timedelta(seconds=how.every_s if how.format == "hermes" else 0)
    return row.looked_at is not None and now - row.looked_at < wait


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
