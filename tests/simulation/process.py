"""One process of a simulated world: a consumer, or a person's command, which the simulator lets run call by call.

Each is a greenlet. At each call of a port it may be left where it is (frozen, while another goes on), or end there
(killed); what the call does may fail. Waiting lets the world's time go by.
"""

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
from simulation.stream import SimulatedStream
from simulation.tom import SimulatedTom
from simulation.universe import TOPICS, US

from bridge.clock import Clock
from bridge.operations.assemble import Bridge, _read_again
from bridge.receiving.consumer import Consumer, Pace
from bridge.receiving.execute import Executor
from bridge.receiving.live import Live
from bridge.receiving.looking import Parts
from bridge.receiving.matching import Policy
from bridge.receiving.naming import Names
from bridge.receiving.progress import Limits, Progress
from bridge.receiving.read import Reader
from bridge.receiving.unit import Writer
from bridge.receiving.waiting import WaitingLine
from bridge.stream.port import Record

if TYPE_CHECKING:
    from simulation.world import World

T = TypeVar("T")
GROUP = "tom-bridge.here"
LIMITS = Limits(batch_datums=7, parked_bytes=1 << 20, dead_in_a_run=6, tries=4)
PACE = Pace(records=5)


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

    def subscribe(self, *args: Any) -> "Asked":
        member = self._process.ask("stream.subscribe", partial(self._inner.subscribe, *args))
        self._process.member = member
        return Asked(self._process, "stream", member)

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
        self.member: SimulatedSubscription | None = None
        self.stopped = Flag()
        self.facts_at = 0
        """When it last asked the ledger what is known of events (in calls of the world)."""
        self.idled = 0
        """How often it polled and nothing came."""
        self.polls = 0
        self._left = 0
        self._ledger = MemoryLedger(world.memory, clock=world.clock)
        self.bridge = self._put_together()
        self._greenlet = greenlet.greenlet(partial(self._main, main or _consume))

    # -- running ------------------------------------------------------------------------------------------------------

    def run(self, calls: int) -> None:
        """Let it go on for so many calls of ports, or to its end."""
        self._left = calls
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
        if self.member is not None and self.killed:
            self.member.silent_since = self.world.clock.monotonic()

    def freeze(self, *, frozen: bool) -> None:
        """Stop it where it stands (SIGSTOP), or let it go on."""
        self.frozen = frozen
        if self.member is not None and not self.has_ended:
            self.member.silent_since = self.world.clock.monotonic() if frozen else None

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
        fault = self.world.faults.take(what, names)
        if fault is None:
            result = act()
            self.world.broken_off += what == "tom.probe"
            if polls:
                self.idled += not cast(Any, result).records
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
        stream = cast(Any, Asked(self, "stream", SimulatedStream(world.broker)))
        reader = Reader(self._decode, world.universe.peek, origin=US, ours=ledger.installations, rules=world.rules)
        pause_s = 1.0 if world.over_rest else 0.0
        executor = Executor(tom, ledger, Policy(), attempts=2, pause_s=pause_s)
        called = Names(ledger, origin=US, name=US)
        parts = Parts(
            ledger=ledger,
            tom=tom,
            reader=reader,
            executor=executor,
            names=called,
            writer=Writer(executor, ledger, reader, called, first_look=timedelta(seconds=60), clock=clock),
            progress=Progress(ledger, tom, LIMITS, clock),
            clock=clock,
        )
        waiting = WaitingLine(parts, read_again=partial(_read_again, stream))
        return Bridge(cast(Any, None), stream, ledger, tom, parts, waiting, self.stopped)

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
        starts=dict.fromkeys(TOPICS, "earliest"),
        pace=replace(PACE),
        stopped=process.stopped,
        clock=parts.clock,
    ).run()
