"""The hook of a TOM that wants to know when an event was applied: ``HOOKS['tom_bridge_event_applied']``.

It is called as ``function(entry, target)`` once the event's data are committed: ``entry`` is the
:class:`~bridge.ledger.port.Entry`, ``target`` the ``Target`` that it is about, None for a list. It runs in a child
process, for a limited time; what it raises, or does to that process, is logged and costs nothing. A process that is
killed in between calls it for none of what it had just committed: it is a notice, not a queue.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from django.conf import settings
from django.db import connections, transaction
from tom_common.hooks import import_method, run_hook
from tom_targets.models import Target

from bridge.errors import BridgeError
from bridge.ledger.port import Entry, Outcome
from bridge.tomtoolkit import children, conf

HOOK = "tom_bridge_event_applied"
_MOST_LOST = 3
"""Calls that hang or end their process after which the others of a transaction are not made."""

log = structlog.get_logger(__name__)


def is_announced() -> bool:
    """Return whether the TOM has the hook."""
    return bool(_function())


def announce(using: str, entry: Entry) -> None:
    """Call the TOM's hook when the transaction that is open is committed.

    Not for what the ledger has recorded before and only keeps, and for a list when the last of its members is in.
    """
    if entry.outcome is not Outcome.APPLIED or entry.is_part or entry.recorded_at is not None:
        return
    connection = connections[using]
    for savepoints, function, _ in connection.run_on_commit:
        if isinstance(function, _Calls) and savepoints == set(connection.savepoint_ids):
            function.entries.append(entry)
            return
    transaction.on_commit(_Calls(using, entry), using=using)


class _Calls:
    """The calls for what one transaction has applied."""

    def __init__(self, using: str, entry: Entry) -> None:
        self._using = using
        self.entries = [entry]

    def __call__(self) -> None:
        left = self.entries
        try:
            limit_s = conf.load().limits.hook_s
            for _ in range(_MOST_LOST):
                calls = [(self._using, entry) for entry in left]
                answers = children.NURSERY.each(_call, calls, limit_s=limit_s)
                for entry, answer in zip(left, answers, strict=False):
                    if answer.failure:
                        _tell(entry, answer.failure)
                left = left[len(answers) :]
                if not left:
                    return
            message = f"{_MOST_LOST} calls did not come back"
        except BridgeError as error:
            message = str(error)
        log.warning("hook.not_called", hook=HOOK, events=len(left), message=message)


def _tell(entry: Entry, failure: str) -> None:
    log.error("hook.failed", hook=HOOK, event_id=str(entry.event_id), subject=entry.subject, message=failure)


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


def _call(given: tuple[str, Entry]) -> None:
    """Run in the child."""
    using, entry = given
    run_hook(HOOK, entry, _target(using, entry.detail))


def _target(using: str, detail: Mapping[str, Any]) -> Any:
    """Return the target that a detail tells of: the one that was found, or the one that was made."""
    pk = (detail.get("target") or {}).get("pk") or (detail.get("pk") if "created" in detail else None)
    return None if pk is None else Target.objects.using(using).filter(pk=pk).first()
