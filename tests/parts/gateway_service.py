"""``tom-bridge gateway`` as a process of its own; free of pytest and of the test client."""

import contextlib
import io
import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import requests
import structlog
from parts import warm
from parts.bridges import PROGRAM, TOPIC, as_toml
from parts.toms import free_port
from parts.wait import wait_until

from bridge.cli.main import run
from bridge.codec.schemas import SCHEMA_TOPIC
from bridge.stream import open_stream

ACCOUNT = "north-tom"
OTHER_TOPIC = "supernovae.other"


def with_topics(url: str, *topics: str) -> str:
    """Make topics on a stream, and return its address."""
    stream = open_stream(url)
    for topic in topics or (TOPIC, OTHER_TOPIC):
        stream.create_topic(topic)
    stream.create_topic(SCHEMA_TOPIC, compacted=True)
    stream.close()
    return url


class Serving:
    """``tom-bridge gateway`` as a process of its own."""

    def __init__(self, folder: Path, url: str, **given: Any) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}/"
        self.verify: bool | str = True
        """The certificate that it is known by."""
        self.folder = folder
        gateway = {"pause_s": 0.3, "listen": f"127.0.0.1:{port}", **given.pop("gateway", {})}
        mapping = {"origin": "north", "stream": {"url": url}, "state": str(folder / "state"), **given}
        self._mapping = {**mapping, "gateway": gateway}
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "tom-bridge.toml"
        self.configure()
        self.log = folder / "gateway.log"
        self.process: warm.Python | None = None

    def configure(self, **given: Any) -> None:
        """Write the configuration, with further settings."""
        self._mapping |= given
        self.config.write_text(as_toml(self._mapping))

    def account(self, name: str = ACCOUNT, *topics: str, display_name: str = "North TOM") -> str:
        """Add an account by command, and return its password."""
        options = [part for topic in topics or (TOPIC,) for part in ("--topic", topic)]
        return str(
            json.loads(self.run("accounts", "add", name, *options, "--display-name", display_name, "--json"))[
                "password"
            ]
        )

    def run(self, *arguments: str, command: str = "gateway") -> str:
        """Return what a command of the gateway's prints; it is run in this process."""
        code, out, err = self.ended(*arguments, command=command)
        assert code == 0, err
        return out

    def ended(self, *arguments: str, command: str = "gateway") -> tuple[int, str, str]:
        """Return a command's exit code, and what it prints on both of its ways."""
        out, err = io.StringIO(), io.StringIO()
        logs = structlog.get_config() if structlog.is_configured() else None
        try:
            with redirect_stdout(out), redirect_stderr(err):
                code = run(["--config", str(self.config), command, *arguments])
        finally:  # the command line sets up the logs of the whole process
            structlog.reset_defaults()
            if logs is not None:
                structlog.configure(**logs)
        return code, out.getvalue(), err.getvalue()

    def start(self, *options: str) -> "Serving":
        """Serve, and return when it answers."""
        command = [*PROGRAM, "--config", str(self.config), "gateway", *options]
        self.process = warm.logged(command, self.log, environment={**os.environ, "NO_COLOR": "1"})
        wait_until(self._answers, timeout_s=60, what=f"the gateway (log: {self.log})")
        return self

    def stop(self) -> int:
        """End it as systemd does, and return its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(20)

    def kill(self) -> None:
        """Kill it."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Return the lines of its log that tell of an event."""
        lines = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [one for one in lines if one["event"] == event]

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(self.url, timeout=5, verify=self.verify).status_code == 404
        return False


@contextmanager
def served_gateway(folder: Path, url: str, **given: Any) -> Iterator[Serving]:
    """Serve a gateway for a block."""
    with ExitStack() as stack:
        serving = Serving(folder, url, **given)
        stack.callback(lambda: serving.process and serving.process.poll() is None and serving.kill())
        yield serving
