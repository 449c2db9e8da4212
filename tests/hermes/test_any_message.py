"""Messages of hypothesis' making: each row is right, or refused with where it is; nothing is lost, nothing guessed."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parts import strategies
from parts.hermes import events_of, headers, record

from bridge.codec import Item, Left
from bridge.errors import EventError
from bridge.events import Data, Event
from bridge.hermes import HermesFormat
from bridge.stream import Record

junk = strategies.json_values | st.sampled_from([float("nan"), float("inf"), 10**400, "\x00", "\ud800", "NaN", "1e999"])
numbers = st.floats() | st.integers() | st.floats(allow_nan=False, allow_infinity=False).map(str)
times = st.sampled_from(["2026-11-02T03:04:05Z", "2026-11-02", "60981.5", 60981.5, "2460981.5", "2026", "soon", ""])
names = st.sampled_from(["A", "B", "A ", "C" * 101, "<b>", "", "D"])


def rows(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return rows with these fields, each there or not, some with junk in it, some that are no rows at all."""
    whole = st.fixed_dictionaries({}, optional={name: one | junk for name, one in fields.items()})
    right = st.fixed_dictionaries({}, optional=dict(fields))
    return right | whole | junk


common = {"target_name": names, "date_obs": times, "telescope": st.sampled_from(["1m0", 2, ""])}
sections = {
    "targets": rows(
        name=names, ra=st.floats(-10, 370) | st.sampled_from(["10.5", "01:02:03"]), dec=st.floats(-91, 91),
        aliases=st.lists(names, max_size=2), pm_ra=numbers, epoch=st.sampled_from(["2000.0", 2015.5, "J2000"]),
        distance=numbers, distance_units=st.sampled_from(["Mpc", "ells"]), other=strategies.json_values,
    ),
    "photometry": rows(
        **common, bandpass=st.sampled_from(["r", "g" * 33]), brightness=numbers, brightness_error=numbers,
        limiting_brightness=numbers, brightness_unit=st.sampled_from(["AB mag", "mJy"]), other=strategies.json_values,
    ),
    "spectroscopy": rows(
        **common, flux=st.lists(numbers, max_size=2), wavelength=st.lists(numbers, max_size=2),
        wavelength_units=st.sampled_from(["nm", "\u212b"]),
    ),
    "astrometry": rows(**common, ra=st.floats(0, 360), dec=st.floats(-90, 90), ra_error=numbers),
}  # fmt: skip
datas = st.fixed_dictionaries(
    {},
    optional={name: st.lists(one, max_size=4) for name, one in sections.items()}
    | {"tom_bridge": junk, "event_id": junk},
)
payloads = st.fixed_dictionaries(
    {"data": datas}, optional=dict.fromkeys(("title", "submitter", "authors", "message_text", "topic"), junk)
)
ways = st.builds(
    HermesFormat, full=st.booleans(), proper_motion=st.sampled_from([None, "mas", "arcsec"]), origin=st.just("tom.a")
)


def decoded(how: HermesFormat, given: Record) -> Sequence[Item] | str:
    """Return the items of a record, or the error of ours that says what it is."""
    try:
        return how.decode(given)
    except EventError as error:
        return str(error)


def _lines(events: list[Event]) -> int:
    """Return how many rows events stand for."""
    return sum(len(one.body.datums) if isinstance(one.body, Data) else 1 for one in events)


@settings(deadline=timedelta(seconds=2), suppress_health_check=[HealthCheck.too_slow])
@given(payloads, ways)
def test_each_row_is_an_event_or_is_told(payload: dict[str, Any], how: HermesFormat) -> None:
    given = record(json.dumps(payload).encode(), headers())
    items = decoded(how, given)
    assert items == decoded(how, given)
    if isinstance(items, str):
        assert "hermes.test[0]@7" in items
        return
    events = events_of(items)
    for one in events:
        assert Event.checked(one.model_dump()) == one
        assert one.origin == "hermes.alice-1a2b3c4d"
    left = [one for one in items if isinstance(one, Left)]
    assert all("[0]@7" in one.message for one in left if one.reason == "invalid")
    count = sum(len(payload["data"].get(name, ())) for name in sections)
    told = [one for one in left if one.message != "the message has no targets"]
    assert _lines(events) + len(told) == count


@settings(deadline=timedelta(seconds=2))
@given(st.binary(max_size=200), st.sampled_from([b"json", b"avro", b"external", b"", b"\xff"]))
def test_no_bytes_bring_anything_but_items_or_our_errors(value: bytes, form: bytes) -> None:
    for begin in (b"", b"Obj\x01", b"{"):
        given = record(begin + value, [("_format", form), ("_id", value[:16])])
        items = decoded(HermesFormat(), given)
        assert items
        assert "hermes.test[0]@7" in items or not isinstance(items, str)
