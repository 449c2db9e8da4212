"""``make demo`` keeps what it promises: it ends with 0 only where all of it was so."""

import subprocess
import sys
from pathlib import Path

import pytest
from parts.tom_fixtures import MakeTom

ROOT = Path(__file__).parents[2]


@pytest.mark.waits
@pytest.mark.tom
def test_the_demonstration_succeeds(make_tom: MakeTom) -> None:
    make_tom(3)  # fails or skips, as the other tests do, where no TOM Toolkit is
    told = subprocess.run(
        [sys.executable, "-m", "demo"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=280
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "All of it was so" in told.stdout
