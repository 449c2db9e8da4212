"""What the gateway answers to what TOMs send: JSON objects alone, and what becomes of each request on the topic."""

import json
from pathlib import Path

import pytest
from parts.bridges import TOPIC
from parts.gateway_service import OTHER_TOPIC
from parts.gateways import Asked, asked_gateway, point, target

from bridge.gateway import FILE
from bridge.stream.sqlite import SqliteStream

CSV = b"time,filter,magnitude\n55555.5,r,17.1\n"


def token_of(gateway: Asked, name: str = "SN 2026ali", **fields: object) -> str:
    answer = gateway.share_target(name, **fields)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def product(
    gateway: Asked, token: str, content: bytes = CSV, filename: str = "sn/none/phot.csv", **fields: str
) -> object:
    form = {"id": "7", "product_id": "p1", "target": token, "data": "/x", "extra_data": ""}
    form["data_product_type"] = "photometry"
    return gateway.ask("POST", "dataproducts/", data=form, files={"file": (filename, content, "text/csv")})


# -- a target ----------------------------------------------------------------------------------------------------------


def test_a_target_is_published_in_full_under_its_toms_origin(gateway: Asked) -> None:
    answer = gateway.share_target(aliases=["ZTF26xyz", "AT 2026ali"], pm_ra=1.5)
    assert answer.status_code == 201
    assert answer.json()["message"] == f"SN 2026ali is on its way to {TOPIC}"
    (event,) = gateway.published()
    assert (event.origin, event.origin_name, event.shared_by) == ("north", "North TOM", "admin")
    body = event.body
    assert (body.name, body.aliases, body.ra, body.dec, body.pm_ra) == (
        "SN 2026ali",
        ("ZTF26xyz", "AT 2026ali"),
        10.0,
        0.0,
        1.5,
    )
    assert body.extras == {"redshift": "0.01"}


def test_the_installation_is_that_of_the_ledger_beside_it(gateway: Asked) -> None:
    from bridge.operations.opening import opened_ledger

    gateway.share_target()
    with opened_ledger(gateway.settings) as ledger:
        assert gateway.published()[0].installation == ledger.installation


def test_a_target_is_unknown_until_it_was_shared_in_full_on_that_topic(gateway: Asked) -> None:
    assert gateway.known("SN%202026ali") is None
    token = token_of(gateway)
    assert gateway.known("SN%202026ali") == token
    assert gateway.known("SN%202026ali", topic=OTHER_TOPIC) is None


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (["SN 2026ali", "ZTF26xyz"], "SN%202026ali,ZTF26xyz"),
        (["SN 2026ali", "AT 2026ali+b&c #1", "x"], "SN%202026ali,AT%202026ali+b&c%20"),
        (["M 31?x=1;y", "a/b'c"], "M%2031?x=1;y,a/b'c"),
        (["α Cen", "Ωmega, the"], "%CE%B1%20Cen,%CE%A9mega,%20the"),
        (["100% sure", "q"], "100%25%20sure,q"),
        (["odd %41 name"], "odd%20%41%20name"),
        (["SN 2026ali"], "SN%202026ali,A%20new%20alias"),
    ],
)
def test_names_are_found_as_a_tom_writes_them(gateway: Asked, names: list[str], asked: str) -> None:
    token = token_of(gateway, names[0], aliases=names[1:])
    assert gateway.known(asked) == token
    assert gateway.known("Other%20target") is None


def test_a_question_with_many_commas_costs_no_more_than_one_of_few(gateway: Asked) -> None:
    from bridge.gateway.names import firsts

    token = token_of(gateway, "a, b, " + "c" * 94)
    asked = "a, b, " + "c" * 94 + ",a" * 5_000
    assert gateway.known(asked.replace(" ", "%20")) == token
    assert len(firsts(asked)) == 2


def test_a_name_with_a_comma_is_not_taken_for_the_name_before_it(gateway: Asked) -> None:
    token = token_of(gateway, "Smith")
    assert gateway.known("Smith,%20J.%20star%202") is None
    assert gateway.known("Smith,J.%20star%202") == token  # so it is written where that is an alias which Smith has got


def test_a_target_that_took_the_name_of_another_is_that_from_then_on(gateway: Asked) -> None:
    first = token_of(gateway, "SN 2026ali", id=1, ra=10.0, dec=0.0)
    gateway.published()
    assert token_of(gateway, "SN 2026ali", id=2, ra=200.0, dec=45.0) == first
    assert token_of(gateway, "SN 2026alj", id=1, ra=10.0, dec=0.0) != first
    assert gateway.ask("POST", "reduceddatums/", json=point(first)).status_code == 201
    events = gateway.published()
    assert [(event.body.name, event.body.ra) for event in events[:3]] == [
        ("SN 2026ali", 10.0),
        ("SN 2026ali", 200.0),
        ("SN 2026alj", 10.0),
    ]
    assert (events[3].body.target.name, events[3].body.target.ra) == ("SN 2026ali", 200.0)


def test_two_targets_that_are_written_alike_are_never_taken_for_one_another(gateway: Asked) -> None:
    token_of(gateway, "NGC #1", id=1)
    token_of(gateway, "NGC #2", id=2)
    assert gateway.known("NGC%20") is None


def test_a_target_that_is_shared_in_full_again_is_an_update_of_the_same(gateway: Asked) -> None:
    first = token_of(gateway)
    assert token_of(gateway, ra=11.0) == first
    assert token_of(gateway, "SN 2026alj", aliases=["SN 2026ali"]) == first
    assert gateway.known("SN%202026alj,SN%202026ali") == first
    assert [event.body.name for event in gateway.published()] == ["SN 2026ali"] * 2 + ["SN 2026alj"]


def test_a_known_target_is_sent_again_with_its_lists(gateway: Asked) -> None:
    token = token_of(gateway)
    lists = {"target_lists": [{"name": "Imported From My TOM"}, {"name": "Young ones"}]}
    answer = gateway.ask("PATCH", f"targets/{token}/", json=lists)
    assert (answer.status_code, answer.json()["message"]) == (
        200,
        f"SN 2026ali is on its way to {TOPIC}, in Young ones",
    )
    events = gateway.published()
    assert [str(event.kind) for event in events] == ["target", "target", "list"]
    assert events[2].body.name == "Young ones"
    assert [member.reference.name for member in events[2].body.members] == ["SN 2026ali"]


def test_the_members_of_a_list_that_come_together_are_one_event(gateway: Asked) -> None:
    for number in range(3):
        token_of(gateway, f"T{number}", id=number, target_lists=[{"name": "Young ones"}])
    events = gateway.published()
    assert [str(event.kind) for event in events] == ["target"] * 3 + ["list"]
    assert len({event.share_id for event in events}) == 1
    assert [member.reference.name for member in events[3].body.members] == ["T0", "T1", "T2"]


def test_an_unknown_token_is_told_what_to_do(gateway: Asked) -> None:
    answer = gateway.ask("PATCH", "targets/nobody/", json={"target_lists": []})
    assert answer.status_code == 404
    assert "Share the target itself once" in answer.json()["detail"]
    assert gateway.share_point("nobody").status_code == 404
    assert gateway.published() == []


def test_what_a_visitor_shares_is_refused_unless_a_setting_allows_it(gateway: Asked, tmp_path: Path, url: str) -> None:
    answer = gateway.share_target(shared_by="")
    assert answer.status_code == 403
    assert "Log in to your TOM" in answer.json()["detail"]
    assert gateway.known("SN%202026ali") is None
    with asked_gateway(tmp_path / "other", url, gateway={"anonymous": True}) as other:
        assert other.share_target(shared_by="").status_code == 201


@pytest.mark.parametrize(
    "fields",
    [
        {"ra": None},
        {"ra": 400.0},
        {"name": "<script>"},
        {"type": "PLANET"},
        {"aliases": ["x" * 101]},
        {"name": 7},
        {"target_lists": "all"},
        {"ra": float("nan")},
    ],
)
def test_a_target_that_no_event_can_hold_is_refused_with_a_sentence(gateway: Asked, fields: dict[str, object]) -> None:
    answer = gateway.ask("POST", "targets/", content=json.dumps(target(**fields)))  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert len(answer.json()["detail"]) > 20
    assert gateway.published() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"shared_by": "a\x01b"},
        {"shared_by": {"name": "ada"}},
        {"target_lists": [{"name": "z < 0.1"}]},
        {"target_lists": [{"name": "x" * 201}]},
        {"target_lists": [{"name": 5}]},
        {"id": 2**63},
        {"id": True},
    ],
)
def test_what_no_event_could_be_made_of_later_is_refused_at_once(gateway: Asked, fields: dict[str, object]) -> None:
    """What was taken is made into events behind the answer: one that can't be would hold all others back."""
    answer = gateway.share_target(**fields)
    assert answer.status_code == 400
    assert str(next(iter(fields))).rstrip("s").replace("target_", "") in answer.json()["detail"]
    assert gateway.published() == []


@pytest.mark.parametrize("field", ["name", "type", "shared_by"])
def test_what_is_refused_is_told_in_a_few_words_however_much_was_sent(
    gateway: Asked, field: str, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = gateway.share_target(**{"name": "SN 2026ali", field: "\x07" * 300_000})
    assert answer.status_code == 400
    assert len(answer.text) < 30_000
    assert len(capsys.readouterr().out) + len(caplog.text) < 100_000


def test_a_message_is_never_one_that_a_tom_shows_as_a_failure(gateway: Asked) -> None:
    answer = gateway.share_target("Terror 1")
    assert answer.status_code == 201
    assert "error" not in str(answer.json()["message"]).lower()


# -- data --------------------------------------------------------------------------------------------------------------


def test_data_that_come_together_are_one_event_with_every_field(gateway: Asked) -> None:
    token = token_of(gateway, aliases=["ZTF26xyz"])
    for minute in range(5):
        answer = gateway.share_point(token, timestamp=f"2026-11-02T03:0{minute}:01.678901Z")
        assert answer.status_code == 201
    _, event = gateway.published()
    assert event.names == ("SN 2026ali", "ZTF26xyz")
    assert len(event.body.points) == 5
    one = event.body.points[0]
    assert one.model_dump(mode="json", exclude_defaults=True) == {
        "timestamp": "2026-11-02T03:00:01.678901Z",
        "bandpass": "r",
        "brightness": 18.25,
        "brightness_error": 0.02,
        "unit": "AB",
        "telescope": "1m0",
        "source_name": "LCO",
        "source_location": "loc",
    }


def test_what_2_32_sends_keeps_limits_and_further_values(gateway: Asked) -> None:
    token = token_of(gateway)
    sent = point(token, data_product="")
    sent["value"] = {"filter": "g", "limit": 20.5, "error": 0.1, "instrument": "sinistro", "airmass": 1.2}
    assert gateway.ask("POST", "reduceddatums/", json=sent).status_code == 201
    (one,) = gateway.published()[1].body.points
    assert (one.bandpass, one.brightness, one.limit, one.brightness_error) == ("g", None, 20.5, 0.1)
    assert one.extra == {"airmass": 1.2}


def test_a_magnitude_of_zero_is_a_value(gateway: Asked) -> None:
    token = token_of(gateway)
    assert gateway.share_point(token, value={"brightness": 0.0}).status_code == 201
    assert gateway.published()[1].body.points[0].brightness == 0.0


def test_what_a_tom_fills_in_for_its_own_data_is_no_source(gateway: Asked) -> None:
    token = token_of(gateway)
    location = "ReducedDatum shared from <My TOM.https://tom.example.org>/api/reduceddatums/12/"
    gateway.share_point(token, source_name="My TOM", source_location=location)
    one = gateway.published()[1].body.points[0]
    assert (one.source_name, one.source_location) == ("", "")


def test_spectra_positions_and_other_data_arrive_as_what_they_are(gateway: Asked) -> None:
    token = token_of(gateway)
    spectrum = {
        "flux": [1.0, 2.0],
        "wavelength": [4000, 4001],
        "error": None,
        "flux_units": "erg",
        "instrument": "FLOYDS",
    }
    position = {"ra": 10.001, "dec": -5.0, "ra_error": None, "dec_error": 0.1, "dec_error_units": "arcsec"}
    for data_type, value in (("spectroscopy", spectrum), ("astrometry", position), ("radio", {"snr": 5})):
        sent = point(token, data_type=data_type)
        sent["value"] = value
        assert gateway.ask("POST", "reduceddatums/", json=sent).status_code == 201
    events = gateway.published()[1:]
    assert [str(event.kind) for event in events] == ["spectroscopy", "astrometry", "reduced-datum"]
    assert events[0].body.spectra[0].wavelength == (4000.0, 4001.0)
    assert events[0].body.spectra[0].flux_unit == "erg"
    assert events[1].body.positions[0].dec_error == 0.1
    assert events[2].body.data[0].value == {"snr": 5}


@pytest.mark.parametrize(
    "value",
    [
        {"brightness": None},
        {"brightness": float("nan")},
        {"brightness": "faint"},
        {"brightness_error": "small"},
        {"bandpass": "x" * 33},
        {"bandpass": ""},
        {"magnitude": 18.5},
        {"brightness": True},
        {"telescope": {"name": "1m0"}},
    ],
)
def test_a_point_whose_meaning_is_not_clear_is_refused(gateway: Asked, value: dict[str, object]) -> None:
    token = token_of(gateway)
    answer = gateway.ask("POST", "reduceddatums/", content=json.dumps(point(token, value=value)))
    assert answer.status_code == 400
    assert len(gateway.published()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"timestamp": "yesterday"},
        {"timestamp": 5},
        {"timestamp": None},
        {"value": []},
        {"data_type": None},
        {"data_type": 5},
        {"source_name": {"a": 1}},
    ],
)
def test_a_datum_that_is_none_is_refused(gateway: Asked, change: dict[str, object]) -> None:
    token = token_of(gateway)
    assert gateway.ask("POST", "reduceddatums/", json=point(token) | change).status_code == 400


def test_an_equal_datum_is_taken_once(gateway: Asked) -> None:
    token = token_of(gateway)
    assert gateway.share_point(token).status_code == 201
    assert gateway.share_point(token).status_code == 200
    gateway.publish()
    assert gateway.share_point(token).status_code == 200
    assert gateway.share_point(token, value={"brightness": 18.3}).status_code == 201
    assert [len(event.body.points) for event in gateway.published()[1:]] == [1, 1]


def test_data_of_two_targets_in_turn_keep_their_order_in_events_of_their_own(gateway: Asked) -> None:
    first, second = token_of(gateway, "A", id=1), token_of(gateway, "B", id=2)
    for minute in range(4):
        token = (first, second)[minute % 2]
        gateway.share_point(token, timestamp=f"2026-11-02T03:0{minute}:00Z")
    events = [event for event in gateway.published() if event.kind == "photometry"]
    times = {event.subject: [point.timestamp.minute for point in event.body.points] for event in events}
    assert times == {"A": [0, 2], "B": [1, 3]}


def test_a_datum_beyond_what_an_event_takes_is_refused_and_takes_no_other_with_it(gateway: Asked) -> None:
    token = token_of(gateway)
    for minute, channels in enumerate((1_000, 60_000, 2_000)):
        sent = point(token, data_type="spectroscopy", timestamp=f"2026-11-02T03:0{minute}:00Z")
        sent["value"] = {"flux": [1.5] * channels, "wavelength": list(range(channels))}
        answer = gateway.ask("POST", "reduceddatums/", json=sent)
        assert answer.status_code == (201 if channels < 60_000 else 413)
    _, event = gateway.published()
    assert [len(one.flux) for one in event.body.spectra] == [1_000, 2_000]
    assert "are the most" in gateway.share_target("Large", targetextra_set=extras(90)).json()["detail"]


def extras(number: int) -> list[dict[str, object]]:
    return [{"id": one, "key": f"k{one}", "value": "v" * 9_999} for one in range(number)]


# -- files -------------------------------------------------------------------------------------------------------------


def test_a_file_is_published_by_its_own_name(gateway: Asked) -> None:
    token = token_of(gateway)
    answer = product(gateway, token, filename="sn-2026abc/none/phot_data_é.csv")
    assert (answer.status_code, answer.json()["message"]) == (201, f"phot_data_é.csv is on its way to {TOPIC}")
    body = gateway.published()[1].body
    assert (body.filename, body.content, body.product_id, body.data_product_type) == (
        "phot_data_é.csv",
        CSV,
        "p1",
        "photometry",
    )
    assert product(gateway, token, filename="sn-2026abc/none/phot_data_é.csv").status_code == 200
    assert len(gateway.published()) == 2


def test_a_file_beyond_the_largest_is_refused_with_a_sentence(gateway: Asked) -> None:
    token = token_of(gateway)
    answer = product(gateway, token, content=b"x" * (8 * 1024 * 1024 + 1))
    assert answer.status_code == 413
    assert "are the most" in answer.json()["detail"]
    huge = gateway.ask("POST", "dataproducts/", content=b"x" * (9 * 1024 * 1024))
    assert huge.status_code == 413


def test_a_file_beyond_what_the_topic_takes_is_refused(gateway: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    token = token_of(gateway)
    monkeypatch.setattr(SqliteStream, "largest_value", lambda _self, _topic: 100_000)
    gateway.parts.sizes.ask()
    assert product(gateway, token, content=b"x" * 90_000).status_code == 413
    assert product(gateway, token, content=b"x" * 80_000).status_code == 201


@pytest.mark.parametrize("content", [b"", b"nothing", b"--x\r\n\r\n"])
def test_what_is_no_form_is_refused(gateway: Asked, content: bytes) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert gateway.ask("POST", "dataproducts/", content=content, headers=headers).status_code == 400
    assert gateway.ask("POST", "dataproducts/", content=content).status_code == 400


# -- who, where, how much ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("auth", [None, ("north-tom", "wrong"), ("nobody", "wrong"), ("", "")])
def test_who_is_not_known_is_answered_401_in_json(gateway: Asked, auth: tuple[str, str] | None) -> None:
    answer = gateway.ask("GET", "targets/?name_fuzzy=A", auth=auth)
    assert answer.status_code == 401
    assert "USERNAME and PASSWORD" in answer.json()["detail"]
    assert gateway.ask("POST", "targets/", json=target(), auth=auth).status_code == 401
    assert gateway.published() == []


@pytest.mark.parametrize("header", ["Basic", "Basic !!!", "Basic /w==", "Token abc", "Bearer x"])
def test_an_odd_authorization_is_none(gateway: Asked, header: str) -> None:
    answer = gateway.client.get(f"/{TOPIC}/api/targets/", headers={"Authorization": header})
    assert answer.status_code == 401
    assert isinstance(answer.json(), dict)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "nothing/", 404),
        ("DELETE", "targets/", 405),
        ("GET", "reduceddatums/", 405),
        ("PUT", "targets/x/", 405),
        ("GET", "targets", 404),
        ("POST", "targets", 404),
        ("GET", "targets/", 200),
    ],
)
def test_whatever_is_asked_is_answered_in_json_and_nothing_is_redirected(
    gateway: Asked, method: str, path: str, status: int
) -> None:
    assert gateway.ask(method, path).status_code == status


def test_a_topic_that_is_not_the_accounts_is_refused(gateway: Asked) -> None:
    answer = gateway.ask("POST", "targets/", topic="secret.topic", json=target())
    assert answer.status_code == 404
    assert TOPIC in answer.json()["detail"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"{",
        b'"x"',
        b"[" * 100_000,
        b'{"target": "\\ud800"}',
        b'{"target": "\xed\xa0\x80"}',
        b'{"target": 1, "target": 2}',
    ],
)
def test_what_is_no_json_object_is_refused(gateway: Asked, content: bytes) -> None:
    for path in ("targets/", "reduceddatums/"):
        assert gateway.ask("POST", path, content=content).status_code == 400


def test_a_body_without_end_is_refused(gateway: Asked) -> None:
    assert gateway.ask("POST", "targets/", content=b" " * (5 * 1024 * 1024)).status_code == 413


def test_an_account_may_make_so_many_requests_a_minute(tmp_path: Path, url: str) -> None:
    with asked_gateway(tmp_path / "few", url, gateway={"requests_a_minute": 3}) as few:
        statuses = [few.ask("GET", "targets/").status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]


def test_a_fault_of_our_own_is_a_json_object_too(gateway: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_given: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(gateway.parts.accepting, "target", broken)
    answer = gateway.ask("POST", "targets/", json=target())
    assert answer.status_code == 500
    assert "secret" not in answer.text


def test_while_the_file_can_not_be_used_a_tom_is_told_to_try_again(gateway: Asked) -> None:
    """Locked, gone, or something else in its place; what came before is there when it is back."""
    token = token_of(gateway)
    state = gateway.settings.state
    away = state / "away"
    away.mkdir()
    for file in [*state.glob(f"{FILE}*")]:
        file.rename(away / file.name)
    assert gateway.share_point(token).status_code == 503
    (state / FILE).write_bytes(b"no database" * 1000)
    assert gateway.share_point(token).status_code == 503
    for file in away.iterdir():
        file.replace(state / file.name)
    assert gateway.share_point(token).status_code == 201
    assert [str(event.kind) for event in gateway.published()] == ["target", "photometry"]


# -- what is remembered -----------------------------------------------------------------------------------------------


def test_status_tells_what_was_taken_refused_and_asked_for_in_vain(gateway: Asked) -> None:
    from bridge.operations.gateway_status import gateway_status

    gateway.known("SN%202026zzz,ZTF26q")
    token = token_of(gateway)
    gateway.share_point(token)
    gateway.share_point(token)
    gateway.share_point(token, value={"brightness": None})
    now = gateway_status(gateway.settings)
    assert now is not None
    told = {(one.what, one.outcome, one.reason): one.number for one in now.tallies}
    assert told == {
        ("target", "taken", ""): 1,
        ("photometry", "taken", ""): 1,
        ("photometry", "known already", ""): 1,
        ("datum", "refused", "point without brightness and limit"): 1,
    }
    assert [(one.asked, one.times) for one in now.questions] == [("SN 2026zzz,ZTF26q", 1)]
    assert now.pending == 2
    token_of(gateway, "SN 2026zzz", aliases=["ZTF26q"], id=9)
    now = gateway_status(gateway.settings)
    assert now is not None
    assert now.questions == ()


def test_what_was_answered_is_durable_before_anything_is_composed(gateway: Asked, tmp_path: Path) -> None:
    token = token_of(gateway)
    gateway.share_point(token)
    from contextlib import closing

    from bridge.gateway.store import Store

    with closing(Store(gateway.settings.state)) as other:
        assert [len(other.pending(line, 10)) for line in other.lines()] == [2]


def test_an_account_that_was_removed_is_let_in_no_more_and_what_it_gave_is_published(gateway: Asked) -> None:
    from bridge.gateway import accounts
    from bridge.operations.gateway import opened_store

    gateway.share_target()
    with opened_store(gateway.settings) as store:
        assert accounts.remove(store, "north-tom")
    assert gateway.ask("GET", "targets/").status_code == 401
    assert [event.subject for event in gateway.published()] == ["SN 2026ali"]


def test_no_secret_is_kept(gateway: Asked) -> None:
    assert gateway.auth is not None
    kept = b"".join(path.read_bytes() for path in gateway.settings.state.iterdir())
    assert gateway.auth[1].encode() not in kept


# -- loops -------------------------------------------------------------------------------------------------------------


def test_the_very_datum_that_the_bridge_wrote_is_not_sent_back(gateway: Asked) -> None:
    from parts.events import point as written_point

    from bridge.operations.opening import opened_ledger
    from bridge.tom import echo

    written = written_point(limit=21.0, exposure_time=30.0, source_name="South TOM", extra={"original_source_name": ""})
    with opened_ledger(gateway.settings) as ledger:
        ledger.note_written([echo.of_datum(written)])
    token = token_of(gateway)
    value = {"brightness": written.brightness, "brightness_error": None, "unit": "", "telescope": "", "instrument": ""}
    given = {"timestamp": written.timestamp.isoformat(), "source_name": "South TOM", "source_location": ""}
    assert gateway.share_point(token, value=value, **given).status_code == 200
    assert len(gateway.published()) == 1
    # A datum of one's own is sent, whatever name it bears.
    assert gateway.share_point(token, value=value | {"brightness": 18.9}, **given).status_code == 201
    assert len(gateway.published()) == 2


def test_a_target_that_came_is_not_sent_back_and_own_data_of_it_are(gateway: Asked) -> None:
    from bridge.operations.opening import opened_ledger
    from bridge.tom import echo

    with opened_ledger(gateway.settings) as ledger:
        ledger.note_written([echo.of_target(2, "SN 2026ali")])
    answer = gateway.share_target()
    assert answer.status_code == 201
    assert "came over the bridge" in answer.json()["message"]
    token = answer.json()["id"]
    assert gateway.ask("PATCH", f"targets/{token}/", json={"target_lists": []}).status_code == 200
    gateway.share_point(token)
    assert [str(event.kind) for event in gateway.published()] == ["photometry"]


def test_a_file_that_came_and_what_the_tom_made_of_it_are_not_sent_back(gateway: Asked) -> None:
    import hashlib

    from bridge.operations.opening import opened_ledger
    from bridge.tom import echo

    with opened_ledger(gateway.settings) as ledger:
        sha256 = hashlib.sha256(CSV).hexdigest()
        ledger.note_written([echo.of_product("p1", sha256), echo.of_products_datums(7)])
    token = token_of(gateway)
    assert product(gateway, token).status_code == 200
    assert gateway.share_point(token, data_product=7).status_code == 200
    assert [str(event.kind) for event in gateway.published()] == ["target"]
