"""Whose a display name is, and what an origin is called here that uses the name of another.

An origin is the permanent id of a TOM; its display name may be anything, also that of somebody else. A name belongs to
the first origin that used it at this TOM (a ledger remembers), this TOM's own name to this TOM. Whoever else uses it is
called by name and origin: ``North TOM (another.org)``. What differs only in case, blanks, marks, accents or letters
that look alike is one name: to take two for one costs an origin in brackets, to take one for two costs the truth.
"""

import unicodedata
from functools import lru_cache

from bridge.names import ordinary
from bridge.shown import visible

OF_HERMES = "hermes"
"""The origin of messages of Hermes that name no sender; of those that do, ``hermes.<sender>``. No TOM has such."""

LONGEST = 100
"""Characters of what an origin is called: TOM Toolkit's ``source_name`` takes no more."""
_LONGEST_KEY = 200
"""Characters of a key: an index of PostgreSQL takes no long ones, and some letters are many once taken apart."""

_LOOKS_LIKE = str.maketrans(
    {
        **dict(zip("авекмнорстухѕіјԛԝһԁӏ", "abekmhopctyxsljqwhdl", strict=True)),  # Cyrillic
        **dict(zip("αβεζηικμνορτυχ", "abezhlkmnoptyx", strict=True)),  # Greek
        **dict(zip("01iıłøđ", "ollllod", strict=True)),
    }
)
"""Small letters and digits that look like a Latin letter, be it as capitals.

Source: the commonest of Unicode's confusables (UTS 39), https://www.unicode.org/Public/security/latest/confusables.txt
"""


def came_from_hermes(origin: str) -> bool:
    """Return whether an origin is one of messages of Hermes: no bridge publishes as that, and they never go back."""
    return origin == OF_HERMES or origin.startswith(f"{OF_HERMES}.")


def of_a_tom(origin: str) -> str:
    """Return the origin of a TOM; raise ValueError where it is one of messages of Hermes."""
    if came_from_hermes(origin):
        raise ValueError(f"{origin!r} is kept for what comes from Hermes; choose another")
    return origin


@lru_cache(maxsize=1024)
def name_key(name: str) -> str:
    """Return that by which display names are compared; never empty for a name that shows anything."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", ordinary(name)).casefold())
    letters = "".join(letter for letter in apart if letter.isalnum()).translate(_LOOKS_LIKE)
    return (letters or name.strip())[:_LONGEST_KEY]


def told_as(name: str, origin: str, owner: str | None) -> str:
    """Return what ``origin`` is called that calls itself ``name``, which belongs to ``owner`` (None: to nobody yet).

    A name with a bracket is told with its origin whoever it belongs to: nobody is to write another's origin there. What
    is not seen in a name is made visible: a mark of direction would turn the origin behind it into another one.
    """
    name = visible(name)
    if owner == origin and "(" not in unicodedata.normalize("NFKC", name):
        return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    told = f"{name} ({origin})"
    if len(told) <= LONGEST:
        return told
    room = LONGEST - len(f"… ({origin})")
    return f"{name[:room]}… ({origin})" if room > 0 else origin[:LONGEST]
