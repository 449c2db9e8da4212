"""The pages in a real browser: share, see it queued, choose a target, look into a dead letter."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from parts.app_tom import AppTom
from parts.bridges import Publishing
from parts.wait import wait_until

from bridge.events import DataProduct, Photometry, Point, Target, TargetReference

_OUR_DATA = """
from datetime import datetime, timedelta, timezone
from tom_dataproducts.models import PhotometryReducedDatum
since = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)
PhotometryReducedDatum.objects.bulk_create(
    PhotometryReducedDatum(
        target_id=pk, timestamp=since + timedelta(days=number), bandpass='gr'[number % 2], telescope='1m0',
        brightness=17.2 + number / 10, brightness_error=0.03, source_name='Beta TOM',
    )
    for number in range(24)
)
"""
_RENAME = "from tom_targets.models import BaseTarget; BaseTarget.objects.filter(pk=pk).update(name=name)"


def light_curve(name: str, number: int = 5, **given: Any) -> Photometry:
    """Return photometry of the target ``name``, whose position may be given."""
    points = tuple(
        Point(timestamp=datetime.now(UTC) - timedelta(days=number - day), bandpass="r", brightness=17 + day / 10)
        for day in range(number)
    )
    return Photometry(target=TargetReference(name=name, type="SIDEREAL", **given), points=points)


def lag(page: Any) -> str:
    """Load the page again, and return the lag that it shows once it has been asked for."""
    page.reload()
    badge = page.locator("#bridge-topics td .badge").first
    badge.wait_for()
    return str(badge.inner_text())


def test_a_target_is_shared_from_its_page_and_seen_as_queued(beta: AppTom, page: Any, shot: Any) -> None:
    pk = beta.make_target("SN 2026kxd", aliases=["ZTF26aabcdef"], ra=183.27, dec=12.41)
    beta.shell(_OUR_DATA, pk=pk)
    page.goto(f"{beta.base_url}/targets/{pk}/")
    page.click("#bridge-share")
    page.wait_for_selector("text=24 points")
    page.click("summary >> text=the newest")
    assert not page.is_checked("input[name=datums][value=photometry]")
    page.check("input[name=datums][value=photometry]")
    page.fill("input[name=title]", "Rising fast")
    page.fill("textarea[name=message]", "Two magnitudes in a week: spectra are welcome.")
    shot("share", 1200)
    page.click("#bridge-share-form button:has-text('Review')")
    review = page.locator("#bridge-review")
    assert "1 target, 24 points → tomtoolkit.test; every subscriber can read it." in review.inner_text()
    shot("review", 420)
    page.click("#bridge-share-form button:has-text('Change')")
    assert page.is_checked("input[name=datums][value=photometry]")
    assert page.input_value("input[name=title]") == "Rising fast"
    page.click("#bridge-share-form button:has-text('Review')")
    page.click("#bridge-share-form button:has-text('Share')")
    page.wait_for_selector("text=Queued for")
    row = page.locator("#bridge-shares tr", has_text="photometry")
    row.wait_for()
    assert row.locator(".badge", has_text="queued").is_visible()
    assert "24 points" in row.inner_text()
    assert "admin" in row.inner_text()
    assert "delivered" not in page.content()
    shot("target-shares", 620)
    (event, _) = beta.query("SELECT * FROM tom_bridge_outboxevent WHERE subject = 'SN 2026kxd' ORDER BY id")
    assert (event["kind"], event["state"]) == ("target", "queued")


def test_the_first_page_shows_lag_and_plot(beta: AppTom, alpha: Publishing, page: Any, shot: Any) -> None:
    alpha.publish(Target(name="AT 2026qrs", type="SIDEREAL", ra=20.0, dec=-30.0), light_curve("AT 2026qrs"))
    page.goto(f"{beta.base_url}/targets/")
    page.click("nav >> text=Bridge")
    page.wait_for_selector("text=2 behind")
    beta.drain()
    wait_until(lambda: lag(page) == "up to date", timeout_s=60, what="a lag that is no older than some seconds")
    page.wait_for_selector("#bridge-plot .main-svg")
    assert page.locator("#bridge-plot .bars path").count() > 0
    shot("overview", 860)


def test_a_candidate_is_chosen_and_what_was_parked_arrives(
    beta: AppTom, alpha: Publishing, page: Any, shot: Any
) -> None:
    beta.make_target("AT 2026ggi", ra=163.51, dec=7.0)
    second = beta.make_target("Field 7 b", ra=163.52, dec=7.01)
    beta.shell(_RENAME, pk=second, name="AT2026GGI")
    near = beta.make_target("AT 2026jkl", ra=50.0, dec=-20.0)
    alpha.publish(
        light_curve("AT 2026ggi", 6),
        light_curve("AT 2026jkl", 4, ra=50.0, dec=-20.009, epoch=2000.0),
        light_curve("AT 2026xyz", 2),
    )
    beta.drain()
    page.goto(f"{beta.base_url}/bridge/parked/")
    shot("parked", 820)
    row = page.locator("tr[data-parked]", has_text="ambiguous")
    row.locator(f"input[value='{second}']").check()
    row.locator("button", has_text="Choose").click()
    page.wait_for_selector("text=now goes to AT2026GGI")
    assert len(beta.photometry("AT2026GGI")) == 6
    assert beta.photometry("AT 2026ggi") == []
    page.locator("tr[data-parked]", has_text="position disagrees").locator("button").click()
    page.wait_for_selector("text=now goes to AT 2026jkl")
    assert [each["target_id"] for each in beta.photometry("AT 2026jkl")] == [near] * 4
    assert page.locator("tr[data-parked]").all_inner_texts()[0].count("AT 2026xyz")


def test_a_dead_letter_is_looked_into_and_dropped(beta: AppTom, alpha: Publishing, page: Any, shot: Any) -> None:
    name = "AT 2026dead"
    file = DataProduct.of(
        b"BJD,mag\n2461000.5,17.1\n",
        target=TargetReference(name=name),
        filename="photometry.csv",
        data_product_type="light_curve",
    )
    alpha.publish(Target(name=name, type="SIDEREAL", ra=80.0, dec=3.0), file)
    alpha.publish_bytes(b"<script>document.title = 'taken'</script>")
    beta.drain()
    page.goto(f"{beta.base_url}/bridge/dead/")
    shot("dead", 560)
    page.locator("tr[data-dead]", has_text=name).locator("text=Show").click()
    page.wait_for_selector("text=photometry.csv")
    shot("dead-letter", 900)
    page.go_back()
    row = page.locator("tr[data-dead]", has_text="undecodable")
    row.locator("text=Show").click()
    page.wait_for_selector("text=<script>")
    assert "taken" not in page.title()
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("button:has-text('Drop')")
    page.wait_for_selector("text=1 dropped")
    assert page.locator("tr[data-dead]", has_text="undecodable").count() == 0
    assert page.locator("tr[data-dead]", has_text=name).count() == 1


def test_what_differs_and_what_shares_itself_is_shown(beta: AppTom, alpha: Publishing, page: Any, shot: Any) -> None:
    pk = beta.make_target("AT 2026dif", ra=210.0, dec=54.3, extras={"redshift": "0.02"}, lists=["Follow-up"])
    theirs = Target(name="AT 2026dif", type="SIDEREAL", ra=210.0001, dec=54.3, extras={"redshift": "0.021"})
    alpha.publish(theirs)
    beta.drain()
    page.goto(f"{beta.base_url}/bridge/differences/")
    row = page.locator("tr", has_text="AT 2026dif").first
    assert re.search(r"extras.redshift\s+0.021\s+0.02", row.inner_text())
    shot("differences", 560)
    page.goto(f"{beta.base_url}/bridge/lists/")
    page.locator("tr", has_text="Follow-up").locator("text=Share").click()
    page.check("input[name=by_itself]")
    shot("share-list", 900)
    page.click("#bridge-share-form button:has-text('Review')")
    page.click("#bridge-share-form button:has-text('Share')")
    page.wait_for_selector("text=shared by itself")
    page.click("text=Self-sharing")
    row = page.locator("tr[data-self-share]", has_text="Follow-up")
    row.locator("text=Switch off").click()
    page.wait_for_selector("text=shares itself no longer")
    page.locator("tr[data-self-share] >> text=Switch on").click()
    page.wait_for_selector("text=shares itself again")
    shot("self-sharing", 480)
    assert beta.query("SELECT active FROM tom_bridge_selfshare")[0]["active"] == 1
    assert pk
