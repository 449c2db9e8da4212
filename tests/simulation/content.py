"""What a TOM has to hold of an event that is settled: the simulation's own idea of it, apart from the bridge's."""

from bridge.events import DataProduct, Event, Photometry, Target, TargetList
from bridge.names import simplify

Fact = tuple[tuple[object, ...], ...]
"""Ways in which one thing can be there; any of them is enough."""


def facts(event: Event) -> list[Fact]:
    """Return what has to be there of an event, or to have been."""
    match event.body:
        case Target() as target:
            return [(("name", simplify(target.name)),)]
        case TargetList() as target_list:
            return [member_fact(event, target_list, member.reference.name) for member in target_list.members]
        case Photometry() as photometry:
            return [(("datum", point.timestamp, point.bandpass),) for point in photometry.points]
        case DataProduct() as product:
            return [(("product", product.product_id or f"{event.origin}:{event.id}"),)]
    raise AssertionError(event.kind)


def member_fact(event: Event, target_list: TargetList, name: str) -> Fact:
    """Return that a member is in its list: by its name or alias, whatever the list is called here."""
    member = next(one.reference for one in target_list.members if one.reference.name == name)
    handles = (target_list.name, f"{target_list.name} (from {event.origin_name})")
    return tuple(("member", handle, simplify(one)) for handle in handles for one in member.names)
