"""The body of an HTTP answer: no more bytes of it, and no longer, than who asked can bear."""

from collections.abc import Callable

import requests

_PIECE = 65_536


def read_body(answer: requests.Response, most_bytes: int | None, is_over: Callable[[], bool]) -> None:
    """Read the body of an answer that was asked for with ``stream``, so that ``content`` has it.

    ``requests`` bounds the time between two bytes only, and not their number. Beyond ``most_bytes`` no more is read:
    the content then has more than these. Raises requests.Timeout where ``is_over`` says so before the end.
    """
    parts: list[bytes] = []
    size = 0
    for part in answer.iter_content(_PIECE):
        parts.append(part)
        size += len(part)
        if most_bytes is not None and size > most_bytes:
            answer.close()
            break
        if is_over():
            answer.close()
            raise requests.Timeout
    answer._content = b"".join(parts)
