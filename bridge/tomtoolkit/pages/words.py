"""What people call the kinds of data."""

from bridge.events import Kind
from bridge.publishing.packing import MESSAGE

_NAMES = {Kind.REDUCED_DATUM: "other data", Kind.DATA_PRODUCT: "data product", Kind.LIST: "target list"}
_THINGS = {
    Kind.TARGET: ("target", "targets"),
    Kind.DATA_PRODUCT: ("data product", "data products"),
    Kind.SPECTROSCOPY: ("spectrum", "spectra"),
    Kind.REDUCED_DATUM: ("datum", "data"),
    MESSAGE: ("datum", "data"),
}


def name(kind: str) -> str:
    """Return what a kind is called; one of a later release by its own word."""
    return next((told for known, told in _NAMES.items() if kind == known), kind)


def counted(kind: str, number: int) -> str:
    """Return a number of data of a kind: "3 points", "1 spectrum"; of a list, the number of its members."""
    if kind == Kind.LIST:
        return f"a list of {counted(Kind.TARGET, number)}"
    one, many = next((words for known, words in _THINGS.items() if kind == known), ("point", "points"))
    return f"{number:,} {one if number == 1 else many}"
