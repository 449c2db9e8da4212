"""One table in every format that people use: what is read is the same."""

import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from astropy import units as u
from astropy.io.votable import from_table
from astropy.io.votable.tree import TimeSys
from astropy.table import MaskedColumn, Table
from astropy.time import Time
from parts.tables import DATA, points, problems, reading, right_or_refused

from bridge.errors import ConfigurationError
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements import astro
from bridge.publishing.sources.tables.elements.options import Options
from bridge.publishing.sources.tables.photometry import read_photometry

RIGHT = [
    (datetime(2020, 5, 31, 2, 57, 7, 200_000, tzinfo=UTC), "g", 18.25, 0.05, None),
    (datetime(2020, 6, 1, 2, 57, 7, 200_000, tzinfo=UTC), "r", None, None, 20.5),
]


def table() -> Table:
    found = Table()
    found["mjd"] = [59000.123, 59001.123] * u.d
    found["mag"] = MaskedColumn([18.25, 0], mask=[False, True], unit=u.mag)
    found["mag_err"] = MaskedColumn([0.05, 0], mask=[False, True], unit=u.mag)
    found["filter"] = ["g", "r"]
    found["limit"] = MaskedColumn([0, 20.5], mask=[True, False], unit=u.mag)
    return found


def written(fmt: str, **options: object) -> bytes:
    if fmt in ("fits", "votable"):
        binary = BytesIO()
        table().write(binary, format=fmt, **options)
        return binary.getvalue()
    text, found = StringIO(), table()
    if fmt == "aastex":  # astropy doesn't read the units back that it writes
        for name in found.colnames:
            found[name].unit = None
    found.write(text, format=f"ascii.{fmt}", **options)
    return text.getvalue().encode()


FORMATS: dict[str, Callable[[], bytes]] = {
    "CSV": lambda: written("csv"),
    "CSV with ;": lambda: written("csv", delimiter=";"),
    "tabs": lambda: written("tab"),
    "ECSV": lambda: written("ecsv"),
    "ECSV with commas": lambda: written("ecsv", delimiter=","),
    "IPAC": lambda: written("ipac"),
    "fixed width": lambda: written("fixed_width"),
    "fixed width, two lines": lambda: written("fixed_width_two_line"),
    "reStructuredText": lambda: written("rst"),
    "LaTeX": lambda: written("latex"),
    "AASTeX": lambda: written("aastex"),
    "machine-readable": lambda: written("mrt"),
    "FITS": lambda: written("fits"),
    "VOTable": lambda: written("votable"),
    "commented header": lambda: written("commented_header", delimiter=","),
    "byte-order mark": lambda: b"\xef\xbb\xbf" + written("csv"),
    "Windows": lambda: written("csv").replace(b"\n", b"\r\n"),
    "UTF-16": lambda: written("csv").decode().encode("utf-16"),
    "decimal commas": lambda: written("csv", delimiter=";").replace(b".", b","),
    "row of units": lambda: written("csv").replace(b"\n", b"\nd,mag,mag,,mag\n", 1),
    "row of units in brackets": lambda: written("csv").replace(b"\n", b"\n[d],[mag],[mag],,[mag]\n", 1),
    "VizieR": lambda: written("tab").replace(b"\n", b"\nd\tmag\tmag\t\tmag\n---\t---\t---\t---\t---\n", 1),
    "psql": lambda: (
        b" mjd | mag | mag_err | filter | limit \n-----+-----+---------+--------+-------\n"
        b" 59000.123 | 18.25 | 0.05 | g | \n 59001.123 |  |  | r | 20.5\n(2 rows)\n".replace(b"(2 rows)\n", b"")
    ),
    "Markdown": lambda: (
        b"| mjd | mag | mag_err | filter | limit |\n|---|---|---|---|---|\n| 59000.123 | 18.25 | 0.05 | g | |\n"
        b"| 59001.123 | | | r | 20.5 |\n"
    ),
    "JSON": lambda: (
        b'[{"mjd": 59000.123, "mag": 18.25, "mag_err": 0.05, "filter": "g", "limit": null},'
        b'{"mjd": 59001.123, "mag": null, "filter": "r", "limit": 20.5}]'
    ),
    "title": lambda: b"My light curve\n" + written("csv"),
    "comments": lambda: b"# made by my pipeline\n\n" + written("csv"),
}


@pytest.mark.parametrize("fmt", FORMATS)
def test_the_same_table_is_the_same_in_every_format(tmp_path: Path, fmt: str) -> None:
    found = points(tmp_path, FORMATS[fmt]())
    values = [
        (point.timestamp, point.bandpass, point.brightness, point.brightness_error, point.limit) for point in found
    ]
    assert values == RIGHT
    assert {point.unit for point in found} == {""}


def test_a_number_of_single_precision_is_what_it_was_written_as(tmp_path: Path) -> None:
    single = table()
    single["mag"] = single["mag"].astype("f4")
    binary = BytesIO()
    single.write(binary, format="fits")
    assert points(tmp_path, binary.getvalue())[0].brightness == 18.25


@pytest.mark.parametrize("scale", ["utc", "tt", "tai", "tdb"])
def test_the_scale_that_an_ecsv_file_tells_is_converted(tmp_path: Path, scale: str) -> None:
    utc = Time([59000.123, 59001.123], format="mjd", scale="utc")
    found = table()
    found.remove_column("mjd")
    found["time"] = getattr(utc, scale)
    text = StringIO()
    found.write(text, format="ascii.ecsv")
    assert [point.timestamp for point in points(tmp_path, text.getvalue())] == [moment for moment, *_ in RIGHT]


def test_a_scale_that_is_not_the_observatorys_is_refused_in_ecsv(tmp_path: Path) -> None:
    found = table()
    found["mjd"] = Time([59000.123, 59001.123], format="mjd", scale="tcb")
    text = StringIO()
    found.write(text, format="ascii.ecsv")
    with pytest.raises(SourceError, match="tcb"):
        points(tmp_path, text.getvalue())


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ({"TIMESYS": "TDB"}, "TIMESYS"),
        ({"TREFPOS": "BARYCENTER"}, "BARYCENTER"),
        ({"TIMESYS": "TCB"}, "TIMESYS"),
    ],
)
def test_times_that_a_fits_header_puts_elsewhere_are_refused(tmp_path: Path, cards: dict[str, str], told: str) -> None:
    found = table()
    found.meta.update(cards)
    binary = BytesIO()
    found.write(binary, format="fits")
    (problem,) = problems(tmp_path, binary.getvalue())
    assert told in problem


def test_the_time_system_of_a_fits_header_is_converted(tmp_path: Path) -> None:
    found = table()
    found.meta["TIMESYS"] = "TT"
    found["mjd"] = Time([59000.123, 59001.123], format="mjd").tt.mjd
    binary = BytesIO()
    found.write(binary, format="fits")
    assert [point.timestamp for point in points(tmp_path, binary.getvalue())] == [moment for moment, *_ in RIGHT]


def test_seconds_since_a_reference_in_a_fits_header_are_no_time(tmp_path: Path) -> None:
    found = table()
    found.rename_column("mjd", "TIME")
    found["TIME"].unit = u.s
    found.meta["MJDREF"] = 51910.0
    binary = BytesIO()
    found.write(binary, format="fits")
    assert "span of time" in problems(tmp_path, binary.getvalue())[0]


def test_the_time_system_of_a_votable_is_heeded(tmp_path: Path) -> None:
    binary = BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the version of the file is told when it is written
        votable = from_table(table())
        votable.version = "1.4"
        resource = votable.resources[0]
        resource.time_systems.append(
            TimeSys(
                ID="tcb",
                timeorigin=0.0,
                timescale="TCB",
                refposition="BARYCENTER",
                config={"version_1_4_or_later": True},
            )
        )
        resource.tables[0].fields[0].ref = "tcb"
        votable.to_xml(binary)
    assert b"<TIMESYS" in binary.getvalue()
    assert right_or_refused(tmp_path, binary.getvalue()) is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"mjd;mag;filter\n59000,123;1.234,5;g\n", "is no number"),
        (b"mjd;mag;filter\n59000.123;18,25;g\n", "comma"),
        (b"\xff\xfemjd", "UTF"),
        (b"mjd,mag,filter\n59000.1,18.2\x81,g\n", "UTF-8"),
        (b'{"a": 1}', "no list of records"),
        (b"[1, 2", "JSON"),
        (b"<VOTABLE><broken", "VOTable"),
        (b"SIMPLE  = nonsense", "FITS"),
        (b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: mjd}\nmjd\n1\n", "ECSV"),
    ],
)
def test_what_can_not_be_read_is_refused_by_name_and_reason(tmp_path: Path, content: bytes, told: str) -> None:
    with pytest.raises(SourceError) as caught:
        reading(tmp_path, content)
    assert "table.csv" in str(caught.value)
    assert told in "\n".join((str(caught.value), *caught.value.problems))


def test_a_description_that_puts_times_at_the_sun_is_heeded(tmp_path: Path) -> None:
    found = table()
    found["mjd"].description = "Heliocentric date"
    text = StringIO()
    found.write(text, format="ascii.ecsv")
    (told,) = problems(tmp_path, text.getvalue())
    assert "Heliocentric date" in told


def test_a_description_of_an_error_of_several_sigmas_is_heeded(tmp_path: Path) -> None:
    found = table()
    found["mag_err"].description = "90% confidence"
    text = StringIO()
    found.write(text, format="ascii.ecsv")
    assert "90% confidence" in problems(tmp_path, text.getvalue())[0]


def test_a_missing_astropy_is_one_line_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(astro, "find_spec", lambda _name: None)
    with pytest.raises(ConfigurationError, match=r"pip install 'tom-bridge\[files\]'"):
        read_photometry(DATA / "25b_unit_none.csv", Options())


def test_a_cell_that_reaches_under_a_bar_of_ipac_is_never_cut(tmp_path: Path) -> None:
    head = "|     mjd|   mag|band|\n|  double|double|char|\n"
    (point,) = points(tmp_path, f"{head} 59000.1  17.123 g\n")
    assert point.brightness == 17.123
    with pytest.raises(SourceError, match="under a bar"):
        points(tmp_path, f"{head} 59000.1   17.123 g\n")


def test_columns_of_json_that_differ_in_length_are_no_table(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no list of records"):
        points(tmp_path, '{"mjd":[59000.1,59000.2],"mag":[17.1],"filter":["g"]}')


SEXTRACTOR = """#   1 MJD         Observation date  [d]
#   2 MAG_AUTO    Kron-like elliptical aperture magnitude  [mag]
#   3 MAGERR_AUTO RMS error for AUTO magnitude  [mag]
60341.25 18.2 0.1
"""


def test_a_catalogue_of_sextractor_tells_its_columns_in_comments(tmp_path: Path) -> None:
    (point,) = points(tmp_path, SEXTRACTOR, given={"bandpass": "r"})
    assert (point.brightness, point.brightness_error, point.bandpass) == (18.2, 0.1, "r")
    swapped = SEXTRACTOR.replace("#   2", "#   4")
    with pytest.raises(SourceError):
        points(tmp_path, swapped, given={"bandpass": "r"})


def test_windows_1252_is_read_where_it_is_certain(tmp_path: Path) -> None:
    text = "mjd,mag,filter,Bediener\n60341.25,18.2±0.1,V,Jürgen\n"
    (point,) = points(tmp_path, text.encode("cp1252"))
    assert (point.brightness, point.brightness_error, point.extra) == (18.2, 0.1, {"Bediener": "Jürgen"})


@pytest.mark.parametrize(
    ("word", "encoding"),
    [
        ("время", "cp1251"),
        ("фильтр", "koi8-r"),
        ("時刻", "shift-jis"),
        ("时间", "gbk"),
        ("Wąż", "iso8859-2"),
        ("é", "cp850"),
        ("Nováček", "cp1250"),
    ],
)
def test_text_of_another_code_page_is_no_windows_1252(tmp_path: Path, word: str, encoding: str) -> None:
    text = f"mjd,mag,err,filter,site\n60341.25,18.2,0.1,V,{word}\n"
    assert len(points(tmp_path, text)) == 1
    with pytest.raises(SourceError, match="is no text in UTF-8"):
        points(tmp_path, text.encode(encoding))
