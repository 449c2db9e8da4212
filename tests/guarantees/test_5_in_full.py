"""Guarantee 5: every field that the TOM's models can hold arrives, and 0.0 is a value."""

import pytest
from parts.bridges import Subscribed
from parts.shares import LIGHT_CURVE, NOON, REFERENCE, product

from bridge.events import COORDINATE_FIELDS, ListMember, Photometry, Point, Target, TargetList
from bridge.ledger.port import Outcome

FULL = Point(
    timestamp=NOON,
    bandpass="r",
    brightness=0.0,
    brightness_error=0.0,
    limit=21.5,
    unit="mag",
    exposure_time=0.5,
    telescope="1m",
    instrument="camera",
    reduction_version="v2",
    source_name="ZTF",
    source_location="https://example.org/1",
    extra={"seeing": 1.2, "flags": ["a", "b"], "nested": {"zero": 0.0, "none": None}},
)
LIMIT = Point(timestamp=NOON.replace(hour=13), bandpass="r", limit=0.0)
SIDEREAL = Target(
    name="Full (star)",
    aliases=("HD 1", "α Cen", "Ö & co + #1"),
    type="SIDEREAL",
    ra=0.0,
    dec=0.0,
    epoch=2015.5,
    parallax=0.0,
    pm_ra=-1.5,
    pm_dec=2.5,
    galactic_lng=96.3,
    galactic_lat=-60.2,
    distance=10.0,
    distance_err=0.1,
    extras={"class": "Ia", "z": "0.0", "empty": ""},
)
COMET = Target(
    name="C/2024 A1",
    type="NON_SIDEREAL",
    scheme="MPC_COMET",
    epoch_of_elements=60000.0,
    arg_of_perihelion=0.0,
    eccentricity=1.0,
    lng_asc_node=12.5,
    inclination=99.0,
    epoch_of_perihelion=60100.5,
    perihdist=1.1,
    abs_mag=0.0,
    slope=4.0,
)


@pytest.fixture
def beta(any_tom, url, tmp_path) -> Subscribed:
    return Subscribed(any_tom, url, tmp_path / "beta")


def test_every_field_of_a_point_arrives(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    alpha.publish(Photometry(target=REFERENCE, points=(FULL, LIMIT)))
    beta.drain()
    full, limit = beta.tom.photometry()
    assert full["source_name"] == "Alpha TOM"
    assert full["source_location"] == FULL.source_location
    extra = {**FULL.extra, "original_source_name": "ZTF"}
    names = ("brightness", "brightness_error", "limit", "unit", "exposure_time", "telescope", "instrument")
    if beta.tom.version >= (3, 0):
        for name in (*names, "bandpass", "reduction_version"):
            assert full[name] == getattr(FULL, name), name
        assert full["value"] == extra
        assert (limit["brightness"], limit["limit"]) == (None, 0.0)
    else:
        written = full["value"]
        assert (written["magnitude"], written["error"], written["filter"], written["limit"]) == (0.0, 0.0, "r", 21.5)
        assert (written["exposure_time"], written["telescope"], written["reduction_version"]) == (0.5, "1m", "v2")
        assert written.items() >= extra.items()
        assert limit["value"]["limit"] == 0.0
        assert "magnitude" not in limit["value"]
    (entry,) = beta.entries()
    assert entry.detail["datums"] == {"new": 2}


@pytest.mark.parametrize("target", [SIDEREAL, COMET], ids=lambda target: target.type)
def test_every_field_of_a_target_arrives(target, alpha, beta):
    alpha.publish(target)
    beta.drain()
    (entry,) = beta.entries()
    assert entry.outcome is Outcome.APPLIED
    row = beta.tom.target(target.name)
    # What a TOM can't take over its API is told; everything else is there.
    unverified = " ".join(entry.detail.get("unverified", ()))
    for name in COORDINATE_FIELDS:
        if (value := getattr(target, name)) not in (None, "") and name not in unverified:
            assert row[name] == value, name
    assert beta.tom.aliases(target.name) == set(target.aliases)
    assert beta.tom.extras(target.name) == target.extras
    if beta.tom.version >= (3, 0):
        assert (row["shared_from"], row["shared_by"], unverified) == ("Alpha TOM", "ada", "")


def test_a_full_target_in_a_list_arrives_as_one_that_is_shared_alone(alpha, beta):
    alpha.publish(TargetList(name="Stars", members=(ListMember(reference=SIDEREAL.reference, target=SIDEREAL),)))
    beta.drain()
    row = beta.tom.target(SIDEREAL.name)
    assert (row["ra"], row["dec"], row["pm_ra"]) == (0.0, 0.0, -1.5)
    assert beta.tom.aliases(SIDEREAL.name) == set(SIDEREAL.aliases)
    assert beta.tom.extras(SIDEREAL.name) == SIDEREAL.extras


def test_every_field_of_a_product_arrives(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    alpha.publish(product(product_id="lc-1", extra_data="night 1"))
    beta.drain()
    (stored,) = beta.tom.products()
    assert stored["path"].read_bytes() == LIGHT_CURVE
    assert stored["path"].name == "lc.csv"
    assert (stored["product_id"], stored["extra_data"]) == ("lc-1", "night 1")
    assert stored["data_product_type"] == "photometry"


def test_what_a_target_lacks_is_added_and_what_it_has_is_told_and_kept(alpha, beta):
    beta.tom.make_target("full STAR", ra=0.0, dec=0.0, pm_ra=-7.0, extras={"class": "II"})
    alpha.publish(SIDEREAL)
    beta.drain()
    row = beta.tom.target("full STAR")
    assert (row["pm_ra"], row["pm_dec"], row["distance"]) == (-7.0, 2.5, 10.0)
    assert beta.tom.extras("full STAR") == {"class": "II", "z": "0.0", "empty": ""}
    assert beta.tom.aliases("full STAR") == set(SIDEREAL.aliases)
    (entry,) = beta.entries()
    assert [one["field"] for one in entry.detail["differs"]] == ["pm_ra", "extras.class"]
