"""Unchanged TOMs of both generations publish by the gateway: their own Share pages, filled in over HTTP."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from parts.bridges import TOPIC
from parts.gateway_service import ACCOUNT, OTHER_TOPIC, Serving, served_gateway, with_topics
from parts.kafka import KafkaBroker
from parts.outgoing import sent
from parts.tom_fixtures import _Toms
from parts.tom_pages import Person
from parts.toms import Tom
from parts.wait import wait_until

from bridge.errors import StreamAwayError
from bridge.events import Event
from bridge.stream import open_stream

pytestmark = pytest.mark.tom

_NUMBERS = count(1)

_GIVE_POINTS = """
from datetime import datetime, timedelta, timezone
from tom_dataproducts import models
rows = []
for number in range(points):
    moment = datetime(2026, 11, 2, 3, 4, 1, 678901, tzinfo=timezone.utc) + timedelta(minutes=number)
    common = {'target_id': pk, 'timestamp': moment, 'source_name': source, 'source_location': 'loc' if source else ''}
    if hasattr(models, 'PhotometryReducedDatum'):
        row = models.PhotometryReducedDatum(
            brightness=18.25 + number, brightness_error=0.02, bandpass='r', unit='AB', telescope='1m0',
            instrument='sinistro', **common)
    else:
        value = {'filter': 'r', 'magnitude': 18.25 + number, 'error': 0.02, 'unit': 'AB', 'telescope': '1m0',
                 'instrument': 'sinistro', 'airmass': 1.2}
        row = models.ReducedDatum(data_type='photometry', value=value, **common)
    rows.append(row)
type(rows[0]).objects.bulk_create(rows)
model = type(rows[0])
result = list(model.objects.filter(target_id=pk).order_by('pk').values_list('pk', flat=True))
"""
_GIVE_OTHERS = """
from datetime import datetime, timezone
from tom_dataproducts import models
moment = datetime(2026, 11, 3, tzinfo=timezone.utc)
common = {'target_id': pk, 'timestamp': moment, 'source_name': 'LCO', 'source_location': 'loc'}
if hasattr(models, 'SpectroscopyReducedDatum'):
    models.SpectroscopyReducedDatum.objects.create(
        wavelength=[4000.0, 4001.0], flux=[1.0, 2.0], error=[0.1, 0.2], flux_unit='erg', wavelength_unit='Angstrom',
        telescope='2m0', instrument='FLOYDS', **common)
    models.AstrometryReducedDatum.objects.create(ra=10.001, dec=-5.0, ra_error=0.1, ra_error_units='arcsec', **common)
else:
    value = {'wavelength': [4000.0, 4001.0], 'flux': [1.0, 2.0], 'flux_units': 'erg', 'wavelength_units': 'Angstrom',
             'instrument': 'FLOYDS', 'telescope': '2m0'}
    models.ReducedDatum.objects.create(data_type='spectroscopy', value=value, **common)
models.ReducedDatum.objects.create(data_type='radio', value={'snr': 5}, **common)
result = None
"""
_GIVE_PRODUCT = """
from django.core.files.base import ContentFile
from tom_dataproducts.models import DataProduct
row = DataProduct(target_id=pk, data_product_type='photometry', product_id=f'{pk}-lc', extra_data='{}')
row.data.save('phot_data_é.csv', ContentFile(b'time,filter\\n'))
result = row.pk
"""
_SHARE_FOR_EVER = """
from tom_targets.models import PersistentShare, Target
from django.contrib.auth.models import User
PersistentShare.objects.create(target=Target.objects.get(pk=pk), destination=destination,
                               user=User.objects.get(username='admin'))
result = None
"""
_KEYS_THAT_COLLIDE = """
from datetime import datetime, timezone
from tom_dataproducts import models
moment = datetime(2026, 11, 4, tzinfo=timezone.utc)
if hasattr(models, 'SpectroscopyReducedDatum'):
    models.PhotometryReducedDatum.objects.bulk_create([models.PhotometryReducedDatum(
        pk=key, target_id=secret, timestamp=moment, bandpass='r', brightness=17.0)])
    models.SpectroscopyReducedDatum(
        pk=key, target_id=shared, timestamp=moment, wavelength=[4000.0], flux=[1.0]).save()
else:
    models.ReducedDatum.objects.bulk_create([models.ReducedDatum(
        target_id=secret, timestamp=moment, data_type='photometry', value={'filter': 'r', 'magnitude': 17.0})])
    value = {'wavelength': [4000.0], 'flux': [1.0]}
    models.ReducedDatum(target_id=shared, timestamp=moment, data_type='spectroscopy', value=value).save()
result = None
"""
_LIST = """
from tom_targets.models import TargetList
result = TargetList.objects.get(name=name).pk
"""


@dataclass
class Stage:
    """A gateway and the TOMs that share by it."""

    serving: Serving
    afar: Serving
    """One whose stream is on a broker; not started."""
    stream: Path
    toms: dict[int, Tom] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.stream}"

    def events(self, name: str, topic: str = TOPIC) -> list[Event]:
        """Return what is published about a target."""
        with closing(open_stream(self.url)) as opened:
            return [event for event in sent(opened, topic) if name in event.names]

    def wait_for(self, name: str, number: int) -> list[Event]:
        """Return so many events about a target, when they are there."""

        def enough() -> list[Event]:
            found = self.events(name)
            return found if len(found) >= number else []

        return wait_until(enough, what=f"{number} events about {name}")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("gateway")
    stream = folder / "stream.db"
    url = with_topics(f"sqlite:///{stream}")
    with served_gateway(folder / "here", url) as serving, served_gateway(folder / "afar", url) as afar:
        yield Stage(serving, afar, stream)


@pytest.fixture(scope="module")
def settings_of_toms(stage: Stage) -> dict[str, Any]:
    """Return the settings of the TOMs that share, and start the gateway."""
    entries = {}
    for label, serving in (("bridge", stage.serving), ("afar", stage.afar)):
        password = serving.account(ACCOUNT, TOPIC, OTHER_TOPIC)
        entry = {"DISPLAY_NAME": label, "USERNAME": ACCOUNT, "PASSWORD": password}
        entries[label] = {**entry, "BASE_URL": f"{serving.url}{TOPIC}/"}
        entries[f"{label}-other"] = {**entry, "BASE_URL": f"{serving.url}{OTHER_TOPIC}/"}
    stage.serving.start()
    types = {name: (name, name) for name in ("photometry", "spectroscopy", "radio")}
    return {"DATA_SHARING": entries, "TOM_NAME": "My TOM", "DATA_PRODUCT_TYPES": types}


@pytest.fixture(scope="module", params=[3, 2], ids=["toolkit3", "toolkit2"])
def tom(request: pytest.FixtureRequest, toms_of_session: _Toms, settings_of_toms: dict[str, Any], stage: Stage) -> Tom:
    entries = dict(settings_of_toms["DATA_SHARING"])
    if request.param == 2:  # 3.1 shares to Hermes by another package
        token = entries["bridge"]["PASSWORD"]
        entries["hermes"] = {"DISPLAY_NAME": "Hermes", "BASE_URL": stage.serving.url, "HERMES_API_KEY": token}
    return toms_of_session.get(request.param, "sharing", {**settings_of_toms, "DATA_SHARING": entries})


# What each Share button sends is tried with 3.0 as well; all else is the gateway's own, or the same in 3.1.
each_release = pytest.mark.parametrize(
    "tom", [pytest.param(3, id="toolkit3"), pytest.param("3.0", id="toolkit3.0"), pytest.param(2, id="toolkit2")],
    indirect=True,
)  # fmt: skip


@pytest.fixture(scope="module")
def person(tom: Tom) -> Person:
    return Person(tom, "bridge").log_in()


@pytest.fixture
def name() -> str:
    """A name that no other test has given."""
    return f"SN 2026a{next(_NUMBERS)}"


def give_points(tom: Tom, pk: int, points: int = 2, source: str = "LCO") -> list[int]:
    found: list[int] = tom.shell(_GIVE_POINTS, pk=pk, points=points, source=source)
    return found


def said(messages: list[tuple[str, str]]) -> str:
    return " | ".join(f"{level}: {text}" for level, text in messages)


@each_release
def test_a_target_is_shared_in_full_and_the_person_reads_what_was_done(
    stage: Stage, tom: Tom, person: Person, name: str
) -> None:
    pk = tom.make_target(name, aliases=[f"ZTF {name}"], extras={"redshift": "0.01"}, dec=-20.5, pm_ra=1.5)
    assert said(person.share_target(pk)) == f"success: {name} is on its way to {TOPIC}"
    (event,) = stage.wait_for(name, 1)
    assert (event.origin, event.origin_name) == ("north", "North TOM")
    body: Any = event.body
    assert (body.name, body.aliases, body.ra, body.dec, body.pm_ra) == (name, (f"ZTF {name}",), 10.0, -20.5, 1.5)
    assert body.extras == {"redshift": "0.01"}


@each_release
def test_selected_points_go_with_their_target_as_one_event_in_full(
    stage: Stage, tom: Tom, person: Person, name: str
) -> None:
    pk = tom.make_target(name)
    points = give_points(tom, pk, 3)
    told = person.share_target(pk, *points[:2])
    assert "2 of 2 datums successfully saved" in said(told)
    _, event = stage.wait_for(name, 2)
    body: Any = event.body
    assert [one.brightness for one in body.points] == [18.25, 19.25]
    one = body.points[0].model_dump(mode="json", exclude_defaults=True)
    assert one.pop("extra", None) == (None if tom.version >= (3, 0) else {"airmass": 1.2})
    assert one == {
        "timestamp": "2026-11-02T03:04:01.678901Z",
        "bandpass": "r",
        "brightness": 18.25,
        "brightness_error": 0.02,
        "unit": "AB",
        "telescope": "1m0",
        "instrument": "sinistro",
        "source_name": "LCO",
        "source_location": "loc",
    }


@each_release
def test_all_data_of_a_target_are_shared_whatever_they_are(stage: Stage, tom: Tom, person: Person, name: str) -> None:
    pk = tom.make_target(name)
    give_points(tom, pk, source="")
    tom.shell(_GIVE_OTHERS, pk=pk)
    assert "No matching target" in said(person.share_data(pk))
    assert stage.events(name) == []
    person.share_target(pk)
    assert "datums successfully saved" in said(person.share_data(pk))
    kinds = {"photometry", "spectroscopy", "reduced-datum"} | ({"astrometry"} if tom.version >= (3, 0) else set())
    events = {str(event.kind): event for event in stage.wait_for(name, 1 + len(kinds))}
    assert set(events) == {"target", *kinds}
    bodies: dict[str, Any] = {kind: event.body for kind, event in events.items()}
    assert [one.source_name for one in bodies["photometry"].points] == ["", ""]
    spectrum = bodies["spectroscopy"].spectra[0]
    assert (spectrum.wavelength, spectrum.flux, spectrum.flux_unit) == ((4000.0, 4001.0), (1.0, 2.0), "erg")
    assert (spectrum.wavelength_unit, spectrum.telescope, spectrum.instrument) == ("Angstrom", "2m0", "FLOYDS")
    assert bodies["reduced-datum"].data[0].value == {"snr": 5}
    if tom.version >= (3, 0):
        position = bodies["astrometry"].positions[0]
        assert (position.ra, position.dec, position.ra_error, position.ra_error_units) == (10.001, -5.0, 0.1, "arcsec")


@each_release
def test_a_file_is_shared(stage: Stage, tom: Tom, person: Person, name: str) -> None:
    pk = tom.make_target(name)
    product = tom.shell(_GIVE_PRODUCT, pk=pk)
    person.share_target(pk)
    assert f"is on its way to {TOPIC}" in said(person.share_product(pk, product))
    body: Any = stage.wait_for(name, 2)[1].body
    assert (body.content, body.product_id, body.data_product_type) == (b"time,filter\n", f"{pk}-lc", "photometry")
    assert body.filename.startswith("phot_data_")


@each_release
def test_a_list_is_shared_with_its_members_and_their_data(stage: Stage, tom: Tom, person: Person, name: str) -> None:
    pks = [tom.make_target(f"{name} {letter}", lists=[f"List {name}"]) for letter in "AB"]
    for pk in pks:
        give_points(tom, pk)
    told = person.share_list(tom.shell(_LIST, name=f"List {name}"), *pks, with_data=True)
    assert "2 of 2 datums successfully saved" in said(told)
    assert f"{name} B is on its way to {TOPIC}, in List {name}" in said(told)
    (listed,) = stage.wait_for(f"List {name}", 1)
    members: Any = listed.body
    assert [member.reference.name for member in members.members] == [f"{name} A", f"{name} B"]
    assert [str(event.kind) for event in stage.wait_for(f"{name} A", 3)] == ["target", "photometry", "list"]


_ALIASES = ("a, b", "c+d & e", "α Cen Ω", "g%20h 100%", "i?j=k;l/m'n", "f #1", "last")
"""A ``#`` cuts off what comes behind it."""


def test_aliases_of_any_kind_are_known_again(stage: Stage, tom: Tom, person: Person, name: str) -> None:
    aliases = tuple(f"{alias} {name[2:]}" for alias in _ALIASES)
    pk = tom.make_target(name, aliases=aliases)
    points = give_points(tom, pk)
    told = person.share_target(pk, *points)
    assert "2 of 2 datums successfully saved" in said(told)
    target, event = stage.wait_for(name, 2)
    assert target.names == event.names == (name, *aliases)


def test_a_stream_that_is_locked_never_reaches_the_tom(stage: Stage, tom: Tom, person: Person, name: str) -> None:
    pk = tom.make_target(name)
    points = give_points(tom, pk)
    with closing(sqlite3.connect(stage.stream, isolation_level=None, timeout=20)) as holding:
        holding.execute("BEGIN IMMEDIATE")
        assert "2 of 2 datums successfully saved" in said(person.share_target(pk, *points))
        holding.execute("ROLLBACK")
    assert [str(event.kind) for event in stage.wait_for(name, 2)] == ["target", "photometry"]


def test_a_gateway_that_was_killed_publishes_what_it_took(stage: Stage, tom: Tom, person: Person, name: str) -> None:
    pk = tom.make_target(name)
    points = give_points(tom, pk)
    person.share_target(pk, *points)
    stage.serving.kill()
    stage.serving.start()
    assert [str(event.kind) for event in stage.wait_for(name, 2)] == ["target", "photometry"]


# A thousand requests take their time, and both releases send the same.
@pytest.mark.parametrize("tom", [pytest.param(3, id="toolkit3")], indirect=True)
def test_a_thousand_datums_go_by_one_press(stage: Stage, tom: Tom, person: Person, name: str) -> None:
    pk = tom.make_target(name)
    give_points(tom, pk, 1_000)
    person.share_target(pk)
    assert "1000 of 1000 datums successfully saved" in said(person.share_data(pk))

    def points() -> int:
        return sum(len(event.body.points) for event in stage.events(name)[1:])  # type: ignore[union-attr]

    wait_until(lambda: points() == 1_000, what="all points")
    assert len(stage.events(name)) < 20


def test_a_visitor_of_a_tom_of_3_1_publishes_nothing(stage: Stage, tom: Tom, name: str) -> None:
    pk = tom.make_target(name)
    told = said(Person(tom, "bridge").share_target(pk))
    if tom.version >= (3, 0):
        assert "Log in to your TOM" in told
        assert stage.events(name) == []
    else:  # 2.32 does not say who shares
        assert f"on its way to {TOPIC}" in told


def test_a_share_for_ever_publishes_nothing_of_a_target_that_nobody_shared(
    stage: Stage, tom: Tom, person: Person, name: str
) -> None:
    secret, shared = tom.make_target(f"Secret {name}"), tom.make_target(name)
    person.share_target(shared)
    tom.shell(_SHARE_FOR_EVER, pk=shared, destination="bridge")
    # 3.1 looks the new spectrum up among the photometry, by its key alone, and sends what it finds there.
    tom.shell(_KEYS_THAT_COLLIDE, shared=shared, secret=secret, key=900_001)
    if tom.version >= (3, 0):
        asked = json.loads(stage.serving.run("--json", command="status"))["gateway"]["questions"]
        assert f"Secret {name}" in [one["asked"] for one in asked]
    else:
        assert [str(event.kind) for event in stage.wait_for(name, 2)] == ["target", "spectroscopy"]
    assert stage.events(f"Secret {name}") == []


# 3.1 speaks to Hermes by another package, and opens a page of it.
@pytest.mark.parametrize("tom", [pytest.param(2, id="toolkit2")], indirect=True)
def test_2_32_shares_by_hermes_api_in_one_message(stage: Stage, tom: Tom, person: Person, name: str) -> None:
    pk = tom.make_target(name, aliases=[f"ZTF {name}"], pm_ra=1.5)
    points = give_points(tom, pk, 3)
    told = person.share_target(pk, *points, to=f"hermes:{TOPIC}")
    assert said(told) == f"success: It is on its way to {TOPIC}"
    target, data = stage.wait_for(name, 2)
    assert target.share_id == data.share_id
    assert (target.origin, target.title, target.message, target.shared_by) == ("north", "t", "Look at this", "admin")
    body: Any = target.body
    assert (body.aliases, body.pm_ra) == ((f"ZTF {name}",), 1.5)
    shared: Any = data.body
    assert [one.brightness for one in shared.points] == [18.25, 19.25, 20.25]
    one = shared.points[0]
    assert (one.bandpass, one.brightness_error, one.telescope, one.instrument) == ("r", 0.02, "1m0", "sinistro")


@pytest.mark.kafka
def test_a_broker_that_is_killed_or_frozen_never_reaches_the_tom(
    stage: Stage, tom: Tom, person: Person, name: str, own_kafka: KafkaBroker
) -> None:
    with_topics(own_kafka.url)
    stage.afar.configure(stream={"url": own_kafka.url})
    pk = tom.make_target(name)
    *points, another = give_points(tom, pk, 3)
    stage.afar.start()
    try:
        own_kafka.kill()
        assert "2 of 2 datums successfully saved" in said(person.share_target(pk, *points, to="afar"))
        assert "2 of 2 datums successfully saved" in said(person.share_target(pk, *points, to="bridge"))
        assert stage.wait_for(name, 2)
        own_kafka.start()

        def arrived() -> list[Event]:
            with closing(open_stream(own_kafka.url)) as stream, suppress(StreamAwayError):  # it has only just come back
                return [event for event in sent(stream) if name in event.names]
            return []

        wait_until(lambda: len(arrived()) == 2, timeout_s=90)
        assert [str(event.kind) for event in arrived()] == ["target", "photometry"]
        own_kafka.freeze()
        began = time.monotonic()
        assert "1 of 1 datums successfully saved" in said(person.share_target(pk, another, to="afar"))
        assert time.monotonic() - began < 10
        own_kafka.thaw()
        wait_until(lambda: len(arrived()) == 4, timeout_s=90)  # the target again, as it is shared again
        assert sum(len(getattr(event.body, "points", ())) for event in arrived()) == 3
    finally:
        own_kafka.thaw()
        stage.afar.kill()
