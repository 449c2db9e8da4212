"""For how long to wait before what failed is tried again."""

import random


def growing_s(first_s: float, failures: int, longest_s: float) -> float:
    """Return ``first_s`` after the first failure, twice as long after each further one, ``longest_s`` at most."""
    return min(longest_s, first_s * 2.0 ** min(failures - 1, 16))


def jittered_s(wait_s: float) -> float:
    """Return between half and all of ``wait_s``, so that those who failed together do not come back together."""
    return random.uniform(wait_s / 2, wait_s)  # noqa: S311 (no secret)
