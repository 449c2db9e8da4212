"""What there is to share of a target, with counts and a preview."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.events import Kind
from bridge.tomtoolkit.pages import words
from bridge.tomtoolkit.permissions import visible
from bridge.tomtoolkit.rows.bodies import DATUMS, own

KINDS_OF_DATUMS = tuple(dict.fromkeys(one.kind for one in DATUMS))
_SHOWN_POINTS = 5


@dataclass(frozen=True)
class Offered:
    """One kind of datums that may be shared of a target."""

    kind: str
    name: str
    counted: str
    """The number with its word: "3 points"."""
    count: int
    received: int
    """How many more came over the bridge: they are not sent back."""
    first: datetime | None
    last: datetime | None
    preview: tuple[Any, ...]


def rows_of(user: Any, target: Any, kind: str) -> list[Any]:
    """Return querysets of all datums of a kind that ``user`` may see of ``target``."""
    return [
        visible(user, one.model.objects.filter(one.only, target_id=target.pk)) for one in DATUMS if one.kind == kind
    ]


def offered(user: Any, target: Any) -> list[Offered]:
    """Return what there is to share of ``target``, by kind, as far as ``user`` may see it; photometry in any case."""
    found = []
    for kind in KINDS_OF_DATUMS:
        everything = rows_of(user, target, kind)
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
            count=sum(counts),
            received=sum(rows.count() for rows in everything) - sum(counts),
            first=min(times, default=None),
            last=max(times, default=None),
            preview=tuple(preview[:_SHOWN_POINTS]),
        )
        if one.count or one.received or kind is Kind.PHOTOMETRY:
            found.append(one)
    return found


def _last(rows: Any) -> datetime:
    moment: datetime = rows.order_by("-timestamp").values_list("timestamp", flat=True)[0]
    return moment
