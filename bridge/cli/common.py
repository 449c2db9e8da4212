"""What all commands share: settings, times, how answers are printed, how errors end."""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import json
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.errors import ConfigurationError
from bridge.shown import visible, visible_lines

if TYPE_CHECKING:
    from bridge.operations.home import Home
    from bridge.operations.metrics import Metrics
    from bridge.settings import Settings

_TELLS_EVERY_S = 30.0
_AGO = re.compile(r"(\d+)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def home_of(context: typer.Context) -> "Home":
    """Return where the command is at home: inside the TOM that runs it, else beside one, as ``--config`` says."""
    root = context.find_root()
    if root.obj is None:
        from bridge.operations.home import Beside

        config: Path | None = root.params.get("config")
        root.obj = Beside(config)
    found: Home = root.obj
    return found


def load_settings(context: typer.Context) -> "Settings":
    """Return the settings of where the command is at home."""
    return home_of(context).settings


def is_verbose(context: typer.Context) -> bool:
    """Return whether also what is only of use in a search is to be logged."""
    return bool(context.find_root().params.get("verbose", False))


def moment(text: str) -> datetime:
    """Return a time in UTC: ISO 8601 (UTC where it has no zone), or a span of time ago such as ``2h`` or ``30d``."""
    try:
        if ago := _AGO.fullmatch(text.strip()):
            return datetime.now(UTC) - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        found = datetime.fromisoformat(text)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):  # OverflowError: beyond the years that a datetime has
        raise typer.BadParameter(
            f"{text!r} is no time; write 2026-01-31T12:00, or 2h or 30d for that long ago"
        ) from None


Since = Annotated[
    datetime | None,
    typer.Option(
        "--since", parser=moment, metavar="TIME", help="From this time: 2026-01-31T12:00 (UTC), or 2h, 30d ago."
    ),
]
Until = Annotated[
    datetime | None, typer.Option("--until", parser=moment, metavar="TIME", help="Before this time, as --since.")
]


# -- metrics -----------------------------------------------------------------------------------------------------------

MetricsPort = Annotated[
    int | None,
    typer.Option("--metrics-port", min=0, max=65535, help="Serve metrics for Prometheus there (0: at a free port)."),
]
MetricsHost = Annotated[str, typer.Option("--metrics-host", help="The address that metrics are served at.")]
LOOPBACK = "127.0.0.1"


@contextmanager
def metrics_at(host: str, port: int | None) -> Iterator["Metrics | None"]:
    """Serve metrics for a block, and yield what is to be told of; None where nobody asked for them."""
    if port is None:
        yield None
        return
    try:
        from bridge.operations.metrics import Metrics, served
    except ImportError as error:
        raise ConfigurationError(
            f"metrics need {error.name}, which is not installed", mend="Run: pip install 'tom-bridge[metrics]'"
        ) from None
    metrics = Metrics()
    with served(metrics, host, port):
        yield metrics


# -- answers --------------------------------------------------------------------------------------------------------


def plain(answer: object) -> Any:
    """Return ``answer`` (dataclasses, models, times, enums, ...) as what JSON knows."""
    from pydantic_core import to_jsonable_python

    return to_jsonable_python(answer, bytes_mode="base64", serialize_unknown=True)


def print_json(answer: object) -> None:
    """Print ``answer`` as JSON."""
    say_lines(json.dumps(plain(answer), indent=2, ensure_ascii=False))


def say(text: str) -> None:
    """Print one line of result."""
    sys.stdout.write(visible(text) + "\n")


def say_lines(text: str) -> None:
    """Print a result of several lines."""
    sys.stdout.write(visible_lines(text) + "\n")


def tell(text: str) -> None:
    """Print one line on standard error: what is no result."""
    sys.stderr.write(visible(text) + "\n")


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str) -> None:
    """Print a table; ``empty`` is said where there are no rows. Elsewhere than on a terminal nothing is cut off."""
    if not rows:
        say(empty)
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        # Text, so that what others wrote is never taken for markup.
        table.add_row(*(Text(cell(value)) for value in row))
    width = None if sys.stdout.isatty() else 10_000
    Console(soft_wrap=False, width=width).print(table)


def cell(value: object) -> str:
    """Return ``value`` as it stands in one line among others."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
    return visible(str(value).strip())


def print_fields(fields: Mapping[str, object]) -> None:
    """Print names and values, one a line."""
    width = max(len(name) for name in fields)
    for name, value in fields.items():
        say(f"{name:<{width}}  {cell(value)}")


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """Show how far long work is, its rate and the time that is left; yields what is to be called with how much is done.

    On a terminal as a bar, elsewhere as a line every half minute.
    """
    from rich.console import Console

    pace = Pace(total)
    console = Console(stderr=True)
    if not console.is_terminal:
        told_at = pace.started_at

        def tell_seldom(done: int) -> None:
            nonlocal told_at
            if time.monotonic() - told_at >= _TELLS_EVERY_S:
                told_at = time.monotonic()
                tell(f"{what}: {pace.told(done)}")

        yield tell_seldom
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[pace]}"))
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total, pace="")
        yield lambda done: bar.update(task, completed=done, pace=pace.rate(done))


class Pace:
    """How fast long work goes since it was made; ``total`` is how much it is, where that is known."""

    def __init__(self, total: int | None) -> None:
        self._total = total
        self.started_at = time.monotonic()

    def told(self, done: int) -> str:
        """Return how much is done of all, with the rate."""
        of = "" if self._total is None else f" of {self._total:,}"
        return ", ".join(filter(None, (f"{done:,}{of}", self.rate(done))))

    def rate(self, done: int) -> str:
        """Return how many a second were done, and how long the rest takes at that rate."""
        took_s = time.monotonic() - self.started_at
        if not done or not took_s:
            return ""
        a_second = done / took_s
        told = f"{a_second:,.0f} a second" if a_second >= 10 else f"{a_second:.1f} a second"
        if self._total is None:
            return told
        left_s = max(self._total - done, 0) / a_second
        return f"{told}, {timedelta(seconds=round(left_s))} left"
