"""``tom-bridge identity``."""

from typing import Annotated
from uuid import UUID

import typer

from bridge.cli.common import Json, home_of, print_json, say

app = typer.Typer(no_args_is_help=True, help="Which installation this is, and which were this TOM before.")


@app.command("show")
def identity_show(context: typer.Context, *, as_json: Json = False) -> None:
    """Show the origin, the installation, and former installations that were accepted.

    Example: tom-bridge identity show
    """
    home = home_of(context)
    with home.ledger() as ledger:
        own, former = ledger.installation, sorted(map(str, ledger.installations() - {ledger.installation}))
    origin = home.settings.require_origin()
    if as_json:
        print_json({"origin": origin, "installation": str(own), "former": former})
        return
    say(f"Origin {origin}, installation {own}")
    for one in former:
        say(f"Formerly installation {one}")


@app.command("accept")
def identity_accept(
    context: typer.Context,
    *,
    installation: Annotated[UUID, typer.Argument(metavar="INSTALLATION", help="As the dead letter names it.")],
    as_json: Json = False,
) -> None:
    """Take a former installation (a ledger that was lost) for this TOM: what it published is ours.

    Example: tom-bridge identity accept 0190a2b4-0000-7000-8000-000000000000
    """
    with home_of(context).ledger() as ledger:
        ledger.accept_installation(installation)
    if as_json:
        print_json({"accepted": str(installation)})
    else:
        say(f"Accepted {installation}; 'tom-bridge dead retry' clears what was a dead letter for that")
