"""A stream that is never there: for work within a request, which must not wait for the real one."""

from typing import Any, NoReturn, cast

from bridge.errors import StreamAwayError
from bridge.stream import Stream


class _NoStream:
    def __getattr__(self, name: str) -> Any:
        return self._refuse

    def account(self, topic: str) -> str:  # noqa: ARG002
        """Return an empty name: nobody logs in."""
        return ""

    def _refuse(self, *_given: object, **_named: object) -> NoReturn:
        raise StreamAwayError("a page asks nothing of the stream")


def no_stream() -> Stream:
    """Return a stream every method of which raises StreamAwayError, but for the account, of which there is none."""
    return cast(Stream, _NoStream())
