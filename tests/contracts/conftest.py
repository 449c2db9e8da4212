"""What the contracts of streams have in common."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from parts.streams import Lab

from bridge.stream import Stream


@pytest.fixture
def stream(lab: Lab) -> Iterator[Stream]:
    """Return a stream of the module's ``lab``."""
    with closing(lab.open()) as opened:
        yield opened
