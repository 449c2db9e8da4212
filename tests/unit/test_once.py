"""What is costly is made once, whoever needs it, and never half."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from parts.once import once


def test_whoever_needs_it_finds_what_the_first_has_made(tmp_path: Path) -> None:
    made = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "file").write_text("whole")

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: (once(tmp_path / "shared/it", make) / "file").read_text(), range(8)))
    assert (found, len(made)) == (["whole"] * 8, 1)


def test_what_failed_half_way_is_made_anew(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        once(tmp_path / "it", fail)
    assert list(once(tmp_path / "it", lambda folder: None).iterdir()) == []
