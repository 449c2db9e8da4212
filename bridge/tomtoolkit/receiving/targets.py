"""Targets and target lists over the ORM."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections
from tom_dataproducts.models import DataProduct as ProductModel
from tom_targets.base_models import BaseTarget
from tom_targets.models import Target as TargetModel
from tom_targets.models import TargetExtra, TargetList, TargetName

from bridge.budget import Budget
from bridge.errors import RejectedError
from bridge.events import COORDINATE_FIELDS, EventRef, Target
from bridge.names import simplify, simplify_all
from bridge.tom.port import Additions, Creation, LocalTarget, NewTarget, Provenance, Written
from bridge.tomtoolkit import models
from bridge.tomtoolkit.database import MANY, among, let_in, lock_creation, refusing, select, translating, writing
from bridge.tomtoolkit.receiving import choices, written
from bridge.tomtoolkit.receiving.visibility import Visibility
from bridge.tomtoolkit.rows.kinds import MODELS
from bridge.tomtoolkit.rows.names import Names, by_rule, own_manager
from bridge.tomtoolkit.rows.targets import as_local, own_fields, targets_with_keys, with_keys

# All SQL below is put together from Django's own names of tables; values go in as parameters.
# ruff: noqa: S608

_WRITTEN = (
    *dict.fromkeys((BaseTarget, TargetModel)), TargetName, TargetExtra, TargetList, TargetList.targets.through,
    ProductModel, *MODELS.values(),
)  # fmt: skip
"""The models of the TOM that the bridge writes; a TOM's own target model has a table beside that of its base."""
_HANDLE = re.compile(r"(?P<pk>\d+):(?P<name>.*)", re.DOTALL)


class Targets:
    """The targets and lists of the TOM."""

    def __init__(self, using: str, names: Names, visibility: Visibility) -> None:
        self._using = using
        self._names = names
        self._visibility = visibility
        self._new_lists: set[int] = set()

    # -- reading ------------------------------------------------------------------------------------------------------

    def find_each(self, wanted: Sequence[Sequence[str]]) -> list[tuple[LocalTarget, ...]]:
        """Return for each of these sequences of names every target that has, or was chosen for, any of them."""
        every = {name for names in wanted for name in names}
        if not (simplified := simplify_all(every)):
            return [()] * len(wanted)
        named = self._names.find_each(wanted) if own_manager() else None
        if named is None:
            query, values = self._names.query(simplified, "{key}")
        else:
            query, values = with_keys(self._using, set().union(*named))
        chosen, of_chosen = choices.query(self._using, every)
        found = targets_with_keys(self._using, f"{query} UNION ALL {chosen}", [*values, *of_chosen])
        if named is None:
            named = by_rule(wanted, ((pk, simplify(name)) for pk, one in found.items() for name in one.target.names))
        meant = {pk: one.chosen_for for pk, one in found.items() if one.chosen_for}
        return [
            tuple(
                replace(found[pk].target, chosen=True) if pk in chosen_now else found[pk].target
                for pk in sorted((pks | chosen_now) & found.keys())
            )
            for names, pks in zip(wanted, named, strict=True)
            for chosen_now in [{pk for pk, chosen_for in meant.items() if choices.is_for(chosen_for, names)}]
        ]

    # -- writing ------------------------------------------------------------------------------------------------------

    def create(self, new: Sequence[NewTarget], budget: Budget) -> list[Creation]:
        """Create targets; what became of each, in the same order.

        Looked up, shown and put in lists all at once; saved one by one, for the TOM's own signals and hooks.
        """
        results: list[Creation] = []
        saved: list[tuple[NewTarget, Any]] = []
        with writing(self._using):
            lock_creation(self._using)
            taken = self._names.find_each([one.target.names for one in new])
            made: set[str] = set()
            for one, others in zip(new, taken, strict=True):
                budget.check()
                if others or self._is_among(one.target, made):
                    results.append(None)
                    continue
                try:
                    row = self._save(one.target, one.provenance)
                except RejectedError as error:
                    results.append(error)
                else:
                    saved.append((one, row))
                    made |= simplify_all(one.target.names)
                    results.append(Written(pk=row.pk))
            there = existing(self._using, [row.pk for _, row in saved if row.pk is not None])
            self._complete([(one, row) for one, row in saved if row.pk in there])
        return [_kept(result, there, str(one.provenance.event)) for one, result in zip(new, results, strict=True)]

    def _complete(self, saved: Sequence[tuple[NewTarget, Any]]) -> None:
        """Note targets that were saved, show them to the groups, and put them in their lists."""
        of_event: dict[EventRef, list[Any]] = {}
        of_topic: dict[str, list[Any]] = {}
        of_list: dict[str, list[tuple[int, Provenance]]] = {}
        for one, row in saved:
            of_event.setdefault(one.provenance.event, []).append(row)
            of_topic.setdefault(one.provenance.topic, []).append(row)
            for handle in one.lists:
                of_list.setdefault(handle, []).append((row.pk, one.provenance))
        notes = [note for event, rows in of_event.items() for note in written.notes(rows, event, BaseTarget)]
        written.note(self._using, BaseTarget, notes)
        for topic, rows in of_topic.items():
            self._visibility.show_targets(rows, topic)
        for handle, members in of_list.items():
            self._put(handle, [pk for pk, _ in members], members[0][1])

    def _is_among(self, target: Target, made: set[str]) -> bool:
        """Return whether a target of these simplified names, made in this call, matches; the TOM's manager may know."""
        if not made:
            return False
        return (
            bool(self._names.find(target.names)) if own_manager() else not made.isdisjoint(simplify_all(target.names))
        )

    def probe(self, *, writes: bool) -> None:
        """Raise TomAwayError where the database can't be read or, with ``writes``, not be written.

        What is written is committed, with the value that it has: a database that has no room, or is only read, may
        not notice before. A table that others are kept out of counts as well, whichever the bridge writes.
        """
        with translating(self._using):
            BaseTarget.objects.using(self._using).order_by("pk").values_list("pk").first()
        if writes:
            with writing(self._using):
                let_in(self._using, _WRITTEN)
                models.Installation.objects.using(self._using).update(one=1)

    def _save(self, target: Target, provenance: Provenance) -> Any:
        """Save a new target with aliases and extras. Raises RejectedError for whatever the TOM's code raises.

        Nothing is asked of ``full_clean``, whose look for a match takes seconds in a large TOM: the match is made here.
        """
        with refusing(f"{provenance.event}: target {target.name}"), writing(self._using):
            fields = {name: getattr(target, name) for name in COORDINATE_FIELDS}
            row = TargetModel(
                name=target.name,
                type=str(target.type),
                shared_from=provenance.origin_name,
                shared_by=provenance.shared_by,
                **fields,
            )
            extras = _set_own_fields(row, target.extras)
            row.clean_fields()
            row.save(names=_aliases(target.aliases, {simplify(target.name)}), extras=extras)
        return row

    def add(self, pk: int, additions: Additions, provenance: Provenance) -> Written:
        """Give the target what it lacks; what it has by now is left as it is."""
        unverified: list[str] = []
        where = f"{provenance.event}: target {pk}"
        with writing(self._using):
            if additions.aliases:
                lock_creation(self._using)
            # The base table's row is locked, which every kind of target has.
            if BaseTarget.objects.select_for_update().filter(pk=pk).first() is None:
                raise _gone(pk, where)
            row = TargetModel.objects.filter(pk=pk).prefetch_related("aliases", "targetextra_set").first()
            if row is None:
                raise _gone(pk, where)
            local = as_local(row)
            for name, value in additions.fields.items():
                if local.fields[name] in (None, ""):
                    setattr(row, name, value)
            extras = _set_own_fields(
                row, {key: value for key, value in additions.extras.items() if key not in local.extras}
            )
            aliases = []
            wanted = _aliases(additions.aliases, {simplify(name) for name in local.names})
            for alias, found in zip(wanted, self._names.find_each([[alias] for alias in wanted]), strict=True):
                if others := found - {pk}:
                    unverified.append(f"alias {alias}: target {min(others)} has that name by now")
                else:
                    aliases.append(alias)
            with refusing(where), writing(self._using):
                row.clean_fields()
                row.save(names=aliases, extras=extras)
        return Written(pk=pk, unverified=tuple(unverified))

    # -- lists --------------------------------------------------------------------------------------------------------

    def list_names(self) -> frozenset[str]:
        """Return the names of all target lists."""
        return frozenset(TargetList.objects.values_list("name", flat=True))

    def open_list(self, name: str) -> str:
        """Return a handle for the list ``name``, made where there is none.

        It holds key and name: a list that a person renames stays the same one, one that was removed is made anew.
        """
        row = TargetList.objects.filter(name=name).order_by("pk").first()
        if row is None:
            with writing(self._using):
                row = TargetList.objects.create(name=name)
            self._new_lists.add(row.pk)
        return f"{row.pk}:{name}"

    def add_to_list(self, handle: str, pks: Sequence[int], provenance: Provenance) -> list[Written | RejectedError]:
        """Put targets in a list; those that are in it stay."""
        with writing(self._using):
            there = existing(self._using, pks)
            self._put(handle, sorted(there), provenance)
        where = f"{provenance.event}: list {handle}"
        return [Written(pk=pk) if pk in there else _gone(pk, where) for pk in pks]

    def _put(self, handle: str, pks: Sequence[int], provenance: Provenance) -> None:
        row = self._list(handle)
        for first in range(0, len(pks), MANY):
            row.targets.add(*pks[first : first + MANY])
        if row.pk in self._new_lists and pks:
            written.note(self._using, TargetList, written.notes([row], provenance.event))
            self._visibility.show_list(row, provenance.topic)
            self._new_lists.discard(row.pk)

    def _list(self, handle: str) -> Any:
        known = _HANDLE.fullmatch(handle)
        row = TargetList.objects.filter(pk=int(known["pk"])).first() if known else None
        if row is None:
            pk = self.open_list(known["name"] if known else handle).partition(":")[0]
            row = TargetList.objects.get(pk=int(pk))
        return row


def existing(using: str, pks: Iterable[int]) -> set[int]:
    """Return which of these targets are there, and keep them there until the end of the transaction."""
    one_of, value = among(using, sorted(set(pks)))
    kept = " FOR NO KEY UPDATE" if connections[using].vendor == "postgresql" else ""
    found = select(using, f"SELECT id FROM {BaseTarget._meta.db_table} WHERE id {one_of} ORDER BY id{kept}", [value])
    return {pk for (pk,) in found}


def _kept(result: Creation, there: set[int], where: str) -> Creation:
    """Return what became of a target after the TOM's own hook has seen it."""
    if isinstance(result, Written) and result.pk not in there:
        return RejectedError("the TOM's own code removed the target as it was saved", where=where)
    return result


def _gone(pk: int, where: str) -> RejectedError:
    return RejectedError(f"target {pk} was removed meanwhile", where=where, mend="It is decided anew")


def _set_own_fields(row: Any, extras: Mapping[str, str]) -> dict[str, str]:
    """Set the fields of the TOM's own model that ``extras`` name; return the extras that are left.

    One whose value the field doesn't take stays an extra, as it would be in a TOM without the field.
    """
    left = dict(extras)
    for name, field in own_fields().items():
        if name in left:
            try:
                value = field.clean(left[name], row)
            except (ValidationError, ValueError, TypeError, ArithmeticError):
                continue
            if isinstance(value, float) and not math.isfinite(value):
                continue  # SQLite would keep nothing in its place
            setattr(row, name, value)
            del left[name]
    return left


def _aliases(names: Iterable[str], known: set[str]) -> list[str]:
    """Return the names that are not ``known`` (simplified), each once."""
    seen = set(known)
    kept: list[str] = []
    for name in names:
        if (simple := simplify(name)) and simple not in seen:
            seen.add(simple)
            kept.append(name)
    return kept
