"""``tom-bridge tail``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import sys
from typing import Annotated

import typer

from bridge.cli.common import Since, cell, load_settings, say, tell


def tail(
    context: typer.Context,
    *,
    topic: Annotated[str, typer.Argument(help="The topic.")],
    since: Since = None,
    from_offset: Annotated[int | None, typer.Option(min=0, help="From this offset in each partition.")] = None,
    follow: Annotated[
        bool | None,
        typer.Option(
            "--follow/--until-end",
            help="Go on with what arrives, or end at what is there now. Without --since and --from-offset: --follow, "
            "from now on.",
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="JSON lines, which 'tom-bridge publish events -' takes back.")
    ] = False,
) -> None:
    """Show what is on a topic: what arrives from now on, or its history.

    Example: tom-bridge tail supernovae.public --since 2h
    """
    from bridge.operations.formats import formats_of
    from bridge.operations.opening import opened_stream
    from bridge.operations.tailing import summary
    from bridge.operations.tailing import tail as read

    settings = load_settings(context)
    started = since is not None or from_offset is not None
    follows = not started if follow is None else follow
    only_new = not started and follow is not False
    with opened_stream(settings) as stream:
        formats = formats_of(settings, stream)
        shown = read(stream, formats, topic, since=since, from_offset=from_offset, only_new=only_new, follow=follows)
        for one in shown:
            event = one.event
            if event is None:
                # Standard error also for people: what can't be decoded is no line of the topic's content.
                tell(f"{one.record.where}: {one.problem}")
            elif as_json:
                say(event.as_json().decode())
            else:
                at = f"{one.record.timestamp:%Y-%m-%d %H:%M:%S}"
                what = f"{event.kind:<12}  {event.subject}  {summary(event)}"
                say(cell(f"{at}  {one.record.where}  {what}  from {event.origin_name} ({event.origin})"))
            sys.stdout.flush()
