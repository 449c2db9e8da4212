"""What may answer in place of a TOM: an HTTP server that lets the bridge log in, and then says what a test wants."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Say = Callable[["StandIn", str, str], tuple[int, Any]]
"""Returns status and body (JSON, or bytes as they are) for a method and a path."""


@dataclass
class StandIn:
    """A server, what it says, and what it was asked."""

    say: Say
    base_url: str = ""
    asked: list[tuple[str, str]] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def hang(self) -> None:
        """Don't answer until the test is over."""
        self.ended.wait(120)


def empty_page(_: StandIn, method: str, path: str) -> tuple[int, Any]:
    """Say what a TOM of 3.x without anything in it says."""
    if method == "OPTIONS":
        fields = {"value": {"required": False}, "shared_from": {}}
        return 200, {"name": "A list", "renders": ["application/json"], "actions": {"POST": fields}}
    return 200, {"count": 0, "results": []}


@contextmanager
def standing_in(say: Say) -> Iterator[StandIn]:
    """Serve ``say`` to whoever has a token; the token is accepted."""
    stand_in = StandIn(say)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            path = self.path.partition("?")[0]
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if "no-token-of-anybody" in self.headers.get("Authorization", ""):
                status, body = 401, {"detail": "Invalid token."}
            elif path == "/api/groups/":
                status, body = 200, {"count": 0, "results": []}
            else:
                stand_in.asked.append((self.command, self.path))
                status, body = stand_in.say(stand_in, self.command, path)
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_OPTIONS = do_PATCH = _answer  # noqa: N815 (BaseHTTPRequestHandler's names)

        def handle(self) -> None:
            with suppress(OSError):  # the bridge may have gone meanwhile
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stand_in.base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield stand_in
    finally:
        stand_in.ended.set()
        server.shutdown()
        server.server_close()
