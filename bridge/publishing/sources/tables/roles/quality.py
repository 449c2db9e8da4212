"""Columns that say which rows are bad: a bad value must not be published as a good one.

Where name and cells leave no doubt (``good`` no, ``rejected`` true, ``status`` bad), marked rows are left out and
counted. A flag that is set, and of which nothing says what it means (``quality`` 128, ``mask`` 1), is refused: the
person says ``is_bad`` or ``is_good``, or ``extra`` to publish all rows.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bridge.publishing.sources.tables.elements import languages
from bridge.publishing.sources.tables.elements.cells import NO, YES, is_empty, number_of
from bridge.publishing.sources.tables.elements.names import Name, Role
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.texts import notes
from bridge.publishing.sources.tables.texts.remarks import CORRECTED

_BAD = (
    words(
        "bad isbad badflag flagbad badpoint reject isrejected outlier outliers isoutlier exclude excluded isexcluded "
        "discard discarded ignore ignored clipped unusable invalid isinvalid donotuse dontuse skip skipped bogus "
        "isbogus spurious isspurious isartifact isartefact fake isfake simulated issimulated"
    )
    | languages.BAD
)
"""Names of columns whose true marks a bad row; ``rejected``, and by what, too."""
_GOOD = (
    words(
        "good isgood goodflag flaggood use used isused useit keep kept valid isvalid usable isusable include included "
        "isincluded infit usedinfit accept accepted isaccepted reliable isreliable "
        "verified validated approved ok isok real isreal"
    )
    | languages.GOOD
)
_BAD_WORDS = words("bad reject rejected exclude excluded discard discarded outlier spurious")
"""Words in the names of columns whose *true* or *yes* marks a bad row."""
_FLAG_WORDS = words("quality qual flag flags mask masked dq qc saturated unreliable warning warn") | _BAD_WORDS
"""Words in the names of columns that may say that a row is bad."""
_FLAGS = words(
    "qf qa ql qflag grade rating blend blended saturation contaminated cloudy clouds suspect edge artifact artefact "
    "status q errcode warnings problem problems duplicate isduplicate primary isprimary nodata interpolated predicted "
    "synthetic modelled extrapolated"
)
"""Whole names of such columns."""
_FLAG_ENDS = ("flag", "flags", "mask", "errbits", "quality", "qual")
_SAYS_BAD = languages.BAD | words(
    "bad nok reject rejected outlier unusable invalid fail failed discard discarded exclude excluded"
)
_SAYS_NOTHING = words("good ok okay g green fine clean valid pass passed a") | NO | languages.GOOD
"""What a flag says that is not set; a column of these alone is harmless."""
_TRUST = words("conf confidence reliability reliable trust certainty")
"""Words in the names of columns that say how sure a measurement is."""
_NO_TRUST = words("none no low poor bad doubtful uncertain")
_MARKS = frozenset("*?!:#+") | {"**", "†", "‡"}
"""What a column may hold in place of words."""
_YES_WORDS, _NO_WORDS = YES - words("1 1.0"), NO - words("0 0.0")
_TAKEN = {Role.IS_BAD: "whether the row is bad", Role.IS_GOOD: "whether the row is good"}
_ZEROS = re.compile(r"0+(?:\.0+)?")
_NOTE = re.compile(
    r"(?:do ?n[o']t|never) use|\bunusable|\bunreliable|\b(?:bad|wrong|poor) (?:point|data|measurement|mag|phot|subtr|"
    r"columns?\b|"
    r"pix|"
    r"fit|value)|^(?:bad|model|synthetic|simulated|simulation|predicted|interpolated|fake)$|\bsaturated|\boutlier|"
    r"\brejected|\bexclude|\bdiscard|\bignore",
    re.IGNORECASE,
)
_DENIED = re.compile(r"\bnot? (?:sat|an? out|out|rej|excl|disc)|\bun(?:sat|rej)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Marked:
    """The rows that are marked as bad, and what the columns that mark them were taken for."""

    rows: Mapping[int, str] = field(default_factory=dict)
    """Numbers of rows, each with why it is left out."""
    taken: Mapping[int, str] = field(default_factory=dict)
    """Columns by index."""


def find(table: Table, names: Sequence[Name], options: Options, free: Iterable[int]) -> Marked:
    """Return which rows columns mark as bad; ``free`` are the columns that hold nothing else.

    ValueError where a flag is set and nothing says what it means.
    """
    roles = {table.names.index(name): role for role in (Role.IS_BAD, Role.IS_GOOD) for name in options.named(role)}
    for index in free:
        if (role := _role(names[index], [cell.lower() for cell in table.cells(index)])) is not None:
            roles[index] = role
    rows: dict[int, str] = {}
    for index, role in roles.items():
        for number, row in enumerate(table.rows):
            if _is_bad(row.cells[index], names[index], row.place, role):
                rows.setdefault(number, f"marked as bad by column {names[index].whole!r}")
    return Marked(rows=rows, taken={index: _TAKEN[role] for index, role in roles.items()})


def told(rows: Mapping[int, str]) -> tuple[str, ...]:
    """Return for people how many ``rows`` were left out, and why."""
    counts = Counter(rows.values())
    return tuple(f"{count} row{'s' if count > 1 else ''} left out: {why}" for why, count in counts.items())


def _role(name: Name, cells: Sequence[str]) -> Role | None:
    """Return what a column says of its rows, None where it marks none. ValueError where that is not clear."""
    held = frozenset(cell for cell in cells if not is_empty(cell))
    if not held:
        return None
    says_nothing = all(cell in _SAYS_NOTHING or _ZEROS.fullmatch(cell) for cell in held)
    are_words = held <= _YES_WORDS | _NO_WORDS
    is_named_bad = name.flat in _BAD or name.flat == "rejected" or name.flat.startswith("rejectedby")
    is_named_bad = is_named_bad or (are_words and bool(name.tokens & _BAD_WORDS))
    is_flag = name.flat in _FLAGS or bool(name.tokens & _FLAG_WORDS) or name.flat.endswith(_FLAG_ENDS)
    found, is_clear = None, True
    if name.flat in _GOOD:
        found, is_clear = Role.IS_GOOD, {*cells} <= YES | NO
    elif is_named_bad:
        found, is_clear = Role.IS_BAD, held <= YES | NO | words("x * !")
    elif is_flag and "image" not in name.tokens and not says_nothing:
        found, is_clear = Role.IS_BAD, bool(held & _SAYS_BAD) and held <= _SAYS_BAD | _SAYS_NOTHING
    elif name.flat in ("weight", "weights", "wt"):
        is_clear = not any(number_of(cell) == 0 for cell in cells)
    elif "ok" in name.tokens and held <= YES | NO and held & NO:
        is_clear = False
    elif name.tokens & _TRUST and {*cells} & _NO_TRUST:
        is_clear, held = False, held | ({*cells} & _NO_TRUST)
    elif (
        (held & _SAYS_BAD and held <= _SAYS_BAD | _SAYS_NOTHING and name.flat not in notes.NOTES)
        or held <= _MARKS
        or (are_words and held & _YES_WORDS and held & _NO_WORDS and not CORRECTED.search(name.whole))
    ):
        is_clear = False
    if not is_clear:
        raise _doubted(name, held)
    return found


def _doubted(name: Name, held: frozenset[str]) -> ValueError:
    told = ", ".join(sorted(held - _SAYS_NOTHING)[:3])
    return ValueError(
        f"column {name.whole!r} may mark bad rows or limits, and nothing says how ({told[:40]}); say --columns "
        f"is_bad={name.whole} or is_good={name.whole} to leave them out, is_limit={name.whole} if they are limits, or "
        f"extra={name.whole} to publish all rows"
    )


def _is_bad(cell: str, name: Name, place: str, role: Role) -> bool:
    """Return whether a cell marks its row as bad: set in a column of bad rows, or unset in one of good rows."""
    text = cell.strip().lower()
    is_zero = text in NO or bool(_ZEROS.fullmatch(text))
    if role is Role.IS_BAD:
        return not (is_empty(text) or is_zero or text in _SAYS_NOTHING)
    if is_empty(text):
        raise ValueError(f"{place}, column {name.whole}: is empty, and it says whether the row is good; write one")
    return is_zero or text in _SAYS_BAD


def check_words(name: Name, held: Sequence[tuple[str, str]]) -> None:
    """Refuse words that say that a value is bad; ``held`` are places and cells. Raises ValueError."""
    for place, cell in held:
        if number_of(cell) is None and _NOTE.search(cell) and not _DENIED.search(cell):
            raise ValueError(
                f"{place}, column {name.whole}: {cell[:60]!r} may say that the value is bad; leave out the row, or say "
                f"--columns extra={name.whole}"
            )
