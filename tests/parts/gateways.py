"""A gateway to test with: as a TOM asks it, in this process or over HTTP, and what it publishes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from parts.bridges import TOPIC
from parts.gateway_service import ACCOUNT, OTHER_TOPIC
from parts.outgoing import sent
from parts.wait import wait_until
from starlette.testclient import TestClient

from bridge.events import Event
from bridge.gateway.app import Gateway
from bridge.operations.gateway import Parts, add_account, opened_gateway
from bridge.publishing.relay import Relay
from bridge.settings import Settings
from bridge.stream import open_stream


def settings_for(folder: Path, url: str, **given: Any) -> Settings:
    """Return settings of a gateway whose state is in ``folder``."""
    mapping = {
        "origin": "north",
        "stream": {"url": url},
        "state": str(folder / "state"),
        "gateway": {"pause_s": 0.05, **given.pop("gateway", {})},
        **given,
    }
    return Settings.from_mapping(mapping, folder=folder)


class Asked:
    """A gateway in this process, asked as a TOM asks it."""

    def __init__(self, settings: Settings, parts: Parts, secret: str) -> None:
        self.settings = settings
        self.parts = parts
        served = Gateway(
            parts.accepting,
            parts.messages,
            parts.who_is,
            parts.of_token,
            requests_a_minute=settings.gateway.requests_a_minute,
        )
        self.client = TestClient(served.application(), raise_server_exceptions=False)
        self.auth: tuple[str, str] | None = (ACCOUNT, secret)

    def ask(self, method: str, path: str, *, topic: str = TOPIC, **given: Any) -> Any:
        """Return an answer, which has to be a JSON object."""
        given.setdefault("auth", self.auth)
        answer = self.client.request(method, f"/{topic}/api/{path}", follow_redirects=False, **given)
        if method != "HEAD":
            assert isinstance(answer.json(), dict), answer.text
        return answer

    def known(self, asked: str, *, topic: str = TOPIC) -> str | None:
        """Return the token of the target that is asked for, the names as they stand in the URL."""
        found = self.ask("GET", f"targets/?name_fuzzy={asked}", topic=topic).json()["results"]
        assert len(found) < 2
        return found[0]["id"] if found else None

    def share_target(self, name: str = "SN 2026ali", *, topic: str = TOPIC, **fields: Any) -> Any:
        """Share a target in full, and return the answer."""
        return self.ask("POST", "targets/", topic=topic, json=target(name, **fields))

    def share_point(self, token: str, *, topic: str = TOPIC, **fields: Any) -> Any:
        """Share a photometric point as 3.1 does, and return the answer."""
        return self.ask("POST", "reduceddatums/", topic=topic, json=point(token, **fields))

    def publish(self) -> None:
        """Compose and send all that was taken."""
        composer = self.parts.composer
        wait_until(lambda: not composer.look() and not composer._store.lines())
        relay: Relay = self.parts.relay()
        relay.run(threading.Event(), until_end=True)

    def published(self, topic: str = TOPIC) -> list[Event]:
        """Publish all that was taken, and return all events of a topic."""
        self.publish()
        stream = open_stream(self.settings.stream.url)
        try:
            return sent(stream, topic)
        finally:
            stream.close()


@contextmanager
def asked_gateway(folder: Path, url: str, **given: Any) -> Iterator[Asked]:
    """Open a gateway with one account, in this process, for a block."""
    settings = settings_for(folder, url, **given)
    secret = add_account(settings, ACCOUNT, topics=[TOPIC, OTHER_TOPIC], display_name="North TOM")
    with opened_gateway(settings) as parts:
        yield Asked(settings, parts, secret)


def target(name: str = "SN 2026ali", **fields: Any) -> dict[str, Any]:
    """Return what a TOM of 3.1 sends of a target."""
    aliases = fields.pop("aliases", ())
    return {
        "id": 2,
        "targetextra_set": [{"id": 1, "key": "redshift", "value": "0.01"}],
        "aliases": [{"id": number, "name": alias} for number, alias in enumerate(aliases)],
        "name": name,
        "type": "SIDEREAL",
        "created": "2026-11-01T00:00:00Z",
        "modified": "2026-11-01T00:00:00Z",
        "permissions": "PUBLIC",
        "ra": 10.0,
        "dec": 0.0,
        "epoch": None,
        "shared_by": "admin",
        "shared_from": "My TOM",
        "groups": [],
        "target_lists": [{"name": "Imported From My TOM"}],
        **fields,
    }


def point(token: str, **fields: Any) -> dict[str, Any]:
    """Return what a TOM of 3.1 sends of a point; ``value`` is changed by what is given for it."""
    value = {"brightness": 18.25, "brightness_error": 0.02, "bandpass": "r", "unit": "AB", "telescope": "1m0"}
    return {
        "data_product": None,
        "data_type": "photometry",
        "source_name": "LCO",
        "source_location": "loc",
        "timestamp": "2026-11-02T03:04:01.678901Z",
        "target": token,
        **fields,
        "value": {**value, **fields.get("value", {})},
    }
