"""What can go wrong at any call of a port, and how the simulator says where.

A call is named by its port and method: ``tom.write``, ``ledger.commit``, ``stream.poll``, ``decode``. A fault is for
all calls whose name begins so, lets some of them pass first, and then happens a number of times.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from bridge.errors import AwayError, LedgerAwayError, RejectedError, StreamAwayError, TomAwayError

T = TypeVar("T")

FOR_EVER = 1_000_000
"""So often that only the end of all faults ends it."""
HANG_S = 900.0
"""How long something hangs: longer than any time-out."""


class Crash(BaseException):
    """The process is killed here: nothing of it happens any more, not even what stands in ``finally``."""


class Kind(StrEnum):
    """What happens."""

    AWAY = "away"
    """Nobody answers."""
    AWAY_AFTER = "away after"
    """It is done, but the answer is lost."""
    HANG = "hang"
    """Nobody answers, and that takes long to find out."""
    REFUSE = "refuse"
    """The TOM refuses."""
    ODD = "odd"
    """An exception that nobody expects."""
    EXIT = "exit"
    """Code of the TOM's calls ``sys.exit``."""
    CRASH = "crash"
    """The process is killed before it is done."""
    CRASH_AFTER = "crash after"
    """The process is killed when it is done, before it can know."""


ODD_ERRORS = (ValueError, KeyError, RecursionError, UnicodeError, OSError)


@dataclass(frozen=True)
class Fault:
    """One fault at some calls; ``name``: only where they are about this simplified name."""

    where: str
    kind: Kind
    skip: int = 0
    times: int = 1
    name: str = ""


class Faults:
    """The faults that are to happen."""

    def __init__(self) -> None:
        self.active: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self.active.append(fault)

    def clear(self, *, poisons: bool = True) -> None:
        self.active = [] if poisons else [fault for fault in self.active if fault.name]

    def take(self, what: str, names: Collection[str]) -> Fault | None:
        """Return the fault that happens at this call, if any."""
        for index, fault in enumerate(self.active):
            if not what.startswith(fault.where) or (fault.name and fault.name not in names):
                continue
            if fault.skip:
                self.active[index] = replace(fault, skip=fault.skip - 1)
                continue
            self.active[index] = replace(fault, times=fault.times - 1)
            if fault.times <= 1:
                del self.active[index]
            return fault
        return None


def happen(fault: Fault, what: str, act: Callable[[], T], hang: Callable[[float], object]) -> T:
    """Carry out a fault at a call; ``hang`` lets time go by."""
    match fault.kind:
        case Kind.AWAY:
            raise away(what)
        case Kind.AWAY_AFTER:
            act()
            raise away(what)
        case Kind.HANG:
            hang(HANG_S)
            raise away(what)
        case Kind.REFUSE:
            raise RejectedError("the TOM refuses this", where=what)
        case Kind.ODD:
            raise ODD_ERRORS[len(what + fault.name) % len(ODD_ERRORS)]("odd")
        case Kind.EXIT:
            raise SystemExit(3)
        case Kind.CRASH:
            raise Crash
        case Kind.CRASH_AFTER:
            act()
            raise Crash


def away(what: str) -> AwayError:
    """Return the error of a port that does not answer."""
    kinds = {"tom": TomAwayError, "ledger": LedgerAwayError}
    kind = next((kind for port, kind in kinds.items() if what.startswith(port)), StreamAwayError)
    return kind(f"{what} does not answer")
