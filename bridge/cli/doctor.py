"""``tom-bridge doctor``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import sys

import typer
from rich.console import Console
from rich.text import Text

from bridge.cli.common import Json, load_settings, print_json

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(context: typer.Context, *, as_json: Json = False) -> None:
    """Look at stream, topics, schemas, ledger, TOM, account, permissions and clock; exit code 1 if something fails.

    Example: tom-bridge doctor
    """
    from bridge.operations.doctor import examine

    settings = load_settings(context)
    found = []
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)
    for one in examine(settings):
        found.append(one)
        if not as_json:
            mend = f". {one.mend}" if one.mend else ""
            console.print(Text(f"{one.level:<4}  ", style=_STYLES[one.level]) + Text(f"{one.about}: {one.what}{mend}"))
    if as_json:
        print_json(found)
    if any(one.level == "fail" for one in found):
        raise typer.Exit(1)
