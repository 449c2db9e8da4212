"""The stage of the guarantees: Alpha TOM publishes, Beta TOM is a real one that has subscribed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parts.bridges import Publishing, Subscribed
from parts.places import Place
from parts.streams import unique
from parts.toms import Tom


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/stream.db"


@pytest.fixture
def alpha(url: str) -> Iterator[Publishing]:
    publishing = Publishing(url)
    yield publishing
    publishing.close()


@pytest.fixture
def beta(tom3: Tom, url: str, tmp_path: Path) -> Subscribed:
    return Subscribed(tom3, url, tmp_path / "beta", limits={"attempts": 2})


@pytest.fixture
def kafka_place(kafka_broker: str) -> Place:
    """A topic on the shared broker. Its consumer is a static member: one that was killed is replaced at once."""
    name = unique("beta")
    options = {"group.instance.id": name, "session.timeout.ms": 6000}
    return Place(f"kafka://{kafka_broker}", unique("tomtoolkit.test"), name, options)


@pytest.fixture(params=["sqlite", "kafka"])
def place(request: pytest.FixtureRequest, url: str) -> Place:
    """A topic on each stream in turn."""
    if request.param == "sqlite":
        return Place(url)
    found: Place = request.getfixturevalue("kafka_place")
    return found
