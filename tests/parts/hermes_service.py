"""Hermes' service as it was seen to answer (shared HERMES.md, LCOGT/hermes 6708389): validation, publishing, archive.

A real HTTP server; what is out of order is chosen by a test, one request after the other.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import pytest

TOKEN = "0123456789abcdef0123456789abcdef01234567"
SENDER = "alice-1a2b3c4d"
_ROWS = {
    "targets": {
        "name", "ra", "dec", "ra_error", "dec_error", "ra_error_units", "dec_error_units", "pm_ra", "pm_dec", "epoch",
        "new_discovery", "orbital_elements", "discovery_info", "redshift", "host_name", "host_redshift", "aliases",
        "group_associations", "distance", "distance_error", "distance_units", "comments", "file_info",
    },
    "photometry": {
        "target_name", "date_obs", "telescope", "instrument", "bandpass", "brightness", "brightness_error",
        "brightness_unit", "exposure_time", "observer", "comments", "limiting_brightness", "limiting_brightness_error",
        "limiting_brightness_unit", "catalog",
    },
    "spectroscopy": {
        "target_name", "date_obs", "telescope", "instrument", "setup", "flux", "flux_error", "flux_units", "wavelength",
        "wavelength_units", "flux_type", "classification", "proprietary_period", "exposure_time", "observer", "reducer",
        "comments", "spec_type", "file_info",
    },
    "astrometry": {
        "target_name", "date_obs", "telescope", "instrument", "ra", "dec", "ra_error", "dec_error", "ra_error_units",
        "dec_error_units", "mpc_sitecode", "catalog", "comments",
    },
}  # fmt: skip
_BRIGHTNESS = {"AB mag", "Vega mag", "mJy", "erg / s / cm² / \u212b"}
_REQUIRED = ["This field is required."]


@dataclass
class FakeHermes:
    """A server, what it has published, and what it was asked."""

    url: str = ""
    writable: list[str] = field(default_factory=lambda: ["hermes.test"])
    credential: str = SENDER
    published: list[tuple[UUID, datetime, dict[str, Any]]] = field(default_factory=list)
    """Messages as they are on the stream: id, time, payload."""
    asked: list[tuple[str, str]] = field(default_factory=list)
    submitted: list[dict[str, Any]] = field(default_factory=list)
    """Whatever came to ``submit_message/``, published or not."""
    oddly: list[str] = field(default_factory=list)
    """How the next requests to ``submit_message/`` end: see :meth:`_Handler._oddly`."""
    out_of_order: str = ""
    """How all else ends: ``500``, ``429``, ``cut``, ``endless``."""
    shows: bool = True
    """Whether the archive shows what was published."""
    nested: set[UUID] = field(default_factory=set)
    """Messages that the archive shows as lists in lists."""
    huge: set[UUID] = field(default_factory=set)
    """Messages that the archive shows without an end."""

    def titles(self) -> list[str]:
        """Return the titles of all that was published."""
        return [payload["title"] for _, _, payload in self.published]


def errors_of(message: dict[str, Any]) -> dict[str, Any]:
    """Return what Hermes finds wrong, nested as DRF nests it; nothing where it takes the message."""
    found: dict[str, Any] = {name: _REQUIRED for name in ("title", "topic", "submitter") if not message.get(name)}
    data = message.get("data") or {}
    names = [one.get("name") for one in data.get("targets") or []]
    sections: dict[str, Any] = {}
    for section in _ROWS:
        wrong = [_row_errors(section, row, names) for row in data.get(section) or []]
        if any(wrong):
            sections[section] = wrong
    return found | ({"data": sections} if sections else {})


def _row_errors(section: str, row: dict[str, Any], names: list[Any]) -> dict[str, Any]:
    wrong: dict[str, Any] = {name: ["This field may not be null."] for name, value in row.items() if value is None}
    if section == "targets":
        elements = row.get("orbital_elements")
        if elements is None and (row.get("ra") is None or row.get("dec") is None):
            wrong["ra"] = ["ra/dec or orbital elements are required"]
        if elements is not None and not (
            (elements.get("semimajor_axis") and elements.get("mean_anomaly"))
            or (elements.get("perihelion_distance") and elements.get("epoch_of_perihelion"))
        ):
            wrong["orbital_elements"] = {"mean_anomaly": ["Must set mean_anomaly/semimajor_axis or ..."]}
        kind = (row.get("discovery_info") or {}).get("transient_type")
        if kind is not None and kind != "PSN - Possible SN":
            wrong["discovery_info"] = {"transient_type": [f'"{kind}" is not a valid choice.']}
        return wrong
    if row.get("spec_type", "Object") not in ("Object", "Host"):
        wrong["spec_type"] = [f'"{row["spec_type"]}" is not a valid choice.']
    if row.get("target_name") not in names:
        wrong["target_name"] = ["must be the name of a target"]
    if not (row.get("telescope") or row.get("instrument")):
        wrong["telescope"] = ["Must have at least one of telescope or instrument set"]
    if section == "photometry":
        if not row.get("bandpass"):
            wrong["bandpass"] = _REQUIRED
        if not (row.get("brightness") or row.get("limiting_brightness")):
            wrong["brightness"] = ["brightness or limiting_brightness are required"]
        if row.get("brightness_unit", "AB mag") not in _BRIGHTNESS:
            wrong["brightness_unit"] = [f'"{row["brightness_unit"]}" is not a valid choice.']
    return wrong


def kept(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message as Hermes publishes it: without unknown keys of rows and what is empty; all else of ``data``."""
    data = {}
    for key, value in (message.get("data") or {}).items():
        if key in _ROWS:
            rows = [{name: one for name, one in row.items() if name in _ROWS[key] and _is_there(one)} for row in value]
            data[key] = rows
        else:
            data[key] = value
    whole = {**{name: message.get(name) for name in ("title", "topic", "message_text", "submitter", "authors")}}
    return {name: value for name, value in (whole | {"data": data}).items() if _is_there(value)}


def _is_there(value: Any) -> bool:
    return value is not None and value not in ("", [])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer of two writes waits 40 ms
    hermes: FakeHermes

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._answer(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _answer(self, content: bytes | None) -> None:
        asked = urlsplit(self.path)
        path = asked.path.removeprefix("/api/v0/")
        self.hermes.asked.append((self.command, path))
        logged_in = self.headers.get("Authorization") == f"Token {TOKEN}"
        if path != "submit_message/" and self.hermes.out_of_order:
            self._oddly(self.hermes.out_of_order, {})
        elif self.headers.get("Authorization") and not logged_in:
            self._say(403, {"detail": "Invalid token."})
        elif content is not None and len(content) > 2.5 * 1024 * 1024:
            self._say(400, b"<h1>Bad Request (400)</h1>")
        elif path == "profile/":
            told = {
                "api_token": TOKEN,
                "credential_name": self.hermes.credential,
                "writable_topics": self.hermes.writable,
            }
            self._say(200, told)
        elif path == "submit_message/validate/":
            self._say(200, errors_of(json.loads(content or b"")))
        elif path == "submit_message/":
            self._submit(json.loads(content or b""))
        elif path == "query/":
            self._query(parse_qs(asked.query))
        elif path.startswith("query/message/"):
            self._message(path.split("/")[2])
        else:
            self._say(404, b"<h1>Not Found</h1>")

    def _submit(self, message: dict[str, Any]) -> None:
        self.hermes.submitted.append(message)
        if self.hermes.oddly:
            self._oddly(self.hermes.oddly.pop(0), message)
        elif wrong := errors_of(message):
            self._say(400, wrong)
        elif not self.hermes.credential:
            self._say(200, {"error": "User account does not have an associated SCIMMA auth credential."})
        elif message["topic"] not in self.hermes.writable:
            self._say(400, {"error": "Error posting message to kafka: ... TOPIC_AUTHORIZATION_FAILED"})
        else:
            self._say(200, kept(message) | {"uuid": str(self._publish(message))})

    def _publish(self, message: dict[str, Any]) -> UUID:
        found = uuid4()
        self.hermes.published.append((found, datetime.now().astimezone(), kept(message)))
        return found

    def _oddly(self, how: str, message: dict[str, Any]) -> None:
        """End a request as ``how`` says; ``+`` at its end: after the message was published."""
        if how.endswith("+"):
            self._publish(message)
        match how.rstrip("+"):
            case "cut":
                self.close_connection = True
            case "slow":
                time.sleep(1.0)
                self._say(200, {"uuid": str(uuid4())})
            case "endless":
                self.close_connection = True
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                with suppress(OSError):  # whoever asked has gone
                    while True:
                        self.wfile.write(b"[" * 65_536)
            case "no-uuid":
                self._say(200, {"error": f"No credential for {TOKEN}."})
            case "429":
                self._say(429, {"detail": "Throttled."}, {"Retry-After": "0"})
            case "kafka":
                self._say(400, {"error": "Error posting message to kafka: _MSG_TIMED_OUT"})
            case "too-large":
                self._say(400, {"error": "Error posting message to kafka: MSG_SIZE_TOO_LARGE"})
            case "denied":
                self._say(400, {"error": "Error posting message to kafka: TOPIC_AUTHORIZATION_FAILED"})
            case status:
                self._say(int(status), b"<html><h1>Server Error</h1></html>")

    def _query(self, asked: dict[str, list[str]]) -> None:
        start, end = (datetime.fromisoformat(asked[name][0]) for name in ("start", "end"))
        at, size = int(asked.get("page", ["0"])[0]), int(asked["limit"][0])
        there = [
            {
                "metadata": {
                    "topic": payload["topic"],
                    "timestamp": int(when.timestamp() * 1000),
                    "headers": {"topic": payload["topic"], "_id": str(found), "title": payload["title"]},
                    "key": None,
                },
                "annotations": {},
            }
            for found, when, payload in reversed(self.hermes.published)
            if payload["topic"] in asked["topic"] and start <= when <= end and self.hermes.shows
        ]
        more = str(at + size) if len(there) > at + size else None
        self._say(200, {"messages": there[at : at + size], "next": more, "prev": None})

    def _message(self, wanted: str) -> None:
        if wanted in map(str, self.hermes.huge):
            self._oddly("endless", {})
            return
        for found, _, payload in self.hermes.published:
            if found in self.hermes.nested:
                self._say(200, b'{"message": ' + b"[" * 100_000 + b"]" * 100_000 + b"}")
                return
            if str(found) == wanted:
                self._say(200, {"metadata": {}, "annotations": {}, "message": payload})
                return
        self._say(404, {"error": "404 Client Error"})

    def _say(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        is_page = isinstance(body, bytes) and not body.startswith(b"{")
        self.send_header("Content-Type", "text/html" if is_page else "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            self.wfile.write(content)


@contextmanager
def fake_hermes() -> Iterator[FakeHermes]:
    """Serve Hermes on this machine for a block."""
    hermes = FakeHermes()
    handler = type("Handler", (_Handler,), {"hermes": hermes})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hermes.url = f"http://127.0.0.1:{server.server_address[1]}/"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield hermes
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def hermes() -> Iterator[FakeHermes]:
    """Return a service that answers as Hermes does."""
    with fake_hermes() as serving:
        yield serving
