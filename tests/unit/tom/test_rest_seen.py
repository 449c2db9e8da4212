"""What is known of the rows of a target's datums, so that the TOM need not be asked again."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from bridge.tom.rest import seen as module
from bridge.tom.rest.seen import Read, Row, Seen, SeenLists

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def row(minute: float, key: int | None = None) -> Row:
    return Row(NOON + timedelta(minutes=minute), (int(minute) if key is None else key,))


def read(*rows: Row, offset: int = 0, count: int | None = None, seconds: float = 0.0) -> Read:
    return Read(offset, len(rows) if count is None else count, rows, seconds)


def seen(*pages: Read, ordered: bool = True) -> Seen:
    known = Seen(pages[0].count)
    assert all(known.take(page, ordered=ordered) for page in pages)
    return known


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = module.time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: now + seconds)


def test_what_no_row_has_to_do_with_is_free_once_all_are_known() -> None:
    known = seen(read(row(2), row(1)))
    assert known.lacks(row(3))
    assert known.lacks(row(2, key=7)), "another row of the same time"
    assert not known.lacks(row(2))


def test_of_a_list_of_which_nothing_was_read_nothing_is_known() -> None:
    assert not Seen(2).lacks(row(1))


def test_of_times_before_what_was_read_nothing_is_known() -> None:
    known = seen(read(row(9), row(5), count=4))
    assert known.lacks(row(7))
    assert not known.lacks(row(5, key=7)), "a row of the same time may follow on the next page"
    assert not known.lacks(row(4))


def test_a_page_that_follows_extends_what_is_known() -> None:
    known = seen(read(row(9), row(8), count=4), read(row(7), row(6), offset=2, count=4))
    assert known.lacks(row(1))
    assert not known.lacks(row(6))


def test_without_an_order_nothing_is_known_before_the_last_page() -> None:
    known = seen(read(row(9), row(1), count=3), ordered=False)
    assert not known.lacks(row(10))
    assert known.take(read(row(5), offset=2, count=3), ordered=False)
    assert known.lacks(row(10))


def test_a_list_that_turns_out_to_have_no_order_is_not_known_from_a_time_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STEP", 1)
    known = seen(read(row(9), row(8), count=9))
    assert known.place_before(NOON) == 1
    assert known.take(read(row(10), row(7), offset=2, count=9), ordered=False)
    assert not known.lacks(row(11))
    assert known.place_before(NOON) == 0


def test_what_is_sent_is_there_from_then_on() -> None:
    known = seen(read(row(1)))
    known.add((3,))
    assert not known.lacks(row(3))


def test_a_page_of_a_list_that_has_changed_meanwhile_is_not_taken() -> None:
    known = seen(read(row(9), count=2))
    assert not known.take(read(row(8), row(7), offset=1, count=3), ordered=True)
    assert not known.lacks(row(8, key=70))


def test_a_row_is_found_by_a_place_before_it() -> None:
    rows = [row(-number) for number in range(1_200)]
    known = seen(Read(0, 1_200, rows[:700]), Read(700, 1_200, rows[700:]))
    for number, place in ((0, 0), (300, 0), (501, 500), (750, 700), (1_199, 700), (5_000, 700)):
        assert known.place_before(rows[0].timestamp - timedelta(minutes=number)) == place


@pytest.mark.parametrize(
    ("page", "explained"),
    [
        (read(row(2), row(1), count=2), True),
        (read(row(3), row(2), row(1), count=3), True),
        (read(row(2), row(1), count=3), False),
        (read(row(3), row(2), row(1), count=2), False),
        (read(row(2), row(2), row(1), count=3), False),
    ],
    ids=[
        "as it was",
        "one was added",
        "one was added elsewhere",
        "one was added and one deleted",
        "one beside another",
    ],
)
def test_a_page_shows_whether_what_is_known_still_holds(page: Read, explained: bool) -> None:
    known = seen(read(row(2), row(1)))
    assert known.explains(page) is explained
    if explained:
        assert not any(known.lacks(one) for one in page.rows)


def test_rows_before_what_was_read_explain_nothing() -> None:
    known = seen(read(row(9), row(8), count=3))
    assert not known.explains(read(row(9), row(8), row(7), count=4))


def test_it_is_believed_for_a_minute_and_then_after_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    known = seen(read(row(1), seconds=10.0))
    assert known.is_fresh
    later(monkeypatch, 61)
    assert not known.is_fresh
    assert known.explains(read(row(1)))
    assert known.is_fresh


@pytest.mark.parametrize(("took_s", "most_s"), [(0.1, 60), (10.0, 200)])
def test_it_is_believed_as_long_as_reading_it_takes_little_of_the_time(
    monkeypatch: pytest.MonkeyPatch, took_s: float, most_s: float
) -> None:
    known = seen(read(row(1), seconds=took_s))
    later(monkeypatch, most_s - 1)
    assert known.is_usable
    later(monkeypatch, 2)
    assert not known.is_usable


def test_reading_a_part_again_does_not_let_it_be_believed_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = seen(read(row(1), seconds=4.0), *5 * [read(row(1), seconds=4.0)])
    newest = seen(*6 * [read(row(1), seconds=4.0, count=9)])
    later(monkeypatch, 90)
    assert not whole.is_usable
    assert not newest.is_usable


def test_all_pages_of_a_list_without_an_order_count_as_reading_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = [read(row(-number), offset=number, count=5, seconds=4.0) for number in range(5)]
    known = seen(*pages, ordered=False)
    later(monkeypatch, 390)
    assert known.is_usable


def test_a_page_of_an_unchanged_list_lets_the_rest_be_believed_as_long_as_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = seen(read(row(9), seconds=30.0, count=2))
    later(monkeypatch, 59)
    assert known.take(read(row(8), offset=1, count=2, seconds=30.0), ordered=True)
    later(monkeypatch, 29)
    assert known.is_fresh
    later(monkeypatch, 2)
    assert not known.is_fresh


def test_rows_of_ours_that_the_tom_added_are_counted() -> None:
    lists = SeenLists()
    known = lists.begin((1, "photometry"), 1)
    assert known.take(read(row(1)), ordered=True)
    lists.add((1, "photometry"), (2,))
    lists.wrote((1, "photometry"))
    lists.wrote((2, "photometry"))
    assert known.explains(read(row(2), row(1)))


def test_what_was_used_longest_ago_is_forgotten_where_it_is_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_KEYS", 2 * module._KEYS_A_LIST)
    lists = SeenLists()
    for pk in (1, 2, 3):
        lists.begin((pk, "photometry"), 1).take(read(row(1)), ordered=True)
        lists.get((1, "photometry"))
    assert [pk for pk in (1, 2, 3) if lists.get((pk, "photometry"))] == [1, 3]


@pytest.mark.parametrize("runs", [[[5, 1, 3]], [range(2_000), range(1_000, 5_000)]])
def test_keys_are_kept_once_and_found(runs: Sequence[Sequence[int]]) -> None:
    keys = module._KeySet()
    for run in runs:
        keys.update(run)
    wanted = {key for run in runs for key in run}
    assert len(keys) == len(wanted)
    assert {key for key in range(-10, 6_000) if key in keys} == wanted
