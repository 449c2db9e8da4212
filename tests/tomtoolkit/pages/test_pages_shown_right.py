"""What the pages show is complete and right: further pages, days of a zone, long texts, values of then."""

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import pytest
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.entries import Arrival, park, record, to_keep
from parts.pages import account, browser, page
from parts.shares import SUPERNOVA

from bridge.events import uuid7
from bridge.ledger.port import Outcome, Reason, ToKeep

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def orm_tom(make_orm_tom: Any) -> InProcessTom:
    return make_orm_tom("sqlite")


@pytest.fixture
def ledger(orm_tom: InProcessTom) -> Iterator[Any]:
    from bridge.tomtoolkit.ledger.store import DjangoLedger

    opened = DjangoLedger()
    yield opened
    opened.close()


def arrivals(count: int, **given: Any) -> list[Arrival]:
    """Return events that came now, one after the other."""
    return [Arrival(offset=number, published_at=datetime.now(UTC), **given).at(number) for number in range(count)]


# -- paging ----------------------------------------------------------------------------------------------------------


def many_differences(ledger: Any) -> None:
    differs = {"differs": [{"field": "ra", "theirs": 1, "ours": 2}]}
    with ledger.unit() as unit:
        for arrival in arrivals(30):
            unit.record(arrival.entry(Outcome.APPLIED, detail=differs))


def much_parked(ledger: Any) -> None:
    for arrival in arrivals(30):
        park(ledger, arrival, to_keep("sn2026abc"))
    for arrival in arrivals(30):
        park(ledger, replace(arrival, topic_id="another"), to_keep("m31", reason=Reason.AMBIGUOUS))


def many_lists(_ledger: Any) -> None:
    from tom_targets.models import TargetList

    TargetList.objects.bulk_create(TargetList(name=f"List {number}") for number in range(30))


@pytest.mark.parametrize(
    ("fill", "path", "asked", "chosen"),
    [
        (many_differences, "differences/", "days=365", "btn-primary[^>]*>a year<"),
        (much_parked, "parked/", "reason=no+target", "btn-primary[^>]*>no target<"),
        (many_lists, "lists/", "a+b=%C3%A9+%26", "List"),
    ],
)
def test_the_next_page_is_one_of_what_was_asked_for(ledger: Any, fill: Any, path: str, asked: str, chosen: str) -> None:
    fill(ledger)
    client = browser(account("root", is_superuser=True))
    first = page(client, f"/bridge/{path}?{asked}")
    (there,) = re.findall(r'href="([^"]*)">Next<', first)
    second = page(client, f"/bridge/{path}{html.unescape(there)}")
    (back,) = re.findall(r'href="([^"]*)">Previous<', second)
    assert html.unescape(back) == f"?{asked}&page=1"
    for shown, number in ((first, 1), (second, 2)):
        assert f">{number} of 2<" in shown
        assert re.search(chosen, shown)


# -- days ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "now", "today"),
    [
        ("Pacific/Auckland", datetime(2026, 3, 1, 20, tzinfo=UTC), date(2026, 3, 2)),
        ("America/Los_Angeles", datetime(2026, 3, 2, 2, tzinfo=UTC), date(2026, 3, 1)),
        ("UTC", datetime(2026, 3, 1, 20, tzinfo=UTC), date(2026, 3, 1)),
    ],
)
def test_the_plot_has_the_days_of_the_toms_own_zone_up_to_today(
    ledger: Any, monkeypatch: pytest.MonkeyPatch, zone: str, now: datetime, today: date
) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit.models import OutboxShare
    from bridge.tomtoolkit.pages import plots

    drawn: list[Any] = []
    monkeypatch.setattr("plotly.offline.plot", lambda figure, **_given: drawn.append(figure))
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    record(ledger, Arrival(published_at=now))
    OutboxShare.objects.create(share_id=uuid7(), created=now)
    with override_settings(TIME_ZONE=zone):
        plots.in_and_out(now - timedelta(days=7))
    bars = [dict(zip(bar.x, bar.y, strict=True)) for bar in drawn[0].data]
    assert [[day for day, height in one.items() if height] for one in bars] == [[today], [today]]
    assert [(min(one), max(one), len(one)) for one in bars] == [(today - timedelta(days=7), today, 8)] * 2


# -- long texts ------------------------------------------------------------------------------------------------------


class Unwrapped(HTMLParser):
    """Gathers the text that a page does not let wrap."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[tuple[str, bool]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"input", "br", "img", "link", "meta", "hr"}:
            self._open.append((tag, "text-nowrap" in str(dict(attrs).get("class"))))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if any(unwrapped for _, unwrapped in self._open):
            self.text += f" {data.strip()}"


def test_nothing_that_others_wrote_is_kept_from_wrapping(ledger: Any) -> None:
    said = {name: f"{name} {'long ' * 90}" for name in ("title", "subject", "shared_by", "origin_name")}
    detail = {"differs": [{"field": "ra", "theirs": "long " * 90, "ours": 2}]}
    with ledger.unit() as unit:
        for arrival, outcome, reason in zip(
            arrivals(3), (Outcome.PARKED, Outcome.DEAD, Outcome.APPLIED), (Reason.NO_TARGET, Reason.REJECTED, None),
            strict=True,
        ):  # fmt: skip
            keep = [to_keep("m31", reason=reason)] if reason else []
            unit.record(arrival.entry(outcome, reason, detail=detail, **said), keep=keep, raw=arrival.record)
    client = browser(account("root", is_superuser=True))
    for path in ("parked/", "dead/", "differences/"):
        text = page(client, f"/bridge/{path}")
        assert "long long" in text
        parser = Unwrapped()
        parser.feed(text)
        assert "long" not in parser.text


# -- texts that turn ---------------------------------------------------------------------------------------------------


class Turning(HTMLParser):
    """Gathers in which elements texts stand that turn the direction of writing."""

    def __init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self.within: set[str] = set()

    def handle_starttag(self, tag: str, _attrs: list[tuple[str, str | None]]) -> None:
        if tag not in {"input", "br", "img", "link", "meta", "hr"}:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "\u202e" in data:
            self.within.add(self._open[-1])


def test_what_turns_the_direction_of_writing_turns_nothing_around_it(orm_tom: InProcessTom, ledger: Any) -> None:
    from bridge.tomtoolkit.models import Dead

    said = {name: f"{name} \u202e turned" for name in ("title", "shared_by", "origin_name")}
    detail = {"message": "message \u202e turned", "differs": [{"field": "\u202ea", "theirs": "\u202eb", "ours": 2}]}
    with ledger.unit() as unit:
        for arrival, outcome, reason in zip(
            arrivals(3), (Outcome.PARKED, Outcome.DEAD, Outcome.APPLIED), (Reason.NO_TARGET, Reason.REJECTED, None),
            strict=True,
        ):  # fmt: skip
            keep = [ToKeep(reason=reason, detail=detail, names=frozenset({"m31"}))] if reason else []
            unit.record(arrival.entry(outcome, reason, detail=detail, **said), keep=keep, raw=arrival.record)
    pk = orm_tom.make_target(arrivals(1)[0].subject)
    client = browser(account("root", is_superuser=True))
    for path in ("parked/", "dead/", f"dead/{Dead.objects.get().pk}/", "differences/", f"targets/{pk}/shares/"):
        text = page(client, f"/bridge/{path}")
        assert "\u202e turned" in text or "differences" in path
        parser = Turning()
        parser.feed(text)
        assert parser.within <= {"bdi", "td"}, path


# -- values of then --------------------------------------------------------------------------------------------------


def test_a_value_that_was_corrected_since_is_shown_with_the_day_on_which_it_was_here(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from tom_targets.models import TargetExtra

    from bridge.tomtoolkit.models import Entry

    orm_tom.make_target("SN 2024abc", ra=10.0, dec=20.0, extras={"class": "II"})
    alpha.publish(SUPERNOVA)
    beta.drain()
    Entry.objects.update(recorded_at=datetime(2026, 1, 2, 12, tzinfo=UTC))
    TargetExtra.objects.update(value="Ia")
    text = page(browser(account("root", is_superuser=True)), "/bridge/differences/")
    assert "<th>here on 2026-01-02</th></tr> <tr><td>extras.class</td><td>Ia</td><td>II</td>" in " ".join(text.split())
