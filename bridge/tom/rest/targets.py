"""Targets over REST: find, create, add what is missing, and read back whether it is there."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import structlog

from bridge.errors import ConfigurationError, RejectedError
from bridge.events import COORDINATE_FIELDS, REQUIRED_ELEMENTS, REQUIRED_ELEMENTS_BY_SCHEME, Target, TargetType
from bridge.ledger.port import Intents
from bridge.names import simplify_all
from bridge.tom import echo
from bridge.tom.port import Additions, Creation, LocalTarget, NewTarget, Provenance, Written
from bridge.tom.rest.lacking import STAND_IN_FOR_ZERO, lacking_of, local_target, patch_of, told_missing
from bridge.tom.rest.lists import Lists, text_searches
from bridge.tom.rest.names import NameIndex
from bridge.tom.rest.session import Answer, Request, RestSession
from bridge.tom.rest.shown import TARGETS, Shown, names_of
from bridge.tom.rest.words import words

log = structlog.get_logger(__name__)

_EXISTS = "already exists"
_MAY_NOT_SEE = (
    "Give the account permission to view and change the target that has the name (or one of its groups), or rename it"
)
_MAY_NOT_CHANGE = "Give the account, or one of its groups, permission to change the target"
_TOGETHER = 20
"""How many targets are looked for at once before they are created."""


class RestTargets:
    """The targets and target lists of one TOM."""

    def __init__(self, session: RestSession, intents: Intents) -> None:
        self._session = session
        self._intents = intents
        self._index = NameIndex(session, age_s=session.account.name_index_age_s)
        self._lists = Lists(session)
        self._groups: list[dict[str, Any]] | None = None
        session.some_targets = self._index.newest

    # -- finding ------------------------------------------------------------------------------------------------------

    def find_each(self, wanted: Sequence[Sequence[str]]) -> list[tuple[LocalTarget, ...]]:
        """See :meth:`bridge.tom.port.Tom.find_each`. Each hit of the index is confirmed once, by reading the target."""
        hits = [self._index.pks(names) for names in wanted]
        read = self._read_each(set().union(*hits))
        if any(not _matches(read[pk], names) for names, pks in zip(wanted, hits, strict=True) for pk in pks):
            # What vanished or was renamed may have been merged into another target that the index doesn't know yet.
            self._index.look()
            hits = [self._index.pks(names) for names in wanted]
            read |= self._read_each(set().union(*hits) - read.keys())
        return [
            tuple(
                local_target(self._zeros_finished(shown))
                for shown in (read[pk] for pk in sorted(pks))
                if shown is not None and _matches(shown, names)
            )
            for names, pks in zip(wanted, hits, strict=True)
        ]

    def appeared(self, simplified: Collection[str]) -> frozenset[str]:
        """See :meth:`bridge.tom.port.Tom.appeared`."""
        self._index.look()
        return self._index.known(simplified)

    def _read(self, pk: int) -> Shown | None:
        """Return the target as it is now, or None where it is gone; the index learns it."""
        return self._read_each([pk])[pk]

    def _read_each(self, pks: Iterable[int]) -> dict[int, Shown | None]:
        """Return targets as they are now, None for those that are gone; the index learns it."""
        ordered = sorted(pks)
        answers = self._session.request_each([Request("GET", f"{TARGETS}{pk}/") for pk in ordered])
        read: dict[int, Shown | None] = {}
        for pk, answer in zip(ordered, answers, strict=True):
            if answer.status_code == 404:
                self._index.drop(pk)
                read[pk] = None
                continue
            shown = read[pk] = self._index.checked(self._session.decoded(answer, f"{TARGETS}{pk}/"))
            self._index.put(pk, names_of(shown))
        return read

    def _matching_now(self, wanted: Sequence[Sequence[str]]) -> list[list[Shown]]:
        """Return for each of these names the targets that match, asking the TOM.

        New ones are found by the index, other spellings by a text search.
        """
        self._index.look()
        found = self._read_each({pk for names in wanted for pk in self._index.pks(names)})
        for asked in text_searches(name for names in wanted for name in names):
            pages = self._session.pages(TARGETS, 500, name=asked)
            found |= {shown["id"]: shown for shown in map(self._index.checked, pages)}
        return [[shown for shown in found.values() if shown and _matches(shown, names)] for names in wanted]

    # -- creating -----------------------------------------------------------------------------------------------------

    def began_creating(self, targets: Sequence[Target], provenance: Provenance) -> frozenset[str]:
        """See :meth:`bridge.tom.port.Tom.began_creating`."""
        begun = self._intents.begin(provenance.event, ())
        return frozenset(target.name for target in targets if _creation(target) in begun)

    def create(self, new: Sequence[NewTarget]) -> list[Creation]:
        """See :meth:`bridge.tom.port.Tom.create_targets`."""
        results: list[Creation] = []
        for (lists, provenance), alike in groupby(new, key=lambda one: (one.lists, one.provenance)):
            targets = [one.target for one in alike]
            for first in range(0, len(targets), _TOGETHER):
                results += self._create_some(targets[first : first + _TOGETHER], lists, provenance)
        return results

    def _create_some(
        self, targets: Sequence[Target], lists: Sequence[str], provenance: Provenance
    ) -> Sequence[Creation]:
        there = self._matching_now([target.names for target in targets])
        begun = self.began_creating(targets, provenance)
        taken: set[str] = set()
        created: list[Shown | RejectedError | None] = []
        for target, matching in zip(targets, there, strict=True):
            names = simplify_all(target.names)
            try:
                one = None if names & taken else self._create(target, matching, lists, provenance, begun)
            except RejectedError as error:
                created.append(error)
                continue
            created.append(one)
            taken |= names if one is not None else frozenset()
        return self._listed(created, targets, lists)

    def _create(
        self,
        target: Target,
        matching: Sequence[Shown],
        lists: Sequence[str],
        provenance: Provenance,
        begun: Collection[str],
    ) -> Shown | None:
        """Create one target, or complete the one that this event began; None where another one matches."""
        if matching:
            ours = [shown for shown in matching if shown["name"] == target.name]
            return ours[0] if target.name in begun and len(matching) == len(ours) == 1 else None
        usable = [name for name in dict.fromkeys(lists) if len(self._lists.ids(name) or ()) < 2]
        self._intents.begin(provenance.event, {_creation(target)})
        answer = self._session.request("POST", TARGETS, json=self._as_sent(target, usable, provenance))
        if answer.status_code == 201:
            return self._index.checked(answer.json())
        # A 400 was decided before anything was written; a 500 may have come after the target was made.
        (matching,) = self._matching_now([target.names])
        ours = [shown for shown in matching if shown["name"] == target.name]
        if answer.status_code >= 500 and ours:
            log.warning("tom.half_created", name=target.name, answer=words(answer))
            return ours[0]
        if matching:
            return None
        raise self._refused(answer, target.name)

    def _listed(
        self, created: Sequence[Shown | RejectedError | None], targets: Sequence[Target], lists: Sequence[str]
    ) -> list[Creation]:
        """Complete what was created, see that it is in its lists, and say what can't be seen in it."""
        results: list[Creation] = []
        unverified: dict[int, list[str]] = {}
        names: dict[int, str] = {}
        for shown, target in zip(created, targets, strict=True):
            if shown is None or isinstance(shown, RejectedError):
                results.append(shown)
                continue
            try:
                unverified[shown["id"]] = self._completed(shown, target)
                names[shown["id"]] = target.name
                self._intents.note_written([echo.of_target(shown["id"], target.name), echo.of_target_name(target.name)])
                results.append(Written(pk=shown["id"]))
            except RejectedError as error:
                results.append(error)
        for name in dict.fromkeys(lists) if names else ():
            for pk, joined in self._lists.join(name, names, already_asked=True).items():
                unverified[pk] += [] if joined is None else [str(joined)]
        return [
            replace(one, unverified=tuple(unverified[one.pk])) if isinstance(one, Written) and one.pk else one
            for one in results
        ]

    def _as_sent(self, target: Target, lists: Sequence[str], provenance: Provenance) -> dict[str, Any]:
        fields = {name: getattr(target, name) for name in COORDINATE_FIELDS}
        sent: dict[str, Any] = {"name": target.name, "type": str(target.type)}
        sent |= {name: value for name, value in fields.items() if value not in (None, "")}
        for name in _required(target):
            if sent.get(name) == 0:
                sent[name] = STAND_IN_FOR_ZERO
        sent["aliases"] = [{"name": alias} for alias in dict.fromkeys(target.aliases) if alias != target.name]
        sent["targetextra_set"] = [{"key": key, "value": value} for key, value in target.extras.items()]
        sent["groups"] = self._configured_groups()
        sent["target_lists"] = [{"name": name} for name in lists]
        if self._session.toolkit.shared_from:
            sent |= {"shared_from": provenance.origin_name, "shared_by": provenance.shared_by}
        return sent

    def _refused(self, answer: Answer, name: str) -> RejectedError:
        said = words(answer)
        if answer.status_code == 400 and _EXISTS in said:
            return RejectedError(
                f"the TOM has a target of that name or alias which the account may not see ({said})",
                where=name,
                mend=_MAY_NOT_SEE,
            )
        return RejectedError(f"the TOM does not create it: {said}", where=name)

    def _configured_groups(self) -> list[dict[str, Any]]:
        """Return the configured groups with their ids; over REST an account sees only those that it is in."""
        wanted = self._session.account.groups
        if self._groups is None:
            own = self._session.page("/api/groups/", limit=1000).results if wanted else ()
            if missing := set(wanted) - {group["name"] for group in own}:
                raise ConfigurationError(
                    f"the account is not in {', '.join(sorted(missing))}; it is in "
                    f"{', '.join(group['name'] for group in own) or 'no group'}",
                    where="tom.groups",
                    mend="Add the account to these groups in the TOM, or take them out",
                )
            self._groups = [group for group in own if group["name"] in wanted]
        return self._groups

    def _completed(self, shown: Shown, target: Target) -> list[str]:
        """Give a target that this event has made what it lacks; return what can't be seen in it."""
        pk: int = shown["id"]
        wanted = {name: getattr(target, name) for name in COORDINATE_FIELDS}
        additions = Additions(
            aliases=tuple(alias for alias in dict.fromkeys(target.aliases) if alias != target.name),
            extras=target.extras,
            fields={name: value for name, value in wanted.items() if value not in (None, "")},
        )
        self._index.put(pk, names_of(shown))
        shown = self._zeros_finished(shown)
        self._write(shown, lacking_of(shown, additions, also_different=True))
        shown = self._read(pk) or shown
        seen_by = {group["name"] for group in shown.get("groups", ())}
        not_seen_by = [name for name in self._session.account.groups if name not in seen_by]
        return [*told_missing(shown, additions), *(f"group {name}: can't see it" for name in not_seen_by)]

    def _zeros_finished(self, shown: Shown) -> Shown:
        """Make 0.0 of what stands in for it."""
        zeros = {name: 0.0 for name in COORDINATE_FIELDS if shown.get(name) == STAND_IN_FOR_ZERO}
        if not zeros:
            return shown
        self._session.request("PATCH", f"{TARGETS}{shown['id']}/", json=zeros)
        return self._read(shown["id"]) or shown

    # -- adding -------------------------------------------------------------------------------------------------------

    def add(self, pk: int, additions: Additions) -> Written:
        """See :meth:`bridge.tom.port.Tom.add_to_target`."""
        shown = self._read(pk)
        if shown is None:
            raise RejectedError("the target is gone", where=f"target {pk}", mend="It is decided anew")
        if lacking := lacking_of(shown, additions):
            self._write(shown, lacking)
            shown = self._read(pk) or shown
        return Written(pk=pk, unverified=tuple(told_missing(shown, additions)))

    def _write(self, shown: Shown, lacking: Additions) -> None:
        """Write all at once; where the TOM refuses something, one by one, so that it costs nothing else."""
        if not lacking:
            return
        path = f"{TARGETS}{shown['id']}/"
        answer = self._session.request("PATCH", path, json=patch_of(shown, lacking))
        if answer.status_code == 200:
            self._finish_scheme(shown, lacking)
            return
        if answer.status_code in {403, 404}:
            raise RejectedError(
                f"the account may not change the target ({words(answer)})", where=shown["name"], mend=_MAY_NOT_CHANGE
            )
        parts = [Additions(aliases=(alias,)) for alias in lacking.aliases]
        parts += [Additions(extras={key: value}) for key, value in lacking.extras.items()]
        parts += [Additions(fields=lacking.fields)] if lacking.fields else []
        for part in parts:
            current = self._read(shown["id"]) or shown
            if left := lacking_of(current, part):
                answer = self._session.request("PATCH", path, json=patch_of(current, left))
                log.info("tom.patched", target=shown["name"], answer=words(answer))
                self._finish_scheme(current, left)

    def _finish_scheme(self, shown: Shown, written: Additions) -> None:
        if "scheme" in written.fields and (after := self._read(shown["id"])):
            self._zeros_finished(after)

    # -- lists --------------------------------------------------------------------------------------------------------

    def list_names(self) -> frozenset[str] | None:
        """See :meth:`bridge.tom.port.Tom.list_names`."""
        ids = self._lists.look()
        return None if ids is None else frozenset(ids)

    def add_to_list(self, name: str, pks: Sequence[int]) -> list[Written | RejectedError]:
        """See :meth:`bridge.tom.port.Tom.add_to_list`."""
        read = self._read_each(set(pks))
        gone = RejectedError("the target is gone", where=f"list {name}", mend="It is decided anew")
        joined = self._lists.join(name, {pk: shown["name"] for pk, shown in read.items() if shown is not None})
        return [self._as_written(pk, joined.get(pk, gone)) for pk in pks]

    def _as_written(self, pk: int, joined: str | RejectedError | None) -> Written | RejectedError:
        if isinstance(joined, RejectedError):
            return joined
        return Written(pk=pk, unverified=() if joined is None else (joined,))


def _matches(shown: Shown | None, names: Iterable[str]) -> bool:
    """Return whether a target has one of ``names``."""
    return shown is not None and not simplify_all(names).isdisjoint(simplify_all(names_of(shown)))


def _creation(target: Target) -> str:
    """Return the step that is noted before ``target`` is asked for."""
    return f"create {target.name}"


def _required(target: Target) -> tuple[str, ...]:
    """Return the fields of which the TOM takes 0.0 for missing when it makes ``target``."""
    by_type = ("ra", "dec") if target.type is TargetType.SIDEREAL else REQUIRED_ELEMENTS
    return (*by_type, *REQUIRED_ELEMENTS_BY_SCHEME.get(target.scheme, ()))
