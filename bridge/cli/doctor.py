"""``tom-bridge doctor``."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import sys

import typer

from bridge.cli.common import Json, cell, home_of, print_json

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def doctor(context: typer.Context, *, as_json: Json = False) -> None:
    """Look at stream, topics, schemas, ledger, TOM, account, permissions and clock; exit code 1 if something fails.

    Example: tom-bridge doctor
    """
    from rich.console import Console
    from rich.text import Text

    home = home_of(context)
    found = []
    console = Console(width=None if sys.stdout.isatty() else 10_000, highlight=False)
    for one in home.examine():
        found.append(one)
        if not as_json:
            mend = f". {home.named(one.mend)}" if one.mend else ""
            told = Text(cell(f"{one.about}: {one.what}{mend}"))
            console.print(Text(f"{one.level:<4}  ", style=_STYLES[one.level]) + told)
    if as_json:
        print_json(found)
    if any(one.level == "fail" for one in found):
        raise typer.Exit(1)
