"""Which target a person chose for a shared name: where several match, or where the positions disagree."""

from collections.abc import Sequence

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


def targets_chosen_for(using: str, wanted: Sequence[Sequence[str]]) -> list[set[int]]:
    """Return for each of these sequences of names the primary keys of the targets that were chosen for any of them."""
    simple = [simplify_all(names) for names in wanted]
    every = list(frozenset().union(*simple))
    chosen: dict[str, int] = {}
    for first in range(0, len(every), MANY):
        rows = Choice.objects.using(using).filter(simple__in=every[first : first + MANY])
        chosen |= dict(rows.values_list("simple", "target_id"))
    return [{chosen[name] for name in names & chosen.keys()} for names in simple]
