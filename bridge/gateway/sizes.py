"""How large a file may be on a topic: asked of the stream beside the answers, which never wait for it."""

import threading
from collections.abc import Callable, Collection
from contextlib import closing

import structlog

from bridge.errors import BridgeError
from bridge.events import MAX_PRODUCT_BYTES
from bridge.stream.port import Stream

log = structlog.get_logger(__name__)

_ENVELOPE = 16_384
"""Bytes of an event beside its file."""
_EVERY_S = 600.0


class Sizes:
    """What is known of the topics; as long as nothing is, the most that any takes."""

    def __init__(self, open_stream: Callable[[], Stream], topics: Callable[[], Collection[str]]) -> None:
        self._open_stream = open_stream
        self._topics = topics
        self._most: dict[str, int] = {}

    def most_bytes(self, topic: str) -> int:
        """Return how many bytes a file may have on ``topic``."""
        return min(MAX_PRODUCT_BYTES, self._most.get(topic, MAX_PRODUCT_BYTES))

    def watch(self, stopped: threading.Event) -> None:
        """Ask now and again in a thread of its own, until ``stopped``."""
        threading.Thread(target=self._watch, args=(stopped,), name="gateway-sizes", daemon=True).start()

    def _watch(self, stopped: threading.Event) -> None:
        while not stopped.is_set():
            self.ask()
            stopped.wait(_EVERY_S)

    def ask(self) -> None:
        """Ask the stream; what it does not say stays as it was."""
        try:
            with closing(self._open_stream()) as stream:
                for topic in self._topics():
                    self._most[topic] = max(stream.largest_value(topic) - _ENVELOPE, 0)
        except BridgeError as error:
            log.info("gateway.sizes_not_told", message=str(error))
