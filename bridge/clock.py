"""Time, as everything asks for it that waits, ages or is due; a simulation gives another."""

import threading
import time
from datetime import UTC, datetime


class Clock:
    """The time of this machine."""

    def monotonic(self) -> float:
        """Return seconds that only grow, from no particular moment on."""
        return time.monotonic()

    def now(self) -> datetime:
        """Return the time (UTC)."""
        return datetime.now(UTC)

    def wait(self, stopped: threading.Event, seconds: float) -> bool:
        """Wait, and return early where ``stopped`` is set; return whether it is."""
        return stopped.wait(max(seconds, 0.0))


CLOCK = Clock()
