"""Functions that a TOM may name in ``HOOKS['tom_bridge_event_applied']``."""

from typing import Any

heard: list[tuple[str, str, str, int]] = []
"""Of each call: kind, outcome, the target's name, and how many of its datums are committed."""


def event_applied(entry: Any, target: Any) -> None:
    """Note what is told, and what the TOM holds at that moment by a connection that sees only what is committed."""
    from django.db import connections
    from tom_dataproducts.models import PhotometryReducedDatum

    datums = PhotometryReducedDatum.objects.using("second").filter(target_id=getattr(target, "pk", None)).count()
    connections["second"].close()
    heard.append((entry.kind, str(entry.outcome), getattr(target, "name", ""), datums))


def raises(entry: Any, target: Any) -> None:
    """Fail."""
    heard.append((entry.kind, str(entry.outcome), getattr(target, "name", ""), 0))
    raise RuntimeError("the hook is broken")


NOT_A_FUNCTION = 7
