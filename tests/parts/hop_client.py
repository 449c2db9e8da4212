"""hop-client and tom_alertstreams as others run them: in an environment of their own, which ``make install`` makes."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from parts.hopskotch import Credential, HopskotchBroker

PYTHON = Path(__file__).parents[2] / ".venv-hop" / "bin" / "python"


class Hop:
    """Somebody at HOPSKOTCH with a credential, who has hop-client."""

    def __init__(self, broker: HopskotchBroker, credential: Credential, folder: Path) -> None:
        if not PYTHON.exists():
            told = f"hop-client is missing: there is no {PYTHON.name} in .venv-hop ('make install' makes it)"
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(told)
        self._broker = broker
        self._credential = credential
        self._folder = folder
        (folder / "hop").mkdir()
        self.auth = broker.write_auth(folder / "hop" / "auth.toml", credential)

    def write(self, topic: str, *messages: dict[str, Any]) -> None:
        """Write messages, each with its ``form`` (json, avro, blob) and ``content``."""
        self._ask("write", url=self._url(topic), messages=messages)

    def read(self, topic: str) -> list[Any]:
        """Return all that is on a topic."""
        found: list[Any] = self._ask("read", url=self._url(topic), group=self._group("read"))
        return found

    def listen(self, topic: str) -> Any:
        """Return the first message of a topic, by tom_alertstreams."""
        one = self._credential
        return self._ask(
            "listen", url=f"kafka://{self._broker.tls_address}", group=self._group("listen"), topic=topic,
            username=one.username, password=one.password, ca=str(self._broker.ca),
        )  # fmt: skip

    def _group(self, what: str) -> str:
        return f"{self._credential.username}-{what}"

    def _url(self, topic: str) -> str:
        return f"kafka://{self._credential.username}@{self._broker.tls_address}/{topic}"

    def _ask(self, do: str, **given: Any) -> Any:
        ended = subprocess.run(
            [PYTHON, "-P", "-W", "ignore", Path(__file__).with_name("hop_side.py")],
            input=json.dumps({"do": do, **given}),
            env={**os.environ, "XDG_CONFIG_HOME": str(self._folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert ended.returncode == 0, ended.stderr[-2000:]
        return json.loads(ended.stdout)
