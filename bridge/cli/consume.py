"""``tom-bridge consume`` and ``replay``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.common import (
    LOOPBACK,
    Json,
    MetricsHost,
    MetricsPort,
    Since,
    Until,
    home_of,
    is_verbose,
    metrics_at,
    print_json,
    print_table,
    progress,
    say,
)
from bridge.cli.filters import KindName
from bridge.cli.logs import set_up_logs
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.operations.assemble import Bridge
    from bridge.operations.home import Home
    from bridge.operations.metrics import Metrics
    from bridge.receiving.replay import Summary


GRACE_S = 8.0


def consume(
    context: typer.Context,
    *,
    until_end: Annotated[
        bool, typer.Option("--until-end", help="End when all is applied that is on the topics now.")
    ] = False,
    metrics_port: MetricsPort = None,
    metrics_host: MetricsHost = LOOPBACK,
) -> None:
    """Receive what is shared on the subscribed topics, until told to stop.

    Example: tom-bridge consume
    """

    home = home_of(context)
    set_up_logs(logging.DEBUG if is_verbose(context) else logging.INFO)
    home.settings.require_subscriptions()
    with home.bridge() as bridge, metrics_at(metrics_host, metrics_port) as metrics:
        stop_at_signals(bridge.stopped)
        run_consumer(home, bridge, metrics, until_end=until_end)


def run_consumer(home: "Home", bridge: "Bridge", metrics: "Metrics | None", *, until_end: bool) -> None:
    """Run the consumer of a bridge as a daemon does, with what is told of it: metrics, or how far it is."""
    spare_collector()
    if metrics is not None:
        metrics.follow(bridge, home.ledger)
    consumer = bridge.consumer(home.besides)
    if not until_end:
        consumer.run()
        return
    with progress("Applying", _ahead(bridge)) as show:
        seen = 0

        def count(entries: Sequence[object]) -> None:
            nonlocal seen
            seen += len(entries)
            show(seen)

        bridge.parts.progress.listeners.append(count)
        consumer.run(until_end=True)


def _ahead(bridge: "Bridge") -> int | None:
    """Return how many records are to come now, at most; None where that can't be asked."""
    from bridge.operations.status import partitions

    topics = {one.topic for one in bridge.settings.subscribe}
    try:
        found = [one.lag for topic in topics for one in partitions(bridge.stream, bridge.ledger, topic)]
    except BridgeError:  # the consumer waits for who is away, and says what is missing
        return None
    return sum(lag or 0 for lag in found)


def stop_at_signals(stopped: threading.Event, *, grace_s: float = GRACE_S) -> None:
    """Let SIGTERM and SIGINT set ``stopped``: what is at hand is finished, or left where it can be taken up again.

    Whatever is under way, be it a call into a database that does not return, the process has ended after ``grace_s``
    seconds, which ledger and outbox bear; a second signal ends it at once.
    """
    # The handler of a signal runs in the main thread, which may be waiting within a library. What the system writes
    # into the wake-up file is seen by a thread of its own.
    import structlog

    log = structlog.get_logger(__name__)
    wakes, woken = socket.socketpair()
    woken.setblocking(False)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stopped.set())

    def is_told() -> bool:
        """Wait for a signal to stop; return False where none will come: the other end is closed."""
        while told := wakes.recv(1):
            if told[0] in (signal.SIGTERM, signal.SIGINT):
                return True
        return False

    def watch() -> None:
        if not is_told():
            return
        stopped.set()
        wakes.settimeout(grace_s)
        try:
            if not is_told():
                return
        except TimeoutError:
            log.warning("stop.at_once", message=f"what was under way has not ended within {grace_s:g} s")
        os._exit(0)

    threading.Thread(target=watch, name="signals", daemon=True).start()
    # The thread holds one end alone: the other one has to live as long.
    stop_at_signals.woken = woken  # type: ignore[attr-defined]


def spare_collector() -> None:
    """Let the garbage collector look seldom, and not at all at what is loaded by now, which stays until the end.

    For the process of a daemon. The rows of a unit are no garbage while it is written, and no cycles afterwards:
    looking through them and through all of Django took up to a third of the time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)


def replay(
    context: typer.Context,
    *,
    topic: Annotated[str, typer.Option(help="The topic whose history is read again.")],
    since: Since = None,
    until: Until = None,
    from_offset: Annotated[int | None, typer.Option(min=0, help="From this offset in each partition.")] = None,
    origin: Annotated[str, typer.Option(help="Only from this TOM (its origin).")] = "",
    kind: Annotated[KindName | None, typer.Option(help="Only this kind.")] = None,
    target: Annotated[str, typer.Option(help="Only of this target, by a name or an alias.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would happen, do nothing.")] = False,
    restore: Annotated[
        bool, typer.Option("--restore", help="Put back what has gone from the TOM, whatever was applied before.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Apply history again: what was applied stays so; parked, dead and ignored are decided anew.

    Example: tom-bridge replay --topic supernovae.public --target "SN 2024abc" --restore
    """
    from bridge.receiving.replay import Selection, Summary, spans
    from bridge.receiving.replay import replay as read_again

    home = home_of(context)
    selection = Selection(
        topic=topic,
        since=since,
        until=until,
        from_offset=from_offset,
        origin=origin,
        kind=str(kind or ""),
        target=target,
    )
    summary = Summary()
    with home.bridge() as bridge:
        bridge.settings.require_subscribed(topic)
        chosen = spans(bridge.stream, bridge.ledger, selection)
        total = sum(end - first for first, end in chosen.values())
        with progress("Replaying", total) as show:
            seen = 0

            def count(_record: object) -> None:
                nonlocal seen
                seen += 1
                show(seen)

            for one in read_again(
                bridge.stream,
                bridge.reader,
                bridge.waiting,
                chosen,
                selection,
                restore=restore,
                dry_run=dry_run,
                seen=count,
            ):
                summary.add(one)
    _print_summary(summary, topic, dry_run=dry_run, as_json=as_json)


def _print_summary(summary: "Summary", topic: str, *, dry_run: bool, as_json: bool) -> None:
    by_subject = [
        {"kind": kind, "subject": subject, "outcome": outcome, "events": number}
        for (kind, subject, outcome), number in sorted(summary.by_subject.items())
    ]
    if as_json:
        print_json({"topic": topic, "dry_run": dry_run, "outcomes": summary.outcomes, "by_subject": by_subject})
        return
    if dry_run:
        columns = ("kind", "target", "would be", "events")
        print_table(columns, [tuple(one.values()) for one in by_subject], empty="Nothing fits.")
    told = ", ".join(f"{number} {outcome}" for outcome, number in sorted(summary.outcomes.items())) or "nothing fits"
    say(f"{'Would replay' if dry_run else 'Replayed'} {summary.outcomes.total()} events of {topic}: {told}")
