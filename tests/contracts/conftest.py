"""What the contracts of streams have in common, and those of TOMs over REST."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from parts.streams import Lab

from bridge.stream import Stream
from bridge.tom.rest.session import Request, RestSession


@pytest.fixture
def stream(lab: Lab) -> Iterator[Stream]:
    """Return a stream of the module's ``lab``."""
    with closing(lab.open()) as opened:
        yield opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """Return all that is asked of TOMs, as it comes."""
    requests: list[Request] = []
    ask = RestSession.request_each

    def noting(session: RestSession, wanted: Sequence[Request]) -> Any:
        requests.extend(wanted)
        return ask(session, wanted)

    monkeypatch.setattr(RestSession, "request_each", noting)
    return requests
