"""A ledger in each of its stores, opened as often as a test likes."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest
from parts.django_fixtures import process_with
from parts.django_tom import ALIASES

from bridge.clock import CLOCK, Clock
from bridge.ledger.port import Ledger
from bridge.ledger.sqlite import SqliteLedger

STORES = ("file", "django-sqlite", "django-postgresql")


class Open(Protocol):
    """Opens one and the same ledger, as another process would."""

    def __call__(self, clock: Clock = CLOCK) -> Ledger: ...


@pytest.fixture(scope="module", params=STORES)
def store(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each store in turn; a TOM's database is there for all tests of a module."""
    if request.param == "file":
        yield request.param
        return
    vendor = request.param.removeprefix("django-")
    with process_with(request, vendor).tom(vendor):
        yield request.param


@pytest.fixture
def open_ledger(store: str, tmp_path: Path) -> Iterator[Open]:
    """Opens one and the same ledger, which is new."""
    opened: list[Ledger] = []

    def open_another(clock: Clock = CLOCK) -> Ledger:
        if store == "file":
            opened.append(SqliteLedger(tmp_path / "ledger.sqlite", clock=clock))
        else:
            from bridge.tomtoolkit.ledger.store import DjangoLedger

            opened.append(DjangoLedger(ALIASES[len(opened) % 2], clock=clock))
        return opened[-1]

    if store != "file":
        _empty()
    yield open_another
    for ledger in opened:
        ledger.close()


@pytest.fixture
def ledger(open_ledger: Open) -> Ledger:
    return open_ledger()


def _empty() -> None:
    """Take all out of the app's tables; ids begin anew."""
    from django.apps import apps
    from django.core.management.color import no_style
    from django.db import connection, transaction

    tables = [model._meta.db_table for model in apps.get_app_config("tom_bridge").get_models()]
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in connection.ops.sql_flush(no_style(), tables, reset_sequences=True):
            cursor.execute(statement)
    connection.close()
