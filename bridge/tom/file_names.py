"""Names of files that come from elsewhere, made safe for file systems, web servers and people.

The rules for what a browser may run are those of the WHATWG's "MIME Sniffing" and of ``mime.types``: a type is told by
any of a name's suffixes (Apache looks at all of them), and by the first bytes where a server names no type.
"""

import mimetypes
import re
import unicodedata
from pathlib import PurePosixPath

MOST_BYTES = 240
"""Bytes of one part of a path: file systems take 255, and storages may add a few."""
_MOST_SUFFIX = 20
_NOT_IN_NAMES = frozenset('<>:"/\\|?*')
_NOT_SHOWN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that control, turn the direction of others, or have no encoding."""
_DEVICE = re.compile(r"(?i:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)")
"""Names that mean a device on Windows, with whatever suffix."""
_ACTIVE = frozenset({
    ".asp", ".aspx", ".atom", ".cgi", ".hta", ".htc", ".htm", ".html", ".js", ".jse", ".jsp", ".jspx", ".mathml",
    ".mht", ".mhtml", ".mjs", ".mml", ".phar", ".php", ".php3", ".php4", ".php5", ".php7", ".php8", ".phps",
    ".phtml", ".pl", ".rdf", ".rss", ".shtm", ".shtml", ".stm", ".svg", ".svgz", ".swf", ".vbe", ".vbs", ".wsf",
    ".xbl", ".xht", ".xhtml", ".xml", ".xsd", ".xsl", ".xslt", ".xul",
})  # fmt: skip
"""Suffixes of what browsers run, or web servers may."""
_PASSIVE = frozenset({".csv", ".txt"})
"""Suffixes that every web server knows, and after which no browser looks for markup."""
_MARKUP = re.compile(rb"<[A-Za-z!?/]")
_BLANK = b"\t\n\x0c\r "


def safe_part(name: str) -> str:
    """Return ``name`` as one part of a path.

    Without control and bidirectional characters, and those that file systems keep for themselves; no dotfile, no
    device, no dots or blanks at its end; of at most :data:`MOST_BYTES` bytes, its last suffix kept.
    """
    shown = "".join("_" if _is_unsafe(one) else one for one in unicodedata.normalize("NFC", name)).strip()
    shown = shown.rstrip(". ")
    if shown.startswith(".") or _DEVICE.match(shown):
        shown = "_" + shown.lstrip(".")
    if not any(one.isalnum() for one in PurePosixPath(shown).stem):
        shown = "file" + PurePosixPath(shown).suffix
    return shortened(shown, MOST_BYTES)


def kept_as(filename: str, content: bytes) -> tuple[str, str]:
    """Return the name under which a file is kept, and what people are to know of that: empty where it is no other one.

    It is safe (:func:`safe_part`), and such that no web server serves what a browser would run.
    """
    name = safe_part(filename)
    if not is_active(name, content):
        return name, ""
    name = shortened(passive(name), MOST_BYTES)
    return name, f"kept as {name}: no browser is to run what is in {filename}"


def shortened(name: str, most: int) -> str:
    """Return ``name`` in at most ``most`` bytes (UTF-8), its last suffix kept where that is of a usual length."""
    if len(name.encode()) <= most:
        return name
    suffix = PurePosixPath(name).suffix
    if len(suffix.encode()) > _MOST_SUFFIX:
        suffix = ""
    stem = name.removesuffix(suffix).encode()[: most - len(suffix.encode())]
    return stem.decode(errors="ignore").rstrip(". ") + suffix


def is_active(name: str, content: bytes) -> bool:
    """Return whether a browser that is given this file by a web server may run what is in it, or the server may."""
    suffixes = [suffix.lower() for suffix in PurePosixPath(name).suffixes]
    if any(map(_is_active_suffix, suffixes)):
        return True
    return not (suffixes and suffixes[-1] in _PASSIVE) and _is_markup(content)


def passive(name: str) -> str:
    """Return a name for an active file under which it is served as plain text: ``chart.svg`` is ``chart_svg.txt``."""
    path = PurePosixPath(name)
    parts = [path.name.removesuffix("".join(path.suffixes))]
    for suffix in path.suffixes:
        parts.append(suffix.replace(".", "_") if _is_active_suffix(suffix.lower()) else suffix)
    return "".join(parts) + ".txt"


def _is_unsafe(character: str) -> bool:
    return character in _NOT_IN_NAMES or unicodedata.category(character) in _NOT_SHOWN


def _is_active_suffix(suffix: str) -> bool:
    kind = mimetypes.types_map.get(suffix, "")
    return suffix in _ACTIVE or kind.endswith(("xml", "/html", "javascript", "ecmascript"))


def _is_markup(content: bytes) -> bool:
    """Return whether content begins as HTML, SVG or XML do, whatever it is called."""
    start = content[:1024]
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if start.startswith(mark):
            start = start[2:].decode(encoding, errors="ignore").encode()
    return _MARKUP.match(start.removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)) is not None
