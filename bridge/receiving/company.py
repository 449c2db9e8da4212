"""Which events are written together in one transaction."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from bridge.receiving.arrival import Arrival, Together

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Most:
    """How much is written in one transaction."""

    datums: float = math.inf
    targets: int = 1


class Company:
    """What of events is written in one transaction, taken one after the other."""

    def __init__(self, most: Most) -> None:
        self._most = most
        self._together: Together | None = None
        self._datums = self._targets = 0

    @property
    def is_closed(self) -> bool:
        """Whether nothing more goes with what was taken."""
        return self._together is Together.NOTHING

    def takes(self, arrivals: Collection[Arrival], *, alone: bool = False) -> bool:
        """Return whether these are written with those before, and count them then; the first always are.

        With ``alone`` they are written with no others.
        """
        together = Together.NOTHING if alone else _together(arrivals)
        datums = self._datums + sum([one.datums for one in arrivals])
        targets = self._targets + (len(arrivals) if together is Together.TARGETS else 0)
        if self._together is not None:
            if Together.NOTHING in (together, self._together):
                return False
            if together is not self._together and Together.ANYTHING not in (together, self._together):
                return False
            if datums > self._most.datums or targets > self._most.targets:
                return False
        if self._together is None or together is not Together.ANYTHING:
            self._together = together
        self._datums, self._targets = datums, targets
        return True


def companies(
    each: Iterable[T], most: Most, arrival: Callable[[T], Arrival], alone: Callable[[T], bool]
) -> Iterator[list[T]]:
    """Yield what is written together, one after the other: each has an ``arrival``, and may have to be ``alone``."""
    found: list[T] = []
    company = Company(most)
    for one in each:
        if not company.takes([arrival(one)], alone=alone(one)):
            yield found
            found, company = [], Company(most)
            company.takes([arrival(one)], alone=alone(one))
        found.append(one)
    if found:
        yield found


def _together(arrivals: Collection[Arrival]) -> Together:
    """Return with what events are written that can't be parted; with nothing where they differ in that."""
    found = Together.ANYTHING
    for one in arrivals:
        if one.together is not found and one.together is not Together.ANYTHING:
            if found is not Together.ANYTHING:
                return Together.NOTHING
            found = one.together
    return found
