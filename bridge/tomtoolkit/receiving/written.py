"""What the bridge wrote into the TOM, by model and key: it is never published back."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from bridge.tomtoolkit import models


def note(using: str, model: Any, written: Iterable[tuple[int, UUID]]) -> None:
    """Note rows of ``model``, each with its key and the event that it came with; those noted already stay."""
    rows = [models.Written(model=model._meta.label_lower, key=key, event_id=event_id) for key, event_id in written]
    models.Written.objects.using(using).bulk_create(rows, ignore_conflicts=True)


def forget(using: str, model: Any, keys: Iterable[int]) -> None:
    """Forget rows that are no more."""
    models.Written.objects.using(using).filter(model=model._meta.label_lower, key__in=list(keys)).delete()


def is_written(using: str, model: Any, key: int) -> bool:
    """Return whether the bridge wrote that row."""
    return models.Written.objects.using(using).filter(model=model._meta.label_lower, key=key).exists()
