"""What every outbox promises to those who send: the contract of :mod:`bridge.publishing.outbox`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from parts.events import share, target
from parts.outboxes import DjangoShelf, Shelf, SqliteShelf, states

from bridge.events import Event
from bridge.publishing.outbox import EVENT, Outbox, Queued

TOPIC, OTHER, AFAR = "supernovae.public", "supernovae.other", "hopskotch:hermes.test"


@pytest.fixture
def shelf(store: str, tmp_path: Path) -> Iterator[Shelf]:
    if store == "file":
        yield SqliteShelf(tmp_path / "outbox.db")
        return
    from bridge.tomtoolkit.models import OutboxShare

    OutboxShare.objects.all().delete()
    yield DjangoShelf()
    OutboxShare.objects.all().delete()


@pytest.fixture
def outbox(shelf: Shelf) -> Outbox:
    return shelf.open()


def event(name: str) -> Event:
    return share().event(target(name))


def ids(outbox: Outbox, stream: str = "", *, without: tuple[str, ...] = (), most: int = 100) -> list[int]:
    return [one.id for one in outbox.waiting(stream, without=without, most=most)]


def test_what_was_accepted_waits_in_its_order_with_its_content(shelf: Shelf, outbox: Outbox) -> None:
    events = [event("A"), event("B"), event("A")]
    shelf.accept(TOPIC, *events)
    waiting = outbox.waiting("", without=(), most=2)
    assert [(one.topic, one.key) for one in waiting] == [(TOPIC, events[0].key), (TOPIC, events[1].key)]
    rows = outbox.rows([one.id for one in reversed(waiting)])
    assert [Event.checked(row.payload) for row in rows] == events[:2]
    assert [(row.id, row.topic, row.key, row.format) for row in rows] == [
        (one.id, one.topic, one.key, EVENT) for one in waiting
    ]
    assert [one.size for one in waiting] == [len(row.payload) for row in rows]


def test_what_was_accepted_last_is_told_though_it_was_sent(shelf: Shelf, outbox: Outbox) -> None:
    assert outbox.last_accepted() == 0
    shelf.accept(TOPIC, event("A"), event("B"))
    assert outbox.last_accepted() == ids(outbox)[-1]
    before = outbox.last_accepted()
    outbox.mark_sent(ids(outbox))
    assert outbox.last_accepted() == before
    shelf.accept(AFAR, event("C"))
    assert outbox.last_accepted() > before


def test_how_much_waits_is_told_with_the_time_of_the_oldest(shelf: Shelf, outbox: Outbox) -> None:
    assert outbox.queued() == Queued(events=0, oldest=None)
    before = datetime.now(UTC) - timedelta(seconds=1)
    shelf.accept(TOPIC, event("A"), event("B"))
    shelf.accept(OTHER, event("C"))
    outbox.mark_sent(ids(outbox)[:1])
    waits = outbox.queued()
    assert waits.events == 2
    assert waits.oldest is not None
    assert before <= waits.oldest <= datetime.now(UTC)


def test_each_stream_sees_its_own_topics(shelf: Shelf, outbox: Outbox) -> None:
    shelf.accept(TOPIC, event("A"))
    shelf.accept(AFAR, event("B"))
    shelf.accept(OTHER, event("C"))
    assert [one.topic for one in outbox.waiting("", without=(), most=9)] == [TOPIC, OTHER]
    assert [one.topic for one in outbox.waiting("hopskotch", without=(), most=9)] == [AFAR]
    assert ids(outbox, "hop") == []
    assert outbox.topics() == {TOPIC, AFAR, OTHER}


def test_topics_are_passed_over_where_that_is_asked(shelf: Shelf, outbox: Outbox) -> None:
    shelf.accept(TOPIC, event("A"))
    shelf.accept(OTHER, event("B"))
    assert [one.topic for one in outbox.waiting("", without={TOPIC, AFAR}, most=9)] == [OTHER]


def test_what_is_sent_or_refused_waits_no_longer_and_stays_so(shelf: Shelf, outbox: Outbox) -> None:
    shelf.accept(TOPIC, event("A"), event("B"), event("C"))
    first, second, third = ids(outbox)
    outbox.mark_sent([first])
    outbox.mark_refused(second, "too large")
    outbox.mark_sent([second])
    outbox.mark_refused(first, "never")
    assert shelf.told() == [("sent", "", True), ("refused", "too large", True), ("queued", "", True)]
    assert ids(shelf.open()) == [third]
    assert [row.id for row in outbox.rows([first, second, third])] == [third]


def test_what_a_topic_waits_for_is_said_of_its_queued_rows_alone(shelf: Shelf, outbox: Outbox) -> None:
    shelf.accept(TOPIC, event("A"), event("B"))
    shelf.accept(OTHER, event("C"))
    (first, second, _) = ids(outbox)
    outbox.mark_sent([first])
    outbox.wait_for(TOPIC, "the topic does not exist")
    assert [reason for _, reason, _ in shelf.told()] == ["", "the topic does not exist", ""]
    outbox.mark_sent([second])
    assert [reason for _, reason, _ in shelf.told()] == ["", "", ""]


def test_the_content_of_what_was_sent_long_ago_is_forgotten_alone(shelf: Shelf, outbox: Outbox) -> None:
    shelf.accept(TOPIC, event("A"), event("B"), event("C"))
    first, second, _ = ids(outbox)
    outbox.mark_sent([first])
    outbox.mark_refused(second, "too large")
    outbox.clean(datetime.now(UTC) - timedelta(hours=1))
    assert [there for _, _, there in shelf.told()] == [True, True, True]
    outbox.clean(datetime.now(UTC) + timedelta(seconds=1))
    assert [there for _, _, there in shelf.told()] == [False, True, True]
    assert states(shelf) == ["sent", "refused", "queued"]


def test_one_lease_is_held_at_a_time(shelf: Shelf) -> None:
    mine, theirs = shelf.lease(), shelf.lease()
    try:
        assert mine.take()
        assert mine.take()
        assert not theirs.take()
        assert theirs.holder
        mine.release()
        assert theirs.take()
    finally:
        mine.release()
        theirs.release()


def test_what_is_unclear_waits_for_no_stream_and_says_when_it_was_tried(shelf: Shelf, outbox: Outbox) -> None:
    shelf.accept(AFAR, event("A"), event("B"))
    shelf.accept(TOPIC, event("C"))
    first, second = ids(outbox, "hopskotch")
    began = datetime.now(UTC)
    outbox.mark_unclear(first)
    (one,) = outbox.unclear("hopskotch", without=(), most=9)
    assert (one.id, one.topic, one.reason) == (first, AFAR, "")
    assert began - timedelta(seconds=1) <= one.tried_at <= datetime.now(UTC)
    outbox.mark_unclear(first, "no answer")
    (again,) = outbox.unclear("hopskotch", without=(), most=9)
    assert (again.tried_at, again.reason) == (one.tried_at, "no answer")
    assert outbox.unclear("hopskotch", without=[first], most=9) == outbox.unclear("", without=(), most=9) == []
    assert ids(outbox, "hopskotch") == [second]
    assert states(shelf) == ["unclear", "queued", "queued"]


def test_what_is_unclear_becomes_what_somebody_knows_of_it(shelf: Shelf, outbox: Outbox) -> None:
    shelf.accept(TOPIC, event("A"), event("B"), event("C"), event("D"))
    first, second, third, fourth = ids(outbox)
    for row in (first, second, third):
        outbox.mark_unclear(row, "no answer")
    outbox.mark_sent([first])
    outbox.mark_refused(second, "too large")
    assert [(one.id, one.state, one.reason) for one in outbox.stuck(9)] == [
        (third, "unclear", "no answer"),
        (second, "refused", "too large"),
    ]
    assert [one.tried_at is not None for one in outbox.stuck(9)] == [True, False]
    assert outbox.send_again([first, second, third, fourth]) == 2
    assert ids(outbox) == [second, third, fourth]
    assert outbox.stuck(9) == []
    outbox.explain(third, "found out too late")
    assert shelf.told()[2] == ("queued", "", True)
