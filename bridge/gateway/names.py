"""How a TOM writes a target's names into the query by which it asks for it.

It joins name and aliases by commas and glues them into the URL without encoding: what follows a ``#`` is cut off,
``%41`` becomes ``A`` on its way, and nothing tells a comma of a name from one between names.
"""

from collections.abc import Sequence
from urllib.parse import unquote

_PARAMETER = b"name_fuzzy="
_LONGEST = 100
"""Characters of a name."""


def asked_for(query: bytes) -> str | None:
    """Return the names in a raw query, as they were joined; None where none are asked for.

    They go to the end of the query: a ``&`` is one of a name. A ``+`` is a plus.
    """
    _, found, rest = query.partition(_PARAMETER)
    return unquote(rest.decode("ascii", "replace"), errors="replace").strip() if found else None


def written(names: Sequence[str]) -> frozenset[str]:
    """Return as what these names, the target's own first, may arrive."""
    kept = ",".join(names).partition("#")[0]
    # requests leaves %41 alone, which is then read as A; beside a % that encodes nothing it encodes all of them.
    return frozenset({kept.strip(), unquote(kept, errors="replace").strip()} - {""})


def firsts(asked: str) -> list[str]:
    """Return what the target's own name may be where its aliases are not known: the longest first.

    A comma before a blank is one of a name: between names a TOM writes none, and no name begins with a blank.
    """
    ends = [at for at, letter in enumerate(asked[: _LONGEST + 1]) if letter == "," and asked[at + 1 : at + 2] != " "]
    return [asked, *(asked[:end].strip() for end in reversed(ends) if asked[:end].strip())]
