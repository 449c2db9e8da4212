"""The configuration: what it accepts, what it says of a wrong one, and that it tells no secret."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import ConfigurationError
from bridge.events import Kind
from bridge.settings import Settings

STREAM = {"url": "kafka://broker.example.org:9092"}
ACCOUNT = {"BASE_URL": "https://tom.example.org/", "USERNAME": "bridge", "PASSWORD": "h0rsebattery"}


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TOM_BRIDGE_CONFIG", "TOM_BRIDGE_STREAM__URL", "TOM_BRIDGE_TOM__PASSWORD"):
        monkeypatch.delenv(name, raising=False)


def settings(**tables: Any) -> Settings:
    return Settings.from_mapping({"stream": STREAM, **tables}, source="tom-bridge.toml")


def complaint(**tables: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        settings(**tables)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_file_is_read_and_its_paths_are_relative_to_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "tom-bridge.toml"
    file.write_text(
        'origin = "my-tom"\n[stream]\nurl = "kafka://b:9092"\n[[subscribe]]\ntopic = "t"\nstart = 2026-01-31\n'
    )
    found = Settings.load(file)
    assert found.ledger == tmp_path / "tom-bridge-state" / "ledger.db"
    assert found.subscribe[0].start == datetime(2026, 1, 31, tzinfo=UTC)
    assert found.subscribe[0].kinds == tuple(Kind)


def test_an_embedded_stream_is_relative_to_the_folder_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "tom-bridge.toml"
    file.write_text('[stream]\nurl = "sqlite:///stream.db"\n')
    assert Settings.load(file).stream.url == f"sqlite:///{tmp_path}/stream.db"
    assert settings(stream={"url": "sqlite:////var/lib/s.db"}).stream.url == "sqlite:////var/lib/s.db"


def test_the_file_is_found_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "elsewhere.toml"
    file.write_text('[stream]\nurl = "kafka://b:9092"\n')
    monkeypatch.setenv("TOM_BRIDGE_CONFIG", str(file))
    assert Settings.load().stream.url == "kafka://b:9092"


def test_without_a_file_the_message_says_how_to_write_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="tom-bridge init"):
        Settings.load()


def test_the_environment_alone_is_enough(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOM_BRIDGE_STREAM__URL", "kafka://b:9092")
    assert Settings.load().stream.url == "kafka://b:9092"


def test_the_environment_wins_over_the_file_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_TOM__PASSWORD", "from the environment")
    tom = settings(tom=ACCOUNT).require_tom()
    assert tom.password is not None
    assert tom.password.get_secret_value() == "from the environment"
    assert tom.username == "bridge"


@pytest.mark.parametrize(("name", "value"), [("SUBSCRIBE", '[{"topic"'), ("TOM__GROUPS", "Observers")])
def test_a_list_in_the_environment_that_is_no_json_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"TOM_BRIDGE_{name}", value)
    with pytest.raises(ConfigurationError, match=f"^TOM_BRIDGE_{name}: is no JSON"):
        settings(tom=ACCOUNT)


def test_one_wrong_kind_is_told_as_one_problem() -> None:
    with pytest.raises(ConfigurationError) as refused:
        settings(subscribe=[{"topic": "t", "kinds": ["targets"]}])
    assert "more wrong" not in str(refused.value)


def test_a_kafka_secret_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_STREAM__KAFKA__SASL_PASSWORD", "h0rsebattery")
    found = Settings.from_mapping({"stream": {**STREAM, "kafka": {"sasl.username": "tom"}}})
    assert found.stream.options() == {"sasl.username": "tom", "sasl.password": "h0rsebattery"}


def test_a_data_sharing_entry_is_accepted_unchanged() -> None:
    entry = {"DISPLAY_NAME": "TOM B", **ACCOUNT, "USER_TOPICS": ["a"], "HERMES_API_KEY": "h0rsebattery"}
    found = settings(tom=entry)
    assert found.display_name == "TOM B"
    assert found.require_tom().base_url == "https://tom.example.org/"


def test_django_settings_in_upper_case_are_accepted() -> None:
    found = Settings.from_mapping({"STREAM": {"URL": "kafka://b:9092"}, "SUBSCRIBE": [{"TOPIC": "t"}]})
    assert found.subscribe[0].topic == "t"


def test_no_secret_is_shown_anywhere() -> None:
    found = settings(
        stream={
            "url": "kafka://tom:h0rsebattery@b:9092",
            "kafka": {"sasl.password": "h0rsebattery", "ssl.key.pem": "h0rsebattery", "client.id": "shown"},
        },
        tom={**ACCOUNT, "BASE_URL": "https://tom:h0rsebattery@tom.example.org/", "API_KEY": "h0rsebattery"},
    )
    for text in (repr(found), str(found), found.model_dump_json(), str(found.model_dump())):
        assert "h0rsebattery" not in text
        assert "shown" in text
    assert found.stream.shown_url == "kafka://tom:**********@b:9092"
    assert found.stream.url == "kafka://tom:h0rsebattery@b:9092"


@pytest.mark.parametrize(
    "tables",
    [
        {"tom": {**ACCOUNT, "PASSWORD": ["h0rsebattery"]}},
        {"tom": {**ACCOUNT, "PASSWORD": b"h0rsebattery\xff"}},
        {"tom": {**ACCOUNT, "API_KEY": {"h0rsebattery": 1}}},
        {"tom": {"BASE_URL": "ftp://tom:h0rsebattery@tom", "API_KEY": "h0rsebattery"}},
        {"tom": {"BASE_URL": "https://tom", "PASSWORD": "h0rsebattery"}},
        {"stream": {"url": "kafka://b", "kafka": {"sasl.password": "h0rsebattery"}, "x": "h0rsebattery"}},
        {"stream": "kafka://tom:h0rsebattery@b"},
    ],
)
def test_no_secret_is_told_in_an_error(tables: dict[str, Any]) -> None:
    assert "h0rsebattery" not in complaint(**tables)


def test_an_unknown_key_is_told_with_the_nearest_right_one() -> None:
    text = complaint(tom={**ACCOUNT, "time_out": 5})
    assert text == "tom-bridge.toml: tom.time_out: is no setting. Did you mean 'timeout_s'?"
    assert "Did you mean 'subscribe'?" in complaint(subscribed=[])
    assert "subscribe[0].kind" in complaint(subscribe=[{"topic": "t", "kind": ["list"]}])


def test_a_misspelt_key_of_data_sharing_is_not_taken_for_one_of_its_other_keys() -> None:
    assert "Did you mean 'password'?" in complaint(tom={**ACCOUNT, "PASSWROD": "x"})


def test_a_misspelt_variable_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_STRAEM__URL", "kafka://b")
    assert complaint() == "TOM_BRIDGE_STRAEM__URL: is no setting. Did you mean TOM_BRIDGE_STREAM?"


def test_variables_that_others_set_are_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_SERVICE_HOST", "10.0.0.1")
    settings()


@pytest.mark.parametrize(
    ("tables", "key", "mend"),
    [
        ({"origin": "My TOM"}, "origin:", "my-tom"),
        ({"origin": "hermes.alice"}, "origin:", "is kept for what comes from Hermes"),
        ({"tom": {"BASE_URL": "https://tom"}}, "tom:", "set api_key, or username and password"),
        ({"tom": {"API_KEY": "x"}}, "tom.base_url:", "https://tom.example.org/"),
        ({"stream": {}}, "stream.url:", "kafka://broker.example.org:9092"),
        ({"subscribe": [{"topic": "t", "start": "soon"}]}, "subscribe[0].start:", '"earliest"'),
        ({"subscribe": [{"topic": "t"}, {"topic": "t"}]}, "subscribe:", "join the two"),
        ({"subscribe": [{"topic": "t", "kinds": ["spectra"]}]}, "subscribe[0].kinds", "'photometry'"),
        ({"limits": {"batch_s": 0}}, "limits.batch_s:", "greater than 0"),
        ({"limits": {"batch_s": float("nan")}}, "limits.batch_s:", "finite"),
    ],
)
def test_a_wrong_value_is_told_with_its_key_and_what_would_be_right(
    tables: dict[str, Any], key: str, mend: str
) -> None:
    text = complaint(**tables)
    assert f"tom-bridge.toml: {key}" in text
    assert mend in text


def test_what_a_command_needs_is_asked_for_by_its_key() -> None:
    for asked, key in (
        (settings().require_tom, "tom"),
        (settings().require_origin, "origin"),
        (settings().require_subscriptions, "subscribe"),
    ):
        with pytest.raises(ConfigurationError, match=f"tom-bridge.toml: {key}: is missing"):
            asked()


def test_a_file_that_is_no_toml_is_told_with_line_and_column(tmp_path: Path) -> None:
    file = tmp_path / "tom-bridge.toml"
    file.write_text("origin = my-tom\n")
    with pytest.raises(ConfigurationError, match="line 1, column"):
        Settings.load(file)


# -- several streams --------------------------------------------------------------------------------------------------

HOPSKOTCH = {"url": "kafka://alice@kafka.scimma.org", "hopskotch": True}


def test_further_streams_have_labels_and_their_own_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_STREAMS__PRIVATE__KAFKA__SASL_PASSWORD", "h0rsebattery")
    file = tmp_path / "tom-bridge.toml"
    file.write_text(
        '[stream]\nurl = "kafka://a"\n[streams.hopskotch]\nurl = "kafka://kafka.scimma.org"\nhopskotch = true\n'
        'auth = "auth.toml"\n[streams.private]\nurl = "sqlite:///share.db"\nschema_topic = "schemas"\n'
    )
    found = Settings.load(file)
    assert list(found.each_stream()) == ["", "hopskotch", "private"]
    assert found.streams["hopskotch"].auth == tmp_path / "auth.toml"
    assert found.streams["private"].url == f"sqlite:///{tmp_path}/share.db"
    assert found.streams["private"].options() == {"sasl.password": "h0rsebattery"}
    assert "h0rsebattery" not in repr(found)


def test_django_s_capitals_are_taken_for_further_streams_too() -> None:
    found = Settings.from_mapping({"STREAM": STREAM, "STREAMS": {"hop": {"URL": "kafka://b", "KAFKA": {"a.b": "1"}}}})
    assert (found.streams["hop"].url, found.streams["hop"].kafka) == ("kafka://b", {"a.b": "1"})


@pytest.mark.parametrize("publish", [{"topics": [{"topic": "a", "format": "hermes"}]}, {"topic": "a"}])
def test_a_topic_has_one_format_in_both_directions(publish: dict[str, Any]) -> None:
    formats = ["bridge", "hermes"] if "topics" in publish else ["hermes", "bridge"]
    told = complaint(publish=publish, subscribe=[{"topic": "a", "format": formats[0]}])
    assert f"'a' is received with format = '{formats[0]}' and published to with '{formats[1]}'" in told
    assert settings(publish=publish, subscribe=[{"topic": "a", "format": formats[1]}, {"topic": "b"}])


def test_schemas_are_kept_beside_a_topic_on_its_own_stream_and_never_on_hopskotch() -> None:
    found = settings(streams={"hop": HOPSKOTCH, "other": {"url": "kafka://b", "schema_topic": "theirs"}})
    topics = ("supernovae.public", "other:supernovae.public", "hop:hermes.test")
    assert [found.schema_topic_of(topic) for topic in topics] == ["tom-bridge.schemas", "other:theirs", None]


def test_on_hopskotch_only_what_is_new_is_received_unless_a_start_is_set() -> None:
    topics = [
        {"topic": "supernovae.public"},
        {"topic": "hop:hermes.test"},
        {"topic": "hop:hermes.all", "start": "earliest"},
    ]
    found = settings(streams={"hop": HOPSKOTCH}, subscribe=topics)
    assert [one.start for one in found.subscribe] == ["earliest", "now", "earliest"]


@pytest.mark.parametrize(
    ("tables", "key", "mend"),
    [
        ({"streams": {"Hop": STREAM}}, "streams.Hop", "[streams.hopskotch]"),
        ({"streams": {"hop": {}}}, "streams.hop.url: is missing", "kafka://"),
        ({"streams": {"hop": {"ur": "kafka://a"}}}, "streams.hop.ur: is no setting", "'url'"),
        ({"streams": {"hop": STREAM | {"kafka": {"a.b": []}}}}, "streams.hop.kafka.a.b", "valid"),
        ({"streams": {"hop": STREAM | {"auth": "auth.toml"}}}, "streams.hop: has auth", "hopskotch = true"),
        ({"streams": {"hop": {"url": "sqlite:///a", "hopskotch": True}}}, "streams.hop: has hopskotch", "kafka://"),
        ({"subscribe": [{"topic": "hop:hermes.test"}]}, "no stream 'hop'", "[streams.hop]"),
        ({"publish": {"topic": "hop:hermes.test"}}, "no stream 'hop'", "[streams.hop]"),
        ({"streams": {"hop": HOPSKOTCH}, "publish": {"topic": "hop:hermes.test"}}, "topics of Hermes", '"hermes"'),
        ({"subscribe": [{"topic": "Hop:t"}]}, "subscribe[0].topic", "hopskotch:hermes.test"),
    ],
)
def test_what_is_wrong_with_a_further_stream_is_told_with_its_label(
    tables: dict[str, Any], key: str, mend: str
) -> None:
    told = complaint(**tables)
    assert key in told
    assert mend in told


def test_on_hermes_topics_of_hopskotch_goes_what_hermes_reads() -> None:
    streams = {"hop": HOPSKOTCH, "other": STREAM}
    topics = [
        {"topic": "hop:hermes.test", "format": "hermes"},
        {"topic": "hop:gw.test"},
        {"topic": "other:hermes.test"},
    ]
    assert settings(streams=streams, publish={"topics": topics}).published() == [one["topic"] for one in topics]


HERMES = {"url": "https://hermes.lco.global/", "token": "h0rsebattery"}
TO_HERMES = {"topics": [{"topic": "hermes:hermes.test", "format": "hermes"}]}


def test_hermes_rest_api_is_a_stream_that_is_published_to() -> None:
    found = settings(streams={"hermes": HERMES}, publish=TO_HERMES)
    assert found.publish.of("hermes:hermes.test").over_rest
    assert found.schema_topic_of("hermes:hermes.test") is None
    assert "h0rsebattery" not in repr(found)
    over_kafka = settings(streams={"hop": HOPSKOTCH}, publish={"topics": [{"topic": "hop:a", "format": "hermes"}]})
    assert not over_kafka.publish.of("hop:a").over_rest


def test_an_entry_hermes_of_data_sharing_is_accepted_unchanged() -> None:
    entry = {
        "DISPLAY_NAME": "Hermes",
        "BASE_URL": "https://hermes.lco.global/",
        "HERMES_API_KEY": "h0rsebattery",
        "DEFAULT_AUTHORS": "A. Author",
        "USER_TOPICS": ["hermes.test"],
        "DATA_CONVERTER_CLASS": "tom_dataproducts.alertstreams.hermes.HermesDataConverter",
    }
    found = settings(streams={"hermes": entry}).streams["hermes"]
    assert (found.url, found.over_rest) == ("https://hermes.lco.global/", True)
    assert found.token is not None
    assert found.token.get_secret_value() == "h0rsebattery"


def test_the_token_of_such_an_entry_can_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOM_BRIDGE_STREAMS__HERMES__TOKEN", "h0rsebattery")
    found = settings(streams={"hermes": {"BASE_URL": "https://hermes.lco.global/"}}).streams["hermes"]
    assert found.token is not None
    assert found.token.get_secret_value() == "h0rsebattery"


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"streams": {"hermes": HERMES | {"token": ""}}}, "streams.hermes: has no token"),
        ({"streams": {"hermes": HERMES | {"url": "http://hermes.lco.global/"}}}, "would send the token in clear"),
        ({"streams": {"hermes": HERMES | {"kafka": {"client.id": "a"}}}}, "are for a url of kafka://"),
        ({"streams": {"hop": STREAM | {"token": "h0rsebattery"}}}, "streams.hop: has token"),
        ({"stream": HERMES}, "set it under [streams.hermes]"),
        ({"streams": {"hermes": HERMES}, "subscribe": [{"topic": "hermes:hermes.test"}]}, "can't be received over"),
        ({"streams": {"hermes": HERMES}, "publish": {"topic": "hermes:hermes.test"}}, 'Say format = "hermes"'),
    ],
)
def test_what_hermes_rest_api_can_not_do_is_told(tables: dict[str, Any], told: str) -> None:
    text = complaint(**tables)
    assert told in text
    assert "h0rsebattery" not in text
