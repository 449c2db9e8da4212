"""``tom-bridge status`` and ``position``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.common import Json, home_of, load_settings, moment, plain, print_json, print_table, say

if TYPE_CHECKING:
    from bridge.operations.gateway_status import GatewayStatus
    from bridge.operations.status import PartitionStatus, Status, Verdict

position_app = typer.Typer(no_args_is_help=True, help="Where this TOM stands in each topic.")


def status(
    context: typer.Context,
    *,
    check: Annotated[bool, typer.Option("--check", help="Say only whether all is well; exit code 1 if not.")] = False,
    stalled: Annotated[
        float, typer.Option(min=1, help="--check: seconds a record may wait while nothing is applied.")
    ] = 900.0,
    stuck: Annotated[
        float, typer.Option(min=1, help="--check: seconds a partition with records may stand still.")
    ] = 300.0,
    silent: Annotated[
        float, typer.Option(min=1, help="--check: seconds a record may wait while no consumer says that it lives.")
    ] = 120.0,
    most_lag: Annotated[int | None, typer.Option(min=0, help="--check: records that may wait in a topic.")] = None,
    most_parked: Annotated[int | None, typer.Option(min=0, help="--check: events that may be parked.")] = None,
    most_dead: Annotated[int | None, typer.Option(min=0, help="--check: dead letters that there may be.")] = None,
    as_json: Json = False,
) -> None:
    """Show how far behind this TOM is, and what became of all that arrived.

    Example: tom-bridge status --check --most-dead 0
    """
    from bridge.operations.status import Thresholds, judge
    from bridge.operations.status import status as look

    home = home_of(context)
    with home.ledger() as ledger:
        now = look(home.settings, ledger)
        besides = home.problems(stalled)
    gateway = home.gateway()
    limits = Thresholds(
        stalled_s=stalled, silent_s=silent, stuck_s=stuck, lag=most_lag, parked=most_parked, dead=most_dead
    )
    verdict = judge(now, limits, besides=besides)
    if as_json:
        print_json({**plain(now), "gateway": plain(gateway), "well": verdict.well, "problems": verdict.problems})
    elif check:
        _print_verdict(verdict, home.named)
    else:
        if gateway is not None:
            _print_gateway(gateway)
        _print_status(now, verdict, home.named)
    if check and not verdict.well:
        raise typer.Exit(1)


def _print_verdict(verdict: "Verdict", named: Callable[[str], str]) -> None:
    for problem in verdict.problems:
        say(named(problem))
    if verdict.well:
        say("All is well")


def _print_status(now: "Status", verdict: "Verdict", named: Callable[[str], str]) -> None:
    rows = [(one.topic, one.lag, one.waiting_since, one.last_success) for one in now.topics]
    print_table(("topic", "lag", "waiting since (UTC)", "last success (UTC)"), rows, empty="No topic is subscribed to.")
    say("")
    counted = [
        (one.topic, one.origin, one.kind, one.outcome, one.events)
        for one in sorted(now.counts, key=lambda one: (one.topic, one.origin, one.kind, one.outcome))
    ]
    print_table(("topic", "origin", "kind", "outcome", "events"), counted, empty="Nothing has arrived yet.")
    say("")
    say(f"{now.parked} parked, {now.dead} dead; they take {now.kept_bytes} of {now.kept_bytes_limit} bytes")
    for process in now.processes[:1]:
        state = "ended" if process.ended else "was alive"
        say(f"The consumer ({process.process}) {state} at {process.at:%Y-%m-%d %H:%M:%S} UTC")
        for whose, trouble in process.troubles.items():
            say(f"It waits: {whose}: {named(str(trouble['what']))}")
    for problem in verdict.problems:
        say(f"Problem: {named(problem)}")


def _print_gateway(now: "GatewayStatus") -> None:
    rows = [(one.account, one.topic, one.what, one.outcome, one.reason, one.number, one.last_at) for one in now.tallies]
    did = ("account", "topic", "what", "outcome", "because", "requests", "last (UTC)")
    print_table(did, rows, empty="The gateway was sent nothing yet.")
    say("")
    asked = [(one.account, one.topic, one.asked, one.times, one.last_at) for one in now.questions]
    vain = ("account", "topic", "asked for, never shared in full", "times", "last (UTC)")
    print_table(vain, asked, empty="Every target that was asked for was shared in full.")
    say("")
    out = now.outbox
    alive = f"was alive at {now.alive_at:%Y-%m-%d %H:%M:%S} UTC" if now.alive_at is not None else "has never run"
    say(f"The gateway {alive}; of what it took {now.pending + out.queued} wait, {out.sent} events are sent")
    for what, reason in [*out.waits_for.items(), *out.refusals]:
        say(f"{what}: {reason}")
    say("")


@position_app.command("show")
def position_show(
    context: typer.Context,
    *,
    topics: Annotated[list[str] | None, typer.Argument(metavar="[TOPIC]...", help="None: all subscribed.")] = None,
    as_json: Json = False,
) -> None:
    """Show the next offset of each partition.

    Example: tom-bridge position show supernovae.public
    """
    from bridge.operations.opening import opened_stream
    from bridge.operations.positions import show_positions

    settings = load_settings(context)
    chosen = topics or [one.topic for one in settings.require_subscriptions()]
    with opened_stream(settings) as stream, home_of(context).ledger() as ledger:
        found = show_positions(stream, ledger, chosen)
    _print_positions(found, as_json=as_json)


@position_app.command("set")
def position_set(
    context: typer.Context,
    *,
    topic: Annotated[str, typer.Argument(help="The topic.")],
    to: Annotated[str, typer.Argument(metavar="WHERE", help="earliest, now, an offset, or a time as for 'replay'.")],
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    as_json: Json = False,
) -> None:
    """Set where the consumer goes on. What was applied stays applied; what is skipped, 'replay' can bring.

    Example: tom-bridge position set supernovae.public earliest
    """
    from bridge.operations.opening import opened_stream
    from bridge.operations.positions import set_position

    settings = load_settings(context)
    with opened_stream(settings) as stream, home_of(context).ledger() as ledger:
        found = set_position(stream, ledger, topic, _where(to), partition=partition)
    _print_positions(found, as_json=as_json)


def _where(to: str) -> str | int | datetime:
    if to in ("earliest", "now"):
        return to
    return int(to) if to.isdecimal() else moment(to)


def _print_positions(found: "Sequence[PartitionStatus]", *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    rows = [(one.topic, one.partition, one.position, one.first, one.end, one.lag, one.problem) for one in found]
    print_table(("topic", "partition", "next", "first", "end", "lag", ""), rows, empty="No positions.")
