"""Numbers in free values, which databases give back otherwise than they took them."""

from decimal import Decimal

_IN_DIGITS = 10**16
"""From here on Python writes a float with an exponent."""


def as_taken(whole: int) -> int | float:
    """Return the float that was written, where ``whole`` is what PostgreSQL's JSON made of it; else ``whole``.

    It writes out what has an exponent: 1e+23 as a one with 23 noughts, which is not quite what this float is.
    """
    if abs(whole) < _IN_DIGITS:
        return whole
    try:
        near = float(whole)
    except OverflowError:
        return whole
    return near if int(Decimal(repr(near))) == whole else whole
