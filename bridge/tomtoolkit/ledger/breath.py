"""Turns for others who write to the TOM's SQLite file: its pages, while a long list or backlog is applied."""

import threading

from bridge.clock import Clock

_BUSY_S = 1.0
_BREATH_S = 0.12
"""Whoever waits for SQLite's lock asks for it every tenth of a second (``sqliteDefaultBusyCallback``, SQLite 3)."""


class Breath:
    """Pauses where transactions have followed each other for a second without leaving others a chance.

    A transaction begins as soon as the one before is committed, and who waits only asks now and then: the lock might
    never be free in that moment, until the time-out ends the request of a person. Not thread-safe.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._since = self._ended = float("-inf")
        self._never = threading.Event()

    def begin(self) -> None:
        """Note that a transaction begins."""
        now = self._clock.monotonic()
        if now - self._ended >= _BREATH_S:
            self._since = now

    def end(self) -> None:
        """Note that it is committed, and pause where it is time to."""
        self._ended = self._clock.monotonic()
        if self._ended - self._since >= _BUSY_S:
            self._clock.wait(self._never, _BREATH_S)
