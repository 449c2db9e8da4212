"""What a record brings, whatever its format: events, and what is none with the reason.

A format that carries one event a record raises what is wrong with it; one that carries several tells each by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from bridge.codec.headers import Hints
from bridge.events import Event
from bridge.ledger.model import Reason
from bridge.stream.port import Record


@dataclass(frozen=True, kw_only=True)
class Noted:
    """An event, and what is to be known of how it was read."""

    event: Event
    content: UUID | None = None
    """Made of what the event's id stands for, where others could give one id to two things; None: the id is proof."""
    notes: tuple[str, ...] = ()
    """What was not taken of it, in words for people."""


@dataclass(frozen=True, kw_only=True)
class Left:
    """A part of a record that is no event: bad in itself, or nothing for this TOM."""

    reason: Reason
    message: str
    hints: Hints = field(default_factory=Hints)


Item = Event | Noted | Left


class Format(Protocol):
    """How records of a topic become events."""

    def decode(self, record: Record) -> Sequence[Item]:
        """Return what ``record`` brings, always as many and in the same order, one at least.

        Raises EventError for a record that brings nothing right, NewerVersionError for one that a later release
        knows, and StreamAwayError where what is needed to read it can't be had now.
        """
        ...

    def peek(self, record: Record) -> Hints:
        """Return what ``record`` says of itself; never raises, and believes nothing malformed."""
        ...
