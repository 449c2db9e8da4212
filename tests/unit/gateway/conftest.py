"""A gateway in this process, on a stream in a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parts.gateway_service import with_topics
from parts.gateways import Asked, asked_gateway


@pytest.fixture
def url(tmp_path: Path) -> str:
    return with_topics(f"sqlite:///{tmp_path}/stream.db")


@pytest.fixture
def gateway(tmp_path: Path, url: str) -> Iterator[Asked]:
    with asked_gateway(tmp_path, url) as asked:
        yield asked
