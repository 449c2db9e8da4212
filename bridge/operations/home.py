"""Where commands are at home: beside a TOM, with a configuration and a ledger of their own, or inside of one.

What a command does is the same in both places; only who gives it settings, ledger and TOM differs.
"""

# ruff: noqa: PLC0415 (what takes time to import is imported by the command that needs it)

import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bridge.errors import ConfigurationError
from bridge.ledger.port import Ledger
from bridge.operations.opening import has_gateway, opened_ledger
from bridge.operations.room import lack_of_room
from bridge.settings import Settings

if TYPE_CHECKING:
    from bridge.operations.assemble import Bridge
    from bridge.operations.finding import Finding
    from bridge.operations.gateway_status import GatewayStatus
    from bridge.publishing.outbox import Outbox


class Home(Protocol):
    """One TOM's bridge, as commands reach it."""

    @property
    def settings(self) -> Settings:
        """The settings. Raises ConfigurationError."""
        ...

    def ledger(self) -> AbstractContextManager[Ledger]:
        """Open the ledger for a block."""
        ...

    def bridge(self, stopped: threading.Event | None = None) -> "AbstractContextManager[Bridge]":
        """Open stream, ledger and TOM for a block; ``stopped`` is to be the bridge's own."""
        ...

    def examine(self) -> "Iterator[Finding]":
        """Yield whether everything is there that the bridge needs, as it is found."""
        ...

    def problems(self, stalled_s: float) -> list[str]:
        """Return what is wrong here beside what the status tells; ``stalled_s`` as for ``status --check``."""
        ...

    def gateway(self) -> "GatewayStatus | None":
        """Return how the gateway is that stands here; None where there is none."""
        ...

    def outbox(self) -> "AbstractContextManager[Outbox]":
        """Open what is on its way out for a block. Raises ConfigurationError where nothing is kept of that here."""
        ...

    def besides(self, bridge: "Bridge") -> None:
        """Do what a consumer has to do here besides: called before each of its turns."""
        ...

    def named(self, text: str) -> str:
        """Return a text for people with its commands as they are called here."""
        ...


class Beside:
    """Beside a TOM, which is written into over REST; ``config`` is the file that ``--config`` names."""

    def __init__(self, config: Path | None = None) -> None:
        self._config = config

    @cached_property
    def settings(self) -> Settings:
        """The settings of the file, or of the environment and the working folder. Raises ConfigurationError."""
        return Settings.load(self._config)

    def ledger(self) -> AbstractContextManager[Ledger]:
        """Open the ledger's file for a block."""
        return opened_ledger(self.settings)

    def bridge(self, stopped: threading.Event | None = None) -> "AbstractContextManager[Bridge]":
        """Open stream, ledger and TOM for a block."""
        from bridge.operations.assemble import open_bridge

        return open_bridge(self.settings, stopped)

    def examine(self) -> "Iterator[Finding]":
        """Yield what is found, the TOM asked over REST."""
        from bridge.operations.doctor import examine

        return examine(self.settings)

    def problems(self, stalled_s: float) -> list[str]:
        """Return whether the disk is full, and what is wrong with the gateway, where there is one."""
        lacking = lack_of_room(self.settings)
        if not has_gateway(self.settings):
            return lacking
        from bridge.operations.gateway_status import gateway_problems

        return [*lacking, *gateway_problems(self.settings, stalled_s)]

    def gateway(self) -> "GatewayStatus | None":
        """Return how the gateway is that has its state in this configuration's folder."""
        if not has_gateway(self.settings):
            return None
        from bridge.operations.gateway_status import gateway_status

        return gateway_status(self.settings)

    def outbox(self) -> "AbstractContextManager[Outbox]":
        """Open the outbox of the gateway for a block."""
        if not has_gateway(self.settings):
            raise ConfigurationError(
                "there is no outbox here: the gateway has one",
                where="state",
                mend="What 'publish' sends it confirms itself; in a TOM with the app write: manage.py bridgeoutbox",
            )
        from bridge.operations.gateway import opened_store

        return opened_store(self.settings)

    def besides(self, bridge: "Bridge") -> None:
        """Beside a TOM there is nothing."""

    def named(self, text: str) -> str:
        """Return the text: ``tom-bridge status`` is what it is called here."""
        return text
