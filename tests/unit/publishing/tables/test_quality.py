"""Rows that a table marks as bad: left out and counted where that is certain, else refused; never published as good."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st
from parts.tables import points, problems, reading, right_or_refused

from bridge.events import Position, Spectrum
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options, parse_columns
from bridge.publishing.sources.tables.positions import read_positions
from bridge.publishing.sources.tables.spectrum import read_spectrum

MARKS = {
    "good": ("1", "0"), "is_good": ("True", "False"), "use": ("yes", "no"), "Valid": ("true", "false"),
    "ok": ("Y", "N"), "real": ("1", "0"), "bogus": ("0", "1"), "is_artifact": ("False", "True"),
    "simulated": ("no", "yes"), "exclude_from_fit": ("no", "yes"), "bueno": ("si", "no"), "schlecht": ("nein", "ja"),
     "keep": ("1.0", "0.0"), "in_fit": ("T", "F"), "bad": ("0", "1"), "rejected": ("False", "True"),
    "rejected_by_photometry": ("false", "true"), "outlier": ("no", "yes"), "exclude": ("", "x"),
    "flag_bad": ("0", "1"), "status": ("ok", "bad"), "quality": ("good", "rejected"), "DQ": ("Good", "Bad"),
}  # fmt: skip
"""Names that say what a mark means, with the cells of a good and of a bad row."""
FLAGS = {
    "quality": "1", "QUALITY": "128", "mask": "1", "masked": "True", "flags": "4", "flag": "bad?", "qflag": "3",
    "dq": "4", "saturated": "True", "QC-FLAG": "red", "Blend": "1", "psf_flag": "True", "grade": "D",
    "pixelFlags_saturated": "true", "cloudy": "yes", "ksppErrBits": "64", "g_flag": "1",
    "Q": "3", "errcode": "7", "warn": "1", "problem": "cosmic ray", "duplicate": "True", "interpolated": "True",
    "predicted": "1",
}  # fmt: skip
"""Flags that are set, and of which nothing says what they mean."""


def refused(read: Callable[[], object]) -> str:
    with pytest.raises(SourceError) as caught:
        read()
    return "\n".join((str(caught.value), *caught.value.problems))


def table(name: str, good: str, bad: str) -> str:
    return f"mjd,filter,mag,err,{name}\n60000.5,r,18.1,0.05,{good}\n60001.5,r,12.0,0.01,{bad}\n"


@pytest.mark.parametrize("name", MARKS)
def test_a_row_that_is_certainly_marked_as_bad_is_left_out_and_told(tmp_path: Path, name: str) -> None:
    found = reading(tmp_path, table(name, *MARKS[name]))
    assert [getattr(point, "brightness", None) for point in found.datums] == [18.1]
    assert found.left_out == (f"1 row left out: marked as bad by column {name!r}",)


@pytest.mark.parametrize("name", FLAGS)
def test_a_flag_that_nothing_explains_is_refused_with_each_way_to_say_it(tmp_path: Path, name: str) -> None:
    text = table(name, "0", FLAGS[name])
    (problem,) = problems(tmp_path, text)
    assert all(f"{role}={name}" in problem for role in ("is_bad", "is_good", "is_limit", "extra"))
    assert [point.brightness for point in points(tmp_path, text, columns=f"is_bad={name}")] == [18.1]
    assert [point.brightness for point in points(tmp_path, text, columns=f"extra={name}")] == [18.1, 12.0]


@given(
    name=st.sampled_from(sorted({*MARKS, *FLAGS})),
    cells=st.lists(
        st.sampled_from(["0", "1", "bad", "good", "True", "False", "", "2048", "B", "x"]), min_size=1, max_size=5
    ),
)
@settings(max_examples=80, deadline=None)
def test_a_mark_never_leaves_a_row_that_says_bad(name: str, cells: list[str]) -> None:
    rows = "".join(f"{60000 + number}.5,r,18.{number},0.05,{cell}\n" for number, cell in enumerate(cells))
    with TemporaryDirectory() as folder:
        found = right_or_refused(Path(folder), f"mjd,filter,mag,err,{name}\n{rows}")
    kept = {cells[round((point.brightness or 0) * 10) - 180] for point in found or ()}
    assert not kept & {"bad", "2048", "x"}


@pytest.mark.parametrize("cell", ["0", "0.0", "ok", "good", "G", "False", "0000", ""])
def test_a_flag_that_is_not_set_is_a_further_value(tmp_path: Path, cell: str) -> None:
    assert len(points(tmp_path, table("quality", cell, cell))) == 2


def test_what_is_good_may_be_said_and_must_be_said_of_each_row(tmp_path: Path) -> None:
    text = table("q", "1", "0")
    assert [point.brightness for point in points(tmp_path, text, columns="is_good=q")] == [18.1]
    (problem,) = problems(tmp_path, table("good", "1", ""))
    assert "'good' may mark bad rows" in problem


@pytest.mark.parametrize("note", ["saturated - do not use", "bad subtraction", "outlier", "unreliable", "Bad"])
def test_a_note_that_calls_a_value_bad_is_refused(tmp_path: Path, note: str) -> None:
    (problem,) = problems(tmp_path, table("remarks", "", note))
    assert problem.startswith("line 3, column remarks:")


def test_a_note_on_the_weather_is_none_on_the_value(tmp_path: Path) -> None:
    assert len(points(tmp_path, table("remarks", "bad seeing", "not saturated"))) == 2


@pytest.mark.parametrize("cell", ["mean", "Average", "MEDIAN", "std"])
def test_a_row_that_sums_up_others_is_no_measurement(tmp_path: Path, cell: str) -> None:
    (problem,) = problems(tmp_path, table("id", "1", cell))
    assert problem.startswith("line 3, column id:")


def test_bad_pixels_of_a_spectrum_are_left_out_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "spectrum.csv"
    told = {"wavelength_unit": "Angstrom", "flux_unit": "Jy"}
    file.write_text("# DATE-OBS = 2023-05-20T01:02:03\nwavelength,flux,good\n4000,1,1\n4001,9,0\n4002,2,1\n")
    found = read_spectrum(file, Options(given=told))
    (spectrum,) = found.datums
    assert isinstance(spectrum, Spectrum)
    assert spectrum.wavelength == (4000, 4002)
    assert found.left_out == ("1 row left out: marked as bad by column 'good'",)
    file.write_text("# DATE-OBS = 2023-05-20T01:02:03\nwavelength,flux,mask\n4000,1,0\n4001,9,1\n4002,2,0\n")
    assert "is_bad=mask" in refused(lambda: read_spectrum(file, Options(given=told)))
    (spectrum,) = read_spectrum(file, Options(given=told, columns=parse_columns("is_bad=mask"))).datums
    assert isinstance(spectrum, Spectrum)
    assert spectrum.flux == (1, 2)


def test_bad_positions_are_left_out_or_refused(tmp_path: Path) -> None:
    file = tmp_path / "positions.csv"
    file.write_text("mjd,ra,dec,bad\n60000.5,152.5,20.5,0\n60000.6,12.5,20.5,1\n")
    found = read_positions(file)
    assert [one.ra for one in found.datums if isinstance(one, Position)] == [152.5]
    assert found.left_out == ("1 row left out: marked as bad by column 'bad'",)
    file.write_text("mjd,ra,dec,flag\n60000.5,152.5,20.5,0\n60000.6,12.5,20.5,1\n")
    assert "is_bad=flag" in refused(lambda: read_positions(file))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "oid,expid,hjd,mjd,mag,magerr,catflags,filtercode,ra,dec\n1,1,2458000.5,58000.0,15.0,0.01,0,zg,187.2,2.05\n"
            "1,2,2458001.5,58001.0,12.0,0.01,32768,zg,187.2,2.05\n",
            "catflags",
        ),
        (
            "JD,Flux,Flux Error,Mag,Mag Error,Limit,FWHM,Filter,Quality,Camera\n"
            "2457148.1,26.0,0.1,15.0,0.01,16.9,1.7,V,G,ba\n2457149.1,36.0,0.1,12.0,0.01,16.9,1.7,V,B,ba\n",
            "bad quality",
        ),
        (
            "###MJD m dm uJy duJy F err\n60316.1 15.0 0.01 3631 37 o 0\n60316.2 12.0 0.01 31000 24 o 1\n",
            "err is not 0",
        ),
        (
            "SNID: x\nVARLIST: MJD FLT FLUXCAL FLUXCALERR DQ\nOBS: 57422.5 g 100000 10 Good\n"
            "OBS: 57423.5 g 900000 10 Bad\nEND:\n",
            "DQ",
        ),
    ],
)
def test_what_a_survey_marks_as_bad_is_left_out_and_told(tmp_path: Path, text: str, why: str) -> None:
    found = reading(tmp_path, text)
    assert [getattr(point, "brightness", None) for point in found.datums] == [15.0]
    assert len(found.left_out) == 1
    assert why in found.left_out[0]


@pytest.mark.parametrize(
    "cards", [{"DOPCOR01": "0.02"}, {"HISTORY": "shifted to rest frame, z=0.02"}, {"COMMENT": "de-redshifted"}]
)
def test_a_spectrum_at_rest_by_its_header_is_refused(tmp_path: Path, cards: dict[str, str]) -> None:
    image = fits.PrimaryHDU([1.0, 2.0, 3.0])
    image.header.update({"CRVAL1": 4000.0, "CDELT1": 1.0, "CUNIT1": "Angstrom", "BUNIT": "Jy"})
    image.header.update({"DATE-OBS": "2023-05-20T01:02:03", **cards})
    image.writeto(tmp_path / "spectrum.fits")
    assert "may be at rest" in refused(lambda: read_spectrum(tmp_path / "spectrum.fits"))


@given(
    name=st.from_regex(r"[kxz]{6,12}", fullmatch=True).map(lambda word: f"zz_{word}"),
    words=st.sampled_from([("True", "False"), ("yes", "no"), ("Y", "N"), ("oui", "non"), ("t", "f")]),
)
@settings(max_examples=30, deadline=None)
def test_a_yes_and_no_of_an_unknown_name_is_never_passed_over(name: str, words: tuple[str, str]) -> None:
    with TemporaryDirectory() as folder:
        assert right_or_refused(Path(folder), table(name, *words)) is None
        assert len(right_or_refused(Path(folder), table(name, words[0], words[0])) or ()) == 2


def test_a_row_of_a_model_is_no_measurement(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, table("source", "data", "model"))
    assert problem.startswith("line 3, column source:")


@pytest.mark.parametrize("mark", ["*", "?", ":", "†"])
def test_a_column_of_marks_alone_is_never_passed_over(tmp_path: Path, mark: str) -> None:
    (problem,) = problems(tmp_path, table("zz", "", mark))
    assert "is_bad=zz" in problem


def test_a_mark_of_corrected_values_is_told_as_such(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, table("extcorr", "y", "n"))
    assert "some values are corrected" in problem
