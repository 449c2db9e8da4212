"""The gateway on the wire: who asks nothing keeps nothing, and a service that ends is seen to have ended."""

import base64
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import pytest
import requests
from parts.bridges import TOPIC
from parts.gateways import Asked
from parts.wait import wait_until

from bridge.gateway import app, serving
from bridge.gateway.serving import Place, Service, serve


@contextmanager
def served(gateway: Asked) -> Iterator[tuple[str, int]]:
    """Serve a gateway in this process, and yield where."""
    stopped = threading.Event()
    service = serve(gateway.client.app, place(), stopped)  # type: ignore[arg-type]
    try:
        yield service._listening.getsockname()[:2]
    finally:
        service.end()


def place() -> Place:
    return Place(host="127.0.0.1", port=0)


def request_head(gateway: Asked, line: str) -> bytes:
    """Return the beginning of a request, without the empty line that ends it."""
    assert gateway.auth is not None
    login = base64.b64encode(":".join(gateway.auth).encode()).decode()
    return f"{line} HTTP/1.1\r\nHost: a\r\nAuthorization: Basic {login}\r\n".encode()


def received(connection: socket.socket) -> bytes:
    """Return an answer, which is a JSON object."""
    answer = b""
    while not answer.endswith(b"}"):
        answer += connection.recv(4_000)
    return answer


def is_closed(connection: socket.socket, sent: bytes) -> bool:
    """Send something more, and return whether the other side has closed."""
    try:
        connection.sendall(sent)
        return connection.recv(1_000) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


def test_who_sends_no_whole_request_keeps_no_connection(gateway: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by sending a letter now and then either, nor after an answer."""
    monkeypatch.setattr(serving, "_HEAD_WITHIN_S", 0.3)
    with served(gateway) as where:
        for first in (b"", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nX: "):
            with socket.create_connection(where) as stranger:
                stranger.settimeout(0.02)
                stranger.sendall(first)
                if first.startswith(b"GET / HTTP/1.1\r\nHost"):
                    wait_until(lambda: not is_closed(stranger, b""), what="the answer")
                wait_until(lambda: is_closed(stranger, b"x"), what="the end of the connection")
        answer = requests.get(f"http://127.0.0.1:{where[1]}/{TOPIC}/api/targets/", auth=gateway.auth, timeout=10)
    assert answer.status_code == 200


def test_a_body_that_does_not_come_is_waited_for_no_longer(gateway: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "_NEXT_PART_S", 0.1)
    head = request_head(gateway, f"POST /{TOPIC}/api/targets/")
    with served(gateway) as where, socket.create_connection(where, timeout=10) as slow:
        slow.sendall(head + b"Content-Length: 99\r\n\r\n{")
        assert b" 408 " in received(slow)
    assert gateway.published() == []


def test_the_longest_names_of_a_target_can_be_asked_for(gateway: Asked) -> None:
    names = ["α" * 100] + [f"{number:03}" + "ω" * 97 for number in range(200)]
    token = gateway.share_target(names[0], aliases=names[1:]).json()["id"]
    head = request_head(gateway, f"GET /{TOPIC}/api/targets/?name_fuzzy={quote(','.join(names))}")
    with served(gateway) as where, socket.create_connection(where) as tom:
        tom.settimeout(0.3)
        tom.sendall(head[:-10])  # it depends on how the bytes arrive
        with pytest.raises(TimeoutError):
            tom.recv(1)
        tom.settimeout(10)
        tom.sendall(head[-10:] + b"\r\n")
        assert token.encode() in received(tom)


def test_a_service_that_ends_by_itself_ends_the_gateway(gateway: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_given: object) -> bool:
        raise OSError("no more files")

    stopped = threading.Event()
    monkeypatch.setattr(serving._Server, "on_tick", broken)
    service: Service = serve(gateway.client.app, place(), stopped)  # type: ignore[arg-type]
    assert stopped.wait(10)
    with pytest.raises(RuntimeError, match="ended by itself"):
        service.end()


def test_what_ends_the_gateway_ends_its_service_first(gateway: Asked) -> None:
    """The relay may take seconds to end: nothing is taken meanwhile that a killed process would cut off."""
    stopped = threading.Event()
    service = serve(gateway.client.app, place(), stopped)  # type: ignore[arg-type]
    where: Any = service._listening.getsockname()[:2]
    stopped.set()

    def refused() -> bool:
        with contextlib.suppress(OSError), socket.create_connection(where, timeout=1):
            return False
        return True

    wait_until(refused, what="the end of the service")
    service.end()
