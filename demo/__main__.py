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

from parts.tom_site import ADMIN_PASSWORD  # noqa: E402

from demo import show, story  # noqa: E402
from demo.world import World  # noqa: E402


def addresses(world: World) -> None:
    """Print where the TOMs are and how to log in."""
    rows = [(bridge.name, bridge.tom.base_url, "admin", ADMIN_PASSWORD) for bridge in world.bridges]
    rows.insert(1, (world.north.name, world.north.tom.base_url, show.ASTRONOMER, show.ASTRONOMERS_PASSWORD))
    show.table("The TOMs stay up until Ctrl-C", ("TOM", "address", "user", "password"), rows)
    for bridge in (world.north, world.east):
        show.say(f"The bridge's page in the {bridge.name}:  {bridge.tom.base_url}/bridge/")
    show.say(f"Share more from the {world.north.name}:  log in as {show.ASTRONOMER}, open a target, press Share")
    program, configuration = (os.path.relpath(path) for path in (show.PROGRAM, world.south.configuration))
    show.say(f"What became of it at {world.south.place}:  {program} --config {configuration} shares")


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
                addresses(world)
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
