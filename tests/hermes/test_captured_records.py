"""What each record that was captured from Hermes' service and from hop-client becomes."""

from datetime import UTC, datetime

import pytest
from parts.hermes import captured, events_of, left_of

from bridge.codec import Noted
from bridge.errors import UndecodableError
from bridge.events import Event
from bridge.hermes import HermesFormat


def events(name: str, **how: object) -> list[Event]:
    return events_of(HermesFormat(**how).decode(captured(name)))  # type: ignore[arg-type]


def test_the_full_message_is_three_targets_and_the_data_of_each() -> None:
    found = events("hermes-rest-full")
    assert [(str(one.kind), one.subject) for one in found] == [
        ("target", "SN 2026abc"),
        ("photometry", "SN 2026abc"),
        ("spectroscopy", "SN 2026abc"),
        ("target", "2020 AB"),
        ("astrometry", "2020 AB"),
        ("target", "deg"),
    ]
    assert {one.origin for one in found} == {"hermes.alice-1a2b3c4d"}
    first = found[0]
    assert (first.title, first.shared_by, first.acknowledgement) == (
        "Photometry of SN 2026abc",
        "Alice Adams",
        "A. Adams, B. Brown",
    )
    assert first.references == ("https://gcn.nasa.gov/circulars/1", "https://example.org/x", "event_id: S230518h")


def test_every_value_of_the_full_message_is_there() -> None:
    target, photometry, spectroscopy, minor_planet, astrometry, _ = (one.body for one in events("hermes-rest-full"))
    assert (target.ra, target.dec, target.epoch, target.distance) == (
        152.80124999999998,
        -76.53249999999998,
        2000,
        12.5e6,
    )
    assert target.aliases == ("ZTF26aaa", "AT 2026abc")
    assert target.extras.keys() == {
        "new_discovery", "discovery_info", "redshift", "host_name", "group_associations", "file_info", "comments",
    }  # fmt: skip
    assert target.extras["redshift"] == "0.0"
    ours, limit, flux = photometry.points
    assert (ours.timestamp, ours.brightness, ours.exposure_time) == (
        datetime(2026, 11, 2, 3, 4, 5, 678901, tzinfo=UTC), 18.25, 30.0,
    )  # fmt: skip
    assert ours.extra == {"observer": "o", "comments": "c", "catalog": "Gaia"}
    assert ours.source_name == "Hermes:hermes.test"
    assert (
        ours.source_location == "https://hermes.lco.global/api/v0/query/message/431a9c18-676c-47c2-851a-9fec3f66295b/"
    )
    assert (limit.timestamp, limit.brightness, limit.limit) == (
        datetime(2025, 11, 2, 3, 4, 19, 200000, tzinfo=UTC),
        None,
        21.0,
    )
    assert (flux.timestamp, flux.brightness, flux.brightness_error, flux.unit) == (
        datetime(2025, 11, 2, tzinfo=UTC), 0.003, 0.0, "mJy",
    )  # fmt: skip
    (spectrum,) = spectroscopy.spectra
    assert (spectrum.wavelength, spectrum.flux, spectrum.error) == ((5000.0, 5001.5), (1e-15, 2e-15), (1e-17, 1e-17))
    assert (spectrum.wavelength_unit, spectrum.flux_unit, spectrum.setup) == (
        "Angstrom",
        "erg / (Angstrom s cm2)",
        "red",
    )
    assert spectrum.extra["date_obs"] == "2026-11-03"  # a day, taken for its begin: told
    assert (minor_planet.scheme, minor_planet.epoch_of_elements, minor_planet.epoch) == (
        "MPC_MINOR_PLANET",
        60000,
        None,
    )
    assert (minor_planet.inclination, minor_planet.mean_anomaly) == (5.1, 30.0)
    (position,) = astrometry.positions
    assert (position.ra_error, position.ra_error_units, position.dec_error_units) == (0.1, "arcsec", "")
    assert position.extra["mpc_sitecode"] == "W85"


def test_what_a_tom_of_2_32_sends_arrives_with_its_limit() -> None:
    _, photometry = events("hermes-rest-from-tom-2.32-photometry")
    assert [(point.brightness, point.limit, point.unit) for point in photometry.body.points] == [
        (18.25, None, "AB"),
        (None, 21.0, "AB"),
    ]
    assert photometry.body.target.aliases == ("ZTF26xyz", "AT 2026ali+b&c #1")


def test_proper_motions_are_taken_only_where_their_unit_is_known() -> None:
    name = "hermes-rest-from-tom-2.32-spectrum"
    target, spectroscopy = HermesFormat().decode(captured(name))
    assert isinstance(target, Noted)
    assert (target.event.body.pm_ra, target.event.body.pm_dec) == (None, None)
    assert [note.partition(":")[0] for note in target.notes] == ["pm_ra 1.5 was not taken", "pm_dec -2.5 was not taken"]
    assert spectroscopy.event.body.spectra[0].wavelength_unit == "Angstrom"
    for unit, factor in (("mas", 1), ("arcsec", 1000)):
        body = events(name, proper_motion=unit)[0].body
        assert (body.pm_ra, body.pm_dec) == (1.5 * factor, -2.5 * factor)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("hermes-rest-minimal", "the message has no targets"),
        ("hop-avro-one", "the message has no targets"),
        ("hop-json-with-nan", "the message has no targets"),
        ("hop-blob", "it is bytes, no message of Hermes"),
        ("hop-json-test-keyed", "the message has no targets"),
    ],
)
def test_a_message_with_nothing_to_take_is_left_with_the_reason(name: str, why: str) -> None:
    assert left_of(HermesFormat().decode(captured(name))) == [("nothing to take", why)]


def test_a_row_of_files_alone_is_left_with_their_addresses() -> None:
    items = HermesFormat().decode(captured("hermes-rest-files"))
    assert [str(one.kind) for one in events_of(items)] == ["target"]
    ((reason, told),) = left_of(items)
    assert reason == "nothing to take"
    assert "/msg/a7dad151-b33d-4924-8236-c44faf94cab7/raw_file/s.fits" in told


@pytest.mark.parametrize(
    ("name", "why"),
    [("hop-avro-two-records", "several records"), ("hop-external-placeholder", "http://127.0.0.1:29595/msg/")],
)
def test_a_record_that_holds_no_message_is_undecodable(name: str, why: str) -> None:
    with pytest.raises(UndecodableError, match=why):
        HermesFormat().decode(captured(name))
