"""The commands that write into a TOM, as processes and in process, on a real TOM and the embedded stream."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from parts.toms import Tom
from parts.wait import wait_until

from bridge.cli.main import run

pytestmark = pytest.mark.tom
TABLE = "mjd,mag,magerr,band\n60341,18.5,0.1,r\n60342,18.6,0.1,r\n"
PROGRAM = [sys.executable, "-c", "from bridge.cli import main; main()"]


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The command line sets up the logs of the whole process."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def folder(tom3: Tom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one configuration that publishes as another TOM, and one that receives into ``tom3``."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TOM_BRIDGE_CONFIG", raising=False)
    stream = f'[stream]\nurl = "sqlite:///{tmp_path}/stream.db"\n[publish]\ntopic = "t"\n'
    (tmp_path / "south.toml").write_text(f'origin = "south"\nstate = "south"\n{stream}')
    (tmp_path / "tom-bridge.toml").write_text(
        f'origin = "north"\n{stream}[tom]\nDISPLAY_NAME = "North TOM"\nBASE_URL = "{tom3.base_url}/"\n'
        f'API_KEY = "{tom3.pristine.tokens["bridge"]}"\n[[subscribe]]\ntopic = "t"\n'
    )
    (tmp_path / "table.csv").write_text(TABLE)
    assert run(["topics", "create", "t"]) == 0
    return tmp_path


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str], folder: Path) -> Callable[..., Any]:
    """Return a function that runs a command with ``--json`` and returns its answer."""

    def call(*arguments: str, code: int = 0) -> Any:
        capsys.readouterr()
        assert run([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def consumer(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The daemon, as a process."""
    log = (folder / "consume.log").open("w")
    command = [*PROGRAM, "consume", "--metrics-port", "0"]
    process = subprocess.Popen(command, cwd=folder, stderr=log, stdout=log, text=True, env={**os.environ})
    yield process
    if process.poll() is None:
        process.kill()
    process.wait()
    log.close()


def share(target: str) -> None:
    assert run(["--config", "south.toml", "publish", "photometry", target, "table.csv"]) == 0


def test_what_is_shared_arrives_and_is_shown(tom3: Tom, ask: Callable[..., Any]) -> None:
    tom3.make_target("SN 1")
    share("sn-1")
    share("SN 2")
    assert run(["consume", "--until-end"]) == 0
    assert [row["brightness"] for row in tom3.photometry("SN 1")] == [18.5, 18.6]
    outcomes = {one["subject"]: (one["outcome"], one["reason"]) for one in ask("shares")}
    assert outcomes == {"sn-1": ("applied", ""), "SN 2": ("parked", "no target")}
    assert [one["subject"] for one in ask("shares", "--target", "SN1")] == ["sn-1"]
    status = ask("status", "--check")
    assert (status["topics"][0]["lag"], status["parked"], status["dead"]) == (0, 1, 0)
    assert ask("status", "--check", "--most-parked", "0", code=1)["well"] is False


def test_what_is_parked_is_retried_by_command(tom3: Tom, ask: Callable[..., Any]) -> None:
    share("SN 2")
    assert run(["consume", "--until-end"]) == 0
    (parked,) = ask("parked", "list")
    assert ask("parked", "retry") == {"tried": 1, "outcomes": {"parked": 1}}
    tom3.make_target("SN 2")
    assert ask("parked", "retry", str(parked["id"]))["outcomes"] == {"applied": 1}
    assert len(tom3.photometry("SN 2")) == 2
    assert ask("parked", "list") == []


def test_a_dead_letter_is_shown_retried_and_dropped(tom3: Tom, ask: Callable[..., Any], folder: Path) -> None:
    tom3.make_target("SN 3", may_change=False)
    share("SN 3")
    assert run(["consume", "--until-end"]) == 0
    (dead,) = ask("dead", "list")
    assert dead["message"]
    letter = ask("dead", "show", str(dead["id"]), "--raw", "letter.bin")
    assert letter["line"]["subject"] == "SN 3"
    assert (folder / "letter.bin").read_bytes()[:2] == b"\xc3\x01"
    assert run(["dead", "show", str(dead["id"])]) == 0
    assert ask("dead", "retry", code=1)["outcomes"] == {"dead": 1}
    (dead,) = ask("dead", "list")
    assert ask("dead", "drop", str(dead["id"])) == {"dropped": 1}
    assert ask("dead", "list") == []
    (entry,) = ask("shares")
    assert (entry["outcome"], entry["reason"]) == ("ignored", "dropped by command")


def test_history_is_replayed_and_restored(tom3: Tom, ask: Callable[..., Any]) -> None:
    tom3.make_target("SN 1")
    share("SN 1")
    assert run(["consume", "--until-end"]) == 0
    assert ask("replay", "--topic", "t")["outcomes"] == {"unchanged": 1}
    tom3.shell("from tom_dataproducts.models import PhotometryReducedDatum as P\nresult = P.objects.all().delete()[0]")
    assert ask("replay", "--topic", "t", "--restore", "--dry-run")["outcomes"] == {"applied": 1}
    assert tom3.photometry() == []
    assert ask("replay", "--topic", "t", "--restore", "--target", "SN1", "--since", "1h")["outcomes"] == {"applied": 1}
    assert len(tom3.photometry("SN 1")) == 2
    assert ask("replay", "--topic", "t", "--restore", "--dry-run")["outcomes"] == {"duplicate": 1}
    assert ask("replay", "--topic", "t", "--kind", "target")["outcomes"] == {}


def test_history_of_a_topic_without_rules_is_not_replayed(
    tom3: Tom, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    share("SN 1")
    path = folder / "tom-bridge.toml"
    path.write_text(path.read_text().replace("[[subscribe]]", "[[publish.topics]]"))
    assert run(["replay", "--topic", "t"]) != 0
    assert "'t' is not subscribed to" in capsys.readouterr().err
    assert tom3.targets() == []


def _metrics(folder: Path) -> str:
    """Return what the daemon tells Prometheus."""
    log = [json.loads(line) for line in (folder / "consume.log").read_text().splitlines()]
    (served,) = [line for line in log if line["event"] == "metrics.served"]
    assert served["host"] == "127.0.0.1"
    with urllib.request.urlopen(f"http://127.0.0.1:{served['port']}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def test_the_daemon_tells_and_ends_in_peace_at_sigterm(
    tom3: Tom, folder: Path, consumer: subprocess.Popen[str]
) -> None:
    tom3.make_target("SN 1")
    share("SN 1")
    wait_until(lambda: len(tom3.photometry("SN 1")) == 2, what=f"the points (log: {folder}/consume.log)")
    told = 'tom_bridge_datums_total{fate="new",kind="photometry",topic="t"} 2.0'
    wait_until(lambda: told in _metrics(folder), what="the metrics")
    consumer.send_signal(signal.SIGTERM)
    assert consumer.wait(timeout=30) == 0
    log = [json.loads(line) for line in (folder / "consume.log").read_text().splitlines()]
    assert {"consumer.started", "consumer.stopped"} <= {line["event"] for line in log}


def test_a_topic_that_is_missing_stops_the_daemon_for_a_person(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (folder / "tom-bridge.toml").read_text().replace('[[subscribe]]\ntopic = "t"', '[[subscribe]]\ntopic = "u"')
    (folder / "other.toml").write_text(text)
    assert run(["--config", "other.toml", "consume", "--until-end"]) == 69
    assert capsys.readouterr().err.splitlines()[-1].startswith("tom-bridge: ")
