"""Which target a person chose for a shared name: where several match, where the positions disagree, or the digits.

A choice is for one spelling (:func:`bridge.names.spelling`): what was said of ``M 1-1`` says nothing of ``M 11``.
"""

from collections.abc import Sequence

from django.db import DEFAULT_DB_ALIAS, connections

from bridge.names import spelling
from bridge.tomtoolkit.database import among, writing
from bridge.tomtoolkit.models import Choice

# All SQL below is put together from Django's own names of tables; values go in as parameters.
# ruff: noqa: S608


def choose(name: str, target_pk: int, chosen_by: str, using: str = DEFAULT_DB_ALIAS) -> None:
    """Remember that what is shared as ``name`` means the target ``target_pk``, in place of what was chosen before."""
    with writing(using):
        Choice.objects.using(using).update_or_create(
            simple=spelling(name), defaults={"name": name, "target_id": target_pk, "chosen_by": chosen_by}
        )


def forget(choice_pk: int, using: str = DEFAULT_DB_ALIAS) -> None:
    """Take a choice back; what was applied by it stays."""
    with writing(using):
        Choice.objects.using(using).filter(pk=choice_pk).delete()


def targets_chosen_for(using: str, wanted: Sequence[Sequence[str]]) -> list[set[int]]:
    """Return for each of these sequences of names the primary keys of the targets that were chosen for any of them."""
    spelled = [{spelling(name) for name in names} for names in wanted]
    one_of, value = among(using, sorted(set().union(*spelled)))
    with connections[using].cursor() as cursor:
        cursor.execute(f"SELECT name, target_id FROM {Choice._meta.db_table} WHERE simple {one_of}", [value])
        # By the name, as a release before kept what it was simplified to.
        chosen = {spelling(name): target for name, target in cursor.fetchall()}
    return [{chosen[name] for name in names & chosen.keys()} for names in spelled]
