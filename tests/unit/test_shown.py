"""What others wrote, as it is shown."""

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from bridge.shown import visible, visible_lines

UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_SEEN = set(range(0x600, 0x606)) | {0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
_SEEN |= set(range(0x13430, 0x13440))
"""Of category Cf, and drawn: signs before numbers in Arabic, Syriac and Kaithi; joiners of hieroglyphs."""
ANY = st.text(st.characters(exclude_categories=()))


def test_no_character_is_left_that_does_something() -> None:
    for code in range(0x110000):
        letter = chr(code)
        if unicodedata.category(letter) in UNSEEN and code not in _SEEN:
            assert visible(letter) != letter, f"U+{code:04X}"
            assert visible(letter).isascii(), f"U+{code:04X}"


def test_what_is_seen_stays_as_it_is() -> None:
    for text in ("SN 2024abc", "Größe [red] 18.3″", "超新星", "μ Cep (α=1°)", "[link=x]y[/link]", "\\x1b", "🔭"):
        assert visible(text) == text


def test_escapes_and_ends_of_lines_are_shown() -> None:
    assert visible("a\x1b[31mb\r\nc\td\u202ee\x9b2J") == "a\\u001b[31mb\\u000d\\nc\\td\\u202ee\\u009b2J"
    assert visible_lines("a\n\tb\x1b") == "a\n\tb\\u001b"


@given(ANY)
def test_one_line_stays_one(text: str) -> None:
    assert len(visible(text).splitlines()) <= 1


@given(st.recursive(ANY, lambda inner: st.lists(inner) | st.dictionaries(ANY, inner), max_leaves=10))
def test_json_means_the_same(value: object) -> None:
    assert json.loads(visible_lines(json.dumps(value, indent=2, ensure_ascii=False))) == value
