"""One process of a simulated world: a consumer, or a person's command, which the simulator lets run call by call.

Each is a greenlet. At each call of a port it may be left where it is (frozen, while another goes on), or end there
(killed); what the call does may fail. Waiting lets the world's time go by.
"""

import sys
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event as Flag
from typing import TYPE_CHECKING, Any, TypeVar, cast

import greenlet
from simulation.faults import Crash, Kind, happen
from simulation.group import SimulatedSubscription
from simulation.ledger import SimulatedLedger
from simulation.memory import MemoryLedger
from simulation.stream import Broker, SimulatedStream
from simulation.tom import SimulatedTom
from simulation.universe import US

from bridge.clock import Clock
from bridge.operations.assemble import Bridge, _read_again
from bridge.receiving.consumer import Consumer, Pace
from bridge.receiving.execute import Executor
from bridge.receiving.live import Live
from bridge.receiving.matching import Policy
from bridge.receiving.naming import Names
from bridge.receiving.parts import Parts
from bridge.receiving.progress import Limits, Progress
from bridge.receiving.read import Reader, Rules
from bridge.receiving.unit import Writer
from bridge.receiving.waiting import WaitingLine
from bridge.stream.labelled import Opening
from bridge.stream.port import Partition, Record
from bridge.stream.routed import RoutedStream

if TYPE_CHECKING:
    from simulation.world import World

T = TypeVar("T")
GROUP = "tom-bridge.here"
LIMITS = Limits(batch_datums=7, batch_targets=3, parked_bytes=1 << 20, dead_in_a_run=6, tries=4)
PACE = Pace(records=5, heartbeat_s=60.0)
LONG_S = 3600.0
"""How long one of several streams is waited for: nothing comes meanwhile."""


class ProcessClock(Clock):
    """The world's clock, as one process asks it: while it waits, others may run."""

    def __init__(self, process: "Process") -> None:
        self._process = process

    def monotonic(self) -> float:
        return self._process.world.clock.monotonic()

    def now(self) -> Any:
        return self._process.world.clock.now()

    def wait(self, stopped: Flag, seconds: float) -> bool:
        return self._process.ask("clock.wait", partial(self._process.world.clock.wait, stopped, seconds))


class Asked:
    """A port, each call of which goes through the process."""

    def __init__(self, process: "Process", name: str, inner: Any) -> None:
        self._process, self._name, self._inner = process, name, inner

    def __getattr__(self, method: str) -> Any:
        found = getattr(self._inner, method)
        if not callable(found):
            return found
        what, ask = f"{self._name}.{method}", self._process.ask

        def asked(*args: Any, **kwargs: Any) -> Any:
            return ask(what, partial(found, *args, **kwargs))

        setattr(self, method, asked)  # it is looked up once
        return asked

    def subscribe(self, *args: Any, **kwargs: Any) -> "Asked":
        member = self._process.ask(f"{self._name}.subscribe", partial(self._inner.subscribe, *args, **kwargs))
        if isinstance(member, SimulatedSubscription):
            self._process.members.append(member)
        return Asked(self._process, self._name, member)

    @property
    def waits_for(self) -> str:
        return cast(str, self._inner.waits_for)


class Process:
    """A process that runs ``main`` until it returns, fails or is killed."""

    def __init__(self, world: "World", number: int, main: Callable[["Process"], object] | None = None) -> None:
        self.world = world
        self.number = number
        self.release = world.release
        self.frozen = False
        self.killed = False
        self.restoring = False
        self.ended_by: BaseException | None = None
        self.has_ended = False
        self.members: list[SimulatedSubscription] = []
        """One on each stream, as soon as it has joined there."""
        self.stopped = Flag()
        self.facts_at = 0
        """When it last asked the ledger what is known of events (in calls of the world)."""
        self.idled = 0
        """How often it polled and nothing came."""
        self.polls = 0
        self._left = 0
        self._idle_at = sys.maxsize
        self._ledger = MemoryLedger(world.memory, clock=world.clock)
        self.bridge = self._put_together()
        self._greenlet = greenlet.greenlet(partial(self._main, main or _consume))

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, calls: int, *, idles: int = 0) -> None:
        """Let it go on for so many calls of ports, or until it has polled ``idles`` times in vain, or to its end."""
        self._left = calls
        self._idle_at = self.idled + idles if idles else sys.maxsize
        if not self.has_ended:
            self._greenlet.switch()

    def _main(self, main: Callable[["Process"], object]) -> None:
        try:
            main(self)
        except BaseException as error:
            self.ended_by = error
            self.world.note(f"process {self.number} ended: {type(error).__name__}: {error}")
        self._end()

    def kill(self) -> None:
        """End it where it stands."""
        self.killed = True
        if not self.has_ended:
            self.world.broken_off += 1
            self.world.kills += 1
            if self._greenlet:
                self._greenlet.throw(Crash)
            else:
                self.ended_by = Crash()
                self._end()

    def _end(self) -> None:
        self.has_ended = True
        self._ledger.close()
        if self.killed:
            self._are_silent(True)

    def freeze(self, *, frozen: bool) -> None:
        """Stop it where it stands (SIGSTOP), or let it go on."""
        self.frozen = frozen
        if not self.has_ended:
            self._are_silent(frozen)

    def _are_silent(self, silent: bool) -> None:
        for member in self.members:
            member.silent_since = self.world.clock.monotonic() if silent else None

    def given(self) -> dict[Partition, float]:
        """Return when each of its partitions was given to it (by the monotonic clock)."""
        return {partition: at for member in self.members for partition, at in member.given().items()}

    def ask(self, what: str, act: Callable[[], T], names: Collection[str] = ()) -> T:
        """Carry out one call of a port, or let happen there what is to happen."""
        if self._left <= 0 and not self.killed:
            self.world.hub.switch()
        self._left -= 1
        self.world.calls += 1
        if what == "ledger.known":
            self.facts_at = self.world.calls
        polls = what == "stream.poll"
        self.polls += polls
        if self.killed:
            raise Crash
        faults = self.world.faults
        fault = faults.take(what, names) if faults.active else None
        if fault is None:
            result = act()
            self.world.broken_off += what == "tom.probe"
            if polls:
                self.idled += not cast(Any, result).records
                self._left = self._left if self.idled < self._idle_at else 0
            return result
        self.world.note(f"process {self.number}: {what}: {fault.kind}")
        is_odd = fault.kind in (Kind.REFUSE, Kind.ODD, Kind.EXIT)
        self.world.broken_off += is_odd  # a look at a list's member that fails so has come to no end
        if fault.name or is_odd:
            self.world.blamed |= set(names) if fault.name else {"*"}  # whatever name the event has of the target
        try:
            return happen(fault, what, act, self.world.clock.advance)
        except Crash:
            self.world.broken_off += 1
            self.world.kills += 1
            self.killed = True
            raise

    # -- its parts ----------------------------------------------------------------------------------------------------

    def _put_together(self) -> Bridge:
        world, clock = self.world, ProcessClock(self)
        holdings = None if world.over_rest else world.holdings
        ledger = cast(Any, SimulatedLedger(self._ledger, self.ask, partial(world.committed, self), holdings))
        tom = SimulatedTom(
            world.holdings,
            ledger.intents if world.over_rest else None,
            ask=lambda what, act, names=(): self.ask(f"tom.{what}", act, names),
            wrote=partial(world.wrote, self),
        )
        stream = cast(Any, Asked(self, "stream", self._stream(clock)))
        subscribed = dict.fromkeys(world.topics, Rules())
        reader = Reader(self._decode, world.universe.peek, origin=US, ours=ledger.installations, rules=subscribed)
        pause_s = 1.0 if world.over_rest else 0.0
        executor = Executor(tom, ledger, Policy(), attempts=2, pause_s=pause_s)
        called = Names(ledger, origin=US, name=US)
        parts = Parts(
            ledger=ledger,
            tom=tom,
            reader=reader,
            executor=executor,
            names=called,
            writer=Writer(
                executor,
                ledger,
                reader,
                called,
                first_look=timedelta(seconds=60),
                targets_at_once=LIMITS.batch_targets,
                clock=clock,
            ),
            progress=Progress(ledger, tom, LIMITS, clock),
            clock=clock,
        )
        waiting = WaitingLine(parts, read_again=partial(_read_again, stream))
        return Bridge(cast(Any, None), stream, ledger, tom, parts, waiting, self.stopped)

    def _stream(self, clock: Clock) -> Any:
        """Return the one stream there is, or several as one, whose calls each may fail by themselves."""
        by_label = self.world.brokers.by_label
        if len(by_label) == 1:
            return SimulatedStream(by_label[""], clock=clock)
        opening = {label: Opening(label, partial(self._opened, broker, clock)) for label, broker in by_label.items()}
        return RoutedStream(opening, clock=clock, slice_s=LONG_S)

    def _opened(self, broker: Broker, clock: Clock) -> Any:
        return self.ask("part.open", lambda: Asked(self, "part", SimulatedStream(broker, clock=clock)))

    def _decode(self, record: Record) -> Any:
        number = self.world.universe.of(record).number
        return self.ask("decode", lambda: self.world.universe.decode(record, self.release), (f"content {number}",))


def _consume(process: Process) -> None:
    bridge = process.bridge
    parts = bridge.parts
    live = Live(parts.ledger, parts.reader, parts.writer, bridge.waiting, parts.progress)
    Consumer(
        bridge.stream,
        bridge.ledger,
        live,
        bridge.waiting,
        parts.progress,
        group=GROUP,
        starts=dict.fromkeys(process.world.topics, "earliest"),
        pace=replace(PACE),
        stopped=process.stopped,
        clock=parts.clock,
    ).run()
