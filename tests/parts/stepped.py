"""A stream of which a test watches, or breaks, each step."""

from collections.abc import Callable
from typing import Any

from bridge.stream import open_stream


class Stepped:
    """A stream that tells of each step with what is on ``topic``, before and after it."""

    def __init__(self, url: str, topic: str, step: Callable[[str], object]) -> None:
        self._stream = open_stream(url)
        self._topic = topic
        self._step = step

    def publish(self, topic: str, **given: Any) -> None:
        if topic != self._topic:
            self._stream.publish(topic, **given)
            return
        self._step("before publish")
        self._stream.publish(topic, **given)
        self._step("after publish")

    def flush(self, timeout_s: float | None = None) -> None:
        self._step("before flush")
        self._stream.flush(timeout_s)
        self._step("after flush")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
