"""Intents for tests of a TOM alone: what a ledger notes, kept in memory."""

from collections.abc import Collection

from bridge.events import EventRef


class MemoryIntents:
    """Follows :class:`bridge.ledger.port.Intents`; lives as long as the test."""

    def __init__(self) -> None:
        self._begun: dict[EventRef, set[str]] = {}
        self.written: set[bytes] = set()

    def begin(self, event: EventRef, steps: Collection[str]) -> frozenset[str]:
        begun = self._begun.setdefault(event, set())
        before = frozenset(begun & set(steps)) if steps else frozenset(begun)
        begun.update(steps)
        return before

    def note_written(self, digests: Collection[bytes]) -> None:
        self.written.update(digests)
