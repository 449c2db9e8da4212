"""What the README says of TOM Toolkit's own sharing beside the bridge, on two real TOMs of TOM Toolkit 3.1."""

from dataclasses import dataclass
from typing import Any

import pytest
from parts.tom_fixtures import MakeTom
from parts.tom_site import BRIDGE_PASSWORD
from parts.toms import Tom

pytestmark = pytest.mark.tom

_ADD_POINT = """
from datetime import UTC, datetime
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.models import Target
PhotometryReducedDatum.objects.create(
    target=Target.objects.get(name=name), timestamp=datetime(2026, 1, 1, tzinfo=UTC), bandpass='r', **fields
)
"""

_SHARE = """
import requests
from tom_dataproducts.sharing import share_data_with_tom
from tom_targets.models import Target
try:
    result = str(share_data_with_tom('receiver', {}, target_id=Target.objects.get(name=name).pk))
except requests.ConnectionError:
    result = 'ConnectionError'
"""


@dataclass
class Pair:
    """Two TOMs, the first of which has the second one in its DATA_SHARING."""

    sender: Tom
    receiver: Tom

    def share(self, name: str, **fields: Any) -> str:
        """Give the sender's target one point and share it with TOM Toolkit's own function; return what that says."""
        self.sender.shell(_ADD_POINT, name=name, fields=fields)
        return str(self.sender.shell(_SHARE, name=name))


@pytest.fixture
def pair(make_tom: MakeTom) -> Pair:
    receiver = make_tom(3, "receiver")
    entry = {
        "DISPLAY_NAME": "Receiver",
        "BASE_URL": f"{receiver.base_url}/",
        "USERNAME": "bridge",
        "PASSWORD": BRIDGE_PASSWORD,
    }
    return Pair(make_tom(3, "sender", DATA_SHARING={"receiver": entry}), receiver)


def test_a_point_of_a_target_without_alias_is_shared(pair: Pair) -> None:
    for tom in (pair.sender, pair.receiver):
        tom.make_target("SN 2026a")
    assert "1 of 1 datums successfully saved" in pair.share("SN 2026a", brightness=18.5)
    assert [row["brightness"] for row in pair.receiver.photometry("SN 2026a")] == [18.5]


def test_a_target_with_an_alias_is_not_found(pair: Pair) -> None:
    for tom in (pair.sender, pair.receiver):
        tom.make_target("SN 2026b", aliases=["ZTF26b"])
    assert "No matching target found" in pair.share("SN 2026b", brightness=18.5)
    assert pair.receiver.photometry() == []


def test_limits_and_exposure_times_are_dropped(pair: Pair) -> None:
    for tom in (pair.sender, pair.receiver):
        tom.make_target("SN 2026c")
    pair.share("SN 2026c", brightness=18.5, limit=20.5, exposure_time=30.0)
    (row,) = pair.receiver.photometry("SN 2026c")
    assert (row["brightness"], row["limit"], row["exposure_time"]) == (18.5, None, None)


def test_a_point_of_a_target_that_the_other_tom_does_not_have_is_not_kept_for_later(pair: Pair) -> None:
    pair.sender.make_target("SN 2026d")
    assert "No matching target found" in pair.share("SN 2026d", brightness=18.5)
    pair.receiver.make_target("SN 2026d")
    assert pair.receiver.photometry() == []


def test_a_corrected_brightness_is_a_second_row_and_nobody_is_told(pair: Pair) -> None:
    for tom in (pair.sender, pair.receiver):
        tom.make_target("SN 2026e")
    pair.receiver.shell(_ADD_POINT, name="SN 2026e", fields={"brightness": 18.4})
    assert "1 of 1 datums successfully saved" in pair.share("SN 2026e", brightness=18.5)
    assert sorted(row["brightness"] for row in pair.receiver.photometry("SN 2026e")) == [18.4, 18.5]


def test_a_tom_that_is_down_is_an_error_in_the_sending_tom(pair: Pair) -> None:
    for tom in (pair.sender, pair.receiver):
        tom.make_target("SN 2026f")
    pair.receiver.kill()
    assert pair.share("SN 2026f", brightness=18.5) == "ConnectionError"
    pair.receiver.start()
    assert pair.receiver.photometry() == []
