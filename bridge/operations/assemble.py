"""From settings to working parts: the one place where they are put together."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from bridge.codec.avro import Decoder
from bridge.codec.headers import peek
from bridge.codec.schemas import Schemas
from bridge.events import Kind
from bridge.ledger.port import Ledger
from bridge.ledger.sqlite import SqliteLedger
from bridge.receiving.apply import Applier, Limits
from bridge.receiving.consumer import Consumer, Pace
from bridge.receiving.decide import Policy
from bridge.receiving.execute import Executor
from bridge.receiving.read import Reader, Rules
from bridge.settings import Settings, SubscriptionSettings
from bridge.stream import Stream, open_stream
from bridge.tom.port import Tom
from bridge.tom.rest import RestAccount, RestTom


@dataclass(frozen=True)
class Bridge:
    """All parts of one TOM's bridge, put together."""

    settings: Settings
    stream: Stream
    ledger: Ledger
    tom: Tom
    reader: Reader
    applier: Applier
    stopped: threading.Event

    def consumer(self, besides: Callable[["Bridge"], object] = lambda _bridge: None) -> Consumer:
        """Return the consumer of all subscriptions; ``besides`` is called with this bridge before each of its turns."""
        limits = self.settings.limits
        return Consumer(
            self.stream,
            self.ledger,
            self.tom,
            self.applier,
            group=f"tom-bridge.{self.settings.require_origin()}",
            starts={one.topic: one.start for one in self.settings.require_subscriptions()},
            pace=Pace(records=limits.batch_datums, parked_retry_s=limits.parked_retry_s),
            stopped=self.stopped,
            besides=lambda: besides(self),
        )


def stream_of(settings: Settings) -> Stream:
    """Return the stream that the settings name."""
    return open_stream(settings.stream.url, settings.stream.options())


def ledger_of(settings: Settings) -> SqliteLedger:
    """Return the ledger that the settings name."""
    return SqliteLedger(settings.ledger)


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
        tom = RestTom(account_of(settings), ledger.intents)
        stack.callback(tom.close)
        yield put_together(settings, stream, ledger, tom, stopped=stopped)


def put_together(
    settings: Settings,
    stream: Stream,
    ledger: Ledger,
    tom: Tom,
    *,
    pause_s: float = 1.0,
    stopped: threading.Event | None = None,
) -> Bridge:
    """Return the bridge of open parts, the ledger tied to the TOM; ``pause_s`` is that of the executor.

    Raises IdentityError where the ledger belongs to another TOM.
    """
    stopped = stopped or threading.Event()
    ledger.bind(tom.identity)
    reader = Reader(
        Decoder(Schemas(stream, settings.stream.schema_topic)).decode,
        peek,
        origin=settings.require_origin(),
        installation=ledger.installation,
        rules={one.topic: _rules(one) for one in settings.subscribe},
    )
    policy = Policy(
        separation_arcsec=settings.matching.separation_arcsec, data_product_types=settings.data_product_types
    )
    limits = settings.limits
    applier = Applier(
        Executor(tom, ledger, policy, attempts=limits.attempts, pause_s=pause_s),
        ledger,
        reader,
        limits=Limits(
            batch_datums=limits.batch_datums,
            batch_s=limits.batch_s,
            parked_bytes=limits.parked_bytes,
            rejections_in_a_run=limits.rejections_in_a_run,
        ),
        should_stop=stopped.is_set,
    )
    return Bridge(settings, stream, ledger, tom, reader, applier, stopped)


def _rules(subscription: SubscriptionSettings) -> Rules:
    kinds = frozenset(str(kind) for kind in subscription.kinds)
    return Rules(
        # All kinds means also those of a later release: they are parked until the upgrade.
        kinds=None if kinds == frozenset(Kind) else kinds,
        origins=frozenset(subscription.origins) or None,
        ignore_unmatched=subscription.unmatched == "ignore",
    )
