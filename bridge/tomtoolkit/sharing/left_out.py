"""What a self-share could not share: remembered, shown, and tried again at growing intervals."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db.models import OuterRef

from bridge.tomtoolkit.database import MANY, chunks, writing
from bridge.tomtoolkit.models import LeftOut, SelfShare

log = structlog.get_logger(__name__)

_FIRST = timedelta(minutes=1)
_LONGEST = timedelta(hours=1)
_LONGEST_REASON = 500

Place = tuple[str, int | None, int | None]
"""Kind, target and product; empty kind: all that is new of the target."""


class LeftOuts:
    """What is left out of one self-share, as it is at one look."""

    def __init__(self, using: str, row: SelfShare, now: datetime) -> None:
        self._using = using
        self._row = row
        self._now = now
        self._known: dict[Place, LeftOut] = {
            (one.kind, one.target_id, one.product_id): one for one in row.left_out.all()
        }

    def add(self, reason: str, *, kind: str = "", target: int | None = None, product: int | None = None) -> None:
        """Note that something is left out, and for how long."""
        place = (kind, target, product)
        one = self._known.get(place)
        if one is None:
            one = LeftOut(
                self_share=self._row, kind=kind, target_id=target, product_id=product, since=self._now, tries=0
            )
        one.reason = reason[:_LONGEST_REASON]
        one.due = self._now + min(_FIRST * 2 ** min(one.tries, 20), _LONGEST)
        one.tries += 1
        with writing(self._using):
            one.save(using=self._using)
        self._known[place] = one
        log.warning(
            "self_share.left_out", self_share=self._row.pk, message=reason, kind=kind, target=target, product=product,
            tries=one.tries, again_at=one.due.isoformat(),
        )  # fmt: skip

    def settle(self, *, kind: str = "", target: int | None = None, product: int | None = None) -> None:
        """Forget that something was left out: it is shared."""
        if (one := self._known.pop((kind, target, product), None)) is not None:
            with writing(self._using):
                LeftOut.objects.using(self._using).filter(pk=one.pk).delete()

    def keep(self, members: Collection[int]) -> None:
        """Forget what was left out of targets that are no longer ``members``."""
        gone = [place for place in self._known if place[1] is not None and place[1] not in members]
        for chunk in chunks([self._known.pop(place).pk for place in gone], MANY):
            with writing(self._using):
                LeftOut.objects.using(self._using).filter(pk__in=chunk).delete()

    @property
    def due(self) -> set[int]:
        """The targets of which something is to be tried again."""
        return {one.target_id for one in self._known.values() if one.target_id is not None and one.due <= self._now}

    @property
    def waiting(self) -> set[int | None]:
        """The targets all of which is left out, and not to be tried again yet."""
        return {target for (kind, target, _), one in self._known.items() if not kind and one.due > self._now}

    def waits(self, *, kind: str, target: int | None = None) -> bool:
        """Return whether this is left out, and not to be tried again yet."""
        one = self._known.get((kind, target, None))
        return one is not None and one.due > self._now


def waiting_products(topic: str, now: datetime) -> Any:
    """Return a subquery that tells of a data product (the outer row) that it is not to be tried again yet."""
    return LeftOut.objects.filter(self_share__topic=topic, product_id=OuterRef("pk"), due__gt=now)
