"""The hook of a TOM that wants to know when an event was applied: ``HOOKS['tom_bridge_event_applied']``.

It is called as ``function(entry, target)`` once the event's data are committed: ``entry`` is the
:class:`~bridge.ledger.port.Entry`, ``target`` the ``Target`` that it is about, None for a list. What it raises is
logged and costs nothing. A process that is killed in between calls it for none of what it had just committed: it is a
notice, not a queue.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction
from tom_common.hooks import import_method, run_hook
from tom_targets.models import Target

from bridge.ledger.port import Entry, Outcome

HOOK = "tom_bridge_event_applied"

log = structlog.get_logger(__name__)


def announce(using: str, entry: Entry) -> None:
    """Call the TOM's hook, where it has one, when the transaction that is open is committed.

    Not for what the ledger has recorded before and only keeps.
    """
    if entry.outcome is Outcome.APPLIED and entry.recorded_at is None and _function():
        transaction.on_commit(partial(_call, using, entry), using=using)


def problem() -> str:
    """Return why the hook that the settings name can't be called; empty where it can, or there is none."""
    if not (name := _function()):
        return ""
    try:
        function = import_method(name)
    except Exception as error:  # whatever the module does when it is imported
        return f"{name!r} can't be imported: {error}"
    return "" if callable(function) else f"{name!r} is no function"


def _function() -> str:
    return str(getattr(settings, "HOOKS", {}).get(HOOK) or "")


def _call(using: str, entry: Entry) -> None:
    try:
        run_hook(HOOK, entry, _target(using, entry.detail))
    except Exception:  # the event is applied, whatever the hook makes of it
        log.exception("hook.failed", hook=HOOK, event_id=str(entry.event_id), subject=entry.subject)


def _target(using: str, detail: Mapping[str, Any]) -> Any:
    """Return the target that a detail tells of: the one that was found, or the one that was made."""
    pk = (detail.get("target") or {}).get("pk") or (detail.get("pk") if "created" in detail else None)
    return None if pk is None else Target.objects.using(using).filter(pk=pk).first()
