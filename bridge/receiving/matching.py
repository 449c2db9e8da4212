"""Which target of this TOM one from elsewhere is, or why nobody can tell: by name and alias, place and spelling."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bridge.events import Target, TargetReference, TargetType
from bridge.ledger.port import Detail, Reason
from bridge.names import grouped_otherwise, look_alikes, ordinary, simplify_all
from bridge.tom.port import FieldValue, LocalTarget

Find = Callable[[Iterable[str]], Sequence[LocalTarget]]
"""Returns every target of this TOM that matches any of the names (:meth:`bridge.tom.port.Tom.find`)."""

_TOLD_NAMES = 3
DEFAULT_EPOCH = 2000.0
"""Julian years: what TOM Toolkit's pages assume of a position without an epoch."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """What an administrator may choose."""

    separation_arcsec: float = 10.0
    """Two sidereal targets of one name further apart than this are not the same."""
    data_product_types: Mapping[str, str] = field(default_factory=dict)
    """The type that a foreign data product type becomes here."""


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Nothing can be done now: park, and look again when one of ``names`` (simplified) appears."""

    reason: Reason
    detail: Detail
    names: frozenset[str]


def match(wanted: Target | TargetReference, find: Find, policy: Policy) -> LocalTarget | Hold:
    """Return the one target of this TOM that is ``wanted``, or why there is none.

    The one that a person chose for the name is it, whatever else has the name and wherever it is on the sky.
    """
    found = _matched(wanted, find(wanted.names), policy)
    return _with_look_alikes(found, wanted.names) if isinstance(found, Hold) else found


def _matched(wanted: Target | TargetReference, found: Sequence[LocalTarget], policy: Policy) -> LocalTarget | Hold:
    names = simplify_all(wanted.names)
    chosen = [target for target in found if target.chosen]
    if len(chosen) == 1:
        return chosen[0]
    if not found:
        return Hold(
            reason=Reason.NO_TARGET,
            names=names,
            detail={"message": f"no target here has the name or alias {_told(wanted.names)}"},
        )
    if len(found) > 1:
        return Hold(
            reason=Reason.AMBIGUOUS,
            names=names,
            detail={
                "message": f"{len(found)} targets here have one of the names {_told(wanted.names)}: "
                f"{', '.join(target.name for target in found)}",
                "candidates": [{"pk": target.pk, "name": target.name} for target in found],
            },
        )
    return _at_one_place(wanted, found[0], policy, names)


def _at_one_place(
    wanted: Target | TargetReference, local: LocalTarget, policy: Policy, names: frozenset[str]
) -> LocalTarget | Hold:
    apart = separation(wanted, local)
    if apart is None:
        return _by_name_alone(wanted, local, names)
    if apart <= policy.separation_arcsec:
        return local
    return Hold(
        reason=Reason.POSITION_DISAGREES,
        names=names,
        detail={
            "message": f"{local.name} here is {apart:.1f} arcsec from {wanted.name} as shared; "
            f"{policy.separation_arcsec:g} are allowed",
            "separation_arcsec": apart,
            "theirs": {"ra": wanted.ra, "dec": wanted.dec, "epoch": wanted.epoch},
            "ours": {name: local.fields.get(name) for name in ("ra", "dec", "epoch")},
            "candidates": [{"pk": local.pk, "name": local.name}],
        },
    )


def _by_name_alone(wanted: Target | TargetReference, local: LocalTarget, names: frozenset[str]) -> LocalTarget | Hold:
    pair = grouped_otherwise(wanted.names, local.names)
    if pair is None:
        return local
    theirs, ours = pair
    return Hold(
        reason=Reason.AMBIGUOUS_SPELLING,
        names=names,
        detail={
            "message": f"{theirs} as shared and {ours} here are one name to TOM Toolkit, but their digits are grouped "
            "otherwise, and no position tells whether they are one target",
            "candidates": [{"pk": local.pk, "name": local.name}],
        },
    )


def _told(names: Sequence[str]) -> str:
    more = len(names) - _TOLD_NAMES
    return ", ".join(names[:_TOLD_NAMES]) + (f" and {more} more" if more > 0 else "")


def _with_look_alikes(hold: Hold, names: Iterable[str]) -> Hold:
    """Return ``hold`` with the characters of ``names`` that look like others in its message, each name once."""
    odd = [
        f"{name} as shared has {', '.join(found)} and is not the {ordinary(name)} that people type"
        for name in dict.fromkeys(names)
        if (found := look_alikes(name))
    ]
    if not odd:
        return hold
    return replace(
        hold, detail={**hold.detail, "message": "; ".join([str(hold.detail["message"]), *odd[:_TOLD_NAMES]])}
    )


def separation(wanted: Target | TargetReference, local: LocalTarget) -> float | None:
    """Return how far apart in arcseconds two sidereal targets are; None where either has no fixed position.

    Where the epochs differ, the proper motion that is known (ours first) carries one position to the other's epoch:
    linear motion, ``pm_ra`` with cos(dec) included, milliarcseconds a year.
    """
    if TargetType.NON_SIDEREAL in (wanted.type, local.type):
        return None
    ours = (_number(local.fields.get("ra")), _number(local.fields.get("dec")))
    if wanted.ra is None or wanted.dec is None or ours[0] is None or ours[1] is None:
        return None
    our_epoch = _number(local.fields.get("epoch"))
    years = (DEFAULT_EPOCH if wanted.epoch is None else wanted.epoch) - (
        DEFAULT_EPOCH if our_epoch is None else our_epoch
    )
    motion = (_number(local.fields.get("pm_ra")), _number(local.fields.get("pm_dec")))
    if motion == (None, None) and isinstance(wanted, Target):
        motion = (wanted.pm_ra, wanted.pm_dec)
    ra, dec = _moved(ours[0], ours[1], motion, years)
    return _great_circle_arcsec(ra, dec, wanted.ra, wanted.dec)


def _moved(ra: float, dec: float, motion: tuple[float | None, float | None], years: float) -> tuple[float, float]:
    """Return the position (degrees) after ``years`` of ``motion`` (milliarcseconds a year)."""
    pm_ra, pm_dec = (0.0 if value is None else value for value in motion)
    degrees_per_mas = 1 / 3.6e6
    cosine = max(math.cos(math.radians(dec)), 1e-9)
    return ra + years * pm_ra * degrees_per_mas / cosine, dec + years * pm_dec * degrees_per_mas


def _great_circle_arcsec(ra_1: float, dec_1: float, ra_2: float, dec_2: float) -> float:
    """Return the angle between two positions (degrees) in arcseconds, by the haversine formula.

    Source: R. W. Sinnott, "Virtues of the Haversine", Sky and Telescope 68 (1984) 159: exact at small angles.
    """
    phi_1, phi_2 = math.radians(dec_1), math.radians(dec_2)
    half_dec, half_ra = (phi_2 - phi_1) / 2, math.radians(ra_2 - ra_1) / 2
    haversine = math.sin(half_dec) ** 2 + math.cos(phi_1) * math.cos(phi_2) * math.sin(half_ra) ** 2
    return math.degrees(2 * math.asin(min(1.0, math.sqrt(haversine)))) * 3600


def _number(value: FieldValue) -> float | None:
    return float(value) if isinstance(value, int | float) else None
