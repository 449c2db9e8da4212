"""Events as JSON lines: what ``tom-bridge tail --json`` writes and ``tom-bridge publish events`` takes back."""

from collections.abc import Iterable

from bridge.errors import InvalidEventError
from bridge.events import Event
from bridge.publishing.sources.errors import SourceError


def read_events(lines: Iterable[str], *, source: str) -> list[Event]:
    """Return the events in ``lines``, one JSON object a line; empty lines are passed over.

    ``source`` names them in messages. Raises SourceError with every wrong line (the first 20).
    """
    events: list[Event] = []
    problems: list[str] = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            events.append(Event.checked(line))
        except InvalidEventError as error:
            problems.append(f"line {number}: {error}")
    if problems:
        raise SourceError.of(source, problems)
    if not events:
        raise SourceError("holds no events", where=source, mend="One event as JSON a line is needed")
    return events
