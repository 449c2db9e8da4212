"""The management commands: the commands of ``tom-bridge``, at home inside of the TOM, and those that only a TOM has."""

import sys
from collections.abc import Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from typing import Any, ClassVar

import typer
from django.core.management.base import BaseCommand, CommandError, CommandParser

from bridge.cli import app
from bridge.cli.main import run
from bridge.tomtoolkit.operating import running
from bridge.tomtoolkit.operating.home import NOT_HERE, Inside, named

_PREFIX = "bridge"
_own = typer.Typer(pretty_exceptions_enable=False)
_own.command("relay")(running.relay)
_own.command("run")(running.run)
_own.command("mail")(running.mail)


class BridgeCommand(BaseCommand):
    """One command, called ``bridge<word>``. Its arguments are taken as Typer takes them; Django's own go first."""

    word: ClassVar[str]
    # The bridge's own checks are asked for where its settings are: their exit code is 2, for systemd.
    requires_system_checks: ClassVar[Sequence[str]] = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser that takes Django's options and leaves all others, ``--help`` too."""
        parser = _Lenient(prog=f"{prog_name} {subcommand}", add_help=False, allow_abbrev=False, **kwargs)
        parser.add_argument("-v", "--verbosity", default=1, type=int, choices=[0, 1, 2, 3])
        for name in ("--settings", "--pythonpath"):
            parser.add_argument(name)
        for name in ("--traceback", "--no-color", "--force-color"):
            parser.add_argument(name, action="store_true")
        return parser

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """Print what the command takes."""
        del prog_name, subcommand
        self._run(["--help"], verbose=False)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command; its exit code is that of ``tom-bridge``, or a CommandError for ``call_command``."""
        del args
        with ExitStack() as stack:
            if (out := options.get("stdout")) is not None:
                stack.enter_context(redirect_stdout(out))
            if (err := options.get("stderr")) is not None:
                stack.enter_context(redirect_stderr(err))
            code = self._run(options["arguments"], verbose=options["verbosity"] > 1)
        if code and not self._called_from_command_line:
            raise CommandError(f"{_PREFIX}{self.word} ended with code {code}", returncode=code)
        if code:
            sys.exit(code)

    def _run(self, arguments: Sequence[str], *, verbose: bool) -> int:
        options = ["--verbose"] if verbose else []
        words = [*options, f"{_PREFIX}{self.word}", *arguments]
        return run(words, home=Inside(), command=command_line(), prog_name="manage.py")


class _Lenient(CommandParser):
    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        known, known.arguments = self.parse_known_args(args, namespace)
        return known


def command_line() -> Any:
    """Return the command line as ``manage.py`` has it: each command under its name here, also in its help."""
    root: Any = typer.main.get_command(app)
    own: Any = typer.main.get_command(_own)
    commands = {word: command for word, command in root.commands.items() if word not in NOT_HERE}
    root.commands = {f"{_PREFIX}{word}": command for word, command in (commands | own.commands).items()}
    for name, command in root.commands.items():
        command.name = name
        _rename(command)
    return root


def _rename(command: Any) -> None:
    command.help = named(command.help or "")
    for one in getattr(command, "commands", {}).values():
        _rename(one)
