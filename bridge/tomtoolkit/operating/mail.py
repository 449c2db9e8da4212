"""The daily mail to the administrators: what is dead, what is parked, how far behind the TOM is."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import structlog
from django.conf import settings as django_settings
from django.core.mail import EmailMessage, get_connection
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Q

from bridge.errors import AwayError
from bridge.ledger.port import Filter, Ledger
from bridge.operations import records
from bridge.operations.records import Line
from bridge.operations.status import Status, Thresholds, judge, status
from bridge.shown import visible
from bridge.tomtoolkit.conf import AppSettings, MailSettings
from bridge.tomtoolkit.database import translating, words, writing
from bridge.tomtoolkit.models import Installation, OutboxEvent
from bridge.tomtoolkit.operating.health import problems, unclear

log = structlog.get_logger(__name__)

_MOST_SHOWN = 10
_LOOK_S = 60.0
_RETRY_S = 3600.0
_TIMEOUT_S = 30.0
"""Of the mail server, where the TOM's settings name none: a consumer must not hang on it."""


class DailyMail:
    """Sends the mail once a day, whichever process of the TOM comes first."""

    def __init__(self, settings: AppSettings, using: str = DEFAULT_DB_ALIAS) -> None:
        self._settings = settings
        self._using = using
        self._next_look = 0.0

    def send_when_due(self, ledger: Ledger, now: datetime | None = None) -> bool:
        """Send the mail if its hour has come since the last one; return whether it was sent.

        The first one goes at once. A mail server that fails is logged, and tried again an hour later.
        """
        mail = self._settings.mail
        if mail is None or mail.hour is None or (now is None and time.monotonic() < self._next_look):
            return False
        self._next_look = time.monotonic() + _LOOK_S
        at = now or datetime.now(UTC)
        due = at.replace(hour=mail.hour, minute=0, second=0, microsecond=0)
        due = due if due <= at else due - timedelta(days=1)
        with translating(self._using):
            rows = Installation.objects.using(self._using)
            last = rows.values_list("mailed_at", flat=True).get()
            with writing(self._using):
                # Of several processes that look at once, one changes the row.
                mine = rows.filter(Q(mailed_at=None) | Q(mailed_at__lt=due)).update(mailed_at=at) == 1
            if not mine:
                return False
            try:
                send(self._settings, mail, ledger, at)
            except Exception as error:  # the consumer that sends it has other things to do
                log.warning("mail.failed", message=words(error))
                with writing(self._using):
                    rows.filter(mailed_at=at).update(mailed_at=last)
                self._next_look = time.monotonic() + _RETRY_S
                return False
        return True


def send(settings: AppSettings, mail: MailSettings, ledger: Ledger, at: datetime) -> None:
    """Send the mail. Raises AwayError where the mail server doesn't take it."""
    subject, body = compose(settings, ledger, at)
    timeout_s = getattr(django_settings, "EMAIL_TIMEOUT", None) or _TIMEOUT_S
    try:
        EmailMessage(subject, body, to=list(mail.to), connection=get_connection(timeout=timeout_s)).send()
    except Exception as error:  # what a mail backend raises is its own affair
        raise AwayError(f"the mail can't be sent: {type(error).__name__}: {error}", where="mail") from error
    log.info("mail.sent", to=list(mail.to), subject=subject)


def compose(settings: AppSettings, ledger: Ledger, at: datetime) -> tuple[str, str]:
    """Return subject and text."""
    now = status(settings, ledger)
    behind = sum(topic.lag or 0 for topic in now.topics)
    subject = f"TOM Bridge of {settings.display_name}: {now.dead} dead, {now.parked} parked, {behind} to come"
    some = Filter(most=_MOST_SHOWN)
    blocks = [
        [f"{settings.display_name} ({settings.origin}) on {now.stream}, {at:%Y-%m-%d %H:%M} UTC"],
        [f"Problem: {problem}" for problem in judge(now, Thresholds(), besides=problems()).problems],
        _topics(now),
        _outbox(),
        _kept("Dead", now.dead, records.dead(ledger, some)),
        _kept("Parked", now.parked, records.parked(ledger, some)),
    ]
    # What others wrote makes no line of its own.
    return visible(subject), "\n\n".join("\n".join(map(visible, block)) for block in blocks if block) + "\n"


def _topics(now: Status) -> list[str]:
    return [
        f"{topic.topic}: {'unknown' if topic.lag is None else topic.lag} to come, "
        f"last success {f'{topic.last_success:%Y-%m-%d %H:%M} UTC' if topic.last_success else 'never'}"
        for topic in now.topics
    ]


def _outbox() -> list[str]:
    with translating():
        queued = OutboxEvent.objects.filter(state=OutboxEvent.State.QUEUED).count()
        refused = OutboxEvent.objects.filter(state=OutboxEvent.State.REFUSED).count()
        unknown = unclear()
    more = f", of {unknown} it isn't known whether they arrived" if unknown else ""
    return [f"Outbox: {queued} events wait to be sent, {refused} were refused by the stream{more}"]


def _kept(word: str, number: int, shown: Sequence[Line]) -> list[str]:
    lines = [
        f"  {one.id}: {one.kind or 'unknown'} of {one.member or one.subject or 'unknown'}"
        f" from {one.origin_name or one.origin or 'unknown'}: {one.reason}: {one.message}"
        for one in shown
    ]
    more = [f"  and {number - len(lines)} more"] if number > len(lines) else []
    return [f"{word}: {number}", *lines, *more]
