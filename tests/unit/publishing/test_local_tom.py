"""Sharing from a real TOM over REST: what is read, and what is told to be left out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from parts.toms import Tom

from bridge.cli.main import run
from bridge.events import Event, Photometry, Target, TargetList
from bridge.operations.doctor import examine
from bridge.operations.reading import read_list, read_reference, read_target
from bridge.publishing.sources.errors import SourceError
from bridge.settings import Settings

pytestmark = pytest.mark.tom

_DATUMS = """
from datetime import datetime, timezone
from tom_targets.models import Target
from tom_dataproducts.models import ReducedDatum
try:
    from tom_dataproducts.models import PhotometryReducedDatum
except ImportError:
    PhotometryReducedDatum = None
target = Target.objects.get(name=name)
for number, datum in enumerate(datums):
    moment = datetime(2026, 1, 1, number, tzinfo=timezone.utc)
    source = datum.pop('source_name', '')
    if PhotometryReducedDatum is None:
        names = {'brightness': 'magnitude', 'brightness_error': 'error', 'bandpass': 'filter'}
        value = {names.get(key, key): value for key, value in datum.items()}
        ReducedDatum.objects.create(
            target=target, data_type='photometry', timestamp=moment, source_name=source, value=value)
    else:
        extra = datum.pop('seeing', None)
        PhotometryReducedDatum.objects.create(
            target=target, timestamp=moment, source_name=source, value={} if extra is None else {'seeing': extra},
            **datum)
result = None
"""
DATUMS = [
    {"brightness": 0.0, "brightness_error": 0.1, "bandpass": "r", "telescope": "NOT", "unit": "AB", "seeing": 1.2},
    {"limit": 20.5, "bandpass": "r"},
    {"brightness": 18.0, "bandpass": "g", "source_name": "Another TOM"},
    {"brightness": 18.1, "bandpass": "g", "source_name": "North TOM"},
]


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The command line sets up the logs of the whole process."""
    yield
    structlog.reset_defaults()


@pytest.fixture(params=[3, 2], ids=["3.x", "2.x"])
def tom(request: pytest.FixtureRequest, make_tom: Any) -> Tom:
    made: Tom = make_tom(request.param)
    return made


def settings_for(tom: Tom, folder: Path, **more: Any) -> Settings:
    account = {"api_key": tom.pristine.tokens["bridge"]} if tom.version >= (3,) else {}
    return Settings.from_mapping(
        {
            "origin": "north",
            "stream": {"url": "sqlite:///stream.db"},
            "tom": {
                "display_name": "North TOM",
                "base_url": tom.base_url,
                **(account or {"username": "admin", "password": admin_password()}),
                "timeout_s": 30,
            },
            **more,
        },
        folder=folder,
    )


def admin_password() -> str:
    from parts.tom_site import ADMIN_PASSWORD

    return str(ADMIN_PASSWORD)


def test_a_target_is_found_by_an_alias_and_read_in_full(tom: Tom, tmp_path: Path) -> None:
    tom.make_target("SN 2024abc", aliases=["ZTF24aaa"], extras={"redshift": "0.02"}, ra=12.5, dec=-3.25, pm_ra=4.0)
    tom.make_target("SN 2024abcd")
    (target,), told = read_target(settings_for(tom, tmp_path), "ztf-24AAA", with_data=False, own_sources=())
    assert isinstance(target, Target)
    assert (target.name, target.aliases) == ("SN 2024abc", ("ZTF24aaa",))
    assert (target.ra, target.dec, target.pm_ra, target.extras) == (12.5, -3.25, 4.0, {"redshift": "0.02"})
    assert told == []


def test_photometry_that_is_not_shown_or_not_ours_is_told(tom: Tom, tmp_path: Path) -> None:
    tom.make_target("SN 2024abc")
    tom.shell(_DATUMS, name="SN 2024abc", datums=DATUMS)
    (_, photometry), told = read_target(settings_for(tom, tmp_path), "SN 2024abc", with_data=True, own_sources=())
    assert isinstance(photometry, Photometry)
    points = photometry.points
    assert points[0].brightness == 0.0
    assert (points[0].brightness_error, points[0].telescope, points[0].unit) == (0.1, "NOT", "AB")
    assert any("'Another TOM'" in line and line.startswith("left out: 1 points") for line in told)
    if tom.version >= (3, 0):
        assert [point.brightness for point in points] == [0.0, 18.1]
        assert any(line.startswith("left out: 1 points without brightness (limits") for line in told)
        assert any(line.startswith("not shared: limits, exposure times") for line in told)
    else:
        assert [point.limit for point in points] == [None, 20.5, None]
        assert points[0].extra == {"seeing": 1.2}


_OTHERS = """
from tom_targets.models import Target
from tom_dataproducts.models import ReducedDatum
target = Target.objects.get(name=name)
try:
    from tom_dataproducts.models import AstrometryReducedDatum, SpectroscopyReducedDatum
    SpectroscopyReducedDatum.objects.create(target=target, timestamp=moment, setup='red', value={'a': 1}, **spectrum)
    AstrometryReducedDatum.objects.create(target=target, timestamp=moment, ra=0.0, dec=1.0)
    value = {'q': 0.0}
except ImportError:
    value = {'q': 0.0, 'telescope': '1m', 'id': 4}
    ReducedDatum.objects.create(target=target, timestamp=moment, data_type='spectroscopy',
                                value={'setup': 'red', 'a': 1, **spectrum})
ReducedDatum.objects.create(target=target, timestamp=moment, data_type='image_file', value=value)
result = None
"""


def test_all_kinds_of_reduced_data_are_read_and_what_is_not_shown_is_told(tom: Tom, tmp_path: Path) -> None:
    tom.make_target("SN 2024abc")
    spectrum = {"wavelength": [1.0, 2.0], "flux": [0.0, 1.5], "error": [0.1, 0.2], "flux_unit": "Jy"}
    tom.shell(_OTHERS, name="SN 2024abc", moment="2026-01-01T00:00:00Z", spectrum=spectrum)
    (_, *bodies), told = read_target(settings_for(tom, tmp_path), "SN 2024abc", with_data=True, own_sources=())
    found = {body.kind.value: body.datums for body in bodies}
    (shared,), (other,) = found["spectroscopy"], found["reduced-datum"]
    assert (shared.wavelength, shared.flux, shared.error) == ((1.0, 2.0), (0.0, 1.5), (0.1, 0.2))
    assert (shared.flux_unit, other.data_type) == ("Jy", "image_file")
    if tom.version >= (3, 0):
        (position,) = found["astrometry"]
        assert (position.ra, position.dec, shared.setup, shared.extra) == (0.0, 1.0, "", {})
        assert other.value == {"q": 0.0}
        assert [line.split(":")[0] for line in told] == ["not shared"] * 3
    else:
        assert (shared.setup, shared.extra) == ("red", {"a": 1})
        assert (other.telescope, other.value, told) == ("1m", {"q": 0.0, "id": 4}, [])


def test_what_people_say_is_theirs_is_shared(tom: Tom, tmp_path: Path) -> None:
    tom.make_target("SN 2024abc")
    tom.shell(_DATUMS, name="SN 2024abc", datums=DATUMS[2:])
    bodies, told = read_target(settings_for(tom, tmp_path), "SN 2024abc", with_data=True, own_sources=["another tom"])
    assert len(bodies[1].points) == 2
    assert not any("Another" in line for line in told)


def test_a_list_is_read_with_its_targets(tom: Tom, tmp_path: Path) -> None:
    for name in ("SN 1", "SN 2"):
        tom.make_target(name, lists=["Young & bright"])
    (shared,), _ = read_list(settings_for(tom, tmp_path), "Young & bright", with_targets=True, own_sources=())
    assert isinstance(shared, TargetList)
    assert {member.target.name for member in shared.members if member.target} == {"SN 1", "SN 2"}
    with pytest.raises(SourceError, match="no list of this name"):
        read_list(settings_for(tom, tmp_path), "Old", with_targets=False, own_sources=())


def test_a_target_that_is_not_there_is_told(tom: Tom, tmp_path: Path) -> None:
    tom.make_target("SN 2024abcd")
    with pytest.raises(SourceError, match="--without-tom"):
        read_reference(settings_for(tom, tmp_path), "SN 2024abc")


def test_a_target_whose_digits_are_grouped_otherwise_is_not_taken_for_the_one_that_was_named(
    tom: Tom, tmp_path: Path
) -> None:
    tom.make_target("M 11")
    settings = settings_for(tom, tmp_path)
    with pytest.raises(SourceError, match=r"the TOM has 'M 11', whose digits are grouped otherwise"):
        read_reference(settings, "M 1-1")
    assert read_reference(settings, "m_11").name == "M 11"


@pytest.mark.parametrize("at", ["name", "list"])
def test_a_character_that_no_name_has_is_told_with_what_to_do(tom: Tom, tmp_path: Path, at: str) -> None:
    name, in_list = ("SN <b>", "L") if at == "name" else ("A", "L <b>")
    tom.make_target(name, lists=[in_list])
    with pytest.raises(SourceError, match=r"has the character '<' at .*remove it. Correct it in the TOM"):
        read_list(settings_for(tom, tmp_path), in_list, with_targets=False, own_sources=())


def test_a_target_that_came_from_another_tom_is_left_out(tom3: Tom, tmp_path: Path) -> None:
    tom3.make_target("SN 2024abc", shared_from="Another TOM", lists=["Mixed"])
    settings = settings_for(tom3, tmp_path)
    with pytest.raises(SourceError) as caught:
        read_target(settings, "SN 2024abc", with_data=False, own_sources=())
    assert "'Another TOM'" in caught.value.problems[0]
    (shared,), told = read_list(settings, "Mixed", with_targets=True, own_sources=())
    assert [member.target for member in shared.members] == [None]
    assert told == ["left out: 1 targets that came from 'Another TOM' (theirs to share; or say --own-source)"]


def test_the_command_shares_a_target_with_its_data(
    tom3: Tom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tom3.make_target("SN 2024abc")
    tom3.shell(_DATUMS, name="SN 2024abc", datums=DATUMS)
    (tmp_path / "tom-bridge.toml").write_text(
        'origin = "north"\n[stream]\nurl = "sqlite:///stream.db"\n[publish]\ntopic = "t"\n[tom]\n'
        f'DISPLAY_NAME = "North TOM"\nBASE_URL = "{tom3.base_url}/"\nAPI_KEY = "{tom3.pristine.tokens["bridge"]}"\n'
    )
    assert run(["topics", "create", "t"]) == 0
    assert run(["publish", "target", "SN2024ABC", "--with-data"]) == 0
    told = capsys.readouterr()
    assert "Published 1 photometry, 1 target with 2 datums on t" in told.out
    assert "left out: 1 points without brightness" in told.err
    assert run(["tail", "t", "--until-end", "--json"]) == 0
    events = [Event.checked(line) for line in capsys.readouterr().out.splitlines()]
    assert [str(event.kind) for event in events] == ["target", "photometry"]
    assert len({event.share_id for event in events}) == 1
    assert {event.origin_name for event in events} == {"North TOM"}


# -- doctor ---------------------------------------------------------------------------------------------------------


def test_the_doctor_says_which_target_may_not_be_changed_and_changes_nothing(tom3: Tom, tmp_path: Path) -> None:
    tom3.make_target("SN 1")
    tom3.make_target("SN 2", may_change=False)
    found = list(examine(settings_for(tom3, tmp_path, subscribe=[{"topic": "t"}])))
    told = {(one.about, one.level): f"{one.what}. {one.mend}" for one in found}
    assert "such as SN 2" in told["permission", "warn"]
    assert "topics create t" in told["topic", "fail"]
    assert "logged in as" in told["account", "ok"]
    assert ("clock", "ok") in told
    assert "visible to the account alone" in told["group", "warn"]
    assert tom3.photometry() == []
    assert len(tom3.targets()) == 2


def test_the_doctor_changes_nothing_in_an_older_tom(tom2: Tom, tmp_path: Path) -> None:
    tom2.make_target("SN 1", users=["admin"])
    found = list(examine(settings_for(tom2, tmp_path)))
    assert {one.level for one in found if one.about in ("TOM", "account", "permission")} == {"ok"}
    assert tom2.photometry() == []


def test_the_doctor_says_that_the_account_is_not_accepted(tom3: Tom, tmp_path: Path) -> None:
    account = {"base_url": tom3.base_url, "api_key": "wrong"}
    settings = Settings.from_mapping({"stream": {"url": "sqlite:///s.db"}, "tom": account}, folder=tmp_path)
    (failed,) = [one for one in examine(settings) if one.level == "fail" and one.about == "TOM"]
    assert "tom.api_key" in failed.what
    assert "valid API token" in failed.mend
    assert "wrong" not in json.dumps([one.what for one in examine(settings)])


def test_the_doctor_says_which_group_is_missing(tom3: Tom, tmp_path: Path) -> None:
    account = {"base_url": tom3.base_url, "api_key": tom3.pristine.tokens["bridge"], "groups": ["Nobody"]}
    settings = Settings.from_mapping({"stream": {"url": "sqlite:///s.db"}, "tom": account}, folder=tmp_path)
    assert any(one.level == "fail" and "'Nobody'" in one.what for one in examine(settings))
