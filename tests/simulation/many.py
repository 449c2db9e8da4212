"""Many histories, in blocks of seeds, in one process or several."""

import gc
import multiprocessing
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache

from simulation.histories import history
from simulation.shrinking import failure_of

BLOCK = 100
"""Seeds that one process plays at a time."""


@dataclass(frozen=True)
class Block:
    """What became of the histories of some seeds."""

    seeds: range
    failed: dict[int, str]
    """How, by seed."""
    cpu_s: float


def play_block(seeds: range) -> Block:
    """Play the histories of these seeds."""
    _collect_rarely()
    began = time.process_time()
    failed = {}
    for seed in seeds:
        steps, over_rest = history(seed)
        error = failure_of(steps, over_rest=over_rest)
        if error is not None:
            failed[seed] = error.what
    return Block(seeds, failed, time.process_time() - began)


@cache
def _collect_rarely() -> None:
    """Let Python look for garbage seldom, and not among what was imported: a tenth of the time went there."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def play_all(seeds: range, processes: int, block: int = BLOCK) -> Iterator[Block]:
    """Play the histories of these seeds; give what became of them block by block, in their order."""
    blocks = [seeds[first : first + block] for first in range(0, len(seeds), block)]
    if processes == 1:
        yield from map(play_block, blocks)
        return
    # Spawned, not forked: a fork of a process with threads, as that of a test is, may hang or take it along.
    with ProcessPoolExecutor(min(processes, len(blocks) or 1), multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(play_block, blocks)
