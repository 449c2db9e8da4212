"""What comes of reading a file."""

from dataclasses import dataclass

from bridge.events import Datum

Taken = tuple[tuple[str, str], ...]
"""What each column was taken for, in the table's order."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a file was read as."""

    format: str
    """How it is written, or the survey that it is from."""
    datums: tuple[Datum, ...]
    taken: Taken
    """What each column was taken for, in the table's order."""
    left_out: tuple[str, ...] = ()
    """Which rows were left out, and why."""


def told_columns(taken: Taken) -> tuple[str, ...]:
    """Return what columns were taken for as lines for people."""
    width = max((len(name) for name, _ in taken), default=0)
    return tuple(f"  {name:<{width}}  {what}" for name, what in taken)
