"""Targets created, as most tests want it."""

from collections.abc import Sequence

from bridge.errors import RejectedError
from bridge.events import Target
from bridge.tom.port import NewTarget, Provenance, Tom, Written


def new_targets(targets: Sequence[Target], lists: Sequence[str], provenance: Provenance) -> list[NewTarget]:
    """Return targets of one event, all for the same lists, as a TOM takes them."""
    return [NewTarget(target=target, lists=tuple(lists), provenance=provenance) for target in targets]


def create_target(tom: Tom, target: Target, lists: Sequence[str], provenance: Provenance) -> Written | None:
    """Create one target and return what was written, or None; raise what it was refused with."""
    (written,) = tom.create_targets(new_targets([target], lists, provenance))
    if isinstance(written, RejectedError):
        raise written
    return written
