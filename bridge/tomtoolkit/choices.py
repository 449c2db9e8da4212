"""Which target a person chose for a shared name: where several match, or where the positions disagree."""

from collections.abc import Iterable

from django.db import DEFAULT_DB_ALIAS

from bridge.names import simplify, simplify_all
from bridge.tomtoolkit.database import MANY, writing
from bridge.tomtoolkit.models import Choice


def choose(name: str, target_pk: int, chosen_by: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Remember that what is shared as ``name`` means the target ``target_pk``, in place of what was chosen before."""
    with writing(using):
        Choice.objects.using(using).update_or_create(
            simple=simplify(name), defaults={"name": name, "target_id": target_pk, "chosen_by": chosen_by}
        )


def forget(choice_pk: int, using: str = DEFAULT_DB_ALIAS) -> None:
    """Take a choice back; what was applied by it stays."""
    with writing(using):
        Choice.objects.using(using).filter(pk=choice_pk).delete()


def targets_chosen_for(using: str, names: Iterable[str]) -> set[int]:
    """Return the primary keys of the targets that were chosen for any of ``names``."""
    wanted = list(simplify_all(names))
    found: set[int] = set()
    for first in range(0, len(wanted), MANY):
        rows = Choice.objects.using(using).filter(simple__in=wanted[first : first + MANY])
        found |= set(rows.values_list("target_id", flat=True))
    return found
