"""docker-compose.yml and the systemd unit, held against the command line's and the settings' real names."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from parts.command_line import parsed

from bridge.cli.main import NEEDS_A_PERSON, WRONG
from bridge.settings import ENVIRONMENT_PREFIX, Settings

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service["image"].startswith("tom-bridge")}
EXAMPLE = dict(
    line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if re.match(r"\w+=", line)
)
SECRETS = {"KAFKA_CLUSTER_ID": "x" * 22, "TOM_A_API_KEY": "a" * 40, "TOM_B_API_KEY": "b" * 40}


def filled(text: str) -> str:
    """Return ``text`` with ``${NAME}``, ``${NAME:-default}`` and ``${NAME:?message}`` as compose fills them in."""

    def value(found: re.Match[str]) -> str:
        given = {**EXAMPLE, **SECRETS}.get(found["name"], "")
        assert given or found["operator"] == ":-", f"{found['name']} is not in .env.example"
        return given or found["rest"]

    return re.sub(r"\$\{(?P<name>\w+)(?:(?P<operator>:[-?])(?P<rest>[^}]*))?\}", value, text)


def commands() -> list[list[str]]:
    """Return every command of ours in the compose file: what is run, and the health checks."""
    found = [service["command"] for service in OURS.values()]
    for service in OURS.values():
        if check := service.get("healthcheck"):
            assert check["test"][:2] == ["CMD", "tom-bridge"]
            found.append(check["test"][2:])
    return [[filled(part) for part in command] for command in found]


@pytest.mark.parametrize("command", commands(), ids=" ".join)
def test_every_command_of_the_compose_file_is_one_of_the_command_line(command: list[str]) -> None:
    assert parsed(command)


def test_a_command_that_does_not_exist_would_be_seen() -> None:
    with pytest.raises(Exception, match="No such option: --chekc"):
        parsed(["status", "--chekc"])


@pytest.mark.parametrize("name", OURS)
def test_the_environment_of_each_service_is_a_whole_configuration(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    environment = OURS[name]["environment"]
    for variable, value in environment.items():
        assert variable.startswith(ENVIRONMENT_PREFIX)
        monkeypatch.setenv(variable, filled(value))
    settings = Settings.load()
    assert settings.stream.url == "kafka://kafka:9092"
    if OURS[name]["command"] == ["consume"]:
        assert settings.require_tom().api_key is not None
        assert settings.require_origin() == name
        assert [one.topic for one in settings.require_subscriptions()] == [EXAMPLE["TOPIC"]]
        assert settings.ledger.is_relative_to(OURS[name]["volumes"][0].split(":")[1])


def test_the_topic_that_is_made_is_the_one_that_is_read() -> None:
    assert filled(OURS["topics"]["command"][-1]) == EXAMPLE["TOPIC"]


def test_the_broker_keeps_history_on_a_volume() -> None:
    kafka = SERVICES["kafka"]
    assert kafka["environment"]["KAFKA_LOG_RETENTION_MS"] == "-1"
    assert kafka["volumes"] == [f"kafka:{kafka['environment']['KAFKA_LOG_DIRS']}"]
    assert "kafka" in COMPOSE["volumes"]


def test_every_volume_that_is_mounted_is_declared_and_is_of_one_installation() -> None:
    origins: dict[str, set[str]] = {}
    for name, service in SERVICES.items():
        for volume in service.get("volumes", ()):
            origin = service["environment"].get("TOM_BRIDGE_ORIGIN", name)
            origins.setdefault(volume.split(":")[0], set()).add(origin)
    assert {volume for volume in origins if not volume.startswith("./")} == set(COMPOSE["volumes"])
    assert all(len(those) == 1 for those in origins.values())


def test_the_gateway_has_tls_and_the_state_of_a_consumer() -> None:
    environment = OURS["gateway"]["environment"]
    assert OURS["gateway"]["volumes"][0] == OURS["tom-a"]["volumes"][0]
    assert environment["TOM_BRIDGE_GATEWAY__CERTIFICATE"].startswith("/certificates/")
    assert environment["TOM_BRIDGE_GATEWAY__KEY"].startswith("/certificates/")


def test_no_secret_is_in_a_committed_file() -> None:
    assert all(not EXAMPLE[name] for name in SECRETS)
    assert ".env" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("command", ["consume", "gateway"])
def test_the_unit_runs_a_command_that_exists_and_stops_at_what_a_person_has_to_mend(command: str) -> None:
    unit = (ROOT / "docs" / f"tom-bridge-{command}.service").read_text()
    start = re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    assert start is not None
    program, *arguments = shlex.split(start[1])
    assert Path(program).name == "tom-bridge"
    assert parsed(arguments).endswith(command)
    prevented = re.search(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)
    assert prevented is not None
    assert {int(code) for code in prevented[1].split()} == {WRONG, NEEDS_A_PERSON}
