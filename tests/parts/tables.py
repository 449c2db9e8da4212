"""Tables as text, and what is read from them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.events import Point
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options, parse_columns
from bridge.publishing.sources.tables.outcome import Reading
from bridge.publishing.sources.tables.photometry import read_photometry

DATA = Path(__file__).parent.parent / "data" / "tables"
"""Small tables that follow layouts found in public; the values are made up."""


def reading(
    folder: Path,
    text: str | bytes,
    *,
    columns: str = "",
    name: str = "table.csv",
    given: Mapping[str, str] | None = None,
    survey: str = "",
    skip_empty: bool = False,
) -> Reading:
    """Return what is read from a table with this ``text``."""
    file = folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    said = parse_columns(columns) if columns else {}
    return read_photometry(file, Options(given=given or {}, columns=said, format=survey, skip_empty=skip_empty))


def points(folder: Path, text: str | bytes, **options: object) -> tuple[Point, ...]:
    """Return the points that are read from a table with this ``text``."""
    found = reading(folder, text, **options).datums  # type: ignore[arg-type]
    return tuple(point for point in found if isinstance(point, Point))


def problems(folder: Path, text: str | bytes, **options: object) -> list[str]:
    """Return what is said of a table that is refused, without its path."""
    with pytest.raises(SourceError) as caught:
        reading(folder, text, **options)  # type: ignore[arg-type]
    return [problem.removeprefix(f"{folder / 'table.csv'}: ") for problem in caught.value.problems]


def right_or_refused(folder: Path, text: str | bytes, **options: object) -> tuple[Point, ...] | None:
    """Return the points of a table, None where it is refused with what to do; anything else fails."""
    try:
        return points(folder, text, **options)
    except SourceError as error:
        if not (error.problems or error.mend):
            raise AssertionError(f"refused without saying what to do: {error}") from error
        return None
