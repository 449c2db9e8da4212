"""What the SQLite stream promises beyond the common contract: its file, its versions, its locks."""

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from parts.streams import SqliteLab, everything, fill, numbered, poll_until, starting_at

from bridge.errors import (
    ConfigurationError,
    NewerFileError,
    NotDeliveredError,
    StopError,
    StreamAwayError,
    TooLargeError,
)
from bridge.operations.doctor import examine
from bridge.settings import Settings
from bridge.stream import Partition, open_stream, sqlite_file

NOBODY = 65534
"""A user who may do little on most systems."""


@pytest.fixture
def lab(tmp_path: Path) -> SqliteLab:
    return SqliteLab(tmp_path / "share.db")


def _version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("PRAGMA user_version").fetchone()[0])


def test_three_slashes_are_relative_and_four_are_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with closing(open_stream("sqlite:///near.db")) as stream:
        assert stream.url == "sqlite:///near.db"
    open_stream(f"sqlite:///{tmp_path}/far.db").close()
    assert (tmp_path / "near.db").is_file()
    assert (tmp_path / "far.db").is_file()


@pytest.mark.parametrize("url", ["sqlite:///", "sqlite:///:memory:", "sqlite://share.db", "http://x", ""])
def test_an_address_without_a_file_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"stream\.url"):
        open_stream(url)


def test_a_folder_that_does_not_exist_is_told_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="mkdir -p"):
        open_stream(f"sqlite:///{tmp_path}/no/such/share.db")
    with pytest.raises(ConfigurationError, match="is a folder"):
        open_stream(f"sqlite:///{tmp_path}")


def test_a_newer_file_is_refused_in_one_line_and_not_touched(lab: SqliteLab) -> None:
    open_stream(lab.url).close()
    with closing(sqlite3.connect(lab.path)) as db:
        db.execute("PRAGMA user_version=99")
    with pytest.raises(NewerFileError, match=r"version 99.*Upgrade") as error:
        open_stream(lab.url)
    assert "\n" not in str(error.value)
    assert _version(lab.path) == 99


def test_a_file_that_is_something_else_is_refused_and_not_touched(tmp_path: Path) -> None:
    other, text = tmp_path / "tom.db", tmp_path / "notes.txt"
    with closing(sqlite3.connect(other)) as db:
        db.execute("CREATE TABLE targets (name TEXT)")
    text.write_text("notes\n" * 1000)
    for path in (other, text):
        before = path.read_bytes()
        with pytest.raises(ConfigurationError, match="is not a stream of TOM Bridge"):
            open_stream(f"sqlite:///{path}")
        assert path.read_bytes() == before


def test_an_older_file_is_copied_and_then_migrated(lab: SqliteLab, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
        fill(stream, "events", numbered(3))
    step = ("ALTER TABLE topics ADD COLUMN note TEXT",)
    monkeypatch.setattr(sqlite_file, "MIGRATIONS", (*sqlite_file.MIGRATIONS, step))
    assert [record.value for record in everything(lab.url, "events")] == numbered(3)
    assert _version(lab.path) == 2
    copy = lab.path.with_name("share.db.version-1.backup")
    assert _version(copy) == 1
    monkeypatch.undo()
    assert [record.value for record in everything(f"sqlite:///{copy}", "events")] == numbered(3)


def test_a_migration_that_fails_leaves_the_file_as_it_was(lab: SqliteLab, monkeypatch: pytest.MonkeyPatch) -> None:
    open_stream(lab.url).close()
    step = ("ALTER TABLE topics ADD COLUMN note TEXT", "no SQL at all")
    monkeypatch.setattr(sqlite_file, "MIGRATIONS", (*sqlite_file.MIGRATIONS, step))
    with pytest.raises(StopError):
        open_stream(lab.url)
    monkeypatch.undo()
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
    assert _version(lab.path) == 1


def test_a_file_migrated_by_a_newer_release_while_open_takes_nothing_more(lab: SqliteLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
        stream.publish("events", key=b"k", value=b"v")
        with closing(sqlite3.connect(lab.path)) as db:
            db.execute("PRAGMA user_version=99")
        with pytest.raises(NewerFileError):
            stream.flush()


def test_a_locked_file_is_away_and_what_was_queued_goes_later(lab: SqliteLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.1)
    with closing(open_stream(lab.url)) as stream, closing(sqlite3.connect(lab.path, isolation_level=None)) as other:
        stream.create_topic("events")
        other.execute("BEGIN IMMEDIATE")
        stream.publish("events", key=b"k", value=b"v")
        with pytest.raises(NotDeliveredError, match="locked") as error:
            stream.flush(0.1)
        assert error.value.undelivered == (("events", b"k"),)
        with pytest.raises(StreamAwayError, match="locked"):
            stream.create_topic("more")
        other.execute("ROLLBACK")
        stream.flush(10)
        assert [record.value for record in everything(lab.url, "events")] == [b"v"]


def test_records_of_a_topic_that_was_removed_are_named_and_others_go(lab: SqliteLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        for topic in ("gone", "kept"):
            stream.create_topic(topic)
            stream.publish(topic, key=topic.encode(), value=b"v")
        lab.delete_topic("gone")
        with pytest.raises(NotDeliveredError, match="gone") as error:
            stream.flush()
        assert error.value.undelivered == (("gone", b"gone"),)
        assert len(everything(lab.url, "kept")) == 1
        stream.create_topic("gone")
        stream.flush()
        assert len(everything(lab.url, "gone")) == 1


def test_a_file_that_was_replaced_while_open_takes_nothing_more(lab: SqliteLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
        with closing(stream.subscribe(["events"], "group", starting_at(0))) as member:
            lab.path.rename(lab.path.with_name("moved.db"))
            stream.publish("events", key=b"k", value=b"v")
            for call in (stream.flush, stream.topics, lambda: member.poll(1, 0.1)):
                with pytest.raises(StopError, match="removed or replaced"):
                    call()


def test_a_compacted_topic_keeps_the_last_of_each_key(lab: SqliteLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("schemas", compacted=True)
        for number in range(6):
            stream.publish("schemas", key=b"%d" % (number % 2), value=b"%d" % number)
            if number == 3:
                stream.flush()
        stream.flush()
        assert [(r.offset, r.value) for r in everything(lab.url, "schemas")] == [(4, b"4"), (5, b"5")]
        with closing(stream.subscribe(["schemas"], "group", starting_at(1))) as member:
            assert [record.offset for record in poll_until(member, 2)] == [4, 5]


def test_times_do_not_go_back_when_the_clock_does(lab: SqliteLab, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
        fill(stream, "events", [b"now"])
        monkeypatch.setattr("time.time_ns", lambda: 0)
        fill(stream, "events", [b"earlier"])
    first, second = everything(lab.url, "events")
    assert first.timestamp == second.timestamp


def test_one_member_has_all_and_the_other_stands_by(lab: SqliteLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
        fill(stream, "events", numbered(2))
        first = stream.subscribe(["events"], "group", starting_at(0))
        poll_until(first, 2)
        with closing(stream.subscribe(["events"], "group", starting_at(0))) as second:
            assert second.poll(10, 0.2).records == ()
            assert second.assignment() == frozenset()
            first.close()
            assert len(poll_until(second, 2)) == 2


def test_many_processes_may_make_the_file_at_once(lab: SqliteLab) -> None:
    script = "import sys; from bridge.stream import open_stream; open_stream(sys.argv[1]).create_topic('events')"
    processes = [subprocess.Popen([sys.executable, "-c", script, lab.url]) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0, 0, 0, 0]


def test_a_value_over_the_limit_is_refused_with_both_sizes(lab: SqliteLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
        with pytest.raises(TooLargeError, match=r"9437185 .* 9437184"):
            stream.publish("events", key=b"k", value=bytes(9 * 1024 * 1024 + 1))


# -- damage, and files of other users -------------------------------------------------------------------------------


def _damaged(lab: SqliteLab, *, first_page: int) -> None:
    """Fill a topic and write nonsense over some pages of the file."""
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
        fill(stream, "events", [bytes([number]) * 10_000 for number in range(50)])
    with closing(sqlite3.connect(lab.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with lab.path.open("r+b") as file:
        file.seek(4096 * first_page)
        file.write(b"\xa5" * 4096 * 3)


def test_a_damaged_file_is_told_with_its_mend_and_doctor_finds_it(lab: SqliteLab, tmp_path: Path) -> None:
    _damaged(lab, first_page=20)
    with closing(open_stream(lab.url)) as stream:
        with pytest.raises(StopError, match=r"damaged.*put a copy of it back"):
            stream.check()
        stream.create_topic("tom-bridge.schemas", compacted=True)
    settings = Settings.from_mapping({"origin": "o", "state": str(tmp_path), "stream": {"url": lab.url}})
    (found,) = [one for one in examine(settings) if one.about == "stream" and one.level != "ok"]
    assert (found.level, str(lab.path) in found.what) == ("fail", True)
    assert "docs/streams.md" in found.mend


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="needs the program sqlite3")
def test_what_the_document_says_saves_what_can_be_read_of_a_damaged_file(lab: SqliteLab) -> None:
    _damaged(lab, first_page=60)
    text = (Path(__file__).parents[2] / "docs" / "streams.md").read_text()
    recipe = text.split("## A damaged file")[1].split("```sh\n")[1].split("```")[0]
    subprocess.run(["bash", "-ec", recipe], cwd=lab.path.parent, capture_output=True, check=True)
    with closing(open_stream(lab.url)) as stream:
        stream.check()
        saved = everything(lab.url, "events")
        assert 40 <= len(saved) < 50
        assert all(record.value == bytes([record.offset]) * 10_000 for record in saved)
        assert stream.ends("events")[Partition("events", 0)].next == 50
        fill(stream, "events", [b"goes on"])
    assert lab.path.with_name("share.db.damaged").exists()


def test_a_row_that_the_bridge_does_not_write_is_told_in_its_record(lab: SqliteLab) -> None:
    with closing(open_stream(lab.url)) as stream:
        stream.create_topic("events")
        fill(stream, "events", numbered(5))
        with closing(sqlite3.connect(lab.path)) as db, db:
            db.execute("UPDATE records SET timestamp_us = ? WHERE position = 1", (2**62,))
            db.execute("UPDATE records SET headers = CAST(x'ff' AS TEXT) WHERE position = 2")
            db.execute("UPDATE records SET headers = '[3]' WHERE position = 3")
        with closing(stream.subscribe(["events"], "group", starting_at(0))) as member:
            records = poll_until(member, 5)
    assert [record.value for record in records] == numbered(5)
    assert [bool(record.problem) for record in records] == [False, True, True, True, False]


@contextmanager
def another_user() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize(("mode", "told"), [(0o644, ""), (0o600, r"belongs to the user root. Run: chown \S+ ")])
def test_a_lock_file_made_by_root_keeps_nobody_out_or_says_what_to_do(mode: int, told: str) -> None:
    with tempfile.TemporaryDirectory() as folder:  # one that others may enter, as pytest's own are not
        lab = SqliteLab(Path(folder) / "share.db")
        with closing(open_stream(lab.url)) as stream:
            stream.create_topic("events")
            fill(stream, "events", numbered(3))
            with closing(stream.subscribe(["events"], "group", starting_at(0))) as member:
                poll_until(member, 3)
        (lock,) = Path(folder).glob("*.lock")
        for path in {Path(folder), *Path(folder).iterdir()} - {lock}:
            os.chown(path, NOBODY, NOBODY)
        lock.chmod(mode)
        with (
            another_user(),
            closing(open_stream(lab.url)) as stream,
            closing(stream.subscribe(["events"], "group", starting_at(0))) as member,
        ):
            if told:
                with pytest.raises(ConfigurationError, match=told):
                    member.poll(10, 1.0)
            else:
                assert len(poll_until(member, 3)) == 3
