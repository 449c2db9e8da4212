"""Options that choose which records are listed."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from bridge.ledger.port import Filter


class KindName(StrEnum):
    """The kinds of events, as :class:`bridge.events.Kind`, which takes time to import."""

    TARGET = "target"
    LIST = "list"
    PHOTOMETRY = "photometry"
    SPECTROSCOPY = "spectroscopy"
    ASTROMETRY = "astrometry"
    REDUCED_DATUM = "reduced-datum"
    DATA_PRODUCT = "data-product"


class OutcomeName(StrEnum):
    """The outcomes, as :class:`bridge.ledger.port.Outcome`, which takes time to import."""

    APPLIED = "applied"
    DUPLICATE = "duplicate"
    PARKED = "parked"
    DEAD = "dead"
    IGNORED = "ignored"


Target = Annotated[str, typer.Option(help="Only of this target or list.")]
Origin = Annotated[str, typer.Option(help="Only from this TOM (its origin).")]
Kind = Annotated[KindName | None, typer.Option(help="Only this kind.")]
Topic = Annotated[str, typer.Option(help="Only on this topic.")]
Most = Annotated[int, typer.Option("--most", min=1, help="How many at most.")]


def chosen(
    *,
    target: str = "",
    origin: str = "",
    kind: KindName | None = None,
    topic: str = "",
    outcome: OutcomeName | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int = 1000,
) -> "Filter":
    """Return the ledger's filter for these options."""
    from bridge.ledger.port import Filter, Outcome

    return Filter(
        target=target,
        origin=origin,
        kind=str(kind or ""),
        topic=topic,
        outcome=Outcome(outcome) if outcome is not None else None,
        since=since,
        until=until,
        most=most,
    )
