"""The pure parts of the TOM over REST: reserved keys, words, addresses, versions."""

import json
from typing import Any

import pytest
import requests

from bridge.errors import ConfigurationError
from bridge.events import Kind
from bridge.tom.reserved import unreserved
from bridge.tom.rest.connection import RestAccount, normalised
from bridge.tom.rest.versions import Toolkit
from bridge.tom.rest.words import retry_after_s, words


def an_answer(body: str, status: int = 400, **headers: str) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = body.encode()
    answer.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return answer


def test_reserved_extra_values_get_names_of_their_own_and_none_is_lost() -> None:
    extra: dict[str, Any] = {"target": 1, "shared_target": 2, "survey": "x", "mag": 0.0}
    assert unreserved(extra, Kind.PHOTOMETRY) == {
        "shared_shared_target": 1,
        "shared_target": 2,
        "survey": "x",
        "shared_mag": 0.0,
    }


def test_what_a_tom_says_is_one_line() -> None:
    said = {"name": ["exists."], "aliases": [{}, {"name": ["taken."]}], "non_field_errors": ["no."]}
    assert words(an_answer(json.dumps(said))) == "400 name: exists.; aliases.name: taken.; no."


def test_pages_are_told_without_html() -> None:
    page = "<html><style>x{}</style><title>Server Error</title>\n<h1>It&#39;s <b>us</b></h1></html>"
    assert words(an_answer(page, 500)) == "500 Server Error It's us"
    assert len(words(an_answer("x" * 9999, 500))) < 320


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("17", 17.0), ("-3", 0.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("soon", None), ("nan", None), ("", None),
        ("31536000", 300.0), ("inf", 300.0), ("1e999", 300.0), ("-inf", 0.0), ("9" * 500, 300.0),
        ("Wed, 21 Oct 2999 07:28:00 GMT", 300.0), ("Wed, 21 Oct 99999 07:28:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 300.0),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date_and_at_most_five_minutes(header: str, seconds: float | None) -> None:
    assert retry_after_s(an_answer("", 503, Retry_After=header)) == seconds


def test_without_retry_after_nothing_is_asked() -> None:
    assert retry_after_s(an_answer("", 503)) is None


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("HTTPS://Tom.Example.org:443/", "https://tom.example.org"),
        ("http://tom.example.org:8000//", "http://tom.example.org:8000"),
        (" https://example.org/Tom/ ", "https://example.org/Tom"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_one_tom_has_one_identity_however_its_address_is_written(written: str, same: str) -> None:
    assert normalised(written) == same


@pytest.mark.parametrize("wrong", ["tom.example.org", "ftp://tom.example.org", "https://"])
def test_an_address_that_is_none_is_told(wrong: str) -> None:
    with pytest.raises(ConfigurationError, match=r"tom\.base_url"):
        normalised(wrong)


def test_secrets_are_not_shown() -> None:
    assert "secret" not in repr(RestAccount(base_url="http://x", password="secret", api_key="secret"))


TYPED: dict[str, Any] = {"value": {"required": False}}
UNTYPED: dict[str, Any] = {"value": {"required": True}}


def test_a_tom_is_known_by_what_it_shows_whatever_version_the_settings_name() -> None:
    for named in ("auto", "2.32", "3.0", "3.0.1", "3.1"):
        assert Toolkit.seen({"shared_from": {}}, TYPED, otherwise=named) == Toolkit(typed_datums=True, shared_from=True)
        assert Toolkit.seen({}, UNTYPED, otherwise=named) == Toolkit(typed_datums=False, shared_from=False)


def test_where_a_tom_shows_nothing_of_itself_the_settings_decide_and_nothing_is_guessed() -> None:
    assert all(Toolkit.seen({}, {}, otherwise=named).typed_datums for named in ("3", "3.0", "3.0.1", "3.1", "10.0"))
    assert not Toolkit.seen({}, {}, otherwise="2.32").typed_datums
    with pytest.raises(ConfigurationError, match=r"tom\.toolkit: .*write the TOM's version"):
        Toolkit.seen({}, {})
