"""Texts as they are shown on a terminal, in a log or in a mail: nothing in them does more than stand there.

Names, titles, messages, file names, headers and what other programs said come from others. A control character in one
could colour, move or clear a terminal, set its title, or begin a line of a stranger's choosing; one that turns the
direction of writing could make a name read as another.
"""

import re

# Controls (C0, DEL, C1), ends of lines and paragraphs of Unicode, lone surrogates, and what is written and not seen:
# marks of direction (UAX 9), joiners and blanks without width, fillers, tags.
_UNSEEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_IN_LINES = re.compile(f"[{_UNSEEN}]")
_IN_A_LINE = re.compile(f"[{_UNSEEN}\t\n]")


def visible(text: str) -> str:
    """Return ``text`` for one line: what is not seen, tabs and ends of lines too, as JSON writes it (``\\u001b``)."""
    return _IN_A_LINE.sub(_written, text)


def visible_lines(text: str) -> str:
    """Return ``text`` for where it may have lines: as :func:`visible`, but for tabs and ends of lines.

    A JSON document means the same afterwards.
    """
    return _IN_LINES.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    if found.group() in "\n\t":
        return {"\n": "\\n", "\t": "\\t"}[found.group()]
    units = found.group().encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))
