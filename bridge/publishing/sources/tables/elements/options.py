"""What the person who publishes says of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.names import Role

_WORDS = {
    "mag": Role.BRIGHTNESS,
    "magnitude": Role.BRIGHTNESS,
    "flux": Role.BRIGHTNESS,
    "filter": Role.BANDPASS,
    "band": Role.BANDPASS,
    "brightness_error": Role.ERROR,
    "exposure": Role.EXPOSURE,
    "timestamp": Role.TIME,
}
SINGLE = frozenset(role for role in Role if role is not Role.EXTRA)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to read a table beyond what it says itself."""

    given: Mapping[str, str] = field(default_factory=dict)
    """Fields of rows that don't have their own: ``bandpass``, ``telescope``, ``instrument``, ``unit``; for a spectrum
    ``wavelength_unit``, ``flux_unit`` and ``exposure_time`` too."""
    columns: Mapping[str, Role] = field(default_factory=dict)
    """What columns hold, by their names."""
    format: str = ""
    """The survey that the table is from; empty: found out."""
    skip_empty: bool = False
    """Leave out rows without a value."""
    time: datetime | None = None
    """When a spectrum was taken, where its file doesn't say so."""

    def named(self, role: Role) -> list[str]:
        """Return the columns that are said to hold ``role``."""
        return [name for name, said in self.columns.items() if said is role]

    @property
    def are_numbered(self) -> bool:
        """Whether columns are named by their numbers, as those of a text without a header."""
        return bool(self.columns) and all(name.isdigit() for name in self.columns)


def parse_columns(text: str) -> dict[str, Role]:
    """Return what ``text`` (``brightness=Vmag,limit=l_Vmag``) says of columns, by their names. Raises SourceError."""
    found: dict[str, Role] = {}
    for part in text.split(","):
        word, mark, name = part.partition("=")
        word, name = word.strip().lower().replace("-", "_"), name.strip()
        role = _WORDS.get(word) or next((role for role in Role if role.value == word), None)
        if not mark or not name or role is None:
            raise SourceError(
                f"{part.strip()!r} is not understood",
                where="--columns",
                mend=f"Write WHAT=COLUMN,...; what can be {', '.join(role.value for role in Role)}",
            )
        if role in SINGLE and role in found.values():
            raise SourceError(f"two columns are said to hold the {role.value}", where="--columns", mend="Name one")
        found[name] = role
    return found


def check_names(columns: Mapping[str, Role], names: Sequence[str]) -> None:
    """Raise ValueError where ``columns`` names one that the table doesn't have.

    Without a header it must name all.
    """
    for name in columns:
        if name not in names:
            raise ValueError(f"there is no column {name!r} (found: {', '.join(names)}); mend --columns")
    unsaid = next((name for name in names if name not in columns), None)
    if unsaid is not None and [*names] == [str(number) for number in range(1, len(names) + 1)]:
        raise ValueError(f"nothing says what column {unsaid} holds; say it by --columns, or extra={unsaid}")
