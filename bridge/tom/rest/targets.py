"""Targets over REST: find, create, add what is missing, and read back whether it is there."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import structlog

from bridge.budget import Budget
from bridge.errors import ConfigurationError, RejectedError
from bridge.events import COORDINATE_FIELDS, REQUIRED_ELEMENTS, REQUIRED_ELEMENTS_BY_SCHEME, Target, TargetType
from bridge.ledger.port import Intents
from bridge.names import simplify_all
from bridge.tom.port import Additions, Creation, LocalTarget, Provenance, Written
from bridge.tom.rest.lists import Lists
from bridge.tom.rest.names import TARGETS, NameIndex, Shown, names_of
from bridge.tom.rest.session import Answer, RestSession
from bridge.tom.rest.words import words

log = structlog.get_logger(__name__)

STAND_IN_FOR_ZERO = 1.0e-290
"""What is written where the TOM takes 0.0 for missing, until a ``PATCH`` makes it 0.0.

A number that nobody measures: who finds it knows that the bridge was killed in between, and finishes.
"""
_KEPT_BY_PATCH = frozenset({"abs_mag", "slope"})
"""Fields that the TOM's ``PATCH`` accepts and does not write (``TargetSerializer.update``)."""
_EXISTS = "already exists"
_MAY_NOT_SEE = (
    "Give the account permission to view and change the target that has the name (or one of its groups), or rename it"
)
_MAY_NOT_CHANGE = "Give the account, or one of its groups, permission to change the target"


class RestTargets:
    """The targets and target lists of one TOM."""

    def __init__(self, session: RestSession, intents: Intents) -> None:
        self._session = session
        self._intents = intents
        self._index = NameIndex(session, age_s=session.account.name_index_age_s)
        self._lists = Lists(session)
        self._groups: list[dict[str, Any]] | None = None

    # -- finding ------------------------------------------------------------------------------------------------------

    def find(self, names: Iterable[str]) -> tuple[LocalTarget, ...]:
        """See :meth:`bridge.tom.port.Tom.find`. A hit of the index is confirmed by reading the target."""
        wanted = tuple(names)
        simple = simplify_all(wanted)
        found = {pk: self._read(pk) for pk in sorted(self._index.pks(wanted))}
        if any(shown is None or not simple & simplify_all(names_of(shown)) for shown in found.values()):
            # What vanished or was renamed may have been merged into another target that the index doesn't know yet.
            self._index.look()
            found = {pk: self._read(pk) for pk in sorted(self._index.pks(wanted))}
        return tuple(
            local_target(self._zeros_finished(shown))
            for shown in found.values()
            if shown is not None and simple & simplify_all(names_of(shown))
        )

    def appeared(self, simplified: Collection[str]) -> frozenset[str]:
        """See :meth:`bridge.tom.port.Tom.appeared`."""
        self._index.look()
        return self._index.known(simplified)

    def _read(self, pk: int) -> Shown | None:
        """Return the target as it is now, or None where it is gone; the index learns it."""
        answer = self._session.request("GET", f"{TARGETS}{pk}/")
        if answer.status_code == 404:
            self._index.drop(pk)
            return None
        shown: Shown = self._session.decoded(answer, f"{TARGETS}{pk}/")
        self._index.put(pk, names_of(shown))
        return shown

    def _matching_now(self, names: Sequence[str]) -> list[Shown]:
        """Return the targets that match, asking the TOM: new ones by the index, other spellings by a text search."""
        self._index.look()
        found = {pk: self._read(pk) for pk in self._index.pks(names)}
        # The filter splits at commas and finds what contains a piece; an empty piece would find everything.
        pieces = {max(name.split(","), key=len).strip() for name in names} - {""}
        page = self._session.get(TARGETS, name=",".join(sorted(pieces)), limit=500)
        found |= {shown["id"]: shown for shown in page["results"]}
        simple = simplify_all(names)
        return [shown for shown in found.values() if shown and simple & simplify_all(names_of(shown))]

    # -- creating -----------------------------------------------------------------------------------------------------

    def began_creating(self, targets: Sequence[Target], provenance: Provenance) -> frozenset[str]:
        """See :meth:`bridge.tom.port.Tom.began_creating`."""
        begun = self._intents.begin(provenance.event, ())
        return frozenset(target.name for target in targets if _creation(target) in begun)

    def create(
        self, targets: Sequence[Target], lists: Sequence[str], provenance: Provenance, budget: Budget
    ) -> list[Creation]:
        """See :meth:`bridge.tom.port.Tom.create_targets`."""
        results: list[Creation] = []
        for target in targets:
            budget.check()
            try:
                results.append(self._create(target, lists, provenance))
            except RejectedError as error:
                results.append(error)
        return results

    def _create(self, target: Target, lists: Sequence[str], provenance: Provenance) -> Written | None:
        begun = bool(self.began_creating([target], provenance))
        matching = self._matching_now(target.names)
        if matching:
            ours = [shown for shown in matching if shown["name"] == target.name]
            return self._completed(ours[0], target, lists) if begun and len(matching) == len(ours) == 1 else None
        usable = [name for name in dict.fromkeys(lists) if len(self._lists.ids(name) or ()) < 2]
        self._intents.begin(provenance.event, {_creation(target)})
        answer = self._session.request("POST", TARGETS, json=self._as_sent(target, usable, provenance))
        if answer.status_code == 201:
            return self._completed(answer.json(), target, lists)
        # A 400 was decided before anything was written; a 500 may have come after the target was made.
        matching = self._matching_now(target.names)
        ours = [shown for shown in matching if shown["name"] == target.name]
        if answer.status_code >= 500 and ours:
            log.warning("tom.half_created", name=target.name, answer=words(answer))
            return self._completed(ours[0], target, lists)
        if matching:
            return None
        if answer.status_code >= 500:
            self._session.check_writes(self._index.newest())
        raise self._refused(answer, target.name)

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
            own = self._session.get("/api/groups/", limit=1000)["results"] if wanted else []
            if missing := set(wanted) - {group["name"] for group in own}:
                raise ConfigurationError(
                    f"the account is not in {', '.join(sorted(missing))}; it is in "
                    f"{', '.join(group['name'] for group in own) or 'no group'}",
                    where="tom.groups",
                    mend="Add the account to these groups in the TOM, or take them out",
                )
            self._groups = [group for group in own if group["name"] in wanted]
        return self._groups

    def _completed(self, shown: Shown, target: Target, lists: Sequence[str]) -> Written:
        """Give a target that this event has made what it lacks, and say what can't be seen in it."""
        pk: int = shown["id"]
        wanted = {name: getattr(target, name) for name in COORDINATE_FIELDS}
        additions = Additions(
            aliases=tuple(alias for alias in dict.fromkeys(target.aliases) if alias != target.name),
            extras=target.extras,
            fields={name: value for name, value in wanted.items() if value not in (None, "")},
        )
        self._index.put(pk, names_of(shown))
        shown = self._zeros_finished(shown)
        self._write(shown, _lacking(shown, additions, also_different=True))
        shown = self._read(pk) or shown
        unverified = _told_missing(shown, additions)
        seen_by = {group["name"] for group in shown.get("groups", ())}
        unverified += [f"group {name}: can't see it" for name in self._session.account.groups if name not in seen_by]
        for name in dict.fromkeys(lists):
            unverified += self.joined(name, {pk: target.name}, already_asked=True)
        return Written(pk=pk, unverified=tuple(unverified))

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
        self._write(shown, _lacking(shown, additions))
        return Written(pk=pk, unverified=tuple(_told_missing(self._read(pk) or shown, additions)))

    def _write(self, shown: Shown, lacking: Additions) -> None:
        """Write all at once; where the TOM refuses something, one by one, so that it costs nothing else."""
        if not lacking:
            return
        path = f"{TARGETS}{shown['id']}/"
        answer = self._session.request("PATCH", path, json=_patch(shown, lacking))
        if answer.status_code == 200:
            self._finish_scheme(shown, lacking)
            return
        if answer.status_code in {403, 404}:
            raise RejectedError(
                f"the account may not change the target ({words(answer)})", where=shown["name"], mend=_MAY_NOT_CHANGE
            )
        if answer.status_code >= 500:
            self._session.check_writes(shown["id"])
        parts = [Additions(aliases=(alias,)) for alias in lacking.aliases]
        parts += [Additions(extras={key: value}) for key, value in lacking.extras.items()]
        parts += [Additions(fields=lacking.fields)] if lacking.fields else []
        for part in parts:
            current = self._read(shown["id"]) or shown
            if left := _lacking(current, part):
                answer = self._session.request("PATCH", path, json=_patch(current, left))
                log.info("tom.patched", target=shown["name"], answer=words(answer))
                self._finish_scheme(current, left)

    def _finish_scheme(self, shown: Shown, written: Additions) -> None:
        if "scheme" in written.fields and (after := self._read(shown["id"])):
            self._zeros_finished(after)

    def probe(self, *, writing: bool) -> None:
        """See :meth:`bridge.tom.port.Tom.probe`."""
        self._session.get(TARGETS, limit=1)
        if writing:
            self._session.check_writes(self._index.newest())

    # -- lists --------------------------------------------------------------------------------------------------------

    def list_names(self) -> frozenset[str] | None:
        """See :meth:`bridge.tom.port.Tom.list_names`."""
        ids = self._lists.look()
        return None if ids is None else frozenset(ids)

    def add_to_list(self, name: str, pks: Sequence[int], budget: Budget) -> list[Written | RejectedError]:
        """See :meth:`bridge.tom.port.Tom.add_to_list`."""
        results: list[Written | RejectedError] = []
        for pk in pks:
            budget.check()
            shown = self._read(pk)
            if shown is None:
                results.append(RejectedError("the target is gone", where=f"target {pk}", mend="It is decided anew"))
            else:
                results.append(Written(pk=pk, unverified=tuple(self.joined(name, {pk: shown["name"]}))))
        return results

    def joined(self, name: str, targets: Mapping[int, str], *, already_asked: bool = False) -> list[str]:
        """Put targets (names by primary key) in a list; return what can't be seen in it afterwards.

        ``already_asked``: they were put in when they were made, so look first.
        """
        ids = self._lists.ids(name)
        if ids is not None and len(ids) > 1:
            return [f"list {name}: the TOM has {len(ids)} of that name and refuses both; rename one"]
        one = next(iter(targets.values())) if len(targets) == 1 else None
        piece = max(one.split(","), key=len).strip() if one else None
        missing = self._lists.missing(name, targets, target_name=piece)
        said: dict[int, str] = {}
        for pk in targets if missing is None and not already_asked else (missing or ()):
            answer = self._session.request("PATCH", f"{TARGETS}{pk}/", json={"target_lists": [{"name": name}]})
            if answer.status_code != 200:
                may_not = answer.status_code in {403, 404}
                said[pk] = "the account may not change the target" if may_not else words(answer)
        if missing:
            missing = self._lists.missing(name, targets, target_name=piece)
        if missing is None:
            seen = "membership can't be seen by this account"
            return [f"list {name}: {told}: {said.get(pk, seen)}" for pk, told in targets.items()]
        return [
            f"list {name}: {targets[pk]} is not in it: {said.get(pk, 'the TOM gives no reason')}"
            for pk in sorted(missing)
        ]


def local_target(shown: Shown) -> LocalTarget:
    """Return a target as the API shows it as one of the port."""
    fields = {name: shown.get(name, "" if name == "scheme" else None) for name in COORDINATE_FIELDS}
    return LocalTarget(
        pk=shown["id"],
        name=shown["name"],
        aliases=tuple(alias["name"] for alias in shown.get("aliases", ())),
        type=TargetType(shown["type"]),
        fields={name: 0.0 if value == STAND_IN_FOR_ZERO else value for name, value in fields.items()},
        extras={extra["key"]: extra["value"] for extra in shown.get("targetextra_set", ())},
    )


def _creation(target: Target) -> str:
    """Return the step that is noted before ``target`` is asked for."""
    return f"create {target.name}"


def _required(target: Target) -> tuple[str, ...]:
    """Return the fields of which the TOM takes 0.0 for missing when it makes ``target``."""
    by_type = ("ra", "dec") if target.type is TargetType.SIDEREAL else REQUIRED_ELEMENTS
    return (*by_type, *REQUIRED_ELEMENTS_BY_SCHEME.get(target.scheme, ()))


def _lacking(shown: Shown, additions: Additions, *, also_different: bool = False) -> Additions:
    """Return what of ``additions`` the target has not; with ``also_different`` also what it has another value of."""
    local = local_target(shown)
    extras = {
        key: value
        for key, value in additions.extras.items()
        if key not in local.extras or (also_different and local.extras[key] != value)
    }
    fields = {
        name: value
        for name, value in additions.fields.items()
        if local.fields.get(name) in (None, "") or (also_different and local.fields.get(name) != value)
    }
    known = set(local.names)
    return Additions(
        aliases=tuple(alias for alias in additions.aliases if alias not in known),
        extras=extras,
        fields={name: value for name, value in fields.items() if name not in _KEPT_BY_PATCH},
    )


def _patch(shown: Shown, lacking: Additions) -> dict[str, Any]:
    extra_ids = {extra["key"]: extra["id"] for extra in shown.get("targetextra_set", ())}
    sent: dict[str, Any] = dict(lacking.fields)
    if scheme := lacking.fields.get("scheme"):
        # Who names a scheme has to send all its elements, none of them 0.0, though the target has them already.
        for name in REQUIRED_ELEMENTS_BY_SCHEME.get(str(scheme), ()):
            value = sent.get(name, shown.get(name))
            sent[name] = STAND_IN_FOR_ZERO if value == 0 else value
    if lacking.aliases:
        sent["aliases"] = [{"name": alias} for alias in lacking.aliases]
    if lacking.extras:
        sent["targetextra_set"] = [
            {"key": key, "value": value} | ({"id": extra_ids[key]} if key in extra_ids else {})
            for key, value in lacking.extras.items()
        ]
    return sent


def _told_missing(shown: Shown, additions: Additions) -> list[str]:
    """Return what of ``additions`` can't be seen in the target, each with its reason."""
    local = local_target(shown)
    told = [
        f"alias {alias}: the TOM did not take it; a target that the account may not see may have it"
        for alias in additions.aliases
        if alias not in local.names
    ]
    told += [f"extra {key}: the TOM did not take it" for key in additions.extras if key not in local.extras]
    for name in additions.fields:
        if local.fields.get(name) in (None, ""):
            never = "TOM Toolkit's API does not change it" if name in _KEPT_BY_PATCH else "the TOM did not take it"
            told.append(f"{name}: {never}")
    return told
