"""Guarantee 7, across an upgrade: a consumer of the release before parks kinds that it doesn't know.

The release before is a real one. What it left is recorded; in a clone that has its commit it is run as well.
"""

from datetime import timedelta
from pathlib import Path

import pytest
from parts import release_before
from parts.bridges import Publishing, Subscribed
from parts.events import NOON, datum, position, spectrum
from parts.shares import REFERENCE, on_day

from bridge.events import Astrometry, ReducedData, Spectroscopy
from bridge.ledger.port import Outcome, Reason

NEW_KINDS = (
    Spectroscopy(target=REFERENCE, spectra=(spectrum(3), spectrum(3, timestamp=NOON + timedelta(days=1)))),
    Astrometry(target=REFERENCE, positions=(position(ra_error=0.0),)),
    ReducedData(target=REFERENCE, data=(datum(),)),
)


def left_by_the_release_before(beta: Subscribed, alpha: Publishing, folder: Path) -> None:
    """Publish the new kinds, and let the release before consume them."""
    alpha.publish(*NEW_KINDS)
    tom = beta.mapping["tom"]
    configuration = folder / "tom-bridge.toml"
    configuration.write_text(
        f'origin = "beta"\nstate = "{beta.folder}"\n[stream]\nurl = "{beta.mapping["stream"]["url"]}"\n'
        f'[tom]\nbase_url = "{tom["base_url"]}"\ndisplay_name = "Beta TOM"\napi_key = "{tom["api_key"]}"\n'
        f'[[subscribe]]\ntopic = "{beta.mapping["subscribe"][0]["topic"]}"\n'
    )
    release_before.run(folder, configuration)


@pytest.mark.parametrize("how", ["recorded", *(["run"] if release_before.in_clone() else [])])
def test_the_new_kinds_are_parked_by_the_release_before_and_applied_after_the_upgrade(how, alpha, beta, tmp_path):
    beta.tom.make_target("SN 2024abc")
    if how == "recorded":
        release_before.recorded(beta.settings.ledger, beta.tom.base_url)
    else:
        (tmp_path / "before").mkdir()
        left_by_the_release_before(beta, alpha, tmp_path / "before")
    with beta.open() as bridge:
        parked = bridge.ledger.parked()
        assert [one.reason for one in parked] == [Reason.NEWER_VERSION] * 3
        assert [one.entry.kind for one in parked] == ["Spectroscopy", "Astrometry", "ReducedData"]
        assert bridge.waiting.upgraded(bridge.budget) == 3
    assert beta.outcomes() == [Outcome.APPLIED] * 3
    assert [entry.kind for entry in beta.entries()] == ["spectroscopy", "astrometry", "reduced-datum"]
    # The second has the numbers of the first, so that it is the same one.
    assert [row["flux"] for row in beta.tom.datums("spectroscopy")] == [list(spectrum(3).flux)]
    assert [(row["ra"], row["ra_error"]) for row in beta.tom.datums("astrometry")] == [(10.0, 0.0)]
    kept = {"q": 0.0, "u": 1, "original_source_name": ""}
    assert [row["value"] for row in beta.tom.datums("polarimetry")] == [kept]


def test_after_the_upgrade_the_consumer_applies_them_by_itself_and_goes_on(alpha, beta):
    beta.tom.make_target("SN 2024abc")
    release_before.recorded(beta.settings.ledger, beta.tom.base_url)
    with beta.daemon() as daemon:
        daemon.wait_for("event.applied", 3)
        assert daemon.end() == 0
    assert len(beta.tom.datums("spectroscopy")) == 1


def test_events_of_kinds_that_are_not_subscribed_to_stay_ignored(alpha, beta):
    beta.mapping["subscribe"][0]["kinds"] = ["photometry", "astrometry"]
    beta.tom.make_target("SN 2024abc")
    alpha.publish(*NEW_KINDS, on_day(0))
    beta.drain()
    assert beta.outcomes() == [Outcome.IGNORED, Outcome.APPLIED, Outcome.IGNORED, Outcome.APPLIED]
