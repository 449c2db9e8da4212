"""Sharing from a TOM to Hermes with a token alone: what is told before, what goes, and what a person decides."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from parts.django_fixtures import MakeOrmTom
from parts.hermes_service import TOKEN, FakeHermes, fake_hermes
from parts.outgoing import photometry
from parts.pages import account, browser, page, post, press, told
from parts.wait import wait_until

from bridge.errors import AwayError
from bridge.operations.assemble import streams_of
from bridge.publishing.relay import Pace

TOPIC = "hermes:hermes.test"
PACE = Pace(look_s=60.0, poll_s=0.02, look_up_s=0.02, longest_look_up_s=0.05, shortest_wait_s=0.01, longest_wait_s=0.05)


@pytest.fixture
def hermes(make_orm_tom: MakeOrmTom, url: str) -> Iterator[FakeHermes]:
    """Hermes; the TOM of this process has tom_hermes' settings for it, and may share there."""
    from django.test.utils import override_settings

    make_orm_tom("sqlite")
    with fake_hermes() as serving:
        mapping = {
            "origin": "beta",
            "stream": {"url": url},
            "STREAMS": {"hermes": {"URL": serving.url}},
            "publish": [{"topic": TOPIC, "format": "hermes"}],
        }
        theirs = {"HERMES_API_TOKEN": TOKEN, "HERMES_BASE_URL": serving.url}
        with override_settings(TOM_BRIDGE=mapping, HERMES_CONFIGURATION=theirs, TOM_NAME="Beta TOM"):
            yield serving


def target(name: str = "SN 1") -> Any:
    from tom_targets.models import Target

    return Target.objects.create(name=name, type="SIDEREAL", ra=1.0, dec=2.0)


def relayed(until: list[str]) -> None:
    from bridge.tomtoolkit import conf
    from bridge.tomtoolkit.sharing.relay import relay_of

    relay = relay_of(conf.load(), pace=PACE, open_streams=streams_of)

    def there() -> bool:
        try:
            relay.turn(together=True)
        except AwayError:
            return False
        return states() == until

    try:
        wait_until(there)
    finally:
        relay.close()


def states() -> list[str]:
    from bridge.tomtoolkit.models import OutboxEvent

    return list(OutboxEvent.objects.order_by("pk").values_list("state", flat=True))


def test_a_zero_is_told_before_and_all_else_is_published(hermes: FakeHermes) -> None:
    row = target()
    photometry(row.pk, 3, telescope="1m0")
    photometry(row.pk, 1, start=3, telescope="1m0", brightness=0.0)
    photometry(row.pk, 1, start=4, brightness=17.0)
    ada = browser(account("ada", "share", is_superuser=True))
    form = {"topic": TOPIC, "target": "1", "datums": "photometry"}
    review = " ".join(post(ada, f"/bridge/targets/{row.pk}/share/", **form).content.decode().split())
    assert "takes a brightness of 0.0 for none" in review
    press(ada, f"/bridge/targets/{row.pk}/share/", **form)
    relayed(["sent"])
    ((_, _, payload),) = hermes.published
    assert [one["brightness"] for one in payload["data"]["photometry"]] == [18.0] * 3
    inside = payload["data"]["tom_bridge"]["events"]
    assert len(inside[1]["body"]["points"]) == 5


def test_a_person_decides_on_the_page_of_the_outbox(hermes: FakeHermes) -> None:
    from bridge.tomtoolkit.operating import health
    from bridge.tomtoolkit.sharing import share

    hermes.oddly = ["500", "500"]
    for name in ("SN 1", "SN 2"):
        share(target(name), topic=TOPIC, title=f"About {name}")
    relayed(["unclear", "unclear"])
    assert "of 2 messages it isn't known" in " ".join(health.problems())
    root = browser(account("root", is_superuser=True))
    text = page(root, "/bridge/outbox/")
    assert "About SN 1" in text
    assert "HTTP 500" in text
    assert TOKEN not in text
    first, second = _keys()
    assert "1 noted as sent" in told(post(root, "/bridge/outbox/there/", id=str(first)))
    assert "1 queued again" in told(post(root, "/bridge/outbox/again/", id=str(second)))
    assert "nothing to decide" in told(post(root, "/bridge/outbox/there/", id=str(first)))
    relayed(["sent", "sent"])
    assert hermes.titles() == ["About SN 2"]
    assert "Nothing is refused or unclear" in page(root, "/bridge/outbox/")


def test_a_person_decides_by_command(hermes: FakeHermes) -> None:
    from io import StringIO

    from django.core.management import call_command

    from bridge.tomtoolkit.sharing import share

    hermes.oddly = ["cut", "cut"]
    for name in ("SN 1", "SN 2"):
        share(target(name), topic=TOPIC, title=f"About {name}")
    relayed(["unclear", "unclear"])
    said = StringIO()
    call_command("bridgeoutbox", "list", "--json", stdout=said)
    second, first = json.loads(said.getvalue())
    assert (first["state"], first["subject"], first["topic"]) == ("unclear", "SN 1", TOPIC)
    call_command("bridgeoutbox", "there", str(first["id"]), stdout=StringIO())
    call_command("bridgeoutbox", "again", str(second["id"]), stdout=StringIO())
    relayed(["sent", "sent"])
    assert hermes.titles() == ["About SN 2"]


def test_the_outbox_shows_nothing_of_targets_that_the_person_may_not_see(hermes: FakeHermes) -> None:
    from bridge.tomtoolkit.sharing import share

    hermes.oddly = ["500"]
    secret = target("Secret")
    secret.permissions = "PRIVATE"
    secret.save()
    share([target("Open"), secret], topic=TOPIC)
    relayed(["unclear"])
    mia = browser(account("mia", "manage"))
    text = page(mia, "/bridge/outbox/")
    assert "may not see" in text
    assert "Secret" not in text
    (key,) = _keys()
    post(mia, "/bridge/outbox/there/", id=str(key))
    assert states() == ["unclear"]
    assert browser(account("ada", "share")).get("/bridge/outbox/").status_code == 302


def _keys() -> list[int]:
    from bridge.tomtoolkit.models import OutboxEvent

    return list(OutboxEvent.objects.order_by("pk").values_list("pk", flat=True))


def test_the_token_of_tom_hermes_goes_to_its_own_service_alone(hermes: FakeHermes) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit import conf

    assert conf.load().streams["hermes"].over_rest
    with override_settings(HERMES_CONFIGURATION={"HERMES_API_TOKEN": TOKEN}):
        (problem,) = conf.problems()
    assert "has no token" in str(problem)
    assert TOKEN not in repr(conf.load())


def test_a_relay_runs_to_its_end(hermes: FakeHermes) -> None:
    from bridge.tomtoolkit import conf
    from bridge.tomtoolkit.sharing import share
    from bridge.tomtoolkit.sharing.relay import relay_of

    share(target(), topic=TOPIC)
    relay_of(conf.load(), open_streams=streams_of).run(threading.Event(), until_end=True)
    assert states() == ["sent"]
