"""A stream that is never there: for work within a request, which must not wait for the real one."""

from typing import Any, NoReturn, cast

from bridge.errors import StreamAwayError
from bridge.stream import Stream


class _NoStream:
    def __getattr__(self, name: str) -> Any:
        return self._refuse

    def _refuse(self, *_given: object, **_named: object) -> NoReturn:
        raise StreamAwayError("a page asks nothing of the stream")


def no_stream() -> Stream:
    """Return a stream every method of which raises StreamAwayError."""
    return cast(Stream, _NoStream())
