"""The command line put together: all groups, the options that all have, and how errors end."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import logging
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli import consume, doctor, gateway, identity, init, outbox, publish, records, status, tail, topics
from bridge.cli.common import tell
from bridge.cli.logs import set_up_logs
from bridge.errors import AwayError, BridgeError, ConfigurationError, StopError
from bridge.shown import visible_lines

if TYPE_CHECKING:
    from bridge.operations.home import Home

DONE, NOT_DONE, WRONG, NEEDS_A_PERSON, OUR_FAULT, AWAY, INTERRUPTED = 0, 1, 2, 69, 70, 75, 130

app = typer.Typer(
    name="tom-bridge",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Share targets, lists, photometry and data products between TOMs: once, in full, and again when asked.",
)
app.add_typer(publish.app, name="publish")
app.command()(tail.tail)
app.command()(consume.consume)
app.command()(consume.replay)
app.command()(status.status)
app.command()(records.shares)
app.add_typer(records.parked_app, name="parked")
app.add_typer(records.dead_app, name="dead")
app.add_typer(outbox.app, name="outbox")
app.add_typer(status.position_app, name="position")
app.add_typer(identity.app, name="identity")
app.add_typer(topics.app, name="topics")
app.add_typer(gateway.app, name="gateway")
app.command()(doctor.doctor)
app.command()(init.init)


def _version(wanted: bool) -> None:
    if wanted:
        from bridge import __version__

        sys.stdout.write(f"tom-bridge {__version__}\n")
        raise typer.Exit


@app.callback()
def common(
    config: Annotated[
        Path | None,
        typer.Option(help="The configuration; else what TOM_BRIDGE_CONFIG names, else ./tom-bridge.toml."),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log also what is only of use in a search.")] = False,
    version: Annotated[  # noqa: ARG001 (the callback has answered)
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Set up what all commands share."""
    del config  # read where settings are needed
    set_up_logs(logging.DEBUG if verbose else logging.WARNING)


def run(
    arguments: Sequence[str], *, home: "Home | None" = None, command: Any = None, prog_name: str = "tom-bridge"
) -> int:
    """Run the command line and return its exit code; each error is one line on standard error.

    ``home`` (default: beside a TOM, as ``--config`` says) gives settings, ledger and TOM; ``command`` is what runs in
    place of :data:`app`, under the name ``prog_name``.
    """
    if command is None:
        command = typer.main.get_command(app)
    named = (lambda text: text) if home is None else home.named
    try:
        answer = command.main(list(arguments), prog_name=prog_name, standalone_mode=False, obj=home)
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BridgeError as error:
        for problem in getattr(error, "problems", ()):
            tell(named(str(problem)))
        if preview := getattr(error, "preview", ()):
            tell("The columns were taken for (see also --preview):")
            for line in preview:
                tell(line)
        return _told(named(str(error)), _code(error))
    except Exception as error:
        # Typer brings its own click since 0.26; what it raises for a wrong command line is told by this method.
        if (wrong := getattr(error, "format_message", None)) is None:
            sys.stderr.write(visible_lines(traceback.format_exc()))
            return _told(f"an error in TOM Bridge itself: {type(error).__name__}: {error}", OUR_FAULT)
        context = getattr(error, "ctx", None)
        path = context.command_path if context is not None else prog_name
        return _told(f"{wrong().rstrip('.?')}. See '{path} --help'", WRONG) if wrong() else _help(context)
    return answer if isinstance(answer, int) else DONE


def _help(context: typer.Context | None) -> int:
    """Show the help of a group that was called without a command; Typer prints it while it is asked for."""
    if context is not None:
        sys.stderr.write(context.get_help())
    return WRONG


def _code(error: BridgeError) -> int:
    match error:
        case ConfigurationError():
            return WRONG
        case StopError():
            return NEEDS_A_PERSON
        case AwayError():
            return AWAY
        case _:
            return NOT_DONE


def _told(message: str, code: int) -> int:
    tell(f"tom-bridge: {' '.join(message.split())}")
    return code
