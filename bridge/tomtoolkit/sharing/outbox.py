"""The outbox in the TOM's database, as those see it who send: see :class:`bridge.publishing.outbox.Outbox`."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Count, Min, Q
from django.db.models.functions import Length

from bridge.publishing.outbox import Queued, Row, State, Stuck, Unclear, Waiting
from bridge.tomtoolkit.database import MANY, chunks, close_old, translating, writing
from bridge.tomtoolkit.models import OutboxEvent

QUEUED, SENT, REFUSED = OutboxEvent.State.QUEUED, OutboxEvent.State.SENT, OutboxEvent.State.REFUSED
UNCLEAR = OutboxEvent.State.UNCLEAR
IS_UNCLEAR = Q(state=UNCLEAR) & ~Q(reason="")
"""The condition that it isn't known of a row whether it was taken; what is being sent now has no reason yet."""


class DjangoOutbox:
    """The outbox of this process's TOM."""

    def __init__(self, using: str = DEFAULT_DB_ALIAS) -> None:
        self._using = using

    def waiting(self, stream: str, *, without: Collection[str], most: int) -> list[Waiting]:
        """Return the first ``most`` queued rows for the stream of this label, but for topics in ``without``."""
        rows = self._queued().filter(_of_stream(stream)).exclude(topic__in=without).order_by("id")
        with translating(self._using):
            found = list(rows.values_list("pk", "topic", "key", Length("payload"))[:most])
        return [Waiting(id=pk, topic=topic, key=bytes(key), size=size or 0) for pk, topic, key, size in found]

    def rows(self, ids: Collection[int]) -> list[Row]:
        """Return these rows, those of them that are queued, in order."""
        rows = self._queued().filter(pk__in=ids).order_by("id")
        columns = ("pk", "topic", "key", "payload", "format")
        with translating(self._using):
            found = list(rows.values_list(*columns))
        return [
            Row(id=pk, topic=topic, key=bytes(key), payload=bytes(payload or b""), format=form)
            for pk, topic, key, payload, form in found
        ]

    def last_accepted(self) -> int:
        """Return the id of the row that was accepted last, 0 where there is none."""
        connection = connections[self._using]
        table = connection.ops.quote_name(OutboxEvent._meta.db_table)
        with translating(self._using), connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(max(id), 0) FROM {table}")  # noqa: S608
            return int(cursor.fetchone()[0])

    def topics(self) -> set[str]:
        """Return the topics of all that is queued."""
        with translating(self._using):
            return set(self._queued().order_by().values_list("topic", flat=True).distinct())

    def queued(self) -> Queued:
        """Return how much waits to be sent."""
        with translating(self._using):
            found = self._queued().aggregate(events=Count("pk"), oldest=Min("created"))
        return Queued(**found)

    def mark_sent(self, ids: Sequence[int]) -> None:
        """Note that the stream has these rows."""
        for chunk in chunks(ids):
            with writing(self._using):
                self._open().filter(pk__in=chunk).update(state=SENT, sent_at=datetime.now(UTC), reason="")

    def mark_refused(self, row: int, reason: str) -> None:
        """Note that the stream will never take this row."""
        with writing(self._using):
            self._open().filter(pk=row).update(state=REFUSED, reason=reason)

    def mark_unclear(self, row: int, reason: str = "") -> None:
        """Note that this row is being sent, or that it isn't known whether it was taken."""
        with writing(self._using):
            now = datetime.now(UTC)
            self._queued().filter(pk=row).update(state=UNCLEAR, reason=reason, sent_at=now)
            self._all().filter(pk=row, state=UNCLEAR).update(reason=reason)

    def explain(self, row: int, reason: str) -> None:
        """Note why this row is unclear, where it still is."""
        with writing(self._using):
            self._all().filter(pk=row, state=UNCLEAR).update(reason=reason)

    def unclear(self, stream: str, *, without: Collection[int], most: int) -> list[Unclear]:
        """Return the first ``most`` unclear rows for the stream of this label, but for those in ``without``."""
        rows = self._all().filter(_of_stream(stream), state=UNCLEAR).exclude(pk__in=without).order_by("id")
        with translating(self._using):
            found = list(rows[:most])
        return [
            Unclear(
                id=row.pk,
                topic=row.topic,
                key=bytes(row.key),
                payload=bytes(row.payload or b""),
                format=row.format,
                tried_at=row.sent_at,
                reason=row.reason,
            )
            for row in found
        ]

    def stuck(self, most: int) -> list[Stuck]:
        """Return the rows that go no further by themselves, the newest first."""
        rows = stuck_rows(self._using)
        with translating(self._using):
            found = list(rows.defer("payload", "key")[:most])
        return [
            Stuck(
                id=row.pk,
                state=State(row.state),
                topic=row.topic,
                kind=row.kind,
                subject=row.subject,
                reason=row.reason,
                accepted_at=row.created,
                tried_at=row.sent_at if row.state == UNCLEAR else None,
            )
            for row in found
        ]

    def send_again(self, ids: Collection[int]) -> int:
        """Queue what is refused or unclear of these again."""
        queued = 0
        for chunk in chunks(sorted(ids)):
            with writing(self._using):
                rows = self._all().filter(pk__in=chunk, state__in=[REFUSED, UNCLEAR], payload__isnull=False)
                queued += int(rows.update(state=QUEUED, reason="", sent_at=None))
        return queued

    def wait_for(self, topic: str, reason: str) -> None:
        """Note what the queued rows of ``topic`` wait for."""
        with writing(self._using):
            self._queued().filter(topic=topic).exclude(reason=reason).update(reason=reason)

    def clean(self, before: datetime) -> None:
        """Forget the content of what was sent before that moment."""
        rows = self._all()
        long_ago = rows.filter(payload__isnull=False, state=SENT, sent_at__lt=before)
        while keys := self._some(long_ago):
            with writing(self._using):
                rows.filter(pk__in=keys).update(payload=None)

    def rest(self) -> None:
        """Let go of a connection that has grown old."""
        close_old()

    def close(self) -> None:
        """Let go of this thread's connection."""
        wrapper = connections[self._using]
        if not wrapper.in_atomic_block:
            wrapper.close()

    def _some(self, rows: Any) -> list[int]:
        with translating(self._using):
            return list(rows.values_list("pk", flat=True)[:MANY])

    def _open(self) -> Any:
        return self._all().filter(state__in=[QUEUED, UNCLEAR])

    def _queued(self) -> Any:
        return self._all().filter(state=QUEUED)

    def _all(self) -> Any:
        return OutboxEvent.objects.using(self._using)


def stuck_rows(using: str = DEFAULT_DB_ALIAS) -> Any:
    """Return the rows that go no further by themselves, the newest first; without what is being sent now."""
    return OutboxEvent.objects.using(using).filter(Q(state=REFUSED) | IS_UNCLEAR).order_by("-id")


def _of_stream(label: str) -> Q:
    return Q(topic__startswith=f"{label}:") if label else ~Q(topic__contains=":")
