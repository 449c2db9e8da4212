"""The TOM's database: locked, gone, replaced, not migrated."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import InProcessTom
from parts.entries import PARTITION, Arrival

from bridge.errors import PositionLostError, StopError, TomAwayError
from bridge.ledger.port import Outcome, Position


@pytest.fixture
def ledger(orm_tom: InProcessTom) -> Any:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    return DjangoLedger()


@pytest.fixture
def sqlite_tom(make_orm_tom: MakeOrmTom) -> InProcessTom:
    return make_orm_tom("sqlite")


def impatient() -> None:
    from django.db import connections

    connections["default"].close()
    connections["default"].settings_dict["OPTIONS"] = {"timeout": 0.1}


def test_a_locked_database_is_waited_for(sqlite_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    ledger = DjangoLedger()
    impatient()
    with closing(sqlite3.connect(sqlite_tom.site.database)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TomAwayError, match="locked"), ledger.unit():
            pass
        other.execute("ROLLBACK")
    with ledger.unit() as unit:
        unit.record(Arrival().entry(Outcome.APPLIED))
    assert ledger.entry(PARTITION, 0) is not None


def test_a_unit_that_reads_before_it_writes_waits_for_another_writer(sqlite_tom: InProcessTom) -> None:
    """Without the write lock at its start SQLite refuses the write at once, whatever the time-out."""
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    ledger = DjangoLedger()
    impatient()
    with closing(sqlite3.connect(sqlite_tom.site.database, timeout=0.1)) as other, ledger.unit() as unit:
        assert ledger.positions() == {}
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        unit.move(PARTITION, "first", None, 1)
    assert ledger.positions() == {PARTITION: Position("first", 1)}


def test_a_transaction_of_the_toms_own_stays_as_the_tom_wants_it(sqlite_tom: InProcessTom) -> None:
    from django.db import connection

    from bridge.tomtoolkit.ledger.store import DjangoLedger

    with DjangoLedger().unit():
        pass
    assert connection.transaction_mode is None


def test_a_database_that_has_gone_is_waited_for(sqlite_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    ledger = DjangoLedger()
    away = sqlite_tom.site.database.with_name("away")
    sqlite_tom.site.database.rename(away)
    with pytest.raises(TomAwayError, match="gone"):
        ledger.positions()
    assert not sqlite_tom.site.database.exists()
    away.rename(sqlite_tom.site.database)
    assert ledger.positions() == {}


def test_a_server_that_ends_the_connection_is_connected_to_again(make_orm_tom: MakeOrmTom) -> None:
    make_orm_tom("postgresql")
    from django.db import connections

    from bridge.tomtoolkit.ledger.store import DjangoLedger

    ledger = DjangoLedger()

    def end() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (process,) = cursor.fetchone()
        with connections["second"].cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [process])

    end()
    with pytest.raises(TomAwayError):
        ledger.positions()
    assert ledger.positions() == {}

    def write() -> None:
        with ledger.unit() as unit:
            unit.record(Arrival().entry(Outcome.APPLIED))
            end()
            unit.move(PARTITION, "first", None, 1)

    with pytest.raises(TomAwayError):
        write()
    assert ledger.positions() == {}
    assert ledger.counts() == []


def test_a_backup_that_is_put_back_is_used_at_once(sqlite_tom: InProcessTom, tmp_path: Path) -> None:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    ledger = DjangoLedger()
    ledger.set_position(PARTITION, Position("first", 1))
    backup = tmp_path / "backup.sqlite3"
    shutil.copyfile(sqlite_tom.site.database, backup)
    ledger.set_position(PARTITION, Position("first", 9))
    shutil.copyfile(backup, tmp_path / "put back")
    (tmp_path / "put back").replace(sqlite_tom.site.database)
    with pytest.raises(PositionLostError), ledger.unit() as unit:
        unit.move(PARTITION, "first", 9, 10)
    assert ledger.positions() == {PARTITION: Position("first", 1)}


def test_a_database_that_is_not_migrated_is_told_in_one_line(ledger: Any) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE tom_bridge_position")
    with pytest.raises(StopError, match=r"lacks a table.*Run: python manage\.py migrate"):
        ledger.positions()


def test_a_unit_within_a_transaction_of_the_caller_is_undone_with_it(ledger: Any) -> None:
    from django.db import transaction

    @transaction.atomic
    def write() -> None:
        with ledger.unit() as unit:
            unit.move(PARTITION, "first", None, 1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert ledger.positions() == {}
