"""Sharing to a topic of Hermes from the pages: what can't go is said before, and what was seen is what goes."""

from collections.abc import Iterator
from typing import Any

import pytest
from parts.bridges_in_process import SubscribedInProcess
from parts.django_tom import InProcessTom
from parts.outgoing import data_product, photometry
from parts.pages import account, browser, page, post, press, told

TOPIC = "hermes.test"


@pytest.fixture
def orm_tom(make_orm_tom: Any) -> InProcessTom:
    return make_orm_tom("sqlite")


@pytest.fixture(autouse=True)
def settings(beta: SubscribedInProcess) -> Iterator[None]:
    from django.test.utils import override_settings

    publish = [{"topic": TOPIC, "format": "hermes"}]
    with override_settings(TOM_BRIDGE=beta.mapping | {"publish": publish}, TOM_NAME="Beta TOM"):
        yield


def test_the_review_says_what_can_not_go_to_hermes(orm_tom: InProcessTom) -> None:
    from bridge.tomtoolkit.models import OutboxEvent

    ada = browser(account("ada", "share"))
    pk = orm_tom.make_target("SN 2026abc", users=["ada"], permissions="PRIVATE")
    photometry(pk, 3)
    row = data_product(pk)
    form = {"topic": TOPIC, "target": "1", "datums": "photometry", "product": str(row.pk)}
    review = post(ada, f"/bridge/targets/{pk}/share/", **form).content.decode()
    assert "1 target, 3 points" in " ".join(review.split())
    assert "Hermes has no messages of a data-product" in review
    assumed = "Assumed of 3 (photometry: nothing is said of the brightness&#x27; unit or system; it goes as AB mag"
    assert assumed in review
    assert not OutboxEvent.objects.exists()
    assert "Assumed of 3 (photometry" in told(press(ada, f"/bridge/targets/{pk}/share/", **form))
    (queued,) = OutboxEvent.objects.all()
    assert (queued.format, queued.items) == ("hermes", 4)
    assert "message, 4 data" in " ".join(page(ada, f"/bridge/targets/{pk}/shares/").split())
