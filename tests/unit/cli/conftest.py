"""The command line, run in this process in a folder of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from parts.command_line import Command, Ended

from bridge.cli.main import run


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The command line sets up the logs of the whole process."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def tom_bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return ``tom-bridge`` in a folder that has no configuration yet."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOM_BRIDGE_CONFIG", raising=False)

    def call(*arguments: str) -> Ended:
        code = run(arguments)
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    return call
