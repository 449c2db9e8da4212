"""One target created, as most tests want it."""

from collections.abc import Sequence

from bridge.errors import RejectedError
from bridge.events import Target
from bridge.tom.port import Provenance, Tom, Written


def create_target(tom: Tom, target: Target, lists: Sequence[str], provenance: Provenance) -> Written | None:
    """Create one target and return what was written, or None; raise what it was refused with."""
    (written,) = tom.create_targets([target], lists, provenance)
    if isinstance(written, RejectedError):
        raise written
    return written
