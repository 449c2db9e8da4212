"""The command line on the embedded stream: what it prints, how it ends, what it leaves behind."""

import json
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest
import stamina
import structlog
from parts.command_line import Command, parsed
from parts.events import event, photometry, target
from parts.full_disk import full_disk

from bridge.cli.filters import KindName, OutcomeName
from bridge.cli.logs import set_up_logs
from bridge.errors import RejectedError
from bridge.events import Event, Kind
from bridge.ledger.port import Outcome
from bridge.settings import Settings

TABLE = "mjd,mag,magerr,band,seeing\n60341,18.5,0.1,r,1.2\n60342,>20.5,,r,1.1\n"
TOPIC = "supernovae.public"


@pytest.fixture
def command(tom_bridge: Command, tmp_path: Path) -> Command:
    """Return ``tom-bridge`` in a folder of its own with a configuration for the embedded stream."""
    (tmp_path / "tom-bridge.toml").write_text(
        f'origin = "north"\n[stream]\nurl = "sqlite:///stream.db"\n[publish]\ntopic = "{TOPIC}"\nshared_by = "Vera"\n'
    )
    return tom_bridge


def test_a_disk_that_is_as_good_as_full_is_told(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert command("topics", "create", TOPIC).code == 0
    assert command("status", "--check").code == 0
    left = SimpleNamespace(free=1024 * 1024)
    monkeypatch.setattr("bridge.operations.room.shutil.disk_usage", lambda _: left)
    told = command("status", "--check")
    assert (told.code, "its disk has 1024 KiB left" in told.out) == (1, True)
    found = json.loads(command("doctor", "--json").out)
    assert ["1024 KiB" in one["what"] for one in found if one["about"] == "ledger"] == [True, False]


def test_help_is_shown_without_loading_what_takes_time() -> None:
    code = (
        "import sys\nfrom bridge.cli.main import run\nassert run(['--help']) == 0\n"
        "slow = {'confluent_kafka', 'fastavro', 'requests', 'pydantic'} & set(sys.modules)\nassert not slow, slow"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


@pytest.mark.parametrize(
    "arguments",
    [
        ["publish", "target", "SN 1", "--with-data", "--topic", "t"],
        ["publish", "list", "A list", "--with-targets"],
        ["publish", "photometry", "SN 1", "table.csv", "--bandpass", "V"],
        ["publish", "data-product", "SN 1", "s.fits", "--type", "spectroscopy"],
        ["publish", "events", "-"],
        ["tail", "t", "--since", "2h", "--follow", "--json"],
        ["tail", "t", "--from-offset", "3", "--until-end"],
        ["consume", "--until-end"],
        ["replay", "--topic", "t", "--since", "2026-01-31", "--until", "1d", "--kind", "photometry", "--dry-run"],
        ["replay", "--topic", "t", "--from-offset", "0", "--origin", "o", "--target", "SN 1", "--restore"],
        ["topics", "create", "t"],
        ["topics", "list"],
        ["status", "--check", "--json"],
        ["shares", "--target", "SN 1", "--origin", "o", "--since", "1d", "--outcome", "applied"],
        ["parked", "list"],
        ["parked", "retry", "1", "2"],
        ["dead", "list"],
        ["dead", "show", "1"],
        ["dead", "retry", "1"],
        ["dead", "drop", "1"],
        ["position", "show", "t"],
        ["position", "set", "t", "earliest"],
        ["doctor"],
        ["init", "--origin", "o"],
    ],
    ids=" ".join,
)
def test_the_command_is_there(arguments: list[str]) -> None:
    assert parsed(arguments)


def test_the_words_of_the_command_line_are_those_of_the_core() -> None:
    assert [*KindName] == [str(kind) for kind in Kind]
    assert [*OutcomeName] == [str(outcome) for outcome in Outcome]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["topics", "crate"], "No such command 'crate'"),
        (["tail"], "Missing argument"),
        (["tail", "t", "--since", "soon"], "write 2026-01-31T12:00, or 2h"),
        (["tail", "t", "--since", "0001-01-01T00:00+14:00"], "write 2026-01-31T12:00, or 2h"),
        (["tail", "t", "--since", "999999999999d"], "write 2026-01-31T12:00, or 2h"),
        (["--config", "nowhere.toml", "topics", "list"], "nowhere.toml: there is no such file"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_code_2(command: Command, arguments: list[str], told: str) -> None:
    ended = command(*arguments)
    assert ended.code == 2
    assert ended.err.startswith("tom-bridge: ")
    assert ended.err.count("\n") == 1
    assert told in ended.err


def test_a_table_is_published_and_tailed(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    assert command("topics", "create", TOPIC).code == 0
    published = command("publish", "photometry", "SN 2024abc", "table.csv", "--title", "First light", "--json")
    assert published.code == 0, published.err
    assert json.loads(published.out)["datums"] == 2
    shown = command("tail", TOPIC, "--until-end")
    assert "SN 2024abc  2 points, 1 of them limits  from north (north)" in shown.out
    event = Event.checked(command("tail", TOPIC, "--until-end", "--json").out)
    assert (event.title, event.shared_by, event.origin) == ("First light", "Vera", "north")
    assert [point.limit for point in event.body.points] == [None, 20.5]
    assert event.body.points[0].extra == {"seeing": 1.2}


def test_what_tail_writes_is_taken_back_unchanged(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    (tmp_path / "spectrum.fits").write_bytes(b"\x00\xff not really FITS")
    command("topics", "create", TOPIC, "archive")
    command("publish", "photometry", "SN 2024abc", "table.csv")
    assert command("publish", "data-product", "SN 2024abc", "spectrum.fits", "--type", "spectroscopy").code == 0
    lines = command("tail", TOPIC, "--until-end", "--json").out
    (tmp_path / "events.jsonl").write_text(lines)
    assert command("publish", "events", "events.jsonl", "--topic", "archive").code == 0
    assert command("tail", "archive", "--until-end", "--json").out == lines
    assert len(lines.splitlines()) == 2


@pytest.mark.kafka
def test_the_same_commands_work_on_kafka(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kafka_broker: str
) -> None:
    monkeypatch.setenv("TOM_BRIDGE_STREAM__URL", f"kafka://{kafka_broker}")
    topic = f"cli.{uuid4()}"
    monkeypatch.setenv("TOM_BRIDGE_PUBLISH__TOPIC", topic)
    (tmp_path / "table.csv").write_text(TABLE)
    assert command("topics", "create", topic, "--partitions", "3").code == 0
    for name in ("SN 1", "SN 2", "SN 3", "SN 4"):
        assert command("publish", "photometry", name, "table.csv").code == 0
    lines = command("tail", topic, "--until-end", "--json").out.splitlines()
    assert [Event.checked(line).subject for line in lines] == ["SN 1", "SN 2", "SN 3", "SN 4"]
    assert len(command("tail", topic, "--since", "1h").out.splitlines()) == 4
    found = json.loads(command("position", "set", topic, "now", "--json").out)
    assert (len(found), sum(one["position"] for one in found)) == (3, 4)
    (listed,) = [one for one in json.loads(command("topics", "list", "--json").out) if one["name"] == topic]
    assert (listed["partitions"], listed["records"]) == (3, 4)


def test_nothing_is_published_where_anything_is_wrong(command: Command, tmp_path: Path) -> None:
    command("topics", "create", TOPIC)
    (tmp_path / "table.csv").write_text(TABLE + "60343,bright,,r,1\n")
    ended = command("publish", "photometry", "SN 2024abc", "table.csv")
    assert ended.code == 1
    assert "table.csv: line 4, column mag: 'bright' is no number" in ended.err
    (tmp_path / "events.jsonl").write_text('{"id": 1}\n')
    assert "events.jsonl: line 1: event" in command("publish", "events", "events.jsonl").err
    (tmp_path / "large.fits").write_bytes(bytes(9 * 1024 * 1024))
    large = command("publish", "data-product", "SN 2024abc", "large.fits", "--type", "spectroscopy")
    assert "8388608 are the most" in large.err
    assert command("publish", "data-product", "SN 1", "none.fits", "--type", "x").code == 1
    assert command("tail", TOPIC, "--until-end", "--json").out == ""


def test_the_first_of_two_events_stays_where_the_second_is_too_large(command: Command, tmp_path: Path) -> None:
    command("topics", "create", TOPIC)
    large = target(extras={f"key {number}": "x" * 10_000 for number in range(200)})
    lines = [event(body).model_dump_json() for body in (photometry(), large)]
    (tmp_path / "events.jsonl").write_text("\n".join(lines))
    ended = command("publish", "events", "events.jsonl")
    assert ended.code == 1
    assert "nothing was published" in ended.err
    assert command("tail", TOPIC, "--until-end", "--json").out == ""


def test_a_topic_that_does_not_exist_is_told_before_anything_leaves(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    ended = command("publish", "photometry", "SN 2024abc", "table.csv", "--topic", "nowhere")
    assert ended.code == 69
    assert "Create it: tom-bridge topics create nowhere" in ended.err


def test_a_dry_run_publishes_nothing(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    command("topics", "create", TOPIC)
    ended = command("publish", "photometry", "SN 2024abc", "table.csv", "--dry-run")
    assert ended.out.startswith("Would publish 1 photometry with 2 datums")
    assert command("tail", TOPIC, "--until-end", "--json").out == ""


def test_topics_are_listed_with_what_they_hold(command: Command) -> None:
    command("topics", "create", TOPIC)
    again = json.loads(command("topics", "create", TOPIC, "--json").out)
    assert {one["name"]: one["existed"] for one in again} == {TOPIC: True, "tom-bridge.schemas": True}
    listed = json.loads(command("topics", "list", "--json").out)
    assert {one["name"]: one["role"] for one in listed} == {TOPIC: "events", "tom-bridge.schemas": "schemas"}


def test_a_position_is_set_and_shown(command: Command, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(TABLE)
    command("topics", "create", TOPIC)
    command("publish", "photometry", "SN 2024abc", "table.csv")
    (moved,) = json.loads(command("position", "set", TOPIC, "now", "--json").out)
    assert (moved["position"], moved["lag"]) == (1, 0)
    (back,) = json.loads(command("position", "set", TOPIC, "0", "--json").out)
    assert (back["position"], back["lag"]) == (0, 1)
    wrong = command("position", "set", TOPIC, "7")
    assert wrong.code == 2
    assert "It has 0 to 1" in wrong.err


def test_the_configuration_that_init_writes_loads_and_is_never_overwritten(command: Command, tmp_path: Path) -> None:
    written = command(
        "init", "new.toml", "--origin", "my-tom", "--topic", "a", "--topic", "b", "--group", 'The "A" team'
    )
    assert written.code == 0, written.err
    settings = Settings.load(tmp_path / "new.toml")
    assert [one.topic for one in settings.subscribe] == ["a", "b"]
    assert settings.require_tom().groups == ('The "A" team',)
    assert (tmp_path / "new.toml").stat().st_mode & 0o077 == 0
    before = (tmp_path / "new.toml").read_text()
    assert command("init", "new.toml").code == 2
    assert (tmp_path / "new.toml").read_text() == before


def test_init_with_a_wrong_answer_leaves_no_file(command: Command, tmp_path: Path) -> None:
    ended = command("init", "new.toml", "--origin", "My TOM")
    assert ended.code == 2
    assert "origin" in ended.err
    assert not (tmp_path / "new.toml").exists()


def test_no_secret_is_shown_by_any_command(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_TOM__BASE_URL", "http://tom:h0rsebattery@127.0.0.1:9/")
    monkeypatch.setenv("TOM_BRIDGE_TOM__API_KEY", "h0rsebattery")
    monkeypatch.setenv("TOM_BRIDGE_STREAM__KAFKA__SASL_PASSWORD", "h0rsebattery")
    for arguments in (["--help"], ["status", "--json"], ["doctor", "--json"], ["doctor"], ["-v", "status"]):
        ended = command(*arguments)
        assert "h0rsebattery" not in ended.out + ended.err


def test_a_status_check_fails_where_a_topic_is_missing(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_SUBSCRIBE", f'[{{"topic": "{TOPIC}"}}]')
    failed = command("status", "--check")
    assert failed.code == 1
    assert "does not exist" in failed.out
    command("topics", "create", TOPIC)
    assert command("status", "--check").code == 0


def test_a_reader_that_has_enough_ends_the_command_quietly(command: Command, tmp_path: Path) -> None:
    command("topics", "create", TOPIC)
    (tmp_path / "table.csv").write_text(TABLE)
    for _ in range(2):
        command("publish", "photometry", "SN 2024abc", "table.csv")
    program = [sys.executable, "-c", "from bridge.cli import main; main()", "tail", TOPIC, "--until-end"]
    with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        tail.stdout.close()
        assert tail.stderr.read() == b""


def test_a_broker_that_is_away_is_one_line_and_code_75(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_STREAM__URL", "kafka://127.0.0.1:1")
    ended = command("topics", "list")
    assert ended.code == 75
    assert ended.err.count("\n") == 1
    assert "127.0.0.1:1" in ended.err


def test_the_lines_of_the_kafka_client_are_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs(logging.INFO)
    log = structlog.get_logger()
    for number in range(3):
        log.error("kafka.client", text=f"connection refused after {number} ms")
        log.info("consumer.waiting")
    told = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert told == ["kafka.client", *["consumer.waiting"] * 3]


def test_a_log_that_can_not_be_written_ends_nothing_and_goes_on_when_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "log").open("w") as file:
        monkeypatch.setattr("sys.stderr", file)
        set_up_logs(logging.INFO)
        with full_disk():
            for _ in range(20):
                structlog.get_logger().warning("consumer.waiting", message="x" * 1000)
        structlog.get_logger().warning("consumer.resumed")
    assert '"consumer.resumed"' in (tmp_path / "log").read_text()


def test_what_libraries_log_is_json_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    set_up_logs(logging.INFO)
    logging.getLogger("urllib3").error("no answer from %s", "there")

    @stamina.retry(on=RejectedError, attempts=2, wait_max=0)
    def refused() -> None:
        raise RejectedError("the TOM says no", where="point 1", mend="Ask it")

    with pytest.raises(RejectedError):
        refused()
    library, retry = map(json.loads, capsys.readouterr().err.splitlines())
    assert (library["event"], library["logger"], library["text"]) == ("library.log", "urllib3", "no answer from there")
    assert (retry["event"], retry["message"]) == ("tom.retry", "RejectedError: point 1: the TOM says no. Ask it")
    assert "callable" not in retry
