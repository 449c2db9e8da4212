"""Which events in the ledger are of one target, whatever it is called by now. Each look is one into an index."""

from collections.abc import Iterator
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from tom_dataproducts.models import DataProduct as ProductModel
from tom_targets.base_models import BaseTarget

from bridge.events import Kind
from bridge.names import simplify_all
from bridge.tomtoolkit import models
from bridge.tomtoolkit.ledger.rows import LONGEST_INDEXED
from bridge.tomtoolkit.rows.bodies import DATUMS
from bridge.tomtoolkit.rows.noted import event_of, events_of_rows, run_of

_MOST_LOOKED_AT = 1000
"""Rows of a model by whose events former names of their target are looked for: names are few where rows are many."""


def events_of(target: Any, most: int) -> list[models.Entry]:
    """Return the newest ``most`` events that are of a target, the newest first.

    Those that came by one of its names; the one that made it, which may be a list; and those that came by a name which
    it has no more, as far as their outcome says that they went to it: another target may have that name by now.
    """
    names = {name[:LONGEST_INDEXED] for name in simplify_all([target.name, *_aliases(target)])}
    made = _made(target.pk)
    former = {row.simple_subject for row in made if row.kind != Kind.LIST}.union(_former_names(target.pk)) - names
    rows = models.Entry.objects.exclude(kind=Kind.LIST).order_by("-published_at", "-pk")
    went_there = f'"target": {{"pk": {target.pk},'  # as a detail is written (bridge.ledger.rules.detail_text)
    found = [
        *rows.filter(simple_subject__in=names)[:most],
        *(rows.filter(simple_subject__in=former, detail__contains=went_there)[:most] if former else ()),
        *made,
    ]
    once = {row.pk: row for row in found}
    return sorted(once.values(), key=lambda row: (row.published_at, row.pk), reverse=True)[:most]


def _made(pk: int) -> list[models.Entry]:
    """Return what is recorded of the event that made the target; nothing where it did not come over the bridge."""
    run = run_of(DEFAULT_DB_ALIAS, BaseTarget, pk)
    if run is None:
        return []
    event = event_of(run, pk)
    # By the id alone: SQLite would take the index of origins, and look at all that came from this one.
    found = models.Entry.objects.filter(event_id=event.id)
    return [row for row in found if event.origin in ("", row.origin)]  # an earlier release noted no origin


def _former_names(pk: int) -> Iterator[str]:
    """Yield the simplified names by which the target's data and files came."""
    for model in dict.fromkeys([*(one.model for one in DATUMS), ProductModel]):
        some = model.objects.filter(target_id=pk).values_list("pk", flat=True)[:_MOST_LOOKED_AT]
        events = [event.id for event in events_of_rows(DEFAULT_DB_ALIAS, model, list(some))]
        yield from models.Entry.objects.filter(event_id__in=events).values_list("simple_subject", flat=True).distinct()


def _aliases(target: Any) -> list[str]:
    return [alias.name for alias in target.aliases.all()]
