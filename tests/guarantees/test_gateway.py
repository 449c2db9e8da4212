"""A TOM that stays as it is joins in both directions: it receives over REST, and publishes by its own Share pages."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import TOPIC, Publishing, Subscribed, tom_account
from parts.events import point, target
from parts.gateway_service import ACCOUNT, Serving, served_gateway, with_topics
from parts.outgoing import sent
from parts.shares import LIGHT_CURVE
from parts.tom_fixtures import MakeTom
from parts.tom_pages import Person
from parts.toms import Row, Tom
from parts.wait import wait_until

from bridge.events import DataProduct, Event, Photometry
from bridge.stream import open_stream

pytestmark = pytest.mark.tom

_OWN_POINT = """
from datetime import datetime, timezone
from tom_dataproducts.models import PhotometryReducedDatum
PhotometryReducedDatum.objects.create(target_id=pk, timestamp=datetime(2026, 11, 5, tzinfo=timezone.utc),
                                      bandpass='r', brightness=17.5, brightness_error=0.02, unit='AB', telescope='1m0',
                                      instrument='sinistro')
result = None
"""


_OF_THE_TOM = {
    "id", "target_id", "created", "modified", "shared_by", "shared_from", "source_name", "source_location", "value",
}  # fmt: skip
"""Columns that are each TOM's own: its keys and times, and from whom it has what is there."""
_SIDEREAL = {"type": "SIDEREAL", "ra": 150.123456789, "dec": -20.5, "epoch": 2000.0, "distance": 12.5e6}


class Joined:
    """A TOM, its consumer and its gateway, which have one state."""

    def __init__(self, tom: Tom, serving: Serving, url: str) -> None:
        self.tom = tom
        self.url = url
        self.person = Person(tom, "bridge").log_in()
        self.consumer = Subscribed(tom, url, serving.folder / "state", origin="north")
        serving.configure(tom={"display_name": "North TOM", "base_url": tom.base_url, **tom_account(tom)})
        serving.start()

    def published(self) -> list[Event]:
        """Return what this TOM has published."""
        with closing(open_stream(self.url)) as stream:
            return [event for event in sent(stream, TOPIC) if event.origin == "north"]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return with_topics(f"sqlite:///{tmp_path}/stream.db")


@pytest.fixture
def joined(tmp_path: Path, url: str, make_tom: MakeTom) -> Iterator[Joined]:
    with served_gateway(tmp_path / "north", url) as serving:
        entry = {"DISPLAY_NAME": "Bridge", "BASE_URL": f"{serving.url}{TOPIC}/", "USERNAME": ACCOUNT}
        sharing: dict[str, Any] = {"bridge": {**entry, "PASSWORD": serving.account()}}
        yield Joined(make_tom(3, "joined", DATA_SHARING=sharing, TOM_NAME="North TOM"), serving, url)


def test_loops_end_and_a_toms_own_data_reach_the_others(
    joined: Joined, alpha: Publishing, make_tom: MakeTom, tmp_path: Path
) -> None:
    theirs = target("SN 2026q")
    points = tuple(point(number, unit="AB", instrument="sbig", limit=21.0) for number in range(3))
    file = {"target": theirs.reference, "filename": "lc.csv", "data_product_type": "photometry"}
    alpha.publish(theirs, Photometry(target=theirs.reference, points=points), DataProduct.of(LIGHT_CURVE, **file))
    joined.consumer.drain()
    pk = joined.tom.target("SN 2026q")["id"]
    assert len(joined.tom.photometry("SN 2026q")) == 5  # two of them by the TOM's own processor, out of the file

    # What came is shared back by every button, and nothing of it goes out.
    assert "came over the bridge" in joined.person.share_target(pk)[0][1]
    assert "5 of 5 datums successfully saved" in joined.person.share_data(pk)[0][1]
    assert "came over the bridge" in joined.person.share_target(pk)[0][1]
    # A point of the TOM's own goes, and it alone.
    joined.tom.shell(_OWN_POINT, pk=pk)
    assert "6 of 6 datums successfully saved" in joined.person.share_data(pk)[0][1]
    wait_until(joined.published)
    (event,) = joined.published()
    assert [one.brightness for one in event.body.points] == [17.5]  # type: ignore[union-attr]

    # So does a target of its own.
    joined.person.share_target(joined.tom.make_target("SN 2026own", aliases=["ZTF 26,a & #é"], pm_ra=1.5, **_SIDEREAL))
    wait_until(lambda: len(joined.published()) == 2)

    # They come back to the TOM as its own, and arrive at another, in full.
    joined.consumer.drain()
    assert [entry.reason for entry in joined.consumer.entries() if entry.origin == "north"] == ["ours", "ours"]
    south = Subscribed(make_tom(3, "south"), joined.url, tmp_path / "south", origin="south")
    south.drain()
    assert len(south.tom.photometry("SN 2026q")) == 6
    assert differing(own_point(joined.tom), own_point(south.tom)) <= _OF_THE_TOM
    assert differing(joined.tom.target("SN 2026own"), south.tom.target("SN 2026own")) <= _OF_THE_TOM
    assert south.tom.aliases("SN 2026own") == {"ZTF 26,a & #é"}


def differing(here: Row, there: Row) -> set[str]:
    """Return in which columns two rows differ."""
    return {column for column in here if here[column] != there[column]}


def own_point(tom: Tom) -> Row:
    (found,) = [one for one in tom.photometry("SN 2026q") if one["brightness"] == 17.5]
    return found


def test_a_target_that_is_shared_again_is_read_from_the_tom(joined: Joined) -> None:
    pk = joined.tom.make_target("SN 2026r", ra=10.0, dec=20.0)
    joined.person.share_target(pk)
    joined.tom.shell("from tom_targets.models import Target\nTarget.objects.filter(pk=pk).update(ra=11.0)", pk=pk)
    joined.person.share_target(pk)
    wait_until(lambda: len(joined.published()) == 2)
    assert [event.body.ra for event in joined.published()] == [10.0, 11.0]  # type: ignore[union-attr]
