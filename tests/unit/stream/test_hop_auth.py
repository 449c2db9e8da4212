"""hop's ``auth.toml``: which credential is taken, and what is refused."""

from pathlib import Path

import certifi
import pytest

from bridge.errors import ConfigurationError
from bridge.stream.hop_auth import credential_for, default_path

HOST = "kafka.scimma.org:9092"


def auth(tmp_path: Path, *entries: dict[str, str], mode: int = 0o600) -> Path:
    path = tmp_path / "auth.toml"
    tables = ["[[auth]]\n" + "".join(f'{key} = "{value}"\n' for key, value in entry.items()) for entry in entries]
    path.write_text("\n".join(tables))
    path.chmod(mode)
    return path


def entry(username: str, hostname: str = "", **more: str) -> dict[str, str]:
    return {"username": username, "password": f"secret-of-{username}", "hostname": hostname, **more}


def complaint(path: Path, address: str = HOST, user: str = "") -> str:
    with pytest.raises(ConfigurationError) as told:
        credential_for(address, user, path)
    assert "secret" not in str(told.value)
    assert "secret" not in repr(told.value)
    return str(told.value)


def test_what_hop_has_written_logs_in(tmp_path: Path) -> None:
    path = auth(tmp_path, entry("alice", "kafka.scimma.org", protocol="SASL_SSL", mechanism="SCRAM-SHA-512"))
    found = credential_for(HOST, "", path)
    assert found.options() == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanisms": "SCRAM-SHA-512",
        "sasl.username": "alice",
        "sasl.password": "secret-of-alice",
        "ssl.ca.location": certifi.where(),
    }
    assert "secret" not in repr(found)


def test_its_own_authority_is_taken_where_it_names_one(tmp_path: Path) -> None:
    path = auth(tmp_path, entry("alice", ssl_ca_location="/etc/ca.pem"))
    assert credential_for(HOST, "", path).ca == "/etc/ca.pem"


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = auth(tmp_path, entry("alice"), mode=mode)
    assert f"chmod 0600 {path}" in complaint(path)


@pytest.mark.parametrize(
    ("address", "user", "taken"),
    [
        ("kafka.scimma.org:9092", "", "of-hop"),  # the port that is left out is 9092
        ("dev.hop.scimma.org:9092", "", "of-dev"),
        ("dev.hop.scimma.org:9093", "", "of-any"),  # no entry of that port: the one of no host
        ("kafka.scimma.org:9092", "second", "second"),
    ],
)
def test_of_several_the_one_for_the_host_and_the_user_is_taken(
    tmp_path: Path, address: str, user: str, taken: str
) -> None:
    entries = [entry("of-hop", "kafka.scimma.org"), entry("of-dev", "dev.hop.scimma.org:9092"), entry("of-any")]
    if user:
        entries.append(entry(user, "kafka.scimma.org:9092"))
    assert credential_for(address, user, auth(tmp_path, *entries)).username == taken


def test_where_several_fit_the_message_says_how_to_choose(tmp_path: Path) -> None:
    path = auth(tmp_path, entry("alice", "kafka.scimma.org"), entry("bob", "kafka.scimma.org:9092"))
    told = complaint(path)
    assert "alice and bob" in told
    assert "kafka://alice@kafka.scimma.org:9092" in told


def test_where_none_fits_the_message_says_what_there_is(tmp_path: Path) -> None:
    path = auth(tmp_path, entry("alice", "elsewhere.org"))
    assert "alice for elsewhere.org" in complaint(path)
    assert "the user bob" in complaint(path, user="bob")
    assert "none at all" in complaint(auth(tmp_path))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[auth]\npassword = "secret"', "is no TOML"),
        ('auth = "secret"', r"no tables [[auth]]"),
        ('[[auth]]\nusername = "alice"', "no username or no password"),
        ('[[auth]]\nusername = "a"\npassword = "secret"\nmechanism = "OAUTHBEARER"', "'OAUTHBEARER' of a"),
    ],
)
def test_what_can_not_be_understood_is_told_without_secrets(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "auth.toml"
    path.write_text(text)
    path.chmod(0o600)
    assert says in complaint(path)


def test_a_credential_of_another_kind_costs_no_other(tmp_path: Path) -> None:
    path = auth(tmp_path, entry("b", "other.org", mechanism="OAUTHBEARER"), entry("alice", "kafka.scimma.org"))
    assert credential_for(HOST, "", path).username == "alice"
    assert "'OAUTHBEARER' of b" in complaint(path, "other.org:9092")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert "hop auth add" in complaint(tmp_path / "auth.toml")


def test_hop_keeps_it_in_the_folder_of_configurations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert default_path() == tmp_path / "hop" / "auth.toml"
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", "/home/ada")
    assert default_path() == Path("/home/ada/.config/hop/auth.toml")
