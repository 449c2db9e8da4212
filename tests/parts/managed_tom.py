"""A TOM with the app as its administrator has it: a site in a folder, with a manage.py that runs its commands."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts import warm
from parts.bridges import Daemon
from parts.django_tom import render_with_bridge
from parts.tom_site import Pristine
from parts.toms import Tom

_MANAGE = """#!/usr/bin/env python
import os, sys
os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'tomsite.settings')
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
"""
# As the bridge's checks ask for.
_IMMEDIATE = """if DATABASES['default']['ENGINE'].endswith('sqlite3'):
    DATABASES['default']['OPTIONS'] = {'transaction_mode': 'IMMEDIATE', 'timeout': 20}
"""


class ManagedTom(Tom):
    """A TOM that has the app; not served unless a test starts it. ``bridge`` is its ``TOM_BRIDGE``."""

    def __init__(self, pristine: Pristine, folder: Path, bridge: Mapping[str, Any], settings: str = "") -> None:
        super().__init__(pristine, folder)
        self.bridge = dict(bridge)
        self._settings = settings
        self._given: dict[str, Any] = {}
        self.configure()
        (folder / "manage.py").write_text(_MANAGE)

    def configure(self, **changed: Any) -> None:
        """Write the settings, ``TOM_BRIDGE`` with these keys changed; None takes one out."""
        self.bridge = {name: value for name, value in {**self.bridge, **changed}.items() if value is not None}
        self.set()

    def set(self, **settings: Any) -> None:
        """Write the settings, with these changed."""
        self._given |= settings
        given = {"TOM_BRIDGE": self.bridge, "TOM_NAME": "Beta TOM", **self._given}
        settings = _IMMEDIATE + self._settings
        render_with_bridge(self.pristine.toolkit, self.site.folder, settings, **given)

    def manage(self, *arguments: str, timeout_s: float = 60.0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run ``manage.py`` to its end."""
        return warm.run(
            _command(*arguments),
            environment=self.environment | environment,
            folder=self.site.folder,
            timeout_s=timeout_s,
        )

    @contextmanager
    def managing(self, *arguments: str, log: Path) -> Iterator["Managing"]:
        """Run ``manage.py`` for a block, its output in ``log``."""
        running = Managing(_command(*arguments), self.environment, self.site.folder, log)
        try:
            yield running
        finally:
            running.end()

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands."""
        return self.site.environment | {"NO_COLOR": "1"}


class Managing(Daemon):
    """A ``manage.py`` command that runs."""

    def __init__(self, command: list[str], environment: Mapping[str, str], folder: Path, log: Path) -> None:
        self._log = log
        self.process = warm.logged(command, log, environment=environment, folder=folder)


def _command(*arguments: str) -> list[str]:
    return ["-W", "ignore", "manage.py", *arguments]
