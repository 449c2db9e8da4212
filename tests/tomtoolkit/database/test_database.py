"""The TOM's database: locked, gone, replaced, not migrated."""

import select
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import InProcessTom
from parts.entries import PARTITION, Arrival
from parts.wait import wait_until

from bridge.errors import IdentityError, PositionLostError, StopError, TomAwayError
from bridge.ledger.port import Filter, Outcome, Position


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
    assert [entry.outcome for entry in ledger.entries(Filter())] == [Outcome.APPLIED]


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


@pytest.mark.parametrize(("change", "told"), [("delete", "none any more"), ("replace", "of installation 0000")])
def test_a_ledger_that_was_emptied_or_replaced_by_another_is_not_taken_for_ones_own(
    ledger: Any, change: str, told: str
) -> None:
    from bridge.tomtoolkit.models import Installation

    row = Installation.objects.all()
    row.delete() if change == "delete" else row.update(installation=UUID(int=1))
    for ask in (ledger.positions, ledger.kept_bytes):
        with pytest.raises(IdentityError, match=rf"{told}.*identity accept {ledger.installation}"):
            ask()


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


# -- PostgreSQL: locked, read-only, closed -----------------------------------------------------------------------------


@pytest.fixture
def postgresql_tom(make_orm_tom: MakeOrmTom, monkeypatch: pytest.MonkeyPatch) -> InProcessTom:
    from bridge.tomtoolkit.database import transactions

    monkeypatch.setattr(transactions, "LONGEST_LOCK_S", 1)
    return make_orm_tom("postgresql")


def server(statement: str) -> None:
    """Let an administrator of the server do something."""
    from django.db import connections

    with connections["second"].cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def locked(table: str) -> Iterator[None]:
    """Lock a table elsewhere for a block, as a migration or a dump does."""
    server("BEGIN")
    server(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
    yield
    server("COMMIT")


def read() -> None:
    from tom_targets.models import BaseTarget

    from bridge.tomtoolkit.database import translating

    with translating():
        BaseTarget.objects.exists()


def read_in_chunks() -> None:
    from tom_targets.models import BaseTarget

    from bridge.tomtoolkit.database import translating

    with translating():
        list(BaseTarget.objects.iterator())


def write() -> None:
    from tom_targets.models import BaseTarget

    from bridge.tomtoolkit.database import writing

    with writing():
        BaseTarget.objects.update(name="x")


def write_without_a_transaction() -> None:
    from tom_targets.models import BaseTarget

    from bridge.tomtoolkit.database import translating

    with translating():
        BaseTarget.objects.update(name="x")


def write_after_a_savepoint() -> None:
    from bridge.tomtoolkit.database import writing

    with writing(), writing():
        pass
    with writing():
        read()
        write()


USES = (read, read_in_chunks, write, write_without_a_transaction, write_after_a_savepoint)


@pytest.mark.parametrize("use", USES)
def test_a_lock_held_elsewhere_is_said_after_some_seconds(
    postgresql_tom: InProcessTom, use: Callable[[], None]
) -> None:
    postgresql_tom.make_target("A")
    with locked("tom_targets_basetarget"), pytest.raises(TomAwayError, match=r"lock timeout.*pg_locks"):
        use()
    use()


def test_the_tom_waits_for_locks_as_it_did_before(postgresql_tom: InProcessTom) -> None:
    """Not a setting of the session, which would stay, and go to others by a pooler."""
    from django.db import connection

    for use in USES:
        use()
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)


def test_a_server_that_takes_no_writes_is_waited_for(postgresql_tom: InProcessTom) -> None:
    from django.db import connections

    postgresql_tom.make_target("A")
    name = connections["default"].settings_dict["NAME"]
    server(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    connections["default"].close()
    read()
    for use in (write, write_without_a_transaction, write_after_a_savepoint):
        with pytest.raises(TomAwayError, match=r"read-only.*failover"):
            use()
    server(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    write()


def test_a_server_that_ends_what_idles_is_waited_for(postgresql_tom: InProcessTom) -> None:
    from django.db import connection

    from bridge.tomtoolkit.database import writing

    def idle() -> None:
        with writing():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 1")
            wait_until(lambda: _is_ended(connection), what="its end")
            read()

    with pytest.raises(TomAwayError):
        idle()
    read()


def _is_ended(connection: Any) -> bool:
    """Return whether the server has closed the connection; asks it nothing."""
    readable, _, _ = select.select([connection.connection.pgconn.socket], [], [], 0)
    return bool(readable)


def test_an_account_that_the_server_refuses_is_a_matter_for_a_person(postgresql_tom: InProcessTom) -> None:
    from django.db import connection
    from tom_targets.models import Target

    from bridge.tomtoolkit.database import translating

    server("DROP ROLE IF EXISTS stranger")
    server("CREATE ROLE stranger")
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE stranger")
    with pytest.raises(StopError, match=r"permission denied.*grant"), translating():
        Target.objects.count()
    connection.close()
    server("DROP ROLE stranger")


# -- SQLite: not writable ----------------------------------------------------------------------------------------------


def test_a_file_that_may_not_be_written_is_waited_for_with_what_to_do(sqlite_tom: InProcessTom) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = f"file:{sqlite_tom.site.database}?mode=ro"
    connection.settings_dict["OPTIONS"] = {"uri": True}
    from bridge.tomtoolkit.database.errors import meaning

    def attempt() -> Any:
        from django.db import DatabaseError
        from tom_targets.models import BaseTarget

        try:
            BaseTarget.objects.update(name="x")
        except DatabaseError as error:
            return meaning(error, "default")
        return None

    found = attempt()
    assert isinstance(found, TomAwayError)
    assert "write the file" in found.mend
