"""The file of the SQLite ledger: made, migrated, refused, restored, shared by processes, and killed."""

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from parts.entries import PARTITION, TOPIC_ID, Arrival
from parts.full_disk import full_disk
from parts.wait import wait_until

from bridge.errors import (
    ConfigurationError,
    IdentityError,
    LedgerAwayError,
    NewerFileError,
    PositionLostError,
    StopError,
)
from bridge.events import EventRef
from bridge.ledger.port import Filter, Outcome, Position
from bridge.ledger.sqlite import SqliteLedger
from bridge.ledger.sqlite_schema import STEPS, open_file

NEXT_STEP = ("ALTER TABLE list ADD COLUMN colour TEXT NOT NULL DEFAULT 'green'",)
"""What a next release might do to the file of this one."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def write(ledger: SqliteLedger, offset: int) -> None:
    with ledger.unit() as unit:
        unit.record(Arrival(offset=offset).entry(Outcome.APPLIED))
        unit.move(PARTITION, TOPIC_ID, offset or None, offset + 1)


def count(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


# -- made ------------------------------------------------------------------------------------------------------------


def test_a_ledger_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "state" / "north" / "ledger.sqlite"
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.installation.version == 4
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(STEPS),)


def test_every_commit_is_synced_to_the_disk(path: Path) -> None:
    with closing(open_file(path, 1.0)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert connection.execute("PRAGMA foreign_keys").fetchone()[0] == 1


def test_two_installations_differ(tmp_path: Path) -> None:
    with closing(SqliteLedger(tmp_path / "one")) as one, closing(SqliteLedger(tmp_path / "other")) as other:
        assert one.installation != other.installation


def test_a_path_that_can_not_be_written_is_told_with_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigurationError, match=r"^ledger: .*file/ledger\.sqlite.*Name a file") as told:
        SqliteLedger(tmp_path / "file" / "ledger.sqlite")
    assert told.value.where == "ledger"
    with pytest.raises(ConfigurationError, match=r"^ledger: .*unable to open"):
        SqliteLedger(tmp_path)


def test_a_file_that_is_no_database_is_left_alone(path: Path) -> None:
    path.write_text("a precious table of mine, which is longer than the header of a database" * 20)
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="not a database"):
        SqliteLedger(path)
    assert path.read_bytes() == before


def test_a_database_of_something_else_is_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE tom_targets_basetarget (id INTEGER)")
    with pytest.raises(ConfigurationError, match="database of something else"):
        SqliteLedger(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("tom_targets_basetarget",)]


# -- versions --------------------------------------------------------------------------------------------------------


def test_an_older_file_is_copied_and_then_migrated(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        write(ledger, 0)
        ledger.bind("tom")
        installation = ledger.installation
        with ledger.unit() as unit:
            unit.remember_list("north", "Supernovae", "17")
        version = len(STEPS)  # the copy is made while another connection still has content in the write-ahead log
        open_file(path, 1.0, (*STEPS, NEXT_STEP)).close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT handle, colour FROM list").fetchall() == [("17", "green")]
        assert connection.execute("PRAGMA user_version").fetchone() == (version + 1,)
    with closing(SqliteLedger(path.with_name(f"ledger.sqlite.v{version}.bak"))) as copy:
        assert copy.installation == installation
        assert copy.positions() == {PARTITION: Position(TOPIC_ID, 1)}
        assert copy.list_handle("north", "Supernovae") == "17"


def test_a_migration_that_fails_leaves_the_file_as_it_was(path: Path) -> None:
    SqliteLedger(path).close()
    with pytest.raises(ConfigurationError, match="no such table"):
        open_file(path, 1.0, (*STEPS, (*NEXT_STEP, "DROP TABLE not_there")))
    with closing(SqliteLedger(path)) as ledger:
        write(ledger, 0)
    with closing(sqlite3.connect(path)) as connection, pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT colour FROM list")


def test_a_newer_file_is_refused_in_one_line_and_left_alone(path: Path) -> None:
    open_file(path, 1.0, (*STEPS, NEXT_STEP)).close()
    before = path.read_bytes()
    with pytest.raises(NewerFileError) as told:
        SqliteLedger(path)
    assert "\n" not in str(told.value)
    assert str(path) in str(told.value)
    assert "Upgrade" in str(told.value)
    assert path.read_bytes() == before


def test_who_has_the_file_open_while_a_newer_release_migrates_it_writes_no_more(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        write(ledger, 0)
        open_file(path, 1.0, (*STEPS, NEXT_STEP)).close()
        with pytest.raises(NewerFileError):
            write(ledger, 1)
    assert count(path, "event") == 1


# -- locked, lost, restored ------------------------------------------------------------------------------------------


def test_a_locked_ledger_is_away_and_comes_back(path: Path) -> None:
    with closing(SqliteLedger(path, busy_timeout_s=0.05)) as ledger, closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(LedgerAwayError, match="locked"):
            write(ledger, 0)
        with pytest.raises(LedgerAwayError, match="locked"):
            SqliteLedger(path, busy_timeout_s=0.05)
        assert ledger.positions() == {}
        other.rollback()
        write(ledger, 0)
        assert ledger.positions() == {PARTITION: Position(TOPIC_ID, 1)}


def test_a_disk_that_takes_no_more_is_away_also_when_a_ledger_is_opened(path: Path) -> None:
    with full_disk(4096), pytest.raises(LedgerAwayError, match="disk"):
        SqliteLedger(path)
    SqliteLedger(path).close()


def test_a_ledger_that_lacks_a_table_needs_a_person(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        with closing(sqlite3.connect(path)) as other:
            other.execute("DROP TABLE event")
        with pytest.raises(StopError, match=r"damaged \(no such table: event\)\. Put back a backup"):
            write(ledger, 0)


def test_a_ledger_whose_file_has_gone_is_away_until_it_is_put_back(path: Path, tmp_path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        write(ledger, 0)
        path.rename(tmp_path / "elsewhere")
        with pytest.raises(LedgerAwayError, match="gone"):
            ledger.positions()
        with pytest.raises(LedgerAwayError, match="gone"):
            write(ledger, 1)
        assert not path.exists()
        (tmp_path / "elsewhere").rename(path)
        write(ledger, 1)
        assert ledger.positions() == {PARTITION: Position(TOPIC_ID, 2)}


def backed_up(path: Path, copy: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM INTO ?", (str(copy),))


def put_back(copy: Path, path: Path) -> None:
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    copy.rename(path)


def test_a_backup_that_is_put_back_while_a_process_runs_is_used_at_once(path: Path, tmp_path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.bind("tom")
        write(ledger, 0)
        backed_up(path, tmp_path / "backup")
        write(ledger, 1)
        put_back(tmp_path / "backup", path)
        with pytest.raises(PositionLostError):
            write(ledger, 2)
        assert ledger.positions() == {PARTITION: Position(TOPIC_ID, 1)}
        write(ledger, 1)
    assert count(path, "event") == 2


def test_the_ledger_of_another_installation_is_not_taken_for_a_backup(path: Path, tmp_path: Path) -> None:
    SqliteLedger(tmp_path / "other").close()
    with closing(SqliteLedger(path)) as ledger:
        put_back(tmp_path / "other", path)
        for _ in range(2):
            with pytest.raises(IdentityError, match=str(ledger.installation)):
                ledger.positions()


def test_a_damaged_ledger_needs_a_person(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        for offset in range(200):
            write(ledger, offset)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    with closing(SqliteLedger(path)) as ledger:
        with path.open("r+b") as file:
            file.write(content)
        with closing(sqlite3.connect(path)) as other, pytest.raises(sqlite3.DatabaseError):
            other.execute("SELECT * FROM event").fetchall()
        with pytest.raises(StopError, match=r"damaged.*backup"):
            ledger.counts()


# -- processes -------------------------------------------------------------------------------------------------------


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environment, stdout=subprocess.PIPE, stderr=None, text=True
    )


OPEN = (
    "import sys; from pathlib import Path; from bridge.ledger.sqlite import SqliteLedger as L;"
    " l = L(Path(sys.argv[1]));"
)


def test_processes_that_make_the_same_ledger_at_once_agree_on_it(path: Path) -> None:
    started = [python(f"{OPEN} print(l.installation)", str(path)) for _ in range(3)]
    told = {process.communicate(timeout=60)[0].strip() for process in started}
    assert [process.returncode for process in started] == [0, 0, 0]
    with closing(SqliteLedger(path)) as ledger:
        assert told == {str(ledger.installation)}


def test_two_processes_write_and_nothing_is_lost(path: Path) -> None:
    code = f"""{OPEN}
from parts.entries import Arrival
from bridge.stream.port import Partition
from bridge.ledger.port import Outcome
partition = Partition("supernovae.public", int(sys.argv[2]))
for offset in range(100):
    with l.unit() as unit:
        unit.record(Arrival(partition=partition, offset=offset).entry(Outcome.APPLIED))
        unit.move(partition, "first", offset or None, offset + 1)
"""
    for process in [python(code, str(path), number) for number in ("0", "1")]:
        process.communicate(timeout=60)
        assert process.returncode == 0
    with closing(SqliteLedger(path)) as ledger:
        assert sorted(position.next for position in ledger.positions().values()) == [100, 100]
        assert [found.events for found in ledger.counts()] == [200]


@pytest.mark.parametrize("statement", ["INSERT INTO event", "INSERT OR IGNORE INTO position", "COMMIT"])
def test_a_process_killed_within_a_unit_leaves_nothing_of_it(path: Path, statement: str) -> None:
    with closing(SqliteLedger(path)) as ledger:
        ledger.intents.begin(Arrival().ref, ["target"])
    code = f"""{OPEN}
import os, signal
from parts.entries import Arrival, PARTITION
from bridge.ledger.port import Outcome
def killed(statement):
    if statement.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
l._connection.set_trace_callback(killed)
with l.unit() as unit:
    unit.record(Arrival().entry(Outcome.APPLIED))
    unit.move(PARTITION, "first", None, 1)
print("committed")
"""
    process = python(code, str(path), statement)
    assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == -signal.SIGKILL
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.positions() == {}
        assert ledger.counts() == []
        write(ledger, 0)


def test_an_intent_is_durable_when_begin_has_returned(path: Path) -> None:
    event = Arrival().ref
    code = f"""{OPEN}
import os, signal, uuid
from bridge.events import EventRef
l.intents.begin(EventRef("north", uuid.UUID(sys.argv[2])), ["target"])
os.kill(os.getpid(), signal.SIGKILL)
"""
    process = python(code, str(path), str(event.id))
    wait_until(lambda: process.poll() is not None, what="the process's end")
    process.communicate()
    with closing(SqliteLedger(path)) as ledger:
        assert ledger.intents.begin(event, ["target"]) == {"target"}


# -- positions -------------------------------------------------------------------------------------------------------

Offsets = st.integers(min_value=0, max_value=3)


class Positions(RuleBasedStateMachine):
    """Whatever is asked, a position moves by compare-and-set or by command alone."""

    def __init__(self) -> None:
        super().__init__()
        # A database in memory would be another one for each connection, and a ledger opens by path.
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.ledger = SqliteLedger(Path(self.folder.name) / "ledger.sqlite")
        self.expected: Position | None = None

    @rule(topic_id=st.sampled_from([TOPIC_ID, "second"]), expected=st.none() | Offsets, following=Offsets)
    def move(self, topic_id: str, expected: int | None, following: int) -> None:
        believed = None if expected is None else Position(topic_id, expected)
        try:
            with self.ledger.unit() as unit:
                unit.record(Arrival(offset=following).entry(Outcome.APPLIED))
                unit.move(PARTITION, topic_id, expected, following)
        except PositionLostError:
            assert believed != self.expected
        else:
            assert believed == self.expected
            self.expected = Position(topic_id, following)

    @rule(position=st.builds(Position, st.sampled_from([TOPIC_ID, "second"]), Offsets))
    def set(self, position: Position) -> None:
        self.ledger.set_position(PARTITION, position)
        self.expected = position

    @invariant()
    def the_position_is_as_expected(self) -> None:
        assert self.ledger.positions().get(PARTITION) == self.expected

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()


Positions.TestCase.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
TestPositions = Positions.TestCase


def test_what_is_known_of_an_event_is_found_by_its_id_and_not_among_all_of_its_origin(path: Path) -> None:
    with closing(SqliteLedger(path)) as ledger:
        for offset in range(300):
            write(ledger, offset)
        asked = [EventRef("north", UUID(int=number)) for number in range(300)]
        asked += [entry.ref for entry in ledger.entries(Filter(most=1)) if entry.ref is not None]
        steps = itertools.count()
        ledger._connection.set_progress_handler(lambda: next(steps) and 0, 100)
        assert len(ledger.known([EventRef(asked[-1].origin, one.id) for one in asked])) <= 1
        ledger._connection.set_progress_handler(None, 0)
        assert next(steps) * 100 < 200 * len(asked)
