"""What is wrong in the TOM itself, beside what the stream and the ledger tell: for people and for monitoring."""

from datetime import UTC, datetime, timedelta

from django.db import DEFAULT_DB_ALIAS

from bridge.operations.outbox import told
from bridge.operations.status import Thresholds
from bridge.tomtoolkit import checks
from bridge.tomtoolkit.database import translating
from bridge.tomtoolkit.models import OutboxEvent
from bridge.tomtoolkit.sharing.outbox import IS_UNCLEAR


def problems(*, stalled_s: float = Thresholds.stalled_s, at: datetime | None = None) -> list[str]:
    """Return what is wrong: groups that are gone, shares that wait for longer than ``stalled_s`` or are unclear.

    Raises AwayError and StopError as the database does.
    """
    moment = at or datetime.now(UTC)
    with translating():
        found = [_sentence(one.msg, one.hint) for one in checks.check_groups(databases=[DEFAULT_DB_ALIAS])]
        return [*found, *_outbox(moment, timedelta(seconds=stalled_s)), *told(unclear())]


def unclear() -> int:
    """Return of how many messages it isn't known whether they were taken, without what is being sent now."""
    return OutboxEvent.objects.filter(IS_UNCLEAR).count()


def _outbox(moment: datetime, stalled: timedelta) -> list[str]:
    queued = OutboxEvent.objects.filter(state=OutboxEvent.State.QUEUED)
    oldest = queued.order_by("id").first()
    if oldest is None or moment - oldest.created <= stalled:
        return []
    why = oldest.reason or "is the relay running (manage.py bridgerun, or bridgerelay)?"
    since = f"{oldest.created:%Y-%m-%d %H:%M} UTC"
    return [f"outbox: {queued.count()} events wait to be sent, the first since {since}: {why}"]


def _sentence(what: str, mend: str | None) -> str:
    return f"{what} {mend}" if mend else what
