"""The gateway as Hermes: topics by name in a TOM's menus, and a share in one request, all of it or nothing."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import TOPIC
from parts.gateways import OTHER_TOPIC, Asked, asked_gateway

from bridge.stream import open_stream


def message(**data: Any) -> dict[str, Any]:
    """Return a message as 2.32 sends it."""
    target = {"name": "SN 2026ali", "ra": 10.0, "dec": 20.0, "pm_ra": 1.5, "aliases": ["ZTF26xyz"]}
    point = {
        "target_name": "SN 2026ali",
        "date_obs": "2026-11-02T03:04:01.678901+00:00",
        "telescope": "1m0",
        "instrument": "sinistro",
        "bandpass": "r",
        "brightness_unit": "AB mag",
        "brightness": 18.25,
        "brightness_error": 0.02,
    }
    limit = {**point, "date_obs": "2026-11-03T00:00:00+00:00", "brightness": None, "limiting_brightness": 20.5}
    given = {"targets": [target], "photometry": [point, limit], "spectroscopy": [], "extra_data": {}}
    return {
        "topic": TOPIC,
        "title": "A young one",
        "submitter": "ada",
        "authors": "A. Stronomer",
        "data": given | data,
        "message_text": "Look at this",
    }


def submit(gateway: Asked, sent: object, token: str | None = None) -> Any:
    assert gateway.auth is not None
    headers = {"Authorization": f"Token {gateway.auth[1] if token is None else token}"}
    answer = gateway.client.post("/api/v0/submit_message/", json=sent, headers=headers)
    assert isinstance(answer.json(), dict)
    return answer


def test_the_topics_of_the_account_are_those_of_its_profile(gateway: Asked) -> None:
    assert gateway.auth is not None
    answer = gateway.client.get("/api/v0/profile/", headers={"Authorization": f"Token {gateway.auth[1]}"})
    assert answer.json() == {"writable_topics": [TOPIC, OTHER_TOPIC]}


@pytest.mark.parametrize("header", ["", "Token wrong", "Token", "Basic bm9ydGg6eA=="])
def test_who_has_no_token_is_answered_401_in_json(gateway: Asked, header: str) -> None:
    answer = gateway.client.get("/api/v0/profile/", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert isinstance(answer.json(), dict)
    assert submit(gateway, message(), token="wrong").status_code == 401
    assert gateway.published() == []


def test_a_message_is_one_share_with_its_words_and_all_its_data(gateway: Asked) -> None:
    answer = submit(gateway, message())
    assert (answer.status_code, answer.json()["message"]) == (200, f"It is on its way to {TOPIC}")
    target, data = gateway.published()
    assert {str(event.share_id) for event in (target, data)} == {answer.json()["uuid"]}
    told = (target.origin, target.origin_name, target.title, target.message, target.shared_by, target.acknowledgement)
    assert told == ("north", "North TOM", "A young one", "Look at this", "ada", "A. Stronomer")
    body: Any = target.body
    assert (body.name, body.aliases, body.pm_ra) == ("SN 2026ali", ("ZTF26xyz",), 1.5)
    points: Any = data.body
    assert [(one.brightness, one.limit) for one in points.points] == [(18.25, None), (None, 20.5)]
    assert {(one.source_name, one.source_location) for one in points.points} == {("", "")}
    assert data.names == ("SN 2026ali", "ZTF26xyz")


def test_a_message_with_a_row_that_is_not_right_is_refused_as_a_whole(gateway: Asked) -> None:
    """2.32 writes a magnitude of 0.0 as a limit of nothing."""
    sent = message()
    sent["data"]["photometry"][1] |= {"limiting_brightness": None}
    answer = submit(gateway, sent)
    assert answer.status_code == 400
    assert "photometry[1]" in answer.json()["detail"]
    assert answer.json()["message"].startswith("ERROR")
    assert gateway.published() == []


@pytest.mark.parametrize(
    "sent",
    [
        [],
        {},
        message() | {"topic": "secret.topic"},
        message() | {"topic": 7},
        message() | {"title": "t" * 501},
        message() | {"message_text": "m" * 10_001},
        message() | {"authors": ["A. Stronomer"]},
        message() | {"submitter": "s" * 151},
        message(targets="all"),
        message(targets=[], photometry=[]),
        message(targets=[{"name": "<b>", "ra": 1, "dec": 2}]),
    ],
)
def test_what_is_no_message_is_refused(gateway: Asked, sent: object) -> None:
    assert submit(gateway, sent).status_code in {400, 403}
    assert gateway.published() == []


def test_what_came_over_the_bridge_is_left_out_and_said(gateway: Asked) -> None:
    from parts.events import point as written_point

    from bridge.operations.opening import opened_ledger
    from bridge.tom import echo

    sent = message()
    came = written_point(
        timestamp="2026-11-02T03:04:01.678901Z",
        brightness=18.25,
        brightness_error=0.02,
        unit="AB",
        telescope="1m0",
        instrument="sinistro",
        source_name="South TOM",
    )
    with opened_ledger(gateway.settings) as ledger:
        ledger.note_written([echo.of_values(came), echo.of_target_name("SN 2026ali")])
    answer = submit(gateway, sent)
    assert answer.json()["message"].endswith("2 targets and data that came over the bridge are left out")
    (event,) = gateway.published()
    assert [one.limit for one in event.body.points] == [20.5]  # type: ignore[union-attr]


def test_a_topic_of_hermes_gets_messages_of_hermes(tmp_path: Path, url: str) -> None:
    """What has no place in one is counted, and told by the status."""
    from bridge.operations.gateway_status import gateway_status

    topics = [{"topic": TOPIC, "format": "hermes"}]
    with asked_gateway(tmp_path / "hermes", url, publish={"topics": topics}) as gateway:
        token = gateway.share_target(target_lists=[{"name": "Young ones"}]).json()["id"]
        gateway.share_point(token)
        gateway.publish()
        with closing(open_stream(url)) as stream:
            (partition,) = stream.ends(TOPIC)
            records = list(stream.read(partition, 0))
        assert [record.header("_format") for record in records] == [b"json", b"json"]
        assert b"SN 2026ali" in records[1].value
        now = gateway_status(gateway.settings)
        assert now is not None
        assert [one.number for one in now.tallies if one.outcome == "left out"] == [1]
