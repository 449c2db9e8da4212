"""``tom-bridge outbox``: what goes no further by itself on its way out."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.common import Json, home_of, print_json, print_table, say

if TYPE_CHECKING:
    from bridge.operations.outbox import Decided

app = typer.Typer(no_args_is_help=True, help="What was refused on its way out, or may have arrived or not.")

Ids = Annotated[list[int], typer.Argument(metavar="ID...", help="As 'outbox list' shows.")]


@app.command("list")
def list_(
    context: typer.Context,
    *,
    most: Annotated[int, typer.Option(min=1, help="How many at most, the newest first.")] = 100,
    as_json: Json = False,
) -> None:
    """List what the stream refused, and messages of which it isn't known whether Hermes has them.

    Example: tom-bridge outbox list
    """
    with home_of(context).outbox() as outbox:
        found = outbox.stuck(most)
    if as_json:
        print_json(found)
        return
    rows = [(one.id, one.state, one.accepted_at, one.kind, one.subject, one.topic, one.reason) for one in found]
    columns = ("id", "state", "accepted (UTC)", "kind", "target", "topic", "why")
    print_table(columns, rows, empty="Nothing is refused or unclear.")


@app.command("again")
def again(context: typer.Context, *, ids: Ids, as_json: Json = False) -> None:
    """Send these again as they are. What is unclear may then be at Hermes twice: look there first.

    Example: tom-bridge outbox again 12 13
    """
    from bridge.operations.outbox import send_again

    with home_of(context).outbox() as outbox:
        _print(send_again(outbox, ids), "queued again", as_json=as_json)


@app.command("there")
def there(context: typer.Context, *, ids: Ids, as_json: Json = False) -> None:
    """Say of these, which are unclear, that Hermes has them: they count as sent.

    Example: tom-bridge outbox there 12
    """
    from bridge.operations.outbox import are_there

    with home_of(context).outbox() as outbox:
        _print(are_there(outbox, ids), "noted as sent", as_json=as_json)


def _print(done: "Decided", what: str, *, as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        say(f"{len(done.done)} {what}")
        for row in done.left:
            say(f"{row}: there is nothing to decide of it")
    if done.left:
        raise typer.Exit(1)
