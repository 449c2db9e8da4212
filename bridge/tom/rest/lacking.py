"""A target as TOM Toolkit's API shows it: as one of the port, and what it lacks of what it is to have."""

from typing import Any

from bridge.errors import RejectedError
from bridge.events import COORDINATE_FIELDS, REQUIRED_ELEMENTS_BY_SCHEME, TargetType
from bridge.tom.port import Additions, LocalTarget
from bridge.tom.rest.shown import Shown

STAND_IN_FOR_ZERO = 1.0e-290
"""What is written where the TOM takes 0.0 for missing, until a ``PATCH`` makes it 0.0.

A number that nobody measures: who finds it knows that the bridge was killed in between, and finishes.
"""
_KEPT_BY_PATCH = frozenset({"abs_mag", "slope"})
"""Fields that the TOM's ``PATCH`` accepts and does not write (``TargetSerializer.update``)."""


def local_target(shown: Shown) -> LocalTarget:
    """Return a target as the API shows it as one of the port."""
    fields = {name: shown.get(name, "" if name == "scheme" else None) for name in COORDINATE_FIELDS}
    return LocalTarget(
        pk=shown["id"],
        name=shown["name"],
        aliases=tuple(alias["name"] for alias in shown.get("aliases", ())),
        type=_type_of(shown),
        fields={name: 0.0 if value == STAND_IN_FOR_ZERO else value for name, value in fields.items()},
        extras={extra["key"]: extra["value"] for extra in shown.get("targetextra_set", ())},
    )


def _type_of(shown: Shown) -> TargetType:
    try:
        return TargetType(shown["type"])
    except ValueError:
        raise RejectedError(
            f"the target has the type {shown['type']!r}",
            where=str(shown["name"]),
            mend=f"Give it {' or '.join(TargetType)}: what else it may be is not known",
        ) from None


def lacking_of(shown: Shown, additions: Additions, *, also_different: bool = False) -> Additions:
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


def patch_of(shown: Shown, lacking: Additions) -> dict[str, Any]:
    """Return the ``PATCH`` that gives a target what it lacks."""
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


def told_missing(shown: Shown, additions: Additions) -> list[str]:
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
