"""The real parts that lines share, each started at its first use: a TOM in process, TOMs that serve, Kafka."""

import itertools
import logging
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from parts.django_tom import InProcess
from parts.kafka import KafkaBroker
from parts.tom_site import Pristine, Toolkit
from parts.toms import Tom

from bridge.cli.logs import set_up_logs

_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher", "django.contrib.auth.hashers.MD5PasswordHasher"]
"""Django's own, as every TOM has it: with each request that brings a password it is part of what sharing costs.

The other one is that of the tests' accounts, whose passwords are hashed anew at their first login.
"""


class Stage:
    """Where lines are measured. ``folder`` is for all that they leave; the test of them brings parts of its own."""

    def __init__(
        self,
        folder: Path,
        *,
        in_process: InProcess | None = None,
        broker: str = "",
        make_tom: Callable[..., Tom] | None = None,
    ) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._given = {"in_process": in_process, "broker": broker, "make_tom": make_tom}
        self._stack = ExitStack()
        self._toms = itertools.count()

    def folder(self, name: str = "") -> Path:
        """Return a new folder."""
        made = self._folder / f"{name or 'line'}{next(self._numbers)}"
        made.mkdir(parents=True)
        return made

    @cached_property
    def in_process(self) -> InProcess:
        """The TOM of this process."""
        if self._given["in_process"] is not None:
            return self._given["in_process"]
        process = InProcess(self.folder("in-process"))
        self._stack.callback(process.stop)
        return process

    @cached_property
    def broker(self) -> str:
        """The address of an Apache Kafka."""
        if self._given["broker"]:
            return str(self._given["broker"])
        broker = KafkaBroker(self.folder("kafka"))
        broker.start()
        self._stack.callback(broker.stop)
        return broker.address

    def tom(self, **settings: Any) -> Tom:
        """Return a pristine TOM that serves, of TOM Toolkit 3.1."""
        settings = {"PASSWORD_HASHERS": _HASHERS, **settings}
        if self._given["make_tom"] is not None:
            return self._given["make_tom"](f"bench{next(self._toms)}", settings)
        tom = Tom(self._pristine, self.folder("tom"), settings=settings)
        self._stack.callback(tom.stop)
        return tom.start()

    @cached_property
    def with_app(self) -> Pristine:
        """The pristine database of a TOM that has the app."""
        return self.in_process.pristine

    @cached_property
    def _pristine(self) -> Pristine:
        return Pristine.made(Toolkit.wanted(3), self.folder("pristine"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()


def log_as_a_daemon(file: Path) -> None:
    """Write logs to ``file`` as a daemon does: they are part of what is timed."""
    sys.stderr = file.open("a")
    set_up_logs(logging.INFO)
