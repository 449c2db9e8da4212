"""TOM Toolkit's own ways to and from Hermes as the other side: that of 2.32, and tom_hermes for 3.x."""

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from parts.django_fixtures import MakeOrmTom
from parts.events import event, share, spectroscopy, spectrum, target
from parts.hermes import MESSAGE_ID, datum_of, events_of, headers, left_of, record, target_of
from parts.toms import Tom

from bridge.codec import Item
from bridge.events import Event, Photometry, Point
from bridge.hermes import HermesFormat
from bridge.hermes.composing import compose

pytestmark = pytest.mark.tom

MAKE = """
from datetime import datetime, timezone
from django.conf import settings
from tom_targets.models import Target
from tom_dataproducts.models import ReducedDatum
from tom_dataproducts.alertstreams import hermes
settings.DATA_SHARING = {'hermes': {}}
row = Target(name='SN 1', type='SIDEREAL', ra=10.5, dec=-20.25, epoch=2000.0, pm_ra=1.5)
row.save(names=['ZTF1+b&c'])
when = datetime(2026, 11, 2, 3, 4, 5, 678901, tzinfo=timezone.utc)
detection = {'magnitude': 18.25, 'error': 0.02, 'filter': 'r', 'unit': 'AB', 'telescope': '1m0'}
for value in (detection, {'limit': 21.0, 'filter': 'g'}):
    ReducedDatum.objects.create(target=row, data_type='photometry', timestamp=when, value=value)
ReducedDatum.objects.create(target=row, data_type='spectroscopy', timestamp=when, value={
    'flux': [1e-15, 2e-15], 'wavelength': [5000.0, 5001.5], 'wavelength_units': 'angstrom', 'telescope': 'FTN'})
told = hermes.BuildHermesMessage(title='T', submitter='ada', message='M', topic='hermes.test')
result = hermes.create_hermes_alert(told, ReducedDatum.objects.order_by('pk'), Target.objects.all())
"""
TAKE = """
from types import SimpleNamespace
from tom_targets.models import Target
from tom_dataproducts.models import ReducedDatum
from tom_dataproducts.alertstreams.hermes import hermes_alert_handler
Target.objects.create(name='SN 1', type='SIDEREAL', ra=10.0, dec=-5.0)
hermes_alert_handler(SimpleNamespace(content=content), None)
result = [[one.timestamp.isoformat(), one.value, one.source_name] for one in ReducedDatum.objects.order_by('timestamp')]
"""


def read(payload: Any, **how: Any) -> list[Item]:
    return list(HermesFormat(**how).decode(record(json.dumps(payload).encode(), headers())))


def sent(*events: Event) -> Any:
    (message,) = compose(events, "hermes.test").messages
    return json.loads(message.value)


def light_curve() -> Event:
    about = target("SN 1", ra=10.0, dec=-5.0)
    detection = {"brightness": 18.25, "brightness_error": 0.02, "unit": "AB", "telescope": "1m0"}
    points = (
        Point(timestamp="2026-11-02T03:04:05.678901Z", bandpass="r", **detection),
        Point(timestamp="2026-11-03T00:00:00Z", bandpass="g", limit=21.0, unit="AB"),
    )
    return event(Photometry(target=about.reference, points=points))


def test_what_2_32_sends_is_read(tom2: Tom) -> None:
    items = read(tom2.shell(MAKE), proper_motion="mas")
    assert left_of(items) == []
    about = target_of(items)
    assert (about.names, about.ra, about.dec, about.pm_ra) == (("SN 1", "ZTF1+b&c"), 10.5, -20.25, 1.5)
    points = next(one.body.points for one in events_of(items) if one.kind == "photometry")
    assert [(one.brightness, one.brightness_error, one.limit, one.bandpass, one.unit) for one in points] == [
        (18.25, 0.02, None, "r", "AB"),
        (None, None, 21.0, "g", ""),
    ]
    assert points[0].timestamp.isoformat() == "2026-11-02T03:04:05.678901+00:00"
    (spectrum_,) = next(one.body.spectra for one in events_of(items) if one.kind == "spectroscopy")
    assert (spectrum_.wavelength, spectrum_.wavelength_unit) == ((5000.0, 5001.5), "Angstrom")


def test_what_we_send_2_32_takes(tom2: Tom) -> None:
    first, second = tom2.shell(TAKE, content=sent(light_curve()))
    assert first[0] == "2026-11-02T03:04:05.678901+00:00"
    assert {name: first[1][name] for name in ("magnitude", "error", "filter", "unit", "telescope")} == {
        "magnitude": 18.25, "error": 0.02, "filter": "r", "unit": "AB mag", "telescope": "1m0",
    }  # fmt: skip
    assert (second[1]["limit"], second[1]["filter"], second[2]) == (21.0, "g", "hermes.test")


def test_what_tom_hermes_sends_is_read(make_orm_tom: MakeOrmTom, monkeypatch: pytest.MonkeyPatch) -> None:
    make_orm_tom("sqlite")
    from parts.outgoing import T0
    from tom_dataproducts.models import PhotometryReducedDatum, SpectroscopyReducedDatum
    from tom_targets.models import Target

    # Its keys are in a model, for which it would have to be one of the TOM's apps.
    monkeypatch.setitem(sys.modules, "tom_hermes.credentials", SimpleNamespace(resolve_hermes_credentials=dict))
    publisher = pytest.importorskip("tom_hermes.publisher")
    row = Target(name="SN 1", type="SIDEREAL", ra=10.5, dec=-20.25)
    row.save(names=["ZTF1"])
    common = {"target": row, "timestamp": T0, "telescope": "1m0"}
    PhotometryReducedDatum.objects.create(**common, bandpass="r", brightness=18.25, unit="AB")
    PhotometryReducedDatum.objects.create(**common, bandpass="g", limit=21.0, unit="uJy")
    values = {"flux": [1e-15, 2e-15], "wavelength": [5000.0, 5001.5], "error": [1e-17, 1e-17]}
    units = {"flux_unit": "erg / (Angstrom s cm2)", "wavelength_unit": "Angstrom"}
    SpectroscopyReducedDatum.objects.create(**common, **values, **units)
    told = publisher.BuildHermesMessage(title="T", submitter="ada", topic="hermes.test")
    items = read(publisher.create_hermes_message(told, targets=Target.objects.all()))
    assert left_of(items) == []
    points = next(one.body.points for one in events_of(items) if one.kind == "photometry")
    assert [(one.brightness, one.limit, one.unit) for one in points] == [(18.25, None, "AB"), (None, 21.0, "uJy")]
    (spectrum_,) = next(one.body.spectra for one in events_of(items) if one.kind == "spectroscopy")
    assert (spectrum_.flux_unit, spectrum_.error) == ("erg / (Angstrom s cm2)", (1e-17, 1e-17))


def test_what_we_send_tom_hermes_takes(make_orm_tom: MakeOrmTom) -> None:
    make_orm_tom("sqlite")
    from tom_dataproducts.models import ReducedDatum
    from tom_targets.models import Target

    ingester = pytest.importorskip("tom_hermes.alertstreams.ingester")
    of_spectrum = event(spectroscopy(spectrum(3)))
    for one in (light_curve(), of_spectrum):
        metadata = SimpleNamespace(headers=[("_id", MESSAGE_ID.bytes)], topic="hermes.test")
        ingester.hermes_alert_handler(SimpleNamespace(content=sent(one)), metadata)
    assert sorted(Target.objects.values_list("name", flat=True)) == ["SN 1", "SN 2024abc"]
    first, second, third = ReducedDatum.objects.order_by("pk")
    assert (first.value["magnitude"], second.value["limit"]) == (18.25, 21.0)
    assert tuple(third.value["flux"]) == of_spectrum.body.spectra[0].flux
    ours = datum_of(HermesFormat().decode(record(json.dumps(sent(of_spectrum)).encode(), headers())))
    assert (first.source_name, first.source_location) == (ours.source_name, ours.source_location)


def test_what_tom_hermes_does_where_readme_compares_it(
    make_orm_tom: MakeOrmTom, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_orm_tom("sqlite")
    from parts.outgoing import T0
    from tom_dataproducts.models import PhotometryReducedDatum, ReducedDatum
    from tom_targets.models import Target

    ingester = pytest.importorskip("tom_hermes.alertstreams.ingester")
    row = Target(name="SN 1", type="SIDEREAL", ra=10.0, dec=-5.0)
    row.save(names=["ZTF1"])
    for name, brightness in (("ZTF1", 18.0), ("sn1", 18.0), ("SN 1", 19.0), ("SN 2", 17.0)):
        about = target(name, ra=10.0, dec=-5.0).reference
        given = {"bandpass": "r", "brightness": brightness, "unit": "AB", "telescope": "1m0"}
        points = (Point(timestamp="2026-11-02T03:04:05Z", **given),)
        metadata = SimpleNamespace(headers=[("_id", MESSAGE_ID.bytes)], topic="hermes.test")
        content = sent(event(Photometry(target=about, points=points)))
        ingester.hermes_alert_handler(SimpleNamespace(content=content), metadata)
    found = [(one.target.name, one.value["magnitude"]) for one in ReducedDatum.objects.order_by("pk")]
    assert found == [("SN 1", 18.0), ("SN 1", 19.0), ("SN 2", 17.0)]  # alias found, a second row, and a new target

    monkeypatch.setitem(sys.modules, "tom_hermes.credentials", SimpleNamespace(resolve_hermes_credentials=dict))
    publisher = pytest.importorskip("tom_hermes.publisher")
    common = {"target": row, "timestamp": T0, "telescope": "1m0", "bandpass": "g", "exposure_time": 30.0}
    PhotometryReducedDatum.objects.create(**common, limit=21.0, unit="AB")
    told = publisher.BuildHermesMessage(title="T", submitter="ada", topic="hermes.test")
    (limit,) = publisher.create_hermes_message(told, targets=Target.objects.filter(pk=row.pk))["data"]["photometry"]
    assert limit["limiting_brightness"] == 21.0
    assert "exposure_time" not in limit


def test_a_moving_target_of_ours_is_one_of_tom_hermes(make_orm_tom: MakeOrmTom) -> None:
    make_orm_tom("sqlite")
    from tom_targets.models import Target

    ingester = pytest.importorskip("tom_hermes.alertstreams.ingester")
    elements = {
        "scheme": "MPC_MINOR_PLANET", "epoch_of_elements": 60000.0, "inclination": 1.0, "lng_asc_node": 2.0,
        "arg_of_perihelion": 3.0, "eccentricity": 0.1, "semimajor_axis": 2.5, "mean_anomaly": 0.0,
    }  # fmt: skip
    about = target("2020 AB", type="NON_SIDEREAL", ra=None, dec=None, **elements)
    of_share = share()
    points = (Point(timestamp="2026-11-02T00:00:00Z", bandpass="r", brightness=0.0),)
    content = sent(of_share.event(about), of_share.event(Photometry(target=about.reference, points=points)))
    ingester.ingest_hermes_alert(content)
    row = Target.objects.get(name="2020 AB")
    assert (row.type, row.epoch_of_elements, row.semimajor_axis) == ("NON_SIDEREAL", 60000.0, 2.5)
