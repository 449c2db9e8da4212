"""What is written of an event into a unit of the ledger, beside its outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bridge.clock import Clock
from bridge.ledger import rules
from bridge.ledger.model import Entry, ShareWords, ToKeep
from bridge.ledger.port import Unit
from bridge.receiving.arrival import Arrival
from bridge.stream.port import Partition


@dataclass(frozen=True, kw_only=True)
class Move:
    """How far a partition is done once a unit is written."""

    partition: Partition
    topic_id: str
    expected: int
    next: int
    begun: bool = False
    """Whether what stands next is tried at once."""

    def write(self, unit: Unit) -> None:
        """Move the position with ``unit``."""
        unit.move(self.partition, self.topic_id, self.expected, self.next, begun=self.begun)


@dataclass(frozen=True, kw_only=True)
class Recording:
    """When what is kept is looked at again; ``first_look`` is after how long for the first time by itself."""

    first_look: timedelta
    clock: Clock

    def with_due(self, keep: Sequence[ToKeep]) -> tuple[ToKeep, ...]:
        """Return what is to be kept with the time at which it is looked at again."""
        if not keep:
            return ()
        now = self.clock.now()
        return tuple(replace(one, due_at=rules.due(one.reason, 0, now, self.first_look)) for one in keep)


def keep_words(unit: Unit, arrival: Arrival, entry: Entry) -> None:
    """Keep what was said of the share of an event of which ``entry`` is recorded."""
    event = arrival.event
    if event is None or not (event.message or event.acknowledgement or event.references):
        return
    if rules.keeps_words(entry):
        words = ShareWords(message=event.message, acknowledgement=event.acknowledgement, references=event.references)
        unit.keep_words({event.share_ref: words})
