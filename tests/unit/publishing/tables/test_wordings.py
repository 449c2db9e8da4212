"""Free text beside values: what may change them is never passed over, and what can't is."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.clock import CLOCK
from bridge.events import Point
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options, parse_columns
from bridge.publishing.sources.tables.photometry import read_photometry
from bridge.publishing.sources.tables.texts import neutral

CHANGED = """Magnitudes have been shifted by +0.2 to match ZTF
times start at noon
zero point not applied
raw instrumental values
Nicht kalibriert
tiempo local de Chile
interstellar extinction removed
values taken from the plot by eye
only approximate values
errors x10
error is the full width
errors in percent
multiply errors by 2
errors are 90% confidence
uncertainties are 2-sigma
mag is -2.5 log counts
brightness in mJy
B and V columns are swapped
do not publish
embargoed until 2030
this is for the host nucleus
not the SN
last point is for SN 2023xyz
the second night is bad, clouds
data of SN 2020abc for testing
artificial data
simulated
superseded by version 2
TAI seconds
clock was 2 minutes slow
UT = LT - 8
UT+1
phase-folded
detrended
mean magnitude removed
magnitudes relative to comparison star
zero point is arbitrary
smoothed with a 5 point window
quality: poor
magnitudes in the rest frame
corrected to 10 pc
MJD minus 2400000
Zeitangaben in Lokalzeit
heures en temps local
contaminated by nearby star
saturated
exposure midtimes not corrected
date is the date of reduction
JD of start of night
GPS time
mags in ST system
flux ratio
quiescent level subtracted
K corrections applied
m(var) - m(comp)
x = mag + 0.5
+0.35
x10
zeropoint 25
units 0.001 mag
M_B
HKT
DST in effect
MJD here is HMJD
time is LST
mags are per square arcsec
O-C
the fainter component of the pair
companion
comparison star of SN 2023ixf
outside the atmosphere
h after sunset
end of exposure
時刻は日本標準時
luptitudes
bogus
""".splitlines()
AS_IT_IS = """SN 2023abc light curve
Observers: A. Smith, B. Jones
MJD is UTC at mid exposure
AB magnitudes
Calibrated against Pan-STARRS DR2
PSF photometry with DAOPHOT
Host galaxy template subtracted with HOTPANTS
Magnitudes are not corrected for Galactic extinction
uncertainties are 1 sigma
bias, dark and flat corrected
Comparison star: 000-BJX-123, V=13.2
doi:10.1234/abc.567
Contact: jane@example.org
redshift z=0.02
columns: mjd, mag, err, filter
Software: AstroImageJ 5.1
difference imaging photometry
Table 2 of Doe et al. (2024)
end of file
host galaxy not subtracted
errors do not include the zero point error of 0.05
Zero point from APASS DR10
3 x 60 s per point
Observed during full moon
Telescope: NOT
Photometry of SN 2023ixf by J. Doe
See Doe et al. 2024, ApJ, 900, 12
created 2024-01-02 10:11:12 by lcgen 1.2
Template subtracted (PS1)
BVRI in Vega, ugriz in AB
RA = 12:34:56.7 Dec = +12:34:56
We thank the staff of Las Campanas Observatory
The magnitudes have not been corrected for Galactic or host extinction
uncertainties are statistical only
Type Ia supernova, classified by ePESSTO+
Coordinates: 10:11:12.3 -45:46:47
Distance = 23 Mpc
Site: the roof of my house
times in UTC+0
-------------""".splitlines()
ROW = "60341.2,18.2,0.1,V"


def read(tmp_path: Path, text: str, columns: str = "") -> list[Point]:
    (path := tmp_path / "table.csv").write_text(text)
    options = Options(columns=parse_columns(columns) if columns else {})
    return [point for point in read_photometry(path, options).datums if isinstance(point, Point)]


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(SourceError) as error:
        read(tmp_path, text)
    return error.value.problems[0]


@pytest.mark.parametrize("comment", CHANGED)
def test_a_comment_that_may_change_values_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    for text in (f"# {comment}\nmjd,mag,err,filter\n{ROW}\n", f"mjd,mag,err,filter\n{ROW}\n# {comment}\n"):
        assert "a comment says" in refused(tmp_path, text)


@pytest.mark.parametrize("comment", AS_IT_IS)
def test_a_comment_that_changes_nothing_is_no_obstacle(tmp_path: Path, comment: str) -> None:
    (point,) = read(tmp_path, f"# {comment}\nmjd,mag,err,filter\n{ROW}\n")
    assert (point.brightness, point.brightness_error) == (18.2, 0.1)


@given(
    st.sampled_from(["magnitudes", "errors", "times", "fluxes", "mjd", "values", "site", "telescope", "night"]),
    st.text("abcdefghijklmnopqrstuvwxyz", min_size=4, max_size=12),
)
def test_an_unknown_word_in_a_comment_is_never_passed_over(topic: str, word: str) -> None:
    known = frozenset({"mag"})
    found = neutral.not_understood(f"the {topic} are {word}", known)
    assert found in ("", word)
    assert (found == "") == (neutral.not_understood(f"{word} {topic}", known) == "")
    assert (found == "") == (neutral.not_understood(word, known) == "")


def test_a_column_that_is_named_settles_what_a_comment_says_as_the_message_promises(tmp_path: Path) -> None:
    text = f"# magnitudes by the Frobnicator are wobbled\nmjd,mag,err,filter\n{ROW}\n"
    assert "say --columns brightness=" in refused(tmp_path, text)
    assert len(read(tmp_path, text, "brightness=mag")) == 1


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("calibrated", "False"),
        ("diff", "differential"),
        ("time_ref", "barycentric"),
        ("frame", "heliocentric"),
        ("Kcorr", "applied"),
        ("obs_type", "simulated"),
        ("remarks", "u.l."),
        ("kind", "magnitude of the host"),
    ],
)
def test_words_in_a_column_that_may_change_values_are_never_passed_over(tmp_path: Path, name: str, words: str) -> None:
    text = f"mjd,mag,err,filter,{name}\n{ROW},{words}\n"
    assert f"column {name}" in (told := refused(tmp_path, text)).replace("'", "")
    assert f"extra={name}" in told
    (point,) = read(tmp_path, text, f"extra={name}")
    assert point.extra[name] == words


def test_words_in_a_column_that_change_nothing_are_kept(tmp_path: Path) -> None:
    text = f"mjd,mag,err,filter,calibrated,cat,site\n{ROW},True,APASS,bad seeing\n"
    (point,) = read(tmp_path, text)
    assert point.extra == {"calibrated": "True", "cat": "APASS", "site": "bad seeing"}


def test_a_time_to_come_is_refused_with_what_to_do(tmp_path: Path) -> None:
    later: datetime = CLOCK.now() + timedelta(days=2)
    told = refused(tmp_path, f"date,mag,err,filter\n{later:%Y-%m-%dT%H:%M:%S},18.2,0.1,V\n")
    assert "is still to come" in told
    assert "line 2, column date" in told
    just = CLOCK.now() + timedelta(hours=12)
    assert len(read(tmp_path, f"date,mag,err,filter\n{just:%Y-%m-%dT%H:%M:%S},18.2,0.1,V\n")) == 1


def test_whole_julian_dates_are_told_as_whole_days(tmp_path: Path) -> None:
    (path := tmp_path / "table.csv").write_text("JD,mag,err,filter\n2460123,18.2,0.1,V\n2460125,18.3,0.1,V\n")
    assert dict(read_photometry(path).taken)["JD"] == "time: JD, UTC, whole days"


@pytest.mark.parametrize("mark", ["#N/A", "#NA", "#VALUE!", "########", "#DIV/0!"])
def test_a_row_that_begins_with_an_error_of_a_spreadsheet_is_no_comment(tmp_path: Path, mark: str) -> None:
    text = f"err,mjd,mag,filter\n0.1,60341.2,18.2,V\n{mark},60342.2,18.3,V\n0.1,60343.2,18.4,V\n"
    if mark.startswith("#N"):
        assert [point.brightness for point in read(tmp_path, text)] == [18.2, 18.3, 18.4]
    else:
        assert "line 3, column err" in refused(tmp_path, text)


def test_a_comment_that_all_are_limits_is_not_passed_over_beside_one_limit(tmp_path: Path) -> None:
    text = f"# all mags are upper limits\nmjd,mag,err,filter\n{ROW}\n60342.2,>19.5,,V\n"
    assert "not all values are limits" in refused(tmp_path, text)


@pytest.mark.parametrize(
    "note", ["<3 sigma", "3sig", "no detection", "below the limit", "3-sigma", "less than 5 sigma"]
)
def test_a_note_of_few_sigmas_may_say_that_the_value_is_a_limit(tmp_path: Path, note: str) -> None:
    text = f"mjd,mag,err,filter,info\n{ROW},\n60342.2,20.5,,V,{note}\n"
    assert "may say that the value is a limit" in refused(tmp_path, text)


@pytest.mark.parametrize("letters", ["DL", "DU", "dl"])
def test_letters_that_may_stand_for_detections_and_limits_are_refused(tmp_path: Path, letters: str) -> None:
    text = f"mjd,mag,err,filter,D/L\n{ROW},{letters[0]}\n60342.2,20.5,,V,{letters[1]}\n"
    assert "may mark limits" in refused(tmp_path, text)


def test_a_brightness_of_few_millimagnitudes_is_a_difference(tmp_path: Path) -> None:
    assert "a difference" in refused(tmp_path, "mjd,mag (mmag),filter\n60341.2,15.234,V\n")
    (point,) = read(tmp_path, "mjd,mag (mmag),filter\n60341.2,15234,V\n")
    assert point.brightness == 15.234


@pytest.mark.parametrize("name", ["mag*", "mag?", "mag~", "-mag", "<mag>", "mag/lim", "mag or limit"])
def test_a_mark_in_the_name_of_a_brightness_is_never_passed_over(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, f"mjd,{name},err,filter\n{ROW}\n")
    assert refused(tmp_path, f"mjd,{name},filter\n60341.2,18.2,V\n")


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("JD_offset", "2400000"),
        ("t_offset", "0.5"),
        ("scale_factor", "1e-3"),
        ("time_std", "TAI"),
        ("clock", "GPS"),
        ("err_unit", "mmag"),
        ("sign", "-"),
        ("diff_sign", "-1"),
        ("bandshift", "0.1"),
        ("filter2", "B"),
        ("orig_filter", "B"),
        ("converted_from", "g"),
        ("extrapolated", "1"),
        ("object_type", "comparison"),
        ("image_type", "template"),
        ("verified", "no"),
        ("public", "no"),
        ("proprietary", "yes"),
    ],
)
def test_a_column_that_may_change_what_values_are_is_never_kept_in_silence(
    tmp_path: Path, name: str, cell: str
) -> None:
    told = refused(tmp_path, f"mjd,mag,err,filter,{name}\n{ROW},{cell}\n")
    assert name in told or "no row holds a measurement" in told or "left out" in told


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("ra_offset", "0.5"),
        ("t_offset", "0"),
        ("err_unit", "mag"),
        ("diff_sign", "1"),
        ("filter2", "V"),
        ("object_type", "SN Ia"),
        ("public", "yes"),
        ("proprietary", "no"),
        ("timescale", "UTC"),
        ("verified", "yes"),
    ],
)
def test_a_column_that_changes_nothing_is_kept(tmp_path: Path, name: str, cell: str) -> None:
    (point,) = read(tmp_path, f"mjd,mag,err,filter,{name}\n{ROW},{cell}\n")
    assert (point.brightness, point.bandpass) == (18.2, "V")
