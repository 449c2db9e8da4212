"""Functions that a TOM may name in ``HOOKS['tom_bridge_event_applied']``."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def heard() -> list[tuple[str, str, str, int]]:
    """Return of each call of this test: kind, outcome, the target's name, and how many of its datums are committed."""
    file = _file()
    return [tuple(json.loads(line)) for line in file.read_text().splitlines()] if file.exists() else []


def _note(entry: Any, target: Any, datums: int) -> None:
    with _file().open("a") as file:
        file.write(json.dumps([entry.kind, str(entry.outcome), getattr(target, "name", ""), datums]) + "\n")


def _file() -> Path:
    from django.conf import settings

    return Path(settings.MEDIA_ROOT).parent / "heard"


def event_applied(entry: Any, target: Any) -> None:
    """Note what is told, and what the TOM holds at that moment by a connection that sees only what is committed."""
    from django.db import connections
    from tom_dataproducts.models import PhotometryReducedDatum

    datums = PhotometryReducedDatum.objects.using("second").filter(target_id=getattr(target, "pk", None)).count()
    connections["second"].close()
    _note(entry, target, datums)


def raises(entry: Any, target: Any) -> None:
    """Fail."""
    _note(entry, target, 0)
    raise RuntimeError("the hook is broken")


def misbehaves(entry: Any, target: Any) -> None:
    """Do what the target's name says, for photometry."""
    _note(entry, target, 0)
    match target.name if entry.kind == "photometry" else "":
        case "exit":
            os._exit(0)
        case "sys.exit":
            sys.exit(0)
        case "interrupt":
            raise KeyboardInterrupt
        case "hang":
            time.sleep(600)


NOT_A_FUNCTION = 7
