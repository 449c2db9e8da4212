"""History again, through the same path: which part of it, and what became of it."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from bridge.budget import NO_LIMIT, Budget
from bridge.events import Event
from bridge.ledger.port import Ledger
from bridge.names import simplify, simplify_all
from bridge.receiving.arrival import Arrival
from bridge.receiving.read import Reader
from bridge.receiving.result import Result
from bridge.receiving.waiting import WaitingLine
from bridge.stream.port import Partition, Record, Stream

UNCHANGED = "unchanged"
"""What is counted for an event that was applied before and stays so."""
_MOST_TOGETHER, _MOST_BYTES_TOGETHER = 200, 2 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which part of a topic's history. Times are the stream's; empty means all."""

    topic: str
    since: datetime | None = None
    until: datetime | None = None
    from_offset: int | None = None
    """In every partition."""
    origin: str = ""
    kind: str = ""
    target: str = ""
    """A name or alias, compared as TOM Toolkit compares names; of lists also their members."""

    def wants(self, event: Event | None) -> bool:
        """Return whether ``event`` is wanted; what can't be decoded is wanted only where nothing is asked of it."""
        if event is None:
            return not (self.origin or self.kind or self.target)
        if self.origin not in ("", event.origin) or self.kind not in ("", event.kind):
            return False
        return not self.target or simplify(self.target) in simplify_all(event.names)


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of one event of history (or would become: a dry run)."""

    record: Record
    event: Event | None
    result: Result | None
    """None where it was applied before and stays so."""


@dataclass
class Summary:
    """How many events had which outcome, in all and by kind and target."""

    outcomes: Counter[str] = field(default_factory=Counter)
    by_subject: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(kind, subject, outcome)."""

    def add(self, replayed: Replayed) -> None:
        """Count one."""
        outcome = str(replayed.result.outcome) if replayed.result is not None else UNCHANGED
        kind, subject = (replayed.event.kind, replayed.event.subject) if replayed.event is not None else ("", "")
        self.outcomes[outcome] += 1
        self.by_subject[(str(kind), subject, outcome)] += 1


def spans(stream: Stream, ledger: Ledger, selection: Selection) -> dict[Partition, tuple[int, int]]:
    """Return for each partition the offsets to read, from and before.

    What lies ahead of this TOM's position is left to its consumer. Raises TopicMissingError.
    """
    topic_id = stream.identity(selection.topic)
    ends = stream.ends(selection.topic)
    since = stream.offsets_at(selection.topic, selection.since) if selection.since is not None else {}
    until = stream.offsets_at(selection.topic, selection.until) if selection.until is not None else {}
    positions = ledger.positions()
    chosen: dict[Partition, tuple[int, int]] = {}
    for partition, held in ends.items():
        first = max(held.first, since.get(partition, 0), selection.from_offset or 0)
        last = min(held.next, until.get(partition, held.next))
        position = positions.get(partition)
        if position is not None and position.topic_id == topic_id:
            last = min(last, position.next)
        chosen[partition] = (first, max(first, last))
    return chosen


def replay(
    stream: Stream,
    reader: Reader,
    waiting: WaitingLine,
    chosen: dict[Partition, tuple[int, int]],
    selection: Selection,
    *,
    restore: bool = False,
    dry_run: bool = False,
    seen: Callable[[Record], None] = lambda _record: None,
    budget: Budget = NO_LIMIT,
) -> Iterator[Replayed]:
    """Read the chosen history through the one path, and yield what became of each wanted event.

    ``restore``: look at what the TOM holds instead of what the ledger says, and put back what is gone. ``seen`` is
    called for each record read, wanted or not (progress).
    """
    for partition, (first, until) in chosen.items():
        if first >= until:
            continue
        for records in _together(stream.read(partition, first, until)):
            read: list[tuple[list[Arrival], list[Arrival]]] = []
            for record in records:
                budget.check()
                seen(record)
                arrivals = reader.read(record)
                read.append((arrivals, [arrival for arrival in arrivals if selection.wants(arrival.event)]))
            stay = waiting.stay([arrival for _, wanted in read for arrival in wanted], restore=restore)
            for arrivals, wanted in read:
                if wanted and not dry_run:
                    waiting.spread(arrivals)
                for arrival in wanted:
                    result = None
                    if arrival.place not in stay:
                        budget.check()
                        result = waiting.again(arrival, restore=restore, dry_run=dry_run, budget=budget)
                    yield Replayed(record=arrival.record, event=arrival.event, result=result)


def _together(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield records in order, so many together that asking the ledger of all of them at once costs little of each."""
    together: list[Record] = []
    size = 0
    for record in records:
        together.append(record)
        size += len(record.value)
        if len(together) == _MOST_TOGETHER or size > _MOST_BYTES_TOGETHER:
            yield together
            together, size = [], 0
    if together:
        yield together
