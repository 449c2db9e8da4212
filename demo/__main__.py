"""Runs the demonstration: ``python -m demo [--keep]``, from the repository's root."""

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # real TOMs are built by the same code for the tests

from demo import show, story  # noqa: E402
from demo.world import World  # noqa: E402


def main() -> int:
    """Play the story; return 0 where all of it was so."""
    parser = argparse.ArgumentParser(prog="python -m demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the TOMs up until Ctrl-C")
    keep = parser.parse_args().keep
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background job starts with it ignored
        signal.signal(number, _interrupt)
    (ROOT / "demo" / "work").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=ROOT / "demo" / "work"))
    started = time.monotonic()
    with World(folder) as world:
        try:
            story.play(world)
        except KeyboardInterrupt:
            show.say("Interrupted; everything is being ended.")
            return 130
        except show.NotSoError as error:
            show.failure(str(error), folder)
            return 1
        show.success(f"All of it was so, in {time.monotonic() - started:.0f} s.")
        if keep:
            show.addresses(world)
            _wait_for_interrupt()
    shutil.rmtree(folder)
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _wait_for_interrupt() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    sys.exit(main())
