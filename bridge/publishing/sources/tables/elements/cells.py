"""What single cells say: nothing, a number, a mark, a yes or no."""

import math
import re

from bridge.publishing.sources.tables.elements import languages
from bridge.publishing.sources.tables.elements.words import words

EMPTY = frozenset(
    {
        "",
        "nan",
        "-nan",
        "indef",
        "null",
        "none",
        "n/a",
        "na",
        "-",
        "--",
        "---",
        "masked",
        "nodata",
        "...",
        "\u2026",
        "<na>",
        "#n/a",
        "#na",
    }
)
YES = words("true t yes y 1 1.0") | languages.YES
NO = words("false f no n 0 0.0") | languages.NO
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eEdD][+-]?\d+)?")
_INTEGER = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL = re.compile(r"[+-]?(0|[1-9]\d*)?(\.\d*)?([eE][+-]?\d+)?")
_NO_MAGNITUDE = re.compile(r"-?9?99+(\.[09]+)?")
_PLUS_MINUS = re.compile(r"\s*(?:\$?\\pm\$?|\u00b1|\+/-|\+-|\+or-)\s*")
_IN_BRACKETS = re.compile(r"([^()]+)\((\d*\.\d+)\)")
_LIMIT_WORD = r"(?:upper limit|limit|lim\.?|ul|u\.\s?l\.?|[35][- ]?sigma (?:upper )?limit|limite|l\u00edmite)"
_WORDED_LIMIT = re.compile(
    rf"(?:(?:fainter than|not brighter than|{_LIMIT_WORD})[:\s]*|\[)(?P<after>\d+(?:\.\d*)?)|"
    rf"(?P<before>\d+(?:\.\d*)?)\s*[(\[]?{_LIMIT_WORD}[)\]]?",
    re.IGNORECASE,
)
"""``19.5 (limit)``, ``UL 19.5``, ``fainter than 19.5``, and ``[19.5`` of those who observe by eye."""
WORDED = "UL"
"""The mark that stands for a limit in words."""
_MINUS = str.maketrans({"\u2212": "-", "\u2012": "-", "\u2013": "-", "\u00a0": " "})


FAINTEST, BRIGHTEST = 40.0, -5.0
"""Magnitudes: what is outside of them is something else, as millimagnitudes, counts or instrumental magnitudes."""


def is_empty(cell: str) -> bool:
    """Return whether a cell holds nothing."""
    return cell.lower() in EMPTY


def is_no_magnitude(cell: str) -> bool:
    """Return whether a cell says that no magnitude was measured: nothing, or 99, 99.99, -99.0, 999, as tables write."""
    return is_empty(cell) or bool(_NO_MAGNITUDE.fullmatch(cell))


def number_of(text: str) -> float | None:
    """Return ``text`` as a finite number, or None. ``1.5D3`` is Fortran's 1500."""
    text = text.translate(_MINUS)
    if not NUMBER.fullmatch(text):
        return None
    number = float(text.replace("D", "e").replace("d", "e"))
    return number if math.isfinite(number) else None


def split_mark(cell: str) -> tuple[str, str]:
    """Return the mark before a value (``<``, ``>``, ``\u2264``, ...; ``UL`` for words; or nothing) and the rest."""
    if found := _WORDED_LIMIT.fullmatch(cell.strip()):
        return WORDED, found["after"] or found["before"]
    rest = cell.replace("$", "").lstrip()
    bare = rest.lstrip("<>=\u2264\u2265\u2272\u2273~ ")
    return rest[: len(rest) - len(bare)].strip(), bare.strip()


def split_error(cell: str) -> tuple[str, str]:
    """Return value and error of a cell such as ``18.2\u00b10.1`` or ``18.2(0.1)``; an empty error where there is none.

    ``18.21(5)`` is left as it is: whether it means 0.05 nothing says.
    """
    if found := _IN_BRACKETS.fullmatch(cell):
        return found[1].strip(), found[2]
    parts = _PLUS_MINUS.split(cell, maxsplit=1)
    return (parts[0].strip(), parts[1].strip()) if len(parts) == 2 and parts[1].strip() else (cell, "")


def typed(cell: str) -> int | float | str:
    """Return a number only where it can be written back as the same: 007 and long identifiers stay text.

    Whole numbers of more than 15 digits may be more than floating point holds, which is all that many readers know.
    """
    if _INTEGER.fullmatch(cell):
        return int(cell)
    if cell.lstrip("-").isdigit() or not _DECIMAL.fullmatch(cell):
        return cell
    number = number_of(cell)
    return cell if number is None else number


def scaled(number: float, factor: float) -> float:
    """Return ``number`` times ``factor``, to the 15 digits that a decimal number keeps: 12 mmag are 0.012 mag."""
    return number if factor == 1.0 else float(f"{number * factor:.15g}")
