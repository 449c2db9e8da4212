"""Fixtures that run real TOMs: servers for the session, a pristine database for each test.

``tom3``, ``tom30`` and ``tom2`` are TOMs of TOM Toolkit 3.1, 3.0 and 2.x, ``any_tom`` is the first and the last in
turn, ``make_tom`` starts further ones (a second TOM, or other settings), kept for the session by release, name and
settings.
"""

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from parts.once import once
from parts.tom_site import Pristine, Toolkit, ToolkitMissingError
from parts.toms import Tom

MakeTom = Callable[..., Tom]


class _Toms:
    """All TOMs of a test session."""

    def __init__(self, folder: Path, shared: Path) -> None:
        self._folder = folder
        self._shared = shared
        self._pristine: dict[int | str, Pristine] = {}
        self._running: dict[str, Tom] = {}

    def get(self, release: int | str, name: str, settings: dict[str, Any]) -> Tom:
        key = f"{release} {name} {sorted(settings.items())!r}"
        if key not in self._running:
            if release not in self._pristine:
                toolkit = _toolkit(release)
                self._pristine[release] = pristine(toolkit, self._shared)
            folder = self._folder / f"tom{len(self._running)}"
            self._running[key] = Tom(self._pristine[release], folder, settings=settings).start()
        tom = self._running[key]
        tom.reset()
        return tom

    def stop(self) -> None:
        for tom in self._running.values():
            tom.stop()


def pristine(toolkit: Toolkit, shared: Path) -> Pristine:
    """Return the database of a TOM without the app, which is made once in the folder ``shared``."""
    name = "toolkit" + "-".join(map(str, toolkit.version))
    return Pristine.found(toolkit, once(shared / name, partial(Pristine.made, toolkit)))


def _toolkit(release: int | str) -> Toolkit:
    try:
        return Toolkit.wanted(release)
    except ToolkitMissingError as missing:
        if os.environ.get("CI") == "true":
            pytest.fail(f"in CI these tests are not skipped: {missing}")
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this session of pytest have in common: see :func:`parts.once.once`."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "shared"


@pytest.fixture(scope="session")
def toms_of_session(tmp_path_factory: pytest.TempPathFactory, shared_folder: Path) -> Iterator[_Toms]:
    toms = _Toms(tmp_path_factory.mktemp("toms"), shared_folder)
    yield toms
    toms.stop()


@pytest.fixture
def make_tom(toms_of_session: _Toms) -> MakeTom:
    """Return ``make(release=3, name="", **settings)``: a running TOM with a pristine database."""

    def make(release: int | str = 3, name: str = "", **settings: Any) -> Tom:
        return toms_of_session.get(release, name, settings)

    return make


@pytest.fixture
def tom3(make_tom: MakeTom) -> Tom:
    """A TOM of TOM Toolkit 3.x."""
    return make_tom(3)


@pytest.fixture
def tom30(make_tom: MakeTom) -> Tom:
    """A TOM of TOM Toolkit 3.0."""
    return make_tom("3.0")


@pytest.fixture
def tom2(make_tom: MakeTom) -> Tom:
    """A TOM of TOM Toolkit 2.x."""
    return make_tom(2)


@pytest.fixture(params=[3, 2], ids=["toolkit3", "toolkit2"])
def any_tom(request: pytest.FixtureRequest, make_tom: MakeTom) -> Tom:
    """A TOM of each major version in turn."""
    return make_tom(request.param)
