"""The daily mail of what is dead, what is parked and how far behind the TOM is."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.pages import account, browser, page
from parts.shares import SUPERNOVA, photometry

EVENING = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
MORNING = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
NextMail = Callable[[datetime], str | None]


@pytest.fixture
def beta(beta: SubscribedInProcess) -> SubscribedInProcess:
    beta.mapping["mail"] = {"to": ["admin@example.org"], "hour": 6}
    return beta


@pytest.fixture
def next_mail(beta: SubscribedInProcess, settings_of_mail: None) -> NextMail:
    """Return a function that looks at a time, as another process each time, and returns the mail that was sent."""

    def look(at: datetime) -> str | None:
        from django.core import mail

        from bridge.tomtoolkit import conf
        from bridge.tomtoolkit.operating.mail import DailyMail

        mail.outbox = []
        with beta.open() as bridge:
            sent = DailyMail(conf.load()).send_when_due(bridge.ledger, at)
        assert len(mail.outbox) == sent
        return f"{mail.outbox[0].subject}\n{mail.outbox[0].body}" if sent else None

    return look


@pytest.fixture
def settings_of_mail() -> Iterator[None]:
    from django.test.utils import override_settings

    with override_settings(EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend"):
        yield


def test_the_mail_says_what_is_dead_parked_and_behind(
    alpha: Publishing, beta: SubscribedInProcess, next_mail: NextMail
) -> None:
    alpha.publish(photometry(1))
    alpha.publish_bytes(b"no event")
    beta.drain()
    alpha.publish(SUPERNOVA)
    told = next_mail(EVENING) or ""
    assert told.startswith("TOM Bridge of Beta TOM: 1 dead, 1 parked, 1 to come\n")
    assert f"{beta.topic}: 1 to come, last success never" in told
    assert "photometry of SN 2024abc from Alpha TOM: no target" in told
    assert "Outbox: 0 events wait to be sent" in told


def test_another_installation_under_our_origin_is_told_by_mail_page_and_doctor(
    url: str, beta: SubscribedInProcess, next_mail: NextMail
) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit.operating.doctor import examine

    impostor = Publishing(url, origin="beta")
    impostor.publish(SUPERNOVA)
    impostor.close()
    beta.drain()
    told = "another installation publishes as this TOM: 1 events"
    assert told in (next_mail(EVENING) or "")
    with override_settings(TOM_BRIDGE=beta.mapping):
        assert told in page(browser(account("mia", "manage")), "/bridge/")
        assert told not in page(browser(account("eve")), "/bridge/")
        assert [one.level for one in examine() if told in one.what] == ["fail"]


def test_nobody_elsewhere_writes_a_line_of_the_mail(url: str, beta: SubscribedInProcess, next_mail: NextMail) -> None:
    evil = "Evil\nDead: 0\r\nBcc: x@example.org\u2028y\x85z\u202e"
    mallory = Publishing(url, name=evil)
    mallory.publish(photometry(1))
    mallory.publish_bytes(b"no event", headers=[("ce_subject", evil.encode()), ("ce_id", evil.encode())])
    mallory.publish_bytes(b"\xc3\x01" + bytes(8), headers=[("tom_bridge_schema_sha256", evil.encode())])
    beta.drain()
    told = next_mail(EVENING) or ""
    assert "from Evil\\nDead: 0\\u000d\\nBcc: x@example.org\\u2028y\\u0085z\\u202e: no target" in told
    assert told.splitlines() == told.split("\n")[:-1]
    assert not [line for line in told.splitlines() if line.startswith(("Bcc", "Dead: 0", "y", "z"))]
    assert not {"\r", "\x85", "\u202e"} & set(told)


def test_the_mail_goes_once_a_day_whichever_process_comes_first(alpha: Publishing, next_mail: NextMail) -> None:
    assert next_mail(EVENING) is not None
    assert next_mail(EVENING + timedelta(hours=1)) is None
    assert next_mail(MORNING - timedelta(minutes=1)) is None
    assert next_mail(MORNING) is not None
    assert next_mail(MORNING + timedelta(hours=23)) is None
    assert next_mail(MORNING + timedelta(days=3)) is not None


def test_a_mail_server_that_fails_stops_nothing_and_is_tried_again(alpha: Publishing, next_mail: NextMail) -> None:
    from django.test.utils import override_settings

    assert next_mail(EVENING) is not None
    away = {"EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend", "EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": 1}
    with override_settings(**away):
        assert next_mail(MORNING) is None
    assert next_mail(MORNING + timedelta(hours=1)) is not None


def test_no_mail_goes_unless_it_is_asked_for(alpha: Publishing, beta: SubscribedInProcess, next_mail: NextMail) -> None:
    del beta.mapping["mail"]
    assert next_mail(EVENING) is None
    beta.mapping["mail"] = {"to": ["admin@example.org"], "hour": None}
    assert next_mail(EVENING) is None


def test_the_consumer_sends_the_mail(
    alpha: Publishing, beta: SubscribedInProcess, settings_of_mail: None, tmp_path: Path
) -> None:
    from django.core import mail

    from bridge.tomtoolkit.operating.home import Inside

    mail.outbox = []
    alpha.publish(SUPERNOVA)
    with beta.open() as bridge:
        bridge.consumer(Inside().besides).run(until_end=True)
    assert [message.to for message in mail.outbox] == [["admin@example.org"]]


@pytest.mark.parametrize(
    "wrong", [{"to": []}, {"to": ["nobody"]}, {"to": ["a@b.org"], "hour": 24}, {"hour": 6}], ids=str
)
def test_a_wrong_setting_of_the_mail_is_found_by_the_checks(wrong: Any, beta: SubscribedInProcess) -> None:
    from django.test.utils import override_settings

    from bridge.tomtoolkit.checks import check_settings

    with override_settings(TOM_BRIDGE=beta.mapping | {"mail": wrong}):
        assert any("mail" in found.msg for found in check_settings())
