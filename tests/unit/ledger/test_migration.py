"""A ledger file of the release before is migrated, and tells all that it told before."""

import os
import time
from contextlib import closing
from pathlib import Path

import pytest
from parts import old_ledger
from parts.old_ledger_checks import check

from bridge.ledger.sqlite import SqliteLedger
from bridge.ledger.sqlite_schema import open_file
from bridge.ledger.sqlite_tables import STEPS

COUNT = int(os.environ.get("BRIDGE_TEST_ENTRIES", "10000"))
"""How many entries are migrated; a million takes some minutes."""


@pytest.mark.timeout(300 + COUNT // 500)
def test_all_that_the_release_before_wrote_survives_the_migration(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    old_ledger.fill_file(path, COUNT)
    started = time.monotonic()
    with closing(SqliteLedger(path)) as ledger:
        took_s, size_mb = time.monotonic() - started, path.stat().st_size / 1e6
        print(f"{COUNT} entries migrated in {took_s:.1f} s, {size_mb:.0f} MB afterwards")
        check(ledger, COUNT)


def test_the_copy_from_before_the_migration_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    old_ledger.fill_file(path, 1000)
    SqliteLedger(path).close()
    copy = path.with_name("ledger.sqlite.v1.bak")
    with closing(open_file(copy, 1.0, STEPS[:1])) as file:
        told = {
            table: file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("entry", "parked", "raw")
        }
    assert told == {"entry": 1000 + old_ledger.AGAIN_RECORDS * 3 // 2, "parked": 70, "raw": 80}


def test_a_ledger_of_another_kind_of_event_id_or_reason_costs_no_migration(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    old_ledger.fill_file(path, 100)
    with closing(open_file(path, 1.0, STEPS[:1])) as file:
        file.execute("UPDATE entry SET detail = '{\"value\": NaN}' WHERE outcome = 'applied'")
        file.execute("UPDATE entry SET reason = NULL WHERE outcome = 'dead'")
    with closing(SqliteLedger(path)) as ledger:
        assert [dead.reason for dead in ledger.dead()] == ["internal error"] * 2
