"""References of a share as links: addresses, DOIs and ADS bibcodes; whatever else a stranger wrote stays text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

_DOI = re.compile(r"(?:doi:\s*)?(10\.\d{4,9}/[!-~]+)", re.IGNORECASE)
_BIBCODE = re.compile(r"[12]\d{3}[A-Za-z][A-Za-z0-9&.]{13}[A-Za-z.:]")
"""Year, journal, volume, section, page, author: 19 characters (https://ui.adsabs.harvard.edu/help/actions/bibcode)."""
_ADDRESS = re.compile(r"https?://[!-~]+", re.IGNORECASE)


@dataclass(frozen=True)
class Reference:
    """What was written, and where it leads; no address where it is not known to be one."""

    text: str
    address: str = ""


def shown(references: Sequence[str]) -> list[Reference]:
    """Return references as a page shows them."""
    return [Reference(one, address(one.strip())) for one in references]


def address(reference: str) -> str:
    """Return where a reference leads: http or https alone; empty where it is neither address, DOI nor bibcode."""
    if _ADDRESS.fullmatch(reference):
        return reference if _is_plain(reference) else ""
    if doi := _DOI.fullmatch(reference):
        return f"https://doi.org/{quote(doi[1], safe='/:;()')}"
    if _BIBCODE.fullmatch(reference):
        return f"https://ui.adsabs.harvard.edu/abs/{quote(reference, safe='')}"
    return ""


def _is_plain(reference: str) -> bool:
    """Return whether an address leads where it seems to: a name before an ``@``, or a backslash, hides the host."""
    try:
        parts = urlsplit(reference)
        return bool(parts.hostname) and "@" not in parts.netloc and "\\" not in reference and parts.port != 0
    except ValueError:
        return False
