"""From the outbox to the streams: in order, confirmed, and again after whatever death.

A row is marked as sent only after ``flush`` has returned. A relay that dies in between leaves rows queued that the
stream has: the next one sends them again, as the same events, and who receives them sees duplicates. One relay works
at a time, by a :class:`Lease`; others stand by. Should two work nevertheless, for a moment, each sends rows in order:
what comes first of a row comes behind what comes first of the rows before it.

Each stream has a sender in a thread of its own: one that is away, or frozen, keeps no other one waiting.
"""

import math
import queue
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import structlog

from bridge.backoff import growing_s, jittered_s
from bridge.codec.schemas import SchemaTopics
from bridge.errors import AwayError, NotDeliveredError, StopError
from bridge.hermes.service import HermesService
from bridge.publishing.outbox import Outbox
from bridge.publishing.posting import Poster
from bridge.publishing.queued import Named
from bridge.publishing.sender import Pace, Sender
from bridge.stream.port import Stream
from bridge.topics import split

__all__ = ["Lease", "Pace", "Relay"]

log = structlog.get_logger(__name__)

_CLEAN_EVERY_S = 3600.0
_WATCH_S = 0.02
"""Seconds between two questions whether something more was accepted: one look into an index, 0.03 ms on SQLite and 0.4
on PostgreSQL."""
_HEARS_S = 0.5
"""Seconds within which a stop is heard while senders are at work."""
_ENDS_WITHIN_S = 10.0
"""Seconds that a sender has to come to its end; what it has not confirmed by then is sent again by the next relay."""


class Lease(Protocol):
    """What lets one relay work at a time."""

    @property
    def holder(self) -> str:
        """Who has it where this process does not, for people."""
        ...

    def take(self) -> bool:
        """Return whether this process has it: still, or from now on. Raises AwayError and StopError."""
        ...

    def release(self) -> None:
        """Let others have it."""
        ...


class Sending(Protocol):
    """What sends the rows of one stream."""

    settled: int
    """How many rows need nothing more of it: sent, refused, or unclear."""

    def send(self) -> bool:
        """Send some of what is queued; return whether there is more that can go now. Raises AwayError, StopError."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...


class Relay:
    """Publishes what is in an outbox. Not thread-safe.

    ``open_outbox`` is called once a thread, ``open_streams`` once: it gives the streams by their labels, each of which
    calls its topics by their full names, or is Hermes' service. ``look`` puts in the outbox what is to go there by
    itself, and returns whether there is more than it had time for.
    """

    def __init__(
        self,
        *,
        open_outbox: Callable[[], Outbox],
        open_streams: Callable[[], Mapping[str, Stream | HermesService]],
        schema_topic: str | SchemaTopics,
        named: Named,
        lease: Lease,
        pace: Pace,
        look: Callable[[], bool] = lambda: False,
    ) -> None:
        self._open_outbox = open_outbox
        self._open_streams = open_streams
        self._schema_topic = schema_topic
        self._named = named
        self._lease = lease
        self._pace = pace
        self._look = look
        self._outbox: Outbox | None = None
        self._lanes: list[_Lane] = []
        self._changed = threading.Condition()
        self._failures = 0
        self._last_accepted = 0
        """The row that was accepted last when the outbox was last looked at."""
        self._next_look = self._next_clean = 0.0
        self._standing_by = False

    def run(
        self,
        stopped: threading.Event,
        *,
        until_end: bool = False,
        progress: Callable[[int], object] = lambda _settled: None,
    ) -> None:
        """Publish until ``stopped``, or with ``until_end`` until all is sent that is there now.

        ``progress`` hears now and then how many rows were sent, refused or left as unclear.
        Waits for whoever is away. Raises StopError where a person has to do something before anything can be sent.
        """
        log.info("relay.started")
        try:
            while not stopped.is_set():
                try:
                    more = self.turn(stopped, together=until_end)
                    self._failures = 0
                except AwayError as error:
                    self._failures += 1
                    stopped.wait(_backoff(self._pace, self._failures, error))
                    continue
                progress(sum(lane.settled for lane in self._lanes))
                if more:
                    continue
                if until_end and not self._standing_by and all(lane.is_done for lane in self._lanes):
                    self._raise_stopped()
                    break
                self._idle(stopped)
        finally:
            self.close()
        log.info("relay.stopped")

    def _idle(self, stopped: threading.Event) -> None:
        """Wait for the next poll, or until something more was accepted, which is seen much sooner."""
        until = time.monotonic() + self._pace.poll_s
        while (left_s := until - time.monotonic()) > 0 and not stopped.wait(min(_WATCH_S, left_s)):
            if self._outbox is None or self._standing_by:
                continue
            try:
                if self._outbox.last_accepted() != self._last_accepted:
                    return
            except AwayError:  # the next turn says so
                stopped.wait(left_s)

    def turn(self, stopped: threading.Event | None = None, *, together: bool = False) -> bool:
        """Look for new data where it is time, and send what is queued; return whether more may be sent at once.

        Comes back when one sender (``together``: each of them) has done something, or ``stopped`` is set. Raises
        AwayError while the outbox is away, and what stopped a sender where all of them are stopped.
        """
        if not self._is_the_one():
            return False
        if time.monotonic() >= self._next_look and not self._look():
            self._next_look = time.monotonic() + self._pace.look_s
        if self._outbox is None:
            self._outbox = self._open_outbox()
        self._last_accepted = self._outbox.last_accepted()
        if not self._lanes:
            self._lanes = [
                _Lane(label, self._sender(label, stream), self._pace, self._changed)
                for label, stream in self._open_streams().items()
            ]
        for lane in self._lanes:
            lane.begin()
        more = self._wait(stopped or threading.Event(), together=together)
        self._tell_waits(self._outbox)
        if all(lane.stopped for lane in self._lanes):
            self._raise_stopped()
        self._clean(self._outbox)
        self._outbox.rest()
        return more

    def close(self) -> None:
        """Release the streams, and let others relay; what is not confirmed is sent again by whoever is next."""
        for lane in self._lanes:
            lane.end()
        deadline = time.monotonic() + _ENDS_WITHIN_S
        for lane in self._lanes:
            lane.join(max(deadline - time.monotonic(), 0.0))
        self._lanes = []
        if self._outbox is not None:
            self._outbox.close()
            self._outbox = None
        self._lease.release()

    def _sender(self, label: str, stream: Stream | HermesService) -> Callable[[], tuple[Sending, Outbox]]:
        def opened() -> tuple[Sending, Outbox]:
            outbox = self._open_outbox()
            if isinstance(stream, HermesService):
                return Poster(label, stream, outbox, named=self._named, pace=self._pace), outbox
            sender = Sender(label, stream, outbox, schema_topic=self._schema_topic, named=self._named, pace=self._pace)
            return sender, outbox

        return opened

    def _wait(self, stopped: threading.Event, *, together: bool) -> bool:
        """Wait until a sender, or each, has done something, or one is due again; return whether one has more."""
        due_at = min((lane.due_at for lane in self._lanes if lane.waits), default=math.inf)
        enough = all if together else any
        with self._changed:
            while (busy := [lane for lane in self._lanes if lane.is_busy]) and not enough(
                lane.has_ended for lane in busy
            ):
                left_s = due_at - time.monotonic()
                if left_s <= 0 or stopped.is_set():
                    break
                self._changed.wait(min(left_s, _HEARS_S))
            more = [lane.collect() for lane in self._lanes if lane.has_ended]
        return any(more)

    def _tell_waits(self, outbox: Outbox) -> None:
        """Write with the rows of each stream that can't be sent to what they wait for."""
        for lane in [lane for lane in self._lanes if lane.untold]:
            for topic in sorted(outbox.topics()):
                if split(topic)[0] == lane.label:
                    outbox.wait_for(topic, lane.untold)
            lane.untold = ""

    def _raise_stopped(self) -> None:
        for lane in self._lanes:
            if lane.stopped is not None:
                raise lane.stopped

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

    def _clean(self, outbox: Outbox) -> None:
        """Forget the content of what was sent long ago, and say what waits for a stream that there is not."""
        if time.monotonic() < self._next_clean:
            return
        self._next_clean = time.monotonic() + _CLEAN_EVERY_S
        outbox.clean(datetime.now(UTC) - self._pace.keep)
        labels = {lane.label for lane in self._lanes}
        for topic in sorted(outbox.topics()):
            if (label := split(topic)[0]) not in labels:
                outbox.wait_for(topic, f"there is no stream {label!r}. Set it under [streams.{label}]")


class _Lane:
    """A sender in a thread of its own. All but the thread's own work is called by the relay's thread."""

    def __init__(
        self,
        label: str,
        open_sender: Callable[[], tuple[Sending, Outbox]],
        pace: Pace,
        changed: threading.Condition,
    ) -> None:
        self.label = label
        self.stopped: Exception | None = None
        """Why it can't go on before a person has done something, or this software is mended."""
        self.is_busy = self.has_ended = False
        self.settled = 0
        """How many rows it has done with."""
        self._open_sender = open_sender
        self._pace = pace
        self._changed = changed
        self.untold = ""
        """Why nothing could be sent to its stream when that was last tried, until people are told."""
        self._more: bool = False
        self._failed: Exception | None = None
        self._failures = 0
        self.due_at = 0.0
        self._told: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=f"tom-bridge-sender-{label}", daemon=True)
        self._thread.start()

    @property
    def waits(self) -> bool:
        """Whether it waits for whoever is away, until :attr:`due_at`."""
        return not self.is_busy and self.due_at > time.monotonic()

    @property
    def is_done(self) -> bool:
        """Whether it has found nothing to send when it last looked, or is stopped."""
        return not self.is_busy and (self.stopped is not None or not (self._more or self._failures))

    def begin(self) -> None:
        """Let it send something, where it is free and need not wait."""
        if not self.is_busy and not self.waits:
            self.is_busy = True
            self._told.put(True)

    def collect(self) -> bool:
        """Take what came of it, and return whether it has more to send at once."""
        self.is_busy = self.has_ended = False
        if self._failed is None:
            self._failures, self.stopped, self.untold = 0, None, ""
            return self._more
        self._failures += 1
        wait_s = _backoff(self._pace, self._failures, self._failed, self.label)
        self.stopped = None if isinstance(self._failed, AwayError) else self._failed
        self.untold = "" if isinstance(self._failed, NotDeliveredError) else str(self._failed)
        self.due_at = time.monotonic() + wait_s
        return False

    def end(self) -> None:
        """Let the thread come to its end."""
        self._told.put(False)

    def join(self, seconds: float) -> None:
        """Wait for that."""
        self._thread.join(seconds)

    def _work(self) -> None:
        opened: tuple[Sending, Outbox] | None = None
        while self._told.get():
            more, failed = False, None
            try:
                opened = opened or self._open_sender()
                more = opened[0].send()
            except Exception as error:
                failed = error
            if opened is not None:
                opened[1].rest()
            with self._changed:
                self._more, self._failed, self.has_ended = more, failed, True
                self.settled = 0 if opened is None else opened[0].settled
                self._changed.notify_all()
        if opened is not None:
            sender, outbox = opened
            sender.close()
            outbox.close()


def _backoff(pace: Pace, failures: int, error: Exception, label: str = "") -> float:
    """Return for how long to wait, jittered, and say so."""
    asked_s = error.retry_after_s if isinstance(error, AwayError) else None
    wait_s = max(jittered_s(growing_s(pace.shortest_wait_s, failures, pace.longest_wait_s)), asked_s or 0.0)
    told = {"stream": label} if label else {}
    if isinstance(error, AwayError | StopError):
        log.warning("relay.waiting", message=str(error), wait_s=round(wait_s, 1), failures=failures, **told)
    else:
        log.error("relay.failing", exc_info=error, wait_s=round(wait_s, 1), failures=failures, **told)
    return wait_s
