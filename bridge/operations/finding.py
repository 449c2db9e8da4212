"""What a doctor finds: each thing that was looked at, and what to do about it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from bridge.errors import BridgeError

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was looked at."""

    level: Level
    about: str
    what: str
    mend: str = ""
    """What to do; empty where there is nothing."""


def found_in(about: str, look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Yield what ``look`` finds; an error of ours is a finding too."""
    try:
        yield from look()
    except BridgeError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        yield Finding(level="fail", about=about, what=what, mend=error.mend)


def all_found_in(about: str, look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    """Return all that ``look`` finds, as :func:`found_in` yields it."""
    return list(found_in(about, look))
