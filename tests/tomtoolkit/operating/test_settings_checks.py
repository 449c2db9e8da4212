"""The TOM's settings: every wrong or missing one is found by Django's checks, with a hint."""

from collections.abc import Callable
from typing import Any

import pytest
from parts.django_fixtures import MakeOrmTom
from parts.django_tom import InProcessTom
from parts.tom_site import GROUP

RIGHT: dict[str, Any] = {
    "ORIGIN": "beta",
    "STREAM": {"URL": "kafka://broker.example.org:9092", "KAFKA": {"sasl_password": "very secret"}},
    "SUBSCRIBE": [
        {"TOPIC": "supernovae.public", "KINDS": ["target"], "START": "now", "ORIGINS": ["alpha"], "GROUPS": [GROUP]}
    ],
    "PUBLISH": [{"TOPIC": "supernovae.public", "GROUPS": [GROUP]}],
    "DATA_PRODUCT_TYPES": {"spectrum": "spectroscopy"},
    "MATCHING": {"SEPARATION_ARCSEC": 3.0},
    "LIMITS": {"BATCH_DATUMS": 100},
}

Check = Callable[..., list[Any]]


@pytest.fixture
def check(make_orm_tom: MakeOrmTom) -> Check:
    """Return the bridge's messages for settings that differ from the right ones."""
    make_orm_tom("sqlite")
    transactions("IMMEDIATE")

    def found(bridge: Any = RIGHT, **others: Any) -> list[Any]:
        from django.core.checks import run_checks
        from django.test.utils import override_settings

        with override_settings(TOM_BRIDGE=bridge, **others):
            return [one for one in run_checks() if (one.id or "").startswith("tom_bridge.")]

    return found


def transactions(mode: str | None) -> None:
    """Let the TOM's own transactions begin in this way."""
    from django.db import connections

    connections["default"].settings_dict["OPTIONS"] = {"transaction_mode": mode} if mode else {}


def test_right_settings_are_read_as_they_are_meant(check: Check) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit import conf

    assert check() == []
    with override_settings(TOM_BRIDGE=RIGHT, TOM_NAME="Beta TOM"):
        loaded = conf.load()
        assert (loaded.origin, loaded.display_name, loaded.limits.batch_datums) == ("beta", "Beta TOM", 100)
    assert loaded.groups_by_topic() == {"supernovae.public": (GROUP,)}
    assert [(one.topic, one.groups) for one in loaded.publish.topics] == [("supernovae.public", (GROUP,))]
    assert "very secret" not in repr(loaded)


def test_the_environment_wins(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit import conf

    monkeypatch.setenv("TOM_BRIDGE_STREAM__URL", "kafka://other.example.org:9092")
    with override_settings(TOM_BRIDGE=RIGHT):
        assert conf.load().stream.url == "kafka://other.example.org:9092"


def test_the_settings_are_read_again_only_where_something_changed(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.test.utils import override_settings

    from bridge.errors import ConfigurationError
    from bridge.tomtoolkit import conf

    mapping = {**RIGHT, "STREAM": {"URL": "kafka://one.example.org:9092"}}
    with override_settings(TOM_BRIDGE=mapping):
        loaded = conf.load()
        assert conf.load() is loaded
        mapping["STREAM"]["URL"] = "kafka://two.example.org:9092"
        assert conf.load().stream.url == "kafka://two.example.org:9092", "changed in place"
        monkeypatch.setenv("TOM_BRIDGE_ORIGIN", "gamma")
        assert conf.load().origin == "gamma"
        monkeypatch.setenv("TOM_BRIDGE_ORIGIN", "No Origin")
        for _ in range(2):
            with pytest.raises(ConfigurationError, match="origin"):
                conf.load()
        monkeypatch.delenv("TOM_BRIDGE_ORIGIN")
        assert conf.load().origin == RIGHT["ORIGIN"]


@pytest.mark.parametrize(
    ("change", "told", "hint"),
    [
        ({"ORIGIN": None}, "TOM_BRIDGE: origin is missing", "permanent id"),
        ({"ORIGIN": "My TOM"}, "TOM_BRIDGE: origin", "a-z"),
        ({"STREAM": None}, "TOM_BRIDGE: stream is missing", "kafka://"),
        ({"SUBSCRIBE": [{"TOPICS": "x"}]}, "TOM_BRIDGE: subscribe[0].TOPICS is no setting", "'topic'"),
        ({"SUBSCRIBE": [{"TOPIC": "x", "KINDS": ["spectra"]}]}, "TOM_BRIDGE: subscribe[0].kinds", ""),
        ({"SUBSCRIBE": [{"TOPIC": "x", "START": "noon"}]}, "TOM_BRIDGE: subscribe[0].start", ""),
        ({"PUBLISH": [{"TOPIC": "x"}, {"TOPIC": "x"}]}, "names the topic 'x' twice", ""),
        ({"SUBSCRIPTIONS": []}, "TOM_BRIDGE: SUBSCRIPTIONS is no setting", "'subscribe'"),
        ({"LEDGER": "ledger.db"}, "TOM_BRIDGE: LEDGER is for the tom-bridge command alone", "Take it out"),
        ({"DATA_PRODUCT_TYPES": {"x": "hologram"}}, "'hologram', for 'x', is no data product type", "spectroscopy"),
        ({"LIMITS": {"BATCH_DATUMS": 0}}, "TOM_BRIDGE: limits.batch_datums", ""),
    ],
)
def test_a_wrong_setting_is_found_with_a_hint(check: Check, change: dict[str, Any], told: str, hint: str) -> None:
    given = {key: value for key, value in (RIGHT | change).items() if value is not None}
    messages = [one for one in check(given) if told in one.msg]
    assert len(messages) == 1, check(given)
    assert messages[0].level >= 40
    assert hint in (messages[0].hint or "")


def test_all_that_is_wrong_is_found_at_once(check: Check) -> None:
    found = check(RIGHT | {"ORIGIN": "My TOM", "LIMITS": {"ATTEMPTS": 0}, "MATCHING": {"SEPARATION_ARCSEC": -1}})
    assert len(found) == 3


@pytest.mark.parametrize("given", [None, "kafka://x"])
def test_an_app_without_settings_is_told_what_to_write(check: Check, given: Any) -> None:
    (message,) = check(given)
    assert "TOM_BRIDGE" in message.msg
    assert '"ORIGIN"' in message.hint


def test_targets_that_nobody_would_see_are_warned_of(check: Check) -> None:
    unseen = RIGHT | {"SUBSCRIBE": [{"TOPIC": "x"}]}
    (message,) = check(unseen)
    assert (message.id, message.level) == ("tom_bridge.W001", 30)
    assert check(unseen, TARGET_DEFAULT_PERMISSION="OPEN") == []


@pytest.mark.parametrize("mode", [None, "DEFERRED", "immediate", "EXCLUSIVE"])
def test_transactions_that_sqlite_would_refuse_are_warned_of(check: Check, mode: str | None) -> None:
    transactions(mode)
    found = check()
    if mode in ("immediate", "EXCLUSIVE"):
        assert found == []
        return
    (warning,) = found
    assert warning.id == "tom_bridge.W002"
    assert "'transaction_mode': 'IMMEDIATE'" in warning.hint


def test_on_postgresql_nothing_is_said_of_sqlites_transactions(make_orm_tom: MakeOrmTom) -> None:
    make_orm_tom("postgresql")
    from bridge.tomtoolkit.checks import check_settings

    assert "tom_bridge.W002" not in [one.id for one in check_settings()]


class Replica:
    """A router that reads the models of some apps from a replica, or writes them elsewhere."""

    def __init__(self, method: str, *labels: str) -> None:
        self._labels = labels
        setattr(self, method, self._answer)

    def _answer(self, model: Any, **hints: Any) -> str | None:
        return "second" if model._meta.app_label in self._labels else None


@pytest.mark.parametrize("method", ["db_for_read", "db_for_write"])
@pytest.mark.parametrize("label", ["tom_bridge", "tom_targets", "tom_dataproducts", "auth", "guardian"])
def test_a_router_that_reads_from_a_replica_is_refused(check: Check, method: str, label: str) -> None:
    (error,) = check(DATABASE_ROUTERS=[Replica(method, label)])
    assert error.id == "tom_bridge.E007"
    assert label in error.msg
    assert "'second'" in error.msg
    assert "'default'" in error.hint


def test_a_router_of_what_is_not_the_bridges_is_the_toms_own_affair(check: Check) -> None:
    assert check(DATABASE_ROUTERS=[Replica("db_for_read", "tom_observations", "sessions")]) == []


def test_times_without_zones_are_refused(check: Check) -> None:
    assert [one.id for one in check(USE_TZ=False)] == ["tom_bridge.E002"]


def test_a_group_that_does_not_exist_is_found_with_the_database(orm_tom: InProcessTom) -> None:
    from django.core.checks import Tags, run_checks
    from django.test.utils import override_settings

    wrong = RIGHT | {"PUBLISH": [{"TOPIC": "x", "GROUPS": [GROUP, "Astronomers"]}]}
    with override_settings(TOM_BRIDGE=wrong):
        found = run_checks(tags=[Tags.database], databases=["default"])
        assert run_checks(tags=[Tags.database], databases=[]) == []
    (message,) = [one for one in found if one.id == "tom_bridge.E004"]
    assert "TOM_BRIDGE: publish: x: there is no group 'Astronomers'" in message.msg
    assert GROUP in message.hint


def test_the_models_are_those_of_the_migrations(orm_tom: InProcessTom) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "tom_bridge", check=True, dry_run=True, verbosity=0)


def test_the_permission_to_share_exists(orm_tom: InProcessTom) -> None:
    from django.contrib.auth.models import Permission

    assert Permission.objects.filter(content_type__app_label="tom_bridge", codename="share").count() == 1


def test_importing_the_package_needs_no_django_settings() -> None:
    import subprocess
    import sys

    script = (
        "import bridge.tomtoolkit, bridge.tomtoolkit.apps, sys; assert 'bridge.tomtoolkit.models' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
