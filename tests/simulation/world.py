"""A simulated world: brokers, a TOM, a ledger, two consumers of one group and a person, all under one clock."""

import contextlib
import logging
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache

import greenlet
import structlog
from simulation import checks
from simulation.brokers import Brokers
from simulation.clock import SimulatedClock
from simulation.faults import Faults
from simulation.holdings import DatumRow, Holdings
from simulation.ledger import Commit
from simulation.memory import Memory, MemoryLedger
from simulation.process import Process
from simulation.universe import TOPICS, Universe

from bridge.events import EventRef
from bridge.ledger.model import Place
from bridge.stream.port import Partition, Record

CONSUMERS = (0, 1)
PERSON = 2
AT_ONCE = 60
"""Calls of a consumer that runs until it is idle, after which it is looked whether it says why it stands."""
_QUIET = structlog.make_filtering_bound_logger(logging.CRITICAL)


class Violation(BaseException):
    """Something happened that must never happen. No part of the bridge catches it."""


@dataclass
class Seen:
    """Since which of its polls a partition stands where it stands, as one process sees and tells it."""

    offset: int
    polls: int
    moved_at: datetime | None
    given_at: float
    """When it got the partition: one that it lost meanwhile, and has again, is another matter."""


class World:
    """Everything that is there, and what was noted of it.

    ``over_rest``: the TOM's data and the ledger have no transaction in common.
    """

    def __init__(self, memory: Memory, *, over_rest: bool = True) -> None:
        self.memory = memory
        self.over_rest = over_rest
        self.clock = SimulatedClock()
        self.brokers = Brokers(self.clock)
        self.topics = TOPICS
        """What the TOM reads."""
        self.holdings = Holdings()
        self.faults = Faults()
        self.universe = Universe()
        self.release = 0
        self.calls = 0
        self.hub = greenlet.getcurrent()
        self.processes: dict[int, Process] = {}
        self.ledger = MemoryLedger(memory, clock=self.clock)
        """For looking at what is committed; nothing fails in it."""
        self.records: list[Record] = []
        self.skipped: set[Place] = set()
        """What a person set the position past, or what a topic took along that was removed."""
        self.dropped: set[EventRef] = set()
        self.witnessed: dict[EventRef, int] = {}
        self.reopened: dict[EventRef | None, int] = {}
        self.blamed: set[str] = set()
        """The names, or parts of names, about which something was refused or failed oddly; ``*``: about any."""
        self.broken_off = 0
        """How often something may have been begun that counts, and did not end: a process was killed, or a good request
        succeeded where another had failed."""
        self.kills = 0
        """How often a process was killed."""
        self.stood: dict[Partition, tuple[str, int]] = {}
        """Where each partition stands, as it was committed or set."""
        self.seen: dict[tuple[int, Partition], Seen] = {}
        self._story: list[tuple[int, float, object]] = []
        for topic in TOPICS:
            self.brokers.create(topic)

    def note(self, what: object) -> None:
        """Write down what happens, for whoever reads a failing history."""
        self._story.append((self.calls, self.clock.monotonic(), what))

    @property
    def story(self) -> list[str]:
        """What happened, in words."""
        return [f"{calls:6} {at:9.1f} s  {what}" for calls, at, what in self._story]

    # -- processes ----------------------------------------------------------------------------------------------------

    def process(self, number: int) -> Process:
        """Return a consumer; one that was killed is started again, as a supervisor does."""
        process = self.processes.get(number)
        if process is None or (process.has_ended and process.killed):
            process = self.start(number)
        return process

    def start(self, number: int) -> Process:
        """Start a process anew."""
        self.clock.advance(5.0)
        self.processes[number] = Process(self, number)
        for key in [key for key in self.seen if key[0] == number]:
            del self.seen[key]
        return self.processes[number]

    def run(self, number: int, calls: int, *, idles: int = 0) -> None:
        """Let a consumer run for so many calls of ports, or until it has polled ``idles`` times in vain."""
        process = self.processes[number] if number == PERSON else self.process(number)
        if process.frozen or process.has_ended:
            return
        process.run(calls, idles=idles)
        checks.check_end(self, process)
        if not process.has_ended:
            checks.check_told(self, process)

    def run_until_idle(self, number: int, calls: int) -> bool:
        """Let a consumer run until nothing has come twice, or for so many calls; return whether it is idle."""
        process = self.process(number)
        until = process.idled + 2
        while calls > 0 and process.idled < until and not process.has_ended and not process.frozen:
            self.run(number, AT_ONCE, idles=until - process.idled)
            calls -= AT_ONCE
        return process.idled >= until

    # -- what is watched ----------------------------------------------------------------------------------------------

    def committed(self, process: Process, commit: Commit) -> None:
        """Look at each transaction when it is committed."""
        checks.check_commit(self, process, commit)
        for event in commit.reopened:  # what a restore left waiting is written when it can be, once
            self.witnessed.pop(event, None)
            self.reopened[event] = self.calls
        for event in commit.witnessed:
            self.witnessed.setdefault(event, self.calls)

    def wrote(self, process: Process, row: DatumRow) -> None:
        """Look at each datum when it is written."""
        done = self.witnessed.get(row.event)
        if done is not None and done < process.facts_at and not process.restoring:
            raise Violation(f"{row.event} datum {row.number} is written again, though the event was done")

    def close(self) -> None:
        """End everything."""
        for process in self.processes.values():
            process.kill()
        self.ledger.close()


@cache
def _memory() -> Memory:
    return Memory()


@contextlib.contextmanager
def a_world(*, over_rest: bool = True) -> Iterator[World]:
    """Make a world with an empty ledger, in which chance is always the same."""
    _memory().clear()
    random.seed(0)
    structlog.configure(wrapper_class=_QUIET, processors=[_silent])
    world = World(_memory(), over_rest=over_rest)
    try:
        yield world
    finally:
        world.close()
        structlog.reset_defaults()


def _silent(*_: object) -> dict[str, object]:
    raise structlog.DropEvent
