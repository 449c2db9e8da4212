"""hop's ``auth.toml``: the credentials of HOPSKOTCH that ``hop auth add`` has put there.

The format is that of hop-client 0.13 (``hop/auth.py``): tables ``[[auth]]`` with ``username``, ``password``,
``hostname`` (``host``, ``host:port`` or absent), ``protocol``, ``mechanism`` and ``ssl_ca_location``. Which of several
is taken, and that others must not be able to read the file, are hop's rules as well.
"""

import os
import stat
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import certifi

from bridge.errors import ConfigurationError

_DEFAULT_PORT = "9092"
_OTHERS = 0o077
_SETTING = "stream.auth"


@dataclass(frozen=True, kw_only=True)
class Credential:
    """One entry of the file."""

    username: str
    password: str = field(repr=False)
    hostname: str
    """``host`` or ``host:port``; empty: any."""
    protocol: str
    mechanism: str
    ca: str

    def options(self) -> dict[str, str]:
        """Return librdkafka's options to log in with it."""
        return {
            "security.protocol": self.protocol,
            "sasl.mechanisms": self.mechanism,
            "sasl.username": self.username,
            "sasl.password": self.password,
            "ssl.ca.location": self.ca,
        }


def default_path() -> Path:
    """Return where hop keeps the file."""
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration) / "hop" / "auth.toml"


def credential_for(address: str, username: str, path: Path) -> Credential:
    """Return the credential in ``path`` for a broker's ``host:port``, that of ``username`` unless it is empty.

    Raises ConfigurationError where the file is missing, can be read by others, or can't be understood, and where none
    of its credentials fits or several do.
    """
    there = _credentials(path)
    of_user = [one for one in there if username in ("", one.username)]
    exact = [one for one in of_user if _is_of(one.hostname, address)]
    found = exact or [one for one in of_user if not one.hostname]
    if len(found) == 1:
        return _usable(found[0], path)
    whose = f" and the user {username}" if username else ""
    if not found:
        known = ", ".join(f"{one.username} for {one.hostname or 'any host'}" for one in there) or "none at all"
        raise ConfigurationError(
            f"{path} has no credential for {address}{whose}; it has: {known}",
            where=_SETTING,
            mend="Add one: hop auth add",
        )
    names = " and ".join(one.username for one in found)
    raise ConfigurationError(
        f"{path} has several credentials for {address}{whose}: {names}",
        where=_SETTING,
        mend=f"Name one in the address: kafka://{found[0].username}@{address}",
    )


def _credentials(path: Path) -> list[Credential]:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            raise ConfigurationError(
                f"others on this machine may read {path} (its mode is {mode:04o})",
                where=_SETTING,
                mend=f"Run: chmod 0600 {path}",
            )
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("auth", [])
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no file {path}", where=_SETTING, mend="Let hop write it: hop auth add; or name another file"
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path} can't be read: {error.strerror}", where=_SETTING) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):  # whose text may quote a password
        raise ConfigurationError(f"{path} is no TOML", where=_SETTING, mend="Let hop write it: hop auth add") from None
    return [_credential(entry, path) for entry in ([entries] if isinstance(entries, dict) else _list(entries, path))]


def _list(entries: Any, path: Path) -> Sequence[Any]:
    if not isinstance(entries, list):
        raise ConfigurationError(
            f"{path} has no tables [[auth]]", where=_SETTING, mend="Let hop write it: hop auth add"
        )
    return entries


def _credential(entry: Any, path: Path) -> Credential:
    given = {key: value for key, value in entry.items() if isinstance(value, str)} if isinstance(entry, dict) else {}
    if not given.get("username") or not given.get("password"):
        raise ConfigurationError(
            f"an entry of {path} has no username or no password", where=_SETTING, mend="Let hop write it: hop auth add"
        )
    return Credential(
        username=given["username"],
        password=given["password"],
        hostname=given.get("hostname", ""),
        protocol=given.get("protocol", "SASL_SSL"),
        mechanism=given.get("mechanism", "SCRAM-SHA-512").upper().replace("_", "-"),
        ca=given.get("ssl_ca_location", "") or certifi.where(),
    )


def _usable(credential: Credential, path: Path) -> Credential:
    """Return the credential that was chosen, where it is one that is read from there: others may be of any kind."""
    if not credential.mechanism.startswith("SCRAM-"):
        raise ConfigurationError(
            f"{path}: the mechanism {credential.mechanism[:40]!r} of {credential.username} is not read from there",
            where=_SETTING,
            mend="Use a SCRAM credential, or write librdkafka's options under kafka",
        )
    return credential


def _is_of(hostname: str, address: str) -> bool:
    """Return whether a credential's host is that of a broker; a port that is left out is 9092."""
    return bool(hostname) and _with_port(hostname) == _with_port(address)


def _with_port(hostname: str) -> str:
    host, colon, port = hostname.rpartition(":")
    return f"{host}:{port}" if colon and port.isdigit() else f"{hostname}:{_DEFAULT_PORT}"
