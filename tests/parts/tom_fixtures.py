"""Fixtures that run real TOMs: servers for the session, a pristine database for each test.

``tom3`` and ``tom2`` are TOMs of TOM Toolkit 3.x and 2.x, ``any_tom`` is both in turn, ``make_tom`` starts further
ones (a second TOM, or other settings), kept for the session by version, name and settings.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from parts.tom_site import Pristine, Toolkit, ToolkitMissingError
from parts.toms import Tom

MakeTom = Callable[..., Tom]


class _Toms:
    """All TOMs of a test session."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._pristine: dict[int, Pristine] = {}
        self._running: dict[str, Tom] = {}

    def get(self, major: int, name: str, settings: dict[str, Any]) -> Tom:
        key = f"{major} {name} {sorted(settings.items())!r}"
        if key not in self._running:
            if major not in self._pristine:
                self._pristine[major] = Pristine.made(_toolkit(major), self._folder / f"toolkit{major}")
            folder = self._folder / f"tom{len(self._running)}"
            self._running[key] = Tom(self._pristine[major], folder, settings=settings).start()
        tom = self._running[key]
        tom.reset()
        return tom

    def stop(self) -> None:
        for tom in self._running.values():
            tom.stop()


def _toolkit(major: int) -> Toolkit:
    try:
        return Toolkit.wanted(major)
    except ToolkitMissingError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"in CI these tests are not skipped: {missing}")
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def toms_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Toms]:
    toms = _Toms(tmp_path_factory.mktemp("toms"))
    yield toms
    toms.stop()


@pytest.fixture
def make_tom(toms_of_session: _Toms) -> MakeTom:
    """Return ``make(major=3, name="", **settings)``: a running TOM with a pristine database."""

    def make(major: int = 3, name: str = "", **settings: Any) -> Tom:
        return toms_of_session.get(major, name, settings)

    return make


@pytest.fixture
def tom3(make_tom: MakeTom) -> Tom:
    """A TOM of TOM Toolkit 3.x."""
    return make_tom(3)


@pytest.fixture
def tom2(make_tom: MakeTom) -> Tom:
    """A TOM of TOM Toolkit 2.x."""
    return make_tom(2)


@pytest.fixture(params=[3, 2], ids=["toolkit3", "toolkit2"])
def any_tom(request: pytest.FixtureRequest, make_tom: MakeTom) -> Tom:
    """A TOM of each major version in turn."""
    return make_tom(request.param)
