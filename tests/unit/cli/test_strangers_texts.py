"""What a stranger wrote, on a terminal: it stands there, and does nothing else."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from parts.bridges import Publishing
from parts.command_line import Command
from parts.events import photometry

from bridge.cli.common import print_fields, print_json, print_table, say, tell
from bridge.cli.logs import set_up_logs
from bridge.errors import BridgeError
from bridge.loglines import set_up_unless_done
from bridge.stream import Partition

EVIL = "\x1b]0;owned\x07\x1b[2J\rSN\n2024\u202eabc\u2028\x9b31m[red]x[/red][link=http://e]y[/link]\x00\x7f"
SHOWN = r"\u001b]0;owned\u0007\u001b[2J\u000dSN\n2024\u202eabc\u2028\u009b31m[red]x[/red][link=http://e]y[/link]\u0000\u007f"


class Terminal(io.StringIO):
    """A terminal that notes what is written to it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(params=[True, False], ids=["a terminal", "a file"])
def out(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    monkeypatch.setenv("COLUMNS", "2000")
    return Terminal() if request.param else io.StringIO()


@contextmanager
def writing_to(out: io.StringIO) -> Iterator[None]:
    with redirect_stdout(out), redirect_stderr(out):
        yield


def does_something(text: str) -> set[str]:
    """Return the characters of the evil text that are there as they are, but for ends of lines."""
    return set(text) & (set(EVIL) - set("[]()/=:redlinkxyhtpSN2024abcow;0J1m3") - {"\n"})


def test_lines_tables_and_fields_show_it(out: io.StringIO) -> None:
    with writing_to(out):
        say(EVIL)
        tell(EVIL)
        print_table(("a", "b"), [(EVIL, 1)], empty="")
        print_fields({"name": EVIL})
    told = out.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert does_something(told) == set()
    assert told.count(SHOWN) == 4


def test_json_has_it_whole(out: io.StringIO) -> None:
    with writing_to(out):
        print_json({"name": EVIL})
    assert does_something(out.getvalue()) == set()
    assert json.loads(out.getvalue()) == {"name": EVIL}


@pytest.fixture
def logs_as_before() -> Iterator[None]:
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers.clear()


class Secret:
    def __repr__(self) -> str:
        return "SECRET-TOKEN"


def _fail(token: object) -> None:
    raise BridgeError(f"it breaks {EVIL}")


@pytest.mark.usefixtures("logs_as_before")
def test_where_nobody_has_set_up_logs_they_show_no_variables_either() -> None:
    structlog.reset_defaults()
    set_up_unless_done()
    out, token = Terminal(), Secret()
    with writing_to(out):
        try:
            _fail(token)
        except BridgeError:
            structlog.get_logger().exception("record.internal_error", where=EVIL)
    assert "_fail(token)" in out.getvalue()
    assert "SECRET-TOKEN" not in out.getvalue()
    assert does_something(out.getvalue()) <= {"\x1b"}


@pytest.mark.usefixtures("logs_as_before")
def test_logs_show_it_and_tracebacks_no_variables(out: io.StringIO) -> None:
    with writing_to(out):
        set_up_logs(logging.INFO)
        log = structlog.get_logger()
        log.warning("event.dead", subject=EVIL, names=[EVIL], detail={EVIL: EVIL})
        partition = Partition(EVIL, 0)
        token = Secret()
        try:
            _fail(token)
        except BridgeError:
            log.exception("record.internal_error", where=EVIL, partition=partition)
        logging.getLogger("urllib3").error("said %s", EVIL)
    told = out.getvalue()
    assert "_fail(token)" in told
    assert "SECRET-TOKEN" not in told
    styled = {"\x1b"} if out.isatty() else {"\x7f"}  # colours of ours; JSON has no name for DEL, which does nothing
    assert does_something(told) <= styled
    for evil in ("\x1b]0;", "\x1b[2J", "\r", "\x9b"):
        assert evil not in told
    if not out.isatty():
        assert json.loads(told.splitlines()[0])["subject"] == EVIL


def test_a_topics_content_shows_it(tom_bridge: Command, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/stream.db"
    (tmp_path / "tom-bridge.toml").write_text(f'origin = "north"\n[stream]\nurl = "{url}"\n')
    name = "Evil\x9b2J TOM\n[red]x"
    with closing(Publishing(url, name=name, topic="t")) as alpha:
        alpha.publish(photometry(1))
        alpha.publish_bytes(b"\xc3\x01" + bytes(20), headers=[("tom_bridge_schema_sha256", EVIL.encode())])
    ended = tom_bridge("tail", "t", "--since", "1h", "--until-end")
    assert ended.out.splitlines()[-1].endswith("SN 2024abc  1 point  from Evil\\u009b2J TOM\\n[red]x (alpha)")
    assert does_something(ended.out + ended.err) == set()
    as_json = tom_bridge("tail", "t", "--since", "1h", "--until-end", "--json")
    assert does_something(as_json.out) == set()
    assert json.loads(as_json.out)["origin_name"] == name


@pytest.mark.parametrize("error", [BridgeError, RuntimeError])
def test_errors_show_it(
    tom_bridge: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    (tmp_path / "tom-bridge.toml").write_text('origin = "north"\n[stream]\nurl = "sqlite:///s.db"\n')

    def fail(*_: Any, **__: Any) -> None:
        token = Secret()
        raise error(f"it breaks {EVIL} {datetime.now(UTC):%Y}" if token else "")

    monkeypatch.setattr("bridge.operations.topics.list_topics", fail)
    ended = tom_bridge("topics", "list")
    assert "it breaks" in ended.err
    assert does_something(ended.err) == set()
    assert "SECRET-TOKEN" not in ended.err
