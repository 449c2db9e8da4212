"""The real command line: run in this process, or asked whether it would take some arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import typer

from bridge.cli import app


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Command = Callable[..., Ended]


def parsed(arguments: list[str]) -> str:
    """Return the path of the command that ``arguments`` name; raise what the command line raises where it is wrong.

    Nothing but words and options is looked at: no file is opened, no configuration read.
    """
    command: Any = typer.main.get_command(app)
    context = command.make_context("tom-bridge", list(arguments))
    while hasattr(command, "resolve_command"):
        words = [*context._protected_args, *context.args]
        if not words and command.invoke_without_command:
            break
        name, command, rest = command.resolve_command(context, words)
        context = command.make_context(name, rest, parent=context)
    return str(context.command_path)
