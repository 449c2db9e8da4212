"""Surveys' tables: each read by its own rules, and none ever taken for another's."""

import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from parts.surveys import SAMPLES
from parts.tables import points, problems, reading

from bridge.events import Point
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables import surveys
from bridge.publishing.sources.tables.elements.astro import astropy_at_hand
from bridge.publishing.sources.tables.elements.names import Role
from bridge.publishing.sources.tables.elements.options import Options, parse_columns
from bridge.publishing.sources.tables.elements.table import Table
from bridge.publishing.sources.tables.files.reading import read
from bridge.publishing.sources.tables.photometry import read_photometry
from bridge.publishing.sources.tables.surveys import SURVEYS


def table(folder: Path, text: str) -> Table:
    (folder / "table").write_text(text)
    with astropy_at_hand():
        return read(folder / "table")


@pytest.fixture
def tables(tmp_path: Path) -> dict[str, Table]:
    return {name: table(tmp_path, text) for name, (_, text) in SAMPLES.items()}


def test_every_sample_is_recognised_by_its_own_survey_and_by_no_other(tables: dict[str, Table]) -> None:
    for name, found in tables.items():
        by = [survey for survey in SURVEYS if survey.recognises(found)]
        assert {survey.name for survey in by} == {SAMPLES[name][0]}, name
        assert len(by) == 1, (name, [survey.title for survey in by])


def test_every_survey_has_a_sample(tables: dict[str, Table]) -> None:
    for survey in SURVEYS:
        seen = any(survey.recognises(found) for found in tables.values())
        # The trailing point of Gaia's column comes and goes; both are the same table.
        assert seen or survey.name == "gaia", survey.title
    assert {name for name, _ in SAMPLES.values()} == set(surveys.NAMES)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_survey_is_read_without_options_and_by_its_name(tmp_path: Path, name: str) -> None:
    survey, text = SAMPLES[name]
    found = reading(tmp_path, text)
    assert found.datums
    assert reading(tmp_path, text, survey=survey) == found
    assert all(isinstance(point, Point) and point.bandpass for point in found.datums)


@pytest.mark.parametrize("name", SAMPLES)
def test_no_table_is_read_as_another_surveys_when_that_is_asked_for(tmp_path: Path, name: str) -> None:
    survey, text = SAMPLES[name]
    for other in surveys.NAMES:
        if other != survey:
            (told,) = problems(tmp_path, text, survey=other)
            assert f"this is no table of {other}" in told


@pytest.mark.parametrize("name", [one for one in SAMPLES if not one.startswith(("aavso e", "aavso v", "oac", "snana"))])
def test_a_column_that_somebody_added_ends_the_recognition(tmp_path: Path, name: str) -> None:
    """What it means nobody knows: it may mark limits."""
    found = table(tmp_path, SAMPLES[name][1])
    added = Table(
        format=found.format,
        columns=(*found.columns, type(found.columns[0])(name="my own mark")),
        rows=found.rows,
        remarks=found.remarks,
    )
    if name.startswith("atlas"):  # the general rules would take its limits for measurements
        with pytest.raises(ValueError, match="say --columns extra=my own mark to have them applied"):
            surveys.find(added, Options())
    else:
        assert surveys.find(added, Options()) is None
    said = Options(columns={"my own mark": Role.EXTRA})
    assert surveys.find(added, said) is surveys.find(found, Options())
    if "fink" not in name:
        assert "'my own mark'" in surveys.hint(added)


ATLAS = (
    "MJD,m,dm,uJy,duJy,F,err\n60341.2,17.5,0.02,363,6,o,0\n60342.2,19.9,0.9,40,33,o,0\n60343.2,17.9,0.05,250,10,o,4\n"
)


@pytest.mark.parametrize(
    "said",
    ["brightness=m,error=dm", "brightness=uJy,error=duJy", "error=dm,extra=err", "extra=err,extra=m", "time=MJD"],
)
def test_columns_that_are_named_never_undo_what_a_surveys_rules_say(tmp_path: Path, said: str) -> None:
    (path := tmp_path / "table.csv").write_text(ATLAS)
    with pytest.raises(SourceError) as error:
        read_photometry(path, Options(columns=parse_columns(said)))
    assert "depends on its rules" in error.value.problems[0]
    kept = read_photometry(path, Options(columns=parse_columns("extra=err")))
    assert limits_and_detections(tuple(point for point in kept.datums if isinstance(point, Point))) == [
        (17.5, None),
        (None, pytest.approx(23.9 - 2.5 * math.log10(3 * 33))),
    ]
    assert kept.left_out == ("1 row left out: err is not 0: the service marks the measurement",)


def test_a_second_error_of_whole_numbers_may_mark_bad_rows(tmp_path: Path) -> None:
    (path := tmp_path / "table.csv").write_text(ATLAS.replace("uJy,duJy", "a,b"))
    with pytest.raises(SourceError) as error:
        read_photometry(path)
    assert "--columns error=dm,is_bad=err" in error.value.problems[0]
    found = read_photometry(path, Options(columns=parse_columns("error=dm,is_bad=err")))
    assert len(found.datums) == 2


def limits_and_detections(found: tuple[Point, ...]) -> list[tuple[float | None, float | None]]:
    return [(point.brightness, point.limit) for point in found]


def test_ztf_forced_photometry_follows_the_services_recipe(tmp_path: Path) -> None:
    found = reading(tmp_path, SAMPLES["ztf forced photometry"][1])
    seen, unseen = found.datums
    assert isinstance(seen, Point)
    assert isinstance(unseen, Point)
    assert seen.brightness == pytest.approx(26.2 - 2.5 * math.log10(1500))
    assert seen.brightness_error == pytest.approx(1.0857 * 50 / 1500, rel=1e-4)
    assert unseen.limit == pytest.approx(26.3 - 2.5 * math.log10(5 * 40))
    assert (seen.limit, unseen.brightness, seen.exposure_time) == (None, None, 30)
    assert len(found.left_out) == 2


@pytest.mark.parametrize(("flux", "is_seen"), [(120.0, False), (120.1, True), (-500.0, False), (0.0, False)])
def test_three_sigma_decide_between_a_detection_and_a_limit(tmp_path: Path, flux: float, is_seen: bool) -> None:
    header = "jd,filter,zpdiff,forcediffimflux,forcediffimfluxunc\n"
    (point,) = points(tmp_path, f"{header}2460950.75,ZTF_g,26.2,{flux},40\n")
    assert (point.brightness is not None) is is_seen
    assert (point.limit is not None) is not is_seen


def test_rubins_fluxes_keep_their_sign_and_its_times_are_converted_from_tai(tmp_path: Path) -> None:
    first, second = points(tmp_path, SAMPLES["rubin forced"][1])
    assert (first.brightness, first.brightness_error, first.unit) == (1050.5, 100.5, "nJy")
    assert second.brightness == -50.5
    assert first.timestamp == datetime(2024, 12, 6, 2, 23, 23, tzinfo=UTC)  # 02:24:00 TAI
    assert first.extra["psfFlux"] == 3050.1


@pytest.mark.parametrize(
    ("flag", "is_left"),
    [("bad", True), ("saturatedCenter", True), ("nodata", True), ("injected", True), ("interpolatedCenter", True),
     ("interpolated", False)],
)  # fmt: skip
def test_fluxes_of_bad_pixels_are_left_out_of_rubins(tmp_path: Path, flag: str, is_left: bool) -> None:
    head, set_, unset, *_ = SAMPLES["rubin forced"][1].splitlines()
    found = reading(tmp_path, f"{head},pixelFlags_{flag}\n{set_},True\n{unset},False\n")
    assert (len(found.left_out), len(found.datums)) == (is_left, 2 - is_left)


@pytest.mark.parametrize("name", ["lasair, jd", "alerce detections", "fink"])
def test_a_negative_difference_is_never_a_brightness(tmp_path: Path, name: str) -> None:
    positive, negative = {
        "lasair, jd": (",t,", ",f,"),
        "alerce detections": (",1,True", ",-1,True"),
        "fink": (",t,", ",f,"),
    }[name]
    text = SAMPLES[name][1].replace(positive, negative)
    told = [reading(tmp_path, text).left_out] if name != "alerce detections" else problems(tmp_path, text)
    assert "fainter than the reference" in str(told)


def test_alerts_without_a_magnitude_are_limits(tmp_path: Path) -> None:
    assert limits_and_detections(points(tmp_path, SAMPLES["lasair, jd"][1])) == [(18.1, None), (None, 20.1)]
    assert limits_and_detections(points(tmp_path, SAMPLES["fink"][1])) == [(18.1, None), (None, 20.6)]
    assert limits_and_detections(points(tmp_path, SAMPLES["alerce non-detections"][1])) == [(None, 20.1)]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("asassn 1", [(14.839, 15.518), (None, 14.814)]),
        ("asassn 2", [(12.9204, 16.9278), (None, 16.9)]),
        ("aavso download", [(14.844, None), (None, 15.1)]),
        ("aavso extended", [(11.235, None), (None, 13.1)]),
        ("aavso visual", [(12.1, None), (None, 14.0)]),
        ("swift", [(15.10, 20.10), (None, 19.90)]),
        ("skyportal", [(18.1, 20.5), (None, 20.4)]),
        ("oac", [(14.1, None), (None, 19.1)]),
        ("oac, csv", [(14.1, None), (None, 19.1)]),
        ("bhtom", [(18.2, None), (None, 20.4)]),
    ],
)
def test_each_surveys_own_mark_of_a_limit_is_known(
    tmp_path: Path, name: str, found: list[tuple[float | None, float | None]]
) -> None:
    assert limits_and_detections(points(tmp_path, SAMPLES[name][1])) == found


def test_snanas_fluxes_become_magnitudes(tmp_path: Path) -> None:
    seen, unseen = points(tmp_path, SAMPLES["snana"][1])
    assert seen.brightness == pytest.approx(16.665, abs=5e-4)  # the file's own MAG
    assert seen.brightness_error == pytest.approx(0.0108, abs=5e-4)
    assert unseen.limit == pytest.approx(27.5 - 2.5 * math.log10(3 * 229.733))


def test_magnitudes_that_are_no_standard_ones_are_refused(tmp_path: Path) -> None:
    differential = SAMPLES["aavso extended"][1].replace(",STD,", ",DIF,")
    assert "difference to the comparison star" in problems(tmp_path, differential)[0]
    excel = SAMPLES["aavso extended"][1].replace("#DATE=JD", "#DATE=EXCEL")
    assert "#DATE=EXCEL" in problems(tmp_path, excel)[0]
    vega = SAMPLES["skyportal fluxes"][1].replace(",ab,", ",vega,")
    assert "AB zero point" in problems(tmp_path, vega)[0]
    host = SAMPLES["oac"][1].replace('"source": "1"', '"host": true')
    assert "no row holds a measurement" in problems(tmp_path, host)[-1]


def test_the_points_of_two_objects_are_never_those_of_one_target(tmp_path: Path) -> None:
    text = SAMPLES["alerce detections"][1].replace("ZTF1,2", "ZTF2,2")
    (told,) = problems(tmp_path, text)
    assert "publish one target at a time" in told


def test_a_format_that_does_not_exist_is_told(tmp_path: Path) -> None:
    (told,) = problems(tmp_path, "mjd,mag,band\n60000.1,19,V\n", survey="hubble")
    assert "choose one of atlas, ztf" in told


NEOWISE = "mjd,w1mpro,w1sigmpro,w2mpro,w2sigmpro,cc_flags,qual_frame,qi_fact,moon_masked\n"


def test_neowise_has_a_point_a_band_and_a_limit_where_there_is_no_error(tmp_path: Path) -> None:
    first, second = points(tmp_path, f"{NEOWISE}58000.25,14.231,0.031,16.011,null,0000,10,1.0,00\n")
    assert (first.bandpass, first.brightness, first.brightness_error, first.limit) == ("W1", 14.231, 0.031, None)
    assert (second.bandpass, second.brightness, second.limit, second.unit) == ("W2", None, 16.011, "Vega")


@pytest.mark.parametrize("marks", ["0000,0,1.0,00", "0000,10,0.0,00", "DD00,10,1.0,00", "0000,10,1.0,11"])
def test_what_neowise_marks_as_bad_is_left_out(tmp_path: Path, marks: str) -> None:
    good = "58000.25,14.2,0.03,14.3,0.03,0000,10,1.0,00\n"
    found = reading(tmp_path, f"{NEOWISE}{good}58001.25,12.2,0.03,12.3,0.03,{marks}\n")
    assert [point.brightness for point in found.datums if isinstance(point, Point)] == [14.2, 14.3]
    assert len(found.left_out) == 1


def test_one_band_of_neowise_that_is_marked_leaves_the_other(tmp_path: Path) -> None:
    (point,) = points(tmp_path, f"{NEOWISE}58000.25,14.2,0.03,14.3,0.03,D000,10,1.0,00\n")
    assert (point.bandpass, point.brightness) == ("W2", 14.3)


def test_detections_of_pan_starrs_are_janskys_at_times_in_tai_and_marked_ones_are_left_out(tmp_path: Path) -> None:
    found = reading(tmp_path, SAMPLES["ps1"][1])
    (point,) = found.datums
    assert isinstance(point, Point)
    assert (point.bandpass, point.brightness, point.brightness_error, point.unit) == ("r", 5e-4, 1e-5, "Jy")
    assert point.timestamp == datetime(2012, 3, 14, 2, 23, 26, tzinfo=UTC)  # MJD 56000.1, 34 s before in UTC
    assert found.left_out == ("1 row left out: infoFlag marks a bad detection", "1 row left out: no flux was measured")
    (told,) = problems(tmp_path, SAMPLES["ps1"][1].replace(",1,2,56000.1", ",1,9,56000.1").replace("1,1,2,", "1,1,9,"))
    assert "1 to 5 are g, r, i, z and y" in told


def test_the_times_of_pan_starrs_count_in_tai_also_beside_magnitudes(tmp_path: Path) -> None:
    (point,) = points(tmp_path, "objID,obsTime,filter,psfMag,psfMagErr\n1,56000.1,r,17.1,0.1\n")
    assert point.timestamp == datetime(2012, 3, 14, 2, 23, 26, tzinfo=UTC)


def test_detections_and_limits_of_alerce_are_read_from_one_answer(tmp_path: Path) -> None:
    detection = '{"oid":"ZTF1","mjd":58000.1,"fid":1,"magpsf":18.1,"sigmapsf":0.05,"magpsf_corr":17.1,"isdiffpos":1}'
    limit = '{"mjd":58001.1,"fid":2,"diffmaglim":20.1}'
    text = f'{{"detections":[{detection}],"non_detections":[{limit}]}}'
    assert limits_and_detections(points(tmp_path, text)) == [(18.1, None), (None, 20.1)]
    other = text.replace('"diffmaglim":20.1', '"diffmaglim":20.1,"mag":20.1')
    with pytest.raises(SourceError, match="Save the non-detections as a table"):
        reading(tmp_path, other)


def test_whole_days_of_the_open_catalogs_are_mjds(tmp_path: Path) -> None:
    text = '{"SN1915A":{"photometry":[{"time":"20576","u_time":"MJD","magnitude":"15.5","band":"pg"}]}}'
    (point,) = points(tmp_path, text)
    assert (point.timestamp, point.brightness) == (datetime(1915, 3, 20, tzinfo=UTC), 15.5)


# -- what somebody changed in a survey's table -------------------------------------------------------------------------

ATLAS_HEAD = "###MJD m dm uJy duJy F err chi/N RA Dec x y maj min phi apfit mag5sig Sky Obs\n"
AAVSO_HEAD = "#TYPE=EXTENDED\n#OBSCODE=ABC\n#SOFTWARE=x\n#DELIM=,\n#DATE=JD\n#OBSTYPE=CCD\n"


def _atlas(*, m: str = "15.831", flux: str = "1690", ra: str = "123.4567") -> str:
    return f"60000.5 {m} 0.018 {flux} 28 o 0 1.1 {ra} -12.3456 1 2 3 3 0 -0.4 19.5 20.1 01a\n"


def _aavso(*, mag: str = "15.831", notes: str = "na", head: str = "") -> str:
    return f"{AAVSO_HEAD}{head}SN X,2460001.0,{mag},0.018,V,NO,STD,ENSEMBLE,na,123,14.1,1.2,na,X1,{notes}\n"


@pytest.mark.parametrize(
    "text",
    [
        ATLAS_HEAD + _atlas(flux="169"), ATLAS_HEAD + _atlas() + _atlas(ra="223.4567"),
        ATLAS_HEAD + _atlas(m="48.2", flux="1690"),
        _aavso(notes="probably limit"), _aavso(notes="HJD"), _aavso(mag="99.9"),
        _aavso(head="# mags are of the comparison\n"),
        "#Date,JD(TCB),averagemag\n2023-02-25 12:00:00,2460003.0,15.83\n",
        "SNID: X\nSIM_MODEL_NAME: SALT2\nNVAR: 4\nVARLIST: MJD FLT FLUXCAL FLUXCALERR\nOBS: 60000.5 r 1000 20\nEND:\n",
    ],
)  # fmt: skip
def test_a_survey_s_table_that_disagrees_with_itself_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError):
        reading(tmp_path, text)
    assert len(reading(tmp_path, ATLAS_HEAD + _atlas()).datums) == len(reading(tmp_path, _aavso()).datums) == 1
