"""The bridge of one TOM: its configuration, its commands, its daemon. All of it through the command line."""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from parts.toms import Tom

from demo.show import PROGRAM, NotSoError, show_command

_STOP_S = 20


@dataclass
class Bridge:
    """One TOM's bridge. ``kinds`` None: every kind is received."""

    tom: Tom
    origin: str
    name: str
    folder: Path
    stream: str
    topic: str
    groups: tuple[str, ...]
    kinds: tuple[str, ...] | None

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.configuration = self.folder / "tom-bridge.toml"
        self.log = self.folder / "consume.log"
        self._daemon: subprocess.Popen[bytes] | None = None
        kinds = f"kinds = {json.dumps(self.kinds)}\n" if self.kinds else ""
        # JSON's strings and lists are TOML's as well.
        self.configuration.write_text(
            f"origin = {json.dumps(self.origin)}\n\n"
            f"[stream]\nurl = {json.dumps(self.stream)}\n\n"
            f"[tom]\ndisplay_name = {json.dumps(self.name)}\nbase_url = {json.dumps(self.tom.base_url + '/')}\n"
            f"api_key = {json.dumps(self.tom.pristine.tokens['bridge'])}\ngroups = {json.dumps(self.groups)}\n\n"
            f"[[subscribe]]\ntopic = {json.dumps(self.topic)}\n{kinds}\n"
            f"[publish]\ntopic = {json.dumps(self.topic)}\n\n"
            f"[limits]\nbatch_s = 0.5\nparked_retry_s = 1\n"
        )
        self.configuration.chmod(0o600)

    def run(self, *arguments: str | Path, shown: bool = False) -> str:
        """Run a command of this TOM's bridge and return what it printed."""
        command = [str(argument) for argument in arguments]
        if shown:
            show_command(command)
        done = subprocess.run(
            [PROGRAM, *command], env=self._environment, cwd=self.folder, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise NotSoError(
                f"{self.name}: tom-bridge {' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def ask(self, *arguments: str) -> Any:
        """Run a command with ``--json`` and return its answer."""
        return json.loads(self.run(*arguments, "--json"))

    def start(self) -> None:
        """Start the consumer as a process of its own, as systemd would."""
        with self.log.open("ab") as log:
            self._daemon = subprocess.Popen(
                [PROGRAM, "consume"],
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End the consumer as systemd would; by force where it doesn't go."""
        if self._daemon is None:
            return
        self._daemon.terminate()
        try:
            self._daemon.wait(timeout=_STOP_S)
        except subprocess.TimeoutExpired:
            self._daemon.kill()
            self._daemon.wait()
        self._daemon = None

    def check_alive(self) -> None:
        """Raise NotSoError where the consumer has ended by itself."""
        if self._daemon is not None and (code := self._daemon.poll()) is not None:
            raise NotSoError(f"the consumer of {self.name} ended with {code}:\n{self.log.read_text()[-2000:]}")

    @property
    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("TOM_BRIDGE_")}
        return kept | {"TOM_BRIDGE_CONFIG": str(self.configuration)}
