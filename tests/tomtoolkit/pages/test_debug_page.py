"""What Django's debug page shows when something breaks within the bridge: settings and variables, and no secret."""

from typing import Any

import pytest
from parts.django_fixtures import MakeOrmTom

SECRET = "h0rsebattery"
GIVEN: dict[str, Any] = {
    "ORIGIN": "beta",
    "STREAM": {
        "URL": f"kafka://ada@example.org:{SECRET}@broker.example.org:9092",
        "KAFKA": {"sasl.password": SECRET, "ssl.key.pem": SECRET, "sasl.oauthbearer.config": f"x={SECRET}"},
    },
    "SUBSCRIBE": [{"TOPIC": "t"}],
}


@pytest.mark.parametrize(
    "breaks",
    [
        "bridge.settings.streams.StreamSettings.within",
        "bridge.tomtoolkit.pages.page.BridgeView.dispatch",
        "bridge.tomtoolkit.conf._given",
    ],
)
def test_no_secret_is_on_the_debug_page(make_orm_tom: MakeOrmTom, monkeypatch: pytest.MonkeyPatch, breaks: str) -> None:
    make_orm_tom("sqlite")
    from django.contrib.auth.models import User
    from django.test import Client
    from django.test.utils import override_settings

    from bridge.tomtoolkit import conf

    def fail(*args: object, **named: object) -> None:
        raise RuntimeError("it breaks here")

    with override_settings(TOM_BRIDGE=GIVEN, DEBUG=True):
        conf.hide()
        loaded = conf.load()
        assert loaded.stream.url == GIVEN["STREAM"]["URL"]
        assert loaded.stream.options()["sasl.password"] == SECRET
        monkeypatch.setattr(conf, "_last", [])
        monkeypatch.setattr(breaks, fail)
        client = Client(raise_request_exception=False)
        client.force_login(User.objects.get(username="admin"))
        answer = client.get("/bridge/")
    assert answer.status_code == 500
    shown = answer.content.decode()
    assert "it breaks here" in shown
    assert "broker.example.org" in shown
    assert SECRET not in shown


def test_a_password_in_the_address_of_kafka_is_an_error_that_does_not_show_it(make_orm_tom: MakeOrmTom) -> None:
    make_orm_tom("sqlite")
    from django.core.checks import run_checks
    from django.test.utils import override_settings

    with override_settings(TOM_BRIDGE=GIVEN):
        (found,) = [one for one in run_checks() if one.id == "tom_bridge.E008"]
    assert "takes no user and password" in found.msg
    assert "sasl.password" in str(found.hint)
    assert SECRET not in f"{found.msg}{found.hint}"


def test_the_app_hides_secrets_when_it_is_loaded(make_orm_tom: MakeOrmTom) -> None:
    make_orm_tom("sqlite")
    from django.apps import apps
    from django.conf import settings
    from django.test.utils import override_settings

    with override_settings(TOM_BRIDGE=GIVEN):
        apps.get_app_config("tom_bridge").ready()
        assert SECRET not in repr(settings.TOM_BRIDGE)
        assert settings.TOM_BRIDGE == GIVEN
