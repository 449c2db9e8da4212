"""The pages: who is let in, what each shows, and what stays hidden."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.outgoing import photometry as our_photometry
from parts.pages import account, ambiguous, browser, dead_letters, elsewhere, page, refused, rename
from parts.shares import SUPERNOVA, on_day

EVERYBODYS = ("", "lag/", "plotly.js", "differences/", "self-sharing/", "lists/")
MANAGERS = ("parked/", "dead/")


@pytest.fixture
def orm_tom(make_orm_tom: Any) -> InProcessTom:
    return make_orm_tom("sqlite")


@pytest.fixture(autouse=True)
def settings(beta: SubscribedInProcess, alpha: Publishing) -> Iterator[None]:
    from django.test.utils import override_settings

    mapping = beta.mapping | {"publish": {"topics": [{"topic": TOPIC, "groups": []}]}}
    with override_settings(TOM_BRIDGE=mapping, TOM_NAME="Beta TOM"):
        yield


@pytest.mark.parametrize("path", [*EVERYBODYS, *MANAGERS, "targets/1/shares/", "targets/1/share/", "lists/1/share/"])
def test_the_anonymous_visitor_is_sent_to_log_in(orm_tom: InProcessTom, path: str) -> None:
    orm_tom.make_target("SN 2024abc", permissions="OPEN")
    answer = browser().get(f"/bridge/{path}")
    assert (answer.status_code, answer.url.split("?")[0]) == (302, "/accounts/login/")


@pytest.mark.parametrize(
    "path",
    [
        "parked/1/choose/",
        "parked/retry/",
        "parked/drop/",
        "choices/1/forget/",
        "dead/retry/",
        "dead/drop/",
        "self-sharing/1/",
    ],
)
def test_what_changes_something_is_for_those_who_may_and_by_post_alone(orm_tom: InProcessTom, path: str) -> None:
    assert refused(browser().post(f"/bridge/{path}", {"id": "1"}))
    manager = browser(account("mia", "manage"))
    assert manager.get(f"/bridge/{path}").status_code == 405


@pytest.mark.parametrize("path", ["dead/drop/", "dead/retry/", "parked/retry/", "parked/drop/"])
def test_a_form_without_the_token_is_refused(orm_tom: InProcessTom, path: str) -> None:
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(account("mia", "manage"))
    assert refused(client.post(f"/bridge/{path}", {"id": "1"}))


@pytest.mark.parametrize("path", EVERYBODYS)
def test_who_is_logged_in_sees_the_pages_for_everybody(orm_tom: InProcessTom, path: str) -> None:
    page(browser(account("eve")), f"/bridge/{path}")


@pytest.mark.parametrize("path", MANAGERS)
def test_parked_and_dead_are_for_staff_and_for_those_with_the_permission(orm_tom: InProcessTom, path: str) -> None:
    assert refused(browser(account("eve", "share")).get(f"/bridge/{path}"))
    page(browser(account("mia", "manage")), f"/bridge/{path}")
    page(browser(account("stan", is_staff=True)), f"/bridge/{path}")


def test_the_entry_in_the_navigation_asks_nothing_of_the_database(orm_tom: InProcessTom) -> None:
    from django.db import connection
    from django.template.loader import render_to_string
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert 'href="/bridge/"' in render_to_string("tom_bridge/partials/navigation.html", {})
    assert len(queries) == 0
    assert 'href="/bridge/"' in page(browser(account("eve")), "/targets/")


def test_the_first_page_asks_nothing_of_the_stream(orm_tom: InProcessTom, beta: SubscribedInProcess) -> None:
    from django.test.utils import override_settings

    mapping = beta.mapping | {"stream": {"url": "kafka://127.0.0.1:9"}}
    with override_settings(TOM_BRIDGE=mapping):
        text = page(browser(account("eve")), "/bridge/")
    assert TOPIC in text
    assert "never" in text


def test_the_lag_is_unknown_while_the_broker_is_away(
    orm_tom: InProcessTom, beta: SubscribedInProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit import conf
    from bridge.tomtoolkit.pages import lag

    monkeypatch.setattr("bridge.stream.kafka_admin.TIMEOUT_S", 60.0)
    monkeypatch.setattr("bridge.operations.opening.ANSWERS_WITHIN_S", 0.5)
    mapping = beta.mapping | {"stream": {"url": "kafka://127.0.0.1:9"}}
    with override_settings(TOM_BRIDGE=mapping):
        assert lag.current(conf.load(), patience_s=0.2) == {}
        assert lag._last[""].answer.result(timeout=30) == []  # and nobody asks on behind the page
        assert "unknown" in page(browser(account("eve")), "/bridge/lag/")


def test_the_lag_is_what_is_still_to_come(alpha: Publishing, beta: SubscribedInProcess) -> None:
    alpha.publish(SUPERNOVA)
    beta.drain()
    alpha.publish(on_day(1), on_day(2))
    text = page(browser(account("eve")), "/bridge/lag/")
    assert "2 behind" in text
    assert "unknown" not in text


def test_the_lag_on_one_stream_is_told_while_another_is_away(alpha: Publishing, beta: SubscribedInProcess) -> None:
    from django.test.utils import override_settings

    alpha.publish(SUPERNOVA)
    beta.drain()
    alpha.publish(on_day(1), on_day(2))
    streams = {"gone": {"url": "kafka://127.0.0.1:9"}}
    mapping = beta.mapping | {"streams": streams, "subscribe": [{"topic": "gone:events"}, *beta.mapping["subscribe"]]}
    with override_settings(TOM_BRIDGE=mapping):
        text = page(browser(account("eve")), "/bridge/lag/")
    assert text.index("gone:events") < text.index("unknown") < text.index("2 behind")


def test_wrong_settings_are_told_in_full_to_managers_alone(orm_tom: InProcessTom) -> None:
    from django.test.utils import override_settings

    with override_settings(TOM_BRIDGE={"ORIGIN": "Not An Origin", "STREAM": {"URL": "kafka://u:hush@b:9092"}}):
        assert "origin" in page(browser(account("stan", is_staff=True)), "/bridge/")
        told = page(browser(account("eve")), "/bridge/")
    assert "tell the administrator" in told
    assert "hush" not in told


def test_no_page_shows_a_password_of_the_stream(orm_tom: InProcessTom, beta: SubscribedInProcess) -> None:
    from django.test.utils import override_settings

    stream = {"url": "kafka://ada:hush-hush@127.0.0.1:9", "kafka": {"sasl.password": "very-quiet"}}
    with override_settings(TOM_BRIDGE=beta.mapping | {"stream": stream}):
        client = browser(account("root", is_superuser=True, is_staff=True))
        texts = [page(client, f"/bridge/{path}") for path in (*EVERYBODYS, *MANAGERS)]
    assert not [text for text in texts if "hush-hush" in text or "very-quiet" in text]


def test_ambiguous_photometry_is_shown_with_its_candidates(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    first, second = ambiguous(orm_tom, alpha, beta, users=["admin"])
    text = page(browser(account("stan", is_superuser=True)), "/bridge/parked/")
    assert "ambiguous" in text
    assert f'name="target" value="{first}" required> SN 2024abc' in text
    assert f'name="target" value="{second}" required> SN2024ABC' in text
    assert "Alpha TOM" in text


def test_a_disagreement_is_shown_with_both_positions_and_the_distance(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    elsewhere(orm_tom, alpha, beta)
    text = page(browser(account("root", is_superuser=True)), "/bridge/parked/")
    for shown in ("position disagrees", "20.01", "20.0<", "36.0″", "It is our SN 2024abc all the same"):
        assert shown in text


def test_what_is_parked_for_a_target_that_a_manager_may_not_see_stays_hidden(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    elsewhere(orm_tom, alpha, beta, users=["bridge"], permissions="PRIVATE")
    text = page(browser(account("mia", "manage")), "/bridge/parked/")
    assert "may not see" in text
    assert "SN 2024abc" not in text
    assert "20.01" not in text


def test_a_manager_who_may_only_look_is_offered_no_choice(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    account("mia", "manage")
    elsewhere(orm_tom, alpha, beta, users=["mia"], may_change=False, permissions="PRIVATE")
    from django.contrib.auth.models import User

    text = page(browser(User.objects.get(username="mia")), "/bridge/parked/")
    assert "36.0″" in text
    assert "all the same" not in text


def test_a_dead_letter_of_foreign_bytes_is_shown_as_harmless_text(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    bytes_id, _ = dead_letters(alpha, beta)
    text = page(browser(account("mia", "manage")), f"/bridge/dead/{bytes_id}/")
    assert "undecodable" in text
    assert "00 3c 73 63 72" in text
    assert "<script>alert(1)" not in text


def test_a_dead_letter_that_is_an_event_is_shown_as_such_without_its_file(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    _, product_id = dead_letters(alpha, beta)
    client = browser(account("root", is_superuser=True))
    text = page(client, f"/bridge/dead/{product_id}/")
    assert "no_such_type" in text
    assert "lc.csv" in text
    assert "content&quot;:" not in text
    assert "rejected by the TOM" in page(client, "/bridge/dead/")


def test_a_dead_letter_that_is_not_there_is_no_page(orm_tom: InProcessTom) -> None:
    page(browser(account("mia", "manage")), "/bridge/dead/4711/", 404)


def test_a_dead_letter_of_a_target_that_a_manager_may_not_see_stays_hidden(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from tom_targets.models import Target

    from bridge.tomtoolkit.models import Dead

    _, product_id = dead_letters(alpha, beta)
    Target.objects.update(permissions="PRIVATE")
    client = browser(account("mia", "manage"))
    assert refused(client.get(f"/bridge/dead/{product_id}/"))
    assert "SN 2024abc" not in page(client, "/bridge/dead/")
    assert refused(client.post("/bridge/dead/drop/", {"id": [product_id]}))
    assert Dead.objects.filter(pk=product_id).exists()


def test_a_field_that_differs_is_shown_with_both_values(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from tom_targets.models import Target

    orm_tom.make_target("SN 2024abc", ra=10.0, dec=20.0, extras={"class": "II"}, permissions="PRIVATE")
    alpha.publish(SUPERNOVA)
    beta.drain()
    text = page(browser(account("root", is_superuser=True)), "/bridge/differences/")
    assert "extras.class" in text
    assert "<td>Ia</td><td>II</td>" in text
    assert "extras.class" not in page(browser(account("eve")), "/bridge/differences/")
    assert Target.objects.count() == 1


def test_the_tab_shows_what_came_in_and_what_went_out(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from tom_targets.models import Target

    from bridge.tomtoolkit.sharing import share

    pk = orm_tom.make_target("My favourite", aliases=["sn-2024_ABC"], permissions="PRIVATE")
    alpha.publish(on_day(1, 3))
    beta.drain()
    our_photometry(pk, 4)
    root = account("root", is_superuser=True)
    share(Target.objects.get(pk=pk), topic=TOPIC, user=root, title="Look at this", with_data=True)
    text = " ".join(page(browser(root), f"/bridge/targets/{pk}/shares/").split())
    for shown in ("Alpha TOM", "ada", "photometry, 3 points", "received", "Look at this", "queued", "4 points", "root"):
        assert shown in text
    assert "delivered" not in text
    page(browser(account("eve")), f"/bridge/targets/{pk}/shares/", 404)


def test_the_tab_is_paged(orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess) -> None:
    pk = orm_tom.make_target("SN 2024abc")
    alpha.publish(*(on_day(day) for day in range(45)))
    beta.drain()
    client = browser(account("root", is_superuser=True))
    assert [
        (text.count(">in</span>"), "Newer" in text, "Older" in text)
        for text in (page(client, f"/bridge/targets/{pk}/shares/?page={number}") for number in (1, 2, 3))
    ] == [(20, False, True), (20, True, True), (5, True, False)]


def test_the_target_page_has_the_tab_and_for_those_who_may_share_the_button(orm_tom: InProcessTom) -> None:
    pk = orm_tom.make_target("SN 2024abc", permissions="OPEN")
    shares = page(browser(account("root", is_superuser=True)), f"/targets/{pk}/")
    assert 'id="bridge-share"' in shares
    assert f"/bridge/targets/{pk}/shares/" in shares
    looks = page(browser(account("eve")), f"/targets/{pk}/")
    assert 'id="bridge-share"' not in looks
    assert f"/bridge/targets/{pk}/shares/" in looks


def test_the_target_page_stays_whole_when_the_settings_are_wrong(orm_tom: InProcessTom) -> None:
    from django.test.utils import override_settings

    pk = orm_tom.make_target("SN 2024abc")
    with override_settings(TOM_BRIDGE=None):
        assert 'id="bridge-share"' not in page(browser(account("root", is_superuser=True)), f"/targets/{pk}/")


def test_the_plot_counts_what_came_and_what_went(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    alpha.publish(SUPERNOVA)
    beta.drain()
    text = page(browser(account("eve")), "/bridge/?days=7")
    assert "plotly-graph-div" in text
    assert '"name":"received"' in text
    assert len(text) < 100_000, "Plotly's script is not in the page"
    assert "Plotly" in page(browser(account("mia")), "/bridge/plotly.js")


def test_a_list_with_a_name_like_a_script_is_shown_as_text(orm_tom: InProcessTom) -> None:
    pk = orm_tom.make_target("SN 2024abc", lists=["plain"])
    rename(pk, "<script>alert(2)</script>")
    from tom_targets.models import TargetList

    TargetList.objects.update(name="<script>alert(3)</script>")
    client = browser(account("root", is_superuser=True))
    texts = [page(client, "/bridge/lists/"), page(client, f"/bridge/targets/{pk}/share/")]
    assert not [text for text in texts if "<script>alert(" in text]


def test_migrations_are_complete(orm_tom: InProcessTom, tmp_path: Path) -> None:
    from django.core.management import call_command

    call_command("makemigrations", "tom_bridge", check=True, dry_run=True, verbosity=0)
