"""The rule by which names match: TOM Toolkit's own."""

from collections.abc import Iterable

_REMOVED = str.maketrans("", "", " -_()")


def simplify(name: str) -> str:
    """Return ``name`` as TOM Toolkit compares it: lower case, without blanks, ``-``, ``_``, ``(`` and ``)``.

    Source: ``tom_targets.base_models.TargetMatchManager.simplify_name`` of TOM Toolkit 2.32 to 3.1.
    """
    return name.lower().translate(_REMOVED)


def simplify_all(names: Iterable[str]) -> frozenset[str]:
    """Return the simplified forms of all names, without those that simplify to nothing."""
    return frozenset(simple for name in names if (simple := simplify(name)))
