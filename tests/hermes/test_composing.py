"""Events as messages of Hermes: what every reader of Hermes reads, the events inside, and what can't go."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts import strategies
from parts.events import event, one_of_each, photometry, point, share, spectroscopy, spectrum, target
from parts.hermes import events_of, row_of, sent

from bridge.codec import Left
from bridge.events import Event, Kind, Photometry, Point, TargetReference, TargetType
from bridge.hermes import HermesFormat
from bridge.hermes.composing import Composed, Outgoing, compose

quickly = settings(
    max_examples=30,
    deadline=timedelta(seconds=2),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def composed(*events: Event, **how: Any) -> Composed:
    return compose(events, "hermes.test", **how)


def payload(*events: Event, **how: Any) -> Any:
    (message,) = composed(*events, **how).messages
    return json.loads(message.value)


def plainly(found: Composed) -> list[Event]:
    """Return the events that readers of Hermes' own fields get."""
    return [one for each in found.messages for one in events_of(HermesFormat().decode(sent(each)))]


def inside(found: Composed) -> list[Event]:
    return [one for each in found.messages for one in events_of(HermesFormat(full=True).decode(sent(each)))]


# -- there and back ---------------------------------------------------------------------------------------------------

carried = st.one_of(
    strategies.targets(), strategies.photometry, strategies.spectroscopy, strategies.astrometry, strategies.lists,
    strategies.reduced_data, strategies.products,
)  # fmt: skip


@quickly
@given(st.lists(strategies.events(carried), min_size=1, max_size=3, unique_by=lambda one: one.id))
def test_every_event_comes_back_equal_or_is_told(events: list[Event]) -> None:
    found = composed(*events)
    left = {one.event.id for one in found.not_carried if not one.datums}
    assert inside(found) == [one for one in events if one.id not in left]
    for message in found.messages:
        assert not [
            one for one in HermesFormat().decode(sent(message)) if isinstance(one, Left) and one.reason == "invalid"
        ]


points_in_hermes_units = st.lists(
    strategies.points().map(
        lambda one: one.model_copy(update={"unit": "mJy", "telescope": "t", "instrument": "", "bandpass": "r"})
    ),
    min_size=1,
    max_size=4,
).map(tuple)


@quickly
@given(
    strategies.events(
        st.builds(Photometry, target=st.just(TargetReference(name="A", ra=1, dec=2)), points=points_in_hermes_units)
    )
)
def test_what_hermes_has_words_for_is_the_same_in_its_own_fields(given: Event) -> None:
    (photometry,) = (one for one in plainly(composed(given)) if one.kind is Kind.PHOTOMETRY)
    fields = ("timestamp", "telescope", "bandpass", "brightness", "brightness_error", "limit", "unit", "exposure_time")
    assert [[getattr(one, name) for name in fields] for one in photometry.body.points] == [
        [getattr(one, name) for name in fields] for one in given.body.points
    ]


def test_every_kind_is_carried_or_told() -> None:
    found = composed(*one_of_each())
    assert {one.kind for one in inside(found)} == {"target", "photometry", "spectroscopy", "astrometry"}
    assert [str(one).rpartition(": ")[2] for one in found.not_carried] == [
        "Hermes has no messages of a list",
        "Hermes has no messages of a reduced-datum",
        "Hermes has no messages of a data-product",
    ]


# -- what Hermes' readers read ----------------------------------------------------------------------------------------


def test_a_message_has_what_hermes_asks_for() -> None:
    given = share(
        shared_by="Ada", title="T", message="M", acknowledgement="A. Ada", references=("https://x.org/1", "GCN 1")
    )
    message = payload(given.event(photometry(1)))
    assert {key: message[key] for key in ("title", "topic", "message_text", "submitter", "authors")} == {
        "title": "T", "topic": "hermes.test", "message_text": "M", "submitter": "Ada", "authors": "A. Ada",
    }  # fmt: skip
    assert message["data"]["references"] == [{"url": "https://x.org/1"}, {"source": "reference", "citation": "GCN 1"}]
    assert row_of(message, "targets") == {"name": "SN 2024abc", "ra": 10.0, "dec": -5.0}


def test_title_and_submitter_are_never_empty() -> None:
    message = payload(event(photometry(1)))
    assert (message["title"], message["submitter"]) == ("Photometry: SN 2024abc", "tom.a")


def test_headers_are_those_of_hermes() -> None:
    (message,) = composed(event(photometry(1))).messages
    assert message.headers("alice-1a2b3c4d") == (
        ("topic", b"hermes.test"),
        ("_id", message.id.bytes),
        ("_format", b"json"),
        ("title", b"Photometry: SN 2024abc"),
        ("_sender", b"alice-1a2b3c4d"),
    )
    again = Outgoing.of_stored(message.stored, message.key)
    assert (again.id, again.value, again.headers("b")) == (message.id, message.value, message.headers("b"))


def test_a_full_target_says_more_than_the_reference_of_its_data() -> None:
    given = share()
    about = target(pm_ra=1.5, pm_dec=-2.5, epoch=2015.5, distance=10.0, extras={"redshift": "0.1", "mine": "x"})
    row = row_of(payload(given.event(photometry(1)), given.event(about)), "targets")
    assert (row["pm_ra"], row["pm_dec"], row["epoch"], row["distance"], row["distance_units"], row["redshift"]) == (
        0.0015, -0.0025, "2015.5", 10.0, "pc", 0.1,
    )  # fmt: skip
    assert "mine" not in row


@pytest.mark.parametrize(
    ("unit", "brightness", "theirs"),
    [
        ("", 18.0, "AB mag"), ("AB", 18.0, "AB mag"), ("ABmag", 18.0, "AB mag"), ("mag(AB)", 18.0, "AB mag"),
        ("Vega", 18.0, "Vega mag"), ("uJy", 0.018, "mJy"), ("Jy", 18000.0, "mJy"),
        ("erg / (Angstrom s cm2)", 18.0, "erg / s / cm² / \u212b"), ("erg/s/cm^2/A", 18.0, "erg / s / cm² / \u212b"),
    ],
)  # fmt: skip
def test_units_are_hermes_own(unit: str, brightness: float, theirs: str) -> None:
    row = row_of(payload(event(photometry(1, unit=unit))), "photometry")
    assert row["brightness_unit"] == theirs
    assert row["brightness"] == pytest.approx(brightness, rel=1e-12)


def test_a_point_that_hermes_has_no_unit_for_is_told_and_travels_inside() -> None:
    given = photometry(2)
    odd = given.model_copy(update={"points": (given.points[0], given.points[1].model_copy(update={"unit": "MJy"}))})
    found = composed(whole := event(odd))
    assert [str(one) for one in found.not_carried] == [
        "SN 2024abc: 1 of the datums can't go to Hermes: 'MJy' is no unit of a flux that Hermes knows: "
        "mJy, erg / s / cm² / \u212b"
    ]
    assert inside(found) == [whole]
    assert [len(one.body.points) for one in plainly(found) if one.kind is Kind.PHOTOMETRY] == [1]


def test_a_magnitude_of_zero_and_a_limit_go() -> None:
    row = row_of(payload(event(photometry(1, brightness=0.0, limit=0.0))), "photometry")
    assert (row["brightness"], row["limiting_brightness"], row["limiting_brightness_unit"]) == (0.0, 0.0, "AB mag")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (photometry(1).model_copy(update={"target": TargetReference(name="A")}), "its position is not known"),
        (
            photometry(1).model_copy(update={"target": TargetReference(name="A", type=TargetType.NON_SIDEREAL)}),
            "share the target as well",
        ),
        (target(epoch=500.0), "epoch is 500.0, which is no Julian year"),
        (spectroscopy(spectrum(3, wavelength_unit="")), "nothing is said of the unit of a wavelength"),
    ],
    ids=["no position", "no elements", "epoch", "no unit"],
)
def test_what_hermes_would_take_for_something_else_does_not_go(given: Any, told: str) -> None:
    found = composed(event(given))
    assert not found.messages
    assert told in found.not_carried[0].why


@pytest.mark.parametrize("origin", ["hermes", "hermes.alice-1a2b3c4d"])
def test_what_came_from_hermes_never_goes_back(origin: str) -> None:
    found = composed(share(origin=origin).event(photometry()))
    assert (found.messages, [one.why for one in found.not_carried]) == ((), ["it came from Hermes"])
    assert composed(share(origin="hermes-tom").event(photometry())).messages


# -- sizes and identity -----------------------------------------------------------------------------------------------


def test_events_of_one_share_are_one_message_and_each_share_has_its_own() -> None:
    one, other = share(), share()
    found = composed(one.event(target()), one.event(photometry()), other.event(photometry()))
    assert [len(message.events) for message in found.messages] == [2, 1]


@pytest.mark.parametrize("largest", [3_000, 20_000, 900_000])
def test_no_message_is_larger_than_it_may_be_and_no_point_is_lost(largest: int) -> None:
    whole = photometry(300, extra={"comment": "é" * 20, "observer": "ü" * 10})
    found = composed(event(target()), event(whole), largest_bytes=largest)
    assert max(len(message.value) for message in found.messages) <= largest
    assert (len(found.messages) > 2) == (largest < 900_000)
    points: list[Point] = [point for one in inside(found) if one.kind is Kind.PHOTOMETRY for point in one.body.points]
    assert tuple(points) == whole.points
    plain = [point for one in plainly(found) if one.kind is Kind.PHOTOMETRY for point in one.body.points]
    assert [point.brightness for point in plain] == [point.brightness for point in whole.points]


def test_messages_are_not_split_smaller_than_they_need_be() -> None:
    found = composed(event(photometry(300)), largest_bytes=20_000)
    assert all(len(message.value) > 15_000 for message in found.messages[:-1])


def test_a_datum_larger_than_a_message_is_told() -> None:
    found = composed(event(spectroscopy(spectrum(5_000))), largest_bytes=50_000)
    assert not found.messages
    assert "share it as less" in found.not_carried[0].why


def test_the_same_events_are_the_same_messages_at_every_try() -> None:
    events = [event(target()), event(photometry(300))]
    assert composed(*events, largest_bytes=20_000) == composed(*events, largest_bytes=20_000)
    elsewhere = compose(events, "hermes.other", largest_bytes=20_000)
    assert not {one.id for one in elsewhere.messages} & {
        one.id for one in composed(*events, largest_bytes=20_000).messages
    }


def test_a_made_title_of_names_that_json_escapes_is_cut() -> None:
    given = share()
    events = [given.event(target(name="\U0001f52d" * 99 + str(number))) for number in range(3)]
    (message,) = composed(*events).messages
    title = json.loads(message.value)["title"]
    assert title.endswith("…")
    assert len(json.dumps(title)) <= 1_000


def test_over_rest_a_row_goes_without_what_would_refuse_its_message() -> None:
    told = {"spec_type": "a host galaxy", "flux_type": "Fnu", "observer": "Ada"}
    free = {"extra": told, "telescope": "2m0"}
    about = target(
        extras={"discovery_info": '{"transient_type": "PSN", "proprietary_period": "soon", "reporting_group": "ada"}'}
    )
    of_share = share()
    events = (of_share.event(about), of_share.event(spectroscopy(spectrum(3, **free))))
    by_kafka, by_rest = payload(*events), payload(*events, over_rest=True)
    assert {name: row_of(by_kafka, "spectroscopy")[name] for name in told} == told
    row = row_of(by_rest, "spectroscopy")
    assert (row["flux_type"], row["observer"]) == ("Fnu", "Ada")
    assert "spec_type" not in row
    assert row_of(by_rest, "targets")["discovery_info"] == {"reporting_group": "ada"}
    assert by_rest["data"]["tom_bridge"] == by_kafka["data"]["tom_bridge"]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"brightness": 0.0}, "takes a brightness of 0.0 for none"),
        ({"brightness": 0.0, "unit": "mJy"}, "takes a brightness of 0.0 for none"),
        ({"brightness": None, "limit": 0.0}, "takes a brightness of 0.0 for none"),
        ({"telescope": ""}, "takes no datum without telescope and instrument"),
        ({"brightness": 0.0, "limit": 21.0}, ""),
        ({"telescope": "", "instrument": "sinistro"}, ""),
    ],
)
def test_over_rest_a_point_that_would_refuse_its_message_is_told(fields: dict[str, Any], why: str) -> None:
    points = (point(1, telescope="1m0"), point(2, **({"telescope": "1m0"} | fields)))
    of_points = event(Photometry(target=target().reference, points=points))
    found = composed(of_points, over_rest=True)
    assert [(one.datums, one.why) for one in found.not_carried] == ([(1, f"Hermes' REST API {why}")] if why else [])
    (message,) = found.messages
    assert len(json.loads(message.value)["data"]["photometry"]) == (1 if why else 2)
    assert composed(of_points).not_carried == ()


@pytest.mark.parametrize(("unit", "told"), [("", True), ("mag", True), ("AB", False), ("mJy", False)])
def test_what_hermes_wants_said_and_nobody_said_is_told_as_assumed(unit: str, told: bool) -> None:
    found = composed(event(photometry(3, unit=unit)))
    assert [str(one) for one in found.assumed] == (
        [
            "SN 2024abc: of 3 of the datums it is assumed: nothing is said of the brightness' unit or system;"
            " it goes as AB mag, Hermes' default"
        ]
        if told
        else []
    )
    assert found.not_carried == ()
