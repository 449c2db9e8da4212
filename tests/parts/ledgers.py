"""A ledger in each of its stores, opened as often as a test likes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from parts.django_tom import ALIASES

from bridge.clock import CLOCK, Clock
from bridge.ledger.port import Ledger
from bridge.ledger.sqlite import SqliteLedger

STORES = ("file", "django-sqlite", "django-postgresql")


class Open(Protocol):
    """Opens one and the same ledger, as another process would."""

    def __call__(self, clock: Clock = CLOCK) -> Ledger: ...


@pytest.fixture(params=STORES)
def open_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens one and the same ledger, as another process would."""
    opened: list[Ledger] = []

    def open_another(clock: Clock = CLOCK) -> Ledger:
        if request.param == "file":
            opened.append(SqliteLedger(tmp_path / "ledger.sqlite", clock=clock))
        else:
            from bridge.tomtoolkit.ledger.store import DjangoLedger

            opened.append(DjangoLedger(ALIASES[len(opened) % 2], clock=clock))
        return opened[-1]

    if request.param != "file":
        request.getfixturevalue("make_orm_tom")(request.param.removeprefix("django-"))
    yield open_another
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: Open) -> Ledger:
    return open_ledger()
