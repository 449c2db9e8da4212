"""Measured positions: in degrees, in ICRS or J2000, with errors in a unit; or refused."""

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from astropy.coordinates import SkyCoord
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.events import Position
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options, parse_columns
from bridge.publishing.sources.tables.positions import read_positions

MOMENT = datetime(2020, 5, 31, 2, 24, tzinfo=UTC)


def positions(folder: Path, text: str, *, columns: str = "") -> tuple[Position, ...]:
    (folder / "table.csv").write_text(text)
    said = parse_columns(columns) if columns else {}
    found = read_positions(folder / "table.csv", Options(columns=said)).datums
    return tuple(one for one in found if isinstance(one, Position))


def refused(folder: Path, text: str) -> str:
    with pytest.raises(SourceError) as caught:
        positions(folder, text)
    return "\n".join((str(caught.value), *caught.value.problems))


def test_positions_have_their_times_errors_and_further_values(tmp_path: Path) -> None:
    text = (
        "mjd,ra,dec,ra_err (arcsec),dec_err (mas),telescope,mag\n59000.1,210.5,-3.25,0.1,90,NOT,18.2\n"
        "59001.1,210.6,-3.26,,,NOT,\n"
    )
    first, second = positions(tmp_path, text)
    assert first == Position(
        timestamp=MOMENT,
        ra=210.5,
        dec=-3.25,
        ra_error=0.1,
        dec_error=90,
        ra_error_units="arcsec",
        dec_error_units="mas",
        telescope="NOT",
        extra={"mag": 18.2},
    )
    assert (second.ra_error, second.extra) == (None, {})


def sexagesimal(sky: SkyCoord, sep: str) -> tuple[str, str]:
    return (
        str(sky.ra.to_string("hourangle", sep=sep, precision=7, pad=True)),
        str(sky.dec.to_string("deg", sep=sep, precision=6, pad=True)),
    )


WAYS = {
    "deg": ("ra (deg)", "dec (deg)", lambda sky: (f"{sky.ra.deg:.9f}", f"{sky.dec.deg:.9f}")),
    "VizieR": ("RAJ2000_deg", "DEJ2000_deg", lambda sky: (f"{sky.ra.deg:.9f}", f"{sky.dec.deg:.9f}")),
    "hours": ("ra (h)", "dec (deg)", lambda sky: (f"{sky.ra.hour:.10f}", f"{sky.dec.deg:.9f}")),
    "colons": ("RA", "Dec", lambda sky: sexagesimal(sky, ":")),
    "letters": ("ra", "dec", lambda sky: sexagesimal(sky, "fromunit")),
    "blanks": ("RA (J2000)", "Dec (J2000)", lambda sky: sexagesimal(sky, " ")),
    "radians": ("ra (rad)", "dec (rad)", lambda sky: (f"{sky.ra.rad:.12f}", f"{sky.dec.rad:.12f}")),
}


@settings(max_examples=80, deadline=None)
@given(st.floats(0, 359.9), st.floats(-89.9, 89.9), st.sampled_from(sorted(WAYS)))
def test_a_position_is_right_however_it_is_written(ra: float, dec: float, way: str) -> None:
    first, second, write = WAYS[way]
    cells = write(SkyCoord(ra, dec, unit="deg"))
    with TemporaryDirectory() as folder:
        (found,) = positions(Path(folder), f"mjd;{first};{second}\n59000.1;{cells[0]};{cells[1]}\n")
    assert abs(found.ra - ra) < 1e-8
    assert abs(found.dec - dec) < 1e-8


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("mjd,ra,dec\n59000.1,10.5,-3.2\n", "may be in hours or degrees"),
        ("mjd,ra (deg),dec,ra_err\n59000.1,10.5,-3.2,0.1\n", "error without a unit"),
        ("mjd,ra (B1950),dec\n59000.1,210.5,-3.2\n", "ICRS or J2000"),
        ("mjd,ra,dec,equinox\n59000.1,210.5,-3.2,1950\n", "ICRS or J2000"),
        ("# positions of date\nmjd,ra,dec\n59000.1,210.5,-3.2\n", "ICRS or J2000"),
        ("mjd,ra,mag\n59000.1,210.5,-3.2\n", "no column holds the dec"),
        ("bjd,ra,dec\n2459000.1,210.5,-3.2\n", "no UTC"),
        ("mjd,ra,dec\n59000.1,410.5,-3.2\n", "ra"),
        ("mjd,ra,dec\n59000.1,210.5,south\n", "'south' is no dec"),
        ("mjd,ra,ra_deg,dec\n59000.1,210.5,210.5,1\n", "may both be the ra"),
        ("mjd,ra,dec,object\n59000.1,210.5,1,A\n59000.2,210.5,1,B\n", "publish one target at a time"),
        ("mjd,ra,dec,ra_err (arcsec)\n59000.1,210.5,1,-1\n", "no error"),
    ],
)
def test_what_is_not_clear_is_refused_with_what_to_do(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text)


def test_columns_can_be_said(tmp_path: Path) -> None:
    text = "mjd,alpha1,delta1\n59000.1,210.5,1\n"
    (found,) = positions(tmp_path, text, columns="ra=alpha1,dec=delta1")
    assert (found.ra, found.dec) == (210.5, 1)


@pytest.mark.parametrize("minus", ["-", "\u2212", "\u2013"])
@pytest.mark.parametrize("dec", ["{}00:30:00", "{}0.5"])
def test_a_minus_is_one_however_it_is_printed(tmp_path: Path, minus: str, dec: str) -> None:
    (found,) = positions(tmp_path, f"mjd,ra,dec\n59000.1,150.5,{dec.format(minus)}\n")
    assert found.dec == pytest.approx(-0.5)


@given(
    hours=st.integers(0, 23), degrees=st.integers(0, 89), minutes=st.integers(0, 59), seconds=st.integers(0, 599),
    sign=st.sampled_from("+-"), apart=st.booleans(),
)  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_positions_in_the_parts_of_the_cds_keep_their_sign(
    hours: int, degrees: int, minutes: int, seconds: int, sign: str, *, apart: bool
) -> None:
    second = f"{seconds / 10:.1f}"
    names = "RAh,RAm,RAs,DE-,DEd,DEm,DEs" if apart else "RAh,RAm,RAs,DEd,DEm,DEs"
    dec = f"{sign},{degrees}" if apart else f"{sign}{degrees}"
    with TemporaryDirectory() as folder:
        text = f"mjd,{names}\n59000.1,{hours},{minutes},{second},{dec},{minutes},{second}\n"
        (found,) = positions(Path(folder), text)
    right = SkyCoord(f"{hours}h{minutes}m{second}s", f"{sign}{degrees}d{minutes}m{second}s")
    assert found.ra == pytest.approx(right.ra.deg, abs=1e-9)
    assert found.dec == pytest.approx(right.dec.deg, abs=1e-9)


def test_a_declination_that_lost_its_sign_is_refused(tmp_path: Path) -> None:
    assert "has no sign" in refused(tmp_path, "mjd,RAh,RAm,RAs,DEd,DEm,DEs\n59000.1,10,11,12.3,0,21,22.3\n")


def test_positions_of_the_minor_planet_center_have_errors_in_arcsec(tmp_path: Path) -> None:
    text = (
        "# version=2017\n# observatory\n! mpcCode 000\n"
        "permID |provID  |stn |obsTime             |ra   |dec  |rmsRA|rmsDec\n"
        "       |2020 KB |000 |2020-05-31T02:24:00Z|210.5|-3.25|0.1  |0.2\n"
    )
    (found,) = positions(tmp_path, text)
    assert (found.ra, found.dec, found.ra_error, found.ra_error_units) == (210.5, -3.25, 0.1, "arcsec")
    assert "without a unit of angle" in refused(tmp_path, "mjd,ra,dec,rmsRA\n59000.1,210.5,-3.25,0.1\n")


@pytest.mark.parametrize("comment", ["FK4 positions", "equinox of date", "B1950"])
def test_a_comment_on_another_frame_is_refused(tmp_path: Path, comment: str) -> None:
    assert "not in ICRS" in refused(tmp_path, f"# {comment}\nmjd,ra,dec\n59000.1,210.5,-3.25\n")


def test_a_sign_in_a_column_of_its_own_is_refused(tmp_path: Path) -> None:
    assert "holds signs" in refused(tmp_path, "mjd,ra,sign,dec\n59000.1,210.5,-,3.25\n")


@pytest.mark.parametrize("names", ["l,b", "glon,glat", "elon,elat", "RA1950,DE1950", "ra_b1950,dec_b1950"])
def test_no_advice_leads_to_publish_another_frame(tmp_path: Path, names: str) -> None:
    told = refused(tmp_path, f"mjd,{names}\n59000.1,210.5,-3.25\n")
    assert "not in ICRS" in told
    assert "--columns" not in told
