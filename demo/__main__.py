"""Runs the demonstration: ``python -m demo [--keep]``, from the repository's root."""

import argparse
import os
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
    for variable in [name for name in os.environ if name.startswith("TOM_BRIDGE_")]:
        del os.environ[variable]  # it would win over the settings of these TOMs
    (ROOT / "demo" / "work").mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=ROOT / "demo" / "work"))
    started = time.monotonic()
    played = False
    try:
        with World(folder) as world:
            story.play(world)
            played = True
            show.success(f"All of it was so, in {time.monotonic() - started:.0f} s.")
            if keep:
                show.addresses(world)
                signal.pause()
    except KeyboardInterrupt:
        show.say("Everything is ended.")
        shutil.rmtree(folder)
        return 0 if played else 130
    except (show.NotSoError, AssertionError) as error:  # what does not come true in time is an AssertionError
        show.failure(str(error), folder)
        return 1
    shutil.rmtree(folder)
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
