"""Rows of an outbox: on a topic of Hermes a row is a message, wherever it was accepted."""

from contextlib import closing
from pathlib import Path

from parts.events import event, one_of_each, photometry, share, target
from parts.hermes import events_of, record

from bridge.hermes import HermesFormat
from bridge.hermes.composing import Outgoing
from bridge.publishing.outbox_sqlite import SqliteOutbox
from bridge.publishing.packing import packed
from bridge.settings import PublishedTopicSettings

HERMES = PublishedTopicSettings(topic="hopskotch:hermes.test", format="hermes")


def test_a_row_of_the_bridges_own_format_is_an_event() -> None:
    events = one_of_each()
    packing = packed(events, PublishedTopicSettings(topic="supernovae.public"))
    assert [(row.id, row.key, row.kind) for row in packing.rows] == [(one.id, one.key, str(one.kind)) for one in events]
    assert packing.left_out == {}


def test_a_row_for_hermes_is_a_message_of_a_share() -> None:
    given = share()
    events = [given.event(target()), given.event(photometry(3)), given.event(target("SN 2"))]
    (row,) = packed(events, HERMES).rows
    assert (row.kind, row.items, row.subjects, row.share_id) == ("message", 5, ("SN 2024abc", "SN 2"), given.share_id)
    assert row.subject == "SN 2024abc and 1 more"
    message = Outgoing.of_stored(row.payload, row.key)
    assert events_of(HermesFormat(full=True).decode(record(message.value, message.headers()))) == events


def test_what_has_no_place_is_counted_by_its_reason() -> None:
    assert packed(one_of_each(), HERMES).left_out == {
        "list: Hermes has no messages of a list": 1,
        "reduced-datum: Hermes has no messages of a reduced-datum": 1,
        "data-product: Hermes has no messages of a data-product": 1,
    }


def test_an_outbox_in_a_file_takes_messages_too(tmp_path: Path) -> None:
    usual = PublishedTopicSettings(topic="supernovae.public")
    with closing(SqliteOutbox(tmp_path / "outbox.db")) as outbox:
        for how in (HERMES, usual):
            outbox.accept(how.topic, packed([event(target())], how).rows)
        queued = {one.topic: one for label in ("hopskotch", "") for one in outbox.waiting(label, without=(), most=9)}
        rows = outbox.rows([one.id for one in queued.values()])
    assert {row.topic: row.format for row in rows} == {
        "hopskotch:hermes.test": "hermes",
        "supernovae.public": "tom-bridge",
    }
