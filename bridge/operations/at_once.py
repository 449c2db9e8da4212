"""Several who may not answer, asked at the same time: all of them together take as long as the slowest."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def at_once(asks: Sequence[Callable[[], T]]) -> list[T]:
    """Return what each returns, in order; each is called in a thread of its own and has to end by itself.

    Raises what the first of them raises, when all have ended.
    """
    with ThreadPoolExecutor(max_workers=max(len(asks), 1)) as pool:
        waiting = [pool.submit(ask) for ask in asks]
    return [one.result() for one in waiting]
