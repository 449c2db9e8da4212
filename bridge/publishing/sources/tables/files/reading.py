"""A file as a table of text cells: how it is written is found out, never guessed at.

The first lines of a file say what it is (``SIMPLE``, ``<VOTABLE``, ``%ECSV``, ``Byte-by-byte``, ...); what says
nothing is columns of text with one header.
"""

import re
from collections.abc import Callable
from pathlib import Path

from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.astro import astropy_at_hand
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.files import (
    described,
    fitsfile,
    htmlfile,
    jsonfile,
    lines,
    mpcfile,
    special,
    votable,
)

MAX_TABLE_BYTES = 256 * 1024 * 1024
_FITS_MARK = b"SIMPLE  ="
_IRAF = re.compile(r"#K IRAF\s+= NOAO/IRAF")
_MARKUP = re.compile(r"\s*<(?:\?xml|!DOCTYPE|[A-Za-z][\w:-]*[\s>])")
_BYTE_ORDER_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}

_BEYOND_ASCII = re.compile(rb"[\x80-\xff]+")
_WESTERN = frozenset(bytes([byte]) for byte in "éáíóúçäöüÄÖÜßÉ±°²µ".encode("cp1252"))
"""Letters that are the same in the code pages of all Europe, and signs."""
_IN_A_WORD = re.compile(rb"[A-Za-z]\xb1|\xb1[A-Za-z]")
"""Where plus-minus is the letter of another code page."""

_TEXTS: tuple[tuple[Callable[[str], bool], Callable[[str], Table]], ...] = (
    (votable.is_votable, votable.read),
    (htmlfile.is_html, htmlfile.read),
    (jsonfile.is_json, jsonfile.read),
    (described.is_ecsv, described.read_ecsv),
    (described.is_cds, described.read_cds),
    (described.is_ipac, described.read_ipac),
    (described.is_latex, described.read_latex),
    (described.is_sextractor, described.read_sextractor),
    (special.is_snana, special.read_snana),
    (special.is_aavso, special.read_aavso),
    (special.is_sousa, special.read_sousa),
    (mpcfile.is_mpc, mpcfile.read),
)
_TURNED = re.compile("[\u202a-\u202e\u2066-\u2069]")
_UNSEEN = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xAD))
"""Marks of no width, which nobody sees in a word or a number."""


def read(path: Path, options: Options | None = None) -> Table:
    """Return the table in ``path``, of any format that astropy reads. Raises SourceError, ConfigurationError.

    The columns of a text without a header are named by their numbers where ``options`` say by these what they hold.
    """
    try:
        if path.stat().st_size > MAX_TABLE_BYTES:
            raise SourceError(f"is larger than {MAX_TABLE_BYTES} bytes", where=str(path), mend="Split the table")
        content = path.read_bytes()
    except OSError as error:
        raise SourceError(f"can't be read: {error.strerror}", where=str(path)) from None
    try:
        if content.startswith(_FITS_MARK):
            table = fitsfile.read(path)
        else:
            text = decoded(content)
            reader = _reader_of(text)
            is_numbered = options is not None and options.are_numbered
            table = lines.read(text, is_numbered=is_numbered) if reader is None else reader(text)
    except lines.UnevenError as error:
        raise SourceError.of(str(path), error.problems) from None
    except ValueError as error:
        raise SourceError(" ".join(str(error).split()), where=str(path)) from None
    if not table.rows:
        raise SourceError("has a header but no rows", where=str(path), mend="At least one row of data is needed")
    return table


def _reader_of(text: str) -> Callable[[str], Table] | None:
    """Return what reads a text of its own kind, None for columns of text. ValueError: it isn't read."""
    if _IRAF.match(text):
        raise ValueError(
            "is of IRAF's apphot or daophot: instrumental magnitudes of all stars of an image. Save the calibrated "
            "ones of the target as CSV, with their times, errors and filters"
        )
    reader = next((reader for fits, reader in _TEXTS if fits(text)), None)
    if reader is None and _MARKUP.match(text):
        raise ValueError("is XML or HTML without a table of a known kind (VOTable, HTML). Save it as CSV")
    return reader


def decoded(content: bytes) -> str:
    """Return a file's text, in UTF-8, with the byte-order mark of UTF-16, or in Windows-1252 where nothing else may be.

    ValueError says that it is none of these.
    """
    encoding = _BYTE_ORDER_MARKS.get(content[:2], "utf-8-sig")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        if _is_western(content):
            return content.decode("cp1252").replace("\r\n", "\n").replace("\r", "\n")
        raise ValueError(f"is no text in UTF-8 (byte {error.start}). Save it as CSV in UTF-8") from None
    if _TURNED.search(text):
        raise ValueError("holds marks that turn the order of letters. Save it without them")
    text = text.translate(_UNSEEN)
    if "\x00" in text:
        raise ValueError("is no text: it holds a NUL character. Save it as CSV in UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_western(content: bytes) -> bool:
    """Return whether text that isn't UTF-8 is certainly in Windows-1252.

    It is where each byte beyond ASCII stands alone (Cyrillic, Greek and Asian text has them in runs), and is one of a
    few letters that Latin-1, Latin-9, Windows-1250 and others write alike, or a sign.
    """
    found = _BEYOND_ASCII.findall(content)
    return all(run in _WESTERN for run in found) and not _IN_A_WORD.search(content)


__all__ = ["MAX_TABLE_BYTES", "astropy_at_hand", "decoded", "read"]
