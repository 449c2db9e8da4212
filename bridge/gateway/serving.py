"""The gateway as a process: the HTTP service, and beside it the relay that publishes what it took."""

import ipaddress
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path

import structlog
import uvicorn
from starlette.applications import Starlette

from bridge.errors import ConfigurationError

log = structlog.get_logger(__name__)

_GRACE_S = 5


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


def serve(app: Starlette, place: Place) -> "Service":
    """Answer requests until the service is ended. Raises ConfigurationError where the place can't be had."""
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
    return Service(uvicorn.Server(config), listening, place)


class Service:
    """The service in a thread of its own: signals are for the main one."""

    def __init__(self, server: uvicorn.Server, listening: socket.socket, place: Place) -> None:
        self._server = server
        self._listening = listening
        self._thread = threading.Thread(target=server.run, args=([listening],), name="gateway", daemon=True)
        self._thread.start()
        log.info("gateway.listens", address=place.url)

    @property
    def is_alive(self) -> bool:
        """Whether it answers."""
        return self._thread.is_alive()

    def end(self) -> None:
        """End it: what is being answered is answered."""
        self._server.should_exit = True
        self._thread.join(_GRACE_S + 2)
        self._listening.close()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
