"""Notes, marks and keywords beside the values: understood, known to change nothing, or refused."""

from io import BytesIO, StringIO
from pathlib import Path

import pytest
from astropy.io import fits
from astropy.table import Table
from parts.tables import points, problems

from bridge.events import Position, Spectrum
from bridge.publishing.sources.errors import SourceError
from bridge.publishing.sources.tables.elements.options import Options, parse_columns
from bridge.publishing.sources.tables.positions import read_positions
from bridge.publishing.sources.tables.spectrum import read_spectrum

FLAM = "erg / (Angstrom s cm2)"
MAGNITUDES = ("17.123", "17.456", "18.012", "18.104")


def table(name: str, *cells: str, bandpass: str = "r") -> str:
    """Return four points with a column beside them."""
    told = cells if len(cells) == 4 else ("", "", *cells, "")
    rows = zip(range(60080, 60084), MAGNITUDES, told, strict=True)
    return f"mjd,mag,err,filter,{name}\n" + "".join(f"{day}.3,{mag},0.02,{bandpass},{x}\n" for day, mag, x in rows)


@pytest.mark.parametrize("name", ["notes", "備考", "oddity"])
@pytest.mark.parametrize(
    "note",
    [
        "n.d.",
        "as above",
        "the other star",
        "mean of two",
        "g?",
        "(a)",
        "low S/N",
        "calibrated with B",
        "no det.",
        "LL",
        "X",
        "!",
        "???",
        "dubious",
        "marginal",
        "trailed",
        "blended w/ host",
        "ditto",
        "B really",
        "oculto",
        "nicht gesehen",
        "未検出",
        "time approximate",
        "filter wheel stuck on g",
        "from plot",
        "v. poor",
    ],
)
def test_a_note_that_is_not_understood_is_never_passed_over(tmp_path: Path, name: str, note: str) -> None:
    text = table(name, note)
    (problem,) = problems(tmp_path, text)
    assert f"extra={name}" in problem
    assert len(points(tmp_path, text, columns=f"extra={name}")) == 4


@pytest.mark.parametrize("note", ["2", "+0.1"])
def test_a_number_in_a_column_of_notes_may_be_a_footnote(tmp_path: Path, note: str) -> None:
    assert "extra=notes" in problems(tmp_path, table("notes", note))[0]


@pytest.mark.parametrize("note", ["J. Doe", "thin clouds", "seeing 2.1 arcsec", "full moon", "windy", "bad seeing"])
def test_a_note_on_the_sky_or_the_observer_is_kept(tmp_path: Path, note: str) -> None:
    assert [point.extra.get("notes") for point in points(tmp_path, table("notes", note))] == [None, None, note, None]


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("calib", ("inst",) * 4),
        ("method", ("PSF", "PSF", "GP interpolation", "PSF")),
        ("ref", ("model fit",) * 4),
        ("verdict", ("ok", "ok", "ghost", "ok")),
        ("image", ("diff", "diff", "ref", "diff")),
        ("component", ("A", "B", "A", "B")),
        ("applied", ("no",) * 4),
        ("Av_applied", ("yes",) * 4),
        ("add", ("0.3",) * 4),
        ("corr", ("-0.21",) * 4),
        ("mult", ("-1",) * 4),
        ("dst", ("1",) * 4),
        ("selected", ("1", "1", "0", "1")),
        ("cal", ("1", "1", "0", "1")),
        ("sat", ("0", "0", "1", "0")),
        ("nbad", ("0", "0", "50", "0")),
        ("f", ("0", "0", "4", "0")),
    ],
)
def test_a_column_that_may_say_that_values_are_not_as_measured_is_never_kept_in_silence(
    tmp_path: Path, name: str, cells: tuple[str, ...]
) -> None:
    assert name in problems(tmp_path, table(name, *cells))[0]
    assert len(points(tmp_path, table(name, *cells), columns=f"extra={name}")) == 4


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("visit", ("0", "0", "1", "0")),
        ("ccd", ("0", "0", "1", "0")),
        ("seq", ("0", "1", "2", "3")),
        ("hjd_corr", ("0.003",) * 4),
        ("Av_applied", ("no",) * 4),
        ("site", ("lsc", "cpt", "lsc", "coj")),
    ],
)
def test_a_column_that_marks_nothing_is_kept(tmp_path: Path, name: str, cells: tuple[str, ...]) -> None:
    assert [str(point.extra[name]) for point in points(tmp_path, table(name, *cells))] == [*cells]


@pytest.mark.parametrize("band", ["g-r", "r*", "r?", "r lim", "r_model", "r_abs", "rest r", "Δr", "host r"])
def test_a_filter_that_says_more_than_a_filter_is_refused(tmp_path: Path, band: str) -> None:
    text = table("n", "3", "3", "3", "3", bandpass=band)
    assert "Write the filter alone" in problems(tmp_path, text)[0]
    assert {point.bandpass for point in points(tmp_path, text, columns="bandpass=filter")} == {band}


@pytest.mark.parametrize("band", ["r-ZTF", "V-band", "F606W", "r'", "0.3-10keV", "Gaia G", "Vis."])
def test_a_filter_by_any_usual_name_is_taken(tmp_path: Path, band: str) -> None:
    text = table("n", "3", "3", "3", "3", bandpass=band)
    assert {point.bandpass for point in points(tmp_path, text)} == {band}


# -- spectra -----------------------------------------------------------------------------------------------------------


def spectrum(folder: Path, content: str | bytes, **given: str) -> Spectrum:
    (path := folder / "spectrum").write_bytes(content if isinstance(content, bytes) else content.encode())
    (found,) = read_spectrum(path, Options(given=given)).datums
    assert isinstance(found, Spectrum)
    return found


def image(**cards: object) -> bytes:
    axis = {"CTYPE1": "WAVE", "CRVAL1": 4000.0, "CDELT1": 2.0, "CUNIT1": "Angstrom", "BUNIT": FLAM}
    header = fits.Header({**axis, "DATE-OBS": "2023-05-20T01:02:03", **cards})
    fits.PrimaryHDU([1e-15, 2e-15, 1e-15], header=header).writeto(content := BytesIO())
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPECSYS", "SOURCE"), ("REST", True), ("ZCORR", True), ("NORM", True), ("FLUXCAL", "UNCALIBRATED"),
        ("CALIB", "none"), ("OBSTYPE", "arc"), ("IMAGETYP", "SKY"), ("DATATYPE", "model"), ("EXTNAME", "IVAR"),
        ("QUALITY", "bad"), ("UNITS", "1e-16"), ("MULTFACT", 1e15), ("HISTORY", "dopcor: z=0.1"),
        ("HISTORY", "corrected to rest"), ("WAT1_001", "wtype=linear units=nm"),
    ],
)  # fmt: skip
def test_a_keyword_that_says_that_a_spectrum_is_another_is_refused(tmp_path: Path, name: str, value: object) -> None:
    with pytest.raises(SourceError) as caught:
        spectrum(tmp_path, image(**{name: value}))
    assert "the header says" in caught.value.problems[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SPECSYS", "BARYCENT"), ("REST", False), ("ZCORR", "omit"), ("FLUXCAL", "ABSOLUTE"), ("OBSTYPE", "object"),
        ("IMAGETYP", "science"), ("QUALITY", "good"), ("REDSHIFT", 0.1), ("PIXSCALE", 0.3), ("HISTORY", "flat fielded"),
    ],
)  # fmt: skip
def test_a_keyword_that_changes_nothing_is_no_obstacle(tmp_path: Path, name: str, value: object) -> None:
    assert spectrum(tmp_path, image(**{name: value})).flux == (1e-15, 2e-15, 1e-15)


SAID = {"wavelength_unit": "Angstrom", "flux_unit": FLAM}
HEAD = "# DATE-OBS = 2023-05-20T01:02:03\n"


@pytest.mark.parametrize(
    "comment",
    [
        "rest",
        "v = 0",
        "continuum = 1",
        "microns",
        "F_nu",
        "counts/s",
        "mangled",
        "lambda/(1+z)",
        "km/s",
        "host spectrum",
        "sum of exposures",
        "spectrum of the comparison star",
        "this is the standard star",
        "average of the two spectra",
        "nuFnu",
        "magnitudes",
        "sens func not applied",
        "units of 1e-15",
        "model",
        "inverse",
    ],
)
def test_a_comment_on_a_spectrum_that_is_not_understood_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    with pytest.raises(SourceError) as caught:
        spectrum(tmp_path, f"# {comment}\n{HEAD}4000 1e-15\n4002 2e-15\n", **SAID)
    assert "a comment says" in caught.value.problems[0]


@pytest.mark.parametrize(
    "comment",
    [
        "Grating R400B",
        "air wavelengths",
        "cosmic rays removed",
        "slit 1.0 arcsec",
        "telluric lines not removed",
        "extracted with a 3 arcsec aperture",
        "Flux calibrated with standard Feige 34",
        "OBJECT = SN 2023x",
    ],
)
def test_a_comment_that_changes_nothing_is_no_header_and_no_obstacle(tmp_path: Path, comment: str) -> None:
    assert spectrum(tmp_path, f"{HEAD}# {comment}\n4000 1e-15\n4002 2e-15\n", **SAID).flux == (1e-15, 2e-15)


@pytest.mark.parametrize(
    ("name", "cells"),
    [("telluric", ("0", "1", "0")), ("corr", ("1.1",) * 3), ("object", ("a", "b", "b")), ("note", ("", "interp", ""))],
)
def test_a_column_beside_a_spectrum_is_looked_at_before_it_is_left_out(
    tmp_path: Path, name: str, cells: tuple[str, ...]
) -> None:
    rows = "".join(f"{4000 + 2 * number},1e-15,{cell}\n" for number, cell in enumerate(cells))
    with pytest.raises(SourceError) as caught:
        spectrum(tmp_path, f"{HEAD}wavelength,flux,{name}\n{rows}", **SAID)
    assert name in caught.value.problems[0]


def test_a_flux_of_minus_999_among_small_ones_is_none(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        spectrum(tmp_path, f"{HEAD}wavelength,flux\n4000,1e-15\n4002,-999\n4004,1e-15\n", **SAID)
    assert "leave the cell empty" in caught.value.problems[0]


# -- positions ---------------------------------------------------------------------------------------------------------


def positions(folder: Path, text: str, columns: str = "") -> list[Position]:
    (path := folder / "table.csv").write_text(text)
    options = Options(columns=parse_columns(columns) if columns else {})
    return [one for one in read_positions(path, options).datums if isinstance(one, Position)]


@pytest.mark.parametrize(
    ("name", "cell"),
    [
        ("radecsys", "FK4"),
        ("system", "apparent"),
        ("type", "predicted"),
        ("center", "host"),
        ("unit", "hours"),
        ("ra_bias", "0.3"),
        ("note", "dubious"),
        ("offset_ra", "0.3"),
    ],
)
def test_a_column_that_may_say_that_positions_are_others_is_never_kept_in_silence(
    tmp_path: Path, name: str, cell: str
) -> None:
    with pytest.raises(SourceError) as caught:
        positions(tmp_path, f"mjd,ra,dec,{name}\n60080.3,187.7,12.4,{cell}\n60081.3,187.7,12.4,{cell}\n")
    assert name in caught.value.problems[0]


@pytest.mark.parametrize(
    "comment",
    [
        "l, b",
        "radians",
        "offsets from the nucleus",
        "RA*cos(dec)",
        "boresight",
        "AltAz",
        "True equator",
        "B1875",
        "FK5 equinox 1975",
        "J1991.25",
        "host",
        "comparison star",
        "plate coordinates",
        "JPL Horizons",
        "geocentric",
    ],
)
def test_a_comment_on_positions_that_is_not_understood_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    with pytest.raises(SourceError):
        positions(tmp_path, f"# {comment}\nmjd,ra,dec\n60080.3,187.7,12.4\n")


@pytest.mark.parametrize("comment", ["ICRS", "equinox J2000", "Gaia DR3 reference stars", "observatory code 568"])
def test_a_comment_that_changes_no_position_is_no_obstacle(tmp_path: Path, comment: str) -> None:
    assert positions(tmp_path, f"# {comment}\nmjd,ra,dec\n60080.3,187.7,12.4\n")[0].ra == 187.7


def test_hours_in_a_column_of_degrees_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        positions(tmp_path, "mjd,ra (deg),dec\n60080.3,12:30:49.4,+12:23:28\n")
    assert "mend one" in caught.value.problems[0]


# -- what is stated of a table in words that are harmless alone, by descriptions and by keywords -----------------------


@pytest.mark.parametrize(
    "comment",
    [
        "The target is the comparison star and the comparison is the target",
        "These are the magnitudes of the sky background",
        "Magnitudes are above the sky",
        "Errors are the ratio of noise to signal",
        "Dates are the dates of the paper",
        "time is of the first of the 50 images",
        "values are of the template image",
        "values are the difference to the first image",
        "system is as the template",
        "The r is the i",
        "from B and R",
        "catalogue V, no filter",
        "calculated from the spectrum",
        "median magnitudes of all the nights at the mean time",
        "AB to Vega applied",
        "magnitudes are AB, zero points Vega",
        "Beijing Time at the start",
        "Copy of the data of SN 2020xyz",
        "units: see paper",
        "Values Were Doubled here",
        "Times are Local at the observatory",
        "Note: Preliminary Inverted Sign",
    ],
)
def test_a_statement_on_values_in_harmless_words_is_never_passed_over(tmp_path: Path, comment: str) -> None:
    assert "a comment says" in problems(tmp_path, f"# {comment}\n{table('n', '3', '3', '3', '3')}")[0]


@pytest.mark.parametrize(
    "comment",
    [
        "MJD is the middle of the exposure",
        "Magnitudes are calibrated against the comparison stars",
        "The uncertainties include the scatter of the comparison stars",
        "All times are in Universal Time",
        "template images from PS1 were used for subtraction",
        "Magnitudes are in the Vega system",
        "(This table is available in its entirety in machine-readable form.)",
        "Observer: R. Smith, Bronberg Observatory",
        "transformed to the standard system",
    ],
)
def test_a_statement_that_says_what_is_assumed_anyway_is_no_obstacle(tmp_path: Path, comment: str) -> None:
    assert len(points(tmp_path, f"# {comment}\n{table('n', '3', '3', '3', '3')}")) == 4


def described(column: str, text: str, **meta: object) -> str:
    """Return two points as ECSV, with a description of a column and further entries in the head."""
    columns = {"mjd": [60080.3, 60081.3], "mag": [17.1, 17.2], "mag_err": [0.02, 0.03], "filter": ["r", "r"]}
    made = Table(columns, meta=meta)
    made[column].description = text
    made.write(written := StringIO(), format="ascii.ecsv")
    return written.getvalue()


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("mag", "magnitude minus 25"),
        ("mag", "host magnitude"),
        ("mag", "model magnitude"),
        ("mag", "limiting magnitude of the image"),
        ("mag", "sky brightness"),
        ("mag", "mag at rest"),
        ("mag", "mag of comparison star"),
        ("mjd", "start of night"),
        ("mjd", "MJD of the reference image"),
        ("mjd", "date of discovery"),
        ("mjd", "local time as MJD"),
        ("mjd", "JD-2400000"),
        ("mag_err", "variance"),
        ("mag_err", "error in percent"),
        ("filter", "nominal filter, all images clear"),
    ],
)
def test_a_description_of_a_column_is_understood_or_refused(tmp_path: Path, column: str, text: str) -> None:
    assert repr(text) in problems(tmp_path, described(column, text))[0]


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("mag", "PSF magnitude"),
        ("mag", "Apparent magnitude in the r band (AB)"),
        ("mjd", "Modified Julian Date of mid-exposure (UTC)"),
        ("mjd", "JD - 2400000.5"),
        ("mag_err", "Uncertainty in mag, 1 sigma"),
        ("filter", "Photometric filter"),
    ],
)
def test_a_description_that_says_what_the_name_says_is_no_obstacle(tmp_path: Path, column: str, text: str) -> None:
    assert len(points(tmp_path, described(column, text))) == 2


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("zone", "JST"), ("note", "from a model"), ("kind", "differential"), ("units", "mmag"), ("private", True),
        ("mag_off", 0.3), ("corrected", "yes"), ("calib", False), ("object", "host galaxy"), ("filter", "g"),
    ],
)  # fmt: skip
def test_a_keyword_that_may_change_a_tables_values_is_refused(tmp_path: Path, name: str, value: object) -> None:
    header = fits.Header({name.upper(): value})
    columns = [
        fits.Column(name="mjd", format="D", array=[60080.3, 60081.3]),
        fits.Column(name="mag", format="D", array=[17.1, 17.2]),
        fits.Column(name="filter", format="2A", array=["r", "r"]),
    ]
    fits.BinTableHDU.from_columns(columns, header=header).writeto(content := BytesIO())
    assert "the head says" in problems(tmp_path, content.getvalue())[0]
    plain = BytesIO()
    fits.BinTableHDU.from_columns(columns, header=fits.Header({"OBJECT": "SN 2023x", "SITE": "x"})).writeto(plain)
    assert len(points(tmp_path, plain.getvalue())) == 2


def test_a_comment_that_somebody_added_to_a_surveys_table_is_looked_at_too(tmp_path: Path) -> None:
    head = "###MJD m dm uJy duJy F err chi/N RA Dec x y maj min phi apfit mag5sig Sky Obs\n"
    row = "60080.3 17.1 0.02 500 10 o 0 1.0 123.4 -12.3 1 2 3 3 0 -0.4 19.5 20.1 01a\n"
    assert len(points(tmp_path, f"{head}{row}")) == 1
    for comment in ("mags shifted by 1", "times are HMJD", "all limits", "wobbled"):
        assert "remove the comment" in problems(tmp_path, f"{head}{row}# {comment}\n")[0]
