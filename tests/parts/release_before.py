"""The release before the schemas 1.1: how it left a ledger that had met events of the new kinds.

:func:`recorded` is what it really left, kept as SQL; :func:`run` runs it again, where the clone has its commit.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

COMMIT = "d21d4a5ce7"
"""The last commit whose schemas were those of 1.0 alone."""
RECORD = Path(__file__).resolve().parents[1] / "data/parked_by_release_before.sql"
_CONSUME = """
import sys
from pathlib import Path
from bridge.codec.schemas import bundled
from bridge.operations.assemble import open_bridge
from bridge.settings import Settings
assert {(major, minor) for major, minor, _ in bundled()} == {(1, 0)}
settings = Settings.load(Path(sys.argv[1]))
with open_bridge(settings) as bridge:
    bridge.consumer().run(until_end=True)
"""


def in_clone() -> bool:
    """Return whether this clone has the release before: a shallow one, or an unpacked archive, has not."""
    if shutil.which("git") is None:
        return False
    asked = ["git", "cat-file", "-e", f"{COMMIT}^{{commit}}"]
    return subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, check=False).returncode == 0


def run(folder: Path, configuration: Path) -> None:
    """Let the release before consume to the end of its topics, with a configuration file."""
    root = Path(__file__).resolve().parents[2]
    packed = subprocess.run(
        ["git", "archive", COMMIT, "bridge", "schemas"], cwd=root, capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", _CONSUME, configuration], cwd=folder, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def recorded(ledger: Path, tom_identity: str) -> None:
    """Put the ledger that the release before left in place of ``ledger``, as that of the TOM ``tom_identity``."""
    ledger.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(ledger)) as database:
        database.executescript(RECORD.read_text())
        database.execute("UPDATE ledger SET tom_identity = ?", [tom_identity])
        database.execute("DELETE FROM position")  # in a topic that is no more
        database.commit()


def record(ledger: Path) -> None:
    """Keep a ledger as SQL: how :data:`RECORD` was made, once, after :func:`run`."""
    with closing(sqlite3.connect(ledger)) as database:
        pragmas = [
            f"PRAGMA {name} = {database.execute(f'PRAGMA {name}').fetchone()[0]};"
            for name in ("application_id", "user_version")
        ]
        RECORD.write_text("\n".join([*database.iterdump(), *pragmas]) + "\n")
