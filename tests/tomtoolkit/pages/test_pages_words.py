"""The tab of a target: what was said of a share, for whoever may see the target, and links that are none but links."""

import html
from contextlib import closing
from typing import Any

import pytest
from parts import named_alike
from parts.bridges import Publishing
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.pages import account, browser, page
from parts.shares import SUPERNOVA, on_day, photometry

from bridge.ledger.port import ShareWords

pytestmark = pytest.mark.usefixtures("settings")


@pytest.fixture
def orm_tom(make_orm_tom: Any) -> InProcessTom:
    return make_orm_tom("sqlite")


def tab(client: Any, pk: int) -> str:
    return page(client, f"/bridge/targets/{pk}/shares/")


def test_what_was_said_is_shown_once_a_share_to_whoever_may_see_the_target(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from guardian.shortcuts import assign_perm
    from tom_targets.models import BaseTarget

    eve, ida = account("eve"), account("ida")
    pk = orm_tom.make_target("SN 2024abc", permissions="PRIVATE", users=[])
    assign_perm("tom_targets.view_target", ida, BaseTarget.objects.get(pk=pk))
    said = ShareWords(message="Look\n<script>x</script>", acknowledgement="Thank & cite", references=("a <b>book</b>",))
    named_alike.with_words(alpha, said, title="<i>A title</i>")
    alpha.publish(*(on_day(day) for day in range(3)))
    beta.drain()
    text = tab(browser(ida), pk)
    for told in (said.message, said.acknowledgement, said.references[0]):
        assert text.count(html.escape(told)) == 1
    assert text.count(html.escape("<i>A title</i>")) == 3
    for markup in ("<script>", "<b>book", "<i>A title"):
        assert markup not in text
    page(browser(eve), f"/bridge/targets/{pk}/shares/", status=404)


def test_the_words_of_two_origins_are_told_apart_and_their_names_are(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess, url: str
) -> None:
    named_alike.with_words(alpha)
    alpha.publish(SUPERNOVA)
    with closing(Publishing(url, origin="gamma.org", name="alpha tom")) as gamma:
        named_alike.with_words(gamma, ShareWords(message="x" * 2000))
        gamma.share = gamma.share.model_copy(update={"share_id": alpha.share.share_id})
        gamma.publish(photometry(1))
    beta.drain()
    text = tab(browser(account("root", is_superuser=True)), orm_tom.target("SN 2024abc")["id"])
    assert "Please observe." in text
    assert f">{'x' * 2000}<" in text
    assert "alpha tom (gamma.org)" in text
    assert text.count("gamma.org") == 1
    assert 'href="https://doi.org/10.1000/182"' in text


def test_what_we_say_ourselves_is_on_the_tab_too(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from django.test.utils import override_settings
    from tom_targets.models import Target

    from bridge.tomtoolkit.sharing import share

    pk = orm_tom.make_target("SN 2024abc")
    with override_settings(TOM_BRIDGE=beta.mapping | {"publish": {"topics": [{"topic": beta.topic, "groups": []}]}}):
        share(Target.objects.get(pk=pk), topic=beta.topic, message="For <all> of you")
    text = tab(browser(account("root", is_superuser=True)), pk)
    assert text.count("For &lt;all&gt; of you") == 1


def test_of_events_of_before_nothing_is_said_until_they_are_restored(
    orm_tom: InProcessTom, alpha: Publishing, beta: SubscribedInProcess
) -> None:
    from bridge.tomtoolkit.models import ShareWords as Row

    named_alike.with_words(alpha)
    alpha.publish(SUPERNOVA)
    beta.drain()
    Row.objects.all().delete()
    admin, pk = browser(account("root", is_superuser=True)), orm_tom.target("SN 2024abc")["id"]
    text = tab(admin, pk)
    assert "A title" in text
    assert "Thank Alpha." not in text
    beta.replay(restore=True)
    assert "Thank Alpha." in tab(admin, pk)


# -- where references lead -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reference", "address"),
    [
        ("https://example.org/a?b=c&d=e#f", "https://example.org/a?b=c&d=e#f"),
        ("HTTP://example.org", "HTTP://example.org"),
        (" https://example.org ", "https://example.org"),
        ("10.3847/1538-4357/ab042c", "https://doi.org/10.3847/1538-4357/ab042c"),
        ("doi:10.1000/182", "https://doi.org/10.1000/182"),
        ('10.1000/"><script>', "https://doi.org/10.1000/%22%3E%3Cscript%3E"),
        ("2019ApJ...873..111I", "https://ui.adsabs.harvard.edu/abs/2019ApJ...873..111I"),
        ("2021A&A...649A...1G", "https://ui.adsabs.harvard.edu/abs/2021A%26A...649A...1G"),
    ],
)
def test_addresses_dois_and_bibcodes_lead_where_they_say(reference: str, address: str) -> None:
    from bridge.tomtoolkit.pages.references import shown

    (found,) = shown([reference])
    assert (found.text, found.address) == (reference, address)


@pytest.mark.parametrize(
    "reference",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://example.org",
        "data:text/html,<script>",
        "//example.org",
        "ftp://example.org",
        "https://",
        "https:///path",
        "https://ads.harvard.edu@evil.example/",
        "https://evil.example\\@ads.harvard.edu/",
        "https://[::1",
        "https://example.org/a b",
        "https://example.org/\nX",
        "https://еxample.org/",
        "see https://example.org",
        "10.1000",
        "10.1000/1 82",
        "2019ApJ",
        "Smith et al., in preparation",
        "",
    ],
)
def test_whatever_else_is_written_stays_text(reference: str) -> None:
    from bridge.tomtoolkit.pages.references import shown

    (found,) = shown([reference])
    assert (found.text, found.address) == (reference, "")
