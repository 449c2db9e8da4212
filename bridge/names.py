"""The rule by which names match, TOM Toolkit's own, and how names that look alike are told apart."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

_REMOVED = str.maketrans("", "", " -_()")
_REMEMBERED = 4096
"""Names whose simplified form is remembered: each event asks for those of its target several times."""
_BETWEEN_DIGITS = re.compile(r"(?<=\d)[ \-_()]+(?=\d)")

_BLANKS = "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u205f\u3000"
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u2060\ufeff"
_LOOK_ALIKES: dict[str, tuple[str, str]] = {
    **dict.fromkeys("\xa0\u2007\u202f", ("a non-breaking blank", " ")),
    **dict.fromkeys(_BLANKS, ("a blank of another width", " ")),
    "\u2212": ("a minus sign", "-"),
    **dict.fromkeys("‐‑﹣－", ("another hyphen", "-")),
    **dict.fromkeys("‒–—―", ("a dash", "-")),
    **dict.fromkeys("‘’‛ʼ", ("a curly quote", "'")),
    "\u2032": ("a prime", "'"),
    **dict.fromkeys("“”‟", ("a curly quote", '"')),
    "\u2033": ("a double prime", '"'),
    **dict.fromkeys(_INVISIBLE, ("an invisible character", "")),
}
"""Characters that look like one of ASCII, or like nothing: what each is, and what people mean by it."""


def toolkit_rule(name: str) -> str:
    """Return ``name`` as TOM Toolkit compares it: lower case, without blanks, ``-``, ``_``, ``(`` and ``)``.

    Source: ``tom_targets.base_models.TargetMatchManager.simplify_name`` of TOM Toolkit 2.32 to 3.1.
    """
    return name.lower().translate(_REMOVED)


@lru_cache(maxsize=_REMEMBERED)
def simplify(name: str) -> str:
    """Return that by which ``name`` is compared: :func:`toolkit_rule`, or the name itself where that leaves nothing.

    So ``-`` and ``()`` are two names, as everybody means them; by TOM Toolkit's rule they would be one.
    """
    return toolkit_rule(name) or name.strip()


def simplify_all(names: Iterable[str]) -> frozenset[str]:
    """Return the simplified forms of all names."""
    return frozenset(simple for name in names if (simple := simplify(name)))


@lru_cache(maxsize=_REMEMBERED)
def spelling(name: str) -> str:
    """Return :func:`simplify` of ``name`` with a blank wherever the name keeps digits apart that the rule would join.

    ``M 1-1`` and ``M 11`` are one to the rule; here they are ``m1 1`` and ``m11``. ``NGC 7000`` and ``ngc7000`` stay
    one.
    """
    if not _BETWEEN_DIGITS.search(name):
        return simplify(name)  # as nearly every one
    return " ".join(toolkit_rule(part) for part in _BETWEEN_DIGITS.split(name))


def grouped_otherwise(names: Sequence[str], others: Sequence[str]) -> tuple[str, str] | None:
    """Return one of each that are one only because the rule joins digits; None where two are one without that.

    None too where no two are one by the rule: whoever takes them for one (a TOM's own match manager) has another.
    """
    if not {spelling(name) for name in names}.isdisjoint(spelling(other) for other in others):
        return None
    by_rule = {simplify(other): other for other in others}
    return next(((name, by_rule[simple]) for name in names if (simple := simplify(name)) in by_rule), None)


def ordinary(name: str) -> str:
    """Return ``name`` as it would be typed: blanks, hyphens and quotes of ASCII, letters with their accents in one.

    A name is never matched by this, as two that differ may be two targets; it says what a person may have meant.
    """
    return unicodedata.normalize("NFC", "".join(_LOOK_ALIKES.get(letter, ("", letter))[1] for letter in name))


def look_alikes(name: str) -> tuple[str, ...]:
    """Return in words which characters of ``name`` look like others, or like nothing; each kind once, in order.

    For messages: "differs in a non-breaking blank (U+00A0)".
    """
    found = [f"{_LOOK_ALIKES[letter][0]} (U+{ord(letter):04X})" for letter in name if letter in _LOOK_ALIKES]
    if unicodedata.normalize("NFC", name) != name:
        found.append("an accent apart from its letter (NFD)")
    return tuple(dict.fromkeys(found))
