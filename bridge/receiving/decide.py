"""What happens to each kind of event: the one place that decides, without doing anything.

An event, the targets of this TOM that match, and a :class:`~bridge.receiving.matching.Policy` go in; a plan comes out,
which :mod:`bridge.receiving.execute` carries out and a dry run shows. The rules are those of ``docs/guarantees.md`` and
TOM Toolkit's own.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, count, repeat
from typing import Any, NamedTuple, TypeVar

from pydantic import JsonValue

from bridge.events import (
    COORDINATE_FIELDS,
    TYPED,
    Data,
    DataProduct,
    Datums,
    Event,
    ListMember,
    ReducedDatum,
    Target,
    TargetList,
)
from bridge.events.columns import once
from bridge.ledger.port import Reason
from bridge.names import simplify, simplify_all
from bridge.receiving.matching import Find, Hold, Policy, match
from bridge.tom.port import Additions, FieldValue, LocalTarget, NewDatums, Provenance
from bridge.tom.reserved import with_source

LONGEST_LIST_NAME = 200
_NO_VALUES: dict[str, JsonValue] = {}
"""What most datums have beside their columns: as one object, so that what is made of it is made once."""
T = TypeVar("T")


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


class AddDatums(NamedTuple):
    """Write the datums of an event onto a target (:func:`new_datums`)."""

    local: LocalTarget
    data: Data
    origin: Provenance


@dataclass(frozen=True, kw_only=True)
class AddProduct:
    """Store a data product onto a target."""

    local: LocalTarget
    product: DataProduct
    product_id: str


Plan = Hold | Create | Amend | FillList | AddDatums | AddProduct


def decide(
    event: Event,
    find: Find,
    policy: Policy,
    members: Sequence[ListMember] | None = None,
    *,
    topic: str = "",
    creates: bool = True,
) -> Plan:
    """Return what is to happen to ``event``, which came on ``topic``, in a TOM whose targets ``find`` finds.

    ``members``: of a list only these members. Without ``creates`` a target that isn't there is held as its data are.
    """
    match event.body:
        case Target() as target:
            return _target(target, find, policy, creates=creates)
        case TargetList() as target_list:
            chosen = target_list.members if members is None else members
            return _list(target_list, find, policy, chosen, creates=creates)
        case Data():
            return decide_data([event], [topic], find, policy)[0]
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


def decide_data(events: Sequence[Event], topics: Sequence[str], find: Find, policy: Policy) -> list[AddDatums | Hold]:
    """Return what :func:`decide` does of each of these events with datums: of those of one target once."""
    bodies: list[Any] = [event.body for event in events]
    matched = once(lambda target: match(target, find, policy), [body.target for body in bodies])
    return [
        found if isinstance(found, Hold) else AddDatums(found, body, provenance(event, topic))
        for event, body, topic, found in zip(events, bodies, topics, matched, strict=True)
    ]


def provenance(event: Event, topic: str = "") -> Provenance:
    """Return where what ``event`` brings comes from."""
    return Provenance(event.ref, event.origin_name, event.shared_by, topic)


# -- targets and lists ------------------------------------------------------------------------------------------------


def _target(target: Target, find: Find, policy: Policy, *, creates: bool) -> Hold | Create | Amend:
    found = match(target, find, policy)
    if isinstance(found, LocalTarget):
        return amend(target, found)
    return Create(target) if found.reason is Reason.NO_TARGET and creates else found


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


def _list(
    target_list: TargetList, find: Find, policy: Policy, members: Sequence[ListMember], *, creates: bool
) -> FillList:
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
        elif found.reason is Reason.NO_TARGET and member.target is not None and creates:
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
    for number in count(1):
        suffix = f" (from {origin_name})" if number == 1 else f" (from {origin_name}, {number})"
        told = name[: LONGEST_LIST_NAME - len(suffix)] + suffix
        if existing is None or told not in existing:
            return told
    raise AssertionError("unreachable: a TOM has not every list")


# -- datums -----------------------------------------------------------------------------------------------------------


def new_datums(plans: Sequence[AddDatums], policy: Policy) -> NewDatums:
    """Return the datums of plans, all of one type, as they are to be written: by type and source known here."""
    each = [plan.data.datums for plan in plans]
    of, lengths = each[0].of, list(map(len, each))
    given = Datums.joined(of, each)
    provenances = _spread([plan.origin for plan in plans], lengths)
    free = [values or _NO_VALUES for values in given.column(of.FREE)]
    update = {
        "source_name": [origin.origin_name for origin in provenances],
        # Their own source goes to the further values.
        of.FREE: once(with_source, free, given.column("source_name")),
    }
    if of is ReducedDatum:
        update["data_type"] = [_typed(data_type, policy) for data_type in given.column("data_type")]
    return NewDatums(
        datums=given.having(**update),
        targets=_spread([plan.local.pk for plan in plans], lengths),
        provenances=provenances,
        numbers=[number for length in lengths for number in range(length)],
    )


def _spread(values: Sequence[T], lengths: Sequence[int]) -> list[T]:
    """Return each value as often as its length says."""
    return [*chain.from_iterable(map(repeat, values, lengths))]


def _typed(data_type: str, policy: Policy) -> str:
    """Return the type by which this TOM knows a datum of ``data_type``."""
    mapped = policy.data_product_types.get(data_type, data_type)
    # What a typed model holds has to have come as such: a free value is none of its columns.
    return data_type if mapped.lower() in TYPED else mapped
