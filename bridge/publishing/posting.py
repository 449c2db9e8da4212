"""From an outbox to Hermes' REST API: one message after the other, none of them twice without a person's word.

Whoever is asked twice there publishes twice. So a row is *unclear* from the moment in which it is sent until the answer
says what became of it, also where this process dies in between. What stays unclear is looked up in the archive, again
and again; where it is found it is sent. That it isn't found proves nothing: a person says that it is there, or that it
is to be sent again. Nothing waits behind it: messages of Hermes have no order.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

import structlog

from bridge.backoff import growing_s
from bridge.errors import (
    AwayError,
    DeniedError,
    EventError,
    InvalidEventError,
    StopError,
    StreamAwayError,
    UnclearError,
)
from bridge.events import Event
from bridge.hermes.composing import Outgoing
from bridge.hermes.service import HermesService
from bridge.publishing.outbox import Outbox, Row, Unclear
from bridge.publishing.queued import Named, Resting, content_of
from bridge.publishing.sender import Pace
from bridge.topics import split

log = structlog.get_logger(__name__)

_LIST_EVERY_S = 30.0
"""Seconds between two looks into the outbox for what is unclear."""
_LOOKED_UP_AT_ONCE = 10
_PROFILE_S = 300.0
"""Seconds for which it counts what an account may do."""
_LONGEST_REST_S = 600.0
"""Seconds that nothing is sent after answers that were unclear."""
_LOOKED = " HOPSKOTCH's archive"
_ENDED = "the relay ended while it was sent."


class Poster:
    """Sends queued rows to one Hermes, and writes what became of them. Not thread-safe."""

    def __init__(self, label: str, service: HermesService, outbox: Outbox, *, named: Named, pace: Pace) -> None:
        self._label = label
        self._service = service
        self._outbox = outbox
        self._named = named
        self._pace = pace
        self._resting = Resting(outbox, pace.rest_s)
        self._allowed: dict[str, float] = {}
        """Topics that may be written, and until when that counts."""
        self._untold: list[Callable[[], None]] = []
        """What is not written in the outbox yet."""
        self._looks: dict[int, tuple[int, float]] = {}
        """How often an unclear row was looked up, and when that is due again."""
        self._list_at = 0.0
        self.settled = 0
        """How many rows were sent, refused, or left as unclear."""
        self._unclear = 0
        """How many answers one after the other were unclear: a service that is out of order gets ever fewer rows."""

    def send(self) -> bool:
        """Send one row, and look up what is unclear; return whether there may be more to send.

        Raises AwayError while Hermes can't be asked, or has just given an unclear answer, and StopError.
        """
        self._write()
        self._look_up()
        waiting = self._outbox.waiting(self._label, without=self._resting.topics(), most=1)
        for row in self._outbox.rows([one.id for one in waiting]):
            self._post(row)
        return bool(waiting)

    def close(self) -> None:
        """Let go of the service."""
        self._service.close()

    # -- sending ------------------------------------------------------------------------------------------------------

    def _post(self, row: Row) -> None:
        try:
            value = self._message(row).value
            self._allow(row.topic)
            self._service.validate(value)
        except DeniedError as error:
            self._rest(row.topic, error)
            return
        except EventError as error:
            self._refuse(row, error)
            return
        self._outbox.mark_unclear(row.id)
        self._submit(row, value)

    def _message(self, row: Row) -> Outgoing:
        """Return the message of a row. Raises InvalidEventError where it has none, or several: each needs a row."""
        content = content_of(row, self._named(row.topic))
        if isinstance(content, Event):
            raise InvalidEventError(
                "it is an event, which Hermes does not take",
                mend='Say format = "hermes" of the topic, and queue it again',
            )
        if len(content) > 1:
            raise InvalidEventError("it was shared as one event, and is more than one message", mend="Share it again")
        return content[0]

    def _submit(self, row: Row, value: bytes) -> None:
        """Send a row that is marked as unclear, and write what became of it."""
        try:
            found = self._service.submit(value)
        except UnclearError as error:
            self._stay_unclear(row, str(error))
            raise StreamAwayError(
                "whether it took the last message isn't known, which is looked up",
                where=self._service.where,
                retry_after_s=growing_s(self._pace.look_up_s, self._unclear, _LONGEST_REST_S),
            ) from None
        except EventError as error:
            self._refuse(row, error)
        except DeniedError as error:
            self._later(lambda: self._outbox.send_again([row.id]))
            self._rest(row.topic, error)
        except (AwayError, StopError):
            self._later(lambda: self._outbox.send_again([row.id]))
            raise
        except Exception as error:  # nobody knows what was sent by then
            self._stay_unclear(row, f"an error in TOM Bridge itself: {type(error).__name__}: {error}")
            raise
        else:
            self._unclear = 0
            self.settled += 1
            log.info("relay.sent", events=1, stream=self._label, hermes=str(found))
            self._later(lambda: self._outbox.mark_sent([row.id]))

    def _allow(self, topic: str) -> None:
        """Raise DeniedError where the account may not publish on a topic; asked now and again."""
        if self._allowed.get(topic, 0.0) <= time.monotonic():
            self._service.may_publish(split(topic)[1])
            self._allowed[topic] = time.monotonic() + _PROFILE_S

    def _rest(self, topic: str, error: DeniedError) -> None:
        self._allowed.pop(topic, None)
        self._resting.rest(topic, str(error))

    def _refuse(self, row: Row, error: EventError) -> None:
        log.error("relay.refused", row=row.id, message=str(error))
        self.settled += 1
        self._later(lambda: self._outbox.mark_refused(row.id, str(error)))

    def _stay_unclear(self, row: Row, reason: str) -> None:
        self._unclear += 1
        self.settled += 1
        self._looks.pop(row.id, None)
        log.error("relay.unclear", row=row.id, topic=row.topic, message=reason)
        self._allowed.clear()
        self._list_at = 0.0
        self._later(lambda: self._outbox.mark_unclear(row.id, reason))

    def _later(self, write: Callable[[], object]) -> None:
        """Write in the outbox, now or where that fails at the next call: nothing else is sent before."""
        self._untold.append(lambda: (write(), None)[1])
        self._write()

    def _write(self) -> None:
        while self._untold:
            self._untold[0]()
            del self._untold[0]

    # -- looking up ---------------------------------------------------------------------------------------------------

    def _look_up(self) -> None:
        """Ask the archive for what is unclear, each when it is due; who does not answer is asked later."""
        if time.monotonic() < self._list_at:
            return
        now = time.monotonic()
        self._list_at = now + min(_LIST_EVERY_S, self._pace.look_up_s)
        early = [row for row, (_, due) in self._looks.items() if due > now]
        for one in self._outbox.unclear(self._label, without=early, most=_LOOKED_UP_AT_ONCE):
            tries, _ = self._looks.get(one.id, (0, 0.0))
            try:
                found = self._service.find(self._message(one).value, one.tried_at)
            except AwayError as error:
                log.warning("relay.not_looked_up", row=one.id, message=str(error))
                self._tell(one, f"can't be asked: {error}")
                return
            except Exception as error:  # a stranger's message, or a fault of ours, must not keep rows from going
                log.warning("relay.not_looked_up", row=one.id, message=f"{type(error).__name__}: {error}")
                self._tell(one, f"doesn't tell: {error}")
            else:
                if found is not None:
                    log.info("relay.found", row=one.id, stream=self._label, hermes=str(found))
                    self._outbox.mark_sent([one.id])
                    continue
                self._tell(one, f"did not show it at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC")
            wait_s = growing_s(self._pace.look_up_s, tries + 1, self._pace.longest_look_up_s)
            self._looks[one.id] = (tries + 1, time.monotonic() + wait_s)

    def _tell(self, one: Unclear, looked: str) -> None:
        why = (one.reason or _ENDED).partition(_LOOKED)[0]
        self._outbox.explain(one.id, f"{why.removesuffix('.')}.{_LOOKED} {looked}")
