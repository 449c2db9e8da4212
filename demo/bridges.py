"""The bridge of one TOM, by the commands that its administrator has: inside the TOM, or beside it over REST."""

import json
import os
import subprocess
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import requests
from parts.managed_tom import ManagedTom, Managing
from parts.toms import Tom
from parts.wait import wait_until

from demo.show import PROGRAM, NotSoError, show_command

_STOP_S = 20
_LONGEST_S = 120.0


class Bridge(ABC):
    """One TOM's bridge. ``name`` is the TOM's for people, ``origin`` its id on the stream."""

    command: str
    """What is typed in front of a command's name."""
    daemon: str
    """The name of the command that goes on."""

    def __init__(self, tom: Tom, origin: str, name: str, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.tom = tom
        self.origin = origin
        self.name = name
        self.folder = folder
        self.log = folder / "daemon.log"

    @property
    def place(self) -> str:
        """How the TOM is called in a sentence: ``East``."""
        return self.name.split()[0]

    def run(self, *arguments: str, shown: bool = False) -> str:
        """Run a command of this TOM's bridge and return what it printed."""
        if shown:
            show_command(self.origin, f"{self.command}{arguments[0]}", *arguments[1:])
        done = self._ended(*arguments)
        if done.returncode != 0:
            told = f"{self.command}{' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            raise NotSoError(f"{self.name}: {told}")
        return done.stdout

    def ask(self, *arguments: str) -> Any:
        """Run a command with ``--json`` and return its answer."""
        return json.loads(self.run(*arguments, "--json"))

    @abstractmethod
    def start(self) -> None:
        """Start the daemon as a process of its own, as systemd would."""

    @abstractmethod
    def stop(self) -> None:
        """End the daemon as systemd would."""

    @abstractmethod
    def outcomes(self) -> int:
        """Return of how many events the ledger has an outcome."""

    @abstractmethod
    def parked(self) -> int:
        """Return how much is parked."""

    def check_alive(self) -> None:
        """Raise NotSoError where the daemon has ended by itself."""
        code = self._exit_code()
        if code is not None:
            raise NotSoError(f"the bridge of {self.name} ended with {code}:\n{self.log.read_text()[-2000:]}")

    @abstractmethod
    def _ended(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""

    @abstractmethod
    def _exit_code(self) -> int | None:
        """Return with what the daemon has ended; None where it runs or was not started."""


class Inside(Bridge):
    """The Django app in the TOM: ``manage.py``, and the ledger in the TOM's own database."""

    command = "python manage.py bridge"
    daemon = "run"
    tom: ManagedTom

    def __init__(self, tom: ManagedTom, origin: str, name: str, folder: Path) -> None:
        super().__init__(tom, origin, name, folder)
        self._running = ExitStack()
        self._daemon: Managing | None = None

    def migrate(self) -> str:
        """Run ``migrate``, as whoever adds an app to a TOM does; return what it printed."""
        show_command(self.origin, "python manage.py migrate")
        done = self.tom.manage("migrate", timeout_s=_LONGEST_S)
        if done.returncode != 0:
            raise NotSoError(f"{self.name}: migrate ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self) -> None:
        """Start ``bridgerun``: it publishes and receives."""
        self._daemon = self._running.enter_context(self.tom.managing(f"bridge{self.daemon}", log=self.log))

    def stop(self) -> None:
        """End it; by force where it doesn't go, and then raise AssertionError."""
        self._daemon = None
        self._running.close()

    def outcomes(self) -> int:
        """Count them where they are, in the TOM's database."""
        return len(self.tom.query("SELECT id FROM tom_bridge_event"))

    def parked(self) -> int:
        """Count it where it is, in the TOM's database."""
        return len(self.tom.query("SELECT id FROM tom_bridge_waiting"))

    def _ended(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.tom.manage(f"bridge{arguments[0]}", *arguments[1:], timeout_s=_LONGEST_S)

    def _exit_code(self) -> int | None:
        return None if self._daemon is None else self._daemon.process.poll()


class Beside(Bridge):
    """The ``tom-bridge`` command beside an unchanged TOM, which it reaches over REST."""

    command = "tom-bridge "
    daemon = "consume"

    def __init__(self, tom: Tom, origin: str, name: str, folder: Path, settings: dict[str, dict[str, Any]]) -> None:
        """``settings`` are the tables of the configuration file; ``subscribe`` is the one subscription."""
        super().__init__(tom, origin, name, folder)
        self.configuration = folder / "tom-bridge.toml"
        self.configuration.write_text(f"origin = {json.dumps(origin)}\n" + _toml(settings))
        self.configuration.chmod(0o600)
        self.gateway_url = f"http://{settings['gateway']['listen']}/"
        self._daemons: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start ``consume``: it receives."""
        self._start(self.daemon)

    def start_gateway(self) -> None:
        """Start ``gateway``: by it the TOM publishes."""
        self._start("gateway")
        wait_until(self._gateway_answers, what=f"the gateway at {self.gateway_url} (log: {self.log})")

    def _start(self, command: str) -> None:
        with self.log.open("ab") as log:
            daemon = subprocess.Popen(
                [PROGRAM, command],
                env=self._environment,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._daemons.append(daemon)

    def _gateway_answers(self) -> bool:
        self.check_alive()
        try:
            return requests.get(self.gateway_url, timeout=5).status_code == 404
        except requests.ConnectionError:
            return False

    def stop(self) -> None:
        """End all; by force what doesn't go."""
        for daemon in self._daemons:
            daemon.terminate()
        for daemon in self._daemons:
            try:
                daemon.wait(timeout=_STOP_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._daemons = []

    def outcomes(self) -> int:
        """Ask the command: the ledger is a file beside the TOM."""
        return len(self.ask("shares"))

    def parked(self) -> int:
        """Ask the command."""
        return len(self.ask("parked", "list"))

    def _ended(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments],
            env=self._environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=_LONGEST_S,
        )

    def _exit_code(self) -> int | None:
        return next((code for daemon in self._daemons if (code := daemon.poll()) is not None), None)

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, "TOM_BRIDGE_CONFIG": str(self.configuration)}


def _toml(settings: dict[str, dict[str, Any]]) -> str:
    # JSON's strings, lists and numbers are TOML's as well.
    tables = []
    for name, given in settings.items():
        header = "[[subscribe]]" if name == "subscribe" else f"[{name}]"
        tables.append("\n".join((header, *(f"{key} = {json.dumps(value)}" for key, value in given.items()))))
    return "\n\n".join(tables) + "\n"
