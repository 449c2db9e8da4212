"""Which target a person chose for a shared name: where several match, where the positions disagree, or the digits.

A choice is for one spelling (:func:`bridge.names.spelling`): what was said of ``M 1-1`` says nothing of ``M 11``.
"""

from collections.abc import Iterable, Mapping

from django.db import DEFAULT_DB_ALIAS

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


def query(using: str, names: Iterable[str]) -> tuple[str, list[object]]:
    """Return SQL for the keys of the targets that were chosen for one of these names."""
    one_of, value = among(using, {spelling(name) for name in names})
    return f"SELECT target_id FROM {Choice._meta.db_table} WHERE simple {one_of}", [value]


def is_for(chosen_for: Mapping[str, str], names: Iterable[str]) -> bool:
    """Return whether what a target was chosen for is one of these names.

    By the name as it was shared, too: a release before kept what it was simplified to.
    """
    return bool(chosen_for) and any(
        spelled in chosen_for and spelling(chosen_for[spelled]) == spelled for spelled in map(spelling, names)
    )
