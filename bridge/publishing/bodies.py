"""Datums of one target as bodies of events."""

from collections.abc import Sequence

from bridge.codec import runs
from bridge.events import BODIES, KINDS, Body, Datum, TargetReference


def bodies_of(target: TargetReference, datums: Sequence[Datum]) -> list[Body]:
    """Return datums of one target as bodies of events, as many as they need: kind by kind, each in the order given."""
    bodies: list[Body] = []
    for kind, body in BODIES.items():
        found = [datum for datum in datums if KINDS[type(datum)] is kind]
        bodies += [
            body.model_validate({"target": target, body.ITEMS: tuple(found[first:end])})
            for first, end in runs(found, [1] * len(found), body.MOST)
        ]
    return bodies
