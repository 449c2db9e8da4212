"""From the outbox to the stream: in order, confirmed, and again after whatever death.

A row is marked as sent only after ``flush`` has returned. A relay that dies in between leaves rows queued that the
stream has: the next one sends them again, as the same events, and who receives them sees duplicates. One relay works
at a time, by a :class:`~bridge.tomtoolkit.database.Lease`; others stand by. Should two work nevertheless, for a moment,
each sends rows in order: what comes first of a row comes behind what comes first of the rows before it.

What the stream will never take (too large, not valid) is refused, with its reason, and holds nothing back: for what
comes behind it is not made of it. What waits for a topic that is missing, or may not be written, holds back its topic.
"""

import random
import threading
import time
from collections.abc import Callable, Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from django.db import DEFAULT_DB_ALIAS, close_old_connections
from django.db.models.functions import Length

from bridge.errors import AwayError, EventError, NotDeliveredError, StopError, TooLargeError, TopicMissingError
from bridge.events import Event
from bridge.operations.assemble import stream_of
from bridge.publishing.publisher import Publisher
from bridge.stream.port import Stream
from bridge.tomtoolkit.conf import AppSettings
from bridge.tomtoolkit.database import MANY, Lease, chunks, translating, words, writing
from bridge.tomtoolkit.database.leases import LASTS_S
from bridge.tomtoolkit.models import OutboxEvent
from bridge.tomtoolkit.sharing.self_sharing import SelfSharing

log = structlog.get_logger(__name__)

QUEUED, SENT, REFUSED = OutboxEvent.State.QUEUED, OutboxEvent.State.SENT, OutboxEvent.State.REFUSED
_ROWS_AT_ONCE = 200
_BYTES_AT_ONCE = 16 * 1024 * 1024
_CLEAN_EVERY_S = 3600.0
_MOST_ODD = 3

Place = tuple[str, bytes]
"""Topic and key."""


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often, how long, all in seconds unless it says otherwise."""

    poll_s: float = 1.0
    """Between two looks at an empty outbox."""
    look_s: float = 10.0
    """Between two looks for new data of what shares itself."""
    flush_s: float = 5.0
    """How long confirmations are waited for before other topics have their turn."""
    announce_s: float = 5.0
    rest_s: float = 30.0
    """Between two tries of a topic that is missing."""
    lease_s: float = LASTS_S
    """How long a relay that has stopped without a word keeps others standing by."""
    shortest_wait_s: float = 0.5
    longest_wait_s: float = 60.0
    keep: timedelta = timedelta(days=7)
    """How long the content of what was sent is kept; that it was sent is kept for ever."""


class Relay:
    """Publishes what is in the outbox of this process's TOM, and lets share themselves what is to. Not thread-safe.

    ``open_stream`` makes the stream from the settings.
    """

    def __init__(
        self,
        settings: AppSettings,
        *,
        pace: Pace | None = None,
        open_stream: Callable[[AppSettings], Stream] = stream_of,
        using: str = DEFAULT_DB_ALIAS,
    ) -> None:
        self._settings = settings
        publish = settings.publish
        self._pace = pace or Pace(look_s=publish.look_s, keep=timedelta(days=publish.keep_days))
        self._open_stream = open_stream
        self._using = using
        self._lease = Lease("relay", using, lasts_s=self._pace.lease_s)
        self._self_sharing = SelfSharing(using)
        self._sender: Sender | None = None
        self._failures = 0
        self._next_look = self._next_clean = 0.0
        self._standing_by = False

    def run(self, stopped: threading.Event, *, until_end: bool = False) -> None:
        """Publish until ``stopped``, or with ``until_end`` until all is sent that is there now.

        Waits for whoever is away. Raises StopError where a person has to do something, such as to run ``migrate``.
        """
        log.info("relay.started", origin=self._settings.origin)
        with ExitStack() as stack:
            stack.callback(close_old_connections)
            stack.callback(self.close)
            while not stopped.is_set():
                try:
                    more = self.turn()
                    self._failures = 0
                except AwayError as error:
                    self._wait(error, stopped)
                    continue
                finally:
                    close_old_connections()
                if more:
                    continue
                if until_end and not self._standing_by:
                    break
                stopped.wait(self._pace.poll_s)
        log.info("relay.stopped")

    def turn(self) -> bool:
        """Look for new data where it is time, and send what is queued; return whether more may be sent at once.

        Raises AwayError while the database or the stream is away.
        """
        with translating(self._using):
            if not self._is_the_one():
                return False
            if time.monotonic() >= self._next_look and not self._self_sharing.look():
                self._next_look = time.monotonic() + self._pace.look_s
            if self._sender is None:
                self._sender = Sender(
                    self._open_stream(self._settings), self._settings.stream.schema_topic, self._pace, self._using
                )
            more = self._sender.send()
            self._clean()
            return more

    def close(self) -> None:
        """Release the stream, and let others relay; what is not confirmed is sent again by whoever is next."""
        if self._sender is not None:
            self._sender.close()
            self._sender = None
        self._lease.release()

    def _is_the_one(self) -> bool:
        """Return whether it is this relay that works; say when that changes."""
        mine = self._lease.take()
        if mine is self._standing_by:
            self._standing_by = not mine
            if mine:
                log.info("relay.takes_over")
            else:
                log.info("relay.stands_by", works=self._lease.holder)
        return mine

    def _clean(self) -> None:
        """Forget the content of what was sent long ago."""
        if time.monotonic() < self._next_clean:
            return
        self._next_clean = time.monotonic() + _CLEAN_EVERY_S
        rows = OutboxEvent.objects.using(self._using)
        long_ago = rows.filter(payload__isnull=False, state=SENT, sent_at__lt=datetime.now(UTC) - self._pace.keep)
        while keys := list(long_ago.values_list("pk", flat=True)[:MANY]):
            with writing(self._using):
                rows.filter(pk__in=keys).update(payload=None)

    def _wait(self, error: AwayError, stopped: threading.Event) -> None:
        """Wait with jittered backoff (between half and all of it)."""
        self._failures += 1
        longest = min(self._pace.longest_wait_s, self._pace.shortest_wait_s * 2 ** min(self._failures - 1, 16))
        wait_s = max(random.uniform(longest / 2, longest), error.retry_after_s or 0.0)  # noqa: S311 (no secret)
        log.warning("relay.waiting", message=str(error), wait_s=round(wait_s, 1), failures=self._failures)
        stopped.wait(wait_s)


class Sender:
    """Sends queued rows, and writes what became of them."""

    def __init__(self, stream: Stream, schema_topic: str, pace: Pace, using: str = DEFAULT_DB_ALIAS) -> None:
        self._stream = stream
        self._schema_topic = schema_topic
        self._pace = pace
        self._using = using
        self._publisher = self._new_publisher()
        self._handed: dict[int, Place] = {}
        """Rows that the stream was given and has not confirmed."""
        self._sent: set[int] = set()
        """Rows that it has confirmed, and that are not marked yet: the database may be away."""
        self._refused: dict[int, str] = {}
        """Rows that it refused, with the reason, and that are not marked yet."""
        self._one_by_one: set[Place] = set()
        """Keys of which something was refused, and it isn't known what: one row goes at a time."""
        self._resting: dict[str, float] = {}
        """Topics that are missing, and when they are tried again."""
        self._odd = 0
        """How many rows failed, one after the other, in a way that nobody has foreseen."""
        self._reasons: dict[str, str] = {}
        """What the rows of a topic wait for, as it is in the database."""

    def send(self) -> bool:
        """Send some of what is queued; return whether there is more that can go now.

        Raises AwayError where the stream takes or confirms nothing.
        """
        self._write()  # what an earlier call could not
        rows = self._next()
        waited = bool(self._handed)
        try:
            for row in rows:
                self._hand_over(row)
        finally:
            self._confirm()
        return bool(rows) or waited

    def close(self) -> None:
        """Release the stream."""
        self._stream.close()

    def _new_publisher(self) -> Publisher:
        return Publisher(self._stream, schema_topic=self._schema_topic, announce_timeout_s=self._pace.announce_s)

    # -- what goes next -----------------------------------------------------------------------------------------------

    def _next(self) -> list[OutboxEvent]:
        """Return the next rows in order, of topics of which nothing is unconfirmed, up to a bound of bytes."""
        now = time.monotonic()
        self._resting = {topic: until for topic, until in self._resting.items() if until > now}
        held = {topic for topic, _ in self._handed.values()} | set(self._resting)
        queued = OutboxEvent.objects.using(self._using).filter(state=QUEUED).exclude(topic__in=held).order_by("id")
        keys: list[int] = []
        taken = 0
        single: set[Place] = set()
        for pk, topic, key, size in queued.values_list("pk", "topic", "key", Length("payload"))[:_ROWS_AT_ONCE]:
            place = (topic, bytes(key))
            if place in single:
                continue
            if place in self._one_by_one:
                single.add(place)
            taken += size or 0
            if keys and taken > _BYTES_AT_ONCE:
                break
            keys.append(pk)
        return list(OutboxEvent.objects.using(self._using).filter(pk__in=keys).order_by("id"))

    def _hand_over(self, row: OutboxEvent) -> None:
        if row.topic in self._resting:
            return
        try:
            event = Event.checked(bytes(row.payload or b""))
            try:
                self._publisher.publish(event, row.topic)
            except TooLargeError:
                self._publisher = self._new_publisher()  # the topic may take more by now
                self._publisher.publish(event, row.topic)
        except TopicMissingError as error:
            self._resting[row.topic] = time.monotonic() + self._pace.rest_s
            self._wait_for(row.topic, str(error))
        except EventError as error:
            self._refused[row.pk] = str(error)
        except (AwayError, StopError):
            raise
        except Exception as error:
            self._odd += 1
            if self._odd > _MOST_ODD:  # then it does not lie in the events
                raise
            log.exception("relay.failed", row=row.pk)
            self._refused[row.pk] = f"it can't be sent: {words(error)}"
        else:
            self._odd = 0
            self._handed[row.pk] = (row.topic, bytes(row.key))

    # -- what became of it --------------------------------------------------------------------------------------------

    def _confirm(self) -> None:
        """Wait until the stream has what it was given, and write what became of it.

        Raises NotDeliveredError where nothing at all was confirmed.
        """
        missing: NotDeliveredError | None = None
        try:
            if self._handed:
                self._stream.flush(self._pace.flush_s)
        except NotDeliveredError as error:
            missing = error
            self._sort(error)
        else:
            self._sent |= set(self._handed)
            self._handed = {}
        progress = bool(self._sent or self._refused)
        self._write()
        if missing is not None:
            why = missing.what.partition(": ")[2] or missing.what  # without the number, which changes all the time
            for topic in {topic for topic, _ in self._handed.values()}:
                self._wait_for(topic, why)
            if not progress:
                raise missing

    def _sort(self, error: NotDeliveredError) -> None:
        """Tell what was confirmed, what was refused, and what the stream still has to deliver."""
        undelivered = set(error.undelivered)
        self._sent |= {pk for pk, place in self._handed.items() if place not in undelivered}
        for topic, key in set(error.refused):
            place = (topic, key or b"")
            rows = [pk for pk, one in self._handed.items() if one == place]
            if len(rows) == 1:
                self._refused[rows[0]] = error.what
                self._one_by_one.discard(place)
            else:
                # Which one isn't known. They go again, one at a time: those that the stream has are duplicates.
                self._one_by_one.add(place)
                undelivered.discard(place)
        settled = self._sent | set(self._refused)
        self._handed = {pk: place for pk, place in self._handed.items() if pk not in settled and place in undelivered}

    def _write(self) -> None:
        """Mark rows as sent or refused."""
        rows = OutboxEvent.objects.using(self._using).filter(state=QUEUED)
        for chunk in chunks(sorted(self._sent), MANY):
            with writing(self._using):
                rows.filter(pk__in=chunk).update(state=SENT, sent_at=datetime.now(UTC), reason="")
            self._sent -= set(chunk)
            log.info("relay.sent", events=len(chunk))
        for pk, reason in list(self._refused.items()):
            with writing(self._using):
                rows.filter(pk=pk).update(state=REFUSED, reason=reason)
            del self._refused[pk]
            log.error("relay.refused", row=pk, message=reason)

    def _wait_for(self, topic: str, reason: str) -> None:
        """Write what the rows of a topic wait for, where that has changed."""
        if self._reasons.get(topic) != reason:
            log.warning("relay.topic_waits", topic=topic, message=reason)
            self._reasons[topic] = reason
        rows = OutboxEvent.objects.using(self._using).filter(state=QUEUED, topic=topic).exclude(reason=reason)
        with writing(self._using):
            rows.update(reason=reason)


def send_again(keys: Collection[int], using: str = DEFAULT_DB_ALIAS) -> int:
    """Queue refused rows again; return how many. They are the same events as before, and come behind newer ones."""
    with writing(using):
        refused = OutboxEvent.objects.using(using).filter(pk__in=keys, state=REFUSED)
        return int(refused.exclude(payload=None).update(state=QUEUED, reason=""))
