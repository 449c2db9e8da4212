"""The gateway as a process: the HTTP service, and beside it the relay that publishes what it took."""

import asyncio
import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge.errors import ConfigurationError

log = structlog.get_logger(__name__)

_GRACE_S = 5
_HEAD_WITHIN_S = 30.0
"""Seconds within which a request's line and headers have to be there, and after an answer those of the next one."""
_LONGEST_HEAD = 320 * 1024
"""Bytes: the names of a target with all its aliases, each character of them as twelve."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the service listens."""

    host: str
    port: int
    certificate: Path | None = None
    key: Path | None = None

    @classmethod
    def at(cls, address: str, certificate: Path | None, key: Path | None) -> "Place":
        """Return the place at ``host:port``; without a certificate only this machine itself may be let in.

        Raises ConfigurationError: basic authentication over a network in clear gives the password to everybody.
        """
        host, _, port = address.rpartition(":")
        host = host.strip("[]")
        if not host or not port.isdecimal() or int(port) > 65535:
            raise ConfigurationError(f"{address!r} is no address", where="gateway.listen", mend="Write 127.0.0.1:8480")
        if (certificate is None) != (key is None):
            raise ConfigurationError("only one of certificate and key is given", where="gateway", mend="Give both")
        for name, path in (("certificate", certificate), ("key", key)):
            if path is not None and not path.is_file():
                raise ConfigurationError(f"there is no file {path}", where=f"gateway.{name}")
        if certificate is None and not _is_loopback(host):
            raise ConfigurationError(
                f"without TLS passwords would go over the network in clear, and {host} is not this machine alone",
                where="gateway.listen",
                mend="Set gateway.certificate and gateway.key, or listen on 127.0.0.1 behind a proxy that has TLS",
            )
        return cls(host=host, port=int(port), certificate=certificate, key=key)

    @property
    def url(self) -> str:
        """The address of the service."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'http' if self.certificate is None else 'https'}://{host}:{self.port}/"


class _Connection(H11Protocol):
    """A connection that whoever asks nothing can't keep: each one is a file of this process, which has not many."""

    _waits: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if not self._is_idle:
            self._unset_wait()
        elif self._waits is None:
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unset_wait()
        super().connection_lost(exc)

    @property
    def _is_idle(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _wait(self) -> None:
        self._waits = self.loop.call_later(_HEAD_WITHIN_S, self._give_up)

    def _unset_wait(self) -> None:
        if self._waits is not None:
            self._waits.cancel()
            self._waits = None

    def _give_up(self) -> None:
        self._waits = None
        if self._is_idle:
            self.transport.abort()


class _Server(uvicorn.Server):
    """A server that ends when something is set."""

    def __init__(self, config: uvicorn.Config, stopped: threading.Event) -> None:
        super().__init__(config)
        self._stopped = stopped

    async def on_tick(self, counter: int) -> bool:
        self.should_exit = self.should_exit or self._stopped.is_set()
        return await super().on_tick(counter)


def serve(app: Starlette, place: Place, stopped: threading.Event) -> "Service":
    """Answer requests until ``stopped``, which is set should the service end by itself.

    Raises ConfigurationError where the place can't be had.
    """
    try:
        listening = socket.create_server(
            (place.host, place.port), family=socket.AF_INET6 if ":" in place.host else socket.AF_INET, backlog=128
        )
    except OSError as error:
        what = f"can't listen at {place.host}:{place.port} ({error.strerror})"
        raise ConfigurationError(
            what, where="gateway.listen", mend="Name another address, or end what uses it"
        ) from None
    config = uvicorn.Config(
        app,
        http=_Connection,
        h11_max_incomplete_event_size=_LONGEST_HEAD,
        log_config=None,
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        ssl_certfile=place.certificate,
        ssl_keyfile=place.key,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_GRACE_S,
    )
    try:
        config.load()
    except (ssl.SSLError, OSError) as error:
        listening.close()
        raise ConfigurationError(f"can't be used for TLS ({error})", where="gateway.certificate") from None
    return Service(_Server(config, stopped), listening, place, stopped)


class Service:
    """The service in a thread of its own: signals are for the main one."""

    def __init__(
        self, server: uvicorn.Server, listening: socket.socket, place: Place, stopped: threading.Event
    ) -> None:
        self._server = server
        self._listening = listening
        self._stopped = stopped
        self._failed: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="gateway", daemon=True)
        self._thread.start()
        log.info("gateway.listens", address=place.url)

    def end(self) -> None:
        """End it: what is being answered is answered. Raises RuntimeError where it had ended by itself."""
        self._stopped.set()
        self._thread.join(_GRACE_S + 2)
        self._listening.close()
        if self._failed is not None:
            raise RuntimeError("the HTTP service has ended by itself") from self._failed

    def _work(self) -> None:
        try:
            self._server.run([self._listening])
        except (
            BaseException
        ) as error:  # whatever it was, a gateway that answers nobody is to end, and to be started again
            self._failed = error
        self._stopped.set()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
