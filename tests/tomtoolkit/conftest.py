"""The stage: Alpha TOM publishes, Beta TOM is the one of this process, with the app, on each database in turn."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.hermes import TOPIC as HERMES
from parts.tom_site import GROUP

from bridge.tom.port import Provenance


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/stream.db"


@pytest.fixture
def alpha(url: str) -> Iterator[Publishing]:
    publishing = Publishing(url)
    yield publishing
    publishing.close()


@pytest.fixture
def hermes(url: str) -> Iterator[Publishing]:
    """What writes on a topic of Hermes."""
    publishing = Publishing(url, topic=HERMES)
    yield publishing
    publishing.close()


@pytest.fixture
def beta(orm_tom: InProcessTom, url: str, tmp_path: Path) -> SubscribedInProcess:
    return SubscribedInProcess(orm_tom, url, tmp_path)


@pytest.fixture
def tom(orm_tom: InProcessTom) -> Any:
    """The port onto the TOM of this process; Observers see what comes."""
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    return DjangoTom(DjangoLedger(), {"": (GROUP,)})


@pytest.fixture
def provenance() -> Provenance:
    from bridge.events import EventRef, uuid7

    return Provenance(event=EventRef("another-tom", uuid7()), origin_name="Alpha TOM", shared_by="ada")
