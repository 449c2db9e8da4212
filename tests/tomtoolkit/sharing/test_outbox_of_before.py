"""What waited in the outbox of the release before goes on after the migration, on topics that became Hermes' too."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from parts.bridges import Publishing
from parts.django_fixtures import MakeOrmTom
from parts.events import photometry, share, target
from parts.hermes import events_of
from parts.outboxes import queue
from parts.outgoing import sent

from bridge.events import Event, ListMember, TargetList
from bridge.hermes import HermesFormat

TOPIC, HERMES = "supernovae.public", "hermes.test"
BEFORE = ("tom_bridge", "0006_events")


@pytest.fixture
def streams(make_orm_tom: MakeOrmTom, url: str) -> Iterator[tuple[Publishing, Publishing]]:
    from django.test.utils import override_settings

    make_orm_tom("sqlite")
    opened = (Publishing(url, topic=TOPIC), Publishing(url, topic=HERMES))
    mapping = {
        "origin": "beta",
        "stream": {"url": url},
        "publish": [{"topic": TOPIC}, {"topic": HERMES, "format": "hermes"}],
    }
    with override_settings(TOM_BRIDGE=mapping, TOM_NAME="Beta TOM"):
        yield opened
    for one in opened:
        one.close()


def _wrote(apps: Any, topic: str, *events: Event) -> None:
    """Put events in the outbox as the release before did."""
    shares, rows = (apps.get_model("tom_bridge", name) for name in ("OutboxShare", "OutboxEvent"))
    for event in events:
        queue(shares, rows, topic, event, created=datetime.now(UTC), shared_by="ada")


def test_what_waited_in_the_outbox_is_sent_after_the_migration(streams: tuple[Publishing, Publishing]) -> None:
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    from bridge.tomtoolkit import conf
    from bridge.tomtoolkit.models import OutboxEvent
    from bridge.tomtoolkit.sharing.relay import relay_of

    plain, hermes = streams
    one = share(origin="beta", title="A nova")
    events = [one.event(target()), one.event(photometry(3))]
    members = one.event(TargetList(name="Young", members=(ListMember(reference=target().reference),)))
    call_command("migrate", *BEFORE, verbosity=0)
    apps = MigrationExecutor(connection).loader.project_state([BEFORE]).apps
    _wrote(apps, TOPIC, *(share(origin="beta").event(target()) for _ in range(2)))
    _wrote(apps, HERMES, events[0], members, events[1])
    call_command("migrate", "tom_bridge", verbosity=0)
    assert set(OutboxEvent.objects.values_list("state", "format")) == {("queued", "tom-bridge")}

    relay_of(conf.load()).run(threading.Event(), until_end=True)
    assert list(OutboxEvent.objects.order_by("pk").values_list("state", flat=True)) == [
        "sent", "sent", "sent", "refused", "sent",
    ]  # fmt: skip
    refused = OutboxEvent.objects.get(state="refused")
    assert "takes messages of Hermes: Young: all of it can't go" in refused.reason
    assert len(sent(plain.stream, TOPIC)) == 2
    messages = hermes.records()
    assert [json.loads(record.value)["title"] for record in messages] == ["A nova"] * 2
    assert [one for record in messages for one in events_of(HermesFormat(full=True).decode(record))] == events
