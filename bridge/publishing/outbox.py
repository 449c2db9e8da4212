"""The contract of an outbox: what was accepted to be published, and how far each event has come.

Who accepts something writes it there, in a transaction of its own database; that is all that a person waits for. A
relay (:mod:`bridge.publishing.relay`) sends what is queued, in the order in which it was accepted.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

EVENT = "tom-bridge"
"""The format of a row that holds an event as JSON, which is checked and encoded when it is sent."""


class State(StrEnum):
    """How far a row has come; "sent" is what the stream has confirmed, and says nothing of who received it."""

    QUEUED = "queued"
    SENT = "sent"
    REFUSED = "refused"
    UNCLEAR = "unclear"
    """It was sent, and whether it was taken isn't known: it may be there, and must not be sent again blindly."""


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A queued row without its content."""

    id: int
    """Its place in the order."""
    topic: str
    key: bytes
    """What keeps its order: :attr:`bridge.events.Event.key`."""
    size: int
    """Bytes of its content."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A queued row."""

    id: int
    topic: str
    key: bytes
    payload: bytes
    """What was accepted, as its format says; empty where it is no longer there."""
    format: str = EVENT


@dataclass(frozen=True, kw_only=True)
class Queued:
    """How much waits to be sent."""

    events: int
    oldest: datetime | None
    """When the oldest of them was accepted; None where nothing waits."""


@dataclass(frozen=True, kw_only=True)
class Unclear(Row):
    """A row of which it isn't known whether it was taken."""

    tried_at: datetime
    """When it was sent."""
    reason: str
    """Why that isn't known, for people; empty as long as it is being sent."""


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """A row that goes no further by itself, for people: refused, or unclear."""

    id: int
    state: State
    topic: str
    kind: str
    subject: str
    reason: str
    accepted_at: datetime
    tried_at: datetime | None
    """When what is unclear was sent."""


class Outbox(Protocol):
    """An outbox, as those see it who send, and who decide. Not thread-safe: one instance a thread.

    Every method raises AwayError while the store can't be used, and StopError where a person has to do something.
    """

    def waiting(self, stream: str, *, without: Collection[str], most: int) -> list[Waiting]:
        """Return the first ``most`` queued rows for the stream of this label, but for topics in ``without``."""
        ...

    def rows(self, ids: Collection[int]) -> list[Row]:
        """Return these rows, those of them that are queued, in order."""
        ...

    def topics(self) -> set[str]:
        """Return the topics of all that is queued."""
        ...

    def mark_sent(self, ids: Sequence[int]) -> None:
        """Note that the stream has these rows, queued or unclear; where this raises, of some or all it isn't noted."""
        ...

    def mark_refused(self, row: int, reason: str) -> None:
        """Note that the stream will never take this row, queued or unclear, and why, for people."""
        ...

    def mark_unclear(self, row: int, reason: str = "") -> None:
        """Note that this row is being sent (no reason yet), or that it isn't known whether it was taken, and why."""
        ...

    def explain(self, row: int, reason: str) -> None:
        """Note why this row is unclear, where it still is."""
        ...

    def unclear(self, stream: str, *, without: Collection[int], most: int) -> list[Unclear]:
        """Return the first ``most`` unclear rows for the stream of this label, but for those in ``without``."""
        ...

    def stuck(self, most: int) -> list[Stuck]:
        """Return the rows that go no further by themselves, the newest first; without what is being sent now."""
        ...

    def send_again(self, ids: Collection[int]) -> int:
        """Queue what is refused or unclear of these again, as it is; return how many that are.

        They are the same events as before, and come behind newer ones.
        """
        ...

    def queued(self) -> Queued:
        """Return how much waits to be sent."""
        ...

    def wait_for(self, topic: str, reason: str) -> None:
        """Note what the queued rows of ``topic`` wait for, for people."""
        ...

    def clean(self, before: datetime) -> None:
        """Forget the content of what was sent before that moment; that it was sent is kept for ever."""
        ...

    def last_accepted(self) -> int:
        """Return the id of the row that was accepted last, 0 where there is none; asked many times a second."""
        ...

    def rest(self) -> None:
        """Hear that this instance is not used for a while: what would grow old is let go of."""
        ...

    def close(self) -> None:
        """Release what is held."""
        ...
