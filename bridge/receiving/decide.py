"""What happens to each kind of event: the one place that decides, without doing anything.

An event, the targets of this TOM that match, and a :class:`Policy` go in; a plan comes out, which
:mod:`bridge.receiving.execute` carries out and a dry run shows. The rules are those of ``docs/guarantees.md`` and TOM
Toolkit's own.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bridge.events import (
    COORDINATE_FIELDS,
    TYPED,
    Data,
    DataProduct,
    Datum,
    Event,
    ListMember,
    ReducedDatum,
    Target,
    TargetList,
    TargetReference,
    TargetType,
)
from bridge.ledger.port import Detail, Reason
from bridge.names import grouped_otherwise, look_alikes, ordinary, simplify, simplify_all
from bridge.tom.port import Additions, FieldValue, LocalTarget, NewDatum, Provenance
from bridge.tom.reserved import with_source

Find = Callable[[Iterable[str]], Sequence[LocalTarget]]
"""Returns every target of this TOM that matches any of the names (:meth:`bridge.tom.port.Tom.find`)."""

LONGEST_LIST_NAME = 200
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


@dataclass(frozen=True)
class Create:
    """Create the target; put it in the list of imports."""

    target: Target


@dataclass(frozen=True, kw_only=True)
class Amend:
    """Give a matching target what it lacks of ``target``; ``differs`` is recorded and never written."""

    target: Target
    local: LocalTarget
    additions: Additions
    differs: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True, kw_only=True)
class FillList:
    """Make the list; create, amend and add members, each with its own fate; hold the others. All by their names."""

    name: str
    create: tuple[tuple[str, Target], ...] = ()
    amend: tuple[tuple[str, Amend], ...] = ()
    join: tuple[tuple[str, LocalTarget], ...] = ()
    held: tuple[tuple[str, Hold], ...] = ()


@dataclass(frozen=True, kw_only=True)
class AddDatums:
    """Write datums onto a target."""

    local: LocalTarget
    datums: tuple[NewDatum, ...]


@dataclass(frozen=True, kw_only=True)
class AddProduct:
    """Store a data product onto a target."""

    local: LocalTarget
    product: DataProduct
    product_id: str


Plan = Hold | Create | Amend | FillList | AddDatums | AddProduct


def decide(
    event: Event, find: Find, policy: Policy, members: Sequence[ListMember] | None = None, *, topic: str = ""
) -> Plan:
    """Return what is to happen to ``event``, which came on ``topic``, in a TOM whose targets ``find`` finds.

    ``members``: of a list only these members.
    """
    match event.body:
        case Target() as target:
            return _target(target, find, policy)
        case TargetList() as target_list:
            return _list(target_list, find, policy, target_list.members if members is None else members)
        case Data() as data:
            found = match(data.target, find, policy)
            if isinstance(found, Hold):
                return found
            return AddDatums(local=found, datums=_datums(event, data, found.pk, policy, topic))
        case DataProduct() as product:
            found = match(product.target, find, policy)
            if isinstance(found, Hold):
                return found
            mapped = policy.data_product_types.get(product.data_product_type, product.data_product_type)
            return AddProduct(
                local=found,
                product=product.model_copy(update={"data_product_type": mapped}),
                product_id=product.product_id or f"{event.origin}:{event.id}",
            )


def provenance(event: Event, topic: str = "") -> Provenance:
    """Return where what ``event`` brings comes from."""
    return Provenance(event=event.ref, origin_name=event.origin_name, shared_by=event.shared_by, topic=topic)


# -- matching -------------------------------------------------------------------------------------------------------


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


# -- targets and lists ------------------------------------------------------------------------------------------------


def _target(target: Target, find: Find, policy: Policy) -> Hold | Create | Amend:
    found = match(target, find, policy)
    if isinstance(found, LocalTarget):
        return amend(target, found)
    return Create(target) if found.reason is Reason.NO_TARGET else found


def amend(target: Target, local: LocalTarget) -> Amend:
    """Return what ``local`` lacks of ``target``, and what differs."""
    known = set(simplify_all(local.names))
    aliases = []
    for name in target.names:
        if (simple := simplify(name)) and simple not in known:
            known.add(simple)
            aliases.append(name)
    fields: dict[str, FieldValue] = {}
    differs: list[Mapping[str, object]] = []
    if target.type != local.type:
        differs.append({"field": "type", "theirs": str(target.type), "ours": str(local.type)})
    for name in COORDINATE_FIELDS:
        theirs, ours = getattr(target, name), local.fields.get(name)
        if theirs in (None, ""):
            continue
        if ours in (None, ""):
            fields[name] = theirs
        elif not _equal(theirs, ours):
            differs.append({"field": name, "theirs": theirs, "ours": ours})
    extras = {key: value for key, value in target.extras.items() if key not in local.extras}
    differs += [
        {"field": f"extras.{key}", "theirs": value, "ours": local.extras[key]}
        for key, value in target.extras.items()
        if local.extras.get(key, value) != value
    ]
    additions = Additions(aliases=tuple(aliases), extras=extras, fields=fields)
    return Amend(target=target, local=local, additions=additions, differs=tuple(differs))


def _equal(theirs: FieldValue, ours: FieldValue) -> bool:
    if isinstance(theirs, int | float) and isinstance(ours, int | float):
        return math.isclose(theirs, ours, rel_tol=1e-12, abs_tol=1e-12)
    return theirs == ours


def _list(target_list: TargetList, find: Find, policy: Policy, members: Sequence[ListMember]) -> FillList:
    create: list[tuple[str, Target]] = []
    amends: list[tuple[str, Amend]] = []
    join: list[tuple[str, LocalTarget]] = []
    held: list[tuple[str, Hold]] = []
    for member in members:
        name = member.reference.name
        found = match(member.target or member.reference, find, policy)
        if isinstance(found, LocalTarget):
            if member.target is not None:
                amends.append((name, amend(member.target, found)))
            join.append((name, found))
        elif found.reason is Reason.NO_TARGET and member.target is not None:
            create.append((name, member.target))
        else:
            held.append((name, found))
    return FillList(
        name=target_list.name, create=tuple(create), amend=tuple(amends), join=tuple(join), held=tuple(held)
    )


def import_list_name(origin_name: str, existing: Collection[str] | None) -> str:
    """Return the name of the list of what was created for ``origin_name``.

    TOM Toolkit's own sharing writes "Imported From"; where it has made that list already, it is used.
    """
    toolkits = f"Imported From {origin_name}"
    return toolkits if existing is not None and toolkits in existing else f"Imported from {origin_name}"


def shared_list_name(name: str, origin_name: str, existing: Collection[str] | None) -> str:
    """Return what a shared list is called here when it comes for the first time.

    Its own name, unless this TOM has another list of that name, or can't say whether it has (``existing`` is None):
    members are never mixed into somebody else's list.
    """
    if existing is not None and name not in existing:
        return name
    suffix = f" (from {origin_name})"
    return name[: LONGEST_LIST_NAME - len(suffix)] + suffix


# -- datums -----------------------------------------------------------------------------------------------------------


def _datums(event: Event, data: Data, target_pk: int, policy: Policy, topic: str) -> tuple[NewDatum, ...]:
    origin = provenance(event, topic)
    return tuple(
        NewDatum(
            target_pk=target_pk,
            datum=_with_source(_typed(datum, policy), origin.origin_name),
            provenance=origin,
            number=number,
        )
        for number, datum in enumerate(data.datums)
    )


def _typed(datum: Datum, policy: Policy) -> Datum:
    """Return ``datum`` with the type by which this TOM knows it."""
    if not isinstance(datum, ReducedDatum):
        return datum
    mapped = policy.data_product_types.get(datum.data_type, datum.data_type)
    # What a typed model holds has to have come as such: a free value is none of its columns.
    return datum if mapped.lower() in TYPED else datum.model_copy(update={"data_type": mapped})


def _with_source(datum: Datum, origin_name: str) -> Datum:
    """Return ``datum`` as coming from ``origin_name``; its own source goes to the further values."""
    return datum.with_free(with_source(datum.free, datum.source_name), source_name=origin_name)
