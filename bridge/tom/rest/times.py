"""At which times targets were seen to have datums: so that what is new needs no further look for what is there.

For each look a TOM reads all datums of a target, which takes a second for 100,000. What the bridge sends itself is
noted here; a row that somebody else adds within the minute is seen by the TOM's own rule (an equal one is not added),
and one that conflicts with what comes is written beside it, as one that is added right after the look always was.
"""

import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

_KEPT_S = 60.0
_MOST_TIMES = 200_000
"""In all; each takes some 100 bytes."""


@dataclass(frozen=True)
class _Seen:
    at: float
    since: datetime | None
    """After which all are known; None: all."""
    times: set[datetime]


class Times:
    """The times of the datums of targets that were read last, by target and type."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[int, str], _Seen] = OrderedDict()
        self._count = 0

    def learn(self, pk: int, data_type: str, times: Iterable[datetime], since: datetime | None) -> None:
        """Take what the TOM has shown just now: all times after ``since``, or all there are."""
        self._forget((pk, data_type))
        seen = self._seen[pk, data_type] = _Seen(time.monotonic(), since, set(times))
        self._count += len(seen.times)
        while self._count > _MOST_TIMES:
            self._forget(next(iter(self._seen)))

    def add(self, moment: datetime, pk: int, data_type: str) -> None:
        """Note that a datum of this time is sent now."""
        seen = self._seen.get((pk, data_type))
        if seen is not None and moment not in seen.times:
            seen.times.add(moment)
            self._count += 1

    def has_none_of(self, moments: Collection[datetime], pk: int, data_type: str) -> bool:
        """Return whether the target is known to have no datum of these times; False where that isn't known."""
        seen = self._seen.get((pk, data_type))
        if seen is None or time.monotonic() - seen.at > _KEPT_S:
            return False
        return (seen.since is None or min(moments) > seen.since) and seen.times.isdisjoint(moments)

    def _forget(self, key: tuple[int, str]) -> None:
        if (seen := self._seen.pop(key, None)) is not None:
            self._count -= len(seen.times)
