"""The Django app as a subscriber: a bridge onto the TOM of this process."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts.bridges import TOPIC, Subscribed
from parts.django_tom import InProcessTom
from parts.tom_site import GROUP

from bridge.operations.assemble import Bridge


class SubscribedInProcess(Subscribed):
    """The TOM of this process with the app, subscribed to one topic."""

    def __init__(
        self, tom: InProcessTom, url: str, folder: Path, *, topic: str = TOPIC, origin: str = "beta", **settings: Any
    ) -> None:
        self.tom = tom
        self.folder = folder
        self.topic = topic
        self.mapping: dict[str, Any] = {
            "origin": origin,
            "stream": {"url": url},
            "subscribe": [{"topic": topic, "groups": [GROUP], **settings.pop("subscription", {})}],
            "limits": {"attempts": 2, **settings.pop("limits", {})},
            **settings,
        }

    @contextmanager
    def open(self) -> Iterator[Bridge]:
        """Open the bridge for a block."""
        from django.test.utils import override_settings

        from bridge.tomtoolkit.operating.assemble import open_bridge

        with override_settings(TOM_BRIDGE=self.mapping, TOM_NAME="Beta TOM"), open_bridge() as bridge:
            yield bridge
