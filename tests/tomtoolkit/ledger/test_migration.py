"""The app's tables of the release before are migrated, and the ledger tells all that it told before."""

import itertools
import os
import time
from collections.abc import Callable
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.migrations.exceptions import IrreversibleError
from django.db.migrations.executor import MigrationExecutor
from parts import old_ledger
from parts.django_tom import InProcessTom
from parts.entries import Arrival, record
from parts.old_ledger_checks import check

from bridge.events import EventRef

BEFORE = ("tom_bridge", "0004_mail")
COUNT = int(os.environ.get("BRIDGE_TEST_ENTRIES", "10000"))
"""How many entries are migrated; a million takes some minutes."""
MOST_STEPS = 10_000
"""Of SQLite's machine, for each entry."""


@pytest.mark.timeout(300 + COUNT // 250)
def test_all_that_the_release_before_wrote_survives_the_migration(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    _go_back()
    old_ledger.fill_app(MigrationExecutor(connection).loader.project_state([BEFORE]).apps, COUNT)
    started, steps = time.monotonic(), _steps_of_sqlite()
    call_command("migrate", "tom_bridge", verbosity=0)
    print(f"{COUNT} entries migrated on {orm_tom.vendor} in {time.monotonic() - started:.1f} s")
    assert steps() < MOST_STEPS * COUNT, "what an entry takes grows with their number"
    ledger = DjangoLedger()
    check(ledger, COUNT)
    ledger.close()
    _check_written()
    _check_product_runs()


def test_nothing_of_a_ledger_is_lost_by_going_back(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit import models
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    record(DjangoLedger(), Arrival())
    with pytest.raises(IrreversibleError, match="backup of the TOM's database"):
        _go_back()
    assert models.Entry.objects.count() == 1
    models.Entry.objects.all().delete()
    _go_back()
    assert "tom_bridge_entry" in connection.introspection.table_names()
    call_command("migrate", "tom_bridge", verbosity=0)
    record(DjangoLedger(), Arrival())


def test_the_models_are_those_of_the_migrations(orm_tom: InProcessTom) -> None:
    call_command("makemigrations", "tom_bridge", "--check", "--dry-run", verbosity=0)


def _steps_of_sqlite() -> Callable[[], int]:
    """Count the steps of SQLite's machine (https://www.sqlite.org/opcode.html) from now on; else there are none."""
    counted = itertools.count()
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        connection.connection.set_progress_handler(lambda: next(counted) and 0, 1000)
    return lambda: next(counted) * 1000


def _go_back() -> None:
    call_command("migrate", *BEFORE, verbosity=0)


def _check_written() -> None:
    from bridge.tomtoolkit import models
    from bridge.tomtoolkit.rows.noted import Part, parts_of

    wanted: dict[tuple[int, int], UUID] = {}
    for key, event_id in old_ledger.written(COUNT):
        if wanted.get((key - 1, key - 1)) == event_id:
            del wanted[key - 1, key - 1]
            wanted[key - 1, key] = event_id
        else:
            wanted[key, key] = event_id
    found = {
        (run.first, run.last): parts_of(run)
        for run in models.Written.objects.filter(model=old_ledger.WRITTEN_MODEL, digests=b"")
    }
    assert found == {
        (first, last): [Part(last - first + 1, EventRef("north", event_id), None)]
        for (first, last), event_id in wanted.items()
    }


def _check_product_runs() -> None:
    from bridge.tomtoolkit import models

    assert {run.event_id: run.origin for run in models.ProductRun.objects.all()} == old_ledger.PRODUCT_RUNS
    assert all(run.notes == [] and run.file == "a" for run in models.ProductRun.objects.all())
