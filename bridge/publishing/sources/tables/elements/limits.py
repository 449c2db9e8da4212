"""Marks that say that a value is a limit: ``<`` and ``>``, flags, words."""

from collections.abc import Sequence

from bridge.publishing.sources.tables.elements.cells import NO, YES, is_empty, number_of
from bridge.publishing.sources.tables.elements.words import words

IS_LIMIT = (
    YES
    | frozenset(
        [
            "<",
            ">",
            "<=",
            ">=",
            "≤",
            "≥",
            "<<",
            ">>",
            "ul",
            "u",
            "l",
            "lim",
            "limit",
            "upper",
            "upperlimit",
            "upper_limit",
            "upper-limit",
            "nondet",
            "nondetection",
            "non-detection",
            "nd",
            "uplim",
            "fainter",
        ]
    )
    | {"upper limit", "non detection", "not detected"}
)
IS_NO_LIMIT = NO | words("= == d det detection detected measured ok")
_SAYS_LIMIT = IS_LIMIT - YES - {"u", "l"}
_SAYS_SOMETHING = (IS_LIMIT | IS_NO_LIMIT) - YES - NO
_DETECTIONS = YES | IS_NO_LIMIT - NO
_NO_DETECTIONS = NO | IS_LIMIT - YES
_SIGNS = frozenset(["<", ">", "<=", ">=", "≤", "≥", "<<", ">>", "=", "~"])


def is_limit(cell: str) -> bool | None:
    """Return whether a mark says limit; an empty one says no. None where it says neither."""
    word = cell.strip().lower()
    if word in IS_LIMIT:
        return True
    return False if word in IS_NO_LIMIT or is_empty(word) else None


def is_worded(cell: str) -> bool:
    """Return whether a cell says in a word, as ``UL``, and not by a sign or by *yes*, that something is a limit."""
    return cell.strip().lower() in _SAYS_LIMIT and cell.strip()[:1].isalpha()


def is_detection(cell: str) -> bool | None:
    """Return what a column says that tells detections (``D`` and ``U``, true and false), None where it says neither."""
    word = cell.strip().lower()
    if word in _DETECTIONS:
        return True
    return False if word in _NO_DETECTIONS else None


def are_marks(cells: Sequence[str]) -> bool:
    """Return whether cells are marks or words, and no values, of limits."""
    return all(is_limit(cell) is not None for cell in cells)


def are_signs(cells: Sequence[str]) -> bool:
    """Return whether cells hold nothing but ``<``, ``>``, ``UL`` and the like, whatever their column is named."""
    held = {cell.strip().lower() for cell in cells if not is_empty(cell)}
    if held and held <= _SIGNS:
        return True
    return bool(held & _SAYS_LIMIT) and held <= _SAYS_SOMETHING


def are_letters(cells: Sequence[str]) -> bool:
    """Return whether cells hold letters that may stand for detections and limits: ``D`` and ``L`` or ``U``."""
    held = {cell.strip().lower() for cell in cells if not is_empty(cell)}
    return len(held) > 1 and held <= {"d", "l", "u"}


def are_flags(cells: Sequence[str]) -> bool:
    """Return whether cells hold nothing but 0 and 1: as magnitudes they would be nonsense, silently."""
    numbers = {number_of(cell) for cell in cells if not is_empty(cell)}
    return bool(numbers) and numbers <= {0.0, 1.0}
