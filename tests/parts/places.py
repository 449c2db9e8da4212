"""Where a test publishes and subscribes: a topic on either stream, and a consumer group of its own."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from parts.bridges import TOPIC, Publishing, Subscribed
from parts.toms import Tom


@dataclass(frozen=True)
class Place:
    """A topic on a stream, and a group that nobody else uses."""

    url: str
    topic: str = TOPIC
    origin: str = "beta"
    options: dict[str, Any] = field(default_factory=dict)

    def publishing(self, **given: Any) -> Publishing:
        """Return a TOM that publishes here; ``given`` as for :class:`Publishing`."""
        return Publishing(self.url, topic=self.topic, **given)

    def subscribed(self, tom: Tom, folder: Path, **settings: Any) -> Subscribed:
        """Return ``tom`` with a bridge that has subscribed here."""
        stream = {"kafka": self.options} if self.options else {}
        return Subscribed(tom, self.url, folder, topic=self.topic, origin=self.origin, stream=stream, **settings)
