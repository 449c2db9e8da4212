"""Products that were on their way when the bridge was upgraded: their rows are taken over."""

from typing import Any

import pytest
from parts.django_tom import InProcessTom

from bridge.events import uuid7


def migrate(*names: tuple[str, str]) -> None:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    executor.migrate(list(names) or [node for node in executor.loader.graph.leaf_nodes() if node[0] == "tom_bridge"])


def test_a_run_of_a_release_before_is_taken_over_and_undone_at_the_start(orm_tom: InProcessTom) -> None:
    from django.db import connection
    from django.db.migrations.exceptions import IrreversibleError

    from bridge.tomtoolkit import models
    from bridge.tomtoolkit.ledger.store import DjangoLedger
    from bridge.tomtoolkit.receiving.tom import DjangoTom

    event: Any = uuid7()
    migrate(("tom_bridge", "0004_mail"))
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tom_bridge_productrun (event_id, product_id, file, product, done) "
            "VALUES (%s, 'p', 'f', NULL, %s)",
            [event.hex if orm_tom.vendor == "sqlite" else event, False],
        )
    migrate()
    (run,) = models.ProductRun.objects.all()
    assert (run.origin, run.event_id, run.product_id, run.file, run.notes) == ("", event, "p", "f", [])
    with pytest.raises(IrreversibleError, match="what came since would be lost"):
        migrate(("tom_bridge", "0004_mail"))
    migrate()
    assert DjangoTom(DjangoLedger(), {}).sweep() == 1
    assert models.ProductRun.objects.count() == 0
