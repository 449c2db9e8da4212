"""Words in columns beside the values: they may say that a value is a limit, is bad, or is not of the target."""

import re
from collections.abc import Collection, Iterable, Sequence

from bridge.publishing.sources.tables.elements import bands
from bridge.publishing.sources.tables.elements.cells import is_empty, number_of
from bridge.publishing.sources.tables.elements.clocks import OTHER_CLOCKS, SCALES
from bridge.publishing.sources.tables.elements.names import Name
from bridge.publishing.sources.tables.elements.words import words
from bridge.publishing.sources.tables.texts import neutral, statements, wordings

_LABELS = words(
    "id name object objectid target star starname observer obs obscode observercode reference ref bibcode image "
    "imageid filename file field"
)
"""What names something, and says nothing of values."""
_NAMING = _LABELS - words("ref reference image")
NOTES = words(
    "comment comments noteid footnote footnotes footnoteid note notes remark remarks info memo annotation "
    "annotations bemerkung bemerkungen kommentar nota "
    "notas note observaciones comentario comentarios commentaire commentaires remarque remarques osservazioni commento "
    "примечание комментарий 备注 備考"
)
"""Names of columns of free text."""
_CONDITIONS = words(
    "acquisition image airmass also alt altitude and arcsec at away bright by c cirrus clear cloud clouds cloudy "
    "conditions dark dawn deg degrees detection dew discovery dusk excellent exposures fair fine first fog full "
    "fwhm good half haze hazy high humid humidity images in low min moon moonlight new nice night obs observed "
    "observer of ok okay partly photometric pix s sec seeing sky some spectrum stable stack stacked t taken "
    "temperature the thick thin through twilight very weather wind windy with x"
)
"""What notes say of the sky, which calibrated values have gone through."""
_OF_LIMITS = words("last non nondetection limit limits upper no not detected detection")
_UNMEASURED = words(
    "inst instr instrumental diff differential rel relative model fit fitted gp interp interpolated interpolation rest "
    "ghost spurious fake ref host nd template sim simulated synth synthetic bogus colour color upper extrapolated "
    "predicted"
)
_STANDS = "x"
"""In a column ``Comments``, as downloads of the AAVSO have, it marks nothing; in notes and flags it does."""
_WORD = re.compile(r"[^\W\d_]{2}")
_FILE = re.compile(r"\w\.[A-Za-z]\w{1,4}$")
_LONG_NUMBER = re.compile(r"\d{3,}")
_NUMBER = re.compile(r"\d+")
_NOT_UTC = (SCALES.keys() - {"utc", "ut", "gmt", "tu", "et"}) | OTHER_CLOCKS
_TYPES = words("type kind role class category")
_OTHERS = words("comparison comp check reference template standard calibrator host galaxy sky background")
_OTHER_CLOCK = re.compile(r"\b[bh]jd\b|(?:bary|helio)-?cent", re.IGNORECASE)


def check(name: Name, cells: Sequence[str], *, is_harmless: bool, has_limits: bool) -> None:
    """Refuse words in a column that say that values are not what the other columns say. Raises ValueError.

    ``is_harmless`` says that the column describes the target or the image, so that it may have gaps;
    ``has_limits`` that something else marks limits, which notes may then speak of.
    """
    values = dict.fromkeys(cell for cell in cells if not is_empty(cell)).keys()
    check_plain(name, values)
    if name.flat in _LABELS:
        return
    if _TYPES & name.tokens and (other := _OTHERS & {cell.lower() for cell in values}):
        raise ValueError(
            f"column {name.whole!r} says {min(other)!r}: rows may not be of the target; leave out such rows, or say "
            f"--columns extra={name.whole}"
        )
    clock = next((cell for cell in values if _is_other_clock(cell)), "")
    by_name = set(wordings.doubts(f"{name.whole}:"))
    # Of texts that differ in long numbers only, as names of files, one is looked at: a column may have 50,000.
    alike = {_LONG_NUMBER.sub("0", cell): cell for cell in values if _WORD.search(cell)}
    for cell in alike.values():
        doubts = [doubt for doubt in wordings.doubts(f"{name.whole}: {cell}") if doubt not in by_name]
        for _, assumed in (
            (("time", "times are UTC at the observatory"),) if cell == clock or _OTHER_CLOCK.search(cell) else doubts
        ):
            raise ValueError(
                f"column {name.whole!r} says {cell[:60]!r}, and by the other columns {assumed}; leave out such "
                f"rows, or say --columns extra={name.whole}"
            )
    is_sparse = len(values) < len(cells) and not is_harmless and any(map(is_empty, cells)) and not values <= bands.BANDS
    if name.flat in NOTES or (is_sparse and any(number_of(cell) is None for cell in values)):
        _check_notes(name, values, _CONDITIONS | (_OF_LIMITS if has_limits else frozenset()))


def _is_other_clock(cell: str) -> bool:
    """Return whether a cell names a clock that isn't UTC at the observatory, and nothing else: ``BJD_TDB``."""
    parts = frozenset(part for part in re.split(r"[\W_]+", cell.lower()) if part)
    return not parts.isdisjoint(_NOT_UTC) and parts <= _NOT_UTC | SCALES.keys() | {"mjd", "jd"}


def check_plain(name: Name, values: Collection[str]) -> None:
    """Refuse a word or two that say that a value was not measured, or not of the target."""
    for cell in values if name.flat not in _NAMING else ():
        tokens = [] if _FILE.search(cell) else re.findall(r"[^\W\d_]+", cell.lower())
        if len(tokens) <= 2 and (found := _UNMEASURED.intersection(tokens)):
            raise ValueError(
                f"column {name.whole!r} says {cell[:60]!r}, and {min(found)!r} may say that values are not measured; "
                f"leave out such rows, or say --columns extra={name.whole}"
            )


def _check_notes(name: Name, notes: Iterable[str], known: frozenset[str]) -> None:
    """Refuse a note that isn't understood: it may say all of its row, as a footnote does by a number."""
    alike = {_NUMBER.sub("0", note): note for note in notes}
    for note in alike.values():
        is_mark = number_of(note) is not None or len(note.strip("().")) <= 1 or note.lower() == "clear"
        if name.flat == "comments" and note == _STANDS:
            continue
        word = statements.stated(note) or neutral.not_of(note, known)
        if word := note if is_mark else word:
            raise ValueError(
                f"column {name.whole!r} says {note[:60]!r}, and {word!r} may say that a value is no measurement; "
                f"leave out such rows, or say --columns extra={name.whole} if it changes none"
            )
