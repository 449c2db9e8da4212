"""Hermes' REST API: what each of its answers means, and what the archive can tell of a message."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parts.events import photometry, share, target
from parts.hermes_service import SENDER, TOKEN, FakeHermes

from bridge.errors import (
    AwayError,
    BridgeError,
    ConfigurationError,
    DeniedError,
    InvalidEventError,
    TooLargeError,
    UnclearError,
)
from bridge.hermes.composing import compose
from bridge.hermes.service import HermesService

TOPIC = "hermes.test"


@pytest.fixture
def service(hermes: FakeHermes, monkeypatch: pytest.MonkeyPatch) -> Iterator[HermesService]:
    monkeypatch.setattr("bridge.hermes.service.MOST_BYTES", 1_000_000)
    opened = HermesService(hermes.url, TOKEN, published_s=0.3)
    yield opened
    opened.close()


def value(title: str = "A nova", topic: str = TOPIC, **point: Any) -> bytes:
    one = share(title=title)
    events = [one.event(target()), one.event(photometry(2, **{"telescope": "1m0"} | point))]
    (message,) = compose(events, topic).messages
    return message.value


def test_what_is_published_is_what_was_composed_with_all_that_travels_inside(
    hermes: FakeHermes, service: HermesService
) -> None:
    sent = value()
    assert service.may_publish(TOPIC).sender == SENDER
    service.validate(sent)
    assert hermes.published == []
    found = service.submit(sent)
    ((there, _, payload),) = hermes.published
    assert there == found
    assert payload["data"]["tom_bridge"] == json.loads(sent)["data"]["tom_bridge"]
    assert [row["brightness"] for row in payload["data"]["photometry"]] == [18.0, 18.001]
    assert not {name for name in hermes.submitted[0] if name.startswith("submit_to")}


def test_what_hermes_would_refuse_is_known_before(hermes: FakeHermes, service: HermesService) -> None:
    with pytest.raises(InvalidEventError, match="telescope or instrument"):
        service.validate(value(telescope=""))
    with pytest.raises(InvalidEventError, match="telescope or instrument"):
        service.submit(value(telescope=""))
    assert hermes.published == []


@pytest.mark.parametrize(
    ("how", "meaning"),
    [
        ("cut", UnclearError),
        ("cut+", UnclearError),
        ("slow+", UnclearError),
        ("500", UnclearError),
        ("502", UnclearError),
        ("503+", UnclearError),
        ("200", UnclearError),
        ("302", UnclearError),
        ("no-uuid", UnclearError),
        ("endless+", UnclearError),
        ("kafka", UnclearError),
        ("429", AwayError),
        ("too-large", TooLargeError),
        ("413", TooLargeError),
        ("denied", DeniedError),
        ("403", DeniedError),
        ("404", ConfigurationError),
    ],
)
def test_each_odd_answer_means_one_thing(
    hermes: FakeHermes, service: HermesService, how: str, meaning: type[BridgeError]
) -> None:
    hermes.oddly = [how]
    with pytest.raises(meaning) as raised:
        service.submit(value())
    assert isinstance(raised.value, UnclearError) is (meaning is UnclearError)
    assert TOKEN not in str(raised.value)
    assert "<h" not in str(raised.value)


def test_where_nobody_listens_nothing_was_sent(hermes: FakeHermes) -> None:
    service = HermesService("http://127.0.0.1:9/", TOKEN)
    with pytest.raises(AwayError, match="no answer"):
        service.submit(value())


def test_a_token_that_is_wrong_or_may_not_is_told(hermes: FakeHermes, service: HermesService) -> None:
    with pytest.raises(DeniedError, match="token is refused"):
        HermesService(hermes.url, "nobody's").profile()
    with pytest.raises(DeniedError, match=r"may not publish on hermes\.other"):
        service.may_publish("hermes.other")
    hermes.credential = ""
    with pytest.raises(DeniedError, match="no SCRAM credential"):
        service.may_publish(TOPIC)
    assert TOKEN not in repr(service)


@pytest.mark.parametrize("how", ["500", "429", "cut", "endless"])
def test_a_question_that_is_not_answered_is_asked_later(hermes: FakeHermes, service: HermesService, how: str) -> None:
    hermes.out_of_order = how
    for ask in (service.profile, lambda: service.validate(value()), lambda: service.find(value(), datetime.now(UTC))):
        with pytest.raises(AwayError):
            ask()


def test_another_service_is_told(hermes: FakeHermes) -> None:
    with pytest.raises(ConfigurationError, match="does not answer as Hermes does"):
        HermesService(f"{hermes.url}elsewhere/", TOKEN).profile()


def test_a_message_is_found_by_the_events_inside_among_others_of_its_title(
    hermes: FakeHermes, service: HermesService
) -> None:
    mine, began = value(), datetime.now(UTC)
    assert service.find(mine, began) is None
    for _ in range(120):
        service.submit(value("Another"))
    service.submit(value())
    found = service.submit(mine)
    service.submit(value())
    assert service.find(mine, began) == found
    assert service.find(mine, began - timedelta(days=1)) is None
    hermes.shows = False
    assert service.find(mine, began) is None


def test_a_strangers_message_keeps_no_other_from_being_found(hermes: FakeHermes, service: HermesService) -> None:
    mine, began = value(), datetime.now(UTC)
    found = service.submit(mine)
    hermes.nested.add(service.submit(value()))
    hermes.huge.add(service.submit(value()))
    assert service.find(mine, began) == found
