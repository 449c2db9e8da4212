"""The commands that only a TOM has: the relay, and relay and consumer in one process."""

import logging
import threading
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import structlog
import typer
from django.db import connections

from bridge.cli.common import (
    LOOPBACK,
    MetricsHost,
    MetricsPort,
    home_of,
    is_verbose,
    metrics_at,
    progress,
    say,
    say_lines,
)
from bridge.cli.consume import run_consumer, stop_at_signals
from bridge.cli.logs import set_up_logs
from bridge.errors import BridgeError
from bridge.publishing.outbox import Queued
from bridge.tomtoolkit.operating.home import Inside
from bridge.tomtoolkit.operating.mail import compose, send
from bridge.tomtoolkit.sharing.outbox import DjangoOutbox
from bridge.tomtoolkit.sharing.relay import relay_of

if TYPE_CHECKING:
    from bridge.operations.metrics import Metrics

log = structlog.get_logger(__name__)

UntilEnd = Annotated[bool, typer.Option("--until-end", help="End when all is done that is there now.")]


def relay(
    context: typer.Context,
    *,
    until_end: UntilEnd = False,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
) -> None:
    """Publish what was shared in this TOM, until told to stop.

    Example: manage.py bridgerelay
    """
    home = _inside(context)
    set_up_logs(logging.DEBUG if is_verbose(context) else logging.INFO)
    stopped = threading.Event()
    stop_at_signals(stopped)
    with metrics_at(metrics_host, metrics_port) as metrics:
        _relay(home, stopped, metrics, until_end=until_end, shows=True)


def run(
    context: typer.Context,
    *,
    until_end: UntilEnd = False,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
) -> None:
    """Publish what was shared in this TOM and receive what others share: bridgerelay and bridgeconsume in one process.

    Where one of the two has to stop, for an error that a person has to mend, both do. A TOM that subscribes to nothing
    only publishes.

    Example: manage.py bridgerun
    """
    home = _inside(context)
    set_up_logs(logging.DEBUG if is_verbose(context) else logging.INFO)
    stopped = threading.Event()
    stop_at_signals(stopped)
    with metrics_at(metrics_host, metrics_port) as metrics:
        if home.settings.subscribe:
            _both(home, stopped, metrics, until_end=until_end)
        else:
            _relay(home, stopped, metrics, until_end=until_end, shows=True)


def _both(home: Inside, stopped: threading.Event, metrics: "Metrics | None", *, until_end: bool) -> None:
    failures: list[BaseException] = []

    def in_thread(work: Callable[..., None]) -> None:
        try:
            work(home, stopped, metrics, until_end=until_end)
        except BaseException as error:  # it is raised in the main thread
            failures.append(error)
            stopped.set()
        finally:
            connections.close_all()  # those of this thread

    other = threading.Thread(target=in_thread, args=(_relay,), name="relay")
    other.start()
    in_thread(_consume)
    if not until_end:
        stopped.set()
    other.join()
    if failures:
        for error in failures[1:]:
            log.error("bridge.failed_as_well", message=str(error))
        raise failures[0]


def mail(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the mail, send nothing.")] = False,
) -> None:
    """Send the mail of what is dead, what is parked and how far behind the TOM is, now; for cron.

    Example: manage.py bridgemail --dry-run
    """
    home = _inside(context)
    at = datetime.now(UTC)
    with home.ledger() as ledger:
        if dry_run:
            say_lines("\n\n".join(compose(home.settings, ledger, at)).rstrip())
        else:
            send(home.settings, home.settings.require_mail(), ledger, at)
            say("Sent")


def _inside(context: typer.Context) -> Inside:
    home = home_of(context)
    assert isinstance(home, Inside)
    return home


def _relay(
    home: Inside, stopped: threading.Event, metrics: "Metrics | None", *, until_end: bool, shows: bool = False
) -> None:
    """Run the relay; ``shows``: with how far it is, where it is to come to an end."""
    if metrics is not None:
        metrics.follow_outbox(_queued)
    with progress("Publishing", _ahead()) if until_end and shows else nullcontext(_tells_nobody) as show:
        relay_of(home.settings).run(stopped, until_end=until_end, progress=show)


def _tells_nobody(_settled: int) -> None:
    """Where the consumer beside it shows how far it is, or nobody waits for an end."""


def _ahead() -> int | None:
    """Return how many events are to be sent now; None where that can't be asked."""
    try:
        return _queued().events
    except BridgeError:  # the relay waits for the database, or says what is wrong
        return None


def _queued() -> Queued:
    """Return how much waits in the outbox, on a connection that the calling thread does not keep."""
    outbox = DjangoOutbox()
    try:
        return outbox.queued()
    finally:
        outbox.close()


def _consume(home: Inside, stopped: threading.Event, metrics: "Metrics | None", *, until_end: bool) -> None:
    with home.bridge(stopped) as bridge:
        run_consumer(home, bridge, metrics, until_end=until_end)
