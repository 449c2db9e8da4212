"""How one logs in to HOPSKOTCH: by options, by hop's file, by the user in the address."""

from contextlib import closing
from pathlib import Path

import pytest
from parts.streams import starting_at

from bridge.errors import ConfigurationError
from bridge.stream.hopskotch import HopskotchStream

OPTIONS = {"security.protocol": "SASL_SSL", "sasl.mechanisms": "SCRAM-SHA-512", "sasl.password": "secret"}


def group_of(stream: HopskotchStream) -> str:
    """Return how the group ``tom`` is called there."""
    with closing(stream.subscribe(["events"], "tom", starting_at(0), missing_ok=True)) as member:
        return member._group


@pytest.fixture
def auth(tmp_path: Path) -> Path:
    path = tmp_path / "auth.toml"
    path.write_text(
        "".join(f'[[auth]]\nusername = "{user}"\npassword = "secret"\nhostname = ""\n' for user in ("alice", "bob"))
    )
    path.chmod(0o600)
    return path


def test_the_user_in_the_address_chooses_the_credential(auth: Path) -> None:
    for user in ("alice", "bob"):
        with closing(HopskotchStream(f"kafka://{user}@localhost:1", {}, auth)) as stream:
            assert stream.url == "kafka://localhost:1"
            assert group_of(stream) == f"{user}-tom"


def test_options_log_in_without_a_file() -> None:
    with closing(HopskotchStream("kafka://localhost:1", OPTIONS | {"sasl.username": "carol"})) as stream:
        assert group_of(stream) == "carol-tom"


@pytest.mark.parametrize("url", ["kafka://localhost:1", "kafka://alice@localhost:1"])
def test_two_log_ins_are_refused(auth: Path, url: str) -> None:
    given = None if "@" in url else auth
    with pytest.raises(ConfigurationError, match="two log-ins"):
        HopskotchStream(url, OPTIONS | {"sasl.username": "carol"}, given)
