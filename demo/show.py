"""How the demonstration speaks: short sections, tables, and one way to say that something is not so."""

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

PROGRAM = Path(sys.executable).with_name("tom-bridge")
ASTRONOMER = "ada"
ASTRONOMERS_PASSWORD = "ada-of-the-north-1"
_WIDTH = 110
console = Console(highlight=False)
if not console.is_terminal:
    console.width = _WIDTH


class NotSoError(Exception):
    """Something that the demonstration promises is not so."""


def check(so: bool, what: str) -> None:
    """Say what is so, or end the demonstration."""
    if not so:
        raise NotSoError(f"it is not so that {what}")
    console.print(f"  [green]✓[/green] {what}")


def act(number: int, title: str, why: str = "") -> None:
    """Begin a section."""
    console.print()
    console.rule(f"[bold cyan]{number}  {title}", align="left", style="cyan")
    if why:
        console.print(f"[dim]{why}[/dim]")
    console.print()


def say(text: str) -> None:
    """Print one line."""
    console.print(text, soft_wrap=True)


def show_command(place: str, command: str, *arguments: str) -> None:
    """Print a command as it was run at a TOM, files by their names alone."""
    shown = " ".join(
        Path(part).name if part.startswith("/") else f'"{part}"' if " " in part else part
        for part in (*command.split(), *arguments)
    )
    console.print(f"  [bold]{place}$ {shown}[/bold]", soft_wrap=True)


def show_code(place: str, code: str) -> None:
    """Print Python as it was run in a TOM."""
    console.print(f"  [bold]{place}$ python manage.py shell[/bold]", soft_wrap=True)
    for line in code.rstrip().splitlines():
        prompt = "..." if line.startswith((" ", "]")) else ">>>"
        console.print(f"    {prompt} {line}", markup=False, soft_wrap=True)


def output(text: str) -> None:
    """Print what a command printed."""
    for line in text.rstrip().splitlines():
        console.print(f"    {line}", markup=False, soft_wrap=True)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    shown = Table(title=title or None, title_justify="left", header_style="bold")
    for name in header:
        shown.add_column(name, overflow="fold")
    for row in rows:
        shown.add_row(*row)
    console.print(shown)


def success(text: str) -> None:
    """Print the end of a demonstration in which all was so."""
    console.print()
    console.print(Panel(text, style="bold green"))


def failure(text: str, folder: Path) -> None:
    """Print what is not so, and where to look."""
    console.print()
    console.print(Panel(Text(text), title="not so", style="bold red"))
    console.print(f"Logs, databases and the stream are kept in {folder}", markup=False, soft_wrap=True)
