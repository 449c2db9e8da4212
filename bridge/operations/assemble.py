"""From settings to working parts: the one place where they are put together."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from bridge.budget import Budget
from bridge.clock import CLOCK, Clock
from bridge.errors import HistoryGoneError, TopicMissingError
from bridge.events import Kind
from bridge.hermes.service import HermesService
from bridge.ledger.port import Ledger, Place
from bridge.operations.formats import formats_of
from bridge.operations.opening import group_of, ledger_of, stream_of
from bridge.receiving.backlog import UNIT_RECORDS
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
from bridge.settings import Settings, StreamSettings, SubscriptionSettings
from bridge.stream import Partition, Record, Stream
from bridge.tom.port import Tom
from bridge.tom.rest import RestAccount, RestTom

_UNITS_A_POLL = 4
"""So many units are read at once: what stands behind one counts as begun with it, which saves a write a unit."""


@dataclass(frozen=True)
class Bridge:
    """All parts of one TOM's bridge, put together."""

    settings: Settings
    stream: Stream
    ledger: Ledger
    tom: Tom
    parts: Parts
    waiting: WaitingLine
    stopped: threading.Event

    @property
    def reader(self) -> Reader:
        """What reads records."""
        return self.parts.reader

    @property
    def budget(self) -> Budget:
        """For what goes on until somebody asks to stop."""
        return Budget(stopped=self.stopped, clock=self.parts.clock)

    def live(self) -> Live:
        """Return what applies records that come now."""
        parts = self.parts
        return Live(parts.ledger, parts.reader, parts.writer, self.waiting, parts.progress)

    def consumer(self, besides: Callable[["Bridge"], object] = lambda _bridge: None) -> Consumer:
        """Return the consumer of all subscriptions; ``besides`` is called with this bridge before each of its turns."""
        parts = self.parts
        return Consumer(
            self.stream,
            self.ledger,
            self.live(),
            self.waiting,
            parts.progress,
            group=group_of(self.settings),
            starts={one.topic: one.start for one in self.settings.require_subscriptions()},
            pace=Pace(records=_UNITS_A_POLL * min(self.settings.limits.batch_datums, UNIT_RECORDS)),
            stopped=self.stopped,
            besides=lambda: besides(self),
            clock=parts.clock,
        )


def streams_of(settings: Settings) -> Mapping[str, Stream | HermesService]:
    """Return by label what the settings name to publish on.

    They are single streams, each of which calls its topics by their full names, and services of Hermes.
    """
    services = {label: service_of(one) for label, one in settings.streams.items() if one.over_rest}
    return {**stream_of(settings).parts(), **services}


def service_of(one: StreamSettings) -> HermesService:
    """Return Hermes' service at ``one``, which is such."""
    assert one.token is not None
    return HermesService(one.url, one.token.get_secret_value())


def account_of(settings: Settings) -> RestAccount:
    """Return the account of the TOM that the settings name, with its secrets."""
    tom = settings.require_tom()
    return RestAccount(
        base_url=tom.base_url,
        username=tom.username,
        password=tom.password.get_secret_value() if tom.password is not None else None,
        api_key=tom.api_key.get_secret_value() if tom.api_key is not None else None,
        groups=tom.groups,
        connections=tom.connections,
        timeout_s=tom.timeout_s,
        toolkit=tom.toolkit,
        unprocessed_type=tom.unprocessed_type,
    )


@contextmanager
def open_bridge(settings: Settings, stopped: threading.Event | None = None) -> Iterator[Bridge]:
    """Open stream, ledger and TOM, and close them at the end; ``stopped`` is to be the bridge's own.

    Ties the ledger to the TOM: raises IdentityError where it belongs to another.
    """
    settings.require_origin()
    with ExitStack() as stack:
        stream = stream_of(settings)
        stack.callback(stream.close)
        ledger = ledger_of(settings)
        stack.callback(ledger.close)
        stopped = stopped or threading.Event()
        tom = RestTom(account_of(settings), ledger.intents, Budget(stopped=stopped))
        stack.callback(tom.close)
        yield put_together(settings, stream, ledger, tom, stopped=stopped)


def put_together(
    settings: Settings,
    stream: Stream,
    ledger: Ledger,
    tom: Tom,
    *,
    pause_s: float = 1.0,
    targets_at_once: int = 1,
    stopped: threading.Event | None = None,
    clock: Clock = CLOCK,
) -> Bridge:
    """Return the bridge of open parts, the ledger tied to the TOM; ``pause_s`` is that of the executor.

    Of targets ``targets_at_once`` are written in one transaction, at most. Raises IdentityError where the ledger
    belongs to another TOM.
    """
    stopped = stopped or threading.Event()
    ledger.bind(tom.identity)
    formats = formats_of(settings, stream, stream.account)
    reader = Reader(
        formats.decode,
        formats.peek,
        origin=settings.require_origin(),
        ours=ledger.installations,
        rules={one.topic: _rules(settings, one) for one in settings.subscribe},
        knows=formats.knows,
    )
    policy = Policy(
        separation_arcsec=settings.matching.separation_arcsec, data_product_types=settings.data_product_types
    )
    limits = settings.limits
    executor = Executor(tom, ledger, policy, attempts=limits.attempts, pause_s=pause_s)
    first_look = timedelta(seconds=limits.parked_retry_s)
    bounds = Limits(
        batch_datums=limits.batch_datums,
        batch_targets=targets_at_once,
        batch_s=limits.batch_s,
        parked_bytes=limits.parked_bytes,
        dead_in_a_run=limits.dead_in_a_run,
        dead_ratio=limits.dead_ratio,
        tries=limits.tries,
    )
    names = Names(ledger, origin=settings.require_origin(), name=settings.display_name)
    parts = Parts(
        ledger=ledger,
        tom=tom,
        reader=reader,
        executor=executor,
        names=names,
        writer=Writer(
            executor, ledger, reader, names, first_look=first_look, targets_at_once=targets_at_once, clock=clock
        ),
        progress=Progress(ledger, tom, bounds, clock),
        clock=clock,
    )
    waiting = WaitingLine(parts, read_again=partial(_read_again, stream), period_s=limits.parked_retry_s)
    return Bridge(settings, stream, ledger, tom, parts, waiting, stopped)


def _read_again(stream: Stream, place: Place, topic: str) -> Record | None:
    """Return the record of an event as the stream holds it; None where it doesn't (any more)."""
    try:
        if stream.identity(topic) != place.topic_id:
            return None
        return next(iter(stream.read(Partition(topic, place.partition), place.offset, place.offset + 1)), None)
    except (HistoryGoneError, TopicMissingError):
        return None


def _rules(settings: Settings, subscription: SubscriptionSettings) -> Rules:
    kinds = frozenset(str(kind) for kind in subscription.kinds)
    return Rules(
        # All kinds means also those of a later release: they are parked until the upgrade.
        kinds=None if kinds == frozenset(Kind) else kinds,
        origins=frozenset(subscription.origins) or None,
        ignore_unmatched=subscription.unmatched == "ignore",
        create_targets=subscription.create_targets,
        ignore_tests=not subscription.tests
        and (subscription.format == "hermes" or settings.stream_of(subscription.topic).hopskotch),
    )
