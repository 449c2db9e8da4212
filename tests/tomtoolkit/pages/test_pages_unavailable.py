"""Pages of a bridge that can't work: they say why, and what to do, and never fail."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.outgoing import self_share
from parts.pages import account, browser
from parts.tom_site import GROUP

PAGES = (
    "/bridge/", "/bridge/parked/", "/bridge/dead/", "/bridge/dead/1/", "/bridge/differences/", "/bridge/self-sharing/",
    "/bridge/targets/{pk}/share/",
)  # fmt: skip
FRAGMENTS = ("/bridge/lag/", "/bridge/targets/{pk}/shares/")
POSTS = {
    "/bridge/parked/retry/": {"id": "1"},
    "/bridge/parked/1/choose/": {"target": "1"},
    "/bridge/dead/retry/": {"id": "1"},
    "/bridge/dead/drop/": {"id": "1"},
    "/bridge/choices/1/forget/": {},
    "/bridge/self-sharing/1/": {"action": "off"},
}


@pytest.fixture(autouse=True)
def settings(beta: SubscribedInProcess) -> Iterator[None]:
    from django.test.utils import override_settings

    with override_settings(TOM_BRIDGE=beta.mapping | {"publish": {"topics": [{"topic": "t"}]}}, TOM_NAME="Beta TOM"):
        yield


def unmigrated() -> None:
    """Take all tables of the bridge away, as in a TOM that was not migrated yet."""
    from django.apps import apps
    from django.db import connection

    cascade = " CASCADE" if connection.vendor == "postgresql" else ""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA foreign_keys = OFF")
        for model in apps.get_app_config("tom_bridge").get_models():
            cursor.execute(f"DROP TABLE {model._meta.db_table}{cascade}")


def asked(user: Any, path: str, given: dict[str, str] | None = None) -> tuple[int, str]:
    answer = browser(user).get(path) if given is None else browser(user).post(path, given)
    return answer.status_code, answer.content.decode()


@pytest.mark.parametrize("path", PAGES + FRAGMENTS)
def test_a_page_of_a_tom_that_is_not_migrated_says_what_to_do(orm_tom: InProcessTom, path: str) -> None:
    manager = account("mia", is_superuser=True)
    pk = orm_tom.make_target("A")
    unmigrated()
    status, text = asked(manager, path.format(pk=pk))
    # htmx puts nothing in a page of an answer that is an error.
    assert status == (200 if path in FRAGMENTS else 503)
    assert "Run: python manage.py migrate" in text


@pytest.mark.parametrize("path", POSTS)
def test_what_is_pressed_in_a_tom_that_is_not_migrated_says_what_to_do(orm_tom: InProcessTom, path: str) -> None:
    manager = account("mia", is_superuser=True)
    unmigrated()
    status, text = asked(manager, path, POSTS[path])
    assert status == 503
    assert "Run: python manage.py migrate" in text


def test_a_page_of_a_tom_that_is_migrated_by_half_says_what_to_do(orm_tom: InProcessTom) -> None:
    """As where the package was upgraded, and the TOM was not migrated."""
    from django.db import connection

    manager = account("mia", is_superuser=True)
    self_share(orm_tom.make_target("A"))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE tom_bridge_selfshare DROP COLUMN content")
    status, text = asked(manager, "/bridge/self-sharing/")
    assert status == 503
    assert "Run: python manage.py migrate" in text


def test_only_who_manages_the_bridge_is_told_the_particulars(orm_tom: InProcessTom) -> None:
    user = account("ada", "share")
    unmigrated()
    status, text = asked(user, "/bridge/")
    assert status == 503
    assert "tell the administrator" in text
    assert "migrate" not in text


def test_the_toms_own_pages_stay_as_they_are(orm_tom: InProcessTom) -> None:
    manager = account("mia", is_superuser=True)
    pk = orm_tom.make_target("A")
    unmigrated()
    for path in (f"/targets/{pk}/", "/targets/", "/"):
        assert asked(manager, path)[0] == 200, path


# -- a group that is gone ---------------------------------------------------------------------------------------------


def test_a_group_that_was_deleted_is_said_to_who_manages_the_bridge(orm_tom: InProcessTom) -> None:
    from django.contrib.auth.models import Group

    manager, other = account("mia", "manage"), account("ada", "share")
    assert "there is no group" not in asked(manager, "/bridge/")[1]
    Group.objects.filter(name=GROUP).delete()
    told = f"there is no group &#x27;{GROUP}&#x27;"
    assert told in asked(manager, "/bridge/")[1]
    assert told not in asked(other, "/bridge/")[1]


# -- a consumer that lives no more ------------------------------------------------------------------------------------


def test_a_consumer_that_lives_no_more_is_said_to_who_manages_the_bridge(orm_tom: InProcessTom) -> None:
    from bridge.ledger.port import Heartbeat
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    manager, other = account("mia", "manage"), account("ada", "share")
    before = datetime.now(UTC) - timedelta(hours=1)
    DjangoLedger().beat(Heartbeat(process="here:1", started_at=before, at=before, state={}, ended=False))
    assert "the consumer (here:1) has not said since" in asked(manager, "/bridge/")[1]
    assert "here:1" not in asked(other, "/bridge/")[1]
