"""The time of a simulated world: it moves when somebody waits, and when the simulator wants it to."""

import threading
from datetime import UTC, datetime, timedelta

from bridge.clock import Clock

_BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


class SimulatedClock(Clock):
    """One clock for all processes of a world. Waiting costs nothing: the time is simply later."""

    def __init__(self) -> None:
        self._seconds = 1000.0
        self._offset = timedelta()

    def monotonic(self) -> float:
        return self._seconds

    def now(self) -> datetime:
        return _BEGAN + timedelta(seconds=self._seconds) + self._offset

    def wait(self, stopped: threading.Event, seconds: float) -> bool:
        if not stopped.is_set():
            self.advance(seconds)
        return stopped.is_set()

    def advance(self, seconds: float) -> None:
        """Let time go by."""
        self._seconds += max(seconds, 0.0)

    def set_back(self, seconds: float) -> None:
        """Set the wall clock back, as a person or NTP does; the monotonic one goes on."""
        self._offset -= timedelta(seconds=seconds)
